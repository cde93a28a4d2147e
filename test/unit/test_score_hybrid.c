/*
 * test_score_hybrid.c
 *	  Scorers made of others: scales and means against their formulas, item by item; what holds
 *	  for every scorer, with members of all kinds; members that say nothing; parts of scores;
 *	  new users.
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
#include "core/scoring/score_users.h"
#include "core/svd/svd.h"
#include "mimic_als.h"
#include "mimic_scorer.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum
{
	USERS = 9,
	ITEMS = 130,
	FACTORS = 6,
	FIXED = 4,
	SCALES = 3
};

/* A member whose scores are given: the row of the user whose number is the profile's bias. */
typedef struct fixed_scorer
{
	reco_scorer head;
	float score[USERS][ITEMS];
	bool silent[USERS];
	bool additive;
} fixed_scorer;

static const fixed_scorer *
fixed_of(const reco_seat *seat)
{
	return (const fixed_scorer *) seat->scorer;
}

static bool
fixed_is_personal(const reco_seat *seat)
{
	return !fixed_of(seat)->silent[(int) seat->profile->bias];
}

static reco_status
fixed_score(reco_seat *seat, float *score)
{
	memcpy(score, fixed_of(seat)->score[(int) seat->profile->bias], sizeof(float) * ITEMS);
	return seat->env.poll(seat->env.arg) ? RECO_STOPPED : RECO_OK;
}

static reco_status
fixed_some(reco_seat *seat, const int32_t *item, int32_t n, float *score)
{
	for (int32_t k = 0; k < n; k++)
		score[k] = fixed_of(seat)->score[(int) seat->profile->bias][item[k]];
	return RECO_OK;
}

/* All of a score but 1 is shared out evenly. */
static reco_status
fixed_explain(reco_seat *seat, int32_t item, double *contribution, double *baseline, bool *additive)
{
	double score = fixed_of(seat)->score[(int) seat->profile->bias][item];
	int64_t n = seat->profile->n;

	*additive = fixed_of(seat)->additive;
	if (!*additive)
		return RECO_OK;
	*baseline = n > 0 ? 1 : score;
	for (int64_t j = 0; j < n; j++)
		contribution[j] = (score - 1) / (double) n;
	return RECO_OK;
}

static const reco_scorer_type fixed_type = {
	.name = "fixed",
	.is_personal = fixed_is_personal,
	.score = fixed_score,
	.score_some = fixed_some,
	.explain = fixed_explain,
};

static float
some_score(int kind, int32_t i, uint64_t *seed)
{
	switch (kind)
	{
		case 0:
			return -INFINITY;
		case 1:
			return 3.1f;
		case 2:
			return i == 40 ? 2 : -INFINITY;
		case 3: /* few values: ties, and items without a score */
			return i % 3 == 0 ? (float) mimic_below(seed, 4) : -INFINITY;
		case 4:
			return FLT_MAX * (float) (2 * mimic_uniform(seed) - 1);
		case 5:
			return FLT_TRUE_MIN * (float) mimic_below(seed, 3);
		case 6: /* what no member should say */
			return i % 5 == 0 ? NAN : i % 7 == 0 ? INFINITY : (float) mimic_uniform(seed);
		default:
			return (float) (mimic_uniform(seed) * 10 - 5);
	}
}

/* Fixed members, and a hybrid of them with its profiles. */
typedef struct world
{
	fixed_scorer fixed[FIXED];
	reco_hybrid_member member[FIXED];
	reco_hybrid_scorer scorer;
	int32_t item[ITEMS];
	reco_profile own[USERS][FIXED];
	reco_profile profile[USERS];
} world;

