/*
 * graph.c
 *	  Collaborative filtering by filters on the graph of users and items.
 *
 * See graph.h for what is kept; graph_filter.c has the filter, graph_lists.c the lists.  Sums of
 * |x| are taken in parts of the largest |x|, on which nothing depends, so that no number on the
 * way is out of range.
 */
#include "core/graph/graph_parts.h"

#include "core/base/slab.h"
#include "core/base/team.h"
#include "core/base/work.h"
#include "core/data/sorting.h"

#include <float.h>
#include <math.h>

/* An eigenvalue below which the slope of the response is looked at from here. */
#define LEAST_EDGE 1e-4
#define ROWS_PER_PIECE 256

typedef struct graph_fit
{
	const reco_env *env;
	const reco_graph_params *params;
	const reco_csr *by_user;
	const reco_csr *by_item;
	double largest;     /* |x| */
	double *user_sum;   /* users */
	double *item_sum;   /* items */
	double *scale;      /* items: n^beta, or n^1/2 of gfcf's second block */
	reco_csr user_rows; /* normalized; the rows are those of by_user */
	reco_csr item_rows;
	reco_svd svd;
	double *square; /* the svd's stride */
	reco_graph *out;
} graph_fit;

int
reco_graph_blocks(reco_graph_filter filter)
{
	return filter == RECO_GRAPH_GFCF ? 2 : filter == RECO_GRAPH_CHEBYSHEV ? 1 : 0;
}

int
reco_graph_iterations(const reco_graph_params *params)
{
	return params->filter == RECO_GRAPH_TURBO ? 1 : params->power_iterations + 2;
}

static reco_svd_params
svd_params(const reco_graph_params *params)
{
	return (reco_svd_params){params->factors, params->oversampling, params->power_iterations,
							 params->seed};
}

static int
rounded(int columns)
{
	return (columns + 15) / 16 * 16;
}

size_t
reco_graph_memory(const reco_graph_params *params, const reco_csr *by_user, int threads)
{
	reco_svd_params decomposition = svd_params(params);
	reco_csr normalized = *by_user;
	float value;
	size_t entries = (size_t) by_user->start[by_user->rows];
	size_t items = (size_t) by_user->cols + 1;
	int blocks = reco_graph_blocks(params->filter);
	int stride = rounded(blocks * params->factors);

	normalized.value = &value;
	return 2 * (entries + 1) * sizeof(float) + ((size_t) by_user->rows + 1) * sizeof(double) +
		   2 * items * sizeof(double) +
		   (blocks ? reco_svd_memory(&decomposition, &normalized, threads) +
						 items * (size_t) (stride + blocks) * sizeof(float) +
						 (size_t) stride * 4 * sizeof(double)
				   : 0) +
		   reco_graph_lists_memory(params, by_user->cols, threads) + 16384;
}

void
reco_graph_free(const reco_env *env, reco_graph *graph)
{
	release(env, graph->item);
	release(env, graph->inward);
	release(env, graph->weight);
	reco_csr_free(env, &graph->lists);
	graph->item = graph->inward = graph->weight = NULL;
}

static bool
valid_params(const reco_graph_params *p)
{
	reco_svd_params decomposition = svd_params(p);
	bool factors = reco_graph_blocks(p->filter) > 0;

	if (p->neighbors < 1 || !(p->alpha >= 0 && p->alpha <= 1e6))
		return false;
	if (factors && (decomposition.factors < 1 || decomposition.factors > RECO_GRAPH_MAX_FACTORS ||
					!(p->residual >= 0 && p->residual <= 1e6)))
		return false;
	switch (p->filter)
	{
		case RECO_GRAPH_GFCF:
			return true;
		case RECO_GRAPH_TURBO:
			return p->power > 0 && p->power <= 100 && p->alpha <= 10;
		case RECO_GRAPH_CHEBYSHEV:
			return p->degree >= 1 && p->degree <= RECO_GRAPH_MAX_DEGREE && p->phi > 0 &&
				   p->phi <= 100 && p->beta >= 0 && p->beta <= 1;
	}
	return false;
}

static inline double
value_of(const reco_csr *a, int64_t e)
{
	return a->value ? a->value[e] : 1;
}

static reco_status
find_largest(graph_fit *fit)
{
	const reco_csr *a = fit->by_user;
	int64_t polled = 0;

	fit->largest = a->value ? 0 : 1;
	for (int64_t e = 0; a->value && e < a->start[a->rows]; e++)
	{
		double size = fabs(value_of(a, e));

		if (!(size <= FLT_MAX))
			return RECO_INVALID;
		fit->largest = fmax(fit->largest, size);
		if (stop_at_entry(fit->env, e, &polled))
			return RECO_STOPPED;
	}
	/* without a value other than 0 there is nothing to be normalized */
	if (fit->largest == 0)
		fit->largest = 1;
	return RECO_OK;
}

