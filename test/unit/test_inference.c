/*
 * test_inference.c
 *	  Quantiles, tails and intervals against published values; assignments against shares; and
 *	  how often intervals hold a known effect, on simulated logs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "core/inference/assignment.h"
#include "core/inference/beta.h"
#include "core/inference/estimates.h"
#include "core/inference/normal.h"
#include "mimic_env.h"

#define Z 1.959963984540054

static void
assert_near(double a, double b, double within)
{
	if (!(fabs(a - b) <= within))
		fail_msg("%.17g is not %.17g", a, b);
}

/* ---- distributions ---- */

static void
test_quantiles(void **state)
{
	(void) state;
	assert_near(reco_normal_quantile(0.5), 0, 1e-15);
	assert_near(reco_normal_quantile(0.8), 0.8416212335729143, 1e-14);
	assert_near(reco_normal_quantile(0.975), Z, 1e-14);
	assert_near(reco_normal_quantile(0.995), 2.5758293035489004, 1e-14);
	assert_near(reco_normal_quantile(0.025), -Z, 1e-14);
	assert_near(reco_normal_quantile(1e-10), -6.361340902404056, 1e-12);
	for (double p = 0.001; p < 1; p += 0.001)
		assert_near(0.5 * erfc(-reco_normal_quantile(p) / sqrt(2)), p, 1e-15);
}

static void
test_beta(void **state)
{
	static const double parameters[] = {.3, 1, 2, 7.5, 120, 4000};

	(void) state;
	/* 1 - (1 - x)^b, and x^a */
	assert_near(reco_beta_below(.2, 1, 3), 1 - .8 * .8 * .8, 1e-15);
	assert_near(reco_beta_below(.7, 4, 1), .7 * .7 * .7 * .7, 1e-15);
	assert_near(reco_beta_below(.5, 2, 3), .6875, 1e-14);
	assert_near(reco_beta_below(-1, 2, 3), 0, 0);
	assert_near(reco_beta_below(1, 2, 3), 1, 0);
	/* 7 of 10: Clopper and Pearson's interval of 95 % */
	assert_near(reco_beta_quantile(.025, 7, 4), .34754714, 1e-7);
	assert_near(reco_beta_quantile(.975, 8, 3), .93326, 1e-5);
	for (int a = 0; a < 6; a++)
		for (int b = 0; b < 6; b++)
			for (double p = .001; p < 1; p += .111)
			{
				double x = reco_beta_quantile(p, parameters[a], parameters[b]);

				assert_near(reco_beta_below(x, parameters[a], parameters[b]), p, 1e-9);
				/* 1 - x is exact enough where the density is bounded */
				if (a > 0 && b > 0)
					assert_near(reco_beta_below(1 - x, parameters[b], parameters[a]), 1 - p, 1e-9);
			}
}

static void
test_tails(void **state)
{
	double two[] = {5300, 4700};
	double three[] = {10, 20, 30};
	double even[] = {1, 1, 1};
	double none[] = {0, 0};

	(void) state;
	assert_near(reco_chi_squared_tail(3.841458820694124, 1), 0.05, 1e-14);
	assert_near(reco_chi_squared_tail(10.827566170662733, 1), 0.001, 1e-15);
	assert_near(reco_chi_squared_tail(18.307038053275146, 10), 0.05, 1e-14);
	assert_near(reco_chi_squared_tail(124.34211340400407, 100), 0.05, 1e-12);
	/* of two degrees the tail is exp(-x / 2), of one it is erfc(sqrt(x / 2)) */
	for (double x = 0.125; x < 100; x *= 1.25)
	{
		assert_near(reco_chi_squared_tail(x, 2) / exp(-x / 2), 1, 1e-12);
		assert_near(reco_chi_squared_tail(x, 1) / erfc(sqrt(x / 2)), 1, 1e-12);
	}
	assert_near(reco_chi_squared_tail(0, 3), 1, 0);
	assert_near(reco_chi_squared_tail(INFINITY, 3), 0, 0);
	/* 36 by one degree; 10 by two */
	assert_near(reco_split_tail(two, even, 2) / erfc(sqrt(18)), 1, 1e-12);
	assert_near(reco_split_tail(three, even, 3), exp(-5), 1e-12);
	assert_near(reco_split_tail(three, three, 3), 1, 1e-12);
	assert_near(reco_split_tail(none, even, 2), 1, 0);
}

