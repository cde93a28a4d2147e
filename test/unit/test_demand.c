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

#include "core/demand/activity.h"
#include "core/demand/demand.h"
#include "core/demand/periods.h"
#include "mimic_env.h"
#include "mimic_rows.h"

#define USERS 400
#define ITEMS 60

static mimic_rows *
make_events(uint64_t seed, int64_t a_user, int64_t first, int64_t last)
{
	mimic_rows *e = mimic_rows_new(USERS, ITEMS, USERS * a_user);
	mimic_row *of = malloc((size_t) a_user * sizeof(mimic_row));
	uint64_t state = seed;

	for (int u = 0; u < USERS; u++)
	{
		for (int64_t k = 0; k < a_user; k++)
		{
			/* the lower ones more often */
			of[k].item = (int32_t) (mimic_uniform(&state) * mimic_uniform(&state) * ITEMS);
			of[k].time = first + mimic_below(&state, last - first + 1);
			of[k].time = u == 0 && k == 3 ? INT64_MIN : of[k].time;
			/* some come back */
			of[k].value = mimic_below(&state, 20) == 0 ? -1 : 1;
		}
		mimic_rows_user(e, of, a_user);
	}
	free(of);
	return e;
}

/* How many users take an item within (from, to]. */
static int32_t
users_within(const mimic_rows *e, int32_t item, int64_t from, int64_t to)
{
	int32_t n = 0;

	for (int u = 0; u < USERS; u++)
		n += mimic_rows_has(e, u, item, from, to);
	return n;
}

static void
counts_and_expectation(void **cmocka)
{
	(void) cmocka;
	for (uint64_t seed = 1; seed <= 6; seed++)
	{
		mimic_rows *e = make_events(seed, 20, -1000, 1000);
		reco_demand_params params = {.end = 900, .length = 170 + 7 * (int64_t) seed, .share = .8};
		reco_demand out;
		mimic_env m;
		double activity[RECO_DEMAND_MAX_PERIODS] = {0}, exposure = 0, weights = 0, of_all = 0;
		double squares = 0, mean = 0, variance = 0, rate[ITEMS];
		int known = 0;

		mimic_env_init(&m);
		assert_int_equal(reco_demand_find(&m.env, &e->x, &params, &out), RECO_OK);
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
			assert_true(out.item[i].within.low <= out.item[i].median &&
						out.item[i].median <= out.item[i].within.high);
		}
		m.env.release(m.env.arg, out.item);
		assert_int_equal(m.live, 0);
		mimic_rows_free(e);
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
					assert_int_equal(reco_count_quantile(shapes[s], rates[r], ps[q]), k);
			}
	/* beyond what is counted one by one */
	assert_true(fabs(reco_count_quantile(4e6, 2, .5) - 2e6) < 10);
	assert_int_equal(reco_count_quantile(1, 1e-12, .5), INT32_MAX);
}

static double
normal(uint64_t *state)
{
	return sqrt(-2 * log(1 - mimic_uniform(state))) *
		   cos(2 * 3.14159265358979 * mimic_uniform(state));
}

