/*
 * test_reliability.c
 *	  What was said beside what was seen, in groups: by their definition, whatever the order of the
 *	  pairs; by hand; and of scores of several parts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/ranking/reliability.h"
#include "core/ranking/scores.h"
#include "mimic_env.h"

static int
groups_of(const float *said, const float *seen, int64_t n, reco_reliability *out)
{
	mimic_env m;
	float *a = malloc(((size_t) n + 1) * sizeof(float));
	float *b = malloc(((size_t) n + 1) * sizeof(float));
	int groups = -1;

	mimic_env_init(&m);
	if (n > 0)
	{
		memcpy(a, said, (size_t) n * sizeof(float));
		memcpy(b, seen, (size_t) n * sizeof(float));
	}
	assert_int_equal(reco_reliability_of(&m.env, a, b, n, out, &groups), RECO_OK);
	free(a);
	free(b);
	return groups;
}

/* 200 pairs, said 0 .. 199, seen half of that: ten groups of 20. */
static void
test_by_hand(void **state)
{
	float said[200];
	float seen[200];
	reco_reliability group[RECO_RELIABILITY_GROUPS];

	(void) state;
	for (int k = 0; k < 200; k++)
	{
		said[k] = (float) ((k * 77) % 200);
		seen[k] = said[k] / 2;
	}
	assert_int_equal(groups_of(said, seen, 200, group), 10);
	for (int g = 0; g < 10; g++)
	{
		assert_int_equal(group[g].pairs, 20);
		assert_true(group[g].said == 20 * g + 9.5);
		assert_true(group[g].seen == 10 * g + 4.75);
	}
	assert_int_equal(groups_of(said, seen, 19, group), 0);
	assert_int_equal(groups_of(said, seen, 0, group), 0);
	assert_int_equal(groups_of(said, seen, 20, group), 1);
	assert_int_equal(group[0].pairs, 20);
	/* all alike */
	for (int k = 0; k < 200; k++)
		said[k] = 3;
	assert_int_equal(groups_of(said, seen, 200, group), 1);
	assert_true(group[0].said == 3 && group[0].pairs == 200);
	/* nothing that is a number */
	for (int k = 0; k < 200; k++)
		said[k] = k % 2 ? NAN : -INFINITY;
	assert_int_equal(groups_of(said, seen, 200, group), 0);
}

/* The sums of what lies between the groups' means are those of the groups, which are in order. */
static void
check(const float *said, const float *seen, int64_t n)
{
	reco_reliability group[RECO_RELIABILITY_GROUPS];
	int groups = groups_of(said, seen, n, group);
	int64_t numbers = 0;
	int64_t pairs = 0;

	for (int64_t k = 0; k < n; k++)
		numbers += isfinite(said[k]) && isfinite(seen[k]);
	assert_int_equal(groups > 0, numbers >= RECO_RELIABILITY_LEAST);
	assert_true(groups <= RECO_RELIABILITY_GROUPS);
	for (int g = 0; g < groups; g++)
	{
		int64_t below = 0;
		double sum_said = 0;
		double sum_seen = 0;
		float from = -INFINITY;
		float to = INFINITY;
		int64_t at = 0;

		assert_true(group[g].pairs >= RECO_RELIABILITY_LEAST);
		assert_true(g == 0 || group[g].said > group[g - 1].said);
		/* the least that is said in the group, and in the next one */
		for (int64_t k = 0; k < n; k++)
		{
			below = 0;
			for (int64_t j = 0; j < n; j++)
				below += isfinite(said[j]) && isfinite(seen[j]) && said[j] < said[k];
			if (!isfinite(said[k]) || !isfinite(seen[k]))
				continue;
			from = below == pairs ? said[k] : from;
			to = below == pairs + group[g].pairs ? said[k] : to;
		}
		assert_true(isfinite(from));
		assert_int_equal(isfinite(to), g < groups - 1);
		for (int64_t k = 0; k < n; k++)
			if (isfinite(said[k]) && isfinite(seen[k]) && said[k] >= from && said[k] < to)
			{
				sum_said += said[k];
				sum_seen += seen[k];
				at++;
			}
		assert_int_equal(at, group[g].pairs);
		assert_true(fabs(sum_said / (double) at - group[g].said) < 1e-9);
		assert_true(fabs(sum_seen / (double) at - group[g].seen) < 1e-9);
		pairs += group[g].pairs;
	}
	assert_true(groups == 0 || pairs == numbers);
}

