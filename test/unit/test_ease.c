/*
 * test_ease.c
 *	  Unit tests of EASE (core/regression/ease.h): weights against the formula over Gauss and
 *	  Jordan's inverse, which of them are kept, determinism, and what cannot be done.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/regression/ease.h"
#include "mimic_env.h"
#include "mimic_linear.h"
#include "mimic_lists.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Errors of weights beside the largest of an item: float4, times the condition. */
#define CLOSE 1e-3

/* Users of two kinds and of chance; the last item has nothing, one before it is far larger. */
static double *
table_of(int32_t rows, int32_t cols, uint64_t seed)
{
	double *x = calloc((size_t) rows * cols + 1, sizeof(double));

	for (int32_t r = 0; r < rows; r++)
		for (int32_t c = 0; c < cols - 1; c++)
			if (mimic_uniform(&seed) < ((r + c) % 2 ? 0.03 : 0.15))
				x[r * cols + c] = (double) (1 + mimic_below(&seed, 5)) * (c == cols - 2 ? 1e6 : 1);
	return x;
}

/* B by its definition. */
static double *
weights_of(const double *x, int32_t rows, int32_t cols, double lambda)
{
	double *g = mimic_gram(x, rows, cols);
	double *p;

	for (int32_t i = 0; i < cols; i++)
		g[i * cols + i] += lambda;
	p = mimic_inverse(g, cols);
	for (int32_t i = 0; i < cols; i++)
		for (int32_t j = 0; j < cols; j++)
			g[i * cols + j] = i == j ? 0 : -p[i * cols + j] / p[j * cols + j];
	free(p);
	return g;
}

/* Lists with right weights, in order, as many as asked for, and none left out that is larger. */
static void
check_lists(const reco_neighbors *lists, int neighbors, const double *b, int32_t cols)
{
	bool *kept = calloc((size_t) cols * cols, sizeof(bool));
	double *largest = calloc((size_t) cols, sizeof(double));
	int64_t most = (int64_t) (neighbors < cols ? neighbors : cols) * cols;
	int64_t some = 0;
	double least = INFINITY;

	for (int32_t c = 0; c < cols * cols; c++)
	{
		largest[c / cols] = fmax(largest[c / cols], fabs(b[c]));
		some += b[c] != 0;
	}
	assert_int_equal(lists->start[cols], some < most ? some : most);
	for (int32_t i = 0; i < cols; i++)
		for (int64_t e = lists->start[i]; e < lists->start[i + 1]; e++)
		{
			int32_t j = lists->row[e];
			double w = lists->similarity[e];

			assert_true(j >= 0 && j < cols && j != i && !kept[i * cols + j]);
			kept[i * cols + j] = true;
			if (!(fabs(w - b[i * cols + j]) <= CLOSE * largest[i]))
				fail_msg("of %d items weight %d %d: %.8g, not %.8g of %.8g", cols, i, j, w,
						 b[i * cols + j], largest[i]);
			if (e > lists->start[i])
				assert_true(fabs(w) <= fabs(lists->similarity[e - 1]));
			least = fmin(least, fabs(w));
		}
	for (int32_t c = 0; c < cols * cols; c++)
		if (!kept[c])
			assert_true(fabs(b[c]) <= least + CLOSE * largest[c / cols]);
	free(largest);
	free(kept);
}

static void
test_weights(void **state)
{
	static const int32_t sizes[] = {1, 2, 40, 210};
	static const int lengths[] = {1, 7, 10000};

	(void) state;
	for (int s = 0; s < 4; s++)
		for (int l = 0; l < 3; l++)
		{
			int32_t cols = sizes[s];
			double *x = table_of(90, cols, 11 + s);
			double *b = weights_of(x, 90, cols, 25);
			reco_csr by_user = mimic_csr_of(x, 90, cols, false);
			reco_ease_params params = {25, lengths[l]};
			reco_neighbors first;

			for (int threads = 1; threads <= 3; threads++)
			{
				mimic_env m;
				reco_csr by_item;
				reco_neighbors lists;
				size_t held;

				mimic_env_init(&m);
				m.env.threads = threads;
				assert_int_equal(reco_csr_transpose(&m.env, &by_user, by_user.value, &by_item),
								 RECO_OK);
				held = m.peak = m.bytes;
				assert_int_equal(
					reco_ease_fit(&m.env, &params, &by_user, &by_item, NULL, NULL, &lists),
					RECO_OK);
				assert_true(m.peak - held <= reco_ease_memory(&params, cols, threads));
				reco_csr_free(&m.env, &by_item);
				check_lists(&lists, lengths[l], b, cols);
				if (threads == 1)
					first = lists;
				else
				{
					mimic_same_lists(&first, &lists);
					reco_neighbors_free(&m.env, &lists);
					assert_int_equal(m.live, 0);
				}
				if (threads == 3)
					reco_neighbors_free(&m.env, &first);
			}
			mimic_csr_free(&by_user);
			free(b);
			free(x);
		}
}

