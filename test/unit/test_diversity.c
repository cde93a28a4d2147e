/*
 * test_diversity.c
 *	  How unlike each other the items of a list are, by every pair; and the area under the curve,
 *	  by every pair of a wanted and another item.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/ranking/auc.h"
#include "core/ranking/diversity.h"
#include "mimic_env.h"

#define USERS 60
#define ITEMS 140

static void
assert_close(double value, double expected)
{
	if (!(fabs(value - expected) <= 1e-6))
		fail_msg("%.15g instead of %.15g", value, expected);
}

/* Who has what, whole and as a matrix. */
typedef struct world
{
	float has[USERS][ITEMS];
	int64_t start[USERS + 1];
	int32_t col[USERS * ITEMS];
	float value[USERS * ITEMS];
	reco_csr by_user;
	int32_t count[ITEMS];
} world;

static void
world_of(world *w, uint64_t *seed, bool values)
{
	int64_t n = 0;

	memset(w, 0, sizeof(*w));
	for (int u = 0; u < USERS; u++)
	{
		for (int i = 0; i < ITEMS; i++)
		{
			/* some items are everybody's, some nobody's */
			if (mimic_uniform(seed) > (i % 9 == 0 ? 0.9 : i % 9 == 1 ? 0 : 0.2))
				continue;
			w->value[n] = values ? (float) mimic_below(seed, 4) - 1 : 1;
			w->has[u][i] = w->value[n] > 0;
			w->count[i] += w->has[u][i] > 0;
			w->col[n++] = i;
		}
		w->start[u + 1] = n;
	}
	w->by_user = (reco_csr){USERS, ITEMS, w->start, w->col, values ? w->value : NULL};
}

static double
cosine(const world *w, int a, int b)
{
	double both = 0;
	double one = 0;
	double other = 0;

	for (int u = 0; u < USERS; u++)
	{
		both += w->has[u][a] * w->has[u][b];
		one += w->has[u][a];
		other += w->has[u][b];
	}
	return both > 0 ? both / sqrt(one * other) : 0;
}

static double
slow_diversity(const world *w, const int32_t *item, int32_t n)
{
	double sum = 0;
	int pairs = 0;

	for (int a = 0; a < n; a++)
		for (int b = a + 1; b < n; b++)
		{
			sum += cosine(w, item[a], item[b]);
			pairs++;
		}
	return pairs > 0 ? 1 - sum / pairs : (double) NAN;
}

static void
test_diversity(void **state)
{
	const int32_t cutoff[] = {5, 1, 2, 101, 100, 20};
	static world w;
	uint64_t seed = 11;

	(void) state;
	for (int round = 0; round < 40; round++)
	{
		int32_t item[7 * ITEMS];
		int32_t n[7];
		double out[7 * 6];
		reco_lists lists = {(int32_t) mimic_below(&seed, 8),
							1 + (int32_t) mimic_below(&seed, ITEMS), n, item};
		reco_columns columns;
		reco_status status = RECO_STOPPED;
		mimic_env m;
		long allocations;

		world_of(&w, &seed, round % 2);
		reco_columns_of(RECO_METRIC_BIT(RECO_METRIC_DIVERSITY), cutoff, 6, &columns);
		for (int l = 0; l < lists.lists; l++)
		{
			int32_t order[ITEMS];

			mimic_shuffle(&seed, order, ITEMS);
			n[l] = (int32_t) mimic_below(&seed, lists.length + 1);
			memcpy(item + l * lists.length, order, (size_t) n[l] * sizeof(int32_t));
		}
		mimic_env_init(&m);
		assert_int_equal(reco_diversity(&m.env, &w.by_user, w.count, &lists, &columns, out),
						 RECO_OK);
		assert_int_equal(m.live, 0);
		assert_true(m.peak <= reco_diversity_bytes(&w.by_user));
		allocations = m.allocations;
		for (int l = 0; l < lists.lists; l++)
			for (int c = 0; c < 6; c++)
			{
				double expected = slow_diversity(&w, item + l * lists.length,
												 n[l] < cutoff[c] ? n[l] : cutoff[c]);

				if (cutoff[c] > RECO_DIVERSITY_MOST || isnan(expected))
					assert_true(isnan(out[l * 6 + c]));
				else
					assert_close(out[l * 6 + c], expected);
			}
		for (long at = 1; at <= allocations; at++)
		{
			mimic_env_init(&m);
			m.fail_at = at;
			assert_int_equal(reco_diversity(&m.env, &w.by_user, w.count, &lists, &columns, out),
							 RECO_NO_MEMORY);
			assert_int_equal(m.live, 0);
		}
		for (long at = 1; status == RECO_STOPPED; at++)
		{
			mimic_env_init(&m);
			m.stop_at = at;
			status = reco_diversity(&m.env, &w.by_user, w.count, &lists, &columns, out);
			assert_int_equal(m.live, 0);
		}
	}
}

