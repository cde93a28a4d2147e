/*
 * test_stacking.c
 *	  Weights of members by what was hidden: lists and values whose right weights are known, what
 *	  they come to against the scorer with these weights, users whom rules are about, threads,
 *	  and memory that ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/scoring/stacking.h"
#include "mimic_env.h"
#include "mimic_hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum
{
	USERS = 120,
	ITEMS = 70,
	MEMBERS = 3,
	OWN = 3,    /* items that a user has */
	HIDDEN = 4, /* that were hidden */
	CUTOFF = 5
};

/* A member whose scores are given, by the number of the user. */
typedef struct fixed_scorer
{
	reco_scorer head;
	float score[USERS][ITEMS];
} fixed_scorer;

static const float *
row_of(const reco_seat *seat)
{
	return ((const fixed_scorer *) seat->scorer)->score[seat->profile->user - 1];
}

static reco_status
fixed_score(reco_seat *seat, float *score)
{
	memcpy(score, row_of(seat), sizeof(float) * ITEMS);
	return seat->env.poll(seat->env.arg) ? RECO_STOPPED : RECO_OK;
}

static reco_status
fixed_some(reco_seat *seat, const int32_t *item, int32_t n, float *score)
{
	for (int32_t k = 0; k < n; k++)
		score[k] = row_of(seat)[item[k]];
	return RECO_OK;
}

static const reco_scorer_type fixed_type = {
	.name = "fixed", .score = fixed_score, .score_some = fixed_some};

typedef struct world
{
	fixed_scorer fixed[MEMBERS];
	reco_hybrid_member member[MEMBERS];
	reco_hybrid_rule rule;
	reco_hybrid_scorer scorer;
	int32_t own[USERS][OWN];
	int64_t start[USERS + 1];
	int32_t hidden[USERS * HIDDEN];
	float truth[USERS * HIDDEN];
	int32_t user[USERS];
	reco_stacking stacking;
} world;

static void
profile_of(void *arg, int64_t user, reco_profile *profile)
{
	const world *w = arg;

	*profile = (reco_profile){
		.n = OWN - (user % 4 == 0), .item = w->own[user], .user = (int32_t) user + 1};
}

static void
stored(const void *arg, int member, const reco_profile *whole, reco_profile *out)
{
	(void) arg;
	(void) member;
	(void) whole;
	(void) out;
}

static int
compare(const void *a, const void *b)
{
	return *(const int32_t *) a - *(const int32_t *) b;
}

/* n different items, rising; what is taken before is none of them. */
static void
some_items(uint64_t *seed, bool *taken, int32_t *item, int n)
{
	for (int k = 0; k < n;)
	{
		int32_t i = (int32_t) mimic_below(seed, ITEMS);

		if (taken[i])
			continue;
		taken[i] = true;
		item[k++] = i;
	}
	qsort(item, (size_t) n, sizeof(int32_t), compare);
}

/*
 * What a member says of an item is signal[m], where the user wants it or as much as they value it,
 * and noise of that size.
 */
static world *
world_of(reco_hybrid_scale scale, bool predicts, const double *signal, const double *noise,
		 uint64_t seed)
{
	world *w = calloc(1, sizeof(world));

	for (int u = 0; u < USERS; u++)
	{
		bool taken[ITEMS] = {false};

		some_items(&seed, taken, w->own[u], OWN);
		some_items(&seed, taken, &w->hidden[u * HIDDEN], HIDDEN);
		w->start[u + 1] = (int64_t) (u + 1) * HIDDEN;
		w->user[u] = u;
		for (int h = 0; h < HIDDEN; h++)
			w->truth[u * HIDDEN + h] = (float) (1 + 4 * mimic_uniform(&seed));
		for (int m = 0; m < MEMBERS; m++)
		{
			for (int i = 0; i < ITEMS; i++)
				w->fixed[m].score[u][i] =
					(float) (noise[m] * (mimic_uniform(&seed) - 0.5) + (predicts ? 3 : 0));
			for (int h = 0; h < HIDDEN; h++)
				w->fixed[m].score[u][w->hidden[u * HIDDEN + h]] +=
					(float) (signal[m] * (predicts ? w->truth[u * HIDDEN + h] - 3 : 1));
		}
	}
	for (int m = 0; m < MEMBERS; m++)
	{
		w->fixed[m].head = (reco_scorer){&fixed_type, ITEMS, -INFINITY, INFINITY};
		w->member[m] = (reco_hybrid_member){&w->fixed[m].head, 1, false};
	}
	w->scorer = (reco_hybrid_scorer){.head = {&reco_hybrid_scorer_type, ITEMS, -INFINITY, INFINITY},
									 .scale = scale,
									 .members = MEMBERS,
									 .member = w->member,
									 .rule = &w->rule,
									 .stored = stored};
	w->stacking = (reco_stacking){.scorer = &w->scorer,
								  .profile = profile_of,
								  .arg = w,
								  .users = USERS,
								  .user = w->user,
								  .hidden = {.rows = USERS, .cols = ITEMS},
								  .predicts = predicts,
								  .truth = w->truth,
								  .cutoff = CUTOFF};
	w->stacking.hidden.start = w->start;
	w->stacking.hidden.col = w->hidden;
	return w;
}

