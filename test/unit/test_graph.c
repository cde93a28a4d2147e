/*
 * test_graph.c
 *	  Unit tests of filters on the graph of users and items (core/graph/graph.h), and of the
 *	  scorer over them (core/scoring/score_graph.h).
 *
 * Scores against the formulas over full tables: with all factors and all neighbors they are the
 * filters themselves, with the polynomial by Chebyshev's recurrence of matrices; with few of them
 * what is kept is recomputed.  Degrees of 0, values of either sign; determinism over threads and
 * interruptions; every allocation failing and every poll stopping in turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/graph/graph.h"
#include "core/scoring/score_graph.h"
#include "mimic_als.h"
#include "mimic_scorer.h"
#include "mimic_svd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum
{
	USERS = 60,
	ITEMS = 25
};

static const reco_graph_params ordinary = {
	.filter = RECO_GRAPH_CHEBYSHEV,
	.factors = 6,
	.neighbors = 5,
	.alpha = 0.2,
	.beta = 0.4,
	.degree = 8,
	.phi = 1.5,
	.power = 0.7,
	.residual = 1,
	.oversampling = 10,
	.power_iterations = 4,
	.seed = 42,
};

/* A model, its interactions, and scorer and profiles over them. */
typedef struct trained
{
	mimic_world world;
	reco_env env;
	reco_csr by_user;
	reco_csr by_item;
	reco_graph graph;
	reco_graph_scorer scorer;
	reco_profile *profile;
} trained;

static trained *
train(const reco_graph_params *params, int users, int items, double density, int values)
{
	trained *x = calloc(1, sizeof(trained));
	reco_graph *g = &x->graph;

	x->env = mimic_als_env(&x->world, 2);
	x->by_user = mimic_random_csr(users, items, density, values);
	x->by_item = mimic_transpose(&x->by_user);
	assert_int_equal(reco_graph_fit(&x->env, params, &x->by_user, &x->by_item, NULL, NULL, g),
					 RECO_OK);
	assert_true(x->world.peak <= reco_graph_memory(params, &x->by_user, 2));
	x->scorer = (reco_graph_scorer){
		.lists = {.sums = {.head = {&reco_graph_scorer_type, items, -INFINITY, INFINITY}},
				  .followers = g->lists},
		.blocks = g->blocks,
		.width = g->width,
		.stride = g->stride,
		.item = g->item,
		.inward = g->inward,
		.weight = g->weight,
	};
	x->profile = calloc((size_t) users + 1, sizeof(reco_profile));
	for (int u = 0; u < users; u++)
	{
		int64_t from = x->by_user.start[u];

		x->profile[u] = (reco_profile){.n = x->by_user.start[u + 1] - from,
									   .item = x->by_user.col + from,
									   .value = x->by_user.value ? x->by_user.value + from : NULL};
	}
	return x;
}

static void
trained_free(trained *x)
{
	reco_graph_free(&x->env, &x->graph);
	assert_int_equal(x->world.live, 0);
	mimic_free_csr(&x->by_user);
	mimic_free_csr(&x->by_item);
	free(x->profile);
	free(x);
}

/* Sums of |x| by user and by item. */
static void
degrees(const double *r, int users, int items, double *user, double *item)
{
	memset(user, 0, (size_t) users * sizeof(double));
	memset(item, 0, (size_t) items * sizeof(double));
	for (int u = 0; u < users; u++)
		for (int i = 0; i < items; i++)
		{
			user[u] += fabs(r[u * items + i]);
			item[i] += fabs(r[u * items + i]);
		}
}

/* items x items: sums over users of the products of x n_u^user n_i^item. */
static double *
products(const double *r, int users, int items, double user, double item)
{
	double *out = calloc((size_t) items * items, sizeof(double));
	double n_user[USERS];
	double n_item[ITEMS];

	degrees(r, users, items, n_user, n_item);
	for (int u = 0; u < users; u++)
		for (int i = 0; i < items; i++)
			for (int j = 0; j < items; j++)
				if (r[u * items + i] != 0 && r[u * items + j] != 0)
					out[i * items + j] += r[u * items + i] * r[u * items + j] *
										  pow(n_user[u], 2 * user) *
										  pow(n_item[i] * n_item[j], item);
	return out;
}

/* c = a b + scale d, n x n. */
static void
multiply(const double *a, const double *b, double scale, const double *d, int n, double *c)
{
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
		{
			double sum = scale * d[i * n + j];

			for (int k = 0; k < n; k++)
				sum += a[i * n + k] * b[k * n + j];
			c[i * n + j] = sum;
		}
}

