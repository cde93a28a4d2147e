/*
 * test_shape.c
 *	  How large and dense matrices are, counted entry by entry, and what defaults make of it.
 *
 * Defaults are checked against their formulas written out, by what must hold when all values
 * are multiplied by a number, and for shapes at the ends of what there can be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/als/als_choose.h"
#include "core/data/overlap.h"
#include "core/neighbors/neighbors_choose.h"
#include "mimic_csr.h"

static reco_shape
shape_of(const reco_csr *a)
{
	reco_shape shape;
	mimic_env m;

	mimic_env_init(&m);
	assert_int_equal(reco_shape_of(&m.env, a, &shape), RECO_OK);
	assert_int_equal(m.live, 0);
	return shape;
}

static bool
near(double a, double b)
{
	return fabs(a - b) <= 1e-9 * fabs(b);
}

static void
test_counts(void **state)
{
	(void) state;
	for (int s = 0; s < SOURCES; s++)
	{
		row *rows = make_rows(&sources[s], 7);
		reco_interactions x;
		reco_shape shape;
		double size = 0;
		double square = 0;
		int64_t n;
		int users = 0;
		int items = 0;
		mimic_env m;

		mimic_env_init(&m);
		assert_int_equal(build_matrix(&m, &sources[s], rows, NULL, &x), RECO_OK);
		n = x.by_user.start[x.by_user.rows];
		for (int32_t u = 0; u < x.by_user.rows; u++)
			users += x.by_user.start[u + 1] > x.by_user.start[u];
		for (int32_t i = 0; i < x.by_user.cols; i++)
		{
			bool any = false;

			for (int64_t e = 0; e < n; e++)
				any = any || x.by_user.col[e] == i;
			items += any;
		}
		for (int64_t e = 0; e < n; e++)
		{
			double v = x.by_user.value ? x.by_user.value[e] : 1;

			size += fabs(v);
			square += v * v;
		}
		shape = shape_of(&x.by_user);
		assert_int_equal(shape.rows, x.by_user.rows);
		assert_int_equal(shape.cols, x.by_user.cols);
		assert_int_equal(shape.entries, n);
		assert_int_equal(shape.users, users);
		assert_int_equal(shape.items, items);
		if (n > 0)
		{
			assert_true(near(shape.per_user, (double) n / users));
			assert_true(near(shape.per_item, (double) n / items));
			assert_true(near(shape.density, (double) n / users / items));
			assert_true(near(shape.mean_size, size > 0 ? size / (double) n : 1));
			assert_true(near(shape.mean_square, square > 0 ? square / (double) n : 1));
		}
		free_matrix(&m, &x);
		free(rows);
	}
}

/* n users who all have n items, with one value; n 0: none. */
static reco_shape
full(int32_t n, float value)
{
	int64_t *start = calloc((size_t) n + 2, sizeof(int64_t));
	int32_t *col = calloc((size_t) n * n + 1, sizeof(int32_t));
	float *values = calloc((size_t) n * n + 1, sizeof(float));
	reco_csr a = {n, n, start, col, values};
	reco_shape shape;

	for (int32_t u = 0; u < n; u++)
	{
		start[u + 1] = (int64_t) (u + 1) * n;
		for (int32_t i = 0; i < n; i++)
		{
			col[(int64_t) u * n + i] = i;
			values[(int64_t) u * n + i] = value;
		}
	}
	shape = shape_of(&a);
	free(start);
	free(col);
	free(values);
	return shape;
}

static const reco_als_params open_als = {.alpha = NAN, .regularization = NAN};

static reco_als_params
chosen_als(const reco_shape *shape, reco_als_params params)
{
	reco_als_choose(shape, &params);
	assert_true(params.alpha >= RECO_ALS_LEAST && params.alpha <= RECO_ALS_MOST_ALPHA);
	assert_true(params.regularization >= RECO_ALS_LEAST &&
				params.regularization <= RECO_ALS_MOST_REGULARIZATION);
	return params;
}