static world *
world_of(reco_hybrid_scale scale, uint64_t seed)
{
	world *w = calloc(1, sizeof(world));
	static const double weights[] = {1, 0.25, 3, 0};

	for (int m = 0; m < FIXED; m++)
	{
		w->fixed[m].head = (reco_scorer){&fixed_type, ITEMS, -INFINITY, INFINITY};
		w->fixed[m].additive = true;
		for (int u = 0; u < USERS; u++)
		{
			/* the first users know one member only, or none */
			int kind = u == 0 ? 0 : (int) mimic_below(&seed, u == 1 && m != 2 ? 3 : 9);

			for (int32_t i = 0; i < ITEMS; i++)
				w->fixed[m].score[u][i] = some_score(kind, i, &seed);
			w->fixed[m].silent[u] = mimic_below(&seed, 9) == 0;
		}
		w->member[m] = (reco_hybrid_member){&w->fixed[m].head, weights[m], false};
	}
	w->scorer = (reco_hybrid_scorer){.head = {&reco_hybrid_scorer_type, ITEMS, -INFINITY, INFINITY},
									 .scale = scale,
									 .members = FIXED,
									 .member = w->member};
	for (int32_t i = 0; i < ITEMS; i++)
		w->item[i] = i;
	for (int u = 0; u < USERS; u++)
	{
		for (int m = 0; m < FIXED; m++)
			w->own[u][m] = (reco_profile){.bias = (float) u, .n = u, .item = w->item};
		w->profile[u] =
			(reco_profile){.n = u, .item = w->item, .members = FIXED, .member = w->own[u]};
	}
	return w;
}

/* A member's scaled scores; false: it has no part. */
static bool
mimic_scaled(const float *score, reco_hybrid_scale scale, long double *out)
{
	long double least = INFINITY, most = -INFINITY, sum = 0, squares = 0;
	int n = 0;

	for (int i = 0; i < ITEMS; i++)
		if (isfinite(score[i]))
		{
			n++;
			sum += score[i];
			least = fminl(least, score[i]);
			most = fmaxl(most, score[i]);
		}
	if (n == 0 || least == most)
		return false;
	for (int i = 0; i < ITEMS; i++)
		squares += isfinite(score[i]) ? powl(score[i] - sum / n, 2) : 0;
	for (int i = 0; i < ITEMS; i++)
	{
		long double x = isfinite(score[i]) ? score[i] : least;
		int below = 0, equal = 0;

		for (int k = 0; k < ITEMS; k++)
		{
			below += isfinite(score[k]) && score[k] < x;
			equal += isfinite(score[k]) && score[k] == x;
		}
		if (scale == RECO_HYBRID_Z_SCORE)
			out[i] = (x - sum / n) / sqrtl(squares / n);
		else if (scale == RECO_HYBRID_MIN_MAX)
			out[i] = (x - least) / (most - least);
		else
			out[i] = isfinite(score[i]) ? (below + (1 + equal) / 2.0L) / n : 0;
	}
	return true;
}

static void
mimic_mean(const world *w, int u, long double *wanted)
{
	long double scaled[FIXED][ITEMS];
	bool counts[FIXED];
	long double weights = 0;

	for (int m = 0; m < FIXED; m++)
	{
		counts[m] = w->member[m].weight > 0 && !w->fixed[m].silent[u] &&
					mimic_scaled(w->fixed[m].score[u], w->scorer.scale, scaled[m]);
		weights += counts[m] ? w->member[m].weight : 0;
	}
	for (int i = 0; i < ITEMS; i++)
	{
		bool any = false;

		wanted[i] = 0;
		for (int m = 0; m < FIXED; m++)
			if (counts[m])
			{
				any = any || isfinite(w->fixed[m].score[u][i]);
				wanted[i] += w->member[m].weight / weights * scaled[m][i];
			}
		if (!any)
			wanted[i] = -INFINITY;
	}
}

static void
fixed_stored(const void *arg, int member, const reco_profile *whole, reco_profile *out)
{
	const world *w = arg;

	assert_true(member >= 0 && member < FIXED && w->member[member].weight > 0);
	out->bias = (float) (whole->user - 1);
}