static bool
is_hidden(const world *w, int u, int32_t item)
{
	for (int h = 0; h < HIDDEN; h++)
		if (w->hidden[u * HIDDEN + h] == item)
			return true;
	return false;
}

static double
squared_error(const world *w, int u, reco_seat *seat)
{
	float score[HIDDEN];
	double sum = 0;

	assert_int_equal(reco_seat_some(seat, &w->hidden[u * HIDDEN], HIDDEN, score), RECO_OK);
	for (int h = 0; h < HIDDEN; h++)
		sum += pow((double) score[h] - w->truth[u * HIDDEN + h], 2);
	return sum;
}

static double
ndcg(const world *w, int u, reco_seat *seat, const reco_profile *profile)
{
	uint64_t skip[ITEMS / 64 + 1] = {0};
	reco_ranked list[CUTOFF];
	double dcg = 0;
	double ideal = 0;

	for (int64_t j = 0; j < profile->n; j++)
		reco_set_add(skip, profile->item[j]);
	assert_int_equal(reco_seat_top(seat, skip, CUTOFF, list), CUTOFF);
	for (int r = 0; r < CUTOFF; r++)
	{
		dcg += is_hidden(w, u, list[r].item) ? 1 / log2(r + 2) : 0;
		ideal += r < HIDDEN ? 1 / log2(r + 2) : 0;
	}
	return dcg / ideal;
}

/* The mean of the users' lists, or the root of their squared errors, by the scorer as it is. */
static double
worth(world *w, const double *weight)
{
	double sum = 0;
	reco_seat *seat;
	mimic_env m;
	int users = 0;

	for (int k = 0; k < MEMBERS; k++)
		w->member[k].weight = weight[k];
	mimic_env_init(&m);
	assert_int_equal(reco_seat_make(&m.env, &w->scorer.head, &seat), RECO_OK);
	for (int u = 0; u < USERS; u++)
	{
		reco_profile profile;

		profile_of(w, u, &profile);
		if (w->scorer.rules > 0 && reco_hybrid_is_about(&w->rule, &profile))
			continue;
		users++;
		assert_int_equal(reco_seat_open(seat, &profile), RECO_OK);
		sum += w->stacking.predicts ? squared_error(w, u, seat) : ndcg(w, u, seat, &profile);
		reco_seat_close(seat);
	}
	reco_seat_free(&m.env, seat);
	for (int k = 0; k < MEMBERS; k++)
		w->member[k].weight = 1;
	return w->stacking.predicts ? sqrt(sum / users / HIDDEN) : sum / users;
}

static reco_stacked
run(world *w, int threads)
{
	static const double equal[] = {1, 1, 1};
	/* sums of ranks are often the same, but for rounding */
	double near = w->scorer.scale == RECO_HYBRID_RANK ? 0.01 : 1e-6;
	reco_stacked out;
	mimic_env m;

	mimic_env_init(&m);
	m.env.threads = threads;
	assert_int_equal(reco_stack(&m.env, &w->stacking, &out), RECO_OK);
	assert_int_equal(m.live, 0);
	if (out.users > 0)
		assert_true(fabs(out.equal - worth(w, equal)) < near);
	if (out.found)
	{
		assert_true(w->stacking.predicts ? out.best < out.equal : out.best > out.equal);
		assert_true(fabs(out.best - worth(w, out.weight)) < (w->stacking.predicts ? 1e-3 : near));
	}
	return out;
}

static void
test_lists(void **state)
{
	static const double signal[] = {1, 0.2, 0};
	static const double noise[] = {1.2, 1, 1};
	static const reco_hybrid_scale scales[] = {RECO_HYBRID_Z_SCORE, RECO_HYBRID_MIN_MAX,
											   RECO_HYBRID_RANK, RECO_HYBRID_NONE};

	(void) state;
	for (int k = 0; k < 4; k++)
	{
		world *w = world_of(scales[k], false, signal, noise, 3);
		reco_stacked one = run(w, 1);
		reco_stacked two = run(w, 2);

		assert_memory_equal(&one, &two, sizeof(one));
		assert_true(one.found && one.users == USERS);
		assert_true(one.weight[0] == 1);
		assert_true(one.weight[1] < 0.9 && one.weight[2] < 0.5);
		assert_true(one.best > one.equal + 0.02);
		/* as good as can be found by hand */
		for (int a = 0; a <= 4; a++)
			for (int b = 0; b <= 2; b++)
			{
				double weight[] = {1, a / 4.0, b / 4.0};

				assert_true(one.best > worth(w, weight) - 0.01);
			}
		free(w);
	}
}