/* ---- intervals ---- */

/* x users of n did it. */
static reco_measured
rate(double x, double n)
{
	reco_ratio_sums sums = {n, x, n, x, x, n};

	return reco_rate_measured(&sums, Z);
}

/* Newcombe 1998, "Two-sided confidence intervals for the single proportion", method 3. */
static void
test_wilson(void **state)
{
	static const double known[][4] = {{81, 263, 0.2553, 0.3662},
									  {15, 148, 0.0624, 0.1605},
									  {0, 20, 0, 0.1611},
									  {1, 29, 0.0061, 0.1718}};

	(void) state;
	for (int k = 0; k < 4; k++)
	{
		reco_measured m = rate(known[k][0], known[k][1]);

		assert_near(m.low, known[k][2], 5e-5);
		assert_near(m.high, known[k][3], 5e-5);
		m = rate(known[k][1] - known[k][0], known[k][1]);
		assert_near(m.low, 1 - known[k][3], 5e-5);
		assert_near(m.high, 1 - known[k][2], 5e-5);
	}
	assert_true(isnan(rate(0, 0).value));
}

/* Newcombe 1998, "Interval estimation for the difference", table II, method 10. */
static void
test_differences(void **state)
{
	static const double known[][6] = {
		{56, 70, 48, 80, 0.0524, 0.3339}, {9, 10, 3, 10, 0.1705, 0.8090},
		{6, 7, 2, 7, 0.0582, 0.8062},     {5, 56, 0, 29, -0.0381, 0.1926},
		{0, 10, 0, 20, -0.1611, 0.2775},  {0, 10, 0, 10, -0.2775, 0.2775},
		{10, 10, 0, 20, 0.6791, 1},       {10, 10, 0, 10, 0.6075, 1}};

	(void) state;
	for (int k = 0; k < 8; k++)
	{
		reco_measured a = rate(known[k][0], known[k][1]);
		reco_measured b = rate(known[k][2], known[k][3]);
		reco_measured d = reco_difference(&a, &b);

		assert_near(d.low, known[k][4], 5e-5);
		assert_near(d.high, known[k][5], 5e-5);
		d = reco_difference(&b, &a);
		assert_near(d.low, -known[k][5], 5e-5);
		assert_near(d.high, -known[k][4], 5e-5);
	}
}

/* The ends of a quotient are where a - t b may be 0, by the intervals of both. */
static void
test_quotients(void **state)
{
	uint64_t seed = 3;

	(void) state;
	for (int trial = 0; trial < 1000; trial++)
	{
		double n = 20 + mimic_below(&seed, 2000);
		double m = 20 + mimic_below(&seed, 2000);
		reco_measured a = rate(mimic_below(&seed, (int) n + 1), n);
		reco_measured b = rate(1 + mimic_below(&seed, (int) m), m);
		reco_measured q = reco_quotient(&a, &b);

		assert_true(q.low <= q.value && q.value <= q.high && q.low >= 0);
		assert_near(q.value - a.value / b.value, 0, 1e-12 * q.value);
		/* MOVER of a - t b touches 0 there */
		assert_near(pow(a.value - q.low * b.value, 2),
					pow(a.value - a.low, 2) + pow(q.low * (b.high - b.value), 2), 1e-9);
		assert_near(pow(q.high * b.value - a.value, 2),
					pow(a.high - a.value, 2) + pow(q.high * (b.value - b.low), 2),
					1e-9 * fmax(1, q.high * q.high));
	}
	{
		reco_measured zero = rate(0, 100);
		reco_measured some = rate(10, 100);

		assert_true(isnan(reco_quotient(&some, &zero).value));
		assert_near(reco_quotient(&zero, &some).low, 0, 0);
		assert_true(reco_quotient(&zero, &some).high > 0 && reco_quotient(&zero, &some).high < 1);
	}
}

