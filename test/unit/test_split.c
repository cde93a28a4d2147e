/*
 * test_split.c
 *	  What is trained on and what is hidden (core/ranking/split.h), beside the same made slowly
 *	  from the rows; and cases by hand, in which the rules can be read off.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mimic_split.h"

static const building kept = {.keep_time = true, .keep_repeats = true};

static void
assert_part(const source *s, const char *what, const reco_interactions *x, const mimic_part *part)
{
	const reco_csr *a = &x->by_user;
	int64_t p = 0;

	assert_int_equal(a->rows, part->users);
	assert_int_equal(a->cols, part->items);
	assert_int_equal(a->start[a->rows], part->pairs);
	for (int32_t u = 0; u < a->rows; u++)
		for (int64_t e = a->start[u]; e < a->start[u + 1]; e++, p++)
		{
			split_pair own = {u, a->col[e], a->value ? a->value[e] : 1, 0, 0, 0};

			own.latest = x->latest ? x->latest[e] : own.sum;
			own.time = x->time ? x->time[e] : part->pair[p].time;
			if (own.user != part->pair[p].user || own.item != part->pair[p].item ||
				own.sum != part->pair[p].sum || own.latest != part->pair[p].latest ||
				own.time != part->pair[p].time)
				fail_msg("%s, %s: pair %d", s->name, what, (int) p);
		}
}

static void
assert_counts(const source *s, const reco_split_counts *x, const reco_split_counts *y)
{
	assert_int_equal(x->has_cut, y->has_cut);
	assert_int_equal(x->cut, y->cut);
	assert_int_equal(x->trained, y->trained);
	assert_int_equal(x->hidden, y->hidden);
	assert_int_equal(x->users, y->users);
	assert_int_equal(x->rows_left_out, y->rows_left_out);
	assert_int_equal(x->in_both, y->in_both);
	assert_int_equal(x->unknown, y->unknown);
	assert_int_equal(x->unknown_users, y->unknown_users);
	if (x->unknown_items != y->unknown_items)
		fail_msg("%s: %d items unknown, not %d", s->name, x->unknown_items, y->unknown_items);
}

/* The rows of repeats of a training part are those that its pairs are made of. */
static void
assert_repeats(mimic_env *m, const source *s, const reco_interactions *x, const mimic_part *part)
{
	int64_t p = 0;

	for (int32_t u = 0; u < part->users; u++)
	{
		int64_t r = x->repeats.start[u];

		for (; p < part->pairs && part->pair[p].user == u; p++)
		{
			int64_t n = 0;
			int64_t done = 0;
			float sum, latest;

			while (r + n < x->repeats.start[u + 1] &&
				   x->repeats.row[r + n].item == part->pair[p].item)
				n++;
			assert_int_equal(n, part->pair[p].rows > 1 ? part->pair[p].rows : 0);
			if (n == 0)
				continue;
			assert_int_equal(reco_row_pair(&m->env, x->repeats.row + r,
										   x->repeats.time ? x->repeats.time + r : NULL, n, &done,
										   &sum, &latest),
							 true);
			if (sum != part->pair[p].sum || latest != part->pair[p].latest ||
				(x->repeats.time && x->repeats.time[r + n - 1] != part->pair[p].time))
				fail_msg("%s: repeats of pair %d", s->name, (int) p);
			r += n;
		}
		assert_int_equal(r, x->repeats.start[u + 1]);
	}
	assert_int_equal(p, part->pairs);
}

/* What a matrix and its split take. */
static void
check_split(mimic_env *m, const source *s, const row *rows, const reco_interactions *x,
			const source *test, const row *test_rows, const reco_split_rule *rule)
{
	reco_interactions train, hidden;
	reco_split_counts counts, count_only, wanted;
	mimic_part train_wanted, hidden_wanted;
	int64_t entries = x->by_user.start[x->by_user.rows];
	size_t whole = m->bytes;

	m->peak = m->bytes;
	assert_int_equal(reco_split(&m->env, x, rule, &train, &hidden, &counts), RECO_OK);
	assert_true(m->peak <= 3 * whole + (size_t) entries * 17 +
							   ((size_t) s->users + (size_t) s->items + 50) * 25);
	mimic_split(m, s, rows, test, test_rows, rule, x->basket, x->session_gap, &train_wanted,
				&hidden_wanted, &wanted);
	assert_counts(s, &counts, &wanted);
	assert_part(s, "trained", &train, &train_wanted);
	assert_true((train.repeats.start != NULL) == (rule->keep_repeats && x->repeats.start));
	if (train.repeats.start)
		assert_repeats(m, s, &train, &train_wanted);
	assert_part(s, "hidden", &hidden, &hidden_wanted);
	free_matrix(m, &train);
	free_matrix(m, &hidden);
	assert_int_equal(reco_split(&m->env, x, rule, NULL, NULL, &count_only), RECO_OK);
	assert_counts(s, &count_only, &wanted);
	assert_int_equal(m->bytes, whole);
	free(train_wanted.pair);
	free(hidden_wanted.pair);
}

