/*
 * test_hybrid_mixed.c
 *	  Hybrids of members of factors and of others, over more items than an index lets be scored:
 *	  the same scores with moments as without, and the same bits with the index as without.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/scoring/score_hybrid.h"
#include "core/scoring/score_lists.h"
#include "core/scoring/score_popular.h"
#include "core/scoring/score_svd.h"
#include "mimic_als.h"
#include "mimic_scorer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum
{
	USERS = 5,
	ITEMS = 1500,
	D = 16,
	LISTS = 2,
	MEMBERS = 5
};

typedef struct world
{
	mimic_env m;
	reco_factor_scorer factors[2];
	float *item[2];
	float bias[ITEMS];
	reco_csr lists[LISTS];
	reco_list_scorer list[LISTS];
	reco_popular_scorer popular;
	float counts[ITEMS];
	reco_hybrid_member member[MEMBERS];
	reco_hybrid_scorer scorer;
	reco_joint_part part[2];
	double *moments[2];
	void *index;
	reco_csr by_user;
	float own[USERS][2][D];
	reco_profile profile[USERS];
	reco_profile of[USERS][MEMBERS];
} world;

/* About normal. */
static double
some_normal(uint64_t *seed)
{
	double sum = -6;

	for (int k = 0; k < 12; k++)
		sum += mimic_uniform(seed);
	return sum;
}

static world *
world_of(uint64_t seed)
{
	world *w = calloc(1, sizeof(world));
	const reco_scorer head = {NULL, ITEMS, -INFINITY, INFINITY};

	mimic_env_init(&w->m);
	for (int i = 0; i < ITEMS; i++)
	{
		w->bias[i] = (float) some_normal(&seed);
		w->counts[i] = (float) mimic_below(&seed, 50);
	}
	for (int f = 0; f < 2; f++)
	{
		w->item[f] = aligned_alloc(RECO_ALIGN, ITEMS * D * sizeof(float));
		for (int i = 0; i < ITEMS; i++)
		{
			double length = exp(2 * some_normal(&seed));

			for (int k = 0; k < D; k++)
				w->item[f][i * D + k] = (float) (some_normal(&seed) * length);
		}
		w->factors[f] = (reco_factor_scorer){
			.head = head, .factors = D, .stride = D, .item = w->item[f], .mean = f};
		w->factors[f].head.type = &reco_svd_scorer_type;
		w->member[f] = (reco_hybrid_member){&w->factors[f].head, 1 + f, false};
	}
	w->factors[1].item_bias = w->bias;
	for (int l = 0; l < LISTS; l++)
	{
		w->lists[l] = mimic_random_csr(ITEMS, ITEMS, 0.01, 1);
		w->list[l] = (reco_list_scorer){.sums = {.head = head}, .followers = w->lists[l]};
		w->list[l].sums.head.type = &reco_list_scorer_type;
		w->member[2 + l] = (reco_hybrid_member){&w->list[l].sums.head, 0.5, false};
	}
	w->popular = (reco_popular_scorer){.head = head, .score = w->counts};
	w->popular.head.type = &reco_popular_scorer_type;
	w->member[4] = (reco_hybrid_member){&w->popular.head, 0.3, false};
	w->by_user = mimic_random_csr(USERS, ITEMS, 0.005, 1);
	for (int u = 0; u < USERS; u++)
	{
		int64_t from = w->by_user.start[u];

		for (int f = 0; f < 2; f++)
			for (int k = 0; k < D; k++)
				/* one is known to one of the two alone */
				w->own[u][f][k] = u == 3 && f == 0 ? 0 : (float) some_normal(&seed);
		for (int m = 0; m < MEMBERS; m++)
			w->of[u][m] = (reco_profile){.factors = m < 2 ? w->own[u][m] : NULL,
										 .bias = (float) u,
										 .n = w->by_user.start[u + 1] - from,
										 .item = w->by_user.col + from,
										 .value = w->by_user.value + from};
		w->profile[u] = w->of[u][4];
		w->profile[u].members = MEMBERS;
		w->profile[u].member = w->of[u];
	}
	w->scorer = (reco_hybrid_scorer){
		.head = head, .scale = RECO_HYBRID_Z_SCORE, .members = MEMBERS, .member = w->member};
	w->scorer.head.type = &reco_hybrid_scorer_type;
	return w;
}

static void
give_moments(world *w)
{
	for (int f = 0; f < 2; f++)
	{
		reco_factor_scorer *of = &w->factors[f];

		w->moments[f] =
			malloc(sizeof(double) * (size_t) reco_factor_moments_size(D, of->item_bias != NULL));
		assert_int_equal(reco_factor_moments_find(&w->m.env, of->item, ITEMS, D, D, of->item_bias,
												  w->moments[f]),
						 RECO_OK);
		of->moments = w->moments[f];
		w->part[f] = (reco_joint_part){of->item, D, D, of->item_bias, f == 0 ? 0.2 : 0.1};
	}
	assert_int_equal(w->m.live, 0);
}

