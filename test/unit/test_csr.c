/*
 * test_csr.c
 *	  From triples to matrices, against a dense table filled row by row.
 *
 * The table is a cell for every (user, item): sums in long double, so it shares
 * neither the order of additions nor the sorts with the kernel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mimic_csr.h"

/* What the dense table knows of a pair. */
typedef struct cell
{
	int32_t count;
	int32_t last_count;
	int64_t last;
	long double sum;
	long double size; /* of what was added, for a tolerance */
	long double last_sum;
} cell;

static cell *
make_table(const source *s, const row *rows)
{
	cell *table = calloc((size_t) s->users * (size_t) s->items + 1, sizeof(cell));

	for (int32_t r = 0; r < s->n; r++)
	{
		cell *c = &table[(size_t) rows[r].user * s->items + rows[r].item];
		int64_t time = s->has_time ? rows[r].time : 0;
		float value = s->has_value ? rows[r].value : 1;

		if (c->count == 0 || time > c->last)
		{
			c->last = time;
			c->last_sum = 0;
			c->last_count = 0;
		}
		if (time == c->last)
		{
			c->last_sum += value;
			c->last_count++;
		}
		c->count++;
		c->sum += value;
		c->size += fabsf(value);
	}
	return table;
}

static void
assert_near(float value, long double wanted, long double size)
{
	if (!(fabsl(value - wanted) <= fabsl(wanted) * 0x1p-23L + size * 1e-14L))
		fail_msg("%.9g instead of %.12Lg", value, wanted);
}

static void
assert_matches(const source *s, const cell *table, const reco_interactions *x)
{
	const reco_csr *a = &x->by_user;
	int64_t pairs = 0;
	bool all_ones = true;
	bool repeats = false;

	assert_int_equal(a->rows, s->users);
	assert_int_equal(a->cols, s->items);
	assert_int_equal(a->start[0], 0);
	for (int32_t u = 0; u < s->users; u++)
	{
		int64_t e = a->start[u];

		for (int32_t i = 0; i < s->items; i++)
		{
			const cell *c = &table[(size_t) u * s->items + i];

			if (c->count == 0)
				continue;
			pairs++;
			if (e >= a->start[u + 1] || a->col[e] != i)
				fail_msg("%s: user %d lacks item %d", s->name, u, i);
			repeats = repeats || c->count > 1;
			all_ones = all_ones && c->sum == 1;
			assert_near(a->value ? a->value[e] : 1, c->sum, c->size);
			if (x->latest)
				assert_near(x->latest[e], c->last_sum / c->last_count, c->size);
			e++;
		}
		assert_int_equal(e, a->start[u + 1]);
	}
	assert_int_equal(x->merged, s->n - pairs);
	assert_int_equal(x->latest != NULL, repeats);
	if (all_ones && !repeats)
		assert_null(a->value);
}

static void
assert_same(const reco_interactions *x, const reco_interactions *y)
{
	const reco_csr *a = &x->by_user;
	const reco_csr *b = &y->by_user;
	size_t n = (size_t) a->start[a->rows];

	assert_int_equal(a->rows, b->rows);
	assert_int_equal(a->cols, b->cols);
	assert_memory_equal(a->start, b->start, ((size_t) a->rows + 1) * sizeof(int64_t));
	assert_int_equal(a->value != NULL, b->value != NULL);
	assert_int_equal(x->latest != NULL, y->latest != NULL);
	assert_int_equal(x->merged, y->merged);
	if (n == 0)
		return;
	assert_memory_equal(a->col, b->col, n * sizeof(int32_t));
	if (a->value)
		assert_memory_equal(a->value, b->value, n * sizeof(float));
	if (x->latest)
		assert_memory_equal(x->latest, y->latest, n * sizeof(float));
}

static void
test_build(void **state)
{
	(void) state;
	for (int i = 0; i < SOURCES; i++)
	{
		const source *s = &sources[i];
		row *rows = make_rows(s, (uint64_t) i);
		cell *table = make_table(s, rows);
		mimic_env m;
		reco_interactions x;

		mimic_env_init(&m);
		assert_int_equal(build_matrix(&m, s, rows, NULL, &x), RECO_OK);
		assert_matches(s, table, &x);
		free_matrix(&m, &x);
		assert_int_equal(m.live, 0);
		free(table);
		free(rows);
	}
}