/* The filter of degree `degree` as a sum of c_k T_k of matrices. */
static double *
polynomial(const reco_graph_params *p, const double *g, int n)
{
	size_t cells = (size_t) n * n;
	double *laplacian = calloc(cells, sizeof(double));
	double *twice = calloc(cells, sizeof(double));
	double *before = calloc(cells, sizeof(double));
	double *now = calloc(cells, sizeof(double));
	double *next = calloc(cells, sizeof(double));
	double *out = calloc(cells, sizeof(double));

	for (size_t c = 0; c < cells; c++)
	{
		bool diagonal = c % (size_t) (n + 1) == 0;

		before[c] = diagonal;
		now[c] = laplacian[c] = diagonal - 2 * g[c];
		twice[c] = 2 * laplacian[c];
	}
	for (int k = 0; k <= p->degree; k++)
	{
		double coefficient = 0;

		for (int m = 0; m <= p->degree; m++)
		{
			double x = cos((p->degree - m) * acos(-1) / p->degree);
			double y = cos((p->degree + 0.5 - m) * acos(-1) / (p->degree + 1));
			double h = x < 0 ? 0.5 + 0.5 * pow(-x, p->phi) : 0.5 - 0.5 * pow(x, p->phi);

			coefficient += (k == 0 ? 1.0 : 2.0) / (p->degree + 1) * cos(k * acos(y)) * h;
		}
		for (size_t c = 0; c < cells; c++)
			out[c] += coefficient * before[c];
		multiply(twice, now, -1, before, n, next);
		memcpy(before, now, cells * sizeof(double));
		memcpy(now, next, cells * sizeof(double));
	}
	free(laplacian);
	free(twice);
	free(before);
	free(now);
	free(next);
	return out;
}

/* What a filter as such says of all items to each user, but for the user's own. */
static void
check_filter(const reco_graph_params *params, int values)
{
	trained *x = train(params, USERS, ITEMS, 0.4, values);
	double *r = mimic_dense(&x->by_user);
	double n_user[USERS];
	double n_item[ITEMS];
	bool turbo = params->filter == RECO_GRAPH_TURBO;
	double *g =
		products(r, USERS, ITEMS, turbo ? -params->alpha : -0.5, turbo ? params->alpha - 1 : -0.5);
	double *p = params->filter == RECO_GRAPH_CHEBYSHEV ? polynomial(params, g, ITEMS) : NULL;
	reco_seat *seat;
	float score[ITEMS];

	degrees(r, USERS, ITEMS, n_user, n_item);
	assert_int_equal(reco_seat_make(&x->env, &x->scorer.lists.sums.head, &seat), RECO_OK);
	for (int u = 0; u < USERS; u++)
	{
		assert_int_equal(reco_seat_open(seat, &x->profile[u]), RECO_OK);
		assert_int_equal(reco_seat_score(seat, score), RECO_OK);
		reco_seat_close(seat);
		for (int i = 0; i < ITEMS; i++)
		{
			double wanted = 0;

			for (int j = 0; j < ITEMS; j++)
			{
				double entry = g[j * ITEMS + i];

				/* V V' is the identity where it has all factors */
				if (turbo)
					entry = entry > 0 ? pow(entry, params->power) : 0;
				if (p)
					entry = p[j * ITEMS + i] * pow(n_item[i] / n_item[j], params->beta);
				wanted += r[u * ITEMS + j] * entry;
			}
			if (r[u * ITEMS + i] == 0 && !(turbo && wanted == 0))
				assert_true(fabs(score[i] - wanted) <= 2e-5 * fmax(1, fabs(wanted)));
		}
	}
	reco_seat_free(&x->env, seat);
	free(p);
	free(g);
	free(r);
	trained_free(x);
}

static void
test_filters(void **state)
{
	(void) state;
	for (int values = 0; values < 3; values++)
		for (int filter = 0; filter < 3; filter++)
		{
			reco_graph_params params = ordinary;

			params.filter = (reco_graph_filter) filter;
			params.factors = ITEMS;
			params.neighbors = ITEMS;
			params.power_iterations = 10;
			check_filter(&params, values);
			params.degree = 3;
			params.phi = 2.5;
			params.beta = 0;
			params.alpha = filter == RECO_GRAPH_TURBO ? 0.3 : 1;
			params.power = 1.3;
			check_filter(&params, values);
		}
}

/* Whether a user has both, with values other than 0. */
static bool
have_common(const double *r, int i, int j)
{
	bool met = false;

	for (int u = 0; u < USERS; u++)
		met = met || (r[u * ITEMS + i] != 0 && r[u * ITEMS + j] != 0);
	return met;
}

