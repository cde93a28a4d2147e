/*
 * test_slim.c
 *	  Unit tests of SLIM (core/regression/slim.h): what a minimum asks for, and the minimum itself
 *	  against plain coordinate descent over all weights in float8; determinism, and what cannot be
 *	  done.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/regression/slim.h"
#include "mimic_env.h"
#include "mimic_linear.h"
#include "mimic_lists.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 120

/* Users of two kinds and of chance; the last item has nothing. */
static double *
table_of(int32_t cols, uint64_t seed)
{
	double *x = calloc((size_t) ROWS * cols + 1, sizeof(double));

	for (int32_t r = 0; r < ROWS; r++)
		for (int32_t c = 0; c < cols - 1; c++)
			if (mimic_uniform(&seed) < ((r + c) % 2 ? 0.05 : 0.4) * (c % 7 == 0 ? 2 : 1))
				x[r * cols + c] = (double) (1 + mimic_below(&seed, 3));
	return x;
}

/* G_j - G w of each item, w being what a list of j says. */
static double *
pulls_of(const double *g, int32_t cols, const double *w, int32_t j)
{
	double *r = malloc((size_t) cols * sizeof(double));

	for (int32_t i = 0; i < cols; i++)
	{
		r[i] = g[i * cols + j];
		for (int32_t k = 0; k < cols; k++)
			r[i] -= g[i * cols + k] * w[k];
	}
	return r;
}

/* The objective but for a constant: w'Gw/2 - w'g + l2 |w|^2 / 2 + l1 |w|. */
static double
objective(const double *g, int32_t cols, const double *w, int32_t j, const reco_slim_params *p)
{
	double *r = pulls_of(g, cols, w, j);
	double sum = 0;

	for (int32_t i = 0; i < cols; i++)
		sum += -w[i] * (r[i] + g[i * cols + j]) / 2 + p->l2 * w[i] * w[i] / 2 + p->l1 * fabs(w[i]);
	free(r);
	return sum;
}

/* Plain coordinate descent, to the end. */
static double *
minimum_of(const double *g, int32_t cols, int32_t j, const reco_slim_params *p)
{
	double *w = calloc((size_t) cols, sizeof(double));
	double moved = 1;

	while (moved > 1e-9)
	{
		moved = 0;
		for (int32_t i = 0; i < cols; i++)
		{
			double pull = g[i * cols + j];
			double x;

			if (i == j)
				continue;
			for (int32_t k = 0; k < cols; k++)
				pull -= k == i ? 0 : g[i * cols + k] * w[k];
			x = fmax(fabs(pull) - p->l1, 0) / (g[i * cols + i] + p->l2);
			x = pull < 0 ? (p->positive ? 0 : -x) : x;
			moved = fmax(moved, fabs(x - w[i]));
			w[i] = x;
		}
	}
	return w;
}

static double *
row_of(const reco_neighbors *lists, int32_t j)
{
	double *w = calloc((size_t) lists->rows, sizeof(double));

	for (int64_t e = lists->start[j]; e < lists->start[j + 1]; e++)
	{
		assert_true(lists->row[e] != j && lists->similarity[e] != 0);
		if (e > lists->start[j])
			assert_true(fabs(lists->similarity[e]) <= fabs(lists->similarity[e - 1]));
		w[lists->row[e]] = lists->similarity[e];
	}
	return w;
}

/* What a minimum asks for of each weight, and that the objective is that of the minimum. */
static void
check_minimum(const double *g, const reco_neighbors *lists, const reco_slim_params *p)
{
	int32_t cols = lists->rows;

	for (int32_t j = 0; j < cols; j++)
	{
		double *w = row_of(lists, j);
		double *r = pulls_of(g, cols, w, j);
		double *best = minimum_of(g, cols, j, p);
		double least = objective(g, cols, best, j, p);
		double largest = 0;

		for (int32_t i = 0; i < cols; i++)
			largest = i == j ? largest : fmax(largest, fabs(g[i * cols + j]));
		for (int32_t i = 0; i < cols; i++)
		{
			double off = w[i] != 0     ? fabs(r[i] - p->l2 * w[i] - copysign(p->l1, w[i]))
						 : p->positive ? fmax(r[i] - p->l1, 0)
									   : fmax(fabs(r[i]) - p->l1, 0);

			assert_true(!p->positive || w[i] >= 0);
			if (i != j && !(off <= 1e-3 * largest))
				fail_msg("item %d weight %d: %g is %g of %g off", j, i, w[i], off, largest);
		}
		assert_true(objective(g, cols, w, j, p) - least <= 1e-5 * fabs(least) + 1e-9);
		free(best);
		free(r);
		free(w);
	}
}

static reco_neighbors
fit(mimic_env *m, const reco_slim_params *params, reco_csr *by_user)
{
	reco_csr by_item;
	reco_neighbors lists;
	size_t held;

	assert_int_equal(reco_csr_transpose(&m->env, by_user, by_user->value, &by_item), RECO_OK);
	held = m->peak = m->bytes;
	assert_int_equal(reco_slim_fit(&m->env, params, by_user, &by_item, NULL, NULL, &lists),
					 RECO_OK);
	assert_true(m->peak - held <= reco_slim_memory(params, by_user, m->env.threads));
	reco_csr_free(&m->env, &by_item);
	return lists;
}

