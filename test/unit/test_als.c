/*
 * test_als.c
 *	  Unit tests of the alternating least squares kernels (core/als/als.h).
 *
 * Each solver is compared with the naive mimic over random shapes; the golden
 * cases C09, C12, C15, C16, C17 and C19; determinism over threads and
 * instruction sets; every allocation failing in turn; every way of stopping.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/dispatch.h"
#include "mimic_als.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
test_random_shapes(void **state)
{
	(void) state;
	mimic_compare_shapes(66, 0.02, NULL);
}

/* The table of case C19. */
static reco_csr
golden(void)
{
	static const int32_t col[] = {0, 1, 0, 2, 1, 2, 3, 0, 3};
	static const float value[] = {4, 2, 1, 5, 3, 1, 2, 2, 6};
	static const int64_t start[] = {0, 2, 4, 7, 9};
	reco_csr m = mimic_csr(4, 4, 9, true);

	memcpy(m.start, start, sizeof(start));
	memcpy(m.col, col, sizeof(col));
	memcpy(m.value, value, sizeof(value));
	return m;
}

static void
test_golden(void **state)
{
	static const double right[4][4] = {
		{0.988798, 0.974810, 0.023898, 0.024103},
		{0.972593, 0.023943, 0.987237, 0.023624},
		{0.028322, 0.986008, 0.972583, 0.981565},
		{0.981572, 0.024148, 0.023624, 0.989118},
	};
	reco_csr m = golden();
	reco_csr t = mimic_transpose(&m);

	(void) state;
	for (int solver = RECO_ALS_AUTO; solver <= RECO_ALS_CG; solver++)
	{
		mimic_world w;
		reco_env env = mimic_als_env(&w, 1);
		reco_als_params p = {.implicit = true,
							 .factors = 4,
							 .regularization = 0.1,
							 .alpha = 1,
							 .iterations = 400,
							 .solver = solver,
							 .seed = 42};
		reco_factors f;
		double loss[400];
		double gram[16];
		float x[4];
		float bias;

		assert_int_equal(reco_als_fit(&env, &p, &m, &t, NULL, NULL, NULL, loss, &f), RECO_OK);
		if (!(fabs(loss[399] - 1.106680704) < 1e-5))
			fail_msg("solver %d loss %.9f", solver, loss[399]);
		for (int u = 0; u < 4; u++)
			for (int i = 0; i < 4; i++)
			{
				double s = 0;

				for (int c = 0; c < 4; c++)
					s += (double) f.user[u * f.stride + c] * f.item[i * f.stride + c];
				assert_true(fabs(s - right[u][i]) < 1e-5);
			}

		/* C17: fold-in of user 1's own interactions */
		assert_int_equal(reco_als_gram(&env, f.item, 4, 4, f.stride, gram), RECO_OK);
		assert_int_equal(reco_als_fold_in(&env, &p, f.item, f.stride, NULL, 4, 0, gram, 2, m.col,
										  m.value, NULL, x, &bias, 0, NULL, NULL),
						 RECO_OK);
		for (int c = 0; c < 4; c++)
			if (p.solver == RECO_ALS_CHOLESKY || p.solver == RECO_ALS_AUTO)
				assert_true(x[c] == f.user[c]);
			else
				assert_true(fabs(x[c] - f.user[c]) < 1e-6);
		assert_true(bias == 0);
		mimic_free_factors(&env, &f);
		assert_int_equal(w.live, 0);
	}
	mimic_free_csr(&m);
	mimic_free_csr(&t);
}

