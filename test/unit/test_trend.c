/*
 * test_trend.c
 *	  What grows, and at most so many pairs of a user, against slow counts.
 *
 * A trend is counted item by item from the rows as they came, with sorted times for the
 * range; a cap takes the best pair that is left so often.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/trend.h"
#include "mimic_csr.h"

/* How the times of a source are stretched, moved and spoilt. */
typedef struct clock_kind
{
	const char *name;
	double scale;
	int64_t shift;
	int64_t wrong[3]; /* times of the first rows; 0: none */
} clock_kind;

static const clock_kind clocks[] = {
	{"as they are", 1, 0, {0}},
	{"far apart", 1e12, 0, {0}},
	{"seconds", 3600, 1700000000, {0}},
	{"one too late", 60, 1700000000, {INT64_MAX}},
	{"one too early", 60, 1700000000, {INT64_MIN + 1}},
	{"late and early", 60, 1700000000, {4000000000, 1}},
	{"all too late", 1, INT64_MAX - 1000, {0}},
	{"at both ends", 1e16, 0, {INT64_MAX, INT64_MIN + 1, INT64_MAX - 1}},
};

#define CLOCKS ((int) (sizeof(clocks) / sizeof(clocks[0])))

static row *
rows_by_clock(const source *s, const clock_kind *c, uint64_t seed)
{
	row *rows = make_rows(s, seed);

	for (int32_t r = 0; r < s->n; r++)
		if (rows[r].time != INT64_MIN)
			rows[r].time = (int64_t) ((double) rows[r].time * c->scale) + c->shift;
	for (int k = 0; k < 3 && k < s->n; k++)
		if (c->wrong[k] != 0)
			rows[k].time = c->wrong[k];
	return rows;
}

static int
by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *) a;
	int64_t y = *(const int64_t *) b;

	return (x > y) - (x < y);
}

/* The periods, by way of all times in order and numbers wide enough for their differences. */
static void
slow_periods(const source *s, const row *rows, int64_t period, int64_t now, reco_trend *out)
{
	int64_t *time = malloc(((size_t) s->n + 1) * sizeof(int64_t));
	int64_t n = 0;
	int64_t from = 0;
	int64_t spared;

	for (int32_t r = 0; r < s->n && s->has_time; r++)
		if (rows[r].time != INT64_MIN && (period == 0 || rows[r].time <= now))
			time[n++] = rows[r].time;
	qsort(time, (size_t) n, sizeof(int64_t), by_time);
	spared = n / 100 > 0 ? n / 100 : 1;
	if (period == 0 && n > 2 * spared && time[spared] < time[n - 1 - spared])
	{
		__int128 low = time[spared];
		__int128 high = time[n - 1 - spared];
		__int128 length = high - low;

		while (time[from] < low - length)
			from++;
		while (time[n - 1] > high + length)
			n--;
	}
	out->any = n > 0;
	if (n > 0)
	{
		out->last = time[n - 1];
		out->length = period > 0 ? (uint64_t) period
								 : (uint64_t) (((__int128) time[n - 1] - time[from]) / 10 + 1);
	}
	free(time);
}

static float
slow_growth(const source *s, const row *rows, const reco_trend *t, int32_t item)
{
	bool *counted[2] = {calloc((size_t) s->users + 1, 1), calloc((size_t) s->users + 1, 1)};
	double users[2] = {0, 0};

	for (int32_t r = 0; r < s->n && t->any; r++)
	{
		__int128 age = (__int128) t->last - rows[r].time;

		if (rows[r].item != item || rows[r].time == INT64_MIN || age < 0 ||
			age >= 2 * (__int128) t->length || (s->has_value && !(rows[r].value > 0)))
			continue;
		age /= (__int128) t->length;
		if (!counted[age][rows[r].user])
			users[age]++;
		counted[age][rows[r].user] = true;
	}
	free(counted[0]);
	free(counted[1]);
	return (float) ((users[0] - users[1]) / sqrt(users[0] + users[1] + 1));
}