/* Of all intervals whose probability is as far from the share, or less, none is shorter. */
static void
intervals(void **cmocka)
{
	static const double shapes[] = {.004, .2, 1, 1.7, 9, 80};
	static const double rates[] = {.05, .6, 1, 7};
	static const double shares[] = {1e-9, .3, .8, .95, 1 - 1e-12};
	enum
	{
		MOST = 30000
	};
	double *p = malloc(sizeof(double) * MOST);
	mimic_env m;

	(void) cmocka;
	mimic_env_init(&m);
	for (int s = 0; s < 6; s++)
		for (int r = 0; r < 4; r++)
			for (int q = 0; q < 5; q++)
			{
				reco_count_interval found;
				double share = shares[q], sum = 0, next;
				int32_t low = 0, high;

				p[0] = exp(shapes[s] * log(rates[r] / (rates[r] + 1)));
				for (int k = 1; k < MOST; k++)
				{
					p[k] = p[k - 1] * (shapes[s] + k - 1) / k / (rates[r] + 1);
					low = p[k] > p[low] ? k : low;
				}
				assert_int_equal(
					reco_count_interval_find(&m.env, shapes[s], rates[r], share, &found), RECO_OK);
				/* the likeliest counts first, as long as that is nearer */
				for (high = low, sum = p[low];; sum += next)
				{
					bool up =
						high + 1 < MOST && (low == 0 || p[high + 1] >= p[low - 1] * (1 - 1e-9));

					next = up ? p[high + 1] : low > 0 ? p[low - 1] : 0;
					if (next < 1e-17 || sum >= share ||
						(sum >= .5 && fabs(sum + next - share) > fabs(sum - share) - 1e-12))
						break;
					if (up)
						high++;
					else
						low--;
				}
				assert_true(share < .5
								? found.probability > share - 1e-9
								: fabs(found.probability - share) < fabs(sum - share) + 1e-9);
				/* where two ways are equally good, rounding decides */
				assert_true(abs((found.high - found.low) - (high - low)) <=
							(share > 1 - 1e-9 ? 1000 : 1));
				sum = 0;
				for (int32_t k = found.low; k <= found.high && k < MOST; k++)
					sum += p[k];
				assert_true(fabs(sum - found.probability) < 1e-9);
			}
	free(p);
	/* far out, and stopped there */
	m.stop_at = 1;
	{
		reco_count_interval found;

		assert_int_equal(reco_count_interval_find(&m.env, 1, 1e-7, .8, &found), RECO_STOPPED);
		m.stop_at = 0;
		assert_int_equal(reco_count_interval_find(&m.env, 1, 1e-7, .8, &found), RECO_OK);
		assert_int_equal(found.low, 0);
		/* geometric: 1 - exp(-high rate) */
		assert_true(fabs(found.high / (-log(.2) * 1e7) - 1) < 1e-6);
	}
}

#define WEEKS 12

/*
 * Items with rates of their own, which change by some from week to week, for WEEKS weeks and one
 * that nobody has seen, whose users go to truth.
 */
static mimic_rows *
make_weeks(uint64_t *state, const double *rate, int32_t *truth)
{
	mimic_rows *e = mimic_rows_new(USERS, ITEMS, (int64_t) ITEMS * WEEKS * USERS);
	mimic_row *of = malloc(ITEMS * WEEKS * sizeof(mimic_row));
	double level[WEEKS + 1][ITEMS];

	memset(truth, 0, ITEMS * sizeof(int32_t));
	for (int k = 0; k <= WEEKS; k++)
		for (int i = 0; i < ITEMS; i++)
			level[k][i] = fmin(1, rate[i] * exp(.3 * normal(state)));
	for (int u = 0; u < USERS; u++)
	{
		int64_t n = 0;

		for (int k = 0; k <= WEEKS; k++)
			for (int i = 0; i < ITEMS; i++)
			{
				if (mimic_uniform(state) >= level[k][i])
					continue;
				if (k == WEEKS)
					truth[i]++;
				else
					of[n++] = (mimic_row){k * 10 + 1 + mimic_below(state, 9) % 9, i, 1};
			}
		mimic_rows_user(e, of, n);
	}
	free(of);
	/* the first week is whole */
	for (int u = 0; u < USERS; u++)
		if (e->rows[u + 1] > e->rows[u])
		{
			e->time[e->rows[u]] = 0;
			break;
		}
	return e;
}