static void
test_order_of_rows(void **state)
{
	(void) state;
	for (int i = 0; i < SOURCES; i++)
	{
		const source *s = &sources[i];
		row *rows = make_rows(s, (uint64_t) i);
		int32_t *order = malloc(((size_t) s->n + 1) * sizeof(int32_t));
		uint64_t seed = 77;
		mimic_env m;
		reco_interactions x, y;

		mimic_env_init(&m);
		assert_int_equal(build_matrix(&m, s, rows, NULL, &x), RECO_OK);
		for (int round = 0; round < (s->n > 10000 ? 2 : 5); round++)
		{
			mimic_shuffle(&seed, order, s->n);
			assert_int_equal(build_matrix(&m, s, rows, order, &y), RECO_OK);
			assert_same(&x, &y);
			free_matrix(&m, &y);
		}
		free_matrix(&m, &x);
		assert_int_equal(m.live, 0);
		free(order);
		free(rows);
	}
}

/* Times and rows of repeats, where they are kept. */
static void
assert_same_kept(const reco_interactions *x, const reco_interactions *y)
{
	const int64_t *start = x->repeats.start;
	int32_t users = x->by_user.rows;
	size_t n = (size_t) x->by_user.start[users];

	assert_int_equal(x->time != NULL, y->time != NULL);
	if (x->time && n > 0)
		assert_memory_equal(x->time, y->time, n * sizeof(int64_t));
	assert_int_equal(start != NULL, y->repeats.start != NULL);
	if (start == NULL)
		return;
	assert_memory_equal(start, y->repeats.start, ((size_t) users + 1) * sizeof(int64_t));
	n = (size_t) start[users];
	if (n > 0)
		assert_memory_equal(x->repeats.row, y->repeats.row, n * sizeof(reco_entry));
	if (n > 0 && x->repeats.time)
		assert_memory_equal(x->repeats.time, y->repeats.time, n * sizeof(int64_t));
}

/* Any number of threads, and work that is left and taken up again, make the same bits. */
static void
check_threads(const source *s, const row *rows)
{
	for (int kind = 0; kind < 8; kind++)
	{
		building b = {
			.keep_time = kind & 1, .keep_repeats = kind & 2, .max_row = kind & 4 ? 30 : 0};
		mimic_env m;
		reco_interactions x, y;

		mimic_env_init(&m);
		assert_int_equal(build_matrix_with(&m, s, rows, NULL, &b, &x), RECO_OK);
		m.env.due = mimic_always_due;
		for (int threads = 1; threads <= 3; threads += 2)
		{
			m.env.threads = threads;
			assert_int_equal(build_matrix_with(&m, s, rows, NULL, &b, &y), RECO_OK);
			assert_same(&x, &y);
			assert_same_kept(&x, &y);
			free_matrix(&m, &y);
		}
		free_matrix(&m, &x);
		assert_int_equal(m.live, 0);
	}
}

static void
test_threads(void **state)
{
	(void) state;
	for (int i = 0; i < SOURCES; i++)
	{
		row *rows = make_rows(&sources[i], (uint64_t) i);

		check_threads(&sources[i], rows);
		free(rows);
	}
}

/* Rows longer than what a thread takes, with pairs that repeat and without, beside short ones. */
static void
test_long_rows(void **state)
{
	static const int32_t length[] = {0, 1, 16384, 16385, 20000, 30001, 3};
	const source s = {"long rows", 7, 40000, 82776, true, true, 1, false, 1};
	row *rows = malloc((size_t) s.n * sizeof(row));
	int32_t *order = malloc((size_t) s.n * sizeof(int32_t));
	uint64_t seed = 5;
	int32_t n = 0;
	cell *table;
	mimic_env m;
	reco_interactions x;

	(void) state;
	for (int32_t u = 0; u < 7; u++)
		for (int32_t k = 0; k < length[u]; k++)
			/* of 30001 two are of the same item */
			rows[n++] = (row){u, (int32_t) ((k % 30000 + 1) * 7919L % 40000), (float) (k % 9), k};
	for (; n < s.n; n++)
		rows[n] = (row){6, n % 2, 1, n};
	for (int with_times = 0; with_times <= 1; with_times++)
	{
		source of = s;

		of.has_time = with_times;
		mimic_shuffle(&seed, order, s.n);
		for (int32_t k = 0; k < s.n; k++)
		{
			row t = rows[k];

			rows[k] = rows[order[k]];
			rows[order[k]] = t;
		}
		table = make_table(&of, rows);
		mimic_env_init(&m);
		assert_int_equal(build_matrix(&m, &of, rows, NULL, &x), RECO_OK);
		assert_matches(&of, table, &x);
		assert_true(x.merged > 0);
		free_matrix(&m, &x);
		check_threads(&of, rows);
		free(table);
	}
	free(order);
	free(rows);
}

