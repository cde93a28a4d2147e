/*
 * test_together.c
 *	  Pairs that meet in baskets (core/neighbors/together.h) against all pairs counted one by one,
 *	  for any number of threads, at every instruction set level, through every failure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/neighbors/together.h"
#include "mimic_csr.h"

#define MEASURES 4

/* items x baskets, each entry with the item's share; values: some are 2. */
static reco_csr
make_baskets(int32_t items, int32_t baskets, double skew, bool values, uint64_t seed)
{
	reco_csr a = {.rows = items, .cols = baskets};
	int64_t room = (int64_t) items * baskets + 1;
	int64_t n = 0;

	a.start = malloc(((size_t) items + 1) * sizeof(int64_t));
	a.col = malloc((size_t) room * sizeof(int32_t));
	a.value = values ? malloc((size_t) room * sizeof(float)) : NULL;
	a.start[0] = 0;
	for (int32_t i = 0; i < items; i++)
	{
		double share = pow(mimic_uniform(&seed), skew);

		for (int32_t b = 0; b < baskets; b++)
			if (mimic_uniform(&seed) < share)
			{
				if (values)
					a.value[n] = (float) (1 + mimic_below(&seed, 2));
				a.col[n++] = b;
			}
		a.start[i + 1] = n;
	}
	return a;
}

static void
free_baskets(reco_csr *a)
{
	free(a->start);
	free(a->col);
	free(a->value);
}

/* By definition: how often two rows have a column in common. */
static int32_t
meet(const reco_csr *a, int32_t i, int32_t j)
{
	int32_t n = 0;

	for (int64_t e = a->start[i]; e < a->start[i + 1]; e++)
		n += reco_find(a->col, a->start[j], a->start[j + 1], a->col[e]) >= 0;
	return n;
}

static int32_t
length(const reco_csr *a, int32_t i)
{
	return (int32_t) (a->start[i + 1] - a->start[i]);
}

static double
entropy(double x)
{
	return x > 0 ? x * log(x) : 0;
}

/* The score as it is defined, the log-likelihood ratio from the four cells of the table. */
static double
mimic_score(reco_together_measure measure, double n, double a, double b, double c)
{
	switch (measure)
	{
		case RECO_TOGETHER_COUNT:
			return c;
		case RECO_TOGETHER_CONFIDENCE:
			return fmax(c / a, c / b);
		case RECO_TOGETHER_LIFT:
			return (c / n) / ((a / n) * (b / n));
		default:
			if (c * n <= a * b)
				return 0;
			return 2 * (entropy(c) + entropy(a - c) + entropy(b - c) + entropy(n - a - b + c) -
						entropy(a) - entropy(n - a) - entropy(b) - entropy(n - b) + entropy(n));
	}
}

static bool
near(double x, double y)
{
	return fabs(x - y) <= 1e-9 * fmax(1, fabs(y));
}

/* All pairs that meet often enough, in the order of what was found. */
static void
check(const reco_csr *a, reco_together_measure measure, int32_t min_support, int32_t n,
	  const reco_together *found)
{
	int64_t all = 0;
	int64_t better = 0;
	const reco_together_pair *last = found->pairs > 0 ? &found->pair[found->pairs - 1] : NULL;

	for (int32_t i = 0; i < a->rows; i++)
		assert_int_equal(found->baskets[i], length(a, i));
	for (int32_t i = 0; i < a->rows; i++)
		for (int32_t j = i + 1; j < a->rows; j++)
		{
			int32_t c = meet(a, i, j);
			reco_together_pair pair = {0, i, j, c};

			if (c < (min_support > 1 ? min_support : 1))
				continue;
			pair.score = reco_together_score(measure, a->cols, length(a, i), length(a, j), c);
			assert_true(
				near(pair.score, mimic_score(measure, a->cols, length(a, i), length(a, j), c)));
			all++;
			better += last && !reco_together_after(&pair, last);
		}
	assert_int_equal(found->pairs, all < n ? all : n);
	assert_int_equal(better, found->pairs);
	for (int32_t k = 0; k < found->pairs; k++)
	{
		const reco_together_pair *p = &found->pair[k];

		assert_true(p->a < p->b);
		assert_int_equal(p->count, meet(a, p->a, p->b));
		assert_true(p->score == reco_together_score(measure, a->cols, length(a, p->a),
													length(a, p->b), p->count));
		if (k > 0)
			assert_true(reco_together_after(p, p - 1));
	}
}