/* The formulas of the header, with numbers put in. */
static void
test_als(void **state)
{
	/* 1000 users, 500 items, 9000 entries of 1: a density of 0.018, and structure */
	reco_shape shape = {1000, 500, 1000, 500, 9000, 9, 18, 0.018, 1, 1, 2};
	reco_als_params params = chosen_als(&shape, open_als);
	double a = 0.04 / 0.018;
	double edge = sqrt(1 + a) * (3 + sqrt(18));

	(void) state;
	assert_true(near(params.alpha, a));
	assert_true(near(params.regularization, edge));
	/* at the bounds */
	shape.density = 0.0004;
	assert_true(near(chosen_als(&shape, open_als).alpha, 40));
	shape.density = 0.1;
	assert_true(near(chosen_als(&shape, open_als).alpha, 1));
	shape.density = 0.018;
	/* one of the two is given */
	params = open_als;
	params.alpha = 15;
	params = chosen_als(&shape, params);
	assert_true(params.alpha == 15);
	assert_true(near(params.regularization, 4 * (3 + sqrt(18))));
	params = open_als;
	params.regularization = 2;
	params = chosen_als(&shape, params);
	assert_true(near(params.alpha, a));
	assert_true(params.regularization == 2);
	/* weighted: as much for a user and an item of mean size, in the geometric mean */
	params = open_als;
	params.weighted_regularization = true;
	params = chosen_als(&shape, params);
	assert_true(near(params.regularization * sqrt((500 + a * 9) * (1000 + a * 18)), edge));
	/* values of 2 that count half are the same matrix */
	shape.mean_size = 2;
	params = chosen_als(&shape, open_als);
	assert_true(near(params.alpha, a / 2));
	assert_true(near(params.regularization, edge));
	/* no structure, and half of it */
	shape.mean_size = 1;
	shape.overlap = 1;
	params = chosen_als(&shape, open_als);
	assert_true(params.alpha == 1);
	assert_true(near(params.regularization, 3 * sqrt(2) * (3 + sqrt(18))));
	shape.overlap = 1.15;
	params = chosen_als(&shape, open_als);
	assert_true(near(params.alpha, sqrt(a)));
	assert_true(near(params.regularization, 2 * sqrt(1 + sqrt(a)) * (3 + sqrt(18))));
}

/* Of every pair of users, by the definition. */
static double
slow_overlap(const reco_csr *a)
{
	double n = (double) a->start[a->rows];
	double *p = calloc((size_t) a->cols + 1, sizeof(double));
	double second = 0;
	double fourth = 0;
	double found = 0;
	double expected = 0;

	for (int64_t e = 0; e < a->start[a->rows]; e++)
		p[a->col[e]] += 1 / n;
	for (int32_t i = 0; i < a->cols; i++)
	{
		second += pow(p[i], 2);
		fourth += pow(p[i], 4);
	}
	for (int32_t u = 0; u < a->rows; u++)
		for (int32_t v = 0; v < a->rows; v++)
		{
			double nu = (double) (a->start[u + 1] - a->start[u]);
			double nv = (double) (a->start[v + 1] - a->start[v]);
			double common = 0;

			if (u == v || nu == 0 || nv == 0)
				continue;
			for (int64_t e = a->start[u]; e < a->start[u + 1]; e++)
				common += reco_find(a->col, a->start[v], a->start[v + 1], a->col[e]) >= 0;
			found += common * (common - 1) / (nu * nv);
			expected += (nu - 1) * (nv - 1) * (second * second - fourth);
		}
	free(p);
	return expected > 0 ? found / expected : 1;
}

static double
overlap_of(const reco_csr *a, double most)
{
	double excess = 0;
	mimic_env m;

	for (int threads = 3; threads >= 1; threads -= 2)
	{
		double before = excess;

		mimic_env_init(&m);
		m.env.threads = threads;
		assert_int_equal(reco_overlap(&m.env, a, most, &excess), RECO_OK);
		assert_int_equal(m.live, 0);
		assert_true(threads == 3 || excess == before);
	}
	return excess;
}

static void
test_overlap(void **state)
{
	(void) state;
	for (int s = 0; s < SOURCES; s++)
	{
		row *rows = make_rows(&sources[s], 11);
		reco_interactions x;
		mimic_env m;

		mimic_env_init(&m);
		assert_int_equal(build_matrix(&m, &sources[s], rows, NULL, &x), RECO_OK);
		if (x.by_user.rows <= 500)
			assert_true(fabs(overlap_of(&x.by_user, RECO_OVERLAP_STEPS) -
							 slow_overlap(&x.by_user)) <= 1e-6 * slow_overlap(&x.by_user));
		free_matrix(&m, &x);
		free(rows);
	}
}

/*
 * So many users and items that only some users are drawn: each user takes some of the items of
 * one of so many groups.
 */
