/*
 * test_cancel.c
 *	  Rows that take back others, against a slow search for each of them; and rows that wait.
 *
 * The mimic takes the rows that cancel in their order, and looks through all others for the latest
 * that has something to be taken back, again and again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/waiting.h"
#include "mimic_env.h"

typedef struct shape
{
	const char *name;
	int32_t n, users, items;
	int64_t times;  /* 0: one time, 1: none is known */
	int cancelling; /* in a hundred */
	int unseen;     /* likewise, of the others */
} shape;

static const shape shapes[] = {
	{"none", 0, 1, 1, 10, 10, 0},
	{"nobody cancels", 500, 20, 20, 50, 0, 10},
	{"all cancel", 500, 5, 5, 50, 100, 0},
	{"some", 3000, 20, 20, 30, 20, 20},
	{"one pair", 1500, 1, 1, 1000, 30, 10},
	{"one pair, few times", 1500, 1, 1, 3, 30, 10},
	{"without times", 2000, 10, 10, 0, 25, 10},
	{"many pairs", 5000, 60, 60, 1000, 3, 0},
	{"some times are not known", 2000, 8, 8, 40, 30, 0},
};

#define SHAPES ((int) (sizeof(shapes) / sizeof(shapes[0])))

/* Quarters, so that differences are exact. */
static reco_deed *
make_rows(const shape *s, uint64_t seed)
{
	reco_deed *row = malloc(((size_t) s->n + 1) * sizeof(reco_deed));

	for (int32_t r = 0; r < s->n; r++)
	{
		int kind = (int) mimic_below(&seed, 100);

		memset(&row[r], 0, sizeof(reco_deed));
		row[r].user = (int32_t) mimic_below(&seed, s->users);
		row[r].item = (int32_t) mimic_below(&seed, s->items);
		row[r].time = s->times ? mimic_below(&seed, s->times) : 0;
		if (mimic_below(&seed, 30) == 0)
			row[r].time = INT64_MIN;
		if (mimic_below(&seed, 50) == 0)
			row[r].time = INT64_MAX;
		row[r].cancels = kind < s->cancelling;
		row[r].plain = (float) (mimic_below(&seed, 20) - (row[r].cancels ? 0 : 3)) / 4;
		row[r].learnt = !row[r].cancels && mimic_below(&seed, 10) > 0;
		row[r].seen = !row[r].cancels && (mimic_below(&seed, 100) >= s->unseen || !row[r].learnt);
		row[r].value = row[r].learnt ? row[r].plain * (float) (1 << mimic_below(&seed, 3)) : 0;
	}
	return row;
}

/* The order in which rows of a time are taken back, the last first, and in which they cancel. */
static int
by_worth(const reco_deed *a, const reco_deed *b)
{
	if (a->plain != b->plain)
		return a->plain < b->plain ? -1 : 1;
	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	if (a->learnt != b->learnt)
		return a->learnt ? 1 : -1;
	return a->seen - b->seen;
}

/* Rows that are left; the counts. */
static int64_t
mimic_cancel(const reco_deed *given, int64_t n, reco_deed *left, reco_cancelled *counts)
{
	reco_deed *row = malloc(((size_t) n + 1) * sizeof(reco_deed));
	bool *done = calloc((size_t) n + 1, sizeof(bool));
	int64_t to = 0;

	memcpy(row, given, (size_t) n * sizeof(reco_deed));
	for (int64_t k = 0; k < n; k++)
		row[k].left = row[k].plain;
	for (;;)
	{
		int64_t next = -1;
		double amount;

		for (int64_t k = 0; k < n; k++)
			if (row[k].cancels && !done[k] &&
				(next < 0 || row[k].time < row[next].time ||
				 (row[k].time == row[next].time && by_worth(&row[k], &row[next]) < 0)))
				next = k;
		if (next < 0)
			break;
		done[next] = true;
		counts->cancelling++;
		for (amount = row[next].plain; amount > 0;)
		{
			int64_t last = -1;

			for (int64_t k = 0; k < n; k++)
				if (!row[k].cancels && row[k].seen && row[k].left > 0 &&
					row[k].user == row[next].user && row[k].item == row[next].item &&
					row[k].time <= row[next].time &&
					(last < 0 || row[k].time > row[last].time ||
					 (row[k].time == row[last].time &&
					  /* one that is begun is the first of its equals */
					  (by_worth(&row[k], &row[last]) > 0 ||
					   (by_worth(&row[k], &row[last]) == 0 && row[k].left < row[last].left)))))
					last = k;
			if (last < 0)
				break;
			if (row[last].left > amount)
			{
				row[last].left -= (float) amount;
				amount = 0;
			}
			else
			{
				amount -= row[last].left;
				row[last].left = 0;
			}
		}
		counts->unmatched += amount > 0;
	}
	for (int64_t k = 0; k < n; k++)
	{
		bool taken = !row[k].cancels && row[k].plain > 0 && row[k].left <= 0;

		counts->whole += taken;
		counts->in_part += !taken && row[k].left != row[k].plain;
		if (row[k].cancels || taken)
			continue;
		left[to] = row[k];
		if (row[k].left != row[k].plain)
			left[to].value = (float) (row[k].value * ((double) row[k].left / row[k].plain));
		left[to].plain = row[k].left;
		to++;
	}
	free(done);
	free(row);
	return to;
}

