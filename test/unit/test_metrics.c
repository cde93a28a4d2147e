/*
 * test_metrics.c
 *	  Metrics of ranked lists by hand, and the choice of what is hidden.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/ranking/metrics.h"
#include "core/ranking/split.h"
#include "mimic_env.h"

/* Items by letter, for lists that can be read. */
enum
{
	A = 10,
	B = 20,
	X = 5,
	Y = 15,
	Z = 25
};

static const reco_ranked list[] = {{9, A}, {8, X}, {7, B}, {6, Y}, {5, Z}};
static const int32_t wanted[] = {A, B};

static void
assert_close(double value, double expected)
{
	if (!(fabs(value - expected) < 1e-12))
		fail_msg("%.15g instead of %.15g", value, expected);
}

/* What of lists of k alone, and among others: the same. */
typedef struct judged
{
	double precision;
	double recall;
	double repeated;
	double new;
	double ndcg;
	double graded;
	double hit;
	double map;
	double mrr;
	double novelty;
	double popularity;
} judged;

#define ITEMS 64
#define ALL ((1u << RECO_METRIC_DIVERSITY) - 1)

static int32_t have[ITEMS];
static double information[ITEMS];
static int32_t had[ITEMS];
static int64_t had_n; /* what was had before: nothing, where a test does not say */

static judged
judge_with(const int32_t *cutoff, int cutoffs, int c, unsigned metrics, const reco_ranked *ranked,
		   int32_t n, const reco_wanted *want)
{
	static const reco_metric order[] = {
		RECO_METRIC_PRECISION,  RECO_METRIC_RECALL,    RECO_METRIC_RECALL_REPEATED,
		RECO_METRIC_RECALL_NEW, RECO_METRIC_NDCG,      RECO_METRIC_NDCG_GRADED,
		RECO_METRIC_HIT_RATE,   RECO_METRIC_MAP,       RECO_METRIC_MRR,
		RECO_METRIC_NOVELTY,    RECO_METRIC_POPULARITY};
	double row[RECO_METRICS * RECO_MAX_CUTOFFS];
	double out[11];
	judged result;
	reco_columns columns;
	reco_judge j;
	mimic_env m;

	mimic_env_init(&m);
	reco_columns_of(metrics, cutoff, cutoffs, &columns);
	assert_true(columns.n <= (int) (sizeof(row) / sizeof(row[0])));
	assert_int_equal(reco_judge_make(&m.env, &columns, &j), RECO_OK);
	j.have = have;
	j.users = 4;
	j.information = information;
	for (int k = 0; k < columns.n; k++)
		row[k] = -7;
	reco_judge_list(&j, ranked, n, want, row);
	reco_judge_free(&m.env, &j);
	assert_int_equal(m.live, 0);
	for (int k = 0; k < 11; k++)
		out[k] = columns.first[order[k]] < 0 ? -7 : row[columns.first[order[k]] + c];
	memcpy(&result, out, sizeof(result));
	return result;
}

static judged
judge(const reco_ranked *ranked, int32_t n, int32_t k, const int32_t *relevant, int64_t relevants,
	  const float *gain)
{
	const int32_t cutoff[] = {k, 4, k, 1, 90};
	reco_ranked best[ITEMS];
	reco_wanted want = {relevants, relevant, gain, best, had_n, had};
	judged one;
	judged other;

	if (gain)
		(void) reco_top_n(NULL, gain, (int32_t) relevants, NULL, (int32_t) relevants, best);
	one = judge_with(cutoff, 1, 0, ALL, ranked, n, &want);
	other = judge_with(cutoff, 5, 0, ALL, ranked, n, &want);
	assert_memory_equal(&one, &other, sizeof(one));
	other = judge_with(cutoff, 5, 2, ALL, ranked, n, &want);
	assert_memory_equal(&one, &other, sizeof(one));
	/* what is not asked for is left out, and changes nothing */
	other = judge_with(cutoff, 5, 2, RECO_METRIC_BIT(RECO_METRIC_MAP), ranked, n, &want);
	assert_true(other.map == one.map && other.ndcg == -7 && other.mrr == -7);
	return one;
}

