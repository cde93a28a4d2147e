/*
 * test_demand.c
 *	  Expected users of items, against sets of pairs, sums of probabilities, and made-up truth.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/demand/demand.h"
#include "mimic_env.h"

#define USERS 400
#define ITEMS 60

/* Events of users in order of time. */
typedef struct events
{
	reco_ordered ordered;
	int64_t start[USERS + 1];
	int32_t *item;
	int64_t *time;
} events;

static int
by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;

	return x < y ? -1 : x > y;
}

static events *
make_events(uint64_t seed, int64_t a_user, int64_t first, int64_t last)
{
	events *e = malloc(sizeof(events));
	uint64_t state = seed;

	e->item = malloc((size_t) (USERS * a_user + 1) * sizeof(int32_t));
	e->time = malloc((size_t) (USERS * a_user + 1) * sizeof(int64_t));
	for (int u = 0; u <= USERS; u++)
		e->start[u] = u * a_user;
	for (int64_t k = 0; k < USERS * a_user; k++)
	{
		/* the lower ones more often */
		e->item[k] = (int32_t) (mimic_uniform(&state) * mimic_uniform(&state) * ITEMS);
		e->time[k] = first + mimic_below(&state, last - first + 1);
	}
	for (int u = 0; u < USERS; u++)
		qsort(e->time + u * a_user, a_user, sizeof(int64_t), by_time);
	e->ordered = (reco_ordered){.start = e->start, .item = e->item, .time = e->time};
	return e;
}

static void
free_events(events *e)
{
	free(e->item);
	free(e->time);
	free(e);
}

/* How many users have an item within (from, to]: each pair is looked for. */
static int32_t
users_within(const events *e, int32_t item, int64_t from, int64_t to)
{
	int32_t n = 0;

	for (int u = 0; u < USERS; u++)
	{
		bool has = false;

		for (int64_t k = e->start[u]; k < e->start[u + 1]; k++)
			has = has || (e->item[k] == item && e->time[k] > from && e->time[k] <= to &&
						  e->time[k] != INT64_MIN);
		n += has;
	}
	return n;
}

static void
counts_and_expectation(void **cmocka)
{
	(void) cmocka;
	for (uint64_t seed = 1; seed <= 6; seed++)
	{
		events *e = make_events(seed, 20, -1000, 1000);
		reco_demand_params params = {.end = 900, .length = 170 + 7 * (int64_t) seed, .share = .8};
		reco_demand out;
		mimic_env m;
		double activity[RECO_DEMAND_MAX_PERIODS] = {0}, exposure = 0, weights = 0, of_all = 0;
		double squares = 0, mean = 0, variance = 0, rate[ITEMS];
		int known = 0;

		e->time[3] = INT64_MIN;
		mimic_env_init(&m);
		assert_int_equal(reco_demand_find(&m.env, &e->ordered, USERS, ITEMS, &params, &out),
						 RECO_OK);
		assert_int_equal(out.periods, 1900 / params.length);
		for (int k = 0; k < out.periods; k++)
		{
			double w = pow(.5, k / out.half_life);

			for (int i = 0; i < ITEMS; i++)
				activity[k] += users_within(e, i, params.end - (k + 1) * params.length,
											params.end - k * params.length);
			weights += w;
			of_all += w * activity[k];
		}
		for (int i = 0; i < ITEMS; i++)
		{
			rate[i] = 0;
			exposure = squares = 0;
			for (int k = 0; k < out.periods; k++)
			{
				double w = pow(.5, k / out.half_life);
				double level = activity[k] * weights / of_all;

				rate[i] += w * users_within(e, i, params.end - (k + 1) * params.length,
											params.end - k * params.length);
				exposure += w * level;
				squares += w * w * level;
			}
			rate[i] /= exposure;
			known += rate[i] > 0;
			mean += rate[i];
		}
		mean /= known;
		for (int i = 0; i < ITEMS; i++)
			if (rate[i] > 0)
				variance += (rate[i] - mean) * (rate[i] - mean) / known;
		variance -= mean * squares / exposure / exposure;
		variance = fmax(variance, 1e-6 * mean * mean);
		for (int i = 0; i < ITEMS; i++)
		{
			double b = mean / variance;
			double expected = (mean * b + rate[i] * exposure) / (b + exposure);

			assert_true(fabs(out.item[i].expected - expected) < 1e-9 * (1 + expected));
			assert_int_equal(out.item[i].latest,
							 users_within(e, i, params.end - params.length, params.end));
			assert_true(out.item[i].low <= out.item[i].median &&
						out.item[i].median <= out.item[i].high);
		}
		m.env.release(m.env.arg, out.item);
		assert_int_equal(m.live, 0);
		free_events(e);
	}
}

/* Probabilities are added up from 0 on. */
static void
quantiles(void **cmocka)
{
	static const double shapes[] = {.01, .3, 1, 4.5, 60, 900};
	static const double rates[] = {.02, .5, 1, 8, 300};
	static const double ps[] = {.001, .1, .5, .9, .999};

	(void) cmocka;
	for (int s = 0; s < 6; s++)
		for (int r = 0; r < 5; r++)
			for (int q = 0; q < 5; q++)
			{
				double x = rates[r] / (rates[r] + 1);
				double p = exp(shapes[s] * log(x)), sum = p;
				int32_t k = 0;

				/* too small a number to begin with */
				if (p < 1e-280)
					continue;
				while (sum < ps[q] - 1e-12)
				{
					k++;
					p *= (shapes[s] + k - 1) / k * (1 - x);
					sum += p;
				}
				/* where the sum is the probability, rounding decides */
				if (fabs(sum - ps[q]) > 1e-9)
					assert_int_equal(reco_demand_quantile(shapes[s], rates[r], ps[q]), k);
			}
	/* beyond what is counted one by one */
	assert_true(fabs(reco_demand_quantile(4e6, 2, .5) - 2e6) < 10);
	assert_int_equal(reco_demand_quantile(1, 1e-12, .5), INT32_MAX);
}