/* Of X'X itself the same weights; where it is not positive definite, none. */
static void
test_gram(void **state)
{
	enum
	{
		ROWS = 90,
		COLS = 75
	};
	double *x = table_of(ROWS, COLS, 3);
	double *g = mimic_gram(x, ROWS, COLS);
	reco_csr by_user = mimic_csr_of(x, ROWS, COLS, false);
	reco_ease_params params = {25, 20};
	reco_packed gram = {COLS, calloc(reco_packed_size(COLS), sizeof(double))};
	reco_neighbors lists;
	reco_neighbors same;
	reco_csr by_item;
	size_t held;
	mimic_env m;

	(void) state;
	for (int i = 0; i < COLS; i++)
		for (int j = 0; j <= i; j++)
			reco_packed_row(&gram, i)[j] = g[i * COLS + j];
	mimic_env_init(&m);
	assert_int_equal(reco_csr_transpose(&m.env, &by_user, by_user.value, &by_item), RECO_OK);
	assert_int_equal(reco_ease_fit(&m.env, &params, &by_user, &by_item, NULL, NULL, &lists),
					 RECO_OK);
	held = m.peak = m.bytes;
	assert_int_equal(reco_ease_of(&m.env, &params, &gram, NULL, NULL, &same), RECO_OK);
	assert_true(m.peak - held <= reco_ease_memory(&params, COLS, 1));
	mimic_same_lists(&lists, &same);
	reco_neighbors_free(&m.env, &same);
	reco_neighbors_free(&m.env, &lists);
	reco_csr_free(&m.env, &by_item);
	/* an element of the diagonal below 0; two items that are more alike than one is itself */
	reco_packed_row(&gram, 7)[7] = -26;
	assert_int_equal(reco_ease_of(&m.env, &params, &gram, NULL, NULL, &same), RECO_SINGULAR);
	reco_packed_row(&gram, 7)[7] = 10;
	reco_packed_row(&gram, 7)[3] = 1e7;
	assert_int_equal(reco_ease_of(&m.env, &params, &gram, NULL, NULL, &same), RECO_SINGULAR);
	gram.n = 0;
	assert_int_equal(reco_ease_of(&m.env, &params, &gram, NULL, NULL, &same), RECO_OK);
	assert_int_equal(same.start[0], 0);
	reco_neighbors_free(&m.env, &same);
	assert_int_equal(m.live, 0);
	free(gram.value);
	free(g);
	free(x);
	mimic_csr_free(&by_user);
}

/* Values in place of ones of the same matrix; scores of users as the model is meant. */
static void
test_scale(void **state)
{
	enum
	{
		ROWS = 50,
		COLS = 30
	};
	double *x = table_of(ROWS, COLS, 4);
	reco_neighbors lists[3];
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	for (int kind = 0; kind < 3; kind++)
	{
		/* ones, twos, and values whose squares are beyond float4 */
		double value = kind == 0 ? 1 : kind == 1 ? 2 : 0x1p70;
		reco_ease_params params = {3 * value * value, 5};
		reco_csr by_user;
		reco_csr by_item;

		for (int c = 0; c < ROWS * COLS; c++)
			x[c] = x[c] != 0 ? value : 0;
		by_user = mimic_csr_of(x, ROWS, COLS, kind == 0);
		assert_int_equal(reco_csr_transpose(&m.env, &by_user, by_user.value, &by_item), RECO_OK);
		assert_int_equal(
			reco_ease_fit(&m.env, &params, &by_user, &by_item, NULL, NULL, &lists[kind]), RECO_OK);
		reco_csr_free(&m.env, &by_item);
		mimic_csr_free(&by_user);
	}
	mimic_same_lists(&lists[0], &lists[1]);
	mimic_same_lists(&lists[0], &lists[2]);
	for (int kind = 0; kind < 3; kind++)
		reco_neighbors_free(&m.env, &lists[kind]);
	assert_int_equal(m.live, 0);
	free(x);
}