static int
compare_rows(const void *a, const void *b)
{
	const reco_deed *x = a;
	const reco_deed *y = b;

	if (x->user != y->user)
		return x->user < y->user ? -1 : 1;
	if (x->item != y->item)
		return x->item < y->item ? -1 : 1;
	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return by_worth(x, y);
}

static void
assert_same_rows(reco_deed *a, reco_deed *b, int64_t n)
{
	qsort(a, (size_t) n, sizeof(reco_deed), compare_rows);
	qsort(b, (size_t) n, sizeof(reco_deed), compare_rows);
	for (int64_t k = 0; k < n; k++)
	{
		assert_int_equal(compare_rows(&a[k], &b[k]), 0);
		assert_true(a[k].left == b[k].left);
	}
}

static void
assert_same_counts(const reco_cancelled *a, const reco_cancelled *b)
{
	assert_int_equal(a->whole, b->whole);
	assert_int_equal(a->in_part, b->in_part);
	assert_int_equal(a->cancelling, b->cancelling);
	assert_int_equal(a->unmatched, b->unmatched);
}

static void
shuffle(uint64_t *seed, const reco_deed *from, int32_t n, reco_deed *to)
{
	int32_t *order = malloc(((size_t) n + 1) * sizeof(int32_t));

	mimic_shuffle(seed, order, n);
	for (int32_t k = 0; k < n; k++)
		to[k] = from[order[k]];
	free(order);
}

static void
test_against_search(void **state)
{
	reco_cancelled all = {0};

	(void) state;
	for (int i = 0; i < SHAPES; i++)
	{
		const shape *s = &shapes[i];
		reco_deed *row = make_rows(s, (uint64_t) i);
		reco_deed *left = malloc(((size_t) s->n + 1) * sizeof(reco_deed));
		reco_deed *some = malloc(((size_t) s->n + 1) * sizeof(reco_deed));
		reco_cancelled wanted = {0};
		int64_t n = mimic_cancel(row, s->n, left, &wanted);
		uint64_t seed = 7;
		mimic_env m;

		mimic_env_init(&m);
		for (int round = 0; round < 3; round++)
		{
			reco_cancelled counts = {0};

			shuffle(&seed, row, s->n, some);
			assert_int_equal(reco_cancel(&m.env, some, s->n, &counts), n);
			assert_same_counts(&counts, &wanted);
			assert_same_rows(some, left, n);
		}
		all.whole += wanted.whole;
		all.in_part += wanted.in_part;
		all.unmatched += wanted.unmatched;
		free(some);
		free(left);
		free(row);
	}
	assert_true(all.whole > 0 && all.in_part > 0 && all.unmatched > 0);
}

/* What was given to triples, as rows without what triples do not have. */
static int64_t
rows_of(const reco_triples *t, reco_deed *out)
{
	for (int64_t r = 0; r < reco_triples_rows(t); r++)
	{
		reco_chunk *chunk = t->chunk[r / RECO_CHUNK_ROWS];
		int64_t k = r % RECO_CHUNK_ROWS;

		memset(&out[r], 0, sizeof(reco_deed));
		out[r].user = chunk->user[k];
		out[r].item = chunk->item[k];
		out[r].value = reco_chunk_value(t, chunk, (int) k);
		out[r].time = reco_chunk_time(t, chunk)[k];
	}
	return reco_triples_rows(t);
}