/* Stored users come without their members' profiles. */
static void
test_stored(void **state)
{
	(void) state;
	for (int scale = 0; scale < SCALES; scale++)
	{
		world *w = world_of((reco_hybrid_scale) scale, 3);
		float with[ITEMS], without[ITEMS];
		reco_seat *seat;
		mimic_env m;

		mimic_env_init(&m);
		w->scorer.stored = fixed_stored;
		w->scorer.arg = w;
		assert_int_equal(reco_seat_make(&m.env, &w->scorer.head, &seat), RECO_OK);
		for (int u = 0; u < USERS; u++)
			for (int pass = 0; pass < 2; pass++)
			{
				assert_int_equal(reco_seat_open(seat, &w->profile[u]), RECO_OK);
				assert_int_equal(reco_seat_score(seat, pass == 0 ? with : without), RECO_OK);
				reco_seat_close(seat);
				if (pass == 1)
					assert_memory_equal(with, without, sizeof(with));
				w->profile[u].members = 0;
				w->profile[u].member = NULL;
				w->profile[u].user = u + 1;
			}
		reco_seat_free(&m.env, seat);
		mimic_check_scorer(&w->scorer.head, w->profile, USERS);
		free(w);
	}
}

static void
test_scores(void **state)
{
	int with = 0;

	(void) state;
	for (int round = 0; round < 40; round++)
	{
		world *w = world_of((reco_hybrid_scale) (round % SCALES), (uint64_t) round);
		float score[ITEMS];
		reco_seat *seat;
		mimic_env m;

		mimic_env_init(&m);
		assert_int_equal(reco_seat_make(&m.env, &w->scorer.head, &seat), RECO_OK);
		for (int u = 0; u < USERS; u++)
		{
			long double wanted[ITEMS];
			bool personal = false;

			mimic_mean(w, u, wanted);
			assert_int_equal(reco_seat_open(seat, &w->profile[u]), RECO_OK);
			assert_int_equal(reco_seat_score(seat, score), RECO_OK);
			mimic_check_scores(score, wanted, ITEMS, 1e-6);
			for (int k = 0; k < FIXED; k++)
				personal = personal || (w->member[k].weight > 0 && !w->fixed[k].silent[u]);
			assert_true(reco_seat_is_personal(seat) == personal);
			for (int i = 0; i < ITEMS; i++)
				with += isfinite(score[i]);
			reco_seat_close(seat);
		}
		reco_seat_free(&m.env, seat);
		assert_int_equal(m.live, 0);
		if (round < 2 * SCALES)
			mimic_check_scorer(&w->scorer.head, w->profile, USERS);
		free(w);
	}
	assert_true(with > 10000);
}

/* A silent member's weight does not count, whatever it is; nor is one without weight asked. */
static void
test_silent(void **state)
{
	(void) state;
	for (int scale = 0; scale < SCALES; scale++)
		for (int kind = 0; kind < 3; kind++)
		{
			world *w = world_of((reco_hybrid_scale) scale, 7);
			float alone[ITEMS], with[ITEMS];
			uint64_t seed = 1;
			reco_seat *seat;
			mimic_env m;

			mimic_env_init(&m);
			for (int32_t i = 0; i < ITEMS; i++)
			{
				w->fixed[0].score[3][i] = some_score(3, i, &seed);
				w->fixed[1].score[3][i] = some_score(kind, i, &seed);
				w->fixed[3].score[3][i] = some_score(8, i, &seed);
			}
			w->fixed[0].silent[3] = w->fixed[1].silent[3] = false;
			w->member[2].weight = -1;
			for (int pass = 0; pass < 2; pass++)
			{
				w->member[1].weight = pass == 0 ? 0 : 1000;
				assert_int_equal(reco_seat_make(&m.env, &w->scorer.head, &seat), RECO_OK);
				assert_int_equal(reco_seat_open(seat, &w->profile[3]), RECO_OK);
				assert_int_equal(reco_seat_score(seat, pass == 0 ? alone : with), RECO_OK);
				reco_seat_close(seat);
				reco_seat_free(&m.env, seat);
			}
			assert_memory_equal(alone, with, sizeof(alone));
			free(w);
		}
}

