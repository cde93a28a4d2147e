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
	SCALES = 4
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
	memcpy(score, fixed_of(seat)->score[(int) seat->profile->bias],
		   sizeof(float) * (size_t) seat->scorer->items);
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
	reco_hybrid_rule rule[3];
	int32_t item[ITEMS];
	reco_profile own[USERS][FIXED];
	reco_profile profile[USERS];
} world;

/* candidates: of a cascade, where no score is NaN or infinite; 0: it is none. */
static world *
world_with(reco_hybrid_scale scale, uint64_t seed, int32_t candidates)
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

			kind = candidates > 0 && kind == 6 ? 3 : kind;

			for (int32_t i = 0; i < ITEMS; i++)
				w->fixed[m].score[u][i] = some_score(kind, i, &seed);
			w->fixed[m].silent[u] = mimic_below(&seed, 9) == 0;
		}
		w->member[m] = (reco_hybrid_member){&w->fixed[m].head, weights[m], false};
	}
	w->scorer = (reco_hybrid_scorer){.head = {&reco_hybrid_scorer_type, ITEMS, -INFINITY, INFINITY},
									 .scale = scale,
									 .members = FIXED,
									 .member = w->member,
									 .candidates = candidates};
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

static world *
world_of(reco_hybrid_scale scale, uint64_t seed)
{
	return world_with(scale, seed, 0);
}

/* A member's scores among some items. */
typedef struct scaled
{
	int n;
	bool tells;
	long double x[ITEMS]; /* scaled; of what has no score as well */
	bool scored[ITEMS];
} scaled;

static scaled
mimic_scaled(const float *score, const bool *among, reco_hybrid_scale scale)
{
	scaled s = {0};
	long double least = INFINITY, most = -INFINITY, sum = 0, squares = 0;

	for (int i = 0; i < ITEMS; i++)
	{
		s.scored[i] = among[i] && isfinite(score[i]);
		if (!s.scored[i])
			continue;
		s.n++;
		sum += score[i];
		least = fminl(least, score[i]);
		most = fmaxl(most, score[i]);
	}
	s.tells = s.n > 0 && least < most;
	for (int i = 0; i < ITEMS; i++)
		squares += s.scored[i] ? powl(score[i] - sum / s.n, 2) : 0;
	for (int i = 0; i < ITEMS && s.n > 0; i++)
	{
		long double x = s.scored[i] ? score[i] : least;
		int below = 0, equal = 0;

		for (int k = 0; k < ITEMS; k++)
		{
			below += s.scored[k] && score[k] < x;
			equal += s.scored[k] && score[k] == x;
		}
		if (scale == RECO_HYBRID_RANK)
			s.x[i] = s.scored[i] ? (below + (1 + equal) / 2.0L) / s.n : 0;
		else if (scale == RECO_HYBRID_NONE)
			s.x[i] = x;
		else if (!s.tells)
			s.x[i] = 0;
		else if (scale == RECO_HYBRID_Z_SCORE)
			s.x[i] = (x - sum / s.n) / sqrtl(squares / s.n);
		else
			s.x[i] = (x - least) / (most - least);
	}
	return s;
}

/* Who scores a user, with which weight: none below 0. */
static int
mimic_asked(const world *w, int u, bool *asked, long double *weight)
{
	const reco_hybrid_scorer *h = &w->scorer;
	const reco_profile *profile = &w->profile[u];
	const reco_hybrid_rule *rule = NULL;
	bool any = false;
	int n = 0;

	for (int r = 0; r < h->rules && rule == NULL; r++)
		if (profile->n >= h->rule[r].least && profile->n <= h->rule[r].most &&
			(h->rule[r].known == -1 || h->rule[r].known == (profile->user > 0 ? 1 : 0)))
			rule = &h->rule[r];
	for (int m = 0; m < FIXED; m++)
	{
		asked[m] = rule ? (rule->members & (1u << m)) != 0
						: w->member[m].weight > 0 || (h->candidates > 0 && m == 0);
		n += asked[m];
		any = any || (asked[m] && w->member[m].weight > 0);
	}
	for (int m = 0; m < FIXED; m++)
		weight[m] = any ? fmaxl(w->member[m].weight, 0) : 1;
	return n;
}