static void
check(int32_t n, int32_t k, const int32_t *relevant, int64_t relevants, double precision,
	  double recall, double ndcg, double hit)
{
	judged m = judge(list, n, k, relevant, relevants, NULL);

	assert_close(m.precision, precision);
	assert_close(m.recall, recall);
	assert_close(m.ndcg, ndcg);
	assert_close(m.graded, ndcg);
	assert_close(m.hit, hit);
}

static void
test_by_hand(void **state)
{
	/* discounts of the ranks: 1, 1 / log2(3), 1 / 2, 1 / log2(5), 1 / log2(6) */
	const double second = 0.63092975357145743710;
	const double fifth = 0.38685280723454158687;

	(void) state;
	check(5, 1, wanted, 2, 1, 0.5, 1, 1);
	check(5, 2, wanted, 2, 0.5, 0.5, 1 / (1 + second), 1);
	check(5, 3, wanted, 2, 2 / 3.0, 1, 1.5 / (1 + second), 1);
	check(5, 5, wanted, 2, 0.4, 1, 1.5 / (1 + second), 1);
	/* a list that is shorter than k is no excuse */
	check(5, 100, wanted, 2, 0.02, 1, 1.5 / (1 + second), 1);
	check(1, 100, wanted, 2, 0.01, 0.5, 1 / (1 + second), 1);
	check(0, 10, wanted, 2, 0, 0, 0, 0);
	/* the last place, and nothing found */
	check(5, 5, (int32_t[]){Z}, 1, 0.2, 1, fifth, 1);
	check(5, 4, (int32_t[]){Z}, 1, 0, 0, 0, 0);
	check(5, 5, (int32_t[]){0, 1, 2, 30, 40}, 5, 0, 0, 0, 0);
	/* a perfect list of fewer places than wanted items */
	check(5, 5, (int32_t[]){X, 6, 7, 8, 9, A, Y, B, 22, Z}, 10, 1, 0.5, 1, 1);
}

/* Average precision divides by min(k, relevant): a perfect list is 1, however many are wanted. */
static void
test_average_precision(void **state)
{
	const reco_ranked perfect[] = {{3, 1}, {2, 2}, {1, 3}};
	const int32_t eight[] = {1, 2, 3, 4, 5, 6, 7, 8};
	/* x, a, y, c, z */
	const reco_ranked mixed[] = {{5, 30}, {4, 1}, {3, 31}, {2, 3}, {1, 32}};
	const int32_t two[] = {1, 3};

	(void) state;
	assert_close(judge(perfect, 3, 3, eight, 8, NULL).map, 1);
	assert_close(judge(mixed, 5, 3, two, 2, NULL).map, 0.25);
	assert_close(judge(mixed, 5, 5, two, 2, NULL).map, 0.5);
	assert_close(judge(mixed, 5, 1, two, 2, NULL).map, 0);
	assert_close(judge(mixed, 5, 1, two, 2, NULL).mrr, 0);
	assert_close(judge(mixed, 5, 3, two, 2, NULL).mrr, 0.5);
	assert_close(judge(mixed, 5, 5, (int32_t[]){3}, 1, NULL).mrr, 0.25);
	assert_close(judge(perfect, 3, 3, eight, 8, NULL).mrr, 1);
}

