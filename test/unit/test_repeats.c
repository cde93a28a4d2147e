/*
 * test_repeats.c
 *	  The times of pairs and the rows of those that repeat, from rows to what is trained on:
 *	  through merging, caps and filters (core/data/triples.h).
 *
 * What is right is looked up for each pair among all rows, one by one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "mimic_split.h"

/* The latest time of each pair, users x items. */
static int64_t *
times_of(const source *s, const row *rows)
{
	size_t cells = (size_t) s->users * (size_t) s->items;
	int64_t *time = malloc((cells + 1) * sizeof(int64_t));

	for (size_t c = 0; c < cells; c++)
		time[c] = INT64_MIN;
	for (int32_t r = 0; r < s->n; r++)
	{
		int64_t *at = &time[(size_t) rows[r].user * s->items + rows[r].item];

		*at = rows[r].time > *at ? rows[r].time : *at;
	}
	return time;
}

/* Everything but times. */
static void
assert_same(const reco_interactions *x, const reco_interactions *y)
{
	const reco_csr *a = &x->by_user;
	const reco_csr *b = &y->by_user;
	size_t n = (size_t) a->start[a->rows];

	assert_memory_equal(a->start, b->start, ((size_t) a->rows + 1) * sizeof(int64_t));
	assert_int_equal(a->value != NULL, b->value != NULL);
	assert_int_equal(x->latest != NULL, y->latest != NULL);
	for (size_t e = 0; e < n; e++)
		if (a->col[e] != b->col[e] || (a->value && a->value[e] != b->value[e]) ||
			(x->latest && x->latest[e] != y->latest[e]))
			fail_msg("entry %zu differs", e);
}

/* user and item: the numbers that those of x had in the rows. */
static void
assert_times(const source *s, const int64_t *time, const reco_interactions *x, const int32_t *user,
			 const int32_t *item)
{
	const reco_csr *a = &x->by_user;

	assert_int_equal(x->time != NULL, s->has_time);
	for (int32_t u = 0; u < a->rows && x->time; u++)
		for (int64_t e = a->start[u]; e < a->start[u + 1]; e++)
			if (x->time[e] != time[(size_t) user[u] * s->items + item[a->col[e]]])
				fail_msg("%s: the time of user %d and item %d", s->name, user[u], item[a->col[e]]);
}

/*
 * The rows of repeats are those of the pairs of x that have several; user and item: the numbers
 * that those of x had in the rows.
 */
static void
assert_repeats(const source *s, const row *rows, const reco_interactions *x, const int32_t *user,
			   const int32_t *item)
{
	const reco_csr *a = &x->by_user;
	row *sorted = mimic_sorted(s, rows);
	int32_t r = 0;
	int64_t at = 0;

	assert_int_equal(x->repeats.start != NULL, x->latest != NULL);
	assert_int_equal(x->repeats.time != NULL, x->latest != NULL && s->has_time);
	for (int32_t u = 0; u < a->rows && x->latest; u++)
	{
		assert_int_equal(x->repeats.start[u], at);
		for (int64_t e = a->start[u]; e < a->start[u + 1]; e++)
		{
			int32_t n = 0;

			while (sorted[r].user != user[u] || sorted[r].item != item[a->col[e]])
				r++;
			while (r + n < s->n && sorted[r + n].user == sorted[r].user &&
				   sorted[r + n].item == sorted[r].item)
				n++;
			for (int32_t k = 0; k < n && n > 1; k++, at++)
				if (x->repeats.row[at].item != a->col[e] ||
					x->repeats.row[at].value != sorted[r + k].value ||
					(s->has_time && x->repeats.time[at] != sorted[r + k].time))
					fail_msg("%s: a repeat of user %d and item %d", s->name, user[u],
							 sorted[r].item);
			r += n;
		}
	}
	if (x->latest)
		assert_int_equal(x->repeats.start[a->rows], at);
	free(sorted);
}

/* The numbers that are left, in order. */
static void
turn_round(const int32_t *map, int32_t n, int32_t *out)
{
	for (int32_t k = 0; k < n; k++)
		if (map[k] >= 0)
			out[map[k]] = k;
}