/* Likewise of rows that are left. */
static int64_t
expected_of(const reco_deed *row, int64_t n, bool seen, reco_deed *out)
{
	int64_t to = 0;

	for (int64_t k = 0; k < n; k++)
	{
		if (seen ? !row[k].seen : !row[k].learnt)
			continue;
		memset(&out[to], 0, sizeof(reco_deed));
		out[to].user = row[k].user;
		out[to].item = row[k].item;
		out[to].time = row[k].time;
		out[to++].value = seen ? row[k].plain : row[k].value;
	}
	return to;
}

static void
check_waiting(const shape *s, const reco_deed *row, int64_t oldest)
{
	size_t bytes = ((size_t) s->n + 1) * sizeof(reco_deed);
	reco_deed *young = malloc(bytes), *left = malloc(bytes);
	reco_deed *wanted = malloc(bytes), *given = malloc(bytes);
	reco_cancelled counts = {0};
	reco_waited waited = {0};
	reco_triples t[2];
	reco_waiting w;
	int64_t n = 0;
	int64_t latest = INT64_MIN;
	int64_t found;
	int64_t not_learnt = 0;
	mimic_env m;

	mimic_env_init(&m);
	reco_waiting_init(&w, &m.env);
	reco_triples_init(&t[0], &m.env, true, true);
	reco_triples_init(&t[1], &m.env, true, true);
	for (int32_t k = 0; k < s->n; k++)
	{
		assert_true(reco_waiting_add(&w, &row[k]));
		if (row[k].time >= oldest)
			young[n++] = row[k];
		if (row[k].time < 20 && row[k].time > latest)
			latest = row[k].time;
	}
	assert_true(reco_waiting_latest(&w, 19, &found));
	assert_true(found == latest);
	assert_int_equal(reco_waiting_finish(&w, oldest, &t[0], &t[1], &waited), RECO_OK);
	assert_int_equal(waited.too_old, s->n - n);
	n = mimic_cancel(young, n, left, &counts);
	assert_same_counts(&waited.cancelled, &counts);
	for (int seen = 0; seen < 2; seen++)
	{
		int64_t some = expected_of(left, n, seen, wanted);

		assert_int_equal(rows_of(&t[seen], given), some);
		assert_same_rows(given, wanted, some);
		reco_triples_free(&t[seen]);
	}
	for (int64_t k = 0; k < n; k++)
		not_learnt += !left[k].learnt;
	assert_int_equal(waited.not_learnt, not_learnt);
	assert_int_equal(m.live, 0);
	free(given);
	free(wanted);
	free(left);
	free(young);
}

static void
test_waiting(void **state)
{
	(void) state;
	for (int i = 0; i < SHAPES; i++)
	{
		reco_deed *row = make_rows(&shapes[i], (uint64_t) i);

		check_waiting(&shapes[i], row, INT64_MIN);
		check_waiting(&shapes[i], row, 10);
		check_waiting(&shapes[i], row, INT64_MAX);
		free(row);
	}
}

static reco_deed
deed(int64_t time, float plain, bool cancels)
{
	return (reco_deed){.time = time,
					   .value = plain,
					   .plain = plain,
					   .learnt = !cancels,
					   .seen = !cancels,
					   .cancels = cancels};
}

/* By hand, so that the conventions can be read off. */
static void
test_conventions(void **state)
{
	static const struct
	{
		reco_deed row[4];
		int n;
		float left[4]; /* by time; 0: gone */
		reco_cancelled counts;
	} cases[] = {
		/* the latest first, the earlier in part */
		{{{1, 0, 0, 5, 5, 0, 1, 1, 0}, {2, 0, 0, 2, 2, 0, 1, 1, 0}, {3, 0, 0, 0, 4, 0, 0, 0, 1}},
		 3,
		 {3},
		 {1, 1, 1, 0}},
		/* on the same day; a day too early */
		{{{1, 0, 0, 2, 2, 0, 1, 1, 0}, {1, 0, 0, 0, 2, 0, 0, 0, 1}}, 2, {0}, {1, 0, 1, 0}},
		{{{1, 0, 0, 2, 2, 0, 1, 1, 0}, {0, 0, 0, 0, 2, 0, 0, 0, 1}}, 2, {2}, {0, 0, 1, 1}},
		/* more than was bought, again and again */
		{{{1, 0, 0, 2, 2, 0, 1, 1, 0},
		  {2, 0, 0, 0, 3, 0, 0, 0, 1},
		  {3, 0, 0, 0, 1, 0, 0, 0, 1},
		  {4, 0, 0, 7, 7, 0, 1, 1, 0}},
		 4,
		 {7},
		 {1, 0, 2, 2}},
		/* nothing, and of nothing */
		{{{1, 0, 0, 0, 0, 0, 1, 1, 0}, {2, 0, 0, 0, 0, 0, 0, 0, 1}}, 2, {0}, {0, 0, 1, 0}},
		/* of what does not count as seen, and of what is less than nothing */
		{{{1, 0, 0, 2, 2, 0, 1, 0, 0}, {1, 0, 0, -2, -2, 0, 1, 1, 0}, {3, 0, 0, 0, 1, 0, 0, 0, 1}},
		 3,
		 {-2, 2},
		 {0, 0, 1, 1}},
	};
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
	{
		reco_cancelled counts = {0};
		reco_deed row[4];
		int64_t n;
		int64_t wanted = cases[c].n - cases[c].counts.whole - cases[c].counts.cancelling;

		memcpy(row, cases[c].row, sizeof(row));
		n = reco_cancel(&m.env, row, cases[c].n, &counts);
		assert_int_equal(n, wanted);
		assert_same_counts(&counts, &cases[c].counts);
		for (int64_t k = 0; k < n; k++)
		{
			float left = row[k].plain;
			bool found = false;

			for (int w = 0; w < wanted; w++)
				found = found || cases[c].left[w] == left;
			assert_true(found);
			assert_true(row[k].value == left);
		}
	}
}