static void
give_index(world *w)
{
	w->index = aligned_alloc(RECO_ALIGN, reco_joint_size(ITEMS, w->part, 2));
	assert_int_equal(reco_joint_build(&w->m.env, ITEMS, w->part, 2, w->index), RECO_OK);
	w->scorer.joint = w->index;
	w->scorer.joint_part = w->part;
	w->scorer.joint_parts = 2;
}

static void
world_free(world *w)
{
	for (int f = 0; f < 2; f++)
	{
		free(w->item[f]);
		free(w->moments[f]);
	}
	for (int l = 0; l < LISTS; l++)
		mimic_free_csr(&w->lists[l]);
	mimic_free_csr(&w->by_user);
	free(w->index);
	free(w);
}

static void
score_users(world *w, float score[USERS][ITEMS])
{
	reco_seat *seat;

	assert_int_equal(reco_seat_make(&w->m.env, &w->scorer.head, &seat), RECO_OK);
	for (int u = 0; u < USERS; u++)
	{
		assert_int_equal(reco_seat_open(seat, &w->profile[u]), RECO_OK);
		assert_int_equal(reco_seat_score(seat, score[u]), RECO_OK);
		reco_seat_close(seat);
	}
	reco_seat_free(&w->m.env, seat);
	assert_int_equal(w->m.live, 0);
}

/* Lists of the best take no scores of all items by members with moments, but for user 3's. */
static void
check_index(world *w)
{
	reco_seat *seat;
	reco_ranked best[10];

	assert_int_equal(reco_seat_make(&w->m.env, &w->scorer.head, &seat), RECO_OK);
	for (int u = 0; u < USERS; u++)
	{
		assert_int_equal(reco_seat_open(seat, &w->profile[u]), RECO_OK);
		assert_int_equal(reco_seat_top(seat, NULL, 10, best), 10);
		assert_false(seat->scored);
		reco_seat_close(seat);
	}
	reco_seat_free(&w->m.env, seat);
}

static void
test_mixed(void **state)
{
	static float plain[USERS][ITEMS], with[USERS][ITEMS];

	(void) state;
	for (int round = 0; round < 6; round++)
	{
		world *w = world_of((uint64_t) round + 1);

		/* with and without members that have no moments and are not sparse */
		w->member[4].weight = round % 2 ? 0.3 : 0;
		w->member[3].weight = round >= 2 ? 0.5 : 0;
		w->member[2].weight = round >= 4 ? 0.5 : 0;
		score_users(w, plain);
		give_moments(w);
		score_users(w, with);
		for (int u = 0; u < USERS; u++)
			for (int i = 0; i < ITEMS; i++)
				if (plain[u][i] != with[u][i] && !(fabsf(plain[u][i] - with[u][i]) < 1e-4f))
					fail_msg("round %d, user %d, item %d: %g, not %g", round, u, i,
							 (double) with[u][i], (double) plain[u][i]);
		mimic_check_scorer(&w->scorer.head, w->profile, 2);
		give_index(w);
		score_users(w, plain);
		assert_memory_equal(plain, with, sizeof(with));
		check_index(w);
		mimic_check_scorer(&w->scorer.head, w->profile, USERS);
		world_free(w);
	}
}

/* Moments of what is the same for all items tell nothing; nor do those of no items. */
static void
test_constant(void **state)
{
	world *w = world_of(7);
	double mean, deviation;
	double none[D * (D + 1)];
	reco_seat *seat;

	(void) state;
	for (int i = 0; i < ITEMS; i++)
		for (int k = 0; k < D; k++)
			w->item[0][i * D + k] = 0.1f * (float) k;
	give_moments(w);
	assert_int_equal(reco_seat_make(&w->m.env, &w->factors[0].head, &seat), RECO_OK);
	assert_int_equal(reco_seat_open(seat, &w->of[0][0]), RECO_OK);
	reco_factor_moments(seat, &mean, &deviation);
	assert_true(deviation == 0);
	reco_seat_free(&w->m.env, seat);
	assert_int_equal(reco_factor_moments_find(&w->m.env, w->item[0], 0, D, D, NULL, none), RECO_OK);
	for (int k = 0; k < D * (D + 1); k++)
		assert_true(none[k] == 0);
	w->m.fail_at = w->m.allocations + 1;
	assert_int_equal(reco_factor_moments_find(&w->m.env, w->item[0], ITEMS, D, D, NULL, none),
					 RECO_NO_MEMORY);
	w->m.fail_at = 0;
	w->m.stop_at = w->m.polls + 1;
	assert_int_equal(reco_factor_moments_find(&w->m.env, w->item[0], ITEMS, D, D, NULL, none),
					 RECO_STOPPED);
	assert_int_equal(w->m.live, 0);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_constant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
