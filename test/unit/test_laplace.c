/*
 * test_laplace.c
 *	  Noise of a discrete Laplace distribution: by its probabilities, from a source with a seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/privacy/laplace.h"
#include "mimic_noise.h"

#define DRAWS 400000
#define MOST 12

/* P(y) = (1 - q) / (1 + q) q^|y| with q = exp(-s / t); within six standard deviations. */
static void
check(uint64_t s, uint64_t t)
{
	reco_random random = {.fill = mimic_noise};
	double q = exp(-(double) s / (double) t);
	double count[2 * MOST + 1] = {0};

	for (int k = 0; k < DRAWS; k++)
	{
		int64_t y = reco_discrete_laplace(&random, s, t);

		if (y >= -MOST && y <= MOST)
			count[y + MOST]++;
	}
	assert_false(random.failed);
	for (int y = -MOST; y <= MOST; y++)
	{
		double p = (1 - q) / (1 + q) * pow(q, fabs((double) y));

		assert_true(fabs(count[y + MOST] - DRAWS * p) <= 6 * sqrt(DRAWS * p * (1 - p)) + 6);
	}
}

static void
test_probabilities(void **state)
{
	(void) state;
	check(1, 1);
	check(2000, 1000);
	check(1000, 3000);
	check(5, 2);
}

static void
test_below(void **state)
{
	reco_random random = {.fill = mimic_noise};
	double count[7] = {0};

	(void) state;
	for (int k = 0; k < 70000; k++)
		count[reco_random_below(&random, 7)]++;
	for (int k = 0; k < 7; k++)
		assert_true(fabs(count[k] - 10000) < 600);
	assert_int_equal(reco_random_below(&random, 1), 0);
}

static void
test_without_randomness(void **state)
{
	reco_random random = {.fill = mimic_no_noise};

	(void) state;
	(void) reco_discrete_laplace(&random, 1, 1);
	assert_true(random.failed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probabilities),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_without_randomness),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
