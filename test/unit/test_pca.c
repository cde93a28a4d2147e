/*
 * test_pca.c
 *	  Unit tests of principal components (core/linear/pca.h), against power iteration.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/linear/pca.h"
#include "mimic_env.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 200
#define WIDTH 7
#define STRIDE 16

/* Rows that vary most along two directions. */
static float *
rows_of(uint64_t seed)
{
	float *x = calloc((size_t) ROWS * STRIDE, sizeof(float));

	for (int r = 0; r < ROWS; r++)
	{
		double a = 5 * (mimic_uniform(&seed) - 0.5);
		double b = 2 * (mimic_uniform(&seed) - 0.5);

		for (int f = 0; f < WIDTH; f++)
			x[r * STRIDE + f] =
				(float) (3 + a * cos(f) + b * (f % 3) + 0.1 * (mimic_uniform(&seed) - 0.5));
		for (int f = WIDTH; f < STRIDE; f++)
			x[r * STRIDE + f] = 1e6f; /* not to be read */
	}
	return x;
}

/* Power iteration on centered rows; what was found before is taken out of them. */
static double
mimic_component(double *x, double *place)
{
	double along[WIDTH];
	double variance = 0;

	for (int f = 0; f < WIDTH; f++)
		along[f] = 1.0 / (f + 1);
	for (int round = 0; round < 3000; round++)
	{
		double next[WIDTH] = {0};
		double length = 0;

		for (int r = 0; r < ROWS; r++)
		{
			double dot = 0;

			for (int f = 0; f < WIDTH; f++)
				dot += x[r * WIDTH + f] * along[f];
			for (int f = 0; f < WIDTH; f++)
				next[f] += dot * x[r * WIDTH + f];
		}
		for (int f = 0; f < WIDTH; f++)
			length += next[f] * next[f];
		for (int f = 0; f < WIDTH; f++)
			along[f] = next[f] / sqrt(length);
	}
	for (int r = 0; r < ROWS; r++)
	{
		double dot = 0;

		for (int f = 0; f < WIDTH; f++)
			dot += x[r * WIDTH + f] * along[f];
		place[r] = dot;
		variance += dot * dot;
		for (int f = 0; f < WIDTH; f++)
			x[r * WIDTH + f] -= dot * along[f];
	}
	return variance;
}

static void
test_components(void **state)
{
	float *x = rows_of(7);
	double centered[ROWS * WIDTH];
	double place[ROWS * 3];
	double share[3];
	double all = 0;
	mimic_env env;

	(void) state;
	mimic_env_init(&env);
	for (int f = 0; f < WIDTH; f++)
	{
		double mean = 0;

		for (int r = 0; r < ROWS; r++)
			mean += x[r * STRIDE + f] / (double) ROWS;
		for (int r = 0; r < ROWS; r++)
		{
			centered[r * WIDTH + f] = x[r * STRIDE + f] - mean;
			all += centered[r * WIDTH + f] * centered[r * WIDTH + f];
		}
	}
	assert_int_equal(reco_pca(&env.env, x, ROWS, WIDTH, STRIDE, 3, place, share), RECO_OK);
	for (int c = 0; c < 3; c++)
	{
		double expected[ROWS];
		double variance = mimic_component(centered, expected);
		double sign = 0;
		double largest = 0;

		assert_true(fabs(share[c] - variance / all) < 1e-9);
		for (int r = 0; r < ROWS; r++)
		{
			sign += expected[r] * place[r * 3 + c];
			if (fabs(place[r * 3 + c]) > fabs(largest))
				largest = place[r * 3 + c];
		}
		assert_true(largest > 0);
		for (int r = 0; r < ROWS; r++)
			assert_true(fabs(expected[r] * (sign < 0 ? -1 : 1) - place[r * 3 + c]) < 1e-5);
	}
	free(x);
}

/* One row, rows that are all alike, and rows along a line. */
static void
test_degenerate(void **state)
{
	float one[4] = {1, 2, 3, 4};
	float line[] = {0, 0, 1, 2, 2, 4, 3, 6};
	float wrong[] = {1, INFINITY, 2, 3};
	double place[8];
	double share[2];
	mimic_env env;

	(void) state;
	mimic_env_init(&env);
	assert_int_equal(reco_pca(&env.env, one, 1, 4, 4, 2, place, share), RECO_OK);
	assert_true(share[0] == 0 && share[1] == 0 && place[0] == 0 && place[1] == 0);
	assert_int_equal(reco_pca(&env.env, line, 4, 2, 2, 2, place, share), RECO_OK);
	assert_true(fabs(share[0] - 1) < 1e-12 && share[1] == 0);
	assert_true(fabs(fabs(place[2] - place[0]) - sqrt(5)) < 1e-9 && place[1] == 0 && place[7] == 0);
	assert_int_equal(reco_pca(&env.env, wrong, 2, 2, 2, 2, place, share), RECO_SINGULAR);
}

/* It ends at any poll, and without memory, with nothing left. */
static void
test_faults(void **state)
{
	float *x = rows_of(8);
	double place[ROWS * 2];
	double share[2];
	mimic_env env;
	long polls;

	(void) state;
	mimic_env_init(&env);
	assert_int_equal(reco_pca(&env.env, x, ROWS, WIDTH, STRIDE, 2, place, share), RECO_OK);
	polls = env.polls;
	assert_true(polls > 2);
	for (long at = 1; at <= polls; at++)
	{
		mimic_env_init(&env);
		env.stop_at = at;
		assert_int_equal(reco_pca(&env.env, x, ROWS, WIDTH, STRIDE, 2, place, share), RECO_STOPPED);
		assert_int_equal(env.live, 0);
	}
	mimic_env_init(&env);
	env.fail_at = 1;
	assert_int_equal(reco_pca(&env.env, x, ROWS, WIDTH, STRIDE, 2, place, share), RECO_NO_MEMORY);
	free(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_components),
		cmocka_unit_test(test_degenerate),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
