/*
 * test_purchases.c
 *	  Scores as probabilities, against shares by score and their nearest rising means.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/inference/isotonic.h"
#include "core/scoring/purchases.h"
#include "mimic_env.h"
#include "mimic_hash.h"

#define USERS 83
#define ITEMS 70
/* Scores of the mimic: -infinity, and from -2 to 4. */
#define SCORES 8

/* The largest of the means that begin at or before i, of the least of those that end there or
 * after. */
static double
mimic_isotonic(const double *mean, const double *weight, int n, int i)
{
	double best = -INFINITY;

	for (int from = 0; from <= i; from++)
	{
		double least = INFINITY;

		for (int to = i; to < n; to++)
		{
			double sum = 0, all = 0;

			for (int k = from; k <= to; k++)
			{
				sum += mean[k] * weight[k];
				all += weight[k];
			}
			least = fmin(least, sum / all);
		}
		best = fmax(best, least);
	}
	return best;
}

static void
isotonic(void **state)
{
	uint64_t seed = 3;

	(void) state;
	for (int run = 0; run < 200; run++)
	{
		int32_t n = (int32_t) mimic_below(&seed, 30), size[30];
		double mean[30], weight[30], out[30], w[30];

		for (int i = 0; i < n; i++)
		{
			mean[i] = out[i] = run % 3 ? mimic_uniform(&seed) : (double) mimic_below(&seed, 3);
			weight[i] = w[i] = 1 + (double) mimic_below(&seed, 9);
		}
		reco_isotonic(out, w, size, n);
		for (int i = 0; i < n; i++)
			assert_true(fabs(out[i] - mimic_isotonic(mean, weight, n, i)) < 1e-12);
	}
}

typedef struct crowd
{
	int64_t start[USERS + 1]; /* of what they had */
	int32_t had[USERS * ITEMS];
	int32_t user[USERS]; /* who are looked at */
	int32_t users;
	int64_t took[USERS + 1];
	int32_t item[USERS * ITEMS];
	double chance[USERS];
} crowd;

static bool
profile_of(void *arg, int64_t user, reco_profile *profile)
{
	const crowd *c = arg;

	*profile = (reco_profile){
		.bias = (float) user,
		.n = c->start[user + 1] - c->start[user],
		.item = c->had + c->start[user],
	};
	return true;
}

static bool
has(const int32_t *item, int64_t from, int64_t to, int32_t i)
{
	for (int64_t e = from; e < to; e++)
		if (item[e] == i)
			return true;
	return false;
}

/* Who likes an item more takes it more often, and what they had twice as often. */
static crowd *
make_crowd(uint64_t *seed)
{
	crowd *c = calloc(1, sizeof(crowd));

	for (int u = 0; u < USERS; u++)
	{
		c->start[u + 1] = c->start[u];
		for (int i = 0; i < ITEMS; i++)
			if (mimic_below(seed, 10) == 0)
				c->had[c->start[u + 1]++] = i;
	}
	for (int u = 0; u < USERS; u += 1 + (int) mimic_below(seed, 2))
	{
		int64_t to = c->took[c->users];

		for (int i = 0; i < ITEMS; i++)
		{
			float score = mimic_hash_score(u, i);
			double p = score == -INFINITY ? .05 : .02 * (score + 3);

			p *= has(c->had, c->start[u], c->start[u + 1], i) ? 3 : 1;
			if (mimic_uniform(seed) < p)
				c->item[to++] = i;
		}
		c->chance[c->users] = mimic_below(seed, 5) ? mimic_uniform(seed) : 1;
		c->user[c->users++] = u;
		c->took[c->users] = to;
	}
	return c;
}

static int
score_of(int user, int item)
{
	float score = mimic_hash_score(user, item);

	return score == -INFINITY ? 0 : (int) score + 3;
}

/* How likely a score is, by items of a half; -1: of all. */
static double
mimic_probability(const crowd *c, int half, int had, int score)
{
	double pairs[SCORES] = {0}, mean[SCORES] = {0}, weight[SCORES];
	int place[SCORES], n = 0;

	for (int k = 0; k < c->users; k++)
		for (int i = 0; i < ITEMS; i++)
		{
			int u = c->user[k];

			if ((half >= 0 && reco_half_of(i) != half) ||
				has(c->had, c->start[u], c->start[u + 1], i) != had)
				continue;
			pairs[score_of(u, i)]++;
			mean[score_of(u, i)] += has(c->item, c->took[k], c->took[k + 1], i);
		}
	if (score == 0)
		return pairs[0] > 0 ? mean[0] / pairs[0] : 0;
	for (int s = 1; s < SCORES; s++)
	{
		place[s] = n - (pairs[s] == 0 && n > 0);
		if (pairs[s] == 0)
			continue;
		mean[n] = mean[s] / pairs[s];
		weight[n++] = pairs[s];
	}
	return n > 0 ? mimic_isotonic(mean, weight, n, place[score]) : 0;
}

static void
check(const crowd *c, bool across, const double *expected)
{
	for (int i = 0; i < ITEMS; i++)
	{
		double sum = 0;

		for (int k = 0; k < c->users; k++)
		{
			int u = c->user[k];

			sum += c->chance[k] * mimic_probability(c, across ? !reco_half_of(i) : -1,
													has(c->had, c->start[u], c->start[u + 1], i),
													score_of(u, i));
		}
		assert_true(fabs(expected[i] - sum) < 1e-6);
	}
}