static const struct
{
	int32_t items;
	int32_t baskets;
	double skew;
	bool values;
} shape[] = {
	{0, 0, 1, false},  {1, 5, 1, false},    {7, 1, 1, true},     {40, 60, 1, false},
	{90, 33, 3, true}, {300, 20, 2, false}, {30, 700, 4, false}, {700, 90, 6, false},
};

/* The same pairs where all are counted at once. */
static void
check_few(const reco_csr *a, reco_together_measure measure, int32_t min_support, int32_t n,
		  const reco_together *wanted)
{
	mimic_env env;
	reco_csr by_basket;
	reco_together found;

	mimic_env_init(&env);
	env.env.threads = 1;
	assert_int_equal(reco_csr_transpose(&env.env, a, NULL, &by_basket), RECO_OK);
	assert_int_equal(reco_together_are_few(&by_basket), a->rows <= 1024);
	assert_int_equal(reco_together_few(&env.env, &by_basket, measure, min_support, n, &found),
					 RECO_OK);
	assert_int_equal(found.pairs, wanted->pairs);
	for (int32_t p = 0; p < found.pairs; p++)
	{
		assert_true(found.pair[p].score == wanted->pair[p].score);
		assert_int_equal(found.pair[p].a, wanted->pair[p].a);
		assert_int_equal(found.pair[p].b, wanted->pair[p].b);
		assert_int_equal(found.pair[p].count, wanted->pair[p].count);
	}
	for (int32_t i = 0; i < a->rows; i++)
		assert_int_equal(found.baskets[i], wanted->baskets[i]);
	reco_together_free(&env.env, &found);
	reco_csr_free(&env.env, &by_basket);
	assert_int_equal(env.live, 0);
}

static void
test_all_pairs(void **state)
{
	static const int32_t supports[] = {-3, 1, 2, 5};
	static const int32_t most[] = {1, 3, 50, INT32_MAX};

	(void) state;
	for (size_t s = 0; s < sizeof(shape) / sizeof(*shape); s++)
	{
		reco_csr a =
			make_baskets(shape[s].items, shape[s].baskets, shape[s].skew, shape[s].values, s + 1);

		for (int m = 0; m < MEASURES; m++)
			for (int k = 0; k < 4; k++)
			{
				mimic_env env;
				reco_together one;
				reco_together found;
				int32_t n = most[(k + m) % 4];

				mimic_env_init(&env);
				env.env.threads = 1;
				assert_int_equal(reco_together_find(&env.env, &a, (reco_together_measure) m,
													supports[k], n, &one),
								 RECO_OK);
				check(&a, (reco_together_measure) m, supports[k], n, &one);
				env.env.threads = 3;
				env.env.due = k % 2 ? mimic_always_due : NULL;
				assert_int_equal(reco_together_find(&env.env, &a, (reco_together_measure) m,
													supports[k], n, &found),
								 RECO_OK);
				assert_int_equal(found.pairs, one.pairs);
				for (int32_t p = 0; p < one.pairs; p++)
				{
					assert_true(found.pair[p].score == one.pair[p].score);
					assert_int_equal(found.pair[p].a, one.pair[p].a);
					assert_int_equal(found.pair[p].b, one.pair[p].b);
					assert_int_equal(found.pair[p].count, one.pair[p].count);
				}
				check_few(&a, (reco_together_measure) m, supports[k], n, &one);
				reco_together_free(&env.env, &found);
				reco_together_free(&env.env, &one);
				assert_int_equal(env.live, 0);
			}
		free_baskets(&a);
	}
}

/* More pairs than a thread's buffer holds, and than there is room for at first. */
static void
test_many_pairs(void **state)
{
	reco_csr a = make_baskets(400, 40, 1, false, 7);
	mimic_env env;
	reco_together found;

	(void) state;
	mimic_env_init(&env);
	env.env.threads = 2;
	assert_int_equal(reco_together_find(&env.env, &a, RECO_TOGETHER_LIFT, 1, INT32_MAX, &found),
					 RECO_OK);
	assert_true(found.pairs > 50000);
	check(&a, RECO_TOGETHER_LIFT, 1, INT32_MAX, &found);
	reco_together_free(&env.env, &found);
	assert_int_equal(env.live, 0);
	free_baskets(&a);
}

