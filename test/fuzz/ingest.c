/*
 * ingest.c
 *	  Fuzz target: triples to matrices, filtered and transposed.
 *
 * Input: a byte of flags (values, times, very many items in falling order, at most some
 * pairs of a user, a trend, times are kept, rows of repeats are kept), a byte each for the least
 * number of entries of a user and of an item, the first of which is also the most pairs of a user
 * and the trend's period, a byte for the allocation that fails (0: none), then the rows: a byte
 * each for user and item, and where there are values and times a byte for the two.  Checked
 * against a table of all pairs that is filled row by row.
 */
#include "fuzz.h"

#include "core/data/triples.h"
#include "core/data/trend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define USERS 16
#define ITEMS 32
#define FAR 70000 /* items that nobody has */

typedef struct cell
{
	int count;
	int last_count;
	int64_t last;
	double sum;
	double last_sum;
} cell;

static long live;
static long allocations;
static long fail_at;

static void *
fuzz_alloc(void *arg, size_t bytes)
{
	(void) arg;
	if (++allocations == fail_at)
		return NULL;
	live++;
	return malloc(bytes);
}

static void
fuzz_release(void *arg, void *memory)
{
	(void) arg;
	live--;
	free(memory);
}

static bool
no(void *arg)
{
	(void) arg;
	return false;
}

static const reco_env env = {fuzz_alloc, fuzz_release, no, no, 1, NULL, NULL};

/* Values whose sums are exact in any order. */
static const float values[16] = {0, 1, 1, 2, 3, -1, 0.5, 0.25, 255, 256, -4, 1, 65536, -0.5, 7, 1};

static bool
add_rows(reco_triples *t, const uint8_t *data, size_t size, cell *table)
{
	size_t width = t->has_value || t->has_time ? 3 : 2;

	for (; size >= width; data += width, size -= width)
	{
		int32_t user = data[0] % USERS;
		int32_t item = data[1] % ITEMS;
		float value = t->has_value ? values[data[2] % 16] : 1;
		int64_t time = t->has_time ? (data[2] >> 4) - 8 : 0;
		cell *c = &table[user * ITEMS + item];

		if (c->count == 0 || time > c->last)
		{
			c->last = time;
			c->last_count = 0;
			c->last_sum = 0;
		}
		if (time == c->last)
		{
			c->last_count++;
			c->last_sum += value;
		}
		c->count++;
		c->sum += value;
		if (!reco_triples_add(t, user, item, value, time))
			return false;
	}
	return true;
}

static void
check_matrix(const reco_interactions *x, const cell *table, const int32_t *item_rank)
{
	const reco_csr *a = &x->by_user;
	int64_t rows = 0;
	bool repeats = false;

	REQUIRE(a->start[0] == 0);
	for (int32_t u = 0; u < USERS; u++)
	{
		int64_t e = a->start[u];

		/* item_rank rises, or falls when there are very many items */
		for (int32_t k = 0; k < ITEMS; k++)
		{
			int32_t i = item_rank[0] > 0 ? ITEMS - 1 - k : k;
			const cell *c = &table[u * ITEMS + i];

			if (c->count == 0)
				continue;
			rows += c->count;
			repeats = repeats || c->count > 1;
			REQUIRE(e < a->start[u + 1] && a->col[e] == item_rank[i]);
			REQUIRE((a->value ? a->value[e] : 1) == (float) c->sum);
			if (x->latest)
				REQUIRE(x->latest[e] == (float) (c->last_sum / c->last_count));
			if (x->time)
				REQUIRE(x->time[e] == c->last);
			e++;
		}
		REQUIRE(e == a->start[u + 1]);
	}
	REQUIRE(x->merged == rows - a->start[USERS]);
	REQUIRE((x->latest != NULL) == repeats);
}

/* The rows of repeats are of pairs that there are, in order, and come to their values. */
static void
check_repeats(const reco_interactions *x)
{
	const reco_csr *a = &x->by_user;
	const reco_repeats *repeats = &x->repeats;

	for (int32_t u = 0; repeats->start && u < a->rows; u++)
	{
		int64_t end = repeats->start[u + 1];

		for (int64_t r = repeats->start[u], n; r < end; r += n)
		{
			int64_t e = reco_find(a->col, a->start[u], a->start[u + 1], repeats->row[r].item);
			double sum = 0;

			REQUIRE(e >= 0);
			REQUIRE(r == repeats->start[u] || repeats->row[r - 1].item < repeats->row[r].item);
			for (n = 0; r + n < end && repeats->row[r + n].item == repeats->row[r].item; n++)
			{
				sum += repeats->row[r + n].value;
				REQUIRE(n == 0 || repeats->time == NULL ||
						repeats->time[r + n - 1] <= repeats->time[r + n]);
			}
			REQUIRE(n > 1);
			REQUIRE((float) sum == a->value[e]);
			REQUIRE(repeats->time == NULL || x->time == NULL ||
					repeats->time[r + n - 1] == x->time[e]);
		}
	}
}