/*
 * So many rows that users are shared out among blocks, most of them of one user, whose block is too
 * long for a thread; failing allocations and polls as well.
 */
static void
test_blocks(void **state)
{
	static const source kinds[] = {{"blocks", 900, 40, 1500000, true, true, 100, false, 30},
								   {"blocks of ones", 900, 40, 800000, false, false, 1, false, 1}};

	(void) state;
	for (int i = 0; i < 2; i++)
	{
		const source *s = &kinds[i];
		row *rows = make_rows(s, 7);
		cell *table = make_table(s, rows);
		building b = {.keep_time = true};
		size_t triples = ((size_t) s->n / RECO_CHUNK_ROWS + 1) *
							 (sizeof(reco_chunk) + 12 * RECO_CHUNK_ROWS + sizeof(reco_chunk *)) +
						 sizeof(reco_codes) + 4 * RECO_CHUNK_ROWS;

		for (int threads = 1; threads <= 3; threads += 2)
		{
			mimic_env m;
			reco_interactions x;
			long allocations;
			long polls;

			mimic_env_init(&m);
			m.env.threads = threads;
			m.env.due = mimic_always_due;
			assert_int_equal(build_matrix_with(&m, s, rows, NULL, &b, &x), RECO_OK);
			assert_matches(s, table, &x);
			assert_true(m.peak <= triples + b.memory);
			free_matrix(&m, &x);
			allocations = m.allocations;
			polls = m.polls;
			for (int part = 1; part <= 4; part++)
			{
				mimic_env_init(&m);
				m.env.threads = threads;
				m.env.due = mimic_always_due;
				if (part % 2)
					m.fail_at = allocations - 3 * part;
				else
					m.stop_at = polls * part / 5;
				assert_int_not_equal(build_matrix_with(&m, s, rows, NULL, &b, &x), RECO_OK);
				assert_int_equal(m.live, 0);
			}
		}
		free(table);
		free(rows);
	}
}

/* Values that have numbers, as long as few differ, and chunks that have too many. */
static void
test_values_by_number(void **state)
{
	source s = sources[SOURCES - 1];
	row *rows = make_rows(&s, 3);
	size_t least = 0;

	(void) state;
	for (int many = 0; many <= 5; many++)
	{
		cell *table;
		mimic_env m;
		reco_interactions x;

		for (int32_t r = 0; r < s.n; r++)
			rows[r].value = r / RECO_CHUNK_ROWS >= many ? (float) (r % 256) / 4 - 8 : (float) r;
		table = make_table(&s, rows);
		mimic_env_init(&m);
		assert_int_equal(build_matrix(&m, &s, rows, NULL, &x), RECO_OK);
		assert_matches(&s, table, &x);
		if (many == 0)
			least = m.peak;
		/* five full chunks with four bytes a value in the place of one */
		else
			assert_true(m.peak >= least + (size_t) 5 * 3 * RECO_CHUNK_ROWS);
		free_matrix(&m, &x);
		assert_int_equal(m.live, 0);
		free(table);
	}
	free(rows);
}

/* The rows of a user in an order of their own; how many. */
static int64_t
rows_of(const source *s, const row *rows, int32_t user, reco_entry *entry, int64_t *time)
{
	int64_t n = 0;

	for (int32_t r = s->n - 1; r >= 0; r--)
		if (rows[r].user == user)
		{
			entry[n] = (reco_entry){rows[r].item, s->has_value ? rows[r].value : 1};
			time[n++] = rows[r].time;
		}
	return n;
}

