/*
 * test_again.c
 *	  What users are due to buy again (core/sessions/again.h) against its equations, worked out
 *basket by basket; and times as numbers (core/data/ordered.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/sessions/again.h"
#include "mimic_env.h"

#define USERS 60
#define ITEMS 12
#define BASKETS 9

/* What users did: whether a basket has an item; moments and times of baskets. */
typedef struct shop
{
	int32_t baskets[USERS];
	bool has[USERS][BASKETS][ITEMS];
	double at[USERS][BASKETS];
	reco_ordered events;
	double *time;
} shop;

/* Some items twice in a basket, some sessions (a moment is left out), some times that are none. */
static void
make_shop(shop *s, double skew, uint64_t seed)
{
	int64_t n = 0;
	size_t room = (size_t) USERS * BASKETS * ITEMS * 2 + 1;

	memset(s, 0, sizeof(*s));
	s->events.start = malloc((USERS + 1) * sizeof(int64_t));
	s->events.item = malloc(room * sizeof(int32_t));
	s->events.moment = malloc(room * sizeof(float));
	s->time = malloc(room * sizeof(double));
	for (int32_t u = 0; u < USERS; u++)
	{
		float moment = 0;
		double at = 1e6 * mimic_uniform(&seed);

		s->events.start[u] = n;
		s->baskets[u] = (int32_t) mimic_below(&seed, BASKETS + 1);
		for (int32_t b = 0; b < s->baskets[u]; b++)
		{
			bool any = false;

			at += 1000 + 9e11 * mimic_uniform(&seed);
			s->at[u][b] = b == 0 && u % 5 == 0  ? -RECO_NO_TIME
						  : b > 6 && u % 7 == 0 ? RECO_NO_TIME
												: at;
			for (int32_t i = 0; i < ITEMS; i++)
			{
				if (mimic_uniform(&seed) > pow((i + 1.) / ITEMS, skew) && (any || i + 1 < ITEMS))
					continue;
				any = s->has[u][b][i] = true;
				for (int twice = 0; twice < 1 + (i % 3 == 0); twice++)
				{
					s->events.item[n] = i;
					s->events.moment[n] = moment;
					s->time[n++] = s->at[u][b];
				}
			}
			moment += 1 + (float) mimic_below(&seed, 2);
		}
	}
	s->events.start[USERS] = n;
}

static void
free_shop(shop *s)
{
	free(s->events.start);
	free(s->events.item);
	free(s->events.moment);
	free(s->time);
}

/* The first basket with an item, from 1 on; 0: none.  Times: in later ones. */
static int32_t
first_with(const shop *s, int32_t u, int32_t i, int32_t *times, int32_t *last)
{
	int32_t first = 0;

	*times = 0;
	for (int32_t b = 0; b < s->baskets[u]; b++)
		if (s->has[u][b][i])
		{
			*last = b;
			if (first)
				(*times)++;
			else
				first = b + 1;
		}
	return first;
}

/* The Poisson likelihood of a slope, with the level that suits it, by its first terms. */
static double
likelihood(const double *k, const double *v, const double *x, double slope, double *level)
{
	double times = 0.5;
	double expected = 1;
	double sum = 0;

	for (int32_t i = 0; i < ITEMS; i++)
	{
		times += k[i];
		expected += v[i] * exp(slope * x[i]);
	}
	*level = log(times / expected);
	for (int32_t i = 0; i < ITEMS; i++)
		sum += k[i] * (*level + slope * x[i]) - v[i] * exp(*level + slope * x[i]);
	return sum + 0.5 * *level - exp(*level) - slope * slope / 2;
}

/* The means that items are drawn to: the slope by thirds of where it may be. */
static void
mimic_expected(const double *k, const double *v, const double *users, double *expected)
{
	double x[ITEMS];
	double all = 0;
	double center = 0;
	double low = -4;
	double high = 4;
	double level;

	for (int32_t i = 0; i < ITEMS; i++)
	{
		all += v[i];
		center += v[i] * log(fmax(users[i], 1));
	}
	for (int32_t i = 0; i < ITEMS; i++)
		x[i] = log(fmax(users[i], 1)) - (all > 0 ? center / all : 0);
	for (int step = 0; step < 200; step++)
	{
		double third = (high - low) / 3;

		if (likelihood(k, v, x, low + third, &level) < likelihood(k, v, x, high - third, &level))
			low += third;
		else
			high -= third;
	}
	(void) likelihood(k, v, x, low, &level);
	for (int32_t i = 0; i < ITEMS; i++)
		expected[i] = exp(level + low * x[i]);
}

static double
latest_of(const shop *s)
{
	double latest = -RECO_NO_TIME;

	for (int32_t u = 0; u < USERS; u++)
		for (int32_t b = 0; b < s->baskets[u]; b++)
			if (fabs(s->at[u][b]) < 1e15)
				latest = fmax(latest, s->at[u][b]);
	return latest;
}

