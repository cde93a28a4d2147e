/*
 * ridge.c
 *	  Factors of items of which nothing but features is known: ridge regression.
 *
 * The features are put together in one sparse matrix A, a row for each item, and its transpose,
 * so that a step of conjugate gradients is two products of spmm.c.  Centering is a product of
 * rank one: A is left sparse.
 *
 * Memory: 16 bytes for each feature of each item and 4 RECO_RIDGE_BLOCK floats for each column.
 */
#include "core/content/ridge_parts.h"

#include "core/base/rng.h"
#include "core/base/slab.h"
#include "core/base/team.h"
#include "core/data/parts.h"
#include "core/linear/spmm.h"

/* Steps of one system, and the residual, as a share of the right side, that ends it before. */
#define STEPS 100
#define TOLERANCE 1e-4

/* Items of whom a fifth is left out to choose lambda. */
#define LEAST_ITEMS 20
#define FOLDS 5
#define SEED 20

static const double grid[] = {3, 1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 3e-4, 1e-4, 3e-5, 1e-5};
#define GRID ((int) (sizeof(grid) / sizeof(grid[0])))

size_t
reco_ridge_memory(const reco_env *env, const reco_content *c)
{
	int64_t entries = ridge_entries(c);
	size_t items = (size_t) c->items + 1;
	size_t columns = (size_t) c->by_item.cols + (size_t) ridge_numbers(c) + 1;
	int64_t end = entries;
	reco_csr a = {.start = &end};

	return 2 * (size_t) entries * (sizeof(int32_t) + sizeof(float)) +
		   (items + columns) * sizeof(int64_t) +
		   reco_parts_memory((int32_t) columns, entries, env->threads) +
		   items * (sizeof(bool) + sizeof(float) + 2 * BLOCK * sizeof(float)) +
		   columns * (sizeof(double) + sizeof(float) + 4 * BLOCK * sizeof(float)) +
		   reco_spmm_bytes(&a, BLOCK) + 16 * RECO_ALIGN;
}

/* A block of y, centered and scaled; rows that are not learned from as well, if they have any. */
static reco_status
take_block(ridge *g, const float *y, int stride, int n)
{
	int64_t done = 0;

	memset(g->mean, 0, sizeof(g->mean));
	memset(g->scale, 0, sizeof(g->scale));
	memset(g->most, 0, sizeof(g->most));
	for (int32_t i = 0; i < g->a.rows; i++)
	{
		const float *row = y + (size_t) i * (size_t) stride;

		if (stop_after(g->env, n, &done))
			return RECO_STOPPED;
		if (!has_interactions(g, i))
			continue;
		for (int k = 0; k < n; k++)
		{
			g->mean[k] += g->weight[i] * (double) row[k];
			g->scale[k] += g->weight[i] * (double) row[k] * row[k];
			if (fabs((double) row[k]) > g->most[k])
				g->most[k] = fabs((double) row[k]);
		}
	}
	for (int k = 0; k < n; k++)
	{
		double variance = g->scale[k] - g->mean[k] * g->mean[k];

		g->scale[k] = variance > 1e-12 * g->scale[k] ? sqrt(variance) : 0;
	}
	for (int32_t i = 0; i < g->a.rows; i++)
	{
		const float *row = y + (size_t) i * (size_t) stride;

		if (stop_after(g->env, BLOCK, &done))
			return RECO_STOPPED;
		for (int k = 0; k < BLOCK; k++)
			g->y[(size_t) i * BLOCK + (size_t) k] =
				k < n && g->scale[k] > 0 && has_interactions(g, i)
					? (float) ((row[k] - g->mean[k]) / g->scale[k])
					: 0;
	}
	return RECO_OK;
}

/* out = A' diag(weight) v; v is weighted in place. */
static reco_status
multiply_back(ridge *g, float *v, float *out)
{
	int64_t done = 0;

	for (int32_t i = 0; i < g->a.rows; i++)
	{
		for (int k = 0; k < BLOCK; k++)
			v[(size_t) i * BLOCK + (size_t) k] *= g->weight[i];
		if (stop_after(g->env, BLOCK, &done))
			return RECO_STOPPED;
	}
	return reco_spmm(g->env, &g->at, 1, v, BLOCK, 0, NULL, g->scratch, out);
}