static void
test_minimum(void **state)
{
	static const int32_t sizes[] = {1, 2, 48};
	static const double l1[] = {0, 2, 30, 1e4};

	(void) state;
	for (int s = 0; s < 3; s++)
		for (int kind = 0; kind < 8; kind++)
		{
			reco_slim_params params = {l1[kind / 2], kind < 4 ? 20 : 1, 10000, kind % 2};
			double *x = table_of(sizes[s], 5 + s);
			double *g = mimic_gram(x, ROWS, sizes[s]);
			reco_csr by_user = mimic_csr_of(x, ROWS, sizes[s], false);
			reco_neighbors first;

			for (int threads = 1; threads <= 3; threads++)
			{
				mimic_env m;
				reco_neighbors lists;

				mimic_env_init(&m);
				m.env.threads = threads;
				lists = fit(&m, &params, &by_user);
				check_minimum(g, &lists, &params);
				if (kind / 2 == 3)
					assert_int_equal(lists.start[sizes[s]], 0);
				if (threads == 1)
					first = lists;
				else
				{
					mimic_same_lists(&first, &lists);
					reco_neighbors_free(&m.env, &lists);
				}
				if (threads == 3)
					reco_neighbors_free(&m.env, &first);
			}
			mimic_csr_free(&by_user);
			free(g);
			free(x);
		}
}

/* Lists are cut to the largest; values that are twice as large give the same at four times. */
static void
test_lists(void **state)
{
	double *x = table_of(40, 9);
	reco_csr by_user = mimic_csr_of(x, ROWS, 40, false);
	reco_slim_params params = {4, 10, 10000, false};
	reco_neighbors whole;
	reco_neighbors other;
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	whole = fit(&m, &params, &by_user);
	params.neighbors = 3;
	other = fit(&m, &params, &by_user);
	for (int32_t j = 0; j < 40; j++)
	{
		int64_t n = whole.start[j + 1] - whole.start[j];

		n = n < 3 ? n : 3;
		assert_int_equal(other.start[j + 1] - other.start[j], n);
		assert_memory_equal(other.row + other.start[j], whole.row + whole.start[j],
							(size_t) n * sizeof(int32_t));
	}
	reco_neighbors_free(&m.env, &other);
	/* up to where squares are beyond float4 */
	for (int64_t e = 0; e < by_user.start[ROWS]; e++)
		by_user.value[e] *= 0x1p66f;
	params = (reco_slim_params){4 * 0x1p132, 10 * 0x1p132, 10000, false};
	other = fit(&m, &params, &by_user);
	mimic_same_lists(&whole, &other);
	reco_neighbors_free(&m.env, &other);
	reco_neighbors_free(&m.env, &whole);
	assert_int_equal(m.live, 0);
	mimic_csr_free(&by_user);
	free(x);
}

typedef struct fitting
{
	const reco_slim_params *params;
	const reco_csr *by_user;
	const reco_csr *by_item;
} fitting;

static reco_status
fit_once(const reco_env *env, void *arg, reco_neighbors *lists)
{
	const fitting *f = arg;

	return reco_slim_fit(env, f->params, f->by_user, f->by_item, NULL, NULL, lists);
}

/* Every poll stops and every allocation fails in turn. */
static void
test_refusals(void **state)
{
	static const reco_slim_params invalid[] = {{-1, 1, 5, true},
											   {1, 0, 5, true},
											   {1, 1, 0, true},
											   {NAN, 1, 5, true},
											   {1, INFINITY, 5, true}};
	double *x = table_of(60, 8);
	reco_csr by_user = mimic_csr_of(x, ROWS, 60, true);
	reco_csr by_item;
	reco_slim_params params = {2, 5, 10, false};
	reco_neighbors lists;
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	m.env.threads = 2;
	assert_int_equal(reco_csr_transpose(&m.env, &by_user, NULL, &by_item), RECO_OK);
	m.live = 0;
	mimic_list_ends(&m, fit_once, &(fitting){&params, &by_user, &by_item}, 20, 10);
	for (int k = 0; k < 5; k++)
		assert_int_equal(reco_slim_fit(&m.env, &invalid[k], &by_user, &by_item, NULL, NULL, &lists),
						 RECO_INVALID);
	m.live = 3;
	reco_csr_free(&m.env, &by_item);
	mimic_csr_free(&by_user);
	free(x);
}

/* Twice the values, four times the regularization; what is given stays. */
static void
test_choice(void **state)
{
	reco_shape shape = {.per_user = 25, .per_item = 9, .mean_square = 1, .cols = 20000};
	reco_slim_params params = {NAN, NAN, RECO_SLIM_OPEN, true};

	(void) state;
	reco_slim_choose(&shape, &params);
	assert_true(params.l1 == 1 && params.l2 == 37.5);
	assert_int_equal(params.neighbors, 250);
	shape.mean_square = 4;
	params.l1 = NAN;
	reco_slim_choose(&shape, &params);
	assert_true(params.l1 == 4 && params.l2 == 37.5);
	params.l2 = NAN;
	reco_slim_choose(&shape, &params);
	assert_true(params.l1 == 4 && params.l2 == 150);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_minimum),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_choice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