/* One user's rows, however they arrive, give the bits of the matrix under the same rules. */
static void
check_rows(const source *s, const row *rows, int64_t max)
{
	reco_entry *entry = malloc(((size_t) s->n + 1) * sizeof(reco_entry));
	int64_t *time = malloc(((size_t) s->n + 1) * sizeof(int64_t));
	reco_row row = {
		.item = malloc(((size_t) s->n + 1) * sizeof(int32_t)),
		.sum = malloc(((size_t) s->n + 1) * sizeof(float)),
		.latest = malloc(((size_t) s->n + 1) * sizeof(float)),
		.all = malloc(((size_t) s->n + 1) * sizeof(int32_t)),
		.kept = malloc(((size_t) s->n + 1) * sizeof(reco_kept)),
	};
	building b = {.max_row = max, .keep_time = true};
	building none = {0};
	reco_row_rules rules = {.max = max};
	mimic_env m;
	reco_interactions all;
	reco_interactions x;

	mimic_env_init(&m);
	assert_int_equal(build_matrix_with(&m, s, rows, NULL, &none, &all), RECO_OK);
	assert_int_equal(build_matrix_with(&m, s, rows, NULL, &b, &x), RECO_OK);
	for (int32_t u = 0; u < s->users; u += 1 + s->users / 20)
	{
		const reco_csr *a = &x.by_user;
		int64_t *times = s->has_time ? time : NULL;
		int64_t n = rows_of(s, rows, u, entry, time);
		int64_t from = all.by_user.start[u];

		assert_true(reco_row_sort(&m.env, entry, times, n));
		n = reco_row_reduce(&m.env, &rules, entry, times, n, &row);
		assert_int_equal(n, a->start[u + 1] - a->start[u]);
		for (int64_t k = 0; k < n; k++)
		{
			int64_t e = a->start[u] + k;

			assert_int_equal(row.item[k], a->col[e]);
			assert_true(row.sum[k] == (a->value ? a->value[e] : 1));
			assert_true(row.latest[k] == (x.latest ? x.latest[e] : row.sum[k]));
			assert_true(!s->has_time || time[k] == x.time[e]);
		}
		assert_int_equal(row.pairs, all.by_user.start[u + 1] - from);
		assert_memory_equal(row.all, all.by_user.col + from, (size_t) row.pairs * sizeof(int32_t));
	}
	free_matrix(&m, &x);
	free_matrix(&m, &all);
	free(row.kept);
	free(row.all);
	free(row.latest);
	free(row.sum);
	free(row.item);
	free(time);
	free(entry);
}

/* What age leaves of a row, by the definition. */
static void
test_decay(void **state)
{
	static const int64_t time[] = {1000, 900,       800,           1001,    INT64_MAX,
								   950,  INT64_MIN, INT64_MIN + 1, -1000000};
	static const double left[] = {1, 0.5, 0.25, 1, 1, 0.70710678118654752, 0, 0, 0};
	reco_decay decay = {100, 1000};
	reco_decay none = {0, 1000};
	reco_entry entry[9];
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	for (int k = 0; k < 9; k++)
		entry[k] = (reco_entry){k, (float) (k - 3.5)};
	assert_true(reco_row_decay(&m.env, &none, entry, time, 9));
	assert_true(reco_row_decay(&m.env, &decay, entry, NULL, 9));
	for (int k = 0; k < 9; k++)
		assert_true(entry[k].value == (float) (k - 3.5));
	assert_true(reco_row_decay(&m.env, &decay, entry, time, 9));
	for (int k = 0; k < 9; k++)
	{
		assert_int_equal(entry[k].item, k);
		assert_true(fabs(entry[k].value - (k - 3.5) * left[k]) < 1e-6);
	}
	/* times at both ends of the type */
	decay.reference = INT64_MAX;
	entry[0].value = 1;
	assert_true(reco_row_decay(&m.env, &decay, entry, (int64_t[]){INT64_MIN + 1}, 1));
	assert_true(entry[0].value == 0);
}

static void
test_one_row(void **state)
{
	(void) state;
	for (int i = 0; i < SOURCES; i++)
	{
		row *rows = make_rows(&sources[i], (uint64_t) i);

		check_rows(&sources[i], rows, 0);
		check_rows(&sources[i], rows, 1);
		check_rows(&sources[i], rows, 9);
		free(rows);
	}
}