/* Sums against users one by one. */
static void
test_ratios(void **state)
{
	static const double x[] = {1, 0, 2, 5, 0, 0, 1};
	static const double y[] = {3, 1, 4, 9, 2, 1, 1};
	reco_ratio_sums s = {0};
	double squares = 0;
	reco_measured m;

	(void) state;
	for (int u = 0; u < 7; u++)
	{
		s.users++;
		s.x += x[u];
		s.y += y[u];
		s.xx += x[u] * x[u];
		s.xy += x[u] * y[u];
		s.yy += y[u] * y[u];
	}
	for (int u = 0; u < 7; u++)
		squares += pow(x[u] - 9.0 / 21 * y[u], 2);
	m = reco_ratio_measured(&s, Z);
	assert_near(m.value, 9.0 / 21, 1e-15);
	assert_near(m.variance, squares / (21 * 21) * 7 / 6, 1e-15);
	assert_near(m.high - m.low, 2 * Z * sqrt(m.variance), 1e-15);
	m = reco_rate_measured(&s, Z);
	assert_near(m.variance, squares / (21 * 21), 1e-15);
	m = reco_mean_measured(&s, Z);
	assert_near(m.value, 9.0 / 7, 1e-15);
	assert_near(m.variance, (31 - 81.0 / 7) / 6 / 7, 1e-15);
	/* what cannot be told */
	s = (reco_ratio_sums){1, 2, 3, 4, 6, 9};
	assert_true(isnan(reco_ratio_measured(&s, Z).low) && isnan(reco_mean_measured(&s, Z).high));
	s = (reco_ratio_sums){2, 4, 6, 8, 12, 18};
	assert_true(isnan(reco_ratio_measured(&s, Z).low) && isnan(reco_mean_measured(&s, Z).high));
	s = (reco_ratio_sums){0};
	assert_true(isnan(reco_ratio_measured(&s, Z).value) && isnan(reco_mean_measured(&s, Z).value));
	/* all alike: as many trials as there were, not more */
	s = (reco_ratio_sums){10, 20, 40, 40, 80, 160};
	m = reco_rate_measured(&s, Z);
	assert_near(m.low, rate(20, 40).low, 1e-15);
	/* 10 % against 11 %: as tables of sample sizes have it */
	assert_near(reco_users_needed(0.09, 0.11 * 0.89, 0.01, Z, 0.8416212335729143), 14748.1, 0.5);
}

/* ---- assignments ---- */

static void
test_logarithm(void **state)
{
	uint64_t seed = 1;

	(void) state;
	for (int trial = 0; trial < 100000; trial++)
	{
		double x = trial % 2 ? mimic_uniform(&seed) : pow(2, -60 * mimic_uniform(&seed));

		if (x > 0)
			assert_true(fabs(reco_minus_log(x) + log(x)) <= 4e-16 * -log(x) + 1e-18);
	}
	assert_near(reco_minus_log(1), 0, 0);
	assert_near(reco_minus_log(0.5), 0.6931471805599453, 0);
	assert_true(reco_hash_fraction(0) == 0x1p-53 && reco_hash_fraction(UINT64_MAX) == 1 - 0x1p-53);
}

static void
test_assignments(void **state)
{
	static const double weight[] = {5, 3, 0, 2};
	static const double more[] = {5, 4, 0, 2};
	double got[4] = {0};
	double wanted[3] = {50000, 30000, 20000};
	double counts[3];
	long moved = 0;
	uint64_t seed = 5;

	(void) state;
	for (int u = 0; u < 100000; u++)
	{
		uint64_t hash[4];
		int before;
		int after;

		for (int k = 0; k < 4; k++)
			hash[k] = mimic_bits(&seed);
		before = reco_assignment(hash, weight, 4);
		after = reco_assignment(hash, more, 4);
		got[before]++;
		/* who moves comes to the one that gained */
		assert_true(before == after || after == 1);
		moved += before != after;
		/* without the last only its own users move */
		assert_true(before == 3 || before == reco_assignment(hash, weight, 3));
	}
	assert_true(got[2] == 0);
	counts[0] = got[0];
	counts[1] = got[1];
	counts[2] = got[3];
	assert_true(reco_split_tail(counts, wanted, 3) > 0.001);
	/* from 3 / 10 to 4 / 11 */
	assert_near((double) moved / 100000, 4.0 / 11 - 3.0 / 10, 0.003);
	assert_int_equal(reco_assignment((uint64_t[]){9, 3, 7}, NULL, 3), 0);
}

