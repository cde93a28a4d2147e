/*
 * test_score_svd.c
 *	  Scorers over a singular value decomposition (core/scoring/score_svd.h): what holds for
 *	  every scorer; new users are as stored ones; parts of scores; values beyond all bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/scoring/score_svd.h"
#include "core/svd/svd.h"
#include "mimic_als.h"
#include "mimic_scorer.h"

#include <math.h>
#include <stdlib.h>

enum
{
	USERS = 40,
	ITEMS = 70,
	FACTORS = 9
};

typedef struct trained
{
	mimic_env m;
	reco_csr by_user;
	reco_svd svd;
	float bias[ITEMS];
	reco_factor_scorer scorer;
	reco_profile profile[USERS]; /* as they were trained */
} trained;

static trained *
train(int values)
{
	trained *x = calloc(1, sizeof(trained));
	reco_svd_params p = {FACTORS, 10, 4, 7};
	reco_csr by_item;

	mimic_env_init(&x->m);
	x->by_user = mimic_random_csr(USERS, ITEMS, 0.2, values);
	by_item = mimic_transpose(&x->by_user);
	assert_int_equal(reco_svd_fit(&x->m.env, &p, &x->by_user, &by_item, NULL, NULL, &x->svd),
					 RECO_OK);
	mimic_free_csr(&by_item);
	x->scorer = (reco_factor_scorer){.head = {&reco_svd_scorer_type, ITEMS, -INFINITY, INFINITY},
									 .factors = FACTORS,
									 .stride = x->svd.stride,
									 .item = x->svd.item,
									 .item_bias = x->bias};
	for (int u = 0; u < USERS; u++)
	{
		int64_t from = x->by_user.start[u];

		x->profile[u] = (reco_profile){.factors = x->svd.user + (size_t) u * x->svd.stride,
									   .n = x->by_user.start[u + 1] - from,
									   .item = x->by_user.col + from,
									   .value = x->by_user.value ? x->by_user.value + from : NULL};
	}
	return x;
}

static void
trained_free(trained *x)
{
	reco_svd_free(&x->m.env, &x->svd);
	assert_int_equal(x->m.live, 0);
	mimic_free_csr(&x->by_user);
	free(x);
}

static void
test_any_scorer(void **state)
{
	(void) state;
	for (int values = 0; values < 3; values++)
	{
		trained *x = train(values);

		mimic_check_scorer(&x->scorer.head, x->profile, USERS);
		trained_free(x);
	}
}

/* A new user with the row of a stored one has the same factors, and the same parts of scores. */
static void
test_users(void **state)
{
	(void) state;
	for (int values = 0; values < 3; values++)
	{
		trained *x = train(values);
		reco_seat *seat;
		double part[ITEMS];

		assert_int_equal(reco_seat_make(&x->m.env, &x->scorer.head, &seat), RECO_OK);
		for (int u = 0; u < USERS; u++)
		{
			reco_profile profile = x->profile[u];
			int32_t item = u;
			double baseline;
			double sum = 0;
			bool additive;
			float score;

			assert_int_equal(reco_scorer_fold_in(&x->m.env, &x->scorer.head, &profile), RECO_OK);
			for (int k = 0; k < x->svd.stride; k++)
				assert_true(fabsf(profile.factors[k] - x->profile[u].factors[k]) <=
							1e-5 * x->svd.singular[0]);
			assert_int_equal(reco_seat_open(seat, &x->profile[u]), RECO_OK);
			assert_true(reco_seat_is_personal(seat) == (profile.n > 0));
			assert_int_equal(reco_seat_some(seat, &item, 1, &score), RECO_OK);
			assert_int_equal(reco_seat_explain(seat, item, part, &baseline, &additive), RECO_OK);
			assert_true(additive == (profile.n > 0) && baseline == 0);
			for (int64_t j = 0; j < profile.n; j++)
			{
				const float *q = x->svd.item + (size_t) profile.item[j] * x->svd.stride;
				double expected = 0;

				for (int k = 0; k < FACTORS; k++)
					expected += (double) q[k] * x->svd.item[(size_t) item * x->svd.stride + k];
				expected *= profile.value ? profile.value[j] : 1;
				assert_true(fabs(part[j] - expected) <= 1e-4);
				sum += part[j];
			}
			assert_true(fabs(sum - score) <= 1e-6 * fmax(1, fabs(score)));
			reco_seat_close(seat);
			reco_profile_free(&x->m.env, &profile);
		}
		reco_seat_free(&x->m.env, seat);
		trained_free(x);
	}
}

/* Long rows look for interrupts; large values fit or are refused; memory may end. */
static void
test_limits(void **state)
{
	enum
	{
		LONG = 600000
	};
	trained *x = train(1);
	int32_t *item = malloc(LONG * sizeof(int32_t));
	float *value = malloc(LONG * sizeof(float));
	reco_profile profile = {.n = LONG, .item = item, .value = value};
	static const float every[] = {1e9f, 1e15f, 3e38f, INFINITY, NAN};

	(void) state;
	for (int j = 0; j < LONG; j++)
		item[j] = j % ITEMS;
	for (int k = 0; k < 5; k++)
	{
		reco_status status;

		for (int j = 0; j < LONG; j++)
			value[j] = j < ITEMS || k == 0 ? every[k] : 0;
		x->m.polls = 0;
		status = reco_scorer_fold_in(&x->m.env, &x->scorer.head, &profile);
		assert_int_equal(status, k < 2 ? RECO_OK : RECO_INVALID);
		assert_true(x->m.polls >= 2);
		assert_true((profile.factors != NULL) == (k < 2));
		reco_profile_free(&x->m.env, &profile);
	}
	x->m.polls = 0;
	x->m.stop_at = 2;
	assert_int_equal(reco_scorer_fold_in(&x->m.env, &x->scorer.head, &profile), RECO_STOPPED);
	assert_null(profile.factors);
	x->m.stop_at = 0;
	x->m.fail_at = x->m.allocations + 1;
	assert_int_equal(reco_scorer_fold_in(&x->m.env, &x->scorer.head, &profile), RECO_NO_MEMORY);
	assert_null(profile.factors);
	trained_free(x);
	free(item);
	free(value);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_scorer),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