/* Members that are as good as each other: nothing is found that noise would not. */
static void
test_equal(void **state)
{
	static const double signal[] = {1, 1, 1};
	static const double noise[] = {2, 2, 2};

	(void) state;
	for (int predicts = 0; predicts <= 1; predicts++)
	{
		world *w =
			world_of(predicts ? RECO_HYBRID_NONE : RECO_HYBRID_Z_SCORE, predicts, signal, noise, 8);
		reco_stacked out = run(w, 1);

		if (!out.found)
			for (int m = 0; m < MEMBERS; m++)
				assert_true(out.weight[m] == 1);
		/* and what is worthless but of one is not found equal */
		memcpy(w->fixed[1].score, w->fixed[0].score, sizeof(w->fixed[0].score));
		memcpy(w->fixed[2].score, w->fixed[0].score, sizeof(w->fixed[0].score));
		out = run(w, 1);
		assert_false(out.found);
		free(w);
	}
}

static void
test_values(void **state)
{
	static const double signal[] = {1, 1, 0};
	static const double noise[] = {0.5, 1, 2};
	world *w = world_of(RECO_HYBRID_NONE, true, signal, noise, 5);
	reco_stacked one = run(w, 1);
	reco_stacked two = run(w, 2);

	(void) state;
	assert_memory_equal(&one, &two, sizeof(one));
	assert_true(one.found && one.users == USERS);
	/* by the inverses of the variances, 4 to 1 */
	assert_true(one.weight[0] == 1 && fabs(one.weight[1] - 0.25) < 0.1 && one.weight[2] < 0.06);
	/* what one does not predict says nothing of the others */
	for (int h = 0; h < HIDDEN; h++)
		w->fixed[1].score[4][w->hidden[4 * HIDDEN + h]] = -INFINITY;
	w->stacking.users = USERS;
	{
		reco_stacked less;
		mimic_env m;

		mimic_env_init(&m);
		assert_int_equal(reco_stack(&m.env, &w->stacking, &less), RECO_OK);
		assert_int_equal(less.users, USERS - 1);
		assert_true(isfinite(less.best) && less.weight[0] == 1);
	}
	free(w);
}

/* Users whom a rule is about are not asked. */
static void
test_rules(void **state)
{
	static const double signal[] = {1, 0.2, 0};
	static const double noise[] = {1.2, 1, 1};
	world *w = world_of(RECO_HYBRID_Z_SCORE, false, signal, noise, 3);
	reco_stacked out;

	(void) state;
	w->rule = (reco_hybrid_rule){.most = OWN - 1, .known = -1, .members = 4};
	w->scorer.rules = 1;
	out = run(w, 1);
	assert_int_equal(out.users, USERS - USERS / 4);
	w->rule.most = OWN;
	out = run(w, 1);
	assert_true(out.users == 0 && !out.found && out.weight[0] == 1 && out.weight[2] == 1);
	free(w);
}

static void
test_ends(void **state)
{
	static const double signal[] = {1, 0.2, 0};
	static const double noise[] = {1.2, 1, 1};

	(void) state;
	for (int predicts = 0; predicts <= 1; predicts++)
	{
		world *w =
			world_of(predicts ? RECO_HYBRID_NONE : RECO_HYBRID_Z_SCORE, predicts, signal, noise, 3);
		reco_status status = RECO_NO_MEMORY;
		reco_stacked out;
		mimic_env m;

		for (long at = 1; status != RECO_OK; at++)
		{
			mimic_env_init(&m);
			m.fail_at = at;
			status = reco_stack(&m.env, &w->stacking, &out);
			assert_true(status == RECO_OK || status == RECO_NO_MEMORY);
			assert_int_equal(m.live, 0);
		}
		status = RECO_STOPPED;
		for (long at = 1; status != RECO_OK; at++)
		{
			mimic_env_init(&m);
			m.stop_at = at;
			status = reco_stack(&m.env, &w->stacking, &out);
			assert_true(status == RECO_OK || status == RECO_STOPPED);
			assert_int_equal(m.live, 0);
		}
		/* nobody, and nothing hidden */
		w->stacking.users = 0;
		mimic_env_init(&m);
		assert_int_equal(reco_stack(&m.env, &w->stacking, &out), RECO_OK);
		assert_true(out.users == 0 && !out.found && out.weight[1] == 1);
		w->stacking.users = USERS;
		memset(w->start, 0, sizeof(w->start));
		assert_int_equal(reco_stack(&m.env, &w->stacking, &out), RECO_OK);
		assert_true(out.users == 0 && !out.found && out.weight[1] == 1);
		free(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists), cmocka_unit_test(test_equal), cmocka_unit_test(test_values),
		cmocka_unit_test(test_rules), cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