/* What a member proposes. */
static int
mimic_propose(const world *w, int u, int m, bool *among)
{
	const float *score = w->fixed[m].score[u];
	int n = 0;

	for (int i = 0; i < ITEMS; i++)
	{
		int better = 0;

		for (int k = u; k < ITEMS; k++)
			better += score[k] > score[i] || (score[k] == score[i] && k < i);
		among[i] = score[i] > -INFINITY && better < w->scorer.candidates;
		n += among[i];
	}
	return n;
}

/* The mean of those that count. */
static void
mimic_mean_of(const scaled *s, const bool *counts, const long double *weight,
			  reco_hybrid_scale scale, long double *wanted)
{
	for (int i = 0; i < ITEMS; i++)
	{
		long double weights = 0;
		bool any = false;

		wanted[i] = 0;
		for (int m = 0; m < FIXED; m++)
			if (counts[m] && (s[m].scored[i] || scale != RECO_HYBRID_NONE))
			{
				any = any || s[m].scored[i];
				wanted[i] += weight[m] * s[m].x[i];
				weights += weight[m];
			}
		wanted[i] = any ? wanted[i] / weights : -INFINITY;
	}
}

static void
mimic_mean(const world *w, int u, long double *wanted)
{
	reco_hybrid_scale scale = w->scorer.scale;
	bool asked[FIXED], counts[FIXED], among[ITEMS];
	long double weight[FIXED];
	scaled s[FIXED];
	bool cascade = mimic_asked(w, u, asked, weight) > 1 && w->scorer.candidates > 0;
	bool any = false;
	int first = 0;

	for (int m = 0; m < FIXED; m++)
		asked[m] = asked[m] && !w->fixed[m].silent[u];
	while (first < FIXED && !asked[first])
		first++;
	for (int i = 0; i < ITEMS; i++)
	{
		among[i] = true;
		wanted[i] = -INFINITY;
	}
	if (first == FIXED || (cascade && mimic_propose(w, u, first, among) == 0))
		return;
	for (int m = 0; m < FIXED; m++)
	{
		s[m] = mimic_scaled(w->fixed[m].score[u], among, scale);
		counts[m] =
			asked[m] && weight[m] > 0 && (scale == RECO_HYBRID_NONE ? s[m].n > 0 : s[m].tells);
		any = any || counts[m];
	}
	for (int m = 0; m < FIXED && !any; m++)
		if (cascade)
		{
			counts[m] = m == first;
			weight[m] = 1;
		}
		else
			counts[m] = asked[m] && weight[m] > 0 && s[m].n > 0 && s[m].n < ITEMS;
	mimic_mean_of(s, counts, weight, scale, wanted);
}

/* Users by how many interactions they have, and whether they are known. */
static void
add_rules(world *w, uint64_t seed)
{
	for (int r = 0; r < 3; r++)
	{
		int64_t least = mimic_below(&seed, USERS);

		w->rule[r] = (reco_hybrid_rule){
			.least = least,
			.most = least + mimic_below(&seed, 3),
			.known = mimic_below(&seed, 3) - 1,
			.members = 1 + mimic_below(&seed, (1 << FIXED) - 1),
		};
	}
	w->scorer.rule = w->rule;
	w->scorer.rules = 3;
}