/* C16 */
static void
test_contributions(void **state)
{
	mimic_world w;
	reco_env env = mimic_als_env(&w, 1);
	reco_als_params p = {.implicit = true,
						 .factors = 2,
						 .regularization = 0.5,
						 .alpha = 1,
						 .iterations = 1,
						 .seed = 1};
	float y[3 * 16] = {0};
	int32_t idx[2] = {0, 2};
	float value[2] = {3, 1};
	double gram[4];
	double part[2];
	float x[2];
	float bias;

	(void) state;
	y[0] = 1;
	y[16] = y[17] = 1;
	y[33] = 2;
	assert_int_equal(reco_als_gram(&env, y, 3, 2, 16, gram), RECO_OK);
	assert_int_equal(reco_als_fold_in(&env, &p, y, 16, NULL, 3, 0, gram, 2, idx, value, NULL, x,
									  &bias, 1, part, NULL),
					 RECO_OK);
	assert_true(fabs(x[0] - 0.6634146341) < 1e-6 && fabs(x[1] - 0.3512195122) < 1e-6);
	assert_true(fabs(part[0] - 0.6634146341) < 1e-9 && fabs(part[1] - 0.3512195122) < 1e-9);
	value[1] = -1;
	assert_int_equal(reco_als_fold_in(&env, &p, y, 16, NULL, 3, 0, gram, 2, idx, value, NULL, x,
									  &bias, 1, part, NULL),
					 RECO_OK);
	assert_true(fabs(x[0] - 0.7414634146) < 1e-6 && fabs(x[1] + 0.0780487805) < 1e-6);
	assert_true(fabs(part[0] - 0.6634146341) < 1e-9 && part[1] == 0);

	/* nothing known: nothing said */
	assert_int_equal(reco_als_fold_in(&env, &p, y, 16, NULL, 3, 0, gram, 0, idx, value, NULL, x,
									  &bias, 1, part, NULL),
					 RECO_OK);
	assert_true(x[0] == 0 && x[1] == 0 && bias == 0);
	assert_int_equal(reco_als_fold_in(&env, &p, y, 16, NULL, 3, 0, gram, 2, idx, value, NULL, x,
									  &bias, 3, part, NULL),
					 RECO_INVALID);
	assert_int_equal(w.live, 0);
}

/* Explicit ratings with biases: the parts add up to the personal score. */
static void
test_explicit_contributions(void **state)
{
	mimic_world w;
	reco_env env = mimic_als_env(&w, 2);
	reco_csr m = mimic_random_csr(40, 30, 0.4, 1);
	reco_csr t = mimic_transpose(&m);
	reco_als_params p = {.factors = 5,
						 .regularization = 0.1,
						 .biases = true,
						 .iterations = 6,
						 .solver = RECO_ALS_CHOLESKY,
						 .seed = 3};
	reco_factors f;
	double part[40];
	float x[5];
	float bias;

	(void) state;
	assert_int_equal(reco_als_fit(&env, &p, &m, &t, NULL, NULL, NULL, NULL, &f), RECO_OK);
	for (int u = 0; u < 40; u++)
	{
		int64_t n = m.start[u + 1] - m.start[u];
		double sum = 0;
		double score;

		assert_int_equal(reco_als_fold_in(&env, &p, f.item, f.stride, f.item_bias, 30, f.mean, NULL,
										  n, m.col + m.start[u], m.value + m.start[u], NULL, x,
										  &bias, 7, part, NULL),
						 RECO_OK);
		assert_memory_equal(x, f.user + (size_t) u * f.stride, sizeof(x));
		assert_true(bias == f.user_bias[u]);
		score = bias;
		for (int c = 0; c < 5; c++)
			score += (double) x[c] * f.item[7 * f.stride + c];
		for (int64_t j = 0; j < n; j++)
			sum += part[j];
		assert_true(fabs(sum - (n ? score : 0)) < 1e-5);
	}
	mimic_free_factors(&env, &f);
	mimic_free_csr(&m);
	mimic_free_csr(&t);
	assert_int_equal(w.live, 0);
}

static void
assert_finite(const reco_factors *f)
{
	for (int64_t i = 0; i < (int64_t) f->users * f->stride; i++)
		assert_true(isfinite(f->user[i]));
	for (int64_t i = 0; i < (int64_t) f->items * f->stride; i++)
		assert_true(isfinite(f->item[i]));
}