/* A kilogram goes by tenths, and what rounding leaves is nothing. */
static void
test_rounding(void **state)
{
	reco_deed row[11] = {deed(0, 1, false)};
	reco_cancelled counts = {0};
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	for (int k = 1; k <= 10; k++)
		row[k] = deed(k, 0.1f, true);
	assert_int_equal(reco_cancel(&m.env, row, 11, &counts), 0);
	assert_int_equal(counts.whole, 1);
	assert_int_equal(counts.in_part, 0);
	assert_int_equal(counts.unmatched, 0);
	row[0] = deed(0, 0.1f, false);
	row[1] = deed(0, 0.2f, false);
	row[2] = deed(1, 0.3f, true);
	assert_int_equal(reco_cancel(&m.env, row, 3, &counts), 0);
	assert_int_equal(counts.unmatched, 0);
	/* as large as a value may be, and as small */
	row[0] = deed(0, 1e18f, false);
	row[1] = deed(1, 5e17f, true);
	assert_int_equal(reco_cancel(&m.env, row, 2, &counts), 1);
	assert_true(row[0].plain == 5e17f);
	row[0] = deed(0, 1e-45f, false);
	row[1] = deed(1, 1e-45f, true);
	assert_int_equal(reco_cancel(&m.env, row, 2, &counts), 0);
}

/* A chunk and more, without memory at any allocation, and asked to end at any poll. */
static void
test_failures(void **state)
{
	static const shape large = {"large", 150000, 300, 300, 1000, 10, 10};
	reco_deed *row = make_rows(&large, 1);
	bool finished[2] = {false, false};

	(void) state;
	for (int at = 1; at < 200 && !(finished[0] && finished[1]); at++)
		for (int stop = 0; stop < 2; stop++)
		{
			reco_triples t[2];
			reco_waiting w;
			reco_waited waited = {0};
			reco_status status = RECO_NO_MEMORY;
			bool added = true;
			int64_t latest;
			mimic_env m;

			mimic_env_init(&m);
			m.fail_at = stop ? 0 : at;
			m.stop_at = stop ? at : 0;
			reco_waiting_init(&w, &m.env);
			reco_triples_init(&t[0], &m.env, true, true);
			reco_triples_init(&t[1], &m.env, true, true);
			for (int32_t k = 0; k < large.n && added; k++)
				added = reco_waiting_add(&w, &row[k]);
			if (added)
				status = reco_waiting_latest(&w, 0, &latest)
							 ? reco_waiting_finish(&w, 0, &t[0], &t[1], &waited)
							 : RECO_STOPPED;
			finished[stop] = status == RECO_OK;
			if (status != RECO_OK)
				assert_int_equal(status, stop ? RECO_STOPPED : RECO_NO_MEMORY);
			reco_waiting_free(&w);
			reco_triples_free(&t[0]);
			reco_triples_free(&t[1]);
			assert_int_equal(m.live, 0);
		}
	assert_true(finished[0] && finished[1]);
	free(row);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_search), cmocka_unit_test(test_waiting),
		cmocka_unit_test(test_conventions),    cmocka_unit_test(test_rounding),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