static void
check_trend(const source *s, const row *rows, int64_t period, int64_t now, uint64_t seed)
{
	float *growth = malloc(((size_t) s->items + 1) * sizeof(float));
	float *again = malloc(((size_t) s->items + 1) * sizeof(float));
	int32_t *order = malloc(((size_t) s->n + 1) * sizeof(int32_t));
	reco_trend trend = {.growth = growth};
	reco_trend slow = {0};
	building b = {.trend = &trend, .period = period, .now = now};
	mimic_env m;
	reco_interactions x;

	mimic_env_init(&m);
	assert_int_equal(build_matrix_with(&m, s, rows, NULL, &b, &x), RECO_OK);
	free_matrix(&m, &x);
	assert_int_equal(m.live, 0);
	if (!s->has_time)
	{
		free(order);
		free(again);
		free(growth);
		return;
	}
	slow_periods(s, rows, period, now, &slow);
	assert_int_equal(trend.any, slow.any);
	if (slow.any)
	{
		assert_true(trend.last == slow.last);
		assert_true(trend.length == slow.length);
	}
	for (int32_t i = 0; i < s->items; i += 1 + s->items / (s->n > 10000 ? 4 : 40))
		assert_true(growth[i] == slow_growth(s, rows, &slow, i));
	mimic_shuffle(&seed, order, s->n);
	trend.growth = again;
	assert_int_equal(build_matrix_with(&m, s, rows, order, &b, &x), RECO_OK);
	free_matrix(&m, &x);
	if (s->items > 0)
		assert_memory_equal(growth, again, (size_t) s->items * sizeof(float));
	free(order);
	free(again);
	free(growth);
}

static void
test_trend(void **state)
{
	(void) state;
	for (int i = 0; i < SOURCES; i++)
		for (int c = sources[i].n > 10000 ? 4 : 0; c < CLOCKS; c++)
		{
			row *rows = rows_by_clock(&sources[i], &clocks[c], (uint64_t) i);

			check_trend(&sources[i], rows, 0, 0, (uint64_t) c);
			check_trend(&sources[i], rows, 7, 20, (uint64_t) c);
			check_trend(&sources[i], rows, 86400, 1700086400, (uint64_t) c);
			free(rows);
		}
}

/* Of pairs a and b of a user, whether a is to be kept before b. */
static bool
is_before(const int64_t *time, const float *value, const int32_t *item, int64_t a, int64_t b)
{
	if (time && time[a] != time[b])
		return time[a] > time[b];
	if (value && value[a] != value[b])
		return value[a] > value[b];
	return item[a] < item[b];
}

/* The latest time of each item of a user. */
static int64_t *
times_of_user(const source *s, const row *rows, int32_t user)
{
	int64_t *time = malloc(((size_t) s->items + 1) * sizeof(int64_t));

	for (int32_t i = 0; i < s->items; i++)
		time[i] = INT64_MIN;
	for (int32_t r = 0; r < s->n; r++)
		if (rows[r].user == user && rows[r].time > time[rows[r].item])
			time[rows[r].item] = rows[r].time;
	return time;
}

static void
check_capped_user(const source *s, const row *rows, const reco_interactions *all,
				  const reco_interactions *capped, int32_t u, int64_t max)
{
	int64_t from = all->by_user.start[u];
	int64_t n = all->by_user.start[u + 1] - from;
	int64_t at = capped->by_user.start[u];
	const int32_t *item = all->by_user.col + from;
	const float *value = all->by_user.value ? all->by_user.value + from : NULL;
	int64_t *time = malloc(((size_t) n + 1) * sizeof(int64_t));
	int64_t *by_item = times_of_user(s, rows, u);

	assert_int_equal(capped->by_user.start[u + 1] - at, n < max ? n : max);
	for (int64_t k = 0; k < n && s->has_time; k++)
		time[k] = by_item[item[k]];
	for (int64_t k = 0; k < n; k++)
	{
		int64_t better = 0;

		for (int64_t o = 0; o < n; o++)
			better += o != k && is_before(s->has_time ? time : NULL, value, item, o, k);
		if (better >= max)
			continue;
		assert_int_equal(capped->by_user.col[at], item[k]);
		assert_true((capped->by_user.value ? capped->by_user.value[at] : 1) ==
					(value ? value[k] : 1));
		assert_true((capped->latest          ? capped->latest[at]
					 : capped->by_user.value ? capped->by_user.value[at]
											 : 1) == (all->latest ? all->latest[from + k]
													  : value     ? value[k]
																  : 1));
		at++;
	}
	assert_int_equal(at, capped->by_user.start[u + 1]);
	free(by_item);
	free(time);
}