/* C09: next to no regularization; C12: values that leave float4's range */
static void
test_extremes(void **state)
{
	static const float huge[] = {1e18f, 3e37f, 3.4e38f, 16777216, -1e18f};

	(void) state;
	for (int solver = RECO_ALS_CHOLESKY; solver <= RECO_ALS_CG; solver++)
	{
		reco_csr m = mimic_random_csr(2, 2, 1, 0);
		reco_csr t = mimic_transpose(&m);
		reco_als_params p = {.implicit = true,
							 .factors = 2,
							 .regularization = 1e-300,
							 .alpha = 1,
							 .iterations = 100,
							 .solver = solver,
							 .seed = 1};
		mimic_world w;
		reco_env env = mimic_als_env(&w, 1);
		reco_factors f;

		assert_int_equal(reco_als_fit(&env, &p, &m, &t, NULL, NULL, NULL, NULL, &f), RECO_OK);
		for (int u = 0; u < 2; u++)
			for (int i = 0; i < 2; i++)
				assert_true(fabs(f.user[u * 16] * f.item[i * 16] +
								 f.user[u * 16 + 1] * f.item[i * 16 + 1] - 1) < 1e-3);
		mimic_free_factors(&env, &f);
		mimic_free_csr(&m);
		mimic_free_csr(&t);

		for (size_t k = 0; k < sizeof(huge) / sizeof(huge[0]); k++)
			for (int d = 3; d <= 40; d += 37)
			{
				m = mimic_random_csr(30, 20, 0.3, 1);
				m.value[5] = huge[k];
				t = mimic_transpose(&m);
				p.factors = d;
				p.regularization = 0.01;
				p.alpha = 40;
				p.iterations = 5;
				assert_int_equal(reco_als_fit(&env, &p, &m, &t, NULL, NULL, NULL, NULL, &f),
								 RECO_OK);
				assert_finite(&f);
				mimic_free_factors(&env, &f);
				mimic_free_csr(&m);
				mimic_free_csr(&t);
			}
		assert_int_equal(w.live, 0);
	}
}

/* C15, larger: the same bits for any number of threads, and however often they are left. */
static void
test_threads(void **state)
{
	(void) state;
	mimic_compare_threads(700, 400, 0.15, NULL);
}

/*
 * A row that is longer than a unit's work is left when the main thread is wanted, and
 * solved again by that one, which polls as it goes: to the same bits, and stopping there.
 */
static void
test_long_rows(void **state)
{
	enum
	{
		USERS = 6,
		ITEMS = 14000 /* enough for a unit's work of each solver */
	};
	reco_csr m = {USERS, ITEMS, calloc(USERS + 1, sizeof(int64_t)), NULL, NULL};
	reco_csr t;

	(void) state;
	m.col = malloc(USERS * ITEMS * sizeof(int32_t));
	m.value = malloc(USERS * ITEMS * sizeof(float));
	for (int32_t u = 0; u < USERS; u++)
	{
		int64_t at = m.start[u];

		for (int32_t i = u; i < ITEMS; i += u == 0 ? 1 : 1 << (2 * u))
		{
			m.col[at] = i;
			m.value[at++] = (float) (1 + (i * 7 + u) % 5);
		}
		m.start[u + 1] = at;
	}
	t = mimic_transpose(&m);
	for (int k = 0; k < 8; k++)
	{
		reco_als_params p = {.implicit = k % 4 < 2,
							 .factors = 8,
							 .regularization = 0.1,
							 .alpha = 1,
							 .biases = true,
							 .iterations = 2,
							 .solver = 1 + k % 2,
							 .seed = 42,
							 .tile = k < 4 ? 0 : 3000};
		reco_factors f[3];
		double loss[3][2];
		mimic_world w[3];
		reco_env env[3];

		for (int i = 0; i < 3; i++)
		{
			env[i] = mimic_als_env(&w[i], i == 0 ? 1 : i);
			env[i].due = i == 0 ? NULL : mimic_always_due;
			assert_int_equal(reco_als_fit(&env[i], &p, &m, &t, NULL, NULL, NULL, loss[i], &f[i]),
							 RECO_OK);
			assert_true(w[i].peak <= reco_als_memory(&p, &m, env[i].threads));
			assert_memory_equal(f[i].user, f[0].user, (size_t) USERS * f[0].stride * sizeof(float));
			assert_memory_equal(f[i].item, f[0].item, (size_t) ITEMS * f[0].stride * sizeof(float));
			assert_memory_equal(loss[i], loss[0], sizeof(loss[0]));
		}
		/* the short rows' units are some dozens */
		if (p.solver == RECO_ALS_CHOLESKY)
			assert_true(w[1].polls - w[0].polls > p.iterations * ITEMS / 64);
		for (int part = 1; part <= 2; part++)
		{
			mimic_world stopped;
			reco_env e = mimic_als_env(&stopped, 1);
			reco_factors none;
			double told[2];

			e.due = mimic_always_due;
			stopped.stop_at = part * w[1].polls / 2;
			assert_int_equal(reco_als_fit(&e, &p, &m, &t, NULL, NULL, NULL, told, &none),
							 RECO_STOPPED);
			assert_int_equal(stopped.live, 0);
		}
		for (int i = 0; i < 3; i++)
		{
			mimic_free_factors(&env[i], &f[i]);
			assert_int_equal(w[i].live, 0);
		}
	}
	mimic_free_csr(&m);
	mimic_free_csr(&t);
}

