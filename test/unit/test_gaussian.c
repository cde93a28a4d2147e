/*
 * test_gaussian.c
 *	  Noise of a discrete Gaussian distribution, by its probabilities, and how much of it is added
 *	  (core/privacy/mechanism.h): shares within their norm, and delta against its definition.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/privacy/mechanism.h"
#include "mimic_noise.h"

#define DRAWS 200000
#define MOST 20

/* Each number as often as its probability says, within six standard deviations. */
static void
check_draws(uint64_t variance)
{
	reco_random random = {.fill = mimic_noise};
	double count[2 * MOST + 1] = {0};
	double all = 0;

	for (int k = 0; k < DRAWS; k++)
	{
		int64_t y = reco_discrete_gaussian(&random, variance);

		if (y >= -MOST && y <= MOST)
			count[y + MOST]++;
	}
	for (int y = -400; y <= 400; y++)
		all += exp(-y * y / (2.0 * (double) variance));
	for (int y = -MOST; y <= MOST; y++)
	{
		double p = exp(-y * y / (2.0 * (double) variance)) / all;

		assert_true(fabs(count[y + MOST] - DRAWS * p) <= 6 * sqrt(DRAWS * p * (1 - p)) + 6);
	}
	assert_false(random.failed);
}

static void
test_probabilities(void **state)
{
	(void) state;
	check_draws(1);
	check_draws(2);
	check_draws(9);
	check_draws(1000);
}

/* Mean and variance where the numbers take more than a word. */
static void
test_large(void **state)
{
	static const uint64_t variances[] = {UINT64_C(1) << 30, UINT64_C(1) << 44, RECO_GAUSSIAN_MOST};

	(void) state;
	for (int v = 0; v < 3; v++)
	{
		reco_random random = {.fill = mimic_noise};
		double deviation = sqrt((double) variances[v]);
		double sum = 0;
		double squares = 0;

		for (int k = 0; k < 20000; k++)
		{
			double y = (double) reco_discrete_gaussian(&random, variances[v]) / deviation;

			sum += y / 20000;
			squares += y * y / 20000;
		}
		assert_true(fabs(sum) < 6 / sqrt(20000));
		assert_true(fabs(squares - 1) < 6 * sqrt(2.0 / 20000));
	}
}

static void
test_without_randomness(void **state)
{
	reco_random random = {.fill = mimic_no_noise};

	(void) state;
	(void) reco_discrete_gaussian(&random, 100);
	assert_true(random.failed);
}

/*
 * The delta of noise of a variance for a sum that differs by 1, by its definition: how much more
 * likely than exp(epsilon) times is what is more likely than that.
 */
static double
delta_of(double variance, double epsilon)
{
	double all = 0;
	double delta = 0;

	for (int y = -4000; y <= 4000; y++)
		all += exp(-y * y / (2 * variance));
	for (int y = -4000; y <= 4000; y++)
		delta += fmax(exp(-(double) y * y / (2 * variance)) -
						  exp(epsilon - ((double) y + 1) * (y + 1) / (2 * variance)),
					  0);
	return delta / all;
}

/* What is promised holds, and is not far from what would. */
static void
test_delta(void **state)
{
	static const double epsilons[] = {0.1, 0.5, 1, 2, 4};
	static const double deltas[] = {1e-9, 1e-6, 1e-3};

	(void) state;
	for (int e = 0; e < 5; e++)
		for (int d = 0; d < 3; d++)
		{
			double rho = reco_zcdp_rho(epsilons[e], deltas[d]);
			/* within whole numbers, where the sum differs by one of them */
			double variance = 1 / (2 * rho);

			assert_true(rho > 0);
			assert_true(reco_zcdp_delta(rho, epsilons[e]) <= deltas[d]);
			assert_true(delta_of(variance, epsilons[e]) <= deltas[d]);
			/* a fifth less noise than that would not do */
			if (variance > 4)
				assert_true(delta_of(variance * 0.8 * 0.8, epsilons[e]) > deltas[d]);
		}
	assert_true(reco_zcdp_rho(1, 1e-6) < reco_zcdp_rho(2, 1e-6));
	assert_true(reco_zcdp_rho(1, 1e-6) < reco_zcdp_rho(1, 1e-5));
}

/* Of any number of elements all that a user adds is within the norm, and nearly fills it. */
static void
test_shares(void **state)
{
	static const int64_t numbers[] = {1,
									  2,
									  3,
									  20,
									  21,
									  22,
									  210,
									  211,
									  1000,
									  70000,
									  5000000,
									  123456789,
									  INT64_C(1) << 40,
									  INT64_C(1) << 61};

	(void) state;
	for (int g = 0; g < 2; g++)
		for (int most = 1; most < 50005000; most *= 21)
		{
			reco_privacy privacy = {1000, g ? 1e-6 : 0};
			reco_mechanism m;

			assert_int_equal(reco_mechanism_init(&privacy, 90, most, &m), RECO_OK);
			for (int k = 0; k < 14; k++)
			{
				int64_t share = reco_mechanism_share(&m, numbers[k]);
				long double full = (long double) most / (long double) numbers[k];
				long double mine = (long double) share / (long double) m.unit;

				if (g)
					full = sqrtl(full);
				assert_true(share >= 0 && share <= m.unit);
				if (numbers[k] <= most)
					assert_int_equal(share, m.unit);
				else
				{
					assert_true(mine <= full);
					assert_true((share + 2) / (long double) m.unit > full);
				}
			}
		}
}