/* ---- intervals hold a known effect as often as they say ---- */

#define RUNS 2000
#define USERS 1000

/*
 * Seven users of ten see little and click at 5 %, the others see much and click at 12 %, each
 * more or less than that: 0.555 clicks in 5.85 shown.  A purchase is worth about 20.
 */
typedef struct arm
{
	reco_ratio_sums clicks;
	reco_ratio_sums buyers;
	reco_ratio_sums value;
} arm;

static void
add(reco_ratio_sums *s, double x, double y)
{
	s->users++;
	s->x += x;
	s->y += y;
	s->xx += x * x;
	s->xy += x * y;
	s->yy += y * y;
}

static arm
simulate(double lift, uint64_t *seed)
{
	arm a;

	memset(&a, 0, sizeof(a));
	for (int u = 0; u < USERS; u++)
	{
		bool much = mimic_below(seed, 10) >= 7;
		int shown = much ? 5 + mimic_below(seed, 16) : 1 + mimic_below(seed, 5);
		double p = (much ? 0.12 : 0.05) * lift * (mimic_below(seed, 2) ? 1.6 : 0.4);
		int clicks = 0;
		bool buys = mimic_uniform(seed) < 0.1 * lift;

		for (int k = 0; k < shown; k++)
			clicks += mimic_uniform(seed) < p;
		add(&a.clicks, clicks, shown);
		add(&a.buyers, buys, 1);
		add(&a.value, buys ? -20 * log(1 - mimic_uniform(seed)) : 0, 1);
	}
	return a;
}

static int
holds(const reco_measured *m, double truth)
{
	return m->low <= truth && truth <= m->high;
}

static void
assert_covers(const char *what, int held)
{
	if (held < 0.94 * RUNS || held > 0.96 * RUNS)
		fail_msg("%s: held in %d of %d runs", what, held, RUNS);
}

static void
test_coverage(void **state)
{
	static const double truth[3] = {0.555 / 5.85, 0.1, 2};
	static const double lift = 1.2;
	int one[3] = {0};
	int difference[3] = {0};
	int quotient[3] = {0};
	int naive = 0;
	uint64_t seed = 2024;

	(void) state;
	for (int run = 0; run < RUNS; run++)
	{
		arm a = simulate(lift, &seed);
		arm b = simulate(1, &seed);
		reco_measured m[2][3] = {
			{reco_rate_measured(&a.clicks, Z), reco_rate_measured(&a.buyers, Z),
			 reco_mean_measured(&a.value, Z)},
			{reco_rate_measured(&b.clicks, Z), reco_rate_measured(&b.buyers, Z),
			 reco_mean_measured(&b.value, Z)}};
		reco_measured as_if = m[1][0];

		for (int k = 0; k < 3; k++)
		{
			reco_measured d = reco_difference(&m[0][k], &m[1][k]);
			reco_measured q = reco_quotient(&m[0][k], &m[1][k]);

			one[k] += holds(&m[1][k], truth[k]);
			difference[k] += holds(&d, (lift - 1) * truth[k]);
			quotient[k] += holds(&q, lift);
		}
		/* as if all that was shown were independent */
		reco_wilson(as_if.value, b.clicks.y, Z, &as_if.low, &as_if.high);
		naive += holds(&as_if, truth[0]);
	}
	assert_covers("the rate of clicks", one[0]);
	assert_covers("its difference", difference[0]);
	assert_covers("its quotient", quotient[0]);
	assert_covers("the share of buyers", one[1]);
	assert_covers("its difference", difference[1]);
	assert_covers("its quotient", quotient[1]);
	assert_covers("value a user", one[2]);
	assert_covers("its difference", difference[2]);
	assert_covers("its quotient", quotient[2]);
	assert_true(naive < 0.92 * RUNS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantiles), cmocka_unit_test(test_tails),
		cmocka_unit_test(test_wilson),    cmocka_unit_test(test_differences),
		cmocka_unit_test(test_quotients), cmocka_unit_test(test_ratios),
		cmocka_unit_test(test_logarithm), cmocka_unit_test(test_assignments),
		cmocka_unit_test(test_coverage),  cmocka_unit_test(test_beta),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