/* Whether a basket came in the last two weeks. */
static bool
is_recent(double at, double latest)
{
	return fabs(at) < 1e15 && at > latest - 14 * 86400e6;
}

static void
mimic_items(const shop *s, double *rate, double *growth)
{
	double k[ITEMS] = {0};
	double v[ITEMS] = {0};
	double users[ITEMS] = {0};
	double recent[ITEMS] = {0};
	double expected[ITEMS];
	double all_v = 0;
	double all_k = 0;
	double pairs = 0;
	double all_recent = 0;
	double latest = latest_of(s);

	for (int32_t u = 0; u < USERS; u++)
		for (int32_t i = 0; i < ITEMS; i++)
		{
			int32_t times;
			int32_t last;
			int32_t first = first_with(s, u, i, &times, &last);

			if (first == 0)
				continue;
			k[i] += times;
			v[i] += s->baskets[u] - first;
			users[i]++;
			for (int32_t b = 0; b < s->baskets[u]; b++)
				recent[i] += s->has[u][b][i] && is_recent(s->at[u][b], latest);
		}
	mimic_expected(k, v, users, expected);
	for (int32_t i = 0; i < ITEMS; i++)
	{
		all_v += v[i];
		all_k += k[i];
		pairs += users[i];
		all_recent += recent[i];
	}
	for (int32_t i = 0; i < ITEMS; i++)
	{
		double chances = 20 * (all_v + 1) / (pairs + 1);

		rate[i] = 1 / ((k[i] + expected[i] * chances) / (v[i] + chances));
		growth[i] =
			(recent[i] + 20) / ((k[i] + users[i]) * all_recent / fmax(all_k + pairs, 1) + 20);
	}
}

static void
check_user(const shop *s, int32_t u, const reco_again_item *known, const reco_env *env)
{
	reco_baskets of = reco_baskets_of(&s->events, u);
	reco_again *out = malloc(((size_t) of.events + 1) * sizeof(reco_again));
	int32_t n;
	int32_t has = 0;

	assert_int_equal(reco_again_items(env, &of, known, out, &n), RECO_OK);
	for (int32_t r = 0; r < n; r++)
	{
		int32_t times;
		int32_t last = 0;
		int32_t first = first_with(s, u, out[r].item, &times, &last);
		double b = s->baskets[u] - first + (double) known[out[r].item].rate;
		double g = known[out[r].item].growth;

		assert_true(first > 0);
		assert_int_equal(out[r].baskets, times + 1);
		assert_true(fabs(out[r].score - (1 - pow(b / (b + g), times + 1))) < 1e-12);
		assert_true(fabs(out[r].due - b / (times + 1) / g) < 1e-9 * out[r].due);
		assert_int_equal(of.item[out[r].last], out[r].item);
		assert_true(s->time[s->events.start[u] + out[r].last] == s->at[u][last]);
		if (r > 0)
			assert_true(reco_again_after(&out[r], &out[r - 1]));
	}
	for (int32_t i = 0; i < ITEMS; i++)
	{
		int32_t times;
		int32_t last;

		has += first_with(s, u, i, &times, &last) > 0;
	}
	assert_int_equal(n, has);
	free(out);
}

static void
test_against_equations(void **state)
{
	shop *s = malloc(sizeof(shop));
	int grows = 0;
	int shrinks = 0;

	(void) state;
	for (uint64_t seed = 1; seed <= 12; seed++)
	{
		mimic_env env;
		reco_again_item known[ITEMS];
		double rate[ITEMS];
		double growth[ITEMS];
		double interval;
		double span = 0;
		int intervals = 0;

		mimic_env_init(&env);
		make_shop(s, (double) (seed % 4), seed);
		assert_int_equal(reco_again_learn(&env.env, &s->events, s->time, USERS, ITEMS, known),
						 RECO_OK);
		assert_true(env.peak <= reco_again_memory(ITEMS));
		mimic_items(s, rate, growth);
		for (int32_t i = 0; i < ITEMS; i++)
		{
			assert_true(fabs(known[i].rate - rate[i]) < 1e-6 * rate[i]);
			assert_true(fabs(known[i].growth - growth[i]) < 1e-6 * growth[i]);
			grows += growth[i] > 1.05;
			shrinks += growth[i] < 0.95;
		}
		assert_int_equal(reco_again_interval(&env.env, &s->events, s->time, USERS, &interval),
						 RECO_OK);
		for (int32_t u = 0; u < USERS; u++)
		{
			reco_baskets of = reco_baskets_of(&s->events, u);
			double first = 0;
			double last = 0;
			int n = -1;

			check_user(s, u, known, &env.env);
			for (int32_t b = 0; b < s->baskets[u]; b++)
				if (fabs(s->at[u][b]) < 1e15)
				{
					first = n < 0 ? s->at[u][b] : first;
					last = s->at[u][b];
					n++;
				}
			n = n < 0 ? 0 : n;
			span += last - first;
			intervals += n;
			assert_true(fabs(reco_again_interval_of(&of, s->time + s->events.start[u], interval) -
							 (last - first + interval) / (n + 1)) < 1e-6);
		}
		assert_true(fabs(interval - span / intervals) < 1e-6);
		assert_int_equal(env.live, 0);
		free_shop(s);
	}
	assert_true(grows > 0 && shrinks > 0);
	free(s);
}