static void
test_definition(void **state)
{
	uint64_t seed = 11;

	(void) state;
	for (int64_t n = 1; n < 500; n += 1 + n / 4)
		for (int kinds = 1; kinds <= 100000; kinds *= 7)
		{
			float said[512];
			float seen[512];
			reco_reliability one[RECO_RELIABILITY_GROUPS] = {0};
			reco_reliability other[RECO_RELIABILITY_GROUPS] = {0};
			int groups;

			for (int64_t k = 0; k < n; k++)
			{
				int64_t r = mimic_below(&seed, kinds);

				/* most alike, a few others */
				said[k] = mimic_below(&seed, 3) == 0 ? (float) r : (float) (r % 5);
				seen[k] = (float) mimic_uniform(&seed);
				if (mimic_below(&seed, 20) == 0)
					said[k] = NAN;
				if (mimic_below(&seed, 20) == 0)
					seen[k] = INFINITY;
			}
			check(said, seen, n);
			groups = groups_of(said, seen, n, one);
			for (int64_t k = 0; k < n / 2; k++)
			{
				float s = said[k];
				float t = seen[k];

				said[k] = said[n - 1 - k];
				seen[k] = seen[n - 1 - k];
				said[n - 1 - k] = s;
				seen[n - 1 - k] = t;
			}
			assert_int_equal(groups_of(said, seen, n, other), groups);
			assert_memory_equal(one, other, sizeof(one));
		}
}

/* A cancel is taken in, and what was kept of two parts is kept of both. */
static void
test_stop_and_pool(void **state)
{
	const int32_t k = 10;
	const int32_t user[] = {3, 5};
	const double row[16] = {0};
	reco_columns columns;
	reco_scores part[2];
	reco_scores all;
	const reco_scores *parts[] = {&part[0], &part[1]};
	const int32_t *who[] = {user, user};
	reco_reliability group[RECO_RELIABILITY_GROUPS];
	int64_t n = 1000000;
	float *said = calloc((size_t) n, sizeof(float));
	float *seen = calloc((size_t) n, sizeof(float));
	int groups;
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	m.stop_at = 2;
	assert_int_equal(reco_reliability_of(&m.env, said, seen, n, group, &groups), RECO_STOPPED);
	free(said);
	free(seen);
	mimic_env_init(&m);
	reco_columns_of(RECO_METRIC_BIT(RECO_METRIC_NDCG), &k, 1, &columns);
	for (int p = 0; p < 2; p++)
	{
		assert_int_equal(reco_scores_make(&m.env, &columns, 2, NULL, &part[p]), RECO_OK);
		assert_int_equal(reco_scores_keep_said(&m.env, &part[p], 2 + p), RECO_OK);
		reco_scores_add(&part[p], 0, row);
		reco_scores_add(&part[p], 1, row);
		for (int j = 0; j < 2 + p; j++)
		{
			assert_true(isnan(part[p].said[j]) && isnan(part[p].seen[j]));
			part[p].said[j] = (float) (10 * p + j);
			part[p].seen[j] = (float) (-10 * p - j);
		}
	}
	assert_int_equal(reco_scores_pool(&m.env, parts, who, 2, &all), RECO_OK);
	assert_int_equal(all.places, 5);
	for (int j = 0; j < 5; j++)
	{
		const float expected[] = {0, 1, 10, 11, 12};

		assert_true(all.said[j] == expected[j] && all.seen[j] == -expected[j]);
	}
	reco_scores_free(&m.env, &all);
	for (int p = 0; p < 2; p++)
		reco_scores_free(&m.env, &part[p]);
	assert_int_equal(m.live, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_definition),
		cmocka_unit_test(test_stop_and_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