/* Every level of this machine computes the same, but for rounding. */
static void
test_levels(void **state)
{
	static const char *levels[] = {"base", "v3", "v4"};
	reco_csr m = mimic_random_csr(120, 90, 0.3, 1);
	reco_csr t = mimic_transpose(&m);

	(void) state;
	/* where one is asked for, this is another run's */
	for (int k = 0; k < 16 && !getenv("RECO_ISA"); k++)
	{
		static const int factors[] = {20, 32, 64, 128};
		reco_als_params p = {.implicit = k < 8,
							 .factors = factors[k % 4],
							 .regularization = 0.1,
							 .alpha = 1,
							 .biases = true,
							 .iterations = 2,
							 .solver = 1 + k / 4 % 2,
							 .seed = 42};
		double first = 0;

		for (int l = 0; l < 3; l++)
		{
			mimic_world w;
			reco_env env = mimic_als_env(&w, 1);
			reco_factors f;
			double loss[2];

			if (reco_kernels_named(levels[l]) == NULL)
				continue;
			setenv("RECO_ISA", levels[l], 1);
			assert_string_equal(reco_kernels_best()->name, levels[l]);
			assert_int_equal(reco_als_fit(&env, &p, &m, &t, NULL, NULL, NULL, loss, &f), RECO_OK);
			unsetenv("RECO_ISA");
			if (l == 0)
				first = loss[1];
			if (!(fabs(loss[1] - first) <= 1e-4 * first))
				fail_msg("%s solver %d d %d implicit %d: %g %g", levels[l], p.solver, p.factors,
						 p.implicit, loss[1], first);
			mimic_free_factors(&env, &f);
		}
	}
	mimic_free_csr(&m);
	mimic_free_csr(&t);
}

typedef struct fitting
{
	reco_als_params params;
	reco_csr m;
	reco_csr t;
} fitting;

static reco_status
fit_once(const reco_env *env, void *arg)
{
	const fitting *f = arg;
	reco_factors factors;
	reco_status status =
		reco_als_fit(env, &f->params, &f->m, &f->t, NULL, NULL, NULL, NULL, &factors);

	if (status == RECO_OK)
		mimic_free_factors(env, &factors);
	return status;
}

static void
test_interrupted(void **state)
{
	fitting f = {.m = mimic_random_csr(60, 50, 0.3, 1)};

	(void) state;
	f.t = mimic_transpose(&f.m);
	for (int k = 0; k < 8; k++)
	{
		mimic_world w;
		reco_env env = mimic_als_env(&w, 2);

		f.params = (reco_als_params){.implicit = k % 4 < 2,
									 .factors = 40,
									 .regularization = 0.1,
									 .alpha = 1,
									 .biases = true,
									 .iterations = 2,
									 .solver = 1 + k % 2,
									 .seed = 42,
									 .tile = k < 4 ? 0 : 20};
		mimic_fit_ends(fit_once, &f);
		w.stop = true;
		assert_int_equal(fit_once(&env, &f), RECO_STOPPED);
		assert_int_equal(w.live, 0);
	}
	mimic_free_csr(&f.m);
	mimic_free_csr(&f.t);
}

/* The parts of a fold-in. */
static void
test_no_memory(void **state)
{
	mimic_world w;
	reco_env env = mimic_als_env(&w, 1);
	float y[16] = {1};
	double gram[1];
	int32_t idx = 0;
	float x;
	float bias;
	reco_als_params p = {
		.implicit = true, .factors = 1, .regularization = 0.1, .alpha = 1, .iterations = 1};

	(void) state;
	w.fail_at = 1;
	assert_int_equal(reco_als_gram(&env, y, 1, 1, 16, gram), RECO_NO_MEMORY);
	gram[0] = 1;
	w.fail_at = 2;
	assert_int_equal(reco_als_fold_in(&env, &p, y, 16, NULL, 1, 0, gram, 1, &idx, NULL, NULL, &x,
									  &bias, 0, NULL, NULL),
					 RECO_NO_MEMORY);
}