/* By hand: 4 baskets, bread in 3, butter in 2, both in 2. */
static void
test_by_hand(void **state)
{
	int64_t start[] = {0, 3, 5};
	int32_t col[] = {0, 1, 2, 1, 2};
	reco_csr a = {2, 4, start, col, NULL};
	mimic_env env;
	reco_together found;
	static const double score[] = {2, 1, 4. / 3};

	(void) state;
	mimic_env_init(&env);
	env.env.threads = 1;
	for (int m = 0; m < MEASURES; m++)
	{
		assert_int_equal(reco_together_find(&env.env, &a, (reco_together_measure) m, 2, 10, &found),
						 RECO_OK);
		assert_int_equal(found.pairs, 1);
		assert_int_equal(found.pair[0].count, 2);
		if (m != RECO_TOGETHER_LLR)
			assert_true(found.pair[0].score == score[m]);
		else
			/* 2 (2 ln (2 4 / (3 2)) + 1 ln (4 / (3 2)) + 1 ln (4 / (1 2))) */
			assert_true(fabs(found.pair[0].score - 2 * (2 * log(8. / 6) + log(4. / 6) + log(2))) <
						1e-12);
		reco_together_free(&env.env, &found);
		assert_int_equal(reco_together_find(&env.env, &a, (reco_together_measure) m, 3, 10, &found),
						 RECO_OK);
		assert_int_equal(found.pairs, 0);
		reco_together_free(&env.env, &found);
	}
	assert_int_equal(reco_together_find(&env.env, &a, RECO_TOGETHER_LIFT, 1, 0, &found),
					 RECO_INVALID);
	assert_int_equal(env.live, 0);
}

/* One item's meetings are the pairs that it is in; what repeats in a basket counts once. */
static void
test_meetings(void **state)
{
	reco_csr a = make_baskets(30, 50, 2, false, 11);

	(void) state;
	for (int32_t item = 0; item < a.rows; item++)
	{
		int32_t have[30] = {0};
		int32_t both[30] = {0};
		int32_t last[30] = {0};
		reco_meetings meetings = {
			.item = item, .most = a.cols, .have = have, .both = both, .last = last};
		int32_t baskets = 0;

		for (int32_t b = 0; b < a.cols; b++)
		{
			int32_t basket[60];
			int64_t n = 0;

			for (int32_t turn = 0; turn < 2; turn++)
				for (int32_t i = 0; i < a.rows; i++)
					if ((turn == 0 || i % 3 == 0) &&
						reco_find(a.col, a.start[i], a.start[i + 1], b) >= 0)
						basket[n++] = i;
			baskets += n > 0;
			assert_true(reco_meetings_add(&meetings, basket, n));
		}
		/* a full one takes none that would change anything */
		meetings.most = meetings.baskets;
		assert_false(reco_meetings_add(&meetings, &item, 1));
		assert_true(reco_meetings_add(&meetings, NULL, 0));
		assert_int_equal(meetings.baskets, baskets);
		for (int32_t i = 0; i < a.rows; i++)
		{
			assert_int_equal(have[i], length(&a, i));
			assert_int_equal(both[i], meet(&a, i, item));
		}
	}
	free_baskets(&a);
}

/* Entries in the order of their columns, those of one as they come. */
static void
sort_by_basket(const reco_csr *a, int32_t *order, int32_t n)
{
	int32_t *sorted = malloc(((size_t) n + 1) * sizeof(int32_t));
	int32_t *place = calloc((size_t) a->cols + 1, sizeof(int32_t));

	for (int32_t k = 0; k < n; k++)
		place[a->col[order[k]] + 1]++;
	for (int32_t b = 0; b < a->cols; b++)
		place[b + 1] += place[b];
	for (int32_t k = 0; k < n; k++)
		sorted[place[a->col[order[k]]]++] = order[k];
	memcpy(order, sorted, (size_t) n * sizeof(int32_t));
	free(sorted);
	free(place);
}

