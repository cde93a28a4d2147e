/*
 * test_growth.c
 *	  What grows, and who comes again: against counts of every row, sums of probabilities, and
 *	  made-up truth.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "core/demand/activity.h"
#include "core/demand/growth.h"
#include "mimic_env.h"
#include "mimic_rows.h"

#define USERS 150
#define ITEMS 40

static mimic_rows *
make_rows(uint64_t seed, int64_t a_user, int64_t first, int64_t last)
{
	mimic_rows *e = mimic_rows_new(USERS, ITEMS, USERS * a_user);
	mimic_row *of = malloc((size_t) a_user * sizeof(mimic_row));
	uint64_t state = seed;

	for (int u = 0; u < USERS; u++)
	{
		for (int64_t k = 0; k < a_user; k++)
		{
			of[k].item = (int32_t) (mimic_uniform(&state) * mimic_uniform(&state) * (ITEMS - 1));
			of[k].time = first + mimic_below(&state, last - first + 1);
			of[k].time = u == 0 && k == 3 ? INT64_MIN : of[k].time;
			of[k].value = mimic_below(&state, 20) == 0 ? -1 : 1;
		}
		mimic_rows_user(e, of, u % 9 ? a_user : 0);
	}
	free(of);
	return e;
}

/* How likely r or more of n are, each with q. */
static double
binomial_tail(int32_t n, int32_t r, double q)
{
	double sum = 0;

	for (int32_t k = r; k <= n; k++)
		sum += exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(q) +
				   (n - k) * log1p(-q));
	return sum;
}

/* At the ends of the interval the counts are just so likely. */
static void
check_ends(const reco_growth_params *params, const reco_growth *g)
{
	int32_t n = g->recent + g->baseline;
	double by = (double) params->baseline / (double) params->recent;
	double tail = (1 - params->share) / 2;

	if (g->recent == 0)
		assert_true(g->low == 0);
	else
		assert_true(fabs(binomial_tail(n, g->recent, g->low / (g->low + by)) - tail) < 1e-9);
	if (g->baseline == 0)
		assert_true(isinf(g->high) && isinf(g->growth));
	else
	{
		assert_true(fabs(binomial_tail(n, g->recent + 1, g->high / (g->high + by)) - 1 + tail) <
					1e-9);
		assert_true(fabs(g->growth - g->recent * by / g->baseline) < 1e-12 * (1 + g->growth));
	}
	assert_true(g->low <= g->growth && g->growth <= g->high);
}

static void
counts(void **state)
{
	(void) state;
	for (uint64_t seed = 1; seed <= 6; seed++)
	{
		mimic_rows *e = make_rows(seed, 15, -1000, 1000);
		/* the baseline is a multiple or not */
		reco_growth_params params = {900, 100 + 13 * (int64_t) seed, 500, .9};
		reco_growth out[ITEMS];
		mimic_env m;

		mimic_env_init(&m);
		assert_int_equal(reco_growth_find(&m.env, &e->x, &params, out), RECO_OK);
		for (int i = 0; i < ITEMS; i++)
		{
			int32_t recent = 0, baseline = 0;

			for (int u = 0; u < USERS; u++)
			{
				int64_t first = params.end - params.recent - params.baseline;

				recent += mimic_rows_has(e, u, i, params.end - params.recent, params.end);
				for (int64_t to = params.end - params.recent; to > first; to -= params.recent)
					baseline += mimic_rows_has(
						e, u, i, to - params.recent > first ? to - params.recent : first, to);
			}
			if (recent + baseline == 0)
			{
				assert_true(isnan(out[i].growth) && isnan(out[i].low) && isnan(out[i].high));
				continue;
			}
			assert_int_equal(out[i].recent, recent);
			assert_int_equal(out[i].baseline, baseline);
			check_ends(&params, &out[i]);
		}
		/* the last item is nobody's */
		assert_true(isnan(out[ITEMS - 1].growth));
		assert_int_equal(m.live, 0);
		mimic_rows_free(e);
	}
}

