/*
 * test_lists.c
 *	  Lists from anywhere: places by rank, who is measured, and the same numbers as reco_judge_list
 *	  gives; polls and failing allocations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/ranking/lists.h"
#include "mimic_env.h"

#define METRICS                                                                                    \
	(RECO_METRIC_BIT(RECO_METRIC_PRECISION) | RECO_METRIC_BIT(RECO_METRIC_NDCG) |                  \
	 RECO_METRIC_BIT(RECO_METRIC_NDCG_GRADED) | RECO_METRIC_BIT(RECO_METRIC_MRR) |                 \
	 RECO_METRIC_BIT(RECO_METRIC_NOVELTY) | RECO_METRIC_BIT(RECO_METRIC_POPULARITY) |              \
	 RECO_METRIC_BIT(RECO_METRIC_COVERAGE) | RECO_METRIC_BIT(RECO_METRIC_GINI))

/*
 * Three users, the second without a list.  The list of the third is stored first, its ranks are in
 * no order and two are the same; the columns of the lists are the items 4, 2, 0, 5.
 */
static const int32_t number[] = {0, 3, 4};
static const int64_t wanted_start[] = {0, 2, 3, 5};
static const int32_t wanted[] = {0, 2, 1, 4, 5};
static const float gain[] = {1, 3, 2, 5, 1};
static int64_t list_start[] = {0, 3, 5};
static int32_t list_col[] = {0, 1, 3, 1, 2};
static const int64_t rank[] = {7, -2, 7, 9, 4};
static const int32_t row[] = {1, -1, 0};
static const int32_t item[] = {4, 2, 0, 5};
static const int32_t have[] = {4, 2, 1, 0, 2, 2};
static const double information[] = {0, 1, 2, 3, 1, 1};

static reco_lists
lists_of(void)
{
	return (reco_lists){
		.users = 3,
		.number = number,
		.wanted_start = wanted_start,
		.wanted = wanted,
		.gain = gain,
		.list = {2, 4, list_start, list_col, NULL},
		.rank = rank,
		.row = row,
		.item = item,
		.items = 6,
		.have = have,
		.information = information,
		.have_users = 4,
	};
}

static reco_columns
columns_of(void)
{
	const int32_t k[] = {3, 1};
	reco_columns columns;

	reco_columns_of(METRICS, k, 2, &columns);
	return columns;
}

static double
mean(const reco_scores *scores, reco_metric metric, int32_t k, int32_t users)
{
	reco_estimate e;

	assert_true(reco_scores_estimate(scores, metric, k, RECO_ACTIVITY_ALL, &e));
	assert_int_equal(e.users, users);
	return e.value;
}

static void
assert_close(double value, double expected)
{
	if (!(fabs(value - expected) < 1e-7))
		fail_msg("%.15g instead of %.15g", value, expected);
}

/* The first user's list is 0, 2, and the third's 2, 4, 5. */
static void
check(const reco_scores *s)
{
	double second = 1 / log2(3);
	double third = 1 / log2(4);

	assert_close(mean(s, RECO_METRIC_PRECISION, 1, 3), 1.0 / 3);
	assert_close(mean(s, RECO_METRIC_PRECISION, 3, 3), (2.0 / 3 + 2.0 / 3) / 3);
	assert_close(mean(s, RECO_METRIC_MRR, 3, 3), (1 + 0.5) / 3);
	assert_close(mean(s, RECO_METRIC_NDCG, 3, 3), (1 + (second + third) / (1 + second)) / 3);
	assert_close(mean(s, RECO_METRIC_NDCG_GRADED, 3, 3),
				 ((1 + 3 * second) / (3 + second) + (5 * second + third) / (5 + second)) / 3);
	assert_close(mean(s, RECO_METRIC_NDCG_GRADED, 1, 3), (1.0 / 3) / 3);
	/* who has no list shows nothing */
	assert_close(mean(s, RECO_METRIC_NOVELTY, 3, 2), (1 + 4.0 / 3) / 2);
	assert_close(mean(s, RECO_METRIC_POPULARITY, 1, 2), (1 + 0.25) / 2);
	assert_close(mean(s, RECO_METRIC_COVERAGE, 1, 3), 2.0 / 6);
	assert_close(mean(s, RECO_METRIC_COVERAGE, 3, 3), 4.0 / 6);
}

