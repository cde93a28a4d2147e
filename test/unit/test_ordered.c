/*
 * test_ordered.c
 *	  What users did in order (core/data/ordered.h), of whole sources and of the training part of a
 *	  split (core/ranking/split.h).
 *
 * What is right: the rows of a source, sorted by user, time and item.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/ordered.h"
#include "mimic_split.h"

static int
compare_events(const void *a, const void *b)
{
	const row *x = a;
	const row *y = b;

	if (x->user != y->user)
		return x->user < y->user ? -1 : 1;
	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return (x->item > y->item) - (x->item < y->item);
}

/* A time that is not known is in no other's basket. */
static bool
same_basket(int64_t a, int64_t b, int64_t basket)
{
	if (a == b || basket <= 1 || a == INT64_MIN || b == INT64_MIN)
		return a == b;
	return floorl((long double) a / (long double) basket) ==
		   floorl((long double) b / (long double) basket);
}

/* n rows, which are put into order, are the events of x. */
static void
check_events(mimic_env *m, row *rows, int32_t n, const reco_interactions *x, const char *name)
{
	size_t before = m->bytes;
	reco_ordered o;
	int32_t r = 0;
	float moment = 0;

	m->peak = m->bytes;
	assert_int_equal(reco_ordered_make(&m->env, x, false, &o), RECO_OK);
	assert_true(m->peak - before <= reco_ordered_memory(&m->env, x, false));
	qsort(rows, (size_t) n, sizeof(row), compare_events);
	for (int32_t u = 0; u < x->by_user.rows; u++)
		for (int64_t e = o.start[u]; e < o.start[u + 1]; e++, r++)
		{
			if (e == o.start[u])
				moment = 0;
			else if (!same_basket(rows[r].time, rows[r - 1].time, x->basket))
				moment++;
			if (r >= n || rows[r].user != u || rows[r].item != o.item[e] || o.moment[e] != moment)
				fail_msg("%s: event %d", name, r);
		}
	assert_int_equal(r, n);
	reco_ordered_free(&m->env, &o);
	assert_int_equal(m->bytes, before);
}

static void
test_sources(void **state)
{
	(void) state;
	for (int i = 0; i < SOURCES; i++)
	{
		const source *s = &sources[i];
		row *rows = make_rows(s, (uint64_t) i);
		row *all = mimic_sorted(s, rows);
		int32_t *order = malloc(((size_t) s->n + 1) * sizeof(int32_t));
		uint64_t seed = 7;
		building b = {.keep_time = true, .keep_repeats = true};
		reco_interactions x;
		mimic_env m;

		mimic_env_init(&m);
		mimic_shuffle(&seed, order, s->n);
		assert_int_equal(build_matrix_with(&m, s, rows, order, &b, &x), RECO_OK);
		for (int64_t basket = 0; basket <= 9; basket += 3)
		{
			x.basket = basket;
			check_events(&m, all, s->n, &x, s->name);
		}
		free_matrix(&m, &x);
		free(order);
		free(all);
		free(rows);
	}
}

/* Baskets begin at midnight, before the year 2000 as well; moments far apart stay so. */
static void
test_days(void **state)
{
	static const int64_t day = 86400;
	reco_timed event[] = {
		{INT64_MIN, 1}, {INT64_MIN + 1, 1}, {-day - 1, 1}, {-day, 2},        {-1, 1},       {0, 3},
		{0, 4},         {day - 1, 1},       {day, 1},      {3 * day + 5, 1}, {INT64_MAX, 1}};
	static const float wanted[] = {0, 1, 2, 3, 3, 4, 4, 4, 5, 6, 7};
	static const float cut[] = {0, 1, 2, 3, 5, 6, 6, 6, 7, 8, 9};
	int32_t item[11];
	float moment[11];
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	assert_int_equal(reco_ordered_user(&m.env, event, 11, NULL, 0, 0, item, moment), 11);
	assert_true(reco_ordered_baskets(&m.env, event, 11, day, moment));
	assert_memory_equal(moment, wanted, sizeof(wanted));
	assert_int_equal(reco_ordered_user(&m.env, event, 11, NULL, 0, 0, item, moment), 11);
	for (int k = 4; k < 11; k++)
		moment[k]++;
	assert_true(reco_ordered_baskets(&m.env, event, 11, day, moment));
	assert_memory_equal(moment, cut, sizeof(cut));
	assert_true(reco_ordered_baskets(&m.env, event, 0, day, moment));
}