static reco_status
add_up_rows(const graph_fit *fit, const reco_csr *a, double *sum)
{
	int64_t done = 0;

	for (int32_t r = 0; r < a->rows; r++)
	{
		sum[r] = 0;
		for (int64_t e = a->start[r]; e < a->start[r + 1]; e++)
		{
			sum[r] += fabs(value_of(a, e)) / fit->largest;
			if (stop_after(fit->env, 1, &done))
				return RECO_STOPPED;
		}
	}
	return RECO_OK;
}

/* x n_row^row n_column^column of each entry, with 0 where a sum is 0. */
static reco_status
normalize(const graph_fit *fit, const reco_csr *a, const double *of_rows, double row,
		  const double *of_columns, double column, float *out)
{
	int64_t done = 0;

	for (int32_t r = 0; r < a->rows; r++)
	{
		double own = of_rows[r] > 0 ? pow(of_rows[r], row) : 0;

		for (int64_t e = a->start[r]; e < a->start[r + 1]; e++)
		{
			double n = of_columns[a->col[e]];

			out[e] = n > 0 ? (float) (value_of(a, e) / fit->largest * own * pow(n, column)) : 0;
			if (stop_after(fit->env, 16, &done))
				return RECO_STOPPED;
		}
	}
	return RECO_OK;
}

/* The normalized matrix, both ways. */
static reco_status
make_rows(graph_fit *fit)
{
	bool turbo = fit->params->filter == RECO_GRAPH_TURBO;
	double user = turbo ? -fit->params->alpha : -0.5;
	double item = turbo ? fit->params->alpha - 1 : -0.5;
	reco_status status = add_up_rows(fit, fit->by_user, fit->user_sum);

	if (status == RECO_OK)
		status = add_up_rows(fit, fit->by_item, fit->item_sum);
	if (status == RECO_OK)
		status = normalize(fit, fit->by_user, fit->user_sum, user, fit->item_sum, item,
						   fit->user_rows.value);
	if (status == RECO_OK)
		status = normalize(fit, fit->by_item, fit->item_sum, item, fit->user_sum, user,
						   fit->item_rows.value);
	return status;
}