static double
normal(uint64_t *state)
{
	return sqrt(-2 * log(1 - mimic_uniform(state))) *
		   cos(2 * 3.14159265358979 * mimic_uniform(state));
}

/* Items with rates of their own, which change by some: intervals hold what they say. */
static void
intervals_hold(void **cmocka)
{
	int held = 0, of = 0;

	(void) cmocka;
	for (uint64_t seed = 1; seed <= 12; seed++)
	{
		enum
		{
			PERIODS = 12
		};
		uint64_t state = seed * 977;
		double rate[ITEMS];
		int64_t n = 0;
		int32_t *item = malloc(sizeof(int32_t) * ITEMS * (PERIODS + 1) * USERS);
		int64_t *time = malloc(sizeof(int64_t) * ITEMS * (PERIODS + 1) * USERS);
		int64_t *start = malloc(sizeof(int64_t) * (USERS + 1));
		int32_t truth[ITEMS] = {0};
		reco_demand_params params = {.end = PERIODS * 10, .length = 10, .share = .8};
		reco_ordered ordered = {.start = start, .item = item, .time = time};
		reco_demand out;
		mimic_env m;
		double level[PERIODS + 1][ITEMS];

		for (int i = 0; i < ITEMS; i++)
			rate[i] = .02 + .2 * mimic_uniform(&state);
		for (int k = 0; k <= PERIODS; k++)
			for (int i = 0; i < ITEMS; i++)
				level[k][i] = fmin(1, rate[i] * exp(.3 * normal(&state)));
		for (int u = 0; u < USERS; u++)
		{
			start[u] = n;
			for (int k = 0; k <= PERIODS; k++)
				for (int i = 0; i < ITEMS; i++)
				{
					if (mimic_uniform(&state) >= level[k][i])
						continue;
					if (k == PERIODS)
						truth[i]++;
					item[n] = i;
					time[n++] = k * 10 + 1 + mimic_below(&state, 9) % 9;
				}
		}
		start[USERS] = n;
		/* times of a user rise by periods; within one they may not, which is no matter */
		time[0] = 0;
		mimic_env_init(&m);
		assert_int_equal(reco_demand_find(&m.env, &ordered, USERS, ITEMS, &params, &out), RECO_OK);
		for (int i = 0; i < ITEMS; i++)
		{
			held += truth[i] >= out.item[i].low && truth[i] <= out.item[i].high;
			of++;
		}
		assert_true(out.certainty < 1);
		m.env.release(m.env.arg, out.item);
		free(item);
		free(time);
		free(start);
	}
	assert_true(held > .74 * of && held < .88 * of);
}

static void
edges(void **cmocka)
{
	events *e = make_events(3, 6, 0, 1000);
	reco_demand_params params = {.end = 1000, .length = 300, .share = .8};
	reco_demand out;
	mimic_env m;
	long allocations, polls;

	(void) cmocka;
	mimic_env_init(&m);
	assert_int_equal(reco_demand_find(&m.env, &e->ordered, USERS, ITEMS, &params, &out),
					 RECO_INVALID);
	assert_int_equal(out.periods, 3);
	/* before anything happened */
	params.end = -5;
	assert_int_equal(reco_demand_find(&m.env, &e->ordered, USERS, ITEMS, &params, &out),
					 RECO_INVALID);
	/* as far apart as times can be */
	e->time[0] = INT64_MIN + 1;
	params = (reco_demand_params){.end = INT64_MAX, .length = INT64_MAX / 3, .share = .8};
	assert_int_equal(reco_demand_find(&m.env, &e->ordered, USERS, ITEMS, &params, &out), RECO_OK);
	m.env.release(m.env.arg, out.item);
	params = (reco_demand_params){.end = 1000, .length = 100, .share = .8};
	mimic_env_init(&m);
	assert_int_equal(reco_demand_find(&m.env, &e->ordered, USERS, ITEMS, &params, &out), RECO_OK);
	assert_int_equal(out.periods, RECO_DEMAND_MAX_PERIODS);
	m.env.release(m.env.arg, out.item);
	allocations = m.allocations;
	polls = m.polls;
	assert_true(polls > 3);
	for (long at = 1; at <= allocations; at++)
	{
		mimic_env_init(&m);
		m.fail_at = at;
		assert_int_equal(reco_demand_find(&m.env, &e->ordered, USERS, ITEMS, &params, &out),
						 RECO_NO_MEMORY);
		assert_int_equal(m.live, 0);
	}
	for (long at = 1; at <= polls; at++)
	{
		mimic_env_init(&m);
		m.stop_at = at;
		assert_int_equal(reco_demand_find(&m.env, &e->ordered, USERS, ITEMS, &params, &out),
						 RECO_STOPPED);
		assert_int_equal(m.live, 0);
	}
	free_events(e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_and_expectation),
		cmocka_unit_test(quantiles),
		cmocka_unit_test(intervals_hold),
		cmocka_unit_test(edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
