/*
 * test_score_factors.c
 *	  Factor models as scorers, against sums of products in long double.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/ranking/pruned.h"
#include "core/scoring/score_factors.h"
#include "core/scoring/similar.h"
#include "mimic_env.h"
#include "mimic_pruned.h"
#include "mimic_scorer.h"

#define USERS 5
#define HISTORY 12

/* A trained model, and users with what they have. */
typedef struct world
{
	mimic_world w;
	reco_als_scorer scorer;
	double *gram;
	float *factors; /* USERS x stride */
	int32_t item[USERS][HISTORY];
	float value[USERS][HISTORY];
	reco_profile profile[USERS];
} world;

static void
make_users(world *x, int kind, uint64_t *seed)
{
	int stride = x->w.stride;

	x->factors = aligned_alloc(RECO_ALIGN, (size_t) (USERS * stride) * sizeof(float));
	for (int u = 0; u < USERS; u++)
	{
		mimic_world_user(&x->w, kind, u % 3, seed);
		memcpy(x->factors + u * stride, x->w.user, (size_t) stride * sizeof(float));
		for (int k = 0; k < HISTORY; k++)
		{
			x->item[u][k] = k * (x->w.items / HISTORY) + u;
			x->value[u][k] = (float) (1 + mimic_below(seed, 5)) / 2;
		}
		x->profile[u] = (reco_profile){.factors = x->factors + u * stride,
									   .bias = x->scorer.params.biases ? (float) u / 4 : 0,
									   .n = u == 4 ? 0 : HISTORY - u,
									   .item = x->item[u],
									   .value = u == 1 ? NULL : x->value[u]};
	}
}

static world *
world_of(int32_t items, int d, int kind, bool implicit, bool indexed, uint64_t seed)
{
	world *x = calloc(1, sizeof(world));
	reco_factor_scorer *f = &x->scorer.factor;
	mimic_env m;

	x->w = mimic_world_of(items, d);
	mimic_env_init(&m);
	mimic_world_items(&x->w, kind, true, &seed);
	if (implicit)
		memset(x->w.bias, 0, (size_t) items * sizeof(float));
	*f = (reco_factor_scorer){.head = {&reco_als_scorer_type, items, -INFINITY, INFINITY},
							  .factors = d,
							  .stride = x->w.stride,
							  .item = x->w.item,
							  .item_bias = x->w.bias,
							  .mean = implicit ? 0 : 3.25};
	x->scorer.params = (reco_als_params){.implicit = implicit,
										 .factors = d,
										 .regularization = 0.1,
										 .alpha = 2,
										 .biases = !implicit,
										 .iterations = 1};
	x->gram = malloc((size_t) (d * d) * sizeof(double) + 1);
	assert_int_equal(reco_als_gram(&m.env, x->w.item, items, d, x->w.stride, x->gram), RECO_OK);
	if (implicit)
		x->scorer.gram = x->gram;
	if (indexed)
	{
		assert_int_equal(
			reco_pruned_build(&m.env, x->w.item, items, d, x->w.stride, x->w.bias, x->w.index),
			RECO_OK);
		f->index = x->w.index;
	}
	make_users(x, kind, &seed);
	return x;
}

static void
world_free(world *x)
{
	free(x->gram);
	free(x->factors);
	mimic_world_free(&x->w);
	free(x);
}

static long double
product(const float *x, const float *y, int d)
{
	long double sum = 0;

	for (int k = 0; k < d; k++)
		sum += (long double) x[k] * y[k];
	return sum;
}

static void
check_scores(world *x)
{
	int32_t items = x->w.items;
	long double *wanted = malloc((size_t) items * sizeof(long double));
	reco_seat *seat;
	mimic_env m;

	mimic_env_init(&m);
	assert_int_equal(reco_seat_make(&m.env, &x->scorer.factor.head, &seat), RECO_OK);
	for (int u = 0; u < USERS; u++)
	{
		bool zero = true;

		for (int k = 0; k < x->w.d; k++)
			zero = zero && x->profile[u].factors[k] == 0;
		for (int32_t i = 0; i < items; i++)
			wanted[i] = x->scorer.factor.mean + x->profile[u].bias + x->w.bias[i] +
						product(x->w.item + i * x->w.stride, x->profile[u].factors, x->w.d);
		assert_int_equal(reco_seat_open(seat, &x->profile[u]), RECO_OK);
		assert_int_equal(reco_seat_score_all(seat), RECO_OK);
		mimic_check_scores(seat->score, wanted, items, 1e-4);
		assert_int_equal(reco_seat_is_personal(seat),
						 !zero || (!x->scorer.params.implicit && x->profile[u].n > 0));
		reco_seat_close(seat);
	}
	reco_seat_free(&m.env, seat);
	free(wanted);
}