/* Of one user some items are left out. */
static void
test_kept(void **state)
{
	static const int32_t kept[] = {2, 5};
	static const int32_t wanted[] = {5, 2, 2, 5};
	static const float at[] = {0, 1, 2, 2};
	reco_timed event[] = {{9, 5}, {9, 2}, {7, 4}, {INT64_MIN, 5}, {INT64_MAX, 3}, {8, 2}, {8, 7}};
	int32_t item[7];
	float moment[7];
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	assert_int_equal(reco_ordered_user(&m.env, event, 7, kept, 2, 0, item, moment), 4);
	assert_memory_equal(item, wanted, sizeof(wanted));
	assert_memory_equal(moment, at, sizeof(at));
	assert_int_equal(reco_ordered_user(&m.env, event, 0, NULL, 0, 0, item, moment), 0);
}

/*
 * The rows of the training part: those of pairs that are not hidden, before the cut or at the
 * time at which the pair begins.  Users get new numbers, items keep theirs.
 */
static int32_t
trained_rows(const source *s, const row *rows, const reco_interactions *x, const bool *hidden,
			 const int64_t *until, row *out)
{
	const reco_csr *a = &x->by_user;
	int32_t users = 0;
	int32_t n = 0;

	for (int32_t u = 0; u < a->rows; u++)
	{
		bool known = false;

		for (int64_t e = a->start[u]; e < a->start[u + 1]; e++)
			known = known || !hidden[e];
		for (int32_t r = 0; r < s->n && known; r++)
		{
			int64_t e = reco_find(a->col, a->start[u], a->start[u + 1], rows[r].item);
			int64_t first = rows[r].time;

			if (rows[r].user != u || hidden[e])
				continue;
			for (int32_t q = 0; q < s->n; q++)
				if (rows[q].user == u && rows[q].item == rows[r].item && rows[q].time < first)
					first = rows[q].time;
			if (until && rows[r].time > until[u] && rows[r].time != first)
				continue;
			out[n] = rows[r];
			out[n++].user = users;
		}
		users += known;
	}
	return n;
}

static void
test_splits(void **state)
{
	(void) state;
	for (int i = 0; i < SOURCES; i++)
	{
		const source *s = &sources[i];
		row *rows = make_rows(s, (uint64_t) i);
		row *all = mimic_sorted(s, rows);
		row *out = malloc(((size_t) s->n + 1) * sizeof(row));
		bool *hidden = malloc((size_t) s->n + 1);
		int64_t *until = malloc(((size_t) s->users + 1) * sizeof(int64_t));
		building b = {.keep_time = true, .keep_repeats = true};
		reco_interactions x;
		mimic_env m;

		mimic_env_init(&m);
		assert_int_equal(build_matrix_with(&m, s, rows, NULL, &b, &x), RECO_OK);
		for (int kind = RECO_SPLIT_RANDOM; kind <= RECO_SPLIT_TIME && s->n <= 2000; kind++)
		{
			reco_split_rule rule = {.kind = (reco_split_kind) kind,
									.fraction = 0.3,
									.seed = 3,
									.keep_items = true,
									.keep_repeats = true};
			bool by_time = kind != RECO_SPLIT_RANDOM;
			reco_interactions train, test;
			reco_split_counts counts;
			int32_t n;

			if (by_time && !s->has_time)
				continue;
			assert_int_equal(
				reco_split_choose(&m.env, &x, &rule, hidden, by_time ? until : NULL, &counts),
				RECO_OK);
			n = trained_rows(s, all, &x, hidden, by_time ? until : NULL, out);
			assert_int_equal(reco_split(&m.env, &x, &rule, &train, &test, &counts), RECO_OK);
			check_events(&m, out, n, &train, s->name);
			free_matrix(&m, &train);
			free_matrix(&m, &test);
		}
		free_matrix(&m, &x);
		assert_int_equal(m.live, 0);
		free(rows);
		free(all);
		free(out);
		free(hidden);
		free(until);
	}
}

/*
 * A gap of 10: a time that is not known is before all and no gap away, nine are none, ten are one.
 * One user without events has a session that is empty.
 */