/* Two users after nobody are no growth, and less than a hundred after a hundred in four times. */
static void
few_do_not_lead(void **state)
{
	mimic_rows *e = mimic_rows_new(USERS, ITEMS, USERS * 5);
	reco_growth_params params = {50, 10, 40, .95};
	reco_growth out[ITEMS];
	mimic_env m;

	(void) state;
	for (int u = 0; u < USERS; u++)
	{
		mimic_row of[4];
		int64_t n = 0;

		if (u < 2)
			of[n++] = (mimic_row){45, 0, 1};
		if (u < 100)
			of[n++] = (mimic_row){45, 1, 1};
		if (u < 100)
			of[n++] = (mimic_row){11 + u % 40, 1, 1};
		mimic_rows_user(e, of, n);
	}
	mimic_env_init(&m);
	assert_int_equal(reco_growth_find(&m.env, &e->x, &params, out), RECO_OK);
	assert_true(isinf(out[0].growth) && out[0].recent == 2);
	assert_true(fabs(out[0].low - .7509) < 1e-3);
	assert_true(out[1].recent >= 100 && out[1].low > 2);
	mimic_rows_free(e);
}

static void
growth_ends(void **state)
{
	mimic_rows *e = make_rows(2, 15, INT64_MIN / 2 + 1, INT64_MAX / 2);
	reco_growth_params params = {INT64_MAX, INT64_MAX, INT64_MAX, .9};
	reco_growth out[ITEMS];
	mimic_env m;
	long polls;

	(void) state;
	mimic_env_init(&m);
	assert_int_equal(reco_growth_find(&m.env, &e->x, &params, out), RECO_OK);
	polls = m.polls;
	for (long at = 1; at <= polls; at++)
	{
		mimic_env_init(&m);
		m.stop_at = at;
		assert_int_equal(reco_growth_find(&m.env, &e->x, &params, out), RECO_STOPPED);
	}
	mimic_rows_free(e);
}

/* Chances by the formula from what was found, and the likelihood is the largest of what is tried.
 */
static double
mimic_chance(const bool *active, int from, int first, double half_life, double strength,
			 double mean)
{
	double successes = 0, all = 0;

	for (int k = from; k < first; k++)
	{
		double w = pow(.5, (k - from) / half_life);

		all += w;
		successes += active[k] ? w : 0;
	}
	return (strength * mean + successes) / (strength + all);
}

static double
mimic_mean(bool (*active)[60], const int *first, int from, double half_life)
{
	double successes = .5, all = 1;

	for (int u = 0; u < USERS; u++)
		for (int k = from; k < first[u]; k++)
		{
			double w = pow(.5, (k - from) / half_life);

			all += w;
			successes += active[u][k] ? w : 0;
		}
	return successes / all;
}

static double
mimic_likelihood(bool (*active)[60], const int *first, double half_life, double strength)
{
	double mean = mimic_mean(active, first, 1, half_life);
	double sum = 0;

	for (int u = 0; u < USERS; u++)
	{
		double chance = mimic_chance(active[u], 1, first[u], half_life, strength, mean);

		if (first[u] >= 1)
			sum += log(active[u][0] ? chance : 1 - chance);
	}
	return sum;
}