/* Gains are the values, the discount is log2, and equal scores go by number. */
static void
test_graded(void **state)
{
	/* true gains 3, 0, 0, 2 of four items that are predicted alike */
	const float alike[] = {0.5F, 0.5F, 0.5F, 0.5F};
	const int32_t liked[] = {0, 3};
	const float gain[] = {3, 2};
	reco_ranked ranked[4];
	judged m;

	(void) state;
	assert_int_equal(reco_top_n(NULL, alike, 4, NULL, 4, ranked), 4);
	m = judge(ranked, 4, 4, liked, 2, gain);
	if (!(fabs(m.graded - 0.906025435535) < 1e-12))
		fail_msg("%.15g", m.graded);
	/* the ideal has the best gains first, as many as there are places */
	assert_close(judge(ranked, 4, 1, liked, 2, gain).graded, 1);
	assert_close(judge(ranked, 4, 1, liked, 2, (float[]){2, 3}).graded, 2 / 3.0);
	assert_close(m.ndcg, (1 + 1 / log2(5)) / (1 + 1 / log2(3)));
}

/* Means over the items that are there; of none there is nothing to say. */
static void
test_what_is_shown(void **state)
{
	judged m;

	(void) state;
	have[A] = 2;
	information[A] = 1;
	have[X] = 1;
	information[X] = 2;
	m = judge(list, 2, 2, wanted, 2, NULL);
	assert_close(m.popularity, 0.375);
	assert_close(m.novelty, 1.5);
	m = judge(list, 2, 1, wanted, 2, NULL);
	assert_close(m.popularity, 0.5);
	assert_close(m.novelty, 1);
	assert_close(judge(list, 2, 10, wanted, 2, NULL).novelty, 1.5);
	m = judge(list, 0, 10, wanted, 2, NULL);
	assert_true(isnan(m.novelty) && isnan(m.popularity));
	assert_close(m.map, 0);
	assert_close(m.mrr, 0);
}

/* Recall of what was had before and of what is new; of nothing there is nothing to say. */
static void
test_repeated_and_new(void **state)
{
	const int32_t three[] = {A, B, Z};
	judged m;

	(void) state;
	/* A, X, B, Y, Z: A and Z are new, X and B were had */
	had[0] = X;
	had[1] = B;
	had_n = 2;
	m = judge(list, 5, 2, three, 3, NULL);
	assert_close(m.recall, 1 / 3.0);
	assert_close(m.repeated, 0);
	assert_close(m.new, 0.5);
	m = judge(list, 5, 3, three, 3, NULL);
	assert_close(m.repeated, 1);
	assert_close(m.new, 0.5);
	m = judge(list, 0, 3, three, 3, NULL);
	assert_true(m.repeated == 0 && m.new == 0);
	m = judge(list, 5, 5, (int32_t[]){B}, 1, NULL);
	assert_true(m.repeated == 1 && isnan(m.new));
	m = judge(list, 5, 5, (int32_t[]){A}, 1, NULL);
	assert_true(isnan(m.repeated) && m.new == 1);
	had_n = 0;
	m = judge(list, 5, 3, three, 3, NULL);
	assert_true(isnan(m.repeated) && m.new == m.recall);
}

