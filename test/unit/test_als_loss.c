/*
 * test_als_loss.c
 *	  Unit tests of the objective that is added up user by user (core/als/als_loss.h).
 *
 * Against what a training tells of its last iteration, and against the naive mimic, for all
 * models; users in any order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/als/als_loss.h"
#include "mimic_als.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* By rows of the matrix, from the last to the first when backwards. */
static double
added_up(const reco_env *env, const reco_als_params *p, const reco_csr *m, const reco_factors *f,
		 bool backwards)
{
	double *gram = NULL;
	reco_als_loss loss = {.params = p,
						  .items = m->cols,
						  .stride = f->stride,
						  .item = f->item,
						  .item_bias = f->item_bias,
						  .mean = f->mean};
	double total;

	if (p->implicit)
	{
		gram = malloc(sizeof(double) * p->factors * p->factors);
		assert_int_equal(reco_als_gram(env, f->item, m->cols, p->factors, f->stride, gram),
						 RECO_OK);
		loss.gram = gram;
	}
	assert_int_equal(reco_als_loss_init(env, &loss), RECO_OK);
	for (int k = 0; k < m->rows; k++)
	{
		int u = backwards ? m->rows - 1 - k : k;
		int64_t from = m->start[u];

		reco_als_loss_add(&loss, m->start[u + 1] - from, m->col + from,
						  m->value ? m->value + from : NULL, f->user + (size_t) u * f->stride,
						  f->user_bias ? f->user_bias[u] : 0);
	}
	total = reco_als_loss_total(&loss);
	reco_als_loss_release(env, &loss);
	free(gram);
	return total;
}

static void
test_loss(void **state)
{
	(void) state;
	for (int k = 0; k < 24; k++)
	{
		int kind = k % 4; /* implicit, weighted, explicit, with biases */
		reco_csr m = mimic_random_csr(30 + k, 20 + k / 2, 0.2, k % 3 == 0 ? 0 : kind < 2 ? 2 : 1);
		reco_csr t = mimic_transpose(&m);
		reco_als_params p = {.implicit = kind < 2,
							 .factors = 1 + k % 7,
							 .regularization = 0.2,
							 .alpha = 3,
							 .weighted_regularization = kind == 1,
							 .biases = kind == 3,
							 .iterations = 3,
							 .solver = RECO_ALS_CHOLESKY,
							 .seed = k};
		double told[3];
		reco_factors f;
		mimic_world w;
		mimic_model model;
		reco_env env = mimic_als_env(&w, 1);
		double sum;

		assert_int_equal(reco_als_fit(&env, &p, &m, &t, NULL, NULL, NULL, told, &f), RECO_OK);
		sum = added_up(&env, &p, &m, &f, false);
		if (!(fabs(sum - told[2]) <= 1e-5 * fabs(told[2])))
			fail_msg("case %d: %.9g, and the training tells %.9g", k, sum, told[2]);
		mimic_init(&model, &p, &m);
		mimic_copy(&model, &f);
		if (!(fabs(sum - mimic_loss(&model, &p, &m)) <= 1e-9 * fabs(sum)))
			fail_msg("case %d: %.12g, and the mimic %.12g", k, sum, mimic_loss(&model, &p, &m));
		assert_true(fabs(added_up(&env, &p, &m, &f, true) - sum) <= 1e-12 * fabs(sum));
		mimic_free(&model);
		mimic_free_factors(&env, &f);
		mimic_free_csr(&m);
		mimic_free_csr(&t);
		assert_int_equal(w.live, 0);
	}
}

static void
test_no_memory(void **state)
{
	reco_als_params p = {.implicit = true, .factors = 1, .regularization = 1, .alpha = 1};
	reco_als_loss loss = {.params = &p, .items = 5};
	mimic_world w;
	reco_env env = mimic_als_env(&w, 1);

	(void) state;
	w.fail_at = 1;
	assert_int_equal(reco_als_loss_init(&env, &loss), RECO_NO_MEMORY);
	reco_als_loss_release(&env, &loss);
	assert_int_equal(w.live, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