static void
fixed_stored(const void *arg, int member, const reco_profile *whole, reco_profile *out)
{
	const world *w = arg;

	assert_true(member >= 0 && member < FIXED && reco_hybrid_is_asked(&w->scorer, member));
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

/* Scores of all users, against their formulas; how many there were. */
static int
check_world(const world *w)
{
	reco_hybrid_scale scale = w->scorer.scale;
	float score[ITEMS];
	reco_seat *seat;
	mimic_env m;
	int with = 0;

	mimic_env_init(&m);
	assert_int_equal(reco_seat_make(&m.env, &w->scorer.head, &seat), RECO_OK);
	for (int u = 0; u < USERS; u++)
	{
		long double wanted[ITEMS];
		long double weight[FIXED];
		bool asked[FIXED];
		bool personal = false;

		mimic_mean(w, u, wanted);
		assert_int_equal(reco_seat_open(seat, &w->profile[u]), RECO_OK);
		assert_int_equal(reco_seat_score(seat, score), RECO_OK);
		mimic_check_scores(score, wanted, ITEMS, 1e-6);
		(void) mimic_asked(w, u, asked, weight);
		for (int k = 0; k < FIXED; k++)
			personal = personal || (asked[k] && !w->fixed[k].silent[u]);
		assert_true(reco_seat_is_personal(seat) == personal);
		for (int i = 0; i < ITEMS; i++)
		{
			with += isfinite(score[i]);
			if (scale == RECO_HYBRID_MIN_MAX || scale == RECO_HYBRID_RANK)
				assert_true(score[i] == -INFINITY || (score[i] >= 0 && score[i] <= 1));
		}
		reco_seat_close(seat);
	}
	reco_seat_free(&m.env, seat);
	assert_int_equal(m.live, 0);
	return with;
}

static void
test_scores(void **state)
{
	int with = 0;

	(void) state;
	for (int round = 0; round < 48; round++)
	{
		world *w = world_of((reco_hybrid_scale) (round % SCALES), (uint64_t) round);

		if (round >= 24)
			add_rules(w, (uint64_t) round);
		with += check_world(w);
		if (round < 2 * SCALES)
			mimic_check_scorer(&w->scorer.head, w->profile, USERS);
		free(w);
	}
	assert_true(with > 10000);
}

/* One member proposes, others rank; all of it, one, or more than there are. */
static void
test_cascade(void **state)
{
	static const int32_t candidates[] = {1, 7, 60, 1000};
	int with = 0;

	(void) state;
	for (int round = 0; round < 48; round++)
	{
		world *w = world_with((reco_hybrid_scale) (round % SCALES), (uint64_t) round,
							  candidates[round / SCALES % 4]);

		w->member[0].weight = round % 3 == 0 ? 0 : 0.5;
		if (round >= 32)
			add_rules(w, (uint64_t) round);
		for (int u = 0; u < USERS; u += 2)
			w->profile[u].user = u + 1;
		with += check_world(w);
		if (round % 5 == 0)
			mimic_check_scorer(&w->scorer.head, w->profile, USERS);
		free(w);
	}
	assert_true(with > 5000);
}

/*
 * What is said to nobody must not be asked for: a member that only a rule names, and one that
 * only users without a rule have.
 */
static void
test_rules(void **state)
{
	(void) state;
	for (int known = -1; known <= 1; known++)
	{
		world *w = world_of(RECO_HYBRID_Z_SCORE, 5);
		reco_seat *seat;
		mimic_env m;

		mimic_env_init(&m);
		w->rule[0] = (reco_hybrid_rule){.most = 5, .known = known, .members = 1u << 3};
		w->rule[1] = (reco_hybrid_rule){.least = 3, .most = 7, .known = -1, .members = 1u << 1};
		w->scorer.rule = w->rule;
		w->scorer.rules = 2;
		for (int u = 0; u < USERS; u += 2)
			w->profile[u].user = u + 1;
		assert_int_equal(reco_seat_make(&m.env, &w->scorer.head, &seat), RECO_OK);
		for (int u = 0; u < USERS; u++)
		{
			bool first = u <= 5 && (known < 0 || known == (u % 2 == 0));
			int only = first ? 3 : u >= 3 && u <= 7 ? 1 : -1;

			for (int k = 0; k < FIXED; k++)
				w->fixed[k].silent[u] = only >= 0 ? k != only : k == 3;
			assert_int_equal(reco_seat_open(seat, &w->profile[u]), RECO_OK);
			assert_true(reco_seat_is_personal(seat));
			reco_seat_close(seat);
			for (int k = 0; k < FIXED; k++)
				w->fixed[k].silent[u] = !w->fixed[k].silent[u];
			assert_int_equal(reco_seat_open(seat, &w->profile[u]), RECO_OK);
			assert_false(reco_seat_is_personal(seat));
			reco_seat_close(seat);
		}
		(void) check_world(w);
		reco_seat_free(&m.env, seat);
		free(w);
	}
}

/* Fusions whose right values are known without a formula. */
static void
test_edges(void **state)
{
	static const float silent = -INFINITY;
	static const struct
	{
		const char *what;
		float a[3], b[3];
		double weight[2];
		float wanted[SCALES][3];
	} edge[] = {
		{"one side silent",
		 {1, 2, 3},
		 {silent, silent, silent},
		 {1, 1},
		 {{-1.2247449f, 0, 1.2247449f}, {0, 0.5f, 1}, {1 / 3.0f, 2 / 3.0f, 1}, {1, 2, 3}}},
		{"all zero",
		 {0, 0, 0},
		 {1, 2, 3},
		 {1000, 1},
		 {{-1.2247449f, 0, 1.2247449f},
		  {0, 0.5f, 1},
		  {1 / 3.0f, 2 / 3.0f, 1},
		  {1 / 1001.0f, 2 / 1001.0f, 3 / 1001.0f}}},
		{"constant on both sides: nothing is said",
		 {4, 4, 4},
		 {0, 0, 0},
		 {1, 1},
		 {{silent, silent, silent}, {silent, silent, silent}, {silent, silent, silent}, {2, 2, 2}}},
		{"one candidate",
		 {silent, 7, silent},
		 {silent, silent, silent},
		 {1, 1},
		 {{silent, 0, silent}, {silent, 0, silent}, {silent, 1, silent}, {silent, 7, silent}}},
		{"one candidate beside a range",
		 {silent, 7, silent},
		 {1, 2, silent},
		 {1, 1},
		 {{-1, 1, silent}, {0, 1, silent}, {0.5f, 1, silent}, {1, 4.5f, silent}}},
		{"a weight of 0",
		 {3, 2, 1},
		 {1, 2, 3},
		 {0, 2},
		 {{-1.2247449f, 0, 1.2247449f}, {0, 0.5f, 1}, {1 / 3.0f, 2 / 3.0f, 1}, {1, 2, 3}}},
		{"as good as its opposite",
		 {3, 2, 1},
		 {1, 2, 3},
		 {5, 5},
		 {{0, 0, 0}, {0.5f, 0.5f, 0.5f}, {2 / 3.0f, 2 / 3.0f, 2 / 3.0f}, {2, 2, 2}}},
	};

	(void) state;
	for (size_t e = 0; e < sizeof(edge) / sizeof(edge[0]); e++)
		for (int scale = 0; scale < SCALES; scale++)
		{
			world *w = world_of((reco_hybrid_scale) scale, 1);
			float score[3];
			reco_seat *seat;
			mimic_env m;

			mimic_env_init(&m);
			w->scorer.members = 2;
			w->scorer.head.items = 3;
			w->profile[0].members = 2;
			for (int k = 0; k < 2; k++)
			{
				w->fixed[k].head.items = 3;
				w->fixed[k].silent[0] = false;
				w->member[k].weight = edge[e].weight[k];
				memcpy(w->fixed[k].score[0], k == 0 ? edge[e].a : edge[e].b, 3 * sizeof(float));
			}
			assert_int_equal(reco_seat_make(&m.env, &w->scorer.head, &seat), RECO_OK);
			assert_int_equal(reco_seat_open(seat, &w->profile[0]), RECO_OK);
			assert_int_equal(reco_seat_score(seat, score), RECO_OK);
			for (int i = 0; i < 3; i++)
				if (score[i] != edge[e].wanted[scale][i] &&
					!(fabsf(score[i] - edge[e].wanted[scale][i]) < 1e-6f))
					fail_msg("%s, scale %d: item %d has %g", edge[e].what, scale, i,
							 (double) score[i]);
			reco_seat_free(&m.env, seat);
			assert_int_equal(m.live, 0);
			free(w);
		}
}

/*
 * A silent member's weight does not count, whatever it is; nor is one without weight asked. Without
 * a scale one that says the same of all says something.
 */
static void
test_silent(void **state)
{
	(void) state;
	for (int scale = 0; scale < RECO_HYBRID_NONE; scale++)
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

/* Members that score few items: the same means as of what they say of all. */
static void
test_sparse(void **state)
{
	(void) state;
	for (int scale = 0; scale < SCALES; scale++)
	{
		mixed *x = mixed_of((reco_hybrid_scale) scale);
		const reco_scorer *of[2] = {&x->items.sums.head, &x->users.sums.head};
		bool all[ITEMS];
		int with = 0;

		x->inner_member[1].weight = 0;
		x->member[0].weight = 0;
		assert_true(reco_scorer_is_sparse(&x->scorer.head) &&
					!reco_scorer_is_sparse(&x->popular.head));
		for (int u = 0; u < USERS; u++)
			assert_int_equal(reco_scorer_fold_in(&x->m.env, &x->scorer.head, &x->profile[u]),
							 RECO_OK);
		mimic_check_scorer(&x->scorer.head, x->profile, USERS);
		for (int u = 0; u < USERS; u++)
			reco_profile_free(&x->m.env, &x->profile[u]);
		/* without the one between */
		x->member[0] = (reco_hybrid_member){of[0], 1, false};
		x->member[1] = (reco_hybrid_member){of[1], 0.5, false};
		x->scorer.members = 2;
		memset(all, true, sizeof(all));
		for (int u = 0; u < USERS; u++)
		{
			static const long double weight[FIXED] = {1, 0.5L};
			float score[ITEMS];
			long double wanted[ITEMS];
			bool counts[FIXED] = {false};
			scaled s[FIXED];
			reco_seat *seat;

			assert_int_equal(reco_scorer_fold_in(&x->m.env, &x->scorer.head, &x->profile[u]),
							 RECO_OK);
			for (int m = 0; m < 2; m++)
			{
				assert_int_equal(reco_seat_make(&x->m.env, of[m], &seat), RECO_OK);
				assert_int_equal(reco_seat_open(seat, &x->profile[u].member[m]), RECO_OK);
				assert_int_equal(reco_seat_score(seat, score), RECO_OK);
				s[m] = mimic_scaled(score, all, (reco_hybrid_scale) scale);
				counts[m] = reco_seat_is_personal(seat) &&
							(s[m].tells || (scale == RECO_HYBRID_NONE && s[m].n > 0));
				reco_seat_free(&x->m.env, seat);
			}
			mimic_mean_of(s, counts, weight, (reco_hybrid_scale) scale, wanted);
			assert_int_equal(reco_seat_make(&x->m.env, &x->scorer.head, &seat), RECO_OK);
			assert_int_equal(reco_seat_open(seat, &x->profile[u]), RECO_OK);
			assert_int_equal(reco_seat_score(seat, score), RECO_OK);
			if (counts[0] || counts[1])
				mimic_check_scores(score, wanted, ITEMS, 1e-5);
			for (int32_t i = 0; i < ITEMS; i++)
				with += score[i] > -INFINITY;
			reco_seat_free(&x->m.env, seat);
			reco_profile_free(&x->m.env, &x->profile[u]);
		}
		assert_true(with > 100);
		mixed_free(x);
	}
}

/* Moments of a member's factors, and its part of the index. */
static double *
give_moments(mixed *x, reco_factor_scorer *f, reco_joint_part *part, double scale)
{
	double *moments =
		malloc(sizeof(double) * (size_t) reco_factor_moments_size(f->factors, f->item_bias));

	assert_int_equal(reco_factor_moments_find(&x->m.env, f->item, ITEMS, f->factors, f->stride,
											  f->item_bias, moments),
					 RECO_OK);
	f->moments = moments;
	*part = (reco_joint_part){f->item, f->stride, f->factors, f->item_bias, scale};
	return moments;
}

/* All scores of the users, and then what holds for every scorer. */
static void
score_users(mixed *x, float score[USERS][ITEMS])
{
	reco_seat *seat;

	for (int u = 0; u < USERS; u++)
	{
		assert_int_equal(reco_scorer_fold_in(&x->m.env, &x->scorer.head, &x->profile[u]), RECO_OK);
		assert_int_equal(reco_seat_make(&x->m.env, &x->scorer.head, &seat), RECO_OK);
		assert_int_equal(reco_seat_open(seat, &x->profile[u]), RECO_OK);
		assert_int_equal(reco_seat_score(seat, score[u]), RECO_OK);
		reco_seat_free(&x->m.env, seat);
	}
	mimic_check_scorer(&x->scorer.head, x->profile, USERS);
	for (int u = 0; u < USERS; u++)
		reco_profile_free(&x->m.env, &x->profile[u]);
}

/*
 * Members of factors, one with biases, beside sparse ones: the same means with moments as without,
 * by an index or not, where others score all items or not.
 */
static void
test_moments(void **state)
{
	(void) state;
	for (int round = 0; round < 24; round++)
	{
		static float plain[USERS][ITEMS], with[USERS][ITEMS];
		mixed *x = mixed_of(RECO_HYBRID_Z_SCORE);
		reco_factor_scorer other = x->factors;
		reco_joint_part part[2];
		double *moments[2];
		float bias[ITEMS];
		uint64_t seed = (uint64_t) round;
		void *index;
		size_t bytes;

		for (int i = 0; i < ITEMS; i++)
			bias[i] = (float) mimic_uniform(&seed) * (float) (round % 3);
		x->factors.item_bias = NULL;
		other.item_bias = bias;
		other.mean = 3;
		x->inner_member[1].weight = round % 2 ? 0 : 1;
		x->inner.scale = RECO_HYBRID_MIN_MAX;
		x->member[3] = (reco_hybrid_member){&other.head, 0.7, false};
		for (int k = 0; k < 4; k++)
			if ((round >> 1) % 5 == k)
				x->member[k].weight = 0;
		score_users(x, plain);
		moments[0] = give_moments(x, &x->factors, &part[0], 2);
		moments[1] = give_moments(x, &other, &part[1], 0.3);
		score_users(x, with);
		for (int u = 0; u < USERS; u++)
			for (int i = 0; i < ITEMS; i++)
				if (plain[u][i] != with[u][i] && !(fabsf(plain[u][i] - with[u][i]) < 1e-4f))
					fail_msg("round %d, user %d, item %d: %g, not %g", round, u, i,
							 (double) with[u][i], (double) plain[u][i]);
		bytes = reco_joint_size(ITEMS, part, 2);
		index = aligned_alloc(RECO_ALIGN, bytes);
		assert_int_equal(reco_joint_build(&x->m.env, ITEMS, part, 2, index), RECO_OK);
		assert_true(reco_joint_valid(index, bytes, ITEMS));
		assert_false(reco_joint_valid(index, bytes - 1, ITEMS));
		assert_false(reco_joint_valid(index, bytes, ITEMS + 1));
		x->scorer.joint = index;
		x->scorer.joint_part = part;
		x->scorer.joint_parts = 2;
		score_users(x, plain);
		assert_memory_equal(plain, with, sizeof(with));
		free(index);
		free(moments[0]);
		free(moments[1]);
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
		cmocka_unit_test(test_stored),    cmocka_unit_test(test_scores),
		cmocka_unit_test(test_cascade),   cmocka_unit_test(test_rules),
		cmocka_unit_test(test_edges),     cmocka_unit_test(test_silent),
		cmocka_unit_test(test_parts),     cmocka_unit_test(test_any_scorer),
		cmocka_unit_test(test_sparse),    cmocka_unit_test(test_moments),
		cmocka_unit_test(test_new_users), cmocka_unit_test(test_bare_profile),
		cmocka_unit_test(test_similar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