static void
check_fractions(mimic_env *m, const source *s, const row *rows, const reco_interactions *x)
{
	static const double fractions[] = {1e-9, 0.2, 0.5, 1 - 1e-9};

	for (int kind = RECO_SPLIT_RANDOM; kind <= (s->has_time ? RECO_SPLIT_TIME : 0); kind++)
		for (int f = 0; f < 5; f++)
		{
			reco_split_rule rule = {(reco_split_kind) kind, .seed = (uint64_t) f};

			rule.fraction = f < 4 ? fractions[f] : 0;
			rule.one = kind == RECO_SPLIT_LAST && f == 4;
			rule.keep_items = f % 2 == 1;
			rule.keep_unknown = f >= 2;
			rule.keep_repeats = f != 1;
			check_split(m, s, rows, x, NULL, NULL, &rule);
			rule.has_cut = kind == RECO_SPLIT_TIME;
			rule.cut = (int64_t[]){INT64_MIN, INT64_MIN + 1, 0, 1, INT64_MAX}[f];
			rule.keep_unknown = f % 3 == 1;
			if (rule.has_cut)
				check_split(m, s, rows, x, NULL, NULL, &rule);
		}
}

/* The last basket, of one time and longer ones, these also cut by sessions. */
static void
check_baskets(mimic_env *m, const source *s, const row *rows, reco_interactions *x)
{
	static const int64_t baskets[] = {0, 1, 2, 7, 86400, INT64_MAX};
	static const int64_t gaps[] = {0, 1, 3, 5, INT64_MAX};
	const size_t kinds = sizeof(baskets) / sizeof(baskets[0]);

	for (size_t k = 0; k < kinds * (sizeof(gaps) / sizeof(gaps[0])) && s->has_time; k++)
	{
		size_t b = k % kinds;
		reco_split_rule rule = {.kind = RECO_SPLIT_LAST_BASKET};

		x->basket = baskets[b];
		x->session_gap = gaps[k / kinds];
		rule.keep_items = b % 2 == 1;
		rule.keep_unknown = b % 3 >= 1;
		rule.keep_repeats = b != 1;
		check_split(m, s, rows, x, NULL, NULL, &rule);
	}
	x->basket = 0;
	x->session_gap = 0;
}

/* Rows of before the source's, of after all, and of no time. */
static void
spread_times(const source *s, row *rows, uint64_t seed)
{
	for (int32_t r = 0; r < s->n; r++)
		switch (mimic_below(&seed, 40))
		{
			case 0:
				rows[r].time = INT64_MAX;
				break;
			case 1:
				rows[r].time = INT64_MIN + 1;
				break;
			case 2:
				rows[r].time = INT64_MIN;
				break;
		}
}

static void
test_kinds(void **state)
{
	(void) state;
	for (int i = 0; i < SOURCES; i++)
	{
		const source *s = &sources[i];
		row *rows = make_rows(s, (uint64_t) i);
		building b = kept;
		reco_interactions x;
		mimic_env m;

		if (s->n > 0)
			spread_times(s, rows, (uint64_t) i + 1);
		mimic_env_init(&m);
		assert_int_equal(build_matrix_with(&m, s, rows, NULL, &b, &x), RECO_OK);
		check_fractions(&m, s, rows, &x);
		check_baskets(&m, s, rows, &x);
		free_matrix(&m, &x);
		assert_int_equal(m.live, 0);
		free(rows);
	}
}

/* Numbers of a test's users or items in the source: some are not there. */
static int32_t *
some_of(int32_t n, int32_t in_x, int32_t every)
{
	int32_t *number = malloc(((size_t) n + 1) * sizeof(int32_t));

	for (int32_t k = 0; k < n; k++)
		number[k] = k % every != 1 && k < in_x ? k : -1;
	return number;
}