/* The probability of noise of y and more, y at least 0 and the variance large: a sum. */
static double
tail_of(double variance, int64_t y)
{
	double above = 0;
	int64_t far = (int64_t) (12 * sqrt(variance)) + 2;

	for (int64_t k = y; k <= y + far; k++)
		above += exp(-(double) k * (double) k / (2 * variance));
	return above / sqrt(2 * M_PI * variance);
}

/* Whatever one user alone has is told of with a probability of at most delta, and not much less. */
static void
test_threshold(void **state)
{
	static const struct
	{
		reco_privacy privacy;
		int64_t most;
		double delta;
	} cases[] = {
		{{1000, 1e-6}, 1, 1e-6},     {{2000, 5e-7}, 20, 5e-7},   {{8000, 1e-9}, 20, 1e-3},
		{{90000, 1e-3}, 12, 0.0005}, {{100000, 1e-3}, 1, 1e-12}, {{50000, 1e-3}, 5000, 1e-4},
	};

	(void) state;
	for (int c = 0; c < 6; c++)
	{
		reco_mechanism m;
		double variance;
		double tail;
		int64_t t;

		assert_int_equal(reco_mechanism_init(&cases[c].privacy, 10, cases[c].most, &m), RECO_OK);
		variance = (double) m.variance;
		t = reco_mechanism_threshold(&m, cases[c].delta);
		assert_int_equal(m.limit, cases[c].most > RECO_LIMIT ? cases[c].most : RECO_LIMIT);
		for (int64_t n = 1; n <= m.limit; n = n < m.limit && 4 * n > m.limit ? m.limit : 4 * n)
		{
			int64_t share = reco_mechanism_share(&m, n);

			assert_true(share > 0);
			tail = tail_of(variance, t * m.unit - share);
			assert_true((double) n * tail <= cases[c].delta);
		}
		assert_int_equal(reco_mechanism_share(&m, m.limit + 1), 0);
		/* two users less would not do for shares of 1 */
		tail = tail_of(variance, (t - 3) * m.unit);
		assert_true((double) m.limit * tail > cases[c].delta);
	}
}

/* The same by drawing it. */
static void
test_threshold_drawn(void **state)
{
	enum
	{
		TIMES = 200
	};
	const double delta = 0.3;
	reco_privacy privacy = {4000, 1e-3};
	reco_random random = {.fill = mimic_noise};
	reco_mechanism m;
	int64_t threshold;
	int told = 0;

	(void) state;
	assert_int_equal(reco_mechanism_init(&privacy, 100, RECO_LIMIT, &m), RECO_OK);
	threshold = reco_mechanism_threshold(&m, delta);
	for (int t = 0; t < TIMES; t++)
	{
		bool any = false;

		for (int i = 0; i < RECO_LIMIT; i++)
		{
			int64_t sum = reco_mechanism_share(&m, RECO_LIMIT) + reco_mechanism_noise(&m, &random);

			any = any || sum >= threshold * m.unit;
		}
		told += any;
	}
	assert_true(told <= TIMES * delta + 5 * sqrt(TIMES * delta * (1 - delta)));
	assert_true(told >= TIMES * delta / 3);
}

/* The parts of what is to be kept, and what cannot be. */
static void
test_mechanism(void **state)
{
	reco_privacy pure = {2000, 0};
	reco_privacy both = {2000, 1e-6};
	reco_privacy little = {1, 1e-300};
	reco_random random = {.fill = mimic_noise};
	reco_mechanism m;
	reco_mechanism tenth;
	double squares = 0;

	(void) state;
	assert_int_equal(reco_mechanism_init(&pure, 100, 20, &m), RECO_OK);
	/* the scale is most / epsilon */
	assert_true(fabs((double) m.t / (double) m.s / (double) m.unit - 10) < 1e-9);
	assert_int_equal(reco_mechanism_init(&pure, 10, 20, &tenth), RECO_OK);
	assert_true(fabs(tenth.deviation / m.deviation - 10) < 1e-9);
	assert_int_equal(reco_mechanism_init(&both, 100, 20, &m), RECO_OK);
	assert_int_equal(reco_mechanism_init(&both, 25, 20, &tenth), RECO_OK);
	assert_true(fabs(tenth.deviation / m.deviation - 2) < 1e-6);
	assert_true(fabs(m.deviation - sqrt(20 / (2 * reco_zcdp_rho(2, 1e-6)))) < 1e-3);
	for (int k = 0; k < 20000; k++)
	{
		double y = (double) reco_mechanism_noise(&m, &random) / (double) m.unit / m.deviation;

		squares += y * y / 20000;
	}
	assert_true(fabs(squares - 1) < 6 * sqrt(2.0 / 20000));
	assert_int_equal(reco_mechanism_init(&little, 1, 50005000, &m), RECO_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probabilities),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_without_randomness),
		cmocka_unit_test(test_delta),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_threshold),
		cmocka_unit_test(test_threshold_drawn),
		cmocka_unit_test(test_mechanism),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
