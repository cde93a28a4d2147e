/*
 * test_split.c
 *	  The times of pairs, from rows to what is trained on: through repeats, caps, filters and
 *	  the split; and the split itself (core/ranking/split.h).
 *
 * What is right is looked up for each pair among all rows, one by one.
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
#include "mimic_csr.h"

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

/* The numbers that are left, in order. */
static void
turn_round(const int32_t *map, int32_t n, int32_t *out)
{
	for (int32_t k = 0; k < n; k++)
		if (map[k] >= 0)
			out[map[k]] = k;
}

static void
check_filter(mimic_env *m, const source *s, const int64_t *time, reco_interactions *x, int32_t min)
{
	int32_t *map = malloc(((size_t) s->users + s->items + 1) * sizeof(int32_t));
	int32_t *from = malloc(((size_t) s->users + s->items + 1) * sizeof(int32_t));

	assert_int_equal(reco_interactions_filter(&m->env, x, min, min + 1, map, map + s->users),
					 RECO_OK);
	turn_round(map, s->users, from);
	turn_round(map + s->users, s->items, from + s->users);
	assert_times(s, time, x, from, from + s->users);
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
			building b = {.max_row = caps[c], .keep_time = true};
			reco_interactions x, y;
			size_t before;

			assert_int_equal(build_matrix_with(&m, s, rows, NULL, &bare, &y), RECO_OK);
			assert_null(y.time);
			before = m.bytes;
			assert_int_equal(build_matrix_with(&m, s, rows, order, &b, &x), RECO_OK);
			/* 8 bytes a row, and nothing where there are no times */
			assert_true(m.bytes - before <=
						before + (s->has_time ? ((size_t) s->n + 1) * sizeof(int64_t) : 0));
			assert_same(&x, &y);
			assert_times(s, time, &x, number, number + s->users);
			check_filter(&m, s, time, &x, 1 + (int32_t) c);
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
		building b = {.max_row = max, .keep_time = true};
		reco_interactions x;
		mimic_env m;

		mimic_env_init(&m);
		assert_int_equal(build_matrix_with(&m, &wide, rows, NULL, &b, &x), RECO_OK);
		assert_times(&wide, time, &x, number, number);
		free_matrix(&m, &x);
	}
	free(number);
	free(time);
	free(rows);
}

static bool
is_same_entry(const reco_interactions *x, int64_t e, const reco_interactions *y, int64_t f)
{
	return x->by_user.col[e] == y->by_user.col[f] &&
		   (!x->by_user.value || x->by_user.value[e] == y->by_user.value[f]) &&
		   (!x->latest || x->latest[e] == y->latest[f]) && (!x->time || x->time[e] == y->time[f]);
}

static void
check_parts(const reco_interactions *x, const reco_interactions *part)
{
	assert_int_equal(part->by_user.rows, x->by_user.rows);
	assert_int_equal(part->by_user.cols, x->by_user.cols);
	assert_int_equal(part->by_user.value != NULL, x->by_user.value != NULL);
	assert_int_equal(part->latest != NULL, x->latest != NULL);
	assert_int_equal(part->time != NULL, x->time != NULL);
}

/* Each interaction is in the part that reco_hold_out says, as it was, and in its order. */
static void
check_split(mimic_env *m, const reco_interactions *x, double fraction, uint64_t seed)
{
	const int64_t *start = x->by_user.start;
	int64_t entries = start[x->by_user.rows];
	bool *held = malloc((size_t) entries + 1);
	uint64_t *scratch = malloc(((size_t) entries + 1) * sizeof(uint64_t));
	size_t whole = m->bytes;
	int64_t at[2] = {0, 0};
	reco_interactions part[2];

	m->peak = m->bytes;
	assert_int_equal(reco_split(&m->env, x, fraction, seed, &part[0], &part[1]), RECO_OK);
	assert_true(m->peak <= 2 * whole + ((size_t) entries + 1) * 9 +
							   ((size_t) x->by_user.rows + 20) * sizeof(int64_t));
	check_parts(x, &part[0]);
	check_parts(x, &part[1]);
	for (int32_t u = 0; u < x->by_user.rows; u++)
	{
		int64_t n = start[u + 1] - start[u];
		int64_t hidden = (int64_t) floor(fraction * (double) n + 0.5);

		hidden = n == 0 ? 0 : hidden > n - 1 ? n - 1 : hidden;
		assert_int_equal(part[0].by_user.start[u], at[0]);
		assert_int_equal(part[1].by_user.start[u], at[1]);
		assert_int_equal(
			reco_hold_out(&m->env, seed, u, x->by_user.col + start[u], n, hidden, scratch, held),
			RECO_OK);
		for (int64_t k = 0; k < n; k++)
			if (!is_same_entry(x, start[u] + k, &part[held[k]], at[held[k]]++))
				fail_msg("user %d, interaction %d", u, (int) k);
		assert_int_equal(at[1] - part[1].by_user.start[u], hidden);
	}
	assert_int_equal(part[0].by_user.start[x->by_user.rows], at[0]);
	assert_int_equal(part[1].by_user.start[x->by_user.rows], at[1]);
	free_matrix(m, &part[0]);
	free_matrix(m, &part[1]);
	assert_int_equal(m->bytes, whole);
	free(held);
	free(scratch);
}

static void
test_split(void **state)
{
	static const double fractions[] = {1e-9, 0.2, 0.5, 1 - 1e-9};

	(void) state;
	for (int i = 0; i < SOURCES; i++)
		for (int keep = 0; keep <= 1; keep++)
		{
			const source *s = &sources[i];
			row *rows = make_rows(s, (uint64_t) i);
			building b = {.keep_time = keep == 1};
			reco_interactions x;
			mimic_env m;

			mimic_env_init(&m);
			assert_int_equal(build_matrix_with(&m, s, rows, NULL, &b, &x), RECO_OK);
			for (size_t f = 0; f < sizeof(fractions) / sizeof(fractions[0]); f++)
				check_split(&m, &x, fractions[f], (uint64_t) i + f);
			free_matrix(&m, &x);
			assert_int_equal(m.live, 0);
			free(rows);
		}
}

/* Whatever ends it, nothing is left. */
static void
test_ends(void **state)
{
	static const source s = {"ends", 3, 300, 4000, true, true, 50, false, 1};
	static const source large = {"large", 3, 200000, 500000, true, true, 50, false, 1};

	(void) state;
	for (int stop = 0; stop <= 1; stop++)
	{
		const source *of = stop ? &large : &s;
		row *rows = make_rows(of, 1);
		building b = {.keep_time = true};
		reco_status status = RECO_STOPPED;
		reco_interactions x, train, hidden;
		long n = 0;
		long live;
		mimic_env m;

		mimic_env_init(&m);
		assert_int_equal(build_matrix_with(&m, of, rows, NULL, &b, &x), RECO_OK);
		live = m.live;
		while (status != RECO_OK)
		{
			n++;
			m.allocations = m.polls = 0;
			m.fail_at = stop ? 0 : n;
			m.stop_at = stop ? n : 0;
			status = reco_split(&m.env, &x, 0.3, 1, &train, &hidden);
			assert_true(status == RECO_OK || status == (stop ? RECO_STOPPED : RECO_NO_MEMORY));
			if (status != RECO_OK)
				assert_int_equal(m.live, live);
		}
		assert_int_equal(n > 3, true);
		free_matrix(&m, &train);
		free_matrix(&m, &hidden);
		free_matrix(&m, &x);
		assert_int_equal(m.live, 0);
		free(rows);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