/* Built by hand, so that the conventions can be read off. */
static void
test_repeats(void **state)
{
	static const source timed = {"timed", 2, 3, 8, true, true, 1, false, 1};
	static const source untimed = {"untimed", 2, 3, 8, true, false, 1, false, 1};
	static const source bare = {"bare", 2, 3, 8, false, false, 1, false, 1};
	static const row rows[] = {
		{0, 1, 5, 30}, {0, 1, 2, 10}, {0, 1, 1, 30}, {1, 2, 4, 7},
		{1, 2, 3, 9},  {0, 0, 2, 1},  {1, 0, -6, 5}, {1, 0, 6, INT64_MIN},
	};
	mimic_env m;
	reco_interactions x;

	(void) state;
	mimic_env_init(&m);
	assert_int_equal(build_matrix(&m, &timed, rows, NULL, &x), RECO_OK);
	assert_int_equal(x.merged, 4);
	assert_int_equal(x.by_user.start[2], 4);
	assert_memory_equal(x.by_user.col, ((int32_t[]){0, 1, 0, 2}), 4 * sizeof(int32_t));
	assert_memory_equal(x.by_user.value, ((float[]){2, 8, 0, 7}), 4 * sizeof(float));
	assert_memory_equal(x.latest, ((float[]){2, 3, -6, 3}), 4 * sizeof(float));
	free_matrix(&m, &x);
	assert_int_equal(build_matrix(&m, &untimed, rows, NULL, &x), RECO_OK);
	assert_memory_equal(x.by_user.value, ((float[]){2, 8, 0, 7}), 4 * sizeof(float));
	assert_memory_equal(x.latest, ((float[]){2, (float) (8 / 3.0), 0, 3.5}), 4 * sizeof(float));
	free_matrix(&m, &x);
	assert_int_equal(build_matrix(&m, &bare, rows, NULL, &x), RECO_OK);
	assert_memory_equal(x.by_user.value, ((float[]){1, 3, 2, 2}), 4 * sizeof(float));
	assert_memory_equal(x.latest, ((float[]){1, 1, 1, 1}), 4 * sizeof(float));
	free_matrix(&m, &x);
	assert_int_equal(m.live, 0);
}

/* Ones need no array of values, but one that is not a one does. */
static void
test_ones(void **state)
{
	static const source s = {"ones", 2, 3, 4, true, true, 1, false, 1};
	static const float others[] = {1, 0, 2, -1, 1.5, 0x1.000002p0f, 0x1.fffffep-1f};

	(void) state;
	for (size_t o = 0; o < sizeof(others) / sizeof(others[0]); o++)
	{
		row rows[] = {{0, 1, 1, 1}, {1, 1, 1, 1}, {1, 2, others[o], 1}, {0, 0, 1, 1}};
		mimic_env m;
		reco_interactions x;

		mimic_env_init(&m);
		assert_int_equal(build_matrix(&m, &s, rows, NULL, &x), RECO_OK);
		assert_null(x.latest);
		assert_int_equal(x.by_user.value == NULL, others[o] == 1);
		if (x.by_user.value)
			assert_memory_equal(x.by_user.value, ((float[]){1, 1, 1, others[o]}),
								4 * sizeof(float));
		free_matrix(&m, &x);
	}
}

/* In float4, 2^24 + 1 + 1 ... would stay 2^24. */
static void
test_sums_in_float8(void **state)
{
	static const source s = {"sum", 1, 1, 101, true, false, 1, false, 1};
	row rows[101] = {{0, 0, 0x1p24f, 0}};
	mimic_env m;
	reco_interactions x;

	(void) state;
	for (int r = 1; r <= 100; r++)
		rows[r].value = 1;
	mimic_env_init(&m);
	assert_int_equal(build_matrix(&m, &s, rows, NULL, &x), RECO_OK);
	assert_true(x.by_user.value[0] == 0x1p24f + 100);
	free_matrix(&m, &x);
}

/*
 * Few rows among very many items are sorted in another way: the same rows with
 * the items' numbers stretched must give the same matrix.
 */