/* v = (A - 1 center') x */
static reco_status
multiply(ridge *g, const float *x, float *v)
{
	double shift[BLOCK] = {0};
	int64_t done = 0;
	reco_status status;

	for (int32_t j = 0; j < g->columns; j++)
	{
		for (int k = 0; k < BLOCK; k++)
			shift[k] += g->center[j] * x[(size_t) j * BLOCK + (size_t) k];
		if (stop_after(g->env, BLOCK, &done))
			return RECO_STOPPED;
	}
	status = reco_spmm(g->env, &g->a, 1, x, BLOCK, 0, NULL, g->scratch, v);
	for (int32_t i = 0; i < g->a.rows && status == RECO_OK; i++)
	{
		/* the product leaves rows without entries as they are */
		bool none = g->a.start[i + 1] == g->a.start[i];

		for (int k = 0; k < BLOCK; k++)
			v[(size_t) i * BLOCK + (size_t) k] =
				none ? 0 : v[(size_t) i * BLOCK + (size_t) k] - (float) shift[k];
		if (stop_after(g->env, BLOCK, &done))
			return RECO_STOPPED;
	}
	return status;
}

/* sum[k] = sum over rows of x y / (diagonal + lambda), or without it where lambda is 0 */
static reco_status
dot(ridge *g, const float *x, const float *y, double lambda, double *sum)
{
	int64_t done = 0;

	memset(sum, 0, BLOCK * sizeof(double));
	for (int32_t j = 0; j < g->columns; j++)
	{
		double by = lambda > 0 ? 1 / (g->diagonal[j] + lambda) : 1;

		for (int k = 0; k < BLOCK; k++)
			sum[k] += by * x[(size_t) j * BLOCK + (size_t) k] * y[(size_t) j * BLOCK + (size_t) k];
		if (stop_after(g->env, BLOCK, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* p = r / (diagonal + lambda) + beta p */
static reco_status
turn(ridge *g, double lambda, const double *beta)
{
	int64_t done = 0;

	for (int32_t j = 0; j < g->columns; j++)
	{
		double by = 1 / (g->diagonal[j] + lambda);
		size_t at = (size_t) j * BLOCK;

		for (int k = 0; k < BLOCK; k++)
			g->p[at + (size_t) k] =
				(float) (by * g->r[at + (size_t) k] + beta[k] * g->p[at + (size_t) k]);
		if (stop_after(g->env, BLOCK, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* b += alpha p, r -= alpha q */
static reco_status
step(ridge *g, const double *alpha)
{
	int64_t done = 0;

	for (size_t at = 0; at < (size_t) g->columns * BLOCK; at += BLOCK)
	{
		for (int k = 0; k < BLOCK; k++)
		{
			g->b[at + (size_t) k] += (float) (alpha[k] * g->p[at + (size_t) k]);
			g->r[at + (size_t) k] -= (float) (alpha[k] * g->q[at + (size_t) k]);
		}
		if (stop_after(g->env, BLOCK, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* q = (A' W A + lambda) p, centered */
static reco_status
apply(ridge *g, double lambda)
{
	int64_t done = 0;
	reco_status status = multiply(g, g->p, g->v);

	if (status == RECO_OK)
		status = multiply_back(g, g->v, g->q);
	for (size_t at = 0; at < (size_t) g->columns * BLOCK && status == RECO_OK; at += BLOCK)
	{
		for (int k = 0; k < BLOCK; k++)
			g->q[at + (size_t) k] += (float) (lambda * g->p[at + (size_t) k]);
		if (stop_after(g->env, BLOCK, &done))
			return RECO_STOPPED;
	}
	return status;
}

/* b, p, q and r are zeros, v is y. */
static reco_status
begin(ridge *g)
{
	int64_t done = 0;

	for (size_t at = 0; at < (size_t) g->columns * BLOCK; at += BLOCK)
	{
		memset(g->b + at, 0, BLOCK * sizeof(float));
		memset(g->p + at, 0, BLOCK * sizeof(float));
		memset(g->q + at, 0, BLOCK * sizeof(float));
		memset(g->r + at, 0, BLOCK * sizeof(float));
		if (stop_after(g->env, 2 * BLOCK, &done))
			return RECO_STOPPED;
	}
	for (size_t at = 0; at < (size_t) g->a.rows * BLOCK; at += BLOCK)
	{
		memcpy(g->v + at, g->y + at, BLOCK * sizeof(float));
		if (stop_after(g->env, BLOCK, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Fills b for the block that y has. */
static reco_status
solve(ridge *g, double lambda)
{
	double none[BLOCK] = {0};
	double now[BLOCK];
	double first[BLOCK] = {0};
	reco_status status = begin(g);

	if (status == RECO_OK)
		status = multiply_back(g, g->v, g->r);
	if (status == RECO_OK)
		status = dot(g, g->r, g->r, lambda, first);
	if (status == RECO_OK)
		status = turn(g, lambda, none);
	memcpy(now, first, sizeof(now));
	for (int s = 0; s < STEPS && status == RECO_OK; s++)
	{
		double alpha[BLOCK];
		double beta[BLOCK];
		double next[BLOCK];
		bool left = false;

		for (int k = 0; k < BLOCK; k++)
			left = left || now[k] > TOLERANCE * TOLERANCE * first[k];
		if (!left)
			break;
		status = apply(g, lambda);
		if (status == RECO_OK)
			status = dot(g, g->p, g->q, 0, alpha);
		for (int k = 0; k < BLOCK && status == RECO_OK; k++)
			alpha[k] = now[k] > 0 && alpha[k] > 0 ? now[k] / alpha[k] : 0;
		if (status == RECO_OK)
			status = step(g, alpha);
		if (status == RECO_OK)
			status = dot(g, g->r, g->r, lambda, next);
		for (int k = 0; k < BLOCK && status == RECO_OK; k++)
		{
			beta[k] = now[k] > 0 ? next[k] / now[k] : 0;
			now[k] = next[k];
		}
		if (status == RECO_OK)
			status = turn(g, lambda, beta);
	}
	return status;
}

/* The squared error of items that were left out, and what it is without features. */
static reco_status
error_of(ridge *g, double *error, double *without)
{
	int64_t done = 0;
	reco_status status = multiply(g, g->b, g->v);

	*error = *without = 0;
	for (int32_t i = 0; i < g->a.rows && status == RECO_OK; i++)
	{
		if (stop_after(g->env, 4, &done))
			return RECO_STOPPED;
		if (!g->held[i])
			continue;
		for (int k = 0; k < BLOCK; k++)
		{
			double y = g->y[(size_t) i * BLOCK + (size_t) k];
			double off = y - g->v[(size_t) i * BLOCK + (size_t) k];

			*error += weight_of(g, i) * off * off;
			*without += weight_of(g, i) * y * y;
		}
		if (stop_after(g->env, BLOCK, &done))
			return RECO_STOPPED;
	}
	return status;
}

/* By a block of y, of whose rows a fifth is left out. */
static reco_status
choose_lambda(ridge *g, const float *y, int stride, int n, reco_ridge *out)
{
	double best = INFINITY;
	int worse = 0;
	reco_status status;

	out->lambda = grid[0];
	if (out->known < LEAST_ITEMS)
		return RECO_OK;
	status = ridge_weigh(g, true);
	if (status == RECO_OK)
		status = take_block(g, y, stride, n);
	for (int l = 0; l < GRID && worse < 2 && status == RECO_OK; l++)
	{
		double error;
		double without;

		status = solve(g, grid[l]);
		if (status == RECO_OK)
			status = error_of(g, &error, &without);
		if (status != RECO_OK)
			break;
		worse = error < best ? 0 : worse + 1;
		if (worse)
			continue;
		best = error;
		out->lambda = grid[l];
		out->explained = without > 0 ? 1 - error / without : 0;
	}
	return status;
}

static reco_status
put_block(ridge *g, float *y, int stride, int n, double lift)
{
	int64_t done = 0;
	reco_status status = multiply(g, g->b, g->v);

	for (int32_t i = 0; i < g->a.rows && status == RECO_OK; i++)
	{
		float *row = y + (size_t) i * (size_t) stride;

		if (stop_after(g->env, n, &done))
			return RECO_STOPPED;
		if (has_interactions(g, i) || g->a.start[i + 1] == g->a.start[i])
			continue;
		for (int k = 0; k < n; k++)
		{
			double x = g->mean[k] + lift * g->scale[k] * g->v[(size_t) i * BLOCK + (size_t) k];

			/* not below the least of them either; also what is no number */
			row[k] = (float) (x > -g->most[k] ? x < g->most[k] ? x : g->most[k] : -g->most[k]);
		}
	}
	return status;
}

static reco_status
predict(ridge *g, float *y, int columns, int stride, double lift, reco_ridge *out)
{
	reco_status status;
	int64_t done = 0;

	for (int32_t i = 0; i < g->a.rows; i++)
	{
		bool features = g->a.start[i + 1] > g->a.start[i];

		g->held[i] = features && has_interactions(g, i) &&
					 reco_rng_uniform(reco_rng_row(SEED, 0), (uint64_t) i) * FOLDS < 1;
		out->known += features && has_interactions(g, i);
		out->predicted += features && !has_interactions(g, i);
		if (stop_after(g->env, 8, &done))
			return RECO_STOPPED;
	}
	if (out->known == 0 || out->predicted == 0)
	{
		out->predicted = 0;
		return RECO_OK;
	}
	status = choose_lambda(g, y, stride, columns < BLOCK ? columns : BLOCK, out);
	lift = out->explained > 0 ? pow(out->explained, -lift / 2) : 1;
	if (status == RECO_OK)
		status = ridge_weigh(g, false);
	for (int from = 0; from < columns && status == RECO_OK; from += BLOCK)
	{
		int n = columns - from < BLOCK ? columns - from : BLOCK;

		status = take_block(g, y + from, stride, n);
		if (status == RECO_OK)
			status = solve(g, out->lambda);
		if (status == RECO_OK)
			status = put_block(g, y + from, stride, n, lift);
	}
	return status;
}

/* What a regression works with; false: there is no memory. */
static bool
make_room(ridge *g)
{
	const reco_env *env = g->env;
	size_t items = (size_t) g->a.rows + 1;
	size_t columns = (size_t) g->columns + 1;
	size_t forth = reco_spmm_bytes(&g->a, BLOCK);
	size_t back = reco_spmm_bytes(&g->at, BLOCK);

	g->held = env->alloc(env->arg, items * sizeof(bool));
	g->weight = env->alloc(env->arg, items * sizeof(float));
	g->center = env->alloc(env->arg, columns * sizeof(double));
	g->diagonal = env->alloc(env->arg, columns * sizeof(float));
	g->scratch = env->alloc(env->arg, forth > back ? forth : back);
	g->y = env->alloc(env->arg, items * BLOCK * sizeof(float));
	g->v = env->alloc(env->arg, items * BLOCK * sizeof(float));
	g->b = env->alloc(env->arg, columns * BLOCK * sizeof(float));
	g->r = env->alloc(env->arg, columns * BLOCK * sizeof(float));
	g->p = env->alloc(env->arg, columns * BLOCK * sizeof(float));
	g->q = env->alloc(env->arg, columns * BLOCK * sizeof(float));
	return g->held && g->weight && g->center && g->diagonal && g->scratch && g->y && g->v && g->b &&
		   g->r && g->p && g->q;
}

static void
free_room(ridge *g)
{
	void *memory[] = {g->held, g->weight, g->center, g->diagonal, g->scratch, g->y,
					  g->v,    g->b,      g->r,      g->p,        g->q};

	for (size_t k = 0; k < sizeof(memory) / sizeof(memory[0]); k++)
		release(g->env, memory[k]);
	reco_csr_free(g->env, &g->at);
	reco_csr_free(g->env, &g->a);
}

reco_status
reco_ridge_predict(const reco_env *env, const reco_content *content, const int64_t *start, float *y,
				   int columns, int stride, double lift, reco_ridge *out)
{
	ridge g = {.env = env, .content = content, .start = start};
	reco_status status;

	memset(out, 0, sizeof(*out));
	reco_team_prepare(env->threads);
	g.columns = content->by_item.cols + ridge_numbers(content);
	status = ridge_make_matrix(&g);
	if (status == RECO_OK)
		status = make_room(&g) ? predict(&g, y, columns, stride, lift, out) : RECO_NO_MEMORY;
	free_room(&g);
	return status;
}