static double
overlap_of_groups(int groups)
{
	enum
	{
		USERS = 60000,
		ITEMS = 40,
		EACH = 5
	};
	int64_t *start = malloc((USERS + 1) * sizeof(int64_t));
	int32_t *col = malloc((size_t) USERS * EACH * sizeof(int32_t));
	reco_csr a = {USERS, ITEMS, start, col, NULL};
	uint64_t seed = 3;
	double excess;
	double few;

	for (int32_t u = 0; u < USERS; u++)
	{
		int32_t size = ITEMS / groups;
		int32_t from = (int32_t) mimic_below(&seed, groups) * size;
		int32_t taken = 0;

		start[u] = (int64_t) u * EACH;
		/* each subset is as likely: Knuth's algorithm S */
		for (int32_t i = 0; i < size; i++)
			if (mimic_below(&seed, size - i) < EACH - taken)
				col[start[u] + taken++] = from + i;
		assert_int_equal(taken, EACH);
	}
	start[USERS] = (int64_t) USERS * EACH;
	excess = overlap_of(&a, RECO_OVERLAP_STEPS);
	assert_true(excess == overlap_of(&a, RECO_OVERLAP_STEPS));
	/* pairs of a twentieth of the users: other ones, so not the same to the bit */
	few = overlap_of(&a, 0.05 * 0.05 * USERS * EACH * USERS * EACH / ITEMS);
	assert_true(few != excess && fabs(few / excess - 1) < 0.05);
	free(start);
	free(col);
	return excess;
}

/*
 * Of two users who take n each of the same m items, one pair of items is had by both with
 * (n (n - 1) / (m (m - 1)))^2, so E c (c - 1) / n^2 = (n - 1)^2 / (m (m - 1)); which is expected of
 * users of one group only.  Where M items are equally popular q is (M - 1) / M^3.
 */
static void
test_drawn(void **state)
{
	(void) state;
	for (int groups = 1; groups <= 4; groups *= 2)
	{
		double m = 40.0 / groups;
		double all = 40;
		double expected = all * all * all / (all - 1) / (groups * m * (m - 1));

		assert_true(fabs(overlap_of_groups(groups) - expected) < 0.03 * expected);
	}
}

static reco_neighbors_params
chosen_neighbors(const reco_shape *shape, reco_neighbors_use use, reco_measure measure,
				 int weighting)
{
	reco_neighbors_params params = {
		.measure = measure,
		.weighting = (reco_weighting) weighting,
		.neighbors = RECO_NEIGHBORS_OPEN,
		.shrinkage = NAN,
	};

	reco_neighbors_choose(shape, use, &params);
	assert_true(reco_neighbors_params_valid(&params));
	assert_true(params.weighting >= RECO_WEIGHTING_NONE && params.weighting <= RECO_WEIGHTING_BM25);
	/* what options refuse is never chosen */
	if (params.measure != RECO_COSINE && params.measure != RECO_ASYMMETRIC && weighting < 0)
		assert_int_equal(params.weighting, RECO_WEIGHTING_NONE);
	if (params.measure == RECO_LLR || use == RECO_OF_RATINGS)
		assert_true(params.shrinkage == 0);
	return params;
}

static void
test_neighbors(void **state)
{
	reco_shape shape = {1000, 500, 1000, 500, 9000, 9, 18, 0.018, 3, 10, 2};
	const int open = RECO_NEIGHBORS_OPEN;
	reco_neighbors_params p;

	(void) state;
	p = chosen_neighbors(&shape, RECO_OF_ITEM_LISTS, RECO_COSINE, open);
	assert_int_equal(p.weighting, RECO_WEIGHTING_NONE);
	assert_int_equal(p.neighbors, 100);
	assert_true(p.shrinkage == 500);
	p = chosen_neighbors(&shape, RECO_OF_ITEM_LISTS, RECO_JACCARD, open);
	assert_true(p.shrinkage == 50);
	p = chosen_neighbors(&shape, RECO_OF_USER_LISTS, RECO_COSINE, open);
	assert_int_equal(p.weighting, RECO_WEIGHTING_TF_IDF);
	assert_int_equal(p.neighbors, 100);
	assert_true(p.shrinkage == 0);
	p = chosen_neighbors(&shape, RECO_OF_USER_LISTS, RECO_COSINE, RECO_WEIGHTING_NONE);
	assert_true(p.shrinkage == 500);
	p = chosen_neighbors(&shape, RECO_OF_RATINGS, RECO_COSINE, open);
	assert_int_equal(p.weighting, RECO_WEIGHTING_NONE);
	assert_int_equal(p.neighbors, 100);
	/* no structure: more support is asked for, and more users */
	shape.overlap = 1;
	p = chosen_neighbors(&shape, RECO_OF_ITEM_LISTS, RECO_COSINE, open);
	assert_true(near(p.shrinkage, 5000));
	assert_int_equal(p.neighbors, 100);
	p = chosen_neighbors(&shape, RECO_OF_USER_LISTS, RECO_COSINE, open);
	assert_int_equal(p.neighbors, 300);
}