static void
test_scores(void **state)
{
	(void) state;
	for (int implicit = 0; implicit <= 1; implicit++)
		for (int indexed = 0; indexed <= 1; indexed++)
		{
			world *x = world_of(300, 20, indexed ? FEW_VALUES : RANDOM, implicit, indexed, 3);

			check_scores(x);
			mimic_check_scorer(&x->scorer.factor.head, x->profile, USERS);
			world_free(x);
		}
}

/* A contribution is t_j y_j' A^-1 y_i; stored factors differ from the solution, scores do not. */
static void
test_explains(void **state)
{
	(void) state;
	for (int implicit = 0; implicit <= 1; implicit++)
	{
		world *x = world_of(60, 7, RANDOM, implicit, false, 4);
		reco_seat *seat;
		mimic_env m;

		mimic_env_init(&m);
		assert_int_equal(reco_seat_make(&m.env, &x->scorer.factor.head, &seat), RECO_OK);
		for (int u = 0; u < USERS; u++)
			for (int solved = 0; solved <= 1; solved++)
			{
				reco_profile profile = x->profile[u];
				double part[HISTORY];
				double baseline;
				double sum;
				float score;
				bool additive;
				int32_t item = 3 * u;

				if (solved)
					assert_int_equal(reco_scorer_fold_in(&m.env, &x->scorer.factor.head, &profile),
									 RECO_OK);
				assert_int_equal(reco_seat_open(seat, &profile), RECO_OK);
				assert_int_equal(reco_seat_some(seat, &item, 1, &score), RECO_OK);
				assert_int_equal(reco_seat_explain(seat, item, part, &baseline, &additive),
								 RECO_OK);
				assert_int_equal(additive, profile.n > 0);
				sum = baseline;
				for (int64_t j = 0; j < profile.n; j++)
					sum += part[j];
				if (additive)
					assert_true(fabs(sum - score) <= 1e-6 * fmax(1, fabs(score)));
				/* what is shared out is nothing where factors are the solution */
				if (additive && solved)
				{
					float again[7];
					float bias;
					double own[HISTORY];

					assert_int_equal(reco_als_fold_in(&m.env, &x->scorer.params, x->w.item,
													  x->w.stride, implicit ? NULL : x->w.bias, 60,
													  x->scorer.factor.mean, x->scorer.gram,
													  profile.n, profile.item, profile.value, NULL,
													  again, &bias, item, own, NULL),
									 RECO_OK);
					for (int64_t j = 0; j < profile.n; j++)
						assert_true(fabs(own[j] - part[j]) <= 1e-4);
				}
				reco_seat_close(seat);
				if (solved)
					reco_profile_free(&m.env, &profile);
			}
		reco_seat_free(&m.env, seat);
		assert_int_equal(m.live, 0);
		world_free(x);
	}
}

static void
test_alike_and_similar(void **state)
{
	const int kinds[] = {RANDOM, FEW_VALUES, SOME_ZEROS, ZEROS, EQUAL_ROWS};

	(void) state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
	{
		world *x = world_of(200, 11, kinds[k], true, false, 5);
		const reco_scorer *scorer = &x->scorer.factor.head;
		reco_similar found[200];
		int32_t count;
		mimic_env m;

		mimic_env_init(&m);
		for (int32_t a = 0; a < 200; a += 19)
		{
			const float *p = x->w.item + a * x->w.stride;
			long double norm = sqrtl(product(p, p, 11));
			int32_t others = 0;

			assert_int_equal(reco_scorer_similar(&m.env, scorer, a, 200, found, &count), RECO_OK);
			assert_int_equal(m.live, 0);
			for (int32_t b = 0; b < 200; b++)
			{
				const float *q = x->w.item + b * x->w.stride;
				long double other = sqrtl(product(q, q, 11));
				long double cosine = norm > 0 && other > 0 ? product(p, q, 11) / (norm * other) : 0;
				int32_t at = 0;

				assert_true(fabsl(reco_scorer_alike(scorer, a, b) - cosine) < 1e-9);
				if (b == a || !(norm > 0) || !(other > 0))
					continue;
				others++;
				while (at < count && found[at].item != b)
					at++;
				assert_true(at < count);
				assert_true(fabsl(found[at].similarity - cosine) < 1e-9);
			}
			assert_int_equal(count, others);
			for (int32_t r = 1; r < count; r++)
				assert_true(reco_similar_after(found[r], found[r - 1]));
			if (count > 4)
			{
				reco_similar few[3];

				assert_int_equal(reco_scorer_similar(&m.env, scorer, a, 3, few, &count), RECO_OK);
				assert_int_equal(count, 3);
				for (int r = 0; r < 3; r++)
					assert_true(fabs(few[r].similarity - found[r].similarity) < 1e-6);
			}
		}
		world_free(x);
	}
}

