/*
 * test_als_prior.c
 *	  Unit tests of alternating least squares whose users are drawn to centers (core/als/als.h).
 *
 * Each solver against the naive mimic over random shapes; fold-ins to the bit; what a center
 * brings to a score; threads; users without interactions; memory and stops.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mimic_als.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Centers of some users: a third has none. */
static float *
random_centers(const reco_als_params *p, int users)
{
	int stride = reco_als_center_stride(p);
	float *center = calloc((size_t) users * stride + 1, sizeof(float));

	for (int u = 0; u < users; u++)
		for (int c = 0; u % 3 != 1 && c < reco_als_center_width(p); c++)
			center[u * stride + c] = (float) (mimic_random() % 2000) / 1000 - 1;
	for (int u = 0; u < users; u++)
		center[u * stride + reco_als_center_width(p) - 1] = (float) (u % 3 == 0 ? u : 0);
	return center;
}

static void
test_random_shapes(void **state)
{
	(void) state;
	mimic_compare_shapes(48, 2, random_centers);
}

/* What folds in with the same interactions and center is the stored user; the score adds up. */
static void
test_fold_in(void **state)
{
	mimic_world w;
	reco_env env = mimic_als_env(&w, 2);
	reco_csr m = mimic_random_csr(40, 30, 0.3, 1);
	reco_csr t = mimic_transpose(&m);
	double gram[25];

	(void) state;
	for (int k = 0; k < 3; k++)
	{
		reco_als_params p = {.implicit = k == 0,
							 .factors = 5,
							 .regularization = 0.5,
							 .alpha = 2,
							 .biases = k == 1,
							 .iterations = 4,
							 .solver = RECO_ALS_CHOLESKY};
		float *center = random_centers(&p, 40);
		reco_factors f;

		assert_int_equal(reco_als_fit(&env, &p, &m, &t, center, NULL, NULL, NULL, &f), RECO_OK);
		assert_int_equal(reco_als_take_centers(&env, &p, &m, center, &f), RECO_OK);
		assert_int_equal(reco_als_gram(&env, f.item, 30, 5, f.stride, gram), RECO_OK);
		for (int u = 0; u < 40; u++)
		{
			int64_t n = m.start[u + 1] - m.start[u];
			double part[30];
			double score = 0;
			double sum = 0;
			float x[5];
			float bias;

			assert_int_equal(reco_als_fold_in(&env, &p, f.item, f.stride, f.item_bias, 30, f.mean,
											  gram, n, m.col + m.start[u], m.value + m.start[u],
											  center + u * reco_als_center_stride(&p), x, &bias, 7,
											  part, &sum),
							 RECO_OK);
			assert_memory_equal(x, f.user + (size_t) u * f.stride, sizeof(x));
			assert_true(bias == (f.user_bias ? f.user_bias[u] : 0));
			if (n == 0)
				assert_memory_equal(x, center + u * reco_als_center_stride(&p), sizeof(x));
			for (int64_t j = 0; j < n; j++)
				sum += part[j];
			for (int c = 0; c < 5; c++)
				score += (double) x[c] * f.item[7 * f.stride + c];
			assert_true(n == 0 || fabs(sum - score - bias) < 1e-5);
		}
		mimic_free_factors(&env, &f);
		free(center);
	}
	mimic_free_csr(&m);
	mimic_free_csr(&t);
	assert_int_equal(w.live, 0);
}

/* Centers of 0 are none; with much regularization all that is left of a user is the center. */
static void
test_limits(void **state)
{
	mimic_world w;
	reco_env env = mimic_als_env(&w, 1);
	reco_csr m = mimic_random_csr(50, 40, 0.2, 1);
	reco_csr t = mimic_transpose(&m);

	(void) state;
	for (int k = 0; k < 4; k++)
	{
		reco_als_params p = {.implicit = k < 2,
							 .factors = 8,
							 .regularization = 0.1,
							 .alpha = 1,
							 .biases = true,
							 .iterations = 3,
							 .solver = 1 + k % 2};
		float *center = random_centers(&p, 50);
		float *zeros = calloc((size_t) 50 * 16, sizeof(float));
		reco_factors f[2];

		for (int i = 0; i < 2; i++)
			assert_int_equal(
				reco_als_fit(&env, &p, &m, &t, i ? zeros : NULL, NULL, NULL, NULL, &f[i]), RECO_OK);
		assert_memory_equal(f[0].user, f[1].user, (size_t) 50 * f[0].stride * sizeof(float));
		assert_memory_equal(f[0].item, f[1].item, (size_t) 40 * f[0].stride * sizeof(float));
		for (int i = 0; i < 2; i++)
			mimic_free_factors(&env, &f[i]);
		p.regularization = 1e6;
		assert_int_equal(reco_als_fit(&env, &p, &m, &t, center, NULL, NULL, NULL, &f[0]), RECO_OK);
		for (int u = 0; u < 50; u++)
			for (int c = 0; c < 8 && m.start[u + 1] > m.start[u]; c++)
				assert_true(fabsf(f[0].user[u * 16 + c] - center[u * 16 + c]) < 1e-3);
		mimic_free_factors(&env, &f[0]);
		free(center);
		free(zeros);
	}
	mimic_free_csr(&m);
	mimic_free_csr(&t);
	assert_int_equal(w.live, 0);
}

static void
test_threads(void **state)
{
	(void) state;
	mimic_compare_threads(500, 300, 0.1, random_centers);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_shapes),
		cmocka_unit_test(test_fold_in),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