/* Where the shape is said not to matter, any shape gives the same; else some do not. */
static void
test_neighbors_matters(void **state)
{
	static const int weightings[] = {RECO_NEIGHBORS_OPEN, RECO_WEIGHTING_NONE,
									 RECO_WEIGHTING_TF_IDF, RECO_WEIGHTING_BM25};
	const reco_shape shape[] = {{0},
								{1000, 500, 1000, 500, 9000, 9, 18, 0.018, 3, 10, 2},
								{1000, 500, 1000, 500, 9000, 9, 18, 0.018, 3, 20, 1}};
	int matter = 0;

	(void) state;
	for (int use = RECO_OF_ITEM_LISTS; use <= RECO_OF_RATINGS; use++)
		for (int measure = RECO_COSINE; measure <= RECO_WALK; measure++)
			for (int w = 0; w < 4; w++)
				for (int given = 0; given < 4; given++)
				{
					const reco_neighbors_params params = {
						.measure = (reco_measure) measure,
						.weighting = (reco_weighting) weightings[w],
						.neighbors = given & 1 ? 7 : RECO_NEIGHBORS_OPEN,
						.shrinkage = given & 2 ? 3.5 : NAN,
					};
					reco_neighbors_params p[3] = {params, params, params};
					bool same = true;

					for (int s = 0; s < 3; s++)
					{
						reco_neighbors_choose(&shape[s], (reco_neighbors_use) use, &p[s]);
						same = same && p[s].weighting == p[0].weighting &&
							   p[s].neighbors == p[0].neighbors && p[s].shrinkage == p[0].shrinkage;
					}
					assert_true(same !=
								reco_neighbors_shape_matters((reco_neighbors_use) use, &params));
					matter += !same;
				}
	/* the number of users in lists; shrinkage of items, and of users where there is no weight */
	assert_int_equal(matter, 11 * 4 * 2 + (2 + 3) * 2 * 2 + 2 + 3 * 2);
}

static void
check_walk(double per_item, double density, reco_walk given, reco_walk expected)
{
	reco_shape shape = {.per_item = per_item, .density = density};

	reco_walk_choose(&shape, &given);
	assert_true(given.alpha == expected.alpha && given.beta == expected.beta);
	assert_int_equal(given.normalized, expected.normalized);
	assert_int_equal(given.neighbors, expected.neighbors);
}

static void
test_walk(void **state)
{
	const int open = RECO_NEIGHBORS_OPEN;
	const reco_walk all = {NAN, NAN, open, open};

	(void) state;
	check_walk(5, 0.004, all, (reco_walk){0.5, 0.3, 1, 100});
	check_walk(5, 0.0039, all, (reco_walk){0.5, 0, 1, 100});
	check_walk(4.9, 0.004, all, (reco_walk){0.3, 0.3, 0, 100});
	check_walk(4.9, 0.0039, all, (reco_walk){0.3, 0, 0, 100});
	/* alpha goes by what normalized is, given or not */
	check_walk(9, 1, (reco_walk){NAN, 1, 0, 7}, (reco_walk){0.3, 1, 0, 7});
	check_walk(1, 1, (reco_walk){NAN, NAN, 1, open}, (reco_walk){0.5, 0.3, 1, 100});
	check_walk(1, 1, (reco_walk){1, 0, open, open}, (reco_walk){1, 0, 0, 100});
}