static void
test_given(void **state)
{
	static const source tests[] = {
		{"none", 0, 0, 0, true, true, 1, false, 1},
		{"as it", 60, 40, 300, true, true, 9, false, 1},
		{"wider", 700, 400, 300, false, false, 9, false, 1},
	};

	(void) state;
	for (int i = 0; i < SOURCES; i++)
		for (size_t t = 0; t < 3 && sources[i].n < 10000; t++)
		{
			const source *s = &sources[i];
			row *rows = make_rows(s, (uint64_t) i);
			row *test_rows = make_rows(&tests[t], (uint64_t) i + 7);
			int32_t *user = some_of(tests[t].users, s->users, 7);
			int32_t *item = some_of(tests[t].items, s->items, 5);
			building b = {0};
			reco_interactions x, y;
			mimic_env m;

			mimic_env_init(&m);
			assert_int_equal(build_matrix_with(&m, s, rows, NULL, &b, &x), RECO_OK);
			assert_int_equal(build_matrix_with(&m, &tests[t], test_rows, NULL, &b, &y), RECO_OK);
			for (int way = 0; way < 4; way++)
			{
				reco_split_rule rule = {RECO_SPLIT_GIVEN,      .test = &y,
										.test_user = user,     .test_item = item,
										.keep_items = way & 1, .keep_unknown = way & 2};

				check_split(&m, s, rows, &x, &tests[t], test_rows, &rule);
			}
			free_matrix(&m, &x);
			free_matrix(&m, &y);
			assert_int_equal(m.live, 0);
			free(rows);
			free(test_rows);
			free(user);
			free(item);
		}
}

/*
 * One user, items 0 to 3, the cut at 5:
 *
 *	 item 0		times 1 (value 2) and 4 (value 3)	trained on: sum 5, latest 3
 *	 item 1		times 2 (1), 5 (10) and 9 (20)		trained on with its first row; two left out
 *	 item 2		times 5 (7) and 6 (8)				hidden: sum 15, latest 8
 *	 item 3		a time that is not known (4)		before all: trained on
 */
static const source by_hand = {"by hand", 1, 4, 8, true, true, 1, false, 1};
static const row hand[] = {
	{0, 0, 2, 1},  {0, 0, 3, 4}, {0, 1, 10, 5}, {0, 1, 1, 2},
	{0, 1, 20, 9}, {0, 2, 7, 5}, {0, 2, 8, 6},  {0, 3, 4, INT64_MIN},
};

static void
test_by_hand(void **state)
{
	reco_split_rule rules[] = {
		{RECO_SPLIT_TIME, .has_cut = true, .cut = 5, .keep_unknown = true},
		/* a quarter of four pairs; their first rows are at 1, 2, 5 and before */
		{RECO_SPLIT_TIME, .fraction = 0.25, .keep_unknown = true},
		/* the user's last pair */
		{RECO_SPLIT_LAST, .one = true, .keep_unknown = true},
		{RECO_SPLIT_LAST, .fraction = 0.3, .keep_unknown = true},
	};
	mimic_env m;

	(void) state;
	for (size_t k = 0; k < sizeof(rules) / sizeof(rules[0]); k++)
	{
		building b = kept;
		reco_interactions x, train, hidden;
		reco_split_counts counts;

		mimic_env_init(&m);
		assert_int_equal(build_matrix_with(&m, &by_hand, hand, NULL, &b, &x), RECO_OK);
		assert_int_equal(reco_split(&m.env, &x, &rules[k], &train, &hidden, &counts), RECO_OK);
		assert_int_equal(counts.rows_left_out, 2);
		assert_int_equal(counts.trained, 3);
		assert_int_equal(counts.hidden, 1);
		assert_int_equal(counts.unknown_items, 1);
		assert_int_equal(train.by_user.cols, 3);
		assert_memory_equal(train.by_user.col, ((int32_t[]){0, 1, 2}), 3 * sizeof(int32_t));
		assert_memory_equal(train.by_user.value, ((float[]){5, 1, 4}), 3 * sizeof(float));
		assert_memory_equal(train.latest, ((float[]){3, 1, 4}), 3 * sizeof(float));
		assert_memory_equal(train.time, ((int64_t[]){4, 2, INT64_MIN}), 3 * sizeof(int64_t));
		assert_int_equal(hidden.by_user.cols, 4);
		assert_int_equal(hidden.by_user.col[0], 3);
		assert_true(hidden.by_user.value[0] == 15 && hidden.latest[0] == 8);
		free_matrix(&m, &train);
		free_matrix(&m, &hidden);
		free_matrix(&m, &x);
	}
}

/*
 * Items 0 to 2 begin at one time, 3 later with item 0 again at that time.  Of equal times the
 * larger number is the later one; a pair that begins at the cut keeps the rows of that time.
 */