/* n^exponent in parts of the largest. */
static reco_status
make_scale(graph_fit *fit, double exponent)
{
	double most = 0;
	int64_t done = 0;

	for (int32_t i = 0; i < fit->by_item->rows; i++)
	{
		most = fmax(most, fit->item_sum[i]);
		if (stop_after(fit->env, 1, &done))
			return RECO_STOPPED;
	}
	for (int32_t i = 0; i < fit->by_item->rows; i++)
	{
		double n = fit->item_sum[i] > 0 ? fit->item_sum[i] / most : 1;

		fit->scale[i] = fmax(pow(n, exponent), 1 / sqrt(RECO_GRAPH_LARGEST));
		if (stop_after(fit->env, 16, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static reco_status
decompose(graph_fit *fit, reco_graph_progress progress, void *progress_arg)
{
	const reco_env *env = fit->env;
	reco_svd_params params = svd_params(fit->params);
	reco_status status = reco_svd_fit(env, &params, &fit->user_rows, &fit->item_rows, progress,
									  progress_arg, &fit->svd);

	if (status != RECO_OK)
		return status;
	/* users are made of their items */
	release(env, fit->svd.user);
	fit->svd.user = NULL;
	fit->square = zeroed(env, (size_t) fit->svd.stride * sizeof(double));
	if (fit->square == NULL)
		return RECO_NO_MEMORY;
	for (int f = 0; f < fit->svd.rank; f++)
		fit->square[f] = fmin(fit->svd.singular[f] * fit->svd.singular[f], 1);
	fit->out->residual = fit->svd.residual;
	return RECO_OK;
}

/* What the response is per eigenvalue at the edge of what the factors hold. */
static double
edge_slope(const graph_fit *fit)
{
	double edge = fit->svd.rank > 0 ? fit->square[fit->svd.rank - 1] : 1;

	edge = fmax(edge, LEAST_EDGE);
	return fmax(reco_graph_response(fit->params, edge) / edge, 0);
}

static reco_status
make_lists(graph_fit *fit)
{
	const reco_graph_params *params = fit->params;
	bool chebyshev = params->filter == RECO_GRAPH_CHEBYSHEV;
	reco_graph_lists from = {
		.params = params,
		.by_user = &fit->user_rows,
		.by_item = &fit->item_rows,
		.svd = params->filter == RECO_GRAPH_TURBO ? NULL : &fit->svd,
		.square = fit->square,
		.slope = params->filter == RECO_GRAPH_TURBO ? 1 : params->residual,
		.scale = chebyshev ? fit->scale : NULL,
	};

	if (chebyshev)
		from.slope *= edge_slope(fit);
	return reco_graph_lists_make(fit->env, &from, &fit->out->lists);
}

/* An item's factors from its row of V, and what they count inward. */
static void
item_factors(const graph_fit *fit, int32_t i)
{
	reco_graph *out = fit->out;
	const float *v = fit->svd.item + (size_t) i * fit->svd.stride;
	float *item = out->item + (size_t) i * out->stride;
	float *inward = out->inward + (size_t) i * out->blocks;
	int factors = fit->params->factors;

	for (int b = 0; b < out->blocks; b++)
	{
		/* gfcf's first block is as it is */
		double scale = b + 1 == out->blocks ? fit->scale[i] : 1;

		inward[b] = (float) (1 / (scale * scale));
		for (int f = 0; f < factors; f++)
			item[b * factors + f] = (float) (scale * v[f]);
	}
	for (int f = out->width; f < out->stride; f++)
		item[f] = 0;
}

static reco_status
make_factors(graph_fit *fit)
{
	const reco_graph_params *params = fit->params;
	reco_graph *out = fit->out;
	size_t items = (size_t) out->items + 1;
	const reco_env *env = fit->env;
	int64_t done = 0;

	out->item = env->alloc(env->arg, items * (size_t) out->stride * sizeof(float));
	out->inward = env->alloc(env->arg, items * (size_t) out->blocks * sizeof(float));
	out->weight = env->alloc(env->arg, ((size_t) out->width + 1) * sizeof(float));
	if (!out->item || !out->inward || !out->weight)
		return RECO_NO_MEMORY;
	for (int f = 0; f < params->factors; f++)
	{
		double square = fit->square[f];

		if (params->filter == RECO_GRAPH_GFCF)
		{
			out->weight[f] = (float) square;
			out->weight[params->factors + f] = (float) params->alpha;
		}
		else
			out->weight[f] = (float) (reco_graph_response(params, square) + params->alpha);
	}
	for (int32_t i = 0; i < out->items; i++)
	{
		item_factors(fit, i);
		if (stop_after(env, out->stride, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static reco_status
allocate(graph_fit *fit)
{
	const reco_env *env = fit->env;
	size_t entries = (size_t) fit->by_user->start[fit->by_user->rows] + 1;

	fit->user_rows = *fit->by_user;
	fit->item_rows = *fit->by_item;
	fit->user_rows.value = env->alloc(env->arg, entries * sizeof(float));
	fit->item_rows.value = env->alloc(env->arg, entries * sizeof(float));
	fit->user_sum = env->alloc(env->arg, ((size_t) fit->by_user->rows + 1) * sizeof(double));
	fit->item_sum = env->alloc(env->arg, ((size_t) fit->by_item->rows + 1) * sizeof(double));
	fit->scale = env->alloc(env->arg, ((size_t) fit->by_item->rows + 1) * sizeof(double));
	return fit->user_rows.value && fit->item_rows.value && fit->user_sum && fit->item_sum &&
				   fit->scale
			   ? RECO_OK
			   : RECO_NO_MEMORY;
}

static reco_status
run(graph_fit *fit, reco_graph_progress progress, void *progress_arg)
{
	const reco_graph_params *params = fit->params;
	bool factors = fit->out->blocks > 0;
	reco_status status = find_largest(fit);

	if (status == RECO_OK)
		status = allocate(fit);
	if (status == RECO_OK)
		status = make_rows(fit);
	if (status == RECO_OK && factors)
		status = make_scale(fit, params->filter == RECO_GRAPH_GFCF ? 0.5 : params->beta);
	if (status == RECO_OK && factors)
		status = decompose(fit, progress, progress_arg);
	if (status == RECO_OK)
		status = make_lists(fit);
	if (status == RECO_OK && factors)
		status = make_factors(fit);
	if (status == RECO_OK && progress)
		progress(progress_arg, reco_graph_iterations(params));
	return status;
}

reco_status
reco_graph_fit(const reco_env *env, const reco_graph_params *params, const reco_csr *by_user,
			   const reco_csr *by_item, reco_graph_progress progress, void *progress_arg,
			   reco_graph *out)
{
	graph_fit fit = {
		.env = env, .params = params, .by_user = by_user, .by_item = by_item, .out = out};
	reco_status status;

	*out = (reco_graph){.items = by_user->cols, .blocks = reco_graph_blocks(params->filter)};
	if (!valid_params(params) || env->threads < 1 || by_user->rows != by_item->cols ||
		by_user->cols != by_item->rows)
		return RECO_INVALID;
	out->width = out->blocks * params->factors;
	out->stride = rounded(out->width);
	status = run(&fit, progress, progress_arg);
	reco_svd_free(env, &fit.svd);
	release(env, fit.square);
	release(env, fit.user_rows.value);
	release(env, fit.item_rows.value);
	release(env, fit.user_sum);
	release(env, fit.item_sum);
	release(env, fit.scale);
	if (status != RECO_OK)
		reco_graph_free(env, out);
	return status;
}