static void
check_filter(mimic_env *m, const source *s, const row *rows, const int64_t *time,
			 reco_interactions *x, int32_t min)
{
	int32_t *map = malloc(((size_t) s->users + s->items + 1) * sizeof(int32_t));
	int32_t *from = malloc(((size_t) s->users + s->items + 1) * sizeof(int32_t));

	assert_int_equal(reco_interactions_filter(&m->env, x, min, min + 1, map, map + s->users),
					 RECO_OK);
	turn_round(map, s->users, from);
	turn_round(map + s->users, s->items, from + s->users);
	assert_times(s, time, x, from, from + s->users);
	assert_repeats(s, rows, x, from, from + s->users);
	free(map);
	free(from);
}

static void
test_times(void **state)
{
	static const int64_t caps[] = {0, 1, 7, 100000};

	(void) state;
	for (int i = 0; i < SOURCES; i++)
	{
		const source *s = &sources[i];
		row *rows = make_rows(s, (uint64_t) i);
		int64_t *time = times_of(s, rows);
		int32_t *order = malloc(((size_t) s->n + s->users + s->items + 1) * sizeof(int32_t));
		int32_t *number = order + s->n;
		uint64_t seed = 5;
		mimic_env m;

		mimic_env_init(&m);
		mimic_shuffle(&seed, order, s->n);
		for (int32_t k = 0; k < s->users + s->items; k++)
			number[k] = k < s->users ? k : k - s->users;
		for (size_t c = 0; c < sizeof(caps) / sizeof(caps[0]); c++)
		{
			building bare = {.max_row = caps[c]};
			building b = {.max_row = caps[c], .keep_time = true, .keep_repeats = true};
			building times = {.max_row = caps[c], .keep_time = true};
			reco_interactions x, y;
			size_t before;

			assert_int_equal(build_matrix_with(&m, s, rows, NULL, &bare, &y), RECO_OK);
			assert_null(y.time);
			assert_null(y.repeats.start);
			before = m.bytes;
			assert_int_equal(build_matrix_with(&m, s, rows, NULL, &times, &x), RECO_OK);
			/* 8 bytes a row, and nothing where there are no times */
			assert_true(m.bytes - before <=
						before + (s->has_time ? ((size_t) s->n + 1) * sizeof(int64_t) : 0));
			free_matrix(&m, &x);
			assert_int_equal(build_matrix_with(&m, s, rows, order, &b, &x), RECO_OK);
			assert_same(&x, &y);
			assert_times(s, time, &x, number, number + s->users);
			assert_repeats(s, rows, &x, number, number + s->users);
			check_filter(&m, s, rows, time, &x, 1 + (int32_t) c);
			free_matrix(&m, &x);
			free_matrix(&m, &y);
		}
		assert_int_equal(m.live, 0);
		free(order);
		free(time);
		free(rows);
	}
}

/* Few rows among very many items are sorted in another way. */
static void
test_wide(void **state)
{
	static const source wide = {"wide", 40, 100000, 400, true, true, 30, false, 1};
	row *rows = make_rows(&wide, 3);
	int32_t *number = malloc((size_t) wide.items * sizeof(int32_t));
	int64_t *time;

	(void) state;
	for (int32_t r = 200; r < wide.n; r++)
	{
		rows[r].user = rows[r - 200].user;
		rows[r].item = rows[r - 200].item;
	}
	for (int32_t k = 0; k < wide.items; k++)
		number[k] = k;
	time = times_of(&wide, rows);
	for (int64_t max = 0; max < 4; max += 3)
	{
		building b = {.max_row = max, .keep_time = true, .keep_repeats = true};
		reco_interactions x;
		mimic_env m;

		mimic_env_init(&m);
		assert_int_equal(build_matrix_with(&m, &wide, rows, NULL, &b, &x), RECO_OK);
		assert_times(&wide, time, &x, number, number);
		assert_repeats(&wide, rows, &x, number, number);
		free_matrix(&m, &x);
	}
	free(number);
	free(time);
	free(rows);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_wide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