static void
test_by_hand(void **state)
{
	reco_lists lists = lists_of();
	reco_columns columns = columns_of();
	reco_scores scores;
	size_t before;
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	assert_int_equal(reco_scores_make(&m.env, &columns, lists.users, NULL, &scores), RECO_OK);
	before = m.bytes;
	assert_int_equal(reco_lists_judge(&m.env, &lists, &scores), RECO_OK);
	assert_true(m.peak - before <= reco_lists_bytes(&lists, &columns));
	check(&scores);
	reco_scores_free(&m.env, &scores);
	assert_int_equal(m.live, 0);
}

/* Each allocation that fails, in turn. */
static void
test_no_memory(void **state)
{
	reco_lists lists = lists_of();
	reco_columns columns = columns_of();
	long fail_at = 0;
	reco_status status;

	(void) state;
	do
	{
		reco_scores scores;
		mimic_env m;
		long made;

		mimic_env_init(&m);
		assert_int_equal(reco_scores_make(&m.env, &columns, lists.users, NULL, &scores), RECO_OK);
		made = m.live;
		m.fail_at = m.allocations + ++fail_at;
		status = reco_lists_judge(&m.env, &lists, &scores);
		assert_int_equal(m.live, made);
		assert_true(status == RECO_OK || status == RECO_NO_MEMORY);
		reco_scores_free(&m.env, &scores);
	} while (status != RECO_OK);
	assert_true(fail_at > 8);
}

#define LONG 600000

/* A list of many items is ranked as a sort would, with polls on the way, each of which may end it.
 */
static void
test_long(void **state)
{
	static int32_t order[LONG];
	static int32_t col[LONG];
	static int64_t ranks[LONG];
	int64_t start[] = {0, LONG};
	int64_t want_start[] = {0, 1};
	const int32_t k[] = {1, 1000, LONG};
	uint64_t random = 42;
	long polls = 0;

	(void) state;
	for (int32_t i = 0; i < LONG; i++)
		order[i] = col[i] = i;
	mimic_shuffle(&random, order, LONG);
	for (int32_t i = 0; i < LONG; i++)
		ranks[order[i]] = i / 2;
	for (long stop_at = 0; stop_at <= polls; stop_at++)
	{
		/* of two of a rank the first item is the first: the wanted one is the 1000th */
		int32_t last = order[998] > order[999] ? order[998] : order[999];
		reco_lists lists = {
			.users = 1,
			.number = number,
			.wanted_start = want_start,
			.wanted = &last,
			.list = {1, LONG, start, col, NULL},
			.rank = ranks,
			.row = number,
			.item = col,
			.items = LONG,
		};
		reco_columns columns;
		reco_scores scores;
		mimic_env m;

		mimic_env_init(&m);
		m.stop_at = stop_at;
		reco_columns_of(RECO_METRIC_BIT(RECO_METRIC_MRR), k, 3, &columns);
		assert_int_equal(reco_scores_make(&m.env, &columns, 1, NULL, &scores), RECO_OK);
		assert_int_equal(reco_lists_judge(&m.env, &lists, &scores),
						 stop_at > 0 ? RECO_STOPPED : RECO_OK);
		if (stop_at == 0)
		{
			polls = m.polls < 3 ? m.polls : 3;
			assert_true(m.polls >= 4);
			assert_close(mean(&scores, RECO_METRIC_MRR, 1, 1), 0);
			assert_close(mean(&scores, RECO_METRIC_MRR, 1000, 1), 1e-3);
			assert_close(mean(&scores, RECO_METRIC_MRR, LONG, 1), 1e-3);
		}
		reco_scores_free(&m.env, &scores);
		assert_int_equal(m.live, 0);
	}
}

/* Of the users one has nothing and one dislikes an item. */
static void
test_readers(void **state)
{
	int64_t start[] = {0, 2, 2, 3, 5};
	int32_t items[] = {0, 1, 0, 0, 2};
	float value[] = {1, 2, 3, 4, -1};
	reco_csr a = {4, 3, start, items, value};
	int32_t readers[5];
	double bits[5];
	double users;
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	assert_int_equal(reco_readers(&m.env, &a, 5, readers, bits, &users), RECO_OK);
	assert_close(users, 3);
	assert_close(readers[0], 3);
	assert_close(bits[0], 0);
	assert_close(readers[1], 1);
	assert_close(bits[1], log2(3));
	assert_close(readers[2], 0);
	assert_close(bits[2], log2(3));
	assert_close(readers[4], 0);
	assert_close(bits[4], log2(3));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