static void
test_invalid(void **state)
{
	reco_csr m = golden();
	reco_csr t = mimic_transpose(&m);
	reco_als_params good = {
		.implicit = true, .factors = 4, .regularization = 0.1, .alpha = 1, .iterations = 1};
	reco_als_params bad[6];
	mimic_world w;
	reco_env env = mimic_als_env(&w, 1);
	reco_factors f;

	(void) state;
	for (int k = 0; k < 6; k++)
		bad[k] = good;
	bad[0].factors = 0;
	bad[1].factors = RECO_ALS_MAX_FACTORS + 1;
	bad[2].regularization = 0;
	bad[3].regularization = NAN;
	bad[4].alpha = -1;
	bad[5].iterations = 0;
	for (int k = 0; k < 6; k++)
		assert_int_equal(reco_als_fit(&env, &bad[k], &m, &t, NULL, NULL, NULL, NULL, &f),
						 RECO_INVALID);
	m.cols = 5;
	assert_int_equal(reco_als_fit(&env, &good, &m, &t, NULL, NULL, NULL, NULL, &f), RECO_INVALID);
	assert_int_equal(w.live, 0);
	m.cols = 4;
	mimic_free_csr(&m);
	mimic_free_csr(&t);
}

/* Nothing at all, and rows without anything. */
static void
test_empty(void **state)
{
	(void) state;
	for (int k = 0; k < 8; k++)
	{
		int rows = k % 2 == 0 ? 0 : 3;
		reco_csr m = mimic_csr(rows, 4, 0, true);
		reco_csr t = mimic_transpose(&m);
		reco_als_params p = {.implicit = k < 4,
							 .factors = 4,
							 .regularization = 0.1,
							 .alpha = 1,
							 .biases = true,
							 .iterations = 2,
							 .solver = 1 + k / 2 % 2};
		mimic_world w;
		reco_env env = mimic_als_env(&w, 2);
		reco_factors f;
		double loss[2];

		assert_int_equal(reco_als_fit(&env, &p, &m, &t, NULL, NULL, NULL, loss, &f), RECO_OK);
		assert_true(loss[1] == 0 && f.mean == 0);
		for (int i = 0; i < rows * f.stride; i++)
			assert_true(f.user[i] == 0);
		mimic_free_factors(&env, &f);
		assert_int_equal(w.live, 0);
		mimic_free_csr(&m);
		mimic_free_csr(&t);
	}
}

/* The largest d, with each solver. */
static void
test_many_factors(void **state)
{
	reco_csr m = mimic_random_csr(6, 5, 0.6, 1);
	reco_csr t = mimic_transpose(&m);

	(void) state;
	for (int k = 0; k < 4; k++)
	{
		reco_als_params p = {.implicit = k < 2,
							 .factors = RECO_ALS_MAX_FACTORS,
							 .regularization = 0.1,
							 .alpha = 1,
							 .biases = true,
							 .iterations = 1,
							 .solver = 1 + k % 2,
							 .seed = 42};
		mimic_world w;
		reco_env env = mimic_als_env(&w, 1);
		reco_factors f;

		assert_int_equal(reco_als_fit(&env, &p, &m, &t, NULL, NULL, NULL, NULL, &f), RECO_OK);
		assert_true(w.peak <= reco_als_memory(&p, &m, 1));
		assert_finite(&f);
		mimic_free_factors(&env, &f);
		assert_int_equal(w.live, 0);
	}
	mimic_free_csr(&m);
	mimic_free_csr(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_shapes), cmocka_unit_test(test_golden),
		cmocka_unit_test(test_contributions), cmocka_unit_test(test_explicit_contributions),
		cmocka_unit_test(test_extremes),      cmocka_unit_test(test_threads),
		cmocka_unit_test(test_long_rows),     cmocka_unit_test(test_levels),
		cmocka_unit_test(test_no_memory),     cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_invalid),       cmocka_unit_test(test_empty),
		cmocka_unit_test(test_many_factors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