static void
check_parts(world *w, int u, bool additive)
{
	double part[ITEMS];
	float score[ITEMS];
	reco_seat *seat;
	mimic_env m;

	mimic_env_init(&m);
	assert_int_equal(reco_seat_make(&m.env, &w->scorer.head, &seat), RECO_OK);
	assert_int_equal(reco_seat_open(seat, &w->profile[u]), RECO_OK);
	assert_int_equal(reco_seat_score(seat, score), RECO_OK);
	for (int32_t i = 0; i < ITEMS; i++)
	{
		double baseline;
		double sum = 0;
		bool has_parts;

		assert_int_equal(reco_seat_explain(seat, i, part, &baseline, &has_parts), RECO_OK);
		for (int j = 0; j < u; j++)
			sum += part[j];
		assert_true(has_parts == (additive && isfinite(score[i])));
		if (!has_parts)
			assert_true(sum == 0 && baseline == 0);
		else if (!(fabs(sum + baseline - score[i]) <= 1e-5 * fmax(1, fabs(score[i]) + fabs(sum))))
			fail_msg("item %d: %g + %g is not %g", i, baseline, sum, (double) score[i]);
	}
	/* memory may end, or somebody ask for an end: all the same nothing is left */
	m.fail_at = m.allocations + 1;
	if (additive && isfinite(score[0]))
	{
		double baseline;
		bool has_parts;

		assert_int_equal(reco_seat_explain(seat, 0, part, &baseline, &has_parts), RECO_NO_MEMORY);
	}
	reco_seat_close(seat);
	reco_seat_free(&m.env, seat);
	assert_int_equal(m.live, 0);
}

static void
test_parts(void **state)
{
	(void) state;
	for (int scale = 0; scale < SCALES; scale++)
	{
		world *w = world_of((reco_hybrid_scale) scale, 11);
		uint64_t seed = 2;

		for (int u = 0; u < USERS; u++)
			for (int m = 0; m < FIXED; m++)
			{
				w->fixed[m].silent[u] = false;
				for (int32_t i = 0; i < ITEMS; i++)
					w->fixed[m].score[u][i] = some_score(m == 1 ? 3 : 8, i, &seed);
			}
		for (int u = 0; u < USERS; u++)
			check_parts(w, u, scale != RECO_HYBRID_RANK);
		/* one that is not asked, and one that is, whose scores are no sums */
		w->fixed[3].additive = false;
		check_parts(w, 5, scale != RECO_HYBRID_RANK);
		w->fixed[2].additive = false;
		check_parts(w, 5, false);
		/* a member that knows of other interactions */
		w->fixed[2].additive = true;
		w->own[5][2].n = 4;
		check_parts(w, 5, false);
		free(w);
	}
}

/* Members of several families, over the same interactions. */
typedef struct mixed
{
	mimic_env m;
	reco_csr by_user;
	reco_csr lists;
	reco_csr others;
	reco_svd svd;
	float bias[ITEMS];
	float counts[ITEMS];
	reco_factor_scorer factors;
	reco_list_scorer items;
	reco_user_scorer users;
	reco_popular_scorer popular;
	reco_hybrid_member inner_member[2];
	reco_hybrid_scorer inner;
	reco_hybrid_member member[4];
	reco_hybrid_scorer scorer;
	float latest[USERS * ITEMS];
	reco_profile profile[USERS];
} mixed;