static void
test_wide(void **state)
{
	enum
	{
		STRETCH = 4000
	};

	uint64_t seed = 6;

	(void) state;
	for (int round = 0; round < 300; round++)
	{
		source s = {"narrow",       30,           60, 0, round % 2, round % 3 > 0, 4,
					round % 5 == 0, 1 + round % 4};
		source wide;
		row *rows;
		mimic_env m;
		reco_interactions x, y;

		s.n = (int32_t) mimic_below(&seed, 120);
		wide = s;
		wide.items = s.items * STRETCH;
		rows = make_rows(&s, mimic_bits(&seed));
		mimic_env_init(&m);
		assert_int_equal(build_matrix(&m, &s, rows, NULL, &x), RECO_OK);
		for (int32_t r = 0; r < s.n; r++)
			rows[r].item = rows[r].item * STRETCH + STRETCH - 1;
		assert_int_equal(build_matrix(&m, &wide, rows, NULL, &y), RECO_OK);
		assert_int_equal(y.by_user.cols, wide.items);
		y.by_user.cols = s.items;
		for (int64_t e = 0; e < y.by_user.start[s.users]; e++)
			y.by_user.col[e] /= STRETCH;
		assert_same(&x, &y);
		free_matrix(&m, &x);
		free_matrix(&m, &y);
		assert_int_equal(m.live, 0);
		free(rows);
	}
}

static void
check_transpose_threads(const reco_csr *a, const reco_csr *wanted)
{
	size_t entries = (size_t) a->start[a->rows];

	for (int threads = 2; threads <= 5; threads++)
	{
		mimic_env m;
		reco_csr t;

		mimic_env_init(&m);
		m.env.threads = threads;
		assert_int_equal(reco_csr_transpose(&m.env, a, a->value, &t), RECO_OK);
		assert_memory_equal(t.start, wanted->start, ((size_t) a->cols + 1) * sizeof(int64_t));
		if (entries > 0)
			assert_memory_equal(t.col, wanted->col, entries * sizeof(int32_t));
		if (entries > 0 && a->value)
			assert_memory_equal(t.value, wanted->value, entries * sizeof(float));
		reco_csr_free(&m.env, &t);
		assert_int_equal(m.live, 0);
	}
}

static void
test_transpose(void **state)
{
	(void) state;
	for (int i = 0; i < SOURCES; i++)
	{
		const source *s = &sources[i];
		row *rows = make_rows(s, (uint64_t) i);
		mimic_env m;
		reco_interactions x, back = {0};
		reco_csr t;
		int64_t *at;

		mimic_env_init(&m);
		assert_int_equal(build_matrix(&m, s, rows, NULL, &x), RECO_OK);
		assert_int_equal(reco_csr_transpose(&m.env, &x.by_user, x.by_user.value, &t), RECO_OK);
		assert_int_equal(t.rows, s->items);
		assert_int_equal(t.cols, s->users);
		assert_int_equal(t.value != NULL, x.by_user.value != NULL);
		/* users rise, so each item's list is met in its order */
		at = malloc(((size_t) s->items + 1) * sizeof(int64_t));
		memcpy(at, t.start, ((size_t) s->items + 1) * sizeof(int64_t));
		for (int32_t u = 0; u < s->users; u++)
			for (int64_t e = x.by_user.start[u]; e < x.by_user.start[u + 1]; e++)
			{
				int64_t to = at[x.by_user.col[e]]++;

				assert_int_equal(t.col[to], u);
				if (t.value)
					assert_memory_equal(&t.value[to], &x.by_user.value[e], sizeof(float));
			}
		for (int32_t k = 0; k < s->items; k++)
			assert_int_equal(at[k], t.start[k + 1]);
		free(at);
		/* by several threads, in parts that are left and taken up again */
		check_transpose_threads(&x.by_user, &t);
		/* and back again */
		assert_int_equal(reco_csr_transpose(&m.env, &t, t.value, &back.by_user), RECO_OK);
		back.latest = x.latest;
		back.merged = x.merged;
		assert_same(&x, &back);
		reco_csr_free(&m.env, &t);
		reco_csr_free(&m.env, &back.by_user);
		/* without values, and with the latest ones */
		assert_int_equal(reco_csr_transpose(&m.env, &x.by_user, NULL, &t), RECO_OK);
		assert_null(t.value);
		reco_csr_free(&m.env, &t);
		free_matrix(&m, &x);
		assert_int_equal(m.live, 0);
		free(rows);
	}
}

