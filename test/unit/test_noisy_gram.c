/*
 * test_noisy_gram.c
 *	  For how many users items and pairs of items count, with noise (core/privacy/noisy_gram.h):
 *	  the sums where there is next to no noise, how much of it there is, and an audit of what one
 *	  user changes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/privacy/noisy_gram.h"
#include "mimic_env.h"
#include "mimic_linear.h"
#include "mimic_noise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum
{
	USERS = 120,
	ITEMS = 30
};

/* Items of falling frequency; some values are below 0, one user has all items and one nothing. */
static double *
table_of(void)
{
	double *x = calloc(USERS * ITEMS, sizeof(double));
	uint64_t seed = 5;

	for (int u = 1; u < USERS; u++)
		for (int i = 0; i < ITEMS; i++)
		{
			bool has = u == 1 || mimic_uniform(&seed) < 0.9 / (1 + 0.2 * i);

			if (has)
				x[u * ITEMS + i] = mimic_uniform(&seed) < 0.1 && u > 1 ? -1 : 1 + i % 3;
		}
	return x;
}

/* What each user counts, in the counts and in the pairs of the first items. */
static double
share_of(const double *row, int items, int most, bool pairs, bool squared)
{
	double n = 0;
	double full = pairs ? most * (most + 1) / 2.0 : most;
	double part;

	for (int i = 0; i < items; i++)
		n += row[i] > 0;
	part = fmin(full / fmax(pairs ? n * (n + 1) / 2 : n, 1), 1);
	return squared ? sqrt(part) : part;
}

/* With an epsilon of 10,000 and more there is next to no noise: the sums by their definition. */
static void
test_sums(void **state)
{
	double *x = table_of();
	reco_csr by_user = mimic_csr_of(x, USERS, ITEMS, false);

	(void) state;
	for (int squared = 0; squared < 2; squared++)
		for (int most = 1; most <= 32; most *= 3)
			for (int threads = 1; threads <= 2; threads++)
			{
				reco_noisy_params params = {{100000000, squared ? 0.9 : 0}, most, 12, -INFINITY, 0};
				reco_random random = {.fill = mimic_noise};
				double close = 0;
				reco_noisy_gram g;
				mimic_env m;

				mimic_env_init(&m);
				m.env.threads = threads;
				assert_int_equal(reco_noisy_gram_make(&m.env, &params, &by_user, &random, &g),
								 RECO_OK);
				assert_true(m.peak <= reco_noisy_gram_memory(&params, &by_user, threads));
				close = 8 * fmax(g.noise, g.count_noise) + USERS / 4096.0;
				assert_true(close < 0.5);
				for (int i = 0; i < ITEMS; i++)
				{
					double sum = 0;

					for (int u = 0; u < USERS; u++)
						sum += (x[u * ITEMS + i] > 0) *
							   share_of(x + u * ITEMS, ITEMS, most, false, squared);
					assert_true(fabs(g.count[i] - sum) < close);
				}
				/* the most frequent, which nothing with fewer users is among */
				assert_int_equal(g.gram.n, 12);
				for (int k = 0; k < 12; k++)
				{
					assert_true(k == 0 || g.item[k] > g.item[k - 1]);
					for (int i = 0; i < ITEMS; i++)
					{
						bool chosen = false;

						for (int c = 0; c < 12; c++)
							chosen = chosen || g.item[c] == i;
						assert_true(chosen || g.count[i] <= g.count[g.item[k]]);
					}
				}
				for (int a = 0; a < 12; a++)
					for (int b = 0; b <= a; b++)
					{
						double sum = 0;

						for (int u = 0; u < USERS; u++)
						{
							double row[12];

							for (int c = 0; c < 12; c++)
								row[c] = x[u * ITEMS + g.item[c]];
							sum +=
								(row[a] > 0 && row[b] > 0) * share_of(row, 12, most, true, squared);
						}
						assert_true(fabs(reco_packed_at(&g.gram, b, a) - sum) < close);
					}
				reco_noisy_gram_free(&m.env, &g);
				assert_int_equal(m.live, 0);
			}
	mimic_csr_free(&by_user);
	free(x);
}

/* Items that are not frequent beside the noise have no pairs; of nothing there is nothing. */
static void
test_chosen(void **state)
{
	double *x = table_of();
	reco_csr by_user = mimic_csr_of(x, USERS, ITEMS, false);
	double none[1] = {0};
	reco_csr empty = mimic_csr_of(none, 1, 0, true);
	reco_noisy_params params = {{1000, 1e-6}, 20, ITEMS, 1000, 0};
	reco_random random = {.fill = mimic_noise};
	reco_noisy_gram g;
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	assert_int_equal(reco_noisy_gram_make(&m.env, &params, &by_user, &random, &g), RECO_OK);
	assert_int_equal(g.gram.n, 0);
	reco_noisy_gram_free(&m.env, &g);
	assert_int_equal(reco_noisy_gram_make(&m.env, &params, &empty, &random, &g), RECO_OK);
	assert_int_equal(g.gram.n, 0);
	reco_noisy_gram_free(&m.env, &g);
	assert_int_equal(m.live, 0);
	mimic_csr_free(&empty);
	mimic_csr_free(&by_user);
	free(x);
}