static void
test_against_slow(void **state)
{
	uint64_t seed = 8;

	(void) state;
	for (int round = 0; round < 3000; round++)
	{
		int32_t items = 1 + (int32_t) mimic_below(&seed, 60);
		int32_t order[60];
		reco_ranked ranked[60];
		int32_t want[60];
		float gains[60];
		int64_t relevant = 0;
		int32_t n = (int32_t) mimic_below(&seed, items + 1);
		int32_t k = 1 + (int32_t) mimic_below(&seed, 70);
		int hits = 0;
		int hits_had = 0;
		int relevant_had = 0;
		bool was_had[60];
		int first = 0;
		double gain = 0;
		double graded = 0;
		double ideal = 0;
		double graded_ideal = 0;
		double precisions = 0;
		judged m;

		mimic_shuffle(&seed, order, items);
		for (int32_t i = 0; i < items; i++)
		{
			ranked[i] = (reco_ranked){(float) -i, order[i]};
			if (mimic_below(&seed, 3) == 0)
				want[relevant++] = i;
			was_had[i] = mimic_below(&seed, 4) == 0;
			if (was_had[i])
				had[had_n++] = i;
		}
		if (relevant == 0)
			want[relevant++] = (int32_t) mimic_below(&seed, items);
		for (int64_t w = 0; w < relevant; w++)
			relevant_had += was_had[want[w]];
		for (int64_t w = 0; w < relevant; w++)
			gains[w] = 0.5F + (float) mimic_below(&seed, 5);
		for (int32_t r = 0; r < (n < k ? n : k); r++)
			for (int64_t w = 0; w < relevant; w++)
				if (want[w] == ranked[r].item)
				{
					hits++;
					hits_had += was_had[want[w]];
					first = first ? first : r + 1;
					gain += log(2) / log(r + 2);
					graded += log(2) / log(r + 2) * gains[w];
					precisions += (double) hits / (r + 1);
				}
		m = judge(ranked, n, k, want, relevant, gains);
		had_n = 0;
		for (int32_t r = 0; r < (relevant < k ? relevant : k); r++)
		{
			int32_t largest = 0;

			for (int32_t w = 1; w < relevant; w++)
				if (gains[w] > gains[largest])
					largest = w;
			ideal += log(2) / log(r + 2);
			graded_ideal += log(2) / log(r + 2) * gains[largest];
			gains[largest] = 0;
		}
		assert_close(m.precision, (double) hits / k);
		assert_close(m.recall, (double) hits / (double) relevant);
		if (relevant_had > 0)
			assert_close(m.repeated, (double) hits_had / relevant_had);
		if (relevant > relevant_had)
			assert_close(m.new, (double) (hits - hits_had) / (double) (relevant - relevant_had));
		assert_true(isnan(m.repeated) == (relevant_had == 0));
		assert_true(isnan(m.new) == (relevant == relevant_had));
		assert_close(m.ndcg, gain / ideal);
		assert_close(m.graded, graded / graded_ideal);
		assert_close(m.hit, hits > 0 ? 1 : 0);
		assert_close(m.map, precisions / (double) (relevant < k ? relevant : k));
		assert_close(m.mrr, first ? 1.0 / first : 0);
		assert_true(m.ndcg <= 1 + 1e-12 && m.graded <= 1 + 1e-12);
	}
}

/* Holds out and returns how many were; out by column number. */
static int64_t
hold_out(uint64_t seed, int32_t row, const int32_t *col, int64_t n, int64_t held, bool *by_col)
{
	uint64_t *scratch = malloc((size_t) n * sizeof(uint64_t) + 1);
	bool *out = malloc((size_t) n + 1);
	int64_t count = 0;

	mimic_env m;

	mimic_env_init(&m);
	assert_int_equal(reco_hold_out(&m.env, seed, row, col, n, held, scratch, out), RECO_OK);
	for (int64_t e = 0; e < n; e++)
	{
		count += out[e];
		by_col[col[e]] = out[e];
	}
	free(scratch);
	free(out);
	return count;
}

static void
test_hold_out_sizes(void **state)
{
	int32_t col[200];
	bool by_col[200] = {false};

	(void) state;
	for (int32_t i = 0; i < 200; i++)
		col[i] = i;
	for (int64_t n = 0; n <= 200; n = n < 5 ? n + 1 : n * 2)
		for (int64_t held = -1; held <= n + 2; held++)
			assert_int_equal(hold_out(1, 3, col, n, held, by_col), held < 0   ? 0
																   : held > n ? n
																			  : held);
	assert_int_equal(hold_out(UINT64_MAX, INT32_MAX - 1, (int32_t[]){0, 199}, 2, 1, by_col), 1);
}