/* How many of those with whom i has a user in common are surely ahead of j. */
static int
rank_of(const double *left, const double *r, int i, int j)
{
	int rank = 0;

	for (int k = 0; k < ITEMS; k++)
		rank += k != i && have_common(r, i, k) && left[i * ITEMS + k] > left[i * ITEMS + j] + 1e-6;
	return rank;
}

/* With few factors and neighbors: what is kept, from V of a decomposition of one's own. */
static void
check_kept(const reco_graph_params *params, int values)
{
	trained *x = train(params, USERS, ITEMS, 0.15, values);
	const reco_graph *kept = &x->graph;
	bool chebyshev = params->filter == RECO_GRAPH_CHEBYSHEV;
	double *r = mimic_dense(&x->by_user);
	double *g = products(r, USERS, ITEMS, -0.5, -0.5);
	double *left = calloc(ITEMS * ITEMS, sizeof(double));
	double n_user[USERS];
	double n_item[ITEMS];
	double edge = 1;
	double slope = params->residual;
	int most = 0;

	degrees(r, USERS, ITEMS, n_user, n_item);
	/* a unit vector of the eigenvalues: the weight of gfcf's first block */
	for (int i = 0; i < ITEMS; i++)
	{
		most = n_item[i] > n_item[most] ? i : most;
		for (int j = 0; j < ITEMS; j++)
		{
			left[i * ITEMS + j] = i == j ? 0 : g[i * ITEMS + j];
			for (int f = 0; f < params->factors; f++)
			{
				double a = kept->item[i * kept->stride + f];
				double b = kept->item[j * kept->stride + f];
				double square = 0;

				if (chebyshev)
				{
					a *= sqrt(kept->inward[i]);
					b *= sqrt(kept->inward[j]);
				}
				/* the eigenvalue of the vector: its Rayleigh quotient, over all items */
				for (int k = 0; k < ITEMS; k++)
					for (int l = 0; l < ITEMS; l++)
						square +=
							g[k * ITEMS + l] * kept->item[k * kept->stride + f] *
							kept->item[l * kept->stride + f] *
							(chebyshev ? sqrt((double) kept->inward[k] * kept->inward[l]) : 1);
				if (i != j)
					left[i * ITEMS + j] -= square * a * b;
				if (i == 0 && j == 0)
				{
					assert_true(
						fabs(kept->weight[f] -
							 (chebyshev ? reco_graph_response(params, square) + params->alpha
										: square)) <= 1e-5);
					edge = square;
				}
			}
		}
	}
	if (chebyshev)
		slope *= reco_graph_response(params, edge) / edge;
	for (int i = 0; i < ITEMS; i++)
	{
		int length = 0;
		int above = 0;

		for (int j = 0; j < ITEMS; j++)
		{
			double scale = chebyshev ? pow(n_item[i] / n_item[j], params->beta) : 1;
			double entry = left[i * ITEMS + j];
			bool met = j != i && have_common(r, i, j);
			float got = reco_csr_get(&kept->lists, j, i);

			above += met && entry > 1e-6;
			length += got != 0;
			if (got != 0)
			{
				assert_true(met && fabs(got - slope * entry * scale) <= 1e-4 * fmax(1, scale));
				assert_true(rank_of(left, r, i, j) < params->neighbors);
			}
		}
		assert_true(length <= params->neighbors);
		assert_true(length >= (above < params->neighbors ? above : params->neighbors));
	}
	/* inward is the square of what scales the factors, in parts of the largest */
	for (int i = 0; i < ITEMS; i++)
		for (int b = 0; b < kept->blocks; b++)
		{
			double exponent = chebyshev ? params->beta : b == 0 ? 0 : 0.5;

			if (n_item[i] > 0)
				assert_true(fabs(kept->inward[i * kept->blocks + b] /
									 pow(n_item[i] / n_item[most], -2 * exponent) -
								 1) <= 1e-5);
		}
	free(left);
	free(g);
	free(r);
	trained_free(x);
}

static void
test_kept(void **state)
{
	(void) state;
	for (int values = 0; values < 3; values++)
		for (int filter = 0; filter < 3; filter += 2)
		{
			reco_graph_params params = ordinary;

			params.filter = (reco_graph_filter) filter;
			params.power_iterations = 30;
			check_kept(&params, values);
			params.residual = 1.5;
			params.neighbors = 100;
			check_kept(&params, values);
		}
}