/* Of weights that are all the same the first are kept, as many as asked for. */
static void
test_ties(void **state)
{
	enum
	{
		COLS = 30
	};
	double *x = calloc(COLS * COLS, sizeof(double));
	reco_csr by_user;
	reco_csr by_item;
	reco_ease_params params = {1, 1};
	reco_neighbors lists;
	mimic_env m;

	(void) state;
	/* pairs that are alike: each item has a weight on one other */
	for (int r = 0; r < COLS; r++)
		x[r * COLS + r] = x[r * COLS + (r ^ 1)] = 1;
	by_user = mimic_csr_of(x, COLS, COLS, true);
	mimic_env_init(&m);
	m.env.threads = 2;
	assert_int_equal(reco_csr_transpose(&m.env, &by_user, NULL, &by_item), RECO_OK);
	assert_int_equal(reco_ease_fit(&m.env, &params, &by_user, &by_item, NULL, NULL, &lists),
					 RECO_OK);
	assert_int_equal(lists.start[COLS], COLS);
	for (int i = 0; i < COLS; i++)
	{
		assert_int_equal(lists.row[i], i ^ 1);
		/* G + 1 = (3 2; 2 3) */
		assert_true(fabs(lists.similarity[i] - 2.0 / 3) < 1e-6);
	}
	reco_neighbors_free(&m.env, &lists);
	/* all alike: 30 of 870 */
	for (int c = 0; c < COLS * COLS; c++)
		x[c] = 1;
	mimic_csr_free(&by_user);
	reco_csr_free(&m.env, &by_item);
	by_user = mimic_csr_of(x, COLS, COLS, true);
	assert_int_equal(reco_csr_transpose(&m.env, &by_user, NULL, &by_item), RECO_OK);
	assert_int_equal(reco_ease_fit(&m.env, &params, &by_user, &by_item, NULL, NULL, &lists),
					 RECO_OK);
	assert_int_equal(lists.start[COLS], COLS);
	reco_neighbors_free(&m.env, &lists);
	reco_csr_free(&m.env, &by_item);
	assert_int_equal(m.live, 0);
	mimic_csr_free(&by_user);
	free(x);
}

typedef struct fitting
{
	const reco_ease_params *params;
	const reco_csr *by_user;
	const reco_csr *by_item;
} fitting;

static reco_status
fit_once(const reco_env *env, void *arg, reco_neighbors *lists)
{
	const fitting *f = arg;

	return reco_ease_fit(env, f->params, f->by_user, f->by_item, NULL, NULL, lists);
}

/* Every poll stops and every allocation fails in turn; a matrix that has no solution. */
static void
test_refusals(void **state)
{
	enum
	{
		ROWS = 30,
		COLS = 200
	};
	double *x = table_of(ROWS, COLS, 8);
	reco_csr by_user;
	reco_csr by_item;
	reco_ease_params params = {1, 5};
	reco_neighbors lists;
	mimic_env m;

	(void) state;
	for (int r = 0; r < ROWS; r++)
		x[r * COLS + 1] = x[r * COLS] = 1;
	by_user = mimic_csr_of(x, ROWS, COLS, true);
	mimic_env_init(&m);
	m.env.threads = 2;
	assert_int_equal(reco_csr_transpose(&m.env, &by_user, NULL, &by_item), RECO_OK);
	m.live = 0;
	m.polls = 0;
	mimic_list_ends(&m, fit_once, &(fitting){&params, &by_user, &by_item}, 20, 7);
	/* two items that nobody tells apart */
	params.regularization = 1e-7;
	assert_int_equal(reco_ease_fit(&m.env, &params, &by_user, &by_item, NULL, NULL, &lists),
					 RECO_SINGULAR);
	params.regularization = 0;
	assert_int_equal(reco_ease_fit(&m.env, &params, &by_user, &by_item, NULL, NULL, &lists),
					 RECO_INVALID);
	params = (reco_ease_params){1, 0};
	assert_int_equal(reco_ease_fit(&m.env, &params, &by_user, &by_item, NULL, NULL, &lists),
					 RECO_INVALID);
	assert_int_equal(m.live, 0);
	m.live = 3;
	reco_csr_free(&m.env, &by_item);
	mimic_csr_free(&by_user);
	free(x);
}

/* Twice the values, four times the regularization; the more items, the shorter the lists; what is
 * given stays. */
static void
test_choice(void **state)
{
	reco_shape shape = {.per_user = 25, .per_item = 9, .mean_square = 1};
	reco_ease_params params = {NAN, 10};

	(void) state;
	reco_ease_choose(&shape, &params);
	assert_true(fabs(params.regularization - 75) < 1e-9);
	shape.mean_square = 4;
	reco_ease_choose(&shape, &params);
	assert_true(fabs(params.regularization - 75) < 1e-9);
	params.regularization = NAN;
	reco_ease_choose(&shape, &params);
	assert_true(fabs(params.regularization - 300) < 1e-9);
	shape.mean_square = 1e300;
	params.regularization = NAN;
	reco_ease_choose(&shape, &params);
	assert_true(params.regularization == RECO_EASE_MOST);
	assert_int_equal(params.neighbors, 10);
	for (int n = 0; n < 4; n++)
	{
		static const int32_t items[] = {300, 5000, 20000, 1000000};
		static const int expected[] = {1000, 400, 100, 100};

		shape.cols = items[n];
		params.neighbors = RECO_EASE_OPEN;
		reco_ease_choose(&shape, &params);
		assert_int_equal(params.neighbors, expected[n]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_weights),  cmocka_unit_test(test_gram),
		cmocka_unit_test(test_scale),    cmocka_unit_test(test_ties),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_choice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