static void
chances(void **state)
{
	static const double half_lives[] = {2, 4, 8, 16, INFINITY};
	static const double strengths[] = {.5, 1, 2, 4, 8, 16};

	(void) state;
	for (uint64_t seed = 1; seed <= 5; seed++)
	{
		mimic_rows *e = make_rows(seed, 2 + (int64_t) seed * 3, 0, 1000);
		reco_activity_found found;
		double chance[USERS], sum = 0, most;
		static bool active[USERS][60];
		int first[USERS];
		mimic_env m;
		double mean;

		for (int u = 0; u < USERS; u++)
		{
			first[u] = -1;
			for (int k = 0; k < 60; k++)
			{
				active[u][k] = mimic_rows_has(e, u, -1, 950 - 70 * (k + 1), 950 - 70 * k);
				first[u] = active[u][k] ? k : first[u];
			}
		}
		mimic_env_init(&m);
		assert_int_equal(reco_activity_find(&m.env, &e->x, 950, 70, chance, &found), RECO_OK);
		most = mimic_likelihood(active, first, found.half_life, found.strength);
		for (int h = 0; h < 5; h++)
			for (int s = 0; s < 6; s++)
				assert_true(most >
							mimic_likelihood(active, first, half_lives[h], strengths[s]) - 1e-6);
		mean = mimic_mean(active, first, 0, found.half_life);
		for (int u = 0; u < USERS; u++)
		{
			double wanted = first[u] < 0 ? 0
										 : mimic_chance(active[u], 0, first[u], found.half_life,
														found.strength, mean);

			assert_true(fabs(chance[u] - wanted) < 1e-9);
			sum += chance[u];
		}
		assert_true(fabs(found.expected - sum) < 1e-9 * (1 + sum));
		assert_int_equal(m.live, 0);
		mimic_rows_free(e);
	}
}

/* Users with chances of their own come as often as is said. */
static void
users_come(void **state)
{
	double expected = 0, came = 0, busy = 0, busy_came = 0;

	(void) state;
	for (uint64_t seed = 1; seed <= 20; seed++)
	{
		mimic_rows *e = mimic_rows_new(USERS, ITEMS, USERS * 12);
		uint64_t bits = seed * 7919;
		bool comes[USERS];
		double chance[USERS];
		reco_activity_found found;
		mimic_env m;

		for (int u = 0; u < USERS; u++)
		{
			double own = mimic_uniform(&bits) * mimic_uniform(&bits);
			mimic_row of[12];
			int64_t n = 0;

			for (int k = 0; k < 12; k++)
				if (mimic_uniform(&bits) < own)
					of[n++] = (mimic_row){k * 10 + 5, 0, 1};
			comes[u] = mimic_uniform(&bits) < own;
			mimic_rows_user(e, of, n);
		}
		mimic_env_init(&m);
		assert_int_equal(reco_activity_find(&m.env, &e->x, 120, 10, chance, &found), RECO_OK);
		for (int u = 0; u < USERS; u++)
		{
			expected += chance[u];
			came += chance[u] > 0 && comes[u];
			busy += chance[u] > .5 ? chance[u] : 0;
			busy_came += chance[u] > .5 && comes[u];
		}
		mimic_rows_free(e);
	}
	assert_true(fabs(expected / came - 1) < .06);
	assert_true(fabs(busy / busy_came - 1) < .08);
}

static void
activity_ends(void **state)
{
	mimic_rows *e = make_rows(2, 15, 0, 1000);
	mimic_rows *nobody = make_rows(2, 15, 2000, 3000);
	double chance[USERS];
	reco_activity_found found;
	mimic_env m;
	long polls;

	(void) state;
	mimic_env_init(&m);
	assert_int_equal(reco_activity_find(&m.env, &nobody->x, 1000, 10, chance, &found), RECO_OK);
	assert_true(found.expected == 0 && chance[1] == 0);
	mimic_env_init(&m);
	assert_int_equal(reco_activity_find(&m.env, &e->x, 1000, 10, chance, &found), RECO_OK);
	polls = m.polls;
	for (long at = 1; at <= polls; at++)
	{
		mimic_env_init(&m);
		m.stop_at = at;
		assert_int_equal(reco_activity_find(&m.env, &e->x, 1000, 10, chance, &found), RECO_STOPPED);
		assert_int_equal(m.live, 0);
	}
	mimic_env_init(&m);
	m.fail_at = 1;
	assert_int_equal(reco_activity_find(&m.env, &e->x, 1000, 10, chance, &found), RECO_NO_MEMORY);
	mimic_rows_free(e);
	mimic_rows_free(nobody);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts),      cmocka_unit_test(few_do_not_lead),
		cmocka_unit_test(growth_ends), cmocka_unit_test(chances),
		cmocka_unit_test(users_come),  cmocka_unit_test(activity_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