static void
test_hold_out_order(void **state)
{
	uint64_t seed = 2;

	(void) state;
	for (int round = 0; round < 500; round++)
	{
		int32_t n = 1 + (int32_t) mimic_below(&seed, 100);
		int64_t held = mimic_below(&seed, n + 1);
		int32_t row = (int32_t) mimic_below(&seed, INT32_MAX);
		int32_t col[100];
		bool once[100];
		bool again[100];

		for (int32_t i = 0; i < n; i++)
			col[i] = i;
		hold_out((uint64_t) round, row, col, n, held, once);
		mimic_shuffle(&seed, col, n);
		hold_out((uint64_t) round, row, col, n, held, again);
		assert_memory_equal(once, again, (size_t) n);
		/* more held out: those that were, and others */
		if (held < n)
		{
			hold_out((uint64_t) round, row, col, n, held + 1, again);
			for (int32_t i = 0; i < n; i++)
				assert_true(again[i] || !once[i]);
		}
	}
}

/* Every column, wherever it stands, is hidden equally often: binomial bounds. */
static void
test_hold_out_uniform(void **state)
{
	int count[20] = {0};
	int differ_row = 0;
	int differ_seed = 0;
	int32_t col[20];
	bool by_col[20];
	bool other[20];

	(void) state;
	for (int32_t i = 0; i < 20; i++)
		col[i] = i;
	for (int32_t row = 0; row < 20000; row++)
	{
		hold_out(42, row, col, 20, 5, by_col);
		for (int32_t i = 0; i < 20; i++)
			count[i] += by_col[i];
		hold_out(42, row + 1, col, 20, 5, other);
		differ_row += memcmp(by_col, other, sizeof(other)) != 0;
		hold_out(43, row, col, 20, 5, other);
		differ_seed += memcmp(by_col, other, sizeof(other)) != 0;
	}
	/* 5000 expected, standard deviation 61 */
	for (int32_t i = 0; i < 20; i++)
		assert_true(count[i] >= 4700 && count[i] <= 5300);
	/* a chance of 1 in 15504 that two choices are the same */
	assert_true(differ_row > 19980);
	assert_true(differ_seed > 19980);
}

/* Of a long row, too, just as many; it is cut with looks at whether to stop, and stops at each. */
static void
test_hold_out_polls(void **state)
{
	enum
	{
		N = 600000
	};
	int32_t *col = malloc(N * sizeof(int32_t));
	uint64_t *scratch = malloc(N * sizeof(uint64_t));
	bool *out = malloc(N);
	bool *less = malloc(N);
	mimic_env m;
	long polls;
	int64_t count = 0;

	(void) state;
	for (int32_t i = 0; i < N; i++)
		col[i] = i;
	mimic_env_init(&m);
	assert_int_equal(reco_hold_out(&m.env, 1, 2, col, N, N / 5, scratch, out), RECO_OK);
	for (int32_t i = 0; i < N; i++)
		count += out[i];
	assert_int_equal(count, N / 5);
	/* hashes, the first byte's counts, those that share it, and the choice: over all columns */
	polls = m.polls;
	assert_true(polls >= 8);
	assert_int_equal(reco_hold_out(&m.env, 1, 2, col, N, N / 5 - 1, scratch, less), RECO_OK);
	for (int32_t i = 0; i < N; i++)
		assert_true(out[i] || !less[i]);
	for (long k = 1; k <= polls; k++)
	{
		mimic_env_init(&m);
		m.stop_at = k;
		assert_int_equal(reco_hold_out(&m.env, 1, 2, col, N, N / 5, scratch, out), RECO_STOPPED);
		assert_int_equal(m.polls, k);
	}
	free(col);
	free(scratch);
	free(out);
	free(less);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),          cmocka_unit_test(test_average_precision),
		cmocka_unit_test(test_graded),           cmocka_unit_test(test_what_is_shown),
		cmocka_unit_test(test_repeated_and_new), cmocka_unit_test(test_against_slow),
		cmocka_unit_test(test_hold_out_sizes),   cmocka_unit_test(test_hold_out_order),
		cmocka_unit_test(test_hold_out_uniform), cmocka_unit_test(test_hold_out_polls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