/* One user, no value but 0, values below 0, as small and as large as there are. */
static void
test_ends(void **state)
{
	static const float values[] = {1, 0, -1, -5, FLT_TRUE_MIN, FLT_MIN, FLT_MAX, -FLT_MAX, 1e-20F};

	(void) state;
	for (int32_t n = 0; n <= 40; n += n < 2 ? 1 : 19)
		for (int v = 0; v < (int) (sizeof(values) / sizeof(values[0])); v++)
		{
			reco_shape shape = full(n, values[v]);

			assert_true(shape.mean_size > 0 && isfinite(shape.mean_square));
			assert_true(shape.density > 0 && shape.density <= 1);
			for (int weighted = 0; weighted < 2; weighted++)
			{
				reco_als_params params = open_als;
				double alpha = chosen_als(&shape, open_als).alpha;

				params.weighted_regularization = weighted;
				(void) chosen_als(&shape, params);
				params.alpha = RECO_ALS_MOST_ALPHA;
				(void) chosen_als(&shape, params);
				assert_true(isfinite(reco_als_regularization(&shape, alpha, 2)));
			}
			for (int use = RECO_OF_ITEM_LISTS; use <= RECO_OF_RATINGS; use++)
				for (int measure = RECO_COSINE; measure <= RECO_WALK; measure++)
					for (int w = -1; w < 3; w++)
						(void) chosen_neighbors(&shape, (reco_neighbors_use) use,
												(reco_measure) measure,
												w < 0 ? RECO_NEIGHBORS_OPEN : w);
		}
}

typedef reco_status (*kernel)(const reco_env *env, const reco_csr *a, void *result);

static reco_status
run_shape(const reco_env *env, const reco_csr *a, void *result)
{
	return reco_shape_of(env, a, result);
}

static reco_status
run_overlap(const reco_env *env, const reco_csr *a, void *result)
{
	return reco_overlap(env, a, RECO_OVERLAP_STEPS, result);
}

static bool
always(void *arg)
{
	(void) arg;
	return true;
}

/* What a thread has left halfway is no result, also where the poll after it asks for no end. */
static void
test_overlap_left(void **state)
{
	static const int64_t start[] = {0, 2, 4, 6, 8};
	static const int32_t col[] = {0, 1, 0, 1, 0, 1, 0, 1};
	reco_csr a = {4, 2, (int64_t *) start, (int32_t *) col, NULL};

	(void) state;
	for (int threads = 1; threads <= 3; threads += 2)
	{
		mimic_env m;
		double excess;

		mimic_env_init(&m);
		m.env.threads = threads;
		m.env.stopping = always;
		assert_int_equal(reco_overlap(&m.env, &a, RECO_OVERLAP_STEPS, &excess), RECO_STOPPED);
		assert_int_equal(m.live, 0);
	}
}

/* Each poll of the last run asks for an end; part > 1: of n that are left every n / part-th. */
static void
stop_at_polls(kernel run, const reco_csr *a, mimic_env *m, int part)
{
	reco_shape result;

	for (long polls = m->polls; polls > 0; polls -= part > 1 ? 1 + polls / part : 1)
	{
		m->polls = 0;
		m->stop_at = polls;
		assert_int_equal(run(&m->env, a, &result), RECO_STOPPED);
		assert_int_equal(m->live, 0);
	}
}

/* Without memory, and when it is to end. */
static void
test_failures(void **state)
{
	static const kernel kernels[] = {run_shape, run_overlap};
	const int32_t n = 1500000;
	int64_t *start = malloc(((size_t) n + 1) * sizeof(int64_t));
	int32_t *col = malloc((size_t) n * 2 * sizeof(int32_t));
	reco_csr a = {n, n, start, col, NULL};

	(void) state;
	for (int32_t u = 0; u < n; u++)
	{
		start[u] = 2 * u;
		col[2 * u] = u / 2;
		col[2 * u + 1] = n / 2 + u / 2;
	}
	start[n] = 2 * n;
	for (int k = 0; k < 2; k++)
	{
		reco_shape result;
		mimic_env m;

		mimic_env_init(&m);
		m.env.due = NULL;
		assert_int_equal(kernels[k](&m.env, &a, &result), RECO_OK);
		assert_int_equal(m.live, 0);
		stop_at_polls(kernels[k], &a, &m, 1);
		/* where the main thread is wanted now and then polls are many: some of them */
		mimic_env_init(&m);
		assert_int_equal(kernels[k](&m.env, &a, &result), RECO_OK);
		stop_at_polls(kernels[k], &a, &m, 8);
		m.stop_at = 0;
		for (long at = 1;; at++)
		{
			reco_status status;

			m.allocations = 0;
			m.fail_at = at;
			status = kernels[k](&m.env, &a, &result);
			assert_int_equal(m.live, 0);
			if (status == RECO_OK)
				break;
			assert_int_equal(status, RECO_NO_MEMORY);
		}
	}
	free(start);
	free(col);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_als),
		cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_drawn),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_neighbors),
		cmocka_unit_test(test_neighbors_matters),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_overlap_left),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