/* Lines of a, some of them twice, in an order by chance; items as `number` has them. */
static void
add_lines(reco_triples *t, const reco_csr *a, const int32_t *number, bool by_basket, uint64_t seed)
{
	int32_t entries = (int32_t) a->start[a->rows];
	int32_t again = entries / 3;
	int32_t *order = malloc(((size_t) entries + (size_t) again + 1) * sizeof(int32_t));

	mimic_shuffle(&seed, order, entries + again);
	for (int32_t k = 0; k < entries + again; k++)
		order[k] = order[k] < entries ? order[k] : 3 * (order[k] - entries);
	if (by_basket)
		sort_by_basket(a, order, entries + again);
	for (int32_t k = 0; k < entries + again; k++)
	{
		int32_t e = order[k];
		int32_t item = 0;

		while (a->start[item + 1] <= e)
			item++;
		assert_true(reco_triples_add(t, a->col[e], number[item], 1, 0));
	}
	free(order);
}

static void
test_lines(void **state)
{
	(void) state;
	for (size_t s = 0; s < sizeof(shape) / sizeof(*shape); s++)
		for (long at = -1; at < 5; at++)
		{
			reco_csr a =
				make_baskets(shape[s].items, shape[s].baskets, shape[s].skew, false, s + 1);
			int32_t *rank = malloc(((size_t) a.rows + 1) * sizeof(int32_t));
			int32_t *number = malloc(((size_t) a.rows + 1) * sizeof(int32_t));
			uint64_t seed = s;
			mimic_env env;
			reco_triples t;
			reco_csr found;
			reco_csr wanted;

			mimic_env_init(&env);
			env.env.threads = 1;
			reco_triples_init(&t, &env.env, false, false);
			for (int32_t i = 0; i < a.rows; i++)
				rank[i] = i;
			mimic_shuffle(&seed, rank, a.rows);
			for (int32_t i = 0; i < a.rows; i++)
				number[rank[i]] = i;
			add_lines(&t, &a, number, at < 0, s);
			env.fail_at = at <= 0 ? 0 : env.allocations + at;
			if (at > 0)
				assert_int_equal(reco_together_lines(&t, a.cols, a.rows, rank, &found),
								 RECO_NO_MEMORY);
			else
			{
				size_t before = env.bytes;
				size_t most = reco_together_lines_memory(&t, a.cols, a.rows);

				assert_int_equal(reco_together_lines(&t, a.cols, a.rows, rank, &found), RECO_OK);
				assert_true(env.peak <= before + most);
				assert_int_equal(reco_csr_transpose(&env.env, &a, NULL, &wanted), RECO_OK);
				assert_int_equal(found.rows, wanted.rows);
				assert_int_equal(found.cols, wanted.cols);
				for (int32_t b = 0; b <= wanted.rows; b++)
					assert_int_equal(found.start[b], wanted.start[b]);
				for (int64_t e = 0; e < wanted.start[wanted.rows]; e++)
					assert_int_equal(found.col[e], wanted.col[e]);
				reco_csr_free(&env.env, &wanted);
				reco_csr_free(&env.env, &found);
			}
			assert_int_equal(env.live, 0);
			free(rank);
			free(number);
			free_baskets(&a);
		}
}

/* Each allocation that fails and each poll that asks for an end leaves nothing behind. */
static void
test_failures(void **state)
{
	reco_csr a = make_baskets(250, 60, 1, false, 3);
	reco_together found;
	long allocations = 0;
	long polls = 0;

	(void) state;
	for (int kind = 0; kind < 2; kind++)
		for (long at = 0; at <= (kind ? polls : allocations); at++)
		{
			mimic_env env;

			mimic_env_init(&env);
			env.env.threads = 2;
			env.env.due = mimic_always_due;
			if (kind)
				env.stop_at = at;
			else
				env.fail_at = at;
			if (at == 0)
			{
				assert_int_equal(
					reco_together_find(&env.env, &a, RECO_TOGETHER_LLR, 1, 9000, &found), RECO_OK);
				allocations = env.allocations;
				polls = env.polls < 200 ? env.polls : 200;
				reco_together_free(&env.env, &found);
			}
			else if (reco_together_find(&env.env, &a, RECO_TOGETHER_LLR, 1, 9000, &found) ==
					 RECO_OK)
				reco_together_free(&env.env, &found);
			else
				assert_null(found.pair);
			assert_int_equal(env.live, 0);
		}
	free_baskets(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_pairs), cmocka_unit_test(test_many_pairs),
		cmocka_unit_test(test_by_hand),   cmocka_unit_test(test_meetings),
		cmocka_unit_test(test_failures),  cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
