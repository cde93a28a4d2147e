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

/* Numbers that were worked out by hand from the formulas of the header. */
static void
test_als(void **state)
{
	/* 1000 users, 500 items, 9000 entries of 1: a density of 0.018 */
	reco_shape shape = {1000, 500, 1000, 500, 9000, 9, 18, 0.018, 1, 1};
	reco_als_params params = chosen_als(&shape, open_als);
	double edge = 1.12 * sqrt(1 + 4) * (3 + sqrt(18));

	(void) state;
	/* 0.04 / 0.018 is below 4 */
	assert_true(near(params.alpha, 4));
	assert_true(near(params.regularization, edge));
	/* between the bounds, and above them */
	shape.density = 0.004;
	assert_true(near(chosen_als(&shape, open_als).alpha, 10));
	shape.density = 0.0004;
	assert_true(near(chosen_als(&shape, open_als).alpha, 40));
	shape.density = 0.018;
	/* one of the two is given */
	params = open_als;
	params.alpha = 15;
	params = chosen_als(&shape, params);
	assert_true(params.alpha == 15);
	assert_true(near(params.regularization, 1.12 * 4 * (3 + sqrt(18))));
	params = open_als;
	params.regularization = 2;
	params = chosen_als(&shape, params);
	assert_true(near(params.alpha, 4));
	assert_true(params.regularization == 2);
	/* weighted: as much for a user and an item of mean size, in the geometric mean */
	params = open_als;
	params.weighted_regularization = true;
	params = chosen_als(&shape, params);
	assert_true(near(params.regularization * sqrt((500 + 4 * 9) * (1000 + 4 * 18.0)), edge));
	/* values of 2 that count half are the same matrix */
	shape.mean_size = 2;
	params = chosen_als(&shape, open_als);
	assert_true(near(params.alpha, 2));
	assert_true(near(params.regularization, edge));
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
		.walk_alpha = NAN,
		.walk_beta = NAN,
	};

	reco_neighbors_choose(shape, use, &params);
	assert_true(reco_neighbors_params_valid(&params));
	assert_true(params.walk_alpha >= 0 && params.walk_beta >= 0);
	assert_in_range(params.weighting, RECO_WEIGHTING_NONE, RECO_WEIGHTING_BM25);
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
	static const reco_shape shape = {1000, 500, 1000, 500, 9000, 9, 18, 0.018, 3, 10};
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
	assert_int_equal(p.weighting, RECO_WEIGHTING_BM25);
	assert_int_equal(p.neighbors, 300);
	assert_true(p.shrinkage == 0);
	p = chosen_neighbors(&shape, RECO_OF_USER_LISTS, RECO_COSINE, RECO_WEIGHTING_NONE);
	assert_true(p.shrinkage == 500);
	p = chosen_neighbors(&shape, RECO_OF_RATINGS, RECO_COSINE, open);
	assert_int_equal(p.weighting, RECO_WEIGHTING_NONE);
	assert_int_equal(p.neighbors, 100);
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

/* Without memory, and when it is to end. */
static void
test_failures(void **state)
{
	const int32_t n = 3000000;
	int64_t *start = malloc(((size_t) n + 1) * sizeof(int64_t));
	int32_t *col = calloc((size_t) n, sizeof(int32_t));
	reco_csr a = {n, 1, start, col, NULL};
	reco_shape shape;
	mimic_env m;

	(void) state;
	for (int32_t u = 0; u <= n; u++)
		start[u] = u;
	mimic_env_init(&m);
	m.fail_at = 1;
	assert_int_equal(reco_shape_of(&m.env, &a, &shape), RECO_NO_MEMORY);
	m.fail_at = 0;
	assert_int_equal(reco_shape_of(&m.env, &a, &shape), RECO_OK);
	for (long polls = m.polls; polls > 0; polls--)
	{
		m.polls = 0;
		m.stop_at = polls;
		assert_int_equal(reco_shape_of(&m.env, &a, &shape), RECO_STOPPED);
		assert_int_equal(m.live, 0);
	}
	free(start);
	free(col);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),    cmocka_unit_test(test_als),
		cmocka_unit_test(test_neighbors), cmocka_unit_test(test_ends),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