/* Nobody, one event, all at one time. */
static void
test_little(void **state)
{
	int64_t start[] = {0, 1, 1, 4};
	int32_t item[] = {2, 0, 1, 1};
	float moment[] = {0, 0, 0, 0};
	double time[] = {5, 7, 7, 7};
	reco_ordered events = {start, item, moment, NULL};
	reco_baskets of = reco_baskets_of(&events, 2);
	reco_baskets nobody = reco_baskets_of(&events, 1);
	reco_again out[4];
	reco_again_item known[3];
	double interval;
	int32_t n;
	mimic_env env;

	(void) state;
	mimic_env_init(&env);
	for (int32_t users = 0; users <= 3; users += 3)
	{
		assert_int_equal(reco_again_learn(&env.env, &events, time, users, 3, known), RECO_OK);
		/* m = 1/2 whatever the item, as nothing is known */
		for (int32_t i = 0; i < 3; i++)
			assert_true(known[i].rate == 2 && known[i].growth == 1);
	}
	assert_int_equal(reco_again_interval(&env.env, &events, time, 3, &interval), RECO_OK);
	assert_true(interval == 0);
	assert_int_equal(reco_again_items(&env.env, &of, known, out, &n), RECO_OK);
	assert_int_equal(n, 2);
	/* equal scores by number: 1 - 2/3 */
	assert_int_equal(out[0].item, 0);
	assert_true(fabs(out[0].score - 1. / 3) < 1e-15);
	assert_true(out[0].due == 2);
	assert_true(reco_again_interval_of(&of, time + 1, 100) == 100);
	assert_int_equal(reco_again_items(&env.env, &nobody, known, out, &n), RECO_OK);
	assert_int_equal(n, 0);
	assert_int_equal(env.live, 0);
}

static void
test_failures(void **state)
{
	shop *s = malloc(sizeof(shop));
	reco_again_item known[ITEMS] = {{0}};
	reco_again out[BASKETS * ITEMS * 2];
	int32_t n;

	(void) state;
	make_shop(s, 0, 3);
	for (long at = 1; at <= 2; at++)
	{
		reco_baskets of = reco_baskets_of(&s->events, 1);
		mimic_env env;

		mimic_env_init(&env);
		env.fail_at = at;
		if (at == 1)
			assert_int_equal(reco_again_learn(&env.env, &s->events, s->time, USERS, ITEMS, known),
							 RECO_NO_MEMORY);
		else
			assert_int_equal(reco_again_items(&env.env, &of, known, out, &n), RECO_NO_MEMORY);
		assert_int_equal(env.live, 0);
	}
	free_shop(s);
	free(s);
}

static void
test_times(void **state)
{
	int64_t start[] = {0, 4};
	int64_t time[] = {INT64_MIN, -3, 86400, INT64_MAX};
	reco_ordered events = {start, NULL, NULL, time};
	mimic_env env;
	double *as_float;
	int64_t day = INT64_C(86400000000);
	int64_t far = INT64_C(6311433600000001);

	(void) state;
	mimic_env_init(&env);
	assert_false(reco_is_time(reco_event_time(INT64_MIN, 1)));
	assert_false(reco_is_time(reco_event_time(INT64_MIN + 1, 1)));
	assert_false(reco_is_time(reco_event_time(INT64_MAX, 1)));
	assert_false(reco_is_time(reco_event_time(7, 0)));
	/* the infinities of dates */
	assert_true(reco_event_time(INT32_MAX, day) == RECO_NO_TIME);
	assert_true(reco_event_time(INT32_MIN, day) == -RECO_NO_TIME);
	/* two hundred years before and after 2000, to the microsecond */
	for (int64_t t = -far; t <= far; t += far)
		assert_true(reco_event_time(t, 1) == (double) t && llrint((double) t) == t);
	as_float = reco_ordered_times(&env.env, &events, 1, 1000000);
	assert_true(as_float[0] == -RECO_NO_TIME && as_float[1] == -3e6 && as_float[2] == 864e8 &&
				as_float[3] == RECO_NO_TIME);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_equations),
		cmocka_unit_test(test_little),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