/* The published coefficients of degree 8 and flatness 1.5, at some eigenvalues. */
static void
test_response(void **state)
{
	static const double c[] = {.5, -.4927, 0, -.0323, 0, .0211, 0, -.0011, 0};

	(void) state;
	for (double x = 0; x <= 1; x += 0.125)
	{
		double sum = 0;

		for (int k = 0; k < 9; k++)
			sum += c[k] * cos(k * acos(1 - 2 * x));
		assert_true(fabs(reco_graph_response(&ordinary, x) - sum) <= 2e-3);
	}
}

/* What holds for every scorer; explanations add up; similar items. */
static void
test_scorer(void **state)
{
	(void) state;
	for (int values = 0; values < 3; values++)
		for (int filter = 0; filter < 3; filter++)
		{
			reco_graph_params params = ordinary;
			trained *x;
			const reco_scorer *scorer;
			reco_seat *seat;
			reco_similar similar[ITEMS];
			double part[ITEMS];
			float score[ITEMS];
			int32_t count;

			params.filter = (reco_graph_filter) filter;
			x = train(&params, USERS, ITEMS, 0.1, values);
			scorer = &x->scorer.lists.sums.head;
			mimic_check_scorer(scorer, x->profile, USERS);
			assert_int_equal(reco_seat_make(&x->env, scorer, &seat), RECO_OK);
			for (int u = 0; u < USERS; u++)
			{
				reco_profile profile = x->profile[u];

				assert_int_equal(reco_scorer_fold_in(&x->env, scorer, &profile), RECO_OK);
				assert_int_equal(reco_seat_open(seat, &profile), RECO_OK);
				assert_int_equal(reco_seat_score(seat, score), RECO_OK);
				for (int i = 0; i < ITEMS; i++)
				{
					double baseline;
					double sum = 0;
					bool additive;

					assert_int_equal(reco_seat_explain(seat, i, part, &baseline, &additive),
									 RECO_OK);
					for (int64_t j = 0; j < profile.n; j++)
						sum += part[j];
					assert_true(additive || score[i] == 0 || score[i] == -INFINITY);
					if (additive)
						assert_true(fabs(sum + baseline - score[i]) <=
									1e-5 * fmax(1, fabs(score[i])));
				}
				reco_seat_close(seat);
			}
			for (int32_t i = 0; i < ITEMS; i++)
			{
				reco_profile one = {.n = 1, .item = &i};

				assert_int_equal(reco_seat_open(seat, &one), RECO_OK);
				assert_int_equal(reco_seat_score(seat, score), RECO_OK);
				reco_seat_close(seat);
				assert_int_equal(reco_scorer_similar(&x->env, scorer, i, ITEMS, similar, &count),
								 RECO_OK);
				for (int32_t k = 0; k < count; k++)
				{
					assert_true(similar[k].item != i && similar[k].similarity > 0);
					assert_true(similar[k].similarity == score[similar[k].item]);
					assert_true(k == 0 || !reco_similar_after(similar[k - 1], similar[k]));
				}
			}
			reco_seat_free(&x->env, seat);
			trained_free(x);
		}
}

static void
test_threads(void **state)
{
	reco_csr m = mimic_random_csr(900, 300, 0.1, 1);
	reco_csr t = mimic_transpose(&m);
	reco_graph_params params = ordinary;

	(void) state;
	for (int filter = 0; filter < 3; filter++)
	{
		reco_graph g[4];
		mimic_world w[4];
		reco_env env[4];

		params.filter = (reco_graph_filter) filter;
		params.neighbors = 20;
		for (int i = 0; i < 4; i++)
		{
			size_t entries;

			env[i] = mimic_als_env(&w[i], i == 3 ? 2 : 1 << i);
			if (i == 3)
				env[i].due = mimic_always_due;
			assert_int_equal(reco_graph_fit(&env[i], &params, &m, &t, NULL, NULL, &g[i]), RECO_OK);
			entries = (size_t) g[0].lists.start[300];
			assert_memory_equal(g[i].lists.start, g[0].lists.start, 301 * sizeof(int64_t));
			assert_memory_equal(g[i].lists.col, g[0].lists.col, entries * sizeof(int32_t));
			assert_memory_equal(g[i].lists.value, g[0].lists.value, entries * sizeof(float));
			if (g[0].blocks > 0)
				assert_memory_equal(g[i].item, g[0].item,
									(size_t) 300 * g[0].stride * sizeof(float));
		}
		assert_true(w[3].polls > w[1].polls);
		for (int i = 0; i < 4; i++)
			reco_graph_free(&env[i], &g[i]);
	}
	mimic_free_csr(&m);
	mimic_free_csr(&t);
}