static void
check_filter(const source *s, const row *rows, int32_t min_user, int32_t min_item)
{
	mimic_env m;
	reco_interactions x, y;
	int32_t *map[2];
	int32_t *wanted[2];
	int32_t kept[2] = {0, 0};
	int64_t to = 0;
	int32_t user = -1;
	bool *gone;

	mimic_env_init(&m);
	assert_int_equal(build_matrix(&m, s, rows, NULL, &x), RECO_OK);
	assert_int_equal(build_matrix(&m, s, rows, NULL, &y), RECO_OK);
	gone = calloc((size_t) y.by_user.start[s->users] + 1, sizeof(bool));
	for (int side = 0; side < 2; side++)
	{
		map[side] = malloc(((size_t) (side ? s->items : s->users) + 1) * sizeof(int32_t));
		wanted[side] = calloc((size_t) (side ? s->items : s->users) + 1, sizeof(int32_t));
	}
	for (int32_t u = 0; u < s->users; u++)
		for (int64_t e = y.by_user.start[u]; e < y.by_user.start[u + 1]; e++)
		{
			wanted[0][u]++;
			wanted[1][y.by_user.col[e]]++;
		}
	/* with both minimums, until nobody has to go any more */
	for (bool again = min_user > 1 && min_item > 1; again;)
	{
		again = false;
		for (int32_t u = 0; u < s->users; u++)
			for (int64_t e = y.by_user.start[u]; e < y.by_user.start[u + 1]; e++)
			{
				int32_t *n[2] = {&wanted[0][u], &wanted[1][y.by_user.col[e]]};
				bool stays = *n[0] >= min_user && *n[1] >= min_item;

				/* an entry of which one end has gone is the other's no more */
				if (stays || gone[e])
					continue;
				gone[e] = again = true;
				(*n[0])--;
				(*n[1])--;
			}
	}
	/* who has enough, and among them who has an entry with one of them */
	for (int32_t u = 0; u < s->users; u++)
		wanted[0][u] = wanted[0][u] >= min_user;
	for (int32_t i = 0; i < s->items; i++)
		wanted[1][i] = wanted[1][i] >= min_item;
	for (int32_t u = 0; u < s->users; u++)
		for (int64_t e = y.by_user.start[u]; e < y.by_user.start[u + 1]; e++)
		{
			int32_t i = y.by_user.col[e];

			if (wanted[0][u] && wanted[1][i])
				wanted[0][u] = wanted[1][i] = 2;
		}
	for (int32_t u = 0; u < s->users; u++)
		wanted[0][u] = wanted[0][u] == 2 || min_user == 0 ? kept[0]++ : -1;
	for (int32_t i = 0; i < s->items; i++)
		wanted[1][i] = wanted[1][i] == 2 || min_item == 0 ? kept[1]++ : -1;
	assert_int_equal(reco_interactions_filter(&m.env, &x, min_user, min_item, map[0], map[1]),
					 RECO_OK);
	if (s->users > 0)
		assert_memory_equal(map[0], wanted[0], (size_t) s->users * sizeof(int32_t));
	if (s->items > 0)
		assert_memory_equal(map[1], wanted[1], (size_t) s->items * sizeof(int32_t));
	assert_int_equal(x.by_user.rows, kept[0]);
	assert_int_equal(x.by_user.cols, kept[1]);
	for (int32_t u = 0; u < s->users; u++)
	{
		if (wanted[0][u] < 0)
			continue;
		user++;
		assert_int_equal(x.by_user.start[user], to);
		for (int64_t e = y.by_user.start[u]; e < y.by_user.start[u + 1]; e++)
		{
			if (wanted[1][y.by_user.col[e]] < 0)
				continue;
			assert_int_equal(x.by_user.col[to], wanted[1][y.by_user.col[e]]);
			if (y.by_user.value)
				assert_memory_equal(&x.by_user.value[to], &y.by_user.value[e], sizeof(float));
			if (y.latest)
				assert_memory_equal(&x.latest[to], &y.latest[e], sizeof(float));
			to++;
		}
	}
	assert_int_equal(x.by_user.start[kept[0]], to);
	free(gone);
	for (int side = 0; side < 2; side++)
	{
		free(map[side]);
		free(wanted[side]);
	}
	free_matrix(&m, &x);
	free_matrix(&m, &y);
	assert_int_equal(m.live, 0);
}