/* Intervals hold what they say, of items that are often had and of such as hardly ever are. */
static void
intervals_hold(void **cmocka)
{
	(void) cmocka;
	for (int rare = 0; rare < 2; rare++)
	{
		int held = 0, of = 0;
		double probability = 0;

		for (uint64_t seed = 1; seed <= 12; seed++)
		{
			uint64_t state = seed * 977;
			double rate[ITEMS];
			int32_t truth[ITEMS];
			mimic_rows *e;
			reco_demand_params params = {.end = WEEKS * 10, .length = 10, .share = .8};
			reco_demand out;
			mimic_env m;

			for (int i = 0; i < ITEMS; i++)
				rate[i] =
					rare ? .0004 + .008 * mimic_uniform(&state) : .02 + .2 * mimic_uniform(&state);
			e = make_weeks(&state, rate, truth);
			mimic_env_init(&m);
			assert_int_equal(reco_demand_find(&m.env, &e->x, &params, &out), RECO_OK);
			for (int i = 0; i < ITEMS; i++)
			{
				const reco_count_interval *within = &out.item[i].within;

				held += truth[i] >= within->low && truth[i] <= within->high;
				probability += within->probability;
				of++;
			}
			assert_true(rare || out.certainty < 1);
			m.env.release(m.env.arg, out.item);
			mimic_rows_free(e);
		}
		assert_true(held > .75 * of && held < .86 * of);
		assert_true(fabs(probability / of - .8) < .04);
	}
}

/* A model that knows the rates of rare items tells more than their own weeks; one of noise not. */
static void
a_model_helps(void **cmocka)
{
	double error[3] = {0};
	int used = 0;

	(void) cmocka;
	for (uint64_t seed = 1; seed <= 8; seed++)
	{
		uint64_t state = seed * 31;
		double rate[ITEMS], noise[ITEMS];
		int32_t truth[ITEMS];
		mimic_rows *e;

		for (int i = 0; i < ITEMS; i++)
		{
			rate[i] = .0004 * exp(4 * mimic_uniform(&state));
			noise[i] = exp(4 * mimic_uniform(&state));
		}
		e = make_weeks(&state, rate, truth);
		for (int way = 0; way < 3; way++)
		{
			reco_demand_params params = {.end = WEEKS * 10, .length = 10, .share = .8};
			reco_demand out;
			mimic_env m;

			params.model = params.model_before = way == 0 ? NULL : way == 1 ? rate : noise;
			mimic_env_init(&m);
			assert_int_equal(reco_demand_find(&m.env, &e->x, &params, &out), RECO_OK);
			used += way == 1 && out.part > 0;
			/* noise may be as good as what all have in the mean, and no more than that */
			assert_true(way == 1 || out.part < 1);
			assert_true(way != 0 || (out.part == 0 && out.strength == 1));
			for (int i = 0; i < ITEMS; i++)
			{
				double off = out.item[i].expected - USERS * rate[i];

				error[way] += off * off / (USERS * rate[i]);
			}
			m.env.release(m.env.arg, out.item);
		}
		/* zeros say nothing */
		{
			reco_demand_params params = {.end = WEEKS * 10, .length = 10, .share = .8};
			double zeros[ITEMS] = {0};
			reco_demand out;
			mimic_env m;

			params.model_before = rate;
			params.model = zeros;
			mimic_env_init(&m);
			assert_int_equal(reco_demand_find(&m.env, &e->x, &params, &out), RECO_OK);
			assert_true(out.part == 0);
			m.env.release(m.env.arg, out.item);
		}
		mimic_rows_free(e);
	}
	assert_true(used >= 4);
	assert_true(error[1] < error[0]);
	assert_true(error[2] < 1.1 * error[0]);
}