typedef struct fitting
{
	reco_graph_params params;
	reco_csr m;
	reco_csr t;
} fitting;

static reco_status
fit_once(const reco_env *env, void *arg)
{
	const fitting *f = arg;
	reco_graph g;
	reco_status status = reco_graph_fit(env, &f->params, &f->m, &f->t, NULL, NULL, &g);

	if (status == RECO_OK)
		reco_graph_free(env, &g);
	return status;
}

static void
test_interrupted(void **state)
{
	fitting f = {ordinary, mimic_random_csr(40, 30, 0.3, 1), {0}};

	(void) state;
	f.t = mimic_transpose(&f.m);
	for (int filter = 0; filter < 3; filter++)
	{
		f.params.filter = (reco_graph_filter) filter;
		mimic_fit_ends(fit_once, &f);
	}
	mimic_free_csr(&f.m);
	mimic_free_csr(&f.t);
}

static void
test_edges(void **state)
{
	reco_csr m = mimic_random_csr(20, 10, 0.5, 1);
	reco_csr t = mimic_transpose(&m);
	mimic_world w;
	reco_env env = mimic_als_env(&w, 2);
	reco_graph g;
	float saved = m.value[3];

	(void) state;
	for (int k = 0; k < 9; k++)
	{
		reco_graph_params bad = ordinary;

		bad.factors = k == 0 ? 0 : k == 1 ? RECO_GRAPH_MAX_FACTORS + 1 : bad.factors;
		bad.neighbors = k == 2 ? 0 : bad.neighbors;
		bad.alpha = k == 3 ? NAN : bad.alpha;
		bad.degree = k == 4 ? 0 : k == 5 ? RECO_GRAPH_MAX_DEGREE + 1 : bad.degree;
		bad.phi = k == 6 ? 0 : bad.phi;
		bad.beta = k == 7 ? -1 : bad.beta;
		bad.residual = k == 8 ? INFINITY : bad.residual;
		assert_int_equal(reco_graph_fit(&env, &bad, &m, &t, NULL, NULL, &g), RECO_INVALID);
	}
	assert_int_equal(reco_graph_fit(&env, &ordinary, &m, &m, NULL, NULL, &g), RECO_INVALID);
	m.value[3] = NAN;
	assert_int_equal(reco_graph_fit(&env, &ordinary, &m, &t, NULL, NULL, &g), RECO_INVALID);
	m.value[3] = saved;
	for (int filter = 0; filter < 3; filter++)
	{
		reco_graph_params params = ordinary;
		int count = 0;

		params.filter = (reco_graph_filter) filter;
		assert_int_equal(reco_graph_fit(&env, &params, &m, &t, mimic_count_progress, &count, &g),
						 RECO_OK);
		assert_int_equal(count, reco_graph_iterations(&params));
		reco_graph_free(&env, &g);
	}
	/* the smallest and the largest values, zeros only, no entries, no users, no items */
	for (int k = 0; k < 18; k++)
	{
		reco_graph_params params = ordinary;
		int kind = k / 3;
		reco_csr odd = kind < 3 ? m : mimic_csr(kind == 4 ? 0 : 20, kind == 5 ? 0 : 10, 0, false);
		reco_csr back;

		for (int64_t e = 0; kind < 3 && e < m.start[20]; e++)
			m.value[e] = kind == 0 ? (e % 2 ? 1e-44f : 3e38f) : kind == 1 ? -1e-44f : 0;
		back = mimic_transpose(&odd);
		params.filter = (reco_graph_filter) (k % 3);
		assert_int_equal(reco_graph_fit(&env, &params, &odd, &back, NULL, NULL, &g), RECO_OK);
		for (int64_t e = 0; e < g.lists.start[g.items]; e++)
			assert_true(isfinite(g.lists.value[e]));
		for (int64_t e = 0; e < (int64_t) g.items * g.stride; e++)
			assert_true(isfinite(g.item[e]));
		for (int e = 0; e < g.items * g.blocks; e++)
			assert_true(isfinite(g.inward[e]));
		reco_graph_free(&env, &g);
		mimic_free_csr(&back);
		if (kind >= 3)
			mimic_free_csr(&odd);
	}
	assert_int_equal(w.live, 0);
	mimic_free_csr(&m);
	mimic_free_csr(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filters),  cmocka_unit_test(test_kept),
		cmocka_unit_test(test_response), cmocka_unit_test(test_scorer),
		cmocka_unit_test(test_threads),  cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