/* Each allocation fails once, each poll stops once: an error, and nothing is left. */
static void
test_fails_and_stops(void **state)
{
	world *x = world_of(60, 7, RANDOM, true, false, 6);
	const reco_scorer *scorer = &x->scorer.factor.head;
	reco_similar found[60];
	reco_ranked candidate[60];
	int32_t count;
	mimic_env m;
	int failed = 0;

	(void) state;
	for (int stop = 0; stop <= 1; stop++)
		for (long at = 1; at < 20; at++)
		{
			reco_profile profile = x->profile[0];
			reco_status status[3];

			for (int what = 0; what < 3; what++)
			{
				mimic_env_init(&m);
				if (stop)
					m.stop_at = at;
				else
					m.fail_at = at;
				for (int32_t i = 0; i < 60; i++)
					candidate[i] = (reco_ranked){(float) -i, i};
				status[what] = what == 0 ? reco_scorer_similar(&m.env, scorer, 1, 60, found, &count)
							   : what == 1 ? reco_scorer_fold_in(&m.env, scorer, &profile)
										   : reco_diversify(&m.env, scorer, 0.5, candidate, 60, 10);
				if (what == 1 && status[what] == RECO_OK)
					reco_profile_free(&m.env, &profile);
				assert_int_equal(m.live, 0);
				if (status[what] != RECO_OK)
				{
					failed++;
					assert_int_equal(status[what], stop ? RECO_STOPPED : RECO_NO_MEMORY);
				}
			}
		}
	assert_true(failed > 8);
	world_free(x);
}

/* The next one is what loses least, by trying all. */
static void
test_diversity(void **state)
{
	world *x = world_of(80, 5, CLUSTERED, true, false, 7);
	const reco_scorer *scorer = &x->scorer.factor.head;
	reco_ranked before[40];
	reco_ranked after[40];
	bool taken[40];
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	for (int32_t k = 0; k < 40; k++)
		before[k] = (reco_ranked){(float) (40 - k / 2), 79 - k};
	for (int tenth = 0; tenth <= 10; tenth += 5)
	{
		double diversity = tenth / 10.0;

		memcpy(after, before, sizeof(before));
		memset(taken, 0, sizeof(taken));
		assert_int_equal(reco_diversify(&m.env, scorer, diversity, after, 40, 12), RECO_OK);
		for (int32_t r = 0; r < 12; r++)
		{
			int32_t best = -1;
			double most = -INFINITY;

			for (int32_t k = 0; k < 40; k++)
			{
				double like = r == 0 ? 0 : -INFINITY;
				double marginal;

				for (int32_t t = 0; t < r; t++)
					like = fmax(like, reco_scorer_alike(scorer, after[t].item, before[k].item));
				marginal = (1 - diversity) * (1 - (before[0].score - before[k].score) /
													  (before[0].score - before[39].score)) -
						   diversity * like;
				if (!taken[k] && marginal > most)
				{
					most = marginal;
					best = k;
				}
			}
			taken[best] = true;
			assert_int_equal(after[r].item, before[best].item);
		}
	}
	assert_int_equal(m.live, 0);
	world_free(x);
}

static void
test_predicts(void **state)
{
	reco_scorer scorer = {NULL, 0, 1, 5};

	(void) state;
	assert_true(reco_scorer_predict(&scorer, 0.5f) == 1);
	assert_true(reco_scorer_predict(&scorer, 2.5f) == 2.5f);
	assert_true(reco_scorer_predict(&scorer, 7) == 5);
	scorer.least = -INFINITY;
	scorer.most = INFINITY;
	assert_true(reco_scorer_predict(&scorer, 7) == 7);
	assert_true(reco_scorer_predict(&scorer, -7) == -7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scores),
		cmocka_unit_test(test_explains),
		cmocka_unit_test(test_alike_and_similar),
		cmocka_unit_test(test_fails_and_stops),
		cmocka_unit_test(test_diversity),
		cmocka_unit_test(test_predicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