/* The same items for the same users: no diversity; for different ones: all of it. */
static void
test_extremes(void **state)
{
	/* items 0 and 1 of users 0 and 1; item 2 of user 2; item 3 of nobody */
	int64_t start[] = {0, 2, 4, 5};
	int32_t col[] = {0, 1, 0, 1, 2};
	reco_csr by_user = {3, 4, start, col, NULL};
	int32_t item[] = {0, 1, 2, 0, 2, 3};
	int32_t n[] = {3, 3};
	reco_lists lists = {2, 3, n, item};
	const int32_t cutoff[] = {2, 3};
	reco_columns columns;
	double out[4];
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	reco_columns_of(RECO_METRIC_BIT(RECO_METRIC_DIVERSITY), cutoff, 2, &columns);
	assert_int_equal(
		reco_diversity(&m.env, &by_user, (int32_t[]){2, 2, 1, 0}, &lists, &columns, out), RECO_OK);
	assert_close(out[0], 0);
	assert_close(out[1], 2 / 3.0);
	assert_close(out[2], 1);
	assert_close(out[3], 1);
}

static double
slow_auc(const float *score, int32_t items, const int32_t *own, int64_t n_own,
		 const int32_t *wanted, int64_t n_wanted)
{
	double won = 0;
	double pairs = 0;

	for (int64_t k = 0; k < n_wanted; k++)
		for (int32_t i = 0; i < items; i++)
		{
			bool other = true;
			float mine = wanted[k] < items ? score[wanted[k]] : -INFINITY;

			for (int64_t j = 0; j < n_own; j++)
				other = other && own[j] != i;
			for (int64_t j = 0; j < n_wanted; j++)
				other = other && wanted[j] != i;
			if (!other)
				continue;
			pairs++;
			won += mine > score[i] ? 1 : mine == score[i] ? 0.5 : 0;
		}
	return pairs > 0 ? won / pairs : (double) NAN;
}

static void
test_auc(void **state)
{
	uint64_t seed = 12;

	(void) state;
	for (int round = 0; round < 2000; round++)
	{
		int32_t items = 1 + (int32_t) mimic_below(&seed, ITEMS);
		float score[ITEMS];
		float sorted[ITEMS + 2];
		int32_t own[ITEMS];
		int32_t wanted[ITEMS + 2];
		int64_t n_own = 0;
		int64_t n_wanted = 0;
		int kinds = 1 + (int) mimic_below(&seed, 50);
		double wants = mimic_uniform(&seed) * 1.1;
		double auc;
		double expected;
		mimic_env m;

		for (int32_t i = 0; i < items; i++)
		{
			score[i] = (float) mimic_below(&seed, kinds) - 2;
			if (mimic_below(&seed, 9) == 0)
				score[i] = -INFINITY;
			if (mimic_below(&seed, 3) == 0)
				own[n_own++] = i;
			else if (mimic_uniform(&seed) < wants)
				wanted[n_wanted++] = i;
		}
		/* some that the scorer knows nothing of */
		for (int32_t i = items; i < items + 2 && mimic_below(&seed, 4) == 0; i++)
			wanted[n_wanted++] = i;
		mimic_env_init(&m);
		assert_int_equal(reco_auc(&m.env, score, items, own, n_own, wanted, n_wanted, sorted, &auc),
						 RECO_OK);
		expected = slow_auc(score, items, own, n_own, wanted, n_wanted);
		if (isnan(expected))
			assert_true(isnan(auc));
		else
			assert_close(auc, expected);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diversity),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_auc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