/* With a threshold nothing is told of items that are not above it, pairs included. */
static void
test_threshold(void **state)
{
	double *x = calloc(400 * 10, sizeof(double));
	reco_csr by_user;
	/* hardly any noise: the threshold is 2 */
	reco_noisy_params params = {{100000000, 0.5}, 20, 10, -INFINITY, 1e-6};
	reco_random random = {.fill = mimic_noise};
	reco_noisy_gram g;
	mimic_env m;

	(void) state;
	for (int u = 0; u < 400; u++)
		for (int i = 0; i < 10; i++)
			x[u * 10 + i] = i < 6 ? u % 2 : u == i;
	by_user = mimic_csr_of(x, 400, 10, false);
	mimic_env_init(&m);
	assert_int_equal(reco_noisy_gram_make(&m.env, &params, &by_user, &random, &g), RECO_OK);
	assert_int_equal(g.gram.n, 6);
	for (int i = 0; i < 10; i++)
		assert_true(i < 6 ? fabs(g.count[i] - 200) < 1 && g.item[i] == i : g.count[i] == 0);
	reco_noisy_gram_free(&m.env, &g);
	assert_int_equal(m.live, 0);
	mimic_csr_free(&by_user);
	free(x);
}

/* Noise of the stated deviation in each element, and in no two the same. */
static void
test_noise(void **state)
{
	enum
	{
		TIMES = 40
	};
	double *x = table_of();
	reco_csr by_user = mimic_csr_of(x, USERS, ITEMS, false);

	(void) state;
	for (int gaussian = 0; gaussian < 2; gaussian++)
	{
		reco_noisy_params params = {{1000, gaussian ? 1e-6 : 0}, 3, ITEMS, -INFINITY, 0};
		reco_random random = {.fill = mimic_noise};
		double before[ITEMS * (ITEMS + 1) / 2] = {0};
		double squares = 0;
		double fourth = 0;
		double n = 0;

		for (int t = 0; t < TIMES; t++)
		{
			reco_noisy_gram g;
			mimic_env m;

			mimic_env_init(&m);
			assert_int_equal(reco_noisy_gram_make(&m.env, &params, &by_user, &random, &g), RECO_OK);
			for (int k = 0; k < ITEMS * (ITEMS + 1) / 2; k++)
			{
				double change = (g.gram.value[k] - before[k]) / g.noise;

				if (t % 2 == 1)
				{
					squares += change * change;
					fourth += pow(change, 4);
					n++;
				}
				before[k] = g.gram.value[k];
			}
			reco_noisy_gram_free(&m.env, &g);
		}
		/* differences of two */
		assert_true(fabs(squares / n - 2) < 6 * sqrt((fourth / n - 4) / n));
	}
	mimic_csr_free(&by_user);
	free(x);
}

/*
 * An audit: the sums with and without one user, many times.  Of what is seen, that all sums
 * together are large is what tells most; how much likelier than exp(epsilon) times it is with
 * the user bounds delta from below.
 */
static void
test_audit(void **state)
{
	enum
	{
		TIMES = 8000,
		BINS = 400
	};
	const double epsilon = 1;
	const double delta = 0.05;
	double x[101 * 3];
	double count[2][BINS] = {{0}};
	double most = 0;

	(void) state;
	for (int k = 0; k < 101 * 3; k++)
		x[k] = 1;
	for (int with = 0; with < 2; with++)
	{
		reco_csr by_user = mimic_csr_of(x, 100 + with, 3, false);
		reco_random random = {.fill = mimic_noise};

		for (int t = 0; t < TIMES; t++)
		{
			reco_noisy_params params = {{1000, delta}, 3, 3, -INFINITY, 0};
			reco_noisy_gram g;
			mimic_env m;
			double sum = 0;
			double scale;

			mimic_env_init(&m);
			assert_int_equal(reco_noisy_gram_make(&m.env, &params, &by_user, &random, &g), RECO_OK);
			/* of sums the likelihood goes by, each beside its noise */
			for (int k = 0; k < 6; k++)
				sum += (g.gram.value[k] - 100) / (g.noise * g.noise);
			for (int k = 0; k < 3; k++)
				sum += (g.count[k] - 100) / (g.count_noise * g.count_noise);
			scale = sqrt(6 / (g.noise * g.noise) + 3 / (g.count_noise * g.count_noise));
			sum = (sum / scale + 6) * BINS / 12;
			count[with][(int) fmin(fmax(sum, 0), BINS - 1)]++;
			reco_noisy_gram_free(&m.env, &g);
		}
		mimic_csr_free(&by_user);
	}
	for (int from = BINS - 1; from >= 0; from--)
	{
		double p[2] = {0};
		double error;

		for (int with = 0; with < 2; with++)
			for (int b = from; b < BINS; b++)
				p[with] += count[with][b] / TIMES;
		error = sqrt(fmax(p[1] * (1 - p[1]) + exp(2 * epsilon) * p[0] * (1 - p[0]), 0) / TIMES);
		assert_true(p[1] - exp(epsilon) * p[0] - 5 * error - 5.0 / TIMES <= delta);
		most = fmax(most, p[1] - exp(epsilon) * p[0]);
	}
	/* and there is no more noise than that takes, by far */
	assert_true(most > delta / 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),      cmocka_unit_test(test_chosen),
		cmocka_unit_test(test_threshold), cmocka_unit_test(test_noise),
		cmocka_unit_test(test_audit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