static void
test_ties(void **state)
{
	static const source s = {"ties", 1, 4, 6, true, true, 1, false, 1};
	static const row rows[] = {{0, 0, 1, 7}, {0, 1, 1, 7}, {0, 2, 1, 7},
							   {0, 3, 1, 8}, {0, 0, 5, 7}, {0, 0, 9, 8}};
	reco_split_rule half = {RECO_SPLIT_LAST, .fraction = 0.5, .keep_unknown = true};
	reco_split_rule time = {RECO_SPLIT_TIME, .fraction = 0.5, .keep_unknown = true};
	building b = kept;
	reco_interactions x, train, hidden;
	reco_split_counts counts;
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	assert_int_equal(build_matrix_with(&m, &s, rows, NULL, &b, &x), RECO_OK);
	assert_int_equal(reco_split(&m.env, &x, &half, &train, &hidden, &counts), RECO_OK);
	assert_int_equal(counts.trained, 2);
	assert_int_equal(counts.hidden, 2);
	assert_int_equal(counts.rows_left_out, 1);
	assert_memory_equal(train.by_user.value, ((float[]){6, 1}), 2 * sizeof(float));
	free_matrix(&m, &train);
	free_matrix(&m, &hidden);
	/* half of the pairs begin at 7, and so all that do are hidden: nothing is left */
	assert_int_equal(reco_split(&m.env, &x, &time, NULL, NULL, &counts), RECO_OK);
	assert_int_equal(counts.cut, 7);
	assert_int_equal(counts.trained, 0);
	free_matrix(&m, &x);
	assert_int_equal(m.live, 0);
}

/* Without times, or without the rows of repeats, there is no split by time. */
static void
test_refused(void **state)
{
	(void) state;
	for (int way = 0; way < 3; way++)
	{
		source s = by_hand;
		building b = {.keep_time = way != 0, .keep_repeats = way != 1};
		reco_split_rule rule = {RECO_SPLIT_LAST, .one = true};
		reco_interactions x;
		reco_split_counts counts;
		mimic_env m;

		s.has_time = way != 2;
		mimic_env_init(&m);
		assert_int_equal(build_matrix_with(&m, &s, hand, NULL, &b, &x), RECO_OK);
		assert_int_equal(reco_split(&m.env, &x, &rule, NULL, NULL, &counts), RECO_INVALID);
		rule.kind = RECO_SPLIT_TIME;
		assert_int_equal(reco_split(&m.env, &x, &rule, NULL, NULL, &counts), RECO_INVALID);
		free_matrix(&m, &x);
		assert_int_equal(m.live, 0);
	}
}

/* Whatever ends it, nothing is left. */
static void
check_ends(const source *s, reco_split_rule rule, bool stop)
{
	row *rows = make_rows(s, 1);
	building b = kept;
	reco_status status = RECO_STOPPED;
	reco_interactions x, train, hidden;
	reco_split_counts counts;
	long n = 0;
	long live;
	mimic_env m;

	mimic_env_init(&m);
	assert_int_equal(build_matrix_with(&m, s, rows, NULL, &b, &x), RECO_OK);
	live = m.live;
	while (status != RECO_OK)
	{
		n++;
		m.allocations = m.polls = 0;
		m.fail_at = stop ? 0 : n;
		m.stop_at = stop ? n : 0;
		status = reco_split(&m.env, &x, &rule, &train, &hidden, &counts);
		assert_true(status == RECO_OK || status == (stop ? RECO_STOPPED : RECO_NO_MEMORY));
		if (status != RECO_OK)
			assert_int_equal(m.live, live);
	}
	assert_true(n > 3);
	free_matrix(&m, &train);
	free_matrix(&m, &hidden);
	free_matrix(&m, &x);
	assert_int_equal(m.live, 0);
	free(rows);
}

static void
test_ends(void **state)
{
	static const source s = {"ends", 3, 300, 4000, true, true, 50, false, 1};
	static const source large = {"large", 3, 200000, 500000, true, true, 50, false, 1};

	(void) state;
	for (int kind = RECO_SPLIT_RANDOM; kind <= RECO_SPLIT_TIME; kind++)
	{
		reco_split_rule rule = {(reco_split_kind) kind, .fraction = 0.3, .keep_unknown = true};

		check_ends(&s, rule, false);
		check_ends(&large, rule, true);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),   cmocka_unit_test(test_given),
		cmocka_unit_test(test_by_hand), cmocka_unit_test(test_ties),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