static mixed *
mixed_of(reco_hybrid_scale scale)
{
	mixed *x = calloc(1, sizeof(mixed));
	reco_svd_params p = {FACTORS, 6, 2, 7};
	const reco_scorer head = {NULL, ITEMS, -INFINITY, INFINITY};
	reco_csr by_item;

	mimic_env_init(&x->m);
	x->by_user = mimic_random_csr(USERS, ITEMS, 0.15, 1);
	x->others = mimic_random_csr(40, ITEMS, 0.1, 1);
	x->lists = mimic_random_csr(ITEMS, ITEMS, 0.03, 1);
	by_item = mimic_transpose(&x->others);
	assert_int_equal(reco_svd_fit(&x->m.env, &p, &x->others, &by_item, NULL, NULL, &x->svd),
					 RECO_OK);
	mimic_free_csr(&by_item);
	for (int i = 0; i < ITEMS; i++)
		x->counts[i] = (float) (i * 7 % 11);
	x->factors = (reco_factor_scorer){.head = head,
									  .factors = FACTORS,
									  .stride = x->svd.stride,
									  .item = x->svd.item,
									  .item_bias = x->bias};
	x->factors.head.type = &reco_svd_scorer_type;
	x->items = (reco_list_scorer){.sums = {.head = head}, .followers = x->lists};
	x->items.sums.head.type = &reco_list_scorer_type;
	x->users =
		(reco_user_scorer){.sums = {.head = head, .averaged = true},
						   .by_user = x->others,
						   .params = {.measure = RECO_COSINE, .neighbors = 10, .min_support = 1}};
	x->users.sums.head.type = &reco_user_scorer_type;
	assert_int_equal(reco_row_index_build(&x->m.env, &x->users.params, &x->others, &x->users.index),
					 RECO_OK);
	x->popular = (reco_popular_scorer){.head = head, .score = x->counts};
	x->popular.head.type = &reco_popular_scorer_type;
	x->inner_member[0] = (reco_hybrid_member){&x->users.sums.head, 2, true};
	x->inner_member[1] = (reco_hybrid_member){&x->popular.head, 1, false};
	x->inner = (reco_hybrid_scorer){
		.head = head, .scale = RECO_HYBRID_RANK, .members = 2, .member = x->inner_member};
	x->inner.head.type = &reco_hybrid_scorer_type;
	x->member[0] = (reco_hybrid_member){&x->factors.head, 1, false};
	x->member[1] = (reco_hybrid_member){&x->inner.head, 0.5, false};
	x->member[2] = (reco_hybrid_member){&x->items.sums.head, 1, true};
	x->member[3] = (reco_hybrid_member){&x->popular.head, 0, false};
	x->scorer =
		(reco_hybrid_scorer){.head = head, .scale = scale, .members = 4, .member = x->member};
	x->scorer.head.type = &reco_hybrid_scorer_type;
	for (int64_t e = 0; e < x->by_user.start[USERS]; e++)
		x->latest[e] = x->by_user.value[e] + 1;
	for (int u = 0; u < USERS; u++)
	{
		int64_t from = x->by_user.start[u];

		/* the last has nothing */
		x->profile[u] = (reco_profile){.n = u == USERS - 1 ? 0 : x->by_user.start[u + 1] - from,
									   .item = x->by_user.col + from,
									   .value = x->by_user.value + from,
									   .latest = u % 2 ? x->latest + from : NULL};
	}
	return x;
}

static void
mixed_free(mixed *x)
{
	reco_svd_free(&x->m.env, &x->svd);
	reco_row_index_free(&x->m.env, &x->users.index);
	assert_int_equal(x->m.live, 0);
	mimic_free_csr(&x->by_user);
	mimic_free_csr(&x->others);
	mimic_free_csr(&x->lists);
	free(x);
}

static void
test_any_scorer(void **state)
{
	(void) state;
	for (int scale = 0; scale < SCALES; scale++)
	{
		mixed *x = mixed_of((reco_hybrid_scale) scale);

		for (int u = 0; u < USERS; u++)
			assert_int_equal(reco_scorer_fold_in(&x->m.env, &x->scorer.head, &x->profile[u]),
							 RECO_OK);
		mimic_check_scorer(&x->scorer.head, x->profile, USERS);
		for (int u = 0; u < USERS; u++)
			reco_profile_free(&x->m.env, &x->profile[u]);
		mixed_free(x);
	}
}

/* Each member is folded in as by itself, with the values that it counts. */
static void
check_member(mixed *x, const reco_scorer *scorer, const reco_profile *as, const float *value,
			 const reco_profile *is)
{
	reco_profile alone = {.n = as->n, .item = as->item, .value = value};

	assert_int_equal(reco_scorer_fold_in(&x->m.env, scorer, &alone), RECO_OK);
	assert_true(is->n == as->n && is->item == as->item && is->value == value);
	assert_true((is->factors != NULL) == (alone.factors != NULL));
	if (is->factors)
		assert_memory_equal(is->factors, alone.factors, FACTORS * sizeof(float));
	assert_int_equal(is->neighbors, alone.neighbors);
	for (int k = 0; k < is->neighbors; k++)
		assert_true(is->neighbor[k] == alone.neighbor[k] &&
					is->similarity[k] == alone.similarity[k]);
	reco_profile_free(&x->m.env, &alone);
}