static void
test_filter(void **state)
{
	(void) state;
	for (int i = 0; i < SOURCES; i++)
	{
		const source *s = &sources[i];
		row *rows = make_rows(s, (uint64_t) i);

		check_filter(s, rows, 0, 0);
		check_filter(s, rows, 1, 1);
		check_filter(s, rows, 5, 1);
		check_filter(s, rows, 1, 8);
		check_filter(s, rows, 8, 12);
		check_filter(s, rows, INT32_MAX, INT32_MAX);
		free(rows);
	}
}

/*
 * The whole way, in which allocation fail_at fails or poll stop_at asks for an
 * end.  Whatever happens, nothing is left.
 */
static reco_status
whole_way(const source *s, const row *rows, long fail_at, long stop_at)
{
	mimic_env m;
	reco_interactions x;
	reco_csr t = {0};
	building b = {.keep_time = true, .keep_repeats = true};
	reco_status status;
	int32_t *map = malloc(((size_t) s->users + s->items + 1) * sizeof(int32_t));

	mimic_env_init(&m);
	m.fail_at = fail_at;
	m.stop_at = stop_at;
	status = build_matrix_with(&m, s, rows, NULL, &b, &x);
	if (status != RECO_OK)
		assert_int_equal(m.live, 0);
	else
	{
		status = reco_interactions_filter(&m.env, &x, 2, 2, map, map + s->users);
		if (status == RECO_OK)
		{
			long before = m.live;

			status = reco_csr_transpose(&m.env, &x.by_user, x.latest, &t);
			if (status != RECO_OK)
				assert_int_equal(m.live, before);
			else
				reco_csr_free(&m.env, &t);
		}
		free_matrix(&m, &x);
	}
	assert_int_equal(m.live, 0);
	free(map);
	return status;
}

static void
sweep(bool stop)
{
	for (int i = 0; i < SOURCES; i++)
	{
		const source *s = &sources[i];
		row *rows;
		long n = 1;
		reco_status status;

		if (stop && s->n < 300000 && s->n > 10000)
			continue; /* these only repeat what others show */
		rows = make_rows(s, (uint64_t) i);
		while ((status = whole_way(s, rows, stop ? 0 : n, stop ? n : 0)) != RECO_OK)
		{
			assert_int_equal(status, stop ? RECO_STOPPED : RECO_NO_MEMORY);
			n++;
		}
		/* without rows there is nothing long enough to poll in */
		assert_true(n > 1 || (stop && s->n == 0));
		free(rows);
	}
}

static void
test_allocations_fail(void **state)
{
	(void) state;
	sweep(false);
}

static void
test_polls_stop(void **state)
{
	(void) state;
	sweep(true);
}

/* What is counted before it is taken must not be less than what is taken. */
static void
test_memory_estimate(void **state)
{
	(void) state;
	for (int i = 0; i < SOURCES; i++)
	{
		const source *s = &sources[i];
		row *rows = make_rows(s, (uint64_t) i);
		size_t chunk = sizeof(reco_chunk) + (s->has_value ? sizeof(float) * RECO_CHUNK_ROWS : 0) +
					   (s->has_time ? sizeof(int64_t) * RECO_CHUNK_ROWS : 0);
		size_t triples = ((size_t) s->n + RECO_CHUNK_ROWS - 1) / RECO_CHUNK_ROWS * chunk +
						 64 * sizeof(reco_chunk *) + sizeof(reco_codes) + RECO_CHUNK_ROWS;

		for (int keep = 0; keep <= 3; keep++)
		{
			building b = {.keep_time = keep & 1, .keep_repeats = keep & 2};
			mimic_env m;
			reco_interactions x;

			mimic_env_init(&m);
			m.env.threads = 1 + keep;
			assert_int_equal(build_matrix_with(&m, s, rows, NULL, &b, &x), RECO_OK);
			assert_true(m.peak <= triples + b.memory);
			free_matrix(&m, &x);
		}
		free(rows);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_build),
		cmocka_unit_test(test_order_of_rows),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_long_rows),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_values_by_number),
		cmocka_unit_test(test_decay),
		cmocka_unit_test(test_one_row),
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_ones),
		cmocka_unit_test(test_sums_in_float8),
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_transpose),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_allocations_fail),
		cmocka_unit_test(test_polls_stop),
		cmocka_unit_test(test_memory_estimate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