static void
test_sessions(void **state)
{
	reco_timed event[] = {{20, 4}, {INT64_MIN, 1}, {0, 2}, {9, 3}, {19, 5}, {29, 6}, {29, 1}};
	int64_t start[] = {0, 7, 7, 9};
	int32_t item[9] = {0};
	float moment[9] = {0};
	reco_ordered o = {start, item, moment, NULL};
	reco_ordered sessions;
	int32_t first[4];
	int32_t n;
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	assert_int_equal(reco_ordered_user(&m.env, event, 7, NULL, 0, 10, item, moment), 7);
	assert_memory_equal(item, ((int32_t[]){1, 2, 3, 5, 4, 1, 6}), 7 * sizeof(int32_t));
	assert_memory_equal(moment, ((float[]){0, 1, 2, 4, 5, 6, 6}), 7 * sizeof(float));
	event[6].time = INT64_MAX;
	assert_int_equal(reco_ordered_user(&m.env, event, 7, NULL, 0, 1000, item, moment), 7);
	assert_memory_equal(moment, ((float[]){0, 1, 2, 3, 4, 5, 7}), 7 * sizeof(float));
	assert_int_equal(reco_ordered_sessions(&m.env, &o, 3, 3, first, &n, &sessions), RECO_INVALID);
	assert_int_equal(m.live, 0);
	assert_int_equal(reco_ordered_sessions(&m.env, &o, 3, 4, first, &n, &sessions), RECO_OK);
	assert_int_equal(n, 4);
	assert_memory_equal(first, ((int32_t[]){0, 2, 3, 4}), sizeof(first));
	assert_memory_equal(sessions.start, ((int64_t[]){0, 6, 7, 7, 9}), 5 * sizeof(int64_t));
	m.env.release(m.env.arg, sessions.start);
	assert_int_equal(m.live, 0);
}

/* Memory that fails and polls that ask for an end leave nothing behind. */
static void
test_ends(void **state)
{
	const source *s = &sources[SOURCES - 1];
	row *rows = make_rows(s, 1);
	building b = {.keep_time = true, .keep_repeats = true};
	reco_timed *long_one = malloc(100000 * sizeof(reco_timed));
	int32_t *item = malloc(100000 * sizeof(int32_t));
	float *moment = malloc(100000 * sizeof(float));
	reco_interactions x;
	reco_ordered o;
	mimic_env m;
	long live;

	(void) state;
	mimic_env_init(&m);
	assert_int_equal(build_matrix_with(&m, s, rows, NULL, &b, &x), RECO_OK);
	live = m.live;
	for (int fail = 1; fail <= 4; fail++)
	{
		m.allocations = 0;
		m.fail_at = fail;
		assert_int_equal(reco_ordered_make(&m.env, &x, true, &o), RECO_NO_MEMORY);
		assert_int_equal(m.live, live);
	}
	m.fail_at = 0;
	free_matrix(&m, &x);
	for (int k = 0; k < 100000; k++)
		long_one[k] = (reco_timed){k * 7919 % 100003, k % 10};
	m.polls = 0;
	m.stop_at = 2;
	assert_int_equal(reco_ordered_user(&m.env, long_one, 100000, NULL, 0, 0, item, moment), -1);
	free(long_one);
	free(item);
	free(moment);
	free(rows);
}

/* Users without events take a moment too, and there may be many. */
static void
test_polls(void **state)
{
	int32_t users = 2000000;
	int64_t *start = calloc((size_t) users + 1, sizeof(int64_t));
	reco_interactions x = {.by_user = {.rows = users, .cols = 1, .start = start}};
	reco_ordered o;
	mimic_env m;
	long polls;

	(void) state;
	mimic_env_init(&m);
	assert_true(reco_ordered_memory(&m.env, &x, false) > (size_t) users * sizeof(int64_t));
	polls = m.polls;
	assert_true(polls >= 2);
	assert_int_equal(reco_ordered_make(&m.env, &x, false, &o), RECO_OK);
	assert_true(m.polls - polls > polls);
	reco_ordered_free(&m.env, &o);
	for (int stop = 1; stop <= polls; stop++)
	{
		m.polls = 0;
		m.stop_at = stop;
		assert_int_equal(reco_ordered_memory(&m.env, &x, false), 0);
	}
	for (int stop = 1; stop <= polls + 1; stop++)
	{
		m.polls = 0;
		m.stop_at = stop;
		assert_int_equal(reco_ordered_make(&m.env, &x, false, &o), RECO_STOPPED);
		assert_int_equal(m.live, 0);
		assert_null(o.start);
	}
	free(start);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sources),  cmocka_unit_test(test_days),   cmocka_unit_test(test_kept),
		cmocka_unit_test(test_sessions), cmocka_unit_test(test_splits), cmocka_unit_test(test_ends),
		cmocka_unit_test(test_polls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