static void
test_new_users(void **state)
{
	mixed *x = mixed_of(RECO_HYBRID_Z_SCORE);

	(void) state;
	for (int u = 0; u < USERS; u++)
	{
		reco_profile *profile = &x->profile[u];
		const float *latest = profile->latest ? profile->latest : profile->value;
		long live = x->m.live;
		reco_status status = RECO_OK;

		for (int stop = 0; stop <= 1; stop++)
			for (long at = 1; at == 1 || status != RECO_OK; at++)
			{
				x->m.allocations = x->m.polls = 0;
				x->m.fail_at = stop ? 0 : at;
				x->m.stop_at = stop ? at : 0;
				status = reco_scorer_fold_in(&x->m.env, &x->scorer.head, profile);
				if (status == RECO_OK && stop == 0)
					reco_profile_free(&x->m.env, profile);
				if (status != RECO_OK)
					assert_int_equal(status, stop ? RECO_STOPPED : RECO_NO_MEMORY);
				if (status != RECO_OK || stop == 0)
				{
					assert_int_equal(x->m.live, live);
					assert_true(profile->member == NULL && profile->members == 0);
				}
			}
		x->m.fail_at = x->m.stop_at = 0;
		assert_int_equal(profile->members, 4);
		check_member(x, x->member[0].scorer, profile, profile->value, &profile->member[0]);
		check_member(x, x->member[2].scorer, profile, latest, &profile->member[2]);
		assert_int_equal(profile->member[1].members, 2);
		check_member(x, x->inner_member[0].scorer, profile, latest, &profile->member[1].member[0]);
		reco_profile_free(&x->m.env, profile);
		assert_int_equal(x->m.live, live);
	}
	mixed_free(x);
}

/* A profile that lacks members is refused. */
static void
test_bare_profile(void **state)
{
	mixed *x = mixed_of(RECO_HYBRID_Z_SCORE);
	reco_seat *seat;

	(void) state;
	assert_int_equal(reco_seat_make(&x->m.env, &x->scorer.head, &seat), RECO_OK);
	assert_int_equal(reco_seat_open(seat, &x->profile[0]), RECO_INVALID);
	assert_null(seat->profile);
	reco_seat_free(&x->m.env, seat);
	mixed_free(x);
}

/* From the first that knows any, of those that are asked. */
static void
test_similar(void **state)
{
	mixed *x = mixed_of(RECO_HYBRID_MIN_MAX);
	reco_similar out[5], wanted[5];
	int32_t count, wanted_count;

	(void) state;
	for (int pass = 0; pass < 2; pass++)
	{
		/* lists that are not known, and no factors: nothing */
		x->member[0].weight = pass == 0 ? 1 : 0;
		assert_int_equal(reco_scorer_similar(&x->m.env, &x->scorer.head, 3, 5, out, &count),
						 RECO_OK);
		assert_int_equal(
			reco_scorer_similar(&x->m.env, &x->factors.head, 3, 5, wanted, &wanted_count), RECO_OK);
		assert_int_equal(count, pass == 0 ? wanted_count : 0);
		for (int k = 0; k < count; k++)
			assert_true(out[k].item == wanted[k].item && out[k].similarity == wanted[k].similarity);
	}
	x->member[1].weight = 0;
	for (int32_t i = 1; i < ITEMS; i++)
		assert_true(reco_scorer_alike(&x->scorer.head, 0, i) ==
					reco_scorer_alike(&x->items.sums.head, 0, i));
	x->member[0].weight = 1;
	for (int32_t i = 1; i < ITEMS; i++)
		assert_true(reco_scorer_alike(&x->scorer.head, 0, i) ==
					reco_scorer_alike(&x->factors.head, 0, i));
	mixed_free(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stored),       cmocka_unit_test(test_scores),
		cmocka_unit_test(test_silent),       cmocka_unit_test(test_parts),
		cmocka_unit_test(test_any_scorer),   cmocka_unit_test(test_new_users),
		cmocka_unit_test(test_bare_profile), cmocka_unit_test(test_similar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