static void
test_cap(void **state)
{
	static const int64_t caps[] = {1, 2, 7, 40, 100000};

	(void) state;
	for (int i = 0; i < SOURCES; i++)
	{
		const source *s = &sources[i];
		row *rows = make_rows(s, (uint64_t) i);
		mimic_env m;
		reco_interactions all;

		mimic_env_init(&m);
		assert_int_equal(build_matrix(&m, s, rows, NULL, &all), RECO_OK);
		for (size_t c = 0; c < sizeof(caps) / sizeof(caps[0]); c++)
		{
			building b = {.max_row = caps[c]};
			reco_interactions x;
			int64_t left = all.by_user.start[s->users];
			int32_t users = 0;

			assert_int_equal(build_matrix_with(&m, s, rows, NULL, &b, &x), RECO_OK);
			for (int32_t u = 0; u < s->users; u++)
				users += all.by_user.start[u + 1] - all.by_user.start[u] > caps[c];
			assert_int_equal(x.merged, all.merged);
			assert_int_equal(x.capped, left - x.by_user.start[s->users]);
			assert_int_equal(x.capped_users, users);
			for (int32_t u = 0; u < s->users; u += 1 + s->users / (s->n > 10000 ? 2 : 8))
				check_capped_user(s, rows, &all, &x, u, caps[c]);
			free_matrix(&m, &x);
		}
		free_matrix(&m, &all);
		assert_int_equal(m.live, 0);
		free(rows);
	}
}

/* Every allocation and every poll of both. */
static reco_status
both(const source *s, const row *rows, long fail_at, long stop_at)
{
	float *growth = malloc(((size_t) s->items + 1) * sizeof(float));
	reco_trend trend = {.growth = growth};
	building b = {.max_row = 3, .trend = &trend};
	mimic_env m;
	reco_interactions x;
	reco_status status;

	mimic_env_init(&m);
	m.fail_at = fail_at;
	m.stop_at = stop_at;
	status = build_matrix_with(&m, s, rows, NULL, &b, &x);
	if (status == RECO_OK)
		free_matrix(&m, &x);
	assert_int_equal(m.live, 0);
	free(growth);
	return status;
}

static void
sweep(bool stop)
{
	for (int i = 0; i < SOURCES; i++)
	{
		row *rows;
		reco_status status = RECO_OK;

		if (sources[i].n > RECO_CHUNK_ROWS)
			continue; /* these only repeat what others show */
		rows = make_rows(&sources[i], (uint64_t) i);
		for (long n = 1; (status = both(&sources[i], rows, stop ? 0 : n, stop ? n : 0)) != RECO_OK;
			 n++)
			assert_int_equal(status, stop ? RECO_STOPPED : RECO_NO_MEMORY);
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

static void
test_memory_estimate(void **state)
{
	(void) state;
	for (int i = 0; i < SOURCES; i++)
	{
		const source *s = &sources[i];
		row *rows = make_rows(s, (uint64_t) i);
		float *growth = malloc(((size_t) s->items + 1) * sizeof(float));
		reco_trend trend = {.growth = growth};
		building b = {.max_row = 3, .trend = &trend};
		size_t chunk = sizeof(reco_chunk) + (s->has_value ? sizeof(float) * RECO_CHUNK_ROWS : 0) +
					   (s->has_time ? sizeof(int64_t) * RECO_CHUNK_ROWS : 0);
		mimic_env m;
		reco_interactions x;

		mimic_env_init(&m);
		assert_int_equal(build_matrix_with(&m, s, rows, NULL, &b, &x), RECO_OK);
		assert_true(m.peak <= ((size_t) s->n + RECO_CHUNK_ROWS - 1) / RECO_CHUNK_ROWS * chunk +
								  64 * sizeof(reco_chunk *) + sizeof(reco_codes) + RECO_CHUNK_ROWS +
								  65536 * sizeof(int64_t) + b.memory);
		free_matrix(&m, &x);
		free(growth);
		free(rows);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trend),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_allocations_fail),
		cmocka_unit_test(test_polls_stop),
		cmocka_unit_test(test_memory_estimate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