static void
edges(void **cmocka)
{
	mimic_rows *e = make_events(3, 6, 0, 1000);
	reco_demand_params params = {.end = 1000, .length = 300, .share = .8};
	reco_demand out;
	mimic_env m;
	long allocations, polls;

	(void) cmocka;
	mimic_env_init(&m);
	assert_int_equal(reco_demand_find(&m.env, &e->x, &params, &out), RECO_INVALID);
	assert_true(out.whole == 3);
	/* before anything happened */
	params.end = -5;
	assert_int_equal(reco_demand_find(&m.env, &e->x, &params, &out), RECO_INVALID);
	/* as far apart as times can be */
	e->time[0] = INT64_MIN + 1;
	e->row[0].value = 1;
	params = (reco_demand_params){.end = INT64_MAX, .length = INT64_MAX / 3, .share = .8};
	assert_int_equal(reco_demand_find(&m.env, &e->x, &params, &out), RECO_OK);
	m.env.release(m.env.arg, out.item);
	params = (reco_demand_params){.end = 1000, .length = 100, .share = .8};
	mimic_env_init(&m);
	assert_int_equal(reco_demand_find(&m.env, &e->x, &params, &out), RECO_OK);
	assert_int_equal(out.periods, RECO_DEMAND_MAX_PERIODS);
	m.env.release(m.env.arg, out.item);
	allocations = m.allocations;
	polls = m.polls;
	assert_true(polls > 3);
	for (long at = 1; at <= allocations; at++)
	{
		mimic_env_init(&m);
		m.fail_at = at;
		assert_int_equal(reco_demand_find(&m.env, &e->x, &params, &out), RECO_NO_MEMORY);
		assert_int_equal(m.live, 0);
	}
	for (long at = 1; at <= polls; at++)
	{
		mimic_env_init(&m);
		m.stop_at = at;
		assert_int_equal(reco_demand_find(&m.env, &e->x, &params, &out), RECO_STOPPED);
		assert_int_equal(m.live, 0);
	}
	mimic_rows_free(e);
}

/* Two times may be further from each other than a signed number tells. */
static void
far_times(void **cmocka)
{
	static const int64_t ends[] = {900, INT64_MAX - 1, INT64_MIN + 5000};
	static const int64_t lengths[] = {1, 7, INT64_MAX / 3, INT64_MAX};

	(void) cmocka;
	assert_true(reco_period_of(INT64_MAX, 1, INT64_MIN + 1) == INT64_MAX);
	assert_true(reco_period_of(INT64_MAX, 2, INT64_MIN + 1) == INT64_MAX);
	assert_true(reco_period_of(INT64_MAX, INT64_MAX, INT64_MIN + 1) == 2);
	assert_true(reco_period_of(0, 1, INT64_MIN + 1) == INT64_MAX);
	assert_true(reco_period_of(-1, 1, INT64_MIN + 1) == INT64_MAX - 1);
	for (int k = 0; k < 3 * 4; k++)
	{
		mimic_rows *e = mimic_rows_new(USERS, ITEMS, USERS * 8);
		reco_demand_params params = {.end = ends[k / 4], .length = lengths[k % 4], .share = .8};
		reco_demand out;
		reco_activity_found activity;
		double chance[USERS];
		mimic_env m;
		reco_status status;

		for (int u = 0; u < USERS; u++)
		{
			mimic_row of[8];

			for (int r = 0; r < 8; r++)
				of[r] = (mimic_row){.item = (u + r) % ITEMS,
									.time = r == 0   ? INT64_MIN + 1
											: r == 1 ? INT64_MIN + 1 + u
											: r == 2 ? INT64_MAX
													 : params.end - (u + r) % 6,
									.value = 1};
			mimic_rows_user(e, of, 8);
		}
		mimic_env_init(&m);
		status = reco_demand_find(&m.env, &e->x, &params, &out);
		assert_true(status == RECO_OK || status == RECO_INVALID);
		if (status == RECO_OK)
			m.env.release(m.env.arg, out.item);
		assert_int_equal(
			reco_activity_find(&m.env, &e->x, params.end, params.length, chance, &activity),
			RECO_OK);
		for (int u = 0; u < USERS; u++)
			assert_true(chance[u] > 0 && chance[u] < 1);
		assert_int_equal(m.live, 0);
		mimic_rows_free(e);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(far_times),      cmocka_unit_test(counts_and_expectation),
		cmocka_unit_test(quantiles),      cmocka_unit_test(intervals),
		cmocka_unit_test(intervals_hold), cmocka_unit_test(a_model_helps),
		cmocka_unit_test(edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