static void
check_transpose(const reco_interactions *x)
{
	const reco_csr *a = &x->by_user;
	reco_csr t = {0};
	int64_t *at;
	long before = live;
	reco_status status = reco_csr_transpose(&env, a, a->value, &t);

	if (status != RECO_OK)
	{
		REQUIRE(status == RECO_NO_MEMORY && live == before);
		return;
	}
	REQUIRE(t.rows == a->cols && t.cols == a->rows);
	at = malloc(((size_t) t.rows + 1) * sizeof(int64_t));
	memcpy(at, t.start, ((size_t) t.rows + 1) * sizeof(int64_t));
	for (int32_t u = 0; u < a->rows; u++)
		for (int64_t e = a->start[u]; e < a->start[u + 1]; e++)
		{
			int64_t to = at[a->col[e]]++;

			REQUIRE(t.col[to] == u && (t.value == NULL || t.value[to] == a->value[e]));
		}
	for (int32_t i = 0; i < t.rows; i++)
		REQUIRE(at[i] == t.start[i + 1]);
	free(at);
	reco_csr_free(&env, &t);
	REQUIRE(live == before);
}

/*
 * Everything is kept where nothing is asked for, and nobody without an entry, but
 * users and items of which none is asked for.
 */
static void
check_filter(reco_interactions *x, int32_t min_user, int32_t min_item)
{
	reco_csr *a = &x->by_user;
	int32_t users = a->rows;
	int32_t items = a->cols;
	int64_t entries = a->start[users];
	int32_t *user_map = malloc((size_t) users * sizeof(int32_t));
	int32_t *item_map = malloc((size_t) items * sizeof(int32_t));
	bool *used = calloc((size_t) items, sizeof(bool));
	int32_t kept = 0;

	REQUIRE(reco_interactions_filter(&env, x, min_user, min_item, user_map, item_map) == RECO_OK);
	for (int32_t u = 0; u < users; u++)
		REQUIRE(user_map[u] == -1 || user_map[u] == kept++);
	REQUIRE(a->rows == kept);
	kept = 0;
	for (int32_t i = 0; i < items; i++)
		REQUIRE(item_map[i] == -1 || item_map[i] == kept++);
	REQUIRE(a->cols == kept);
	REQUIRE(a->start[0] == 0 && a->start[a->rows] <= entries);
	if (min_user <= 1 && min_item <= 1)
		REQUIRE(a->start[a->rows] == entries);
	for (int32_t u = 0; u < a->rows; u++)
	{
		REQUIRE(a->start[u + 1] > a->start[u] || min_user == 0);
		for (int64_t e = a->start[u]; e < a->start[u + 1]; e++)
		{
			REQUIRE(a->col[e] >= 0 && a->col[e] < a->cols);
			REQUIRE(e == a->start[u] || a->col[e] > a->col[e - 1]);
			used[a->col[e]] = true;
		}
	}
	for (int32_t i = 0; i < a->cols; i++)
		REQUIRE(used[i] || min_item == 0);
	free(user_map);
	free(item_map);
	free(used);
}

/* With a cap there is no table to compare with but that no user has more. */
static void
check_capped(const reco_interactions *x, int64_t max)
{
	const reco_csr *a = &x->by_user;

	for (int32_t u = 0; u < a->rows; u++)
	{
		REQUIRE(a->start[u + 1] - a->start[u] <= max);
		for (int64_t e = a->start[u] + 1; e < a->start[u + 1]; e++)
			REQUIRE(a->col[e] > a->col[e - 1]);
	}
	REQUIRE(x->capped >= x->capped_users && (x->capped == 0) == (x->capped_users == 0));
}

static void
check_growth(const float *growth, int32_t items)
{
	for (int32_t i = 0; i < items; i++)
		REQUIRE(fabsf(growth[i]) <= USERS);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static cell table[USERS * ITEMS];
	int32_t user_rank[USERS];
	int32_t *item_rank;
	int32_t items;
	reco_triples t;
	reco_interactions x;
	reco_trend trend = {0};
	reco_status status = RECO_OK;

	if (size < 4)
		return 0;
	memset(table, 0, sizeof(table));
	live = allocations = 0;
	fail_at = data[3];
	items = (data[0] & 12) == 12 ? ITEMS + FAR : ITEMS;
	item_rank = malloc((size_t) items * sizeof(int32_t));
	/* a permutation: as they are, or all turned round */
	for (int32_t i = 0; i < items; i++)
		item_rank[i] = (data[0] & 12) == 12 ? items - 1 - i : i;
	for (int32_t u = 0; u < USERS; u++)
		user_rank[u] = u;
	reco_triples_init(&t, &env, data[0] & 1, data[0] & 2);
	if (!add_rows(&t, data + 4, size - 4, table))
	{
		reco_triples_free(&t);
		status = RECO_NO_MEMORY;
	}
	else
	{
		trend.growth = calloc((size_t) items, sizeof(float));
		t.rules.max = data[0] & 16 ? 1 + data[1] % 8 : 0;
		t.keep_time = data[0] & 64;
		t.keep_repeats = data[0] & 128;
		if (data[0] & 32)
			t.trend = &trend;
		if (t.trend)
			status = reco_trend_periods(&t, data[1] % 4, 4, &trend);
		if (status == RECO_OK)
			status = reco_triples_build(&t, USERS, items, user_rank, item_rank, &x);
		else
			reco_triples_free(&t);
		if (status == RECO_OK)
			check_growth(trend.growth, items);
		free(trend.growth);
	}
	if (status == RECO_OK)
	{
		if (data[0] & 16)
			check_capped(&x, 1 + data[1] % 8);
		else
			check_matrix(&x, table, item_rank);
		check_transpose(&x);
		check_repeats(&x);
		check_filter(&x, data[1] % 16, data[2] % 16);
		check_transpose(&x);
		check_repeats(&x);
		reco_interactions_free(&env, &x);
	}
	else
		REQUIRE(status == RECO_NO_MEMORY && fail_at > 0);
	REQUIRE(live == 0);
	free(item_rank);
	return 0;
}