static void
sums(void **state)
{
	uint64_t seed = 11;

	(void) state;
	for (int run = 0; run < 3; run++)
	{
		reco_scorer scorer = mimic_hash_scorer(ITEMS);
		crowd *c = make_crowd(&seed);
		reco_purchases purchases = {&scorer, profile_of, c, c->users, c->user};
		reco_calibration *calibration = malloc(sizeof(reco_calibration));
		double expected[2][ITEMS];

		for (int threads = 1; threads <= 3; threads++)
		{
			mimic_env m;
			double again[ITEMS];

			mimic_env_init(&m);
			m.env.threads = threads;
			assert_int_equal(
				reco_purchases_calibrate(&m.env, &purchases, c->took, c->item, calibration),
				RECO_OK);
			assert_true(m.peak <= reco_purchases_bytes(&scorer, threads));
			for (int across = 0; across < 2; across++)
			{
				assert_int_equal(reco_purchases_expect(&m.env, &purchases, c->chance, calibration,
													   across, again),
								 RECO_OK);
				if (threads == 1)
					memcpy(expected[across], again, sizeof(again));
				assert_memory_equal(again, expected[across], sizeof(again));
				if (threads == 1)
					check(c, across, again);
			}
			assert_int_equal(m.live, 0);
		}
		assert_int_equal(mimic_hash_errors(), 0);
		free(calibration);
		free(c);
	}
}

/* What came of an item has no part in what is expected of it across halves. */
static void
items_do_not_tell_themselves(void **state)
{
	uint64_t seed = 17;
	reco_scorer scorer = mimic_hash_scorer(ITEMS);
	crowd *c = make_crowd(&seed);
	reco_purchases purchases = {&scorer, profile_of, c, c->users, c->user};
	reco_calibration *calibration = malloc(sizeof(reco_calibration));
	double expected[2][ITEMS], all[2][ITEMS];
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	for (int way = 0; way < 2; way++)
	{
		assert_int_equal(
			reco_purchases_calibrate(&m.env, &purchases, c->took, c->item, calibration), RECO_OK);
		assert_int_equal(
			reco_purchases_expect(&m.env, &purchases, c->chance, calibration, true, expected[way]),
			RECO_OK);
		assert_int_equal(
			reco_purchases_expect(&m.env, &purchases, c->chance, calibration, false, all[way]),
			RECO_OK);
		/* nobody took item 5 */
		{
			int64_t to = 0, from = 0;

			for (int k = 0; k < c->users; k++)
			{
				for (; from < c->took[k + 1]; from++)
					if (c->item[from] != 5)
						c->item[to++] = c->item[from];
				c->took[k + 1] = to;
			}
		}
	}
	assert_true(expected[0][5] == expected[1][5]);
	assert_true(all[0][5] != all[1][5]);
	free(calibration);
	free(c);
}

static void
edges(void **state)
{
	uint64_t seed = 5;
	reco_scorer scorer = mimic_hash_scorer(ITEMS);
	crowd *c = make_crowd(&seed);
	reco_purchases purchases = {&scorer, profile_of, c, 0, c->user};
	reco_calibration *calibration = malloc(sizeof(reco_calibration));
	double expected[ITEMS];
	mimic_env m;
	long allocations, polls;

	(void) state;
	/* nobody took anything: nobody will */
	mimic_env_init(&m);
	assert_int_equal(reco_purchases_calibrate(&m.env, &purchases, c->took, c->item, calibration),
					 RECO_OK);
	purchases.users = c->users;
	assert_int_equal(
		reco_purchases_expect(&m.env, &purchases, c->chance, calibration, false, expected),
		RECO_OK);
	for (int i = 0; i < ITEMS; i++)
		assert_true(expected[i] == 0);
	mimic_env_init(&m);
	assert_int_equal(reco_purchases_calibrate(&m.env, &purchases, c->took, c->item, calibration),
					 RECO_OK);
	allocations = m.allocations;
	polls = m.polls;
	for (long at = 1; at <= allocations; at++)
	{
		mimic_env_init(&m);
		m.fail_at = at;
		assert_int_equal(
			reco_purchases_calibrate(&m.env, &purchases, c->took, c->item, calibration),
			RECO_NO_MEMORY);
		assert_int_equal(m.live, 0);
		mimic_env_init(&m);
		m.fail_at = at;
		if (reco_purchases_expect(&m.env, &purchases, c->chance, calibration, true, expected) !=
			RECO_OK)
			assert_int_equal(m.live, 0);
	}
	for (long at = 1; at <= polls; at++)
	{
		mimic_env_init(&m);
		m.stop_at = at;
		assert_int_equal(
			reco_purchases_calibrate(&m.env, &purchases, c->took, c->item, calibration),
			RECO_STOPPED);
		assert_int_equal(m.live, 0);
	}
	(void) mimic_hash_errors();
	free(calibration);
	free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(isotonic),
		cmocka_unit_test(sums),
		cmocka_unit_test(items_do_not_tell_themselves),
		cmocka_unit_test(edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
