/*
 * test_scale.c
 *	  Passes over lines of scores, at every level that this machine has, against plain loops: the
 *	  same bits; and scales of arrays of any length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/dispatch.h"
#include "core/scoring/score_hybrid_scale.h"
#include "mimic_env.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum
{
	LINES = 40,
	N = LINES * RECO_LINE,
	PARTS = 3
};

static const char *const levels[] = {"base", "v3", "v4"};

static float
some_float(uint64_t *seed)
{
	switch (mimic_below(seed, 12))
	{
		case 0:
			return NAN;
		case 1:
			return INFINITY;
		case 2:
			return -INFINITY;
		case 3:
			return FLT_MAX;
		case 4:
			return -FLT_TRUE_MIN;
		case 5:
			return -0.0f;
		default:
			return (float) (mimic_uniform(seed) * 10 - 5);
	}
}

static bool
is_number(float x)
{
	return fabsf(x) <= FLT_MAX;
}

static void
check_take(const reco_kernels *k, uint64_t seed)
{
	_Alignas(64) double sum[N], before[N];
	_Alignas(64) float score[N];
	int32_t line[LINES];
	int32_t n = 0;

	for (int i = 0; i < N; i++)
		sum[i] = mimic_below(&seed, 3) == 0   ? 0
				 : mimic_below(&seed, 9) == 0 ? (mimic_uniform(&seed) - 0.5) * 1e50
											  : (mimic_uniform(&seed) - 0.5) * 1e-44;
	memcpy(before, sum, sizeof(sum));
	for (int32_t l = 0; l < LINES; l++)
		if (mimic_below(&seed, 2))
			line[n++] = l;
	k->lines_take(sum, line, n, score);
	for (int32_t l = 0; l < n; l++)
		for (int j = 0; j < RECO_LINE; j++)
		{
			double x = before[line[l] * RECO_LINE + j];
			float wanted = x == 0 ? -INFINITY : (float) fmax(-FLT_MAX, fmin(FLT_MAX, x));

			assert_memory_equal(&score[l * RECO_LINE + j], &wanted, sizeof(float));
			before[line[l] * RECO_LINE + j] = 0;
		}
	for (int i = 0; i < N; i++)
		assert_true(sum[i] == before[i]);
}

static void
check_range(const reco_kernels *k, uint64_t seed)
{
	_Alignas(64) float score[N];
	_Alignas(64) reco_lines_range r;
	_Alignas(64) double squares[RECO_LINE] = {0};
	float before[N];

	memset(&r, 0, sizeof(r));
	for (int i = 0; i < N; i++)
		before[i] = score[i] = some_float(&seed);
	k->lines_range(score, N, &r);
	k->lines_squares(before, 0, 1.5, squares);
	k->lines_squares(score, N, 1.5, squares);
	for (int j = 0; j < RECO_LINE; j++)
	{
		double sum = 0, square = 0;
		float least = 0, most = 0;
		int32_t n = 0;

		for (int i = j; i < N; i += RECO_LINE)
		{
			float x = before[i];

			assert_true(is_number(x) ? memcmp(&score[i], &x, sizeof(x)) == 0
									 : score[i] == -INFINITY);
			if (!is_number(x))
				continue;
			n++;
			sum += x;
			square += (x - 1.5) * (x - 1.5);
			least = x < least ? x : least;
			most = x > most ? x : most;
		}
		assert_true(r.n[j] == n && r.sum[j] == sum && r.least[j] == least && r.most[j] == most);
		assert_true(squares[j] == square);
	}
}

static void
check_mean(const reco_kernels *k, uint64_t seed)
{
	_Alignas(64) float score[PARTS][N];
	float out[N + 1];
	reco_lines_part part[PARTS];

	for (int p = 0; p < PARTS; p++)
	{
		part[p] = (reco_lines_part){score[p], mimic_uniform(&seed), mimic_uniform(&seed),
									-mimic_uniform(&seed)};
		for (int i = 0; i < N; i++)
			score[p][i] = i % 7 == 0 ? -INFINITY : some_float(&seed);
	}
	/* which may lie anywhere */
	k->lines_mean(part, PARTS, RECO_LINE, N - RECO_LINE, out + 1);
	for (int i = RECO_LINE; i < N; i++)
	{
		double sum = 0;
		bool any = false;
		float wanted;

		for (int p = 0; p < PARTS; p++)
		{
			bool is = is_number(score[p][i]);

			sum += is ? (score[p][i] - part[p].shift) * part[p].times : part[p].none;
			any = any || is;
		}
		wanted = any ? (float) sum : -INFINITY;
		assert_memory_equal(&out[1 + i - RECO_LINE], &wanted, sizeof(float));
	}
}

static void
check_above(const reco_kernels *k, uint64_t seed)
{
	_Alignas(64) float x[N];
	int32_t at[N];
	int32_t n = 0;
	float floor = mimic_below(&seed, 3) ? (float) mimic_uniform(&seed) * 5 : -INFINITY;
	int32_t found;

	for (int i = 0; i < N; i++)
		x[i] = i / 32 % 2 ? -INFINITY : some_float(&seed);
	found = k->above(x, N, floor, at);
	for (int i = 0; i < N; i++)
		if (x[i] > floor)
			assert_true(n < found && at[n++] == i);
	assert_int_equal(found, n);
}

static void
test_levels(void **state)
{
	(void) state;
	for (size_t l = 0; l < sizeof(levels) / sizeof(levels[0]); l++)
	{
		const reco_kernels *k = reco_kernels_named(levels[l]);

		for (uint64_t seed = 0; k && seed < 50; seed++)
		{
			check_take(k, seed);
			check_range(k, seed);
			check_mean(k, seed);
			check_above(k, seed);
		}
	}
}

/* Of any length, a line or not. */
static void
test_lengths(void **state)
{
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	for (int n = 0; n < 40; n++)
	{
		_Alignas(64) float score[40];
		uint64_t seed = (uint64_t) n;
		long double sum = 0, squares = 0, least = INFINITY, most = -INFINITY;
		reco_scaling s;
		int count = 0;

		for (int i = 0; i < n; i++)
		{
			score[i] = i % 3 == 1 ? -INFINITY : (float) mimic_uniform(&seed) + 3;
			if (i % 3 == 1)
				continue;
			count++;
			sum += score[i];
			least = fminl(least, score[i]);
			most = fmaxl(most, score[i]);
		}
		for (int i = 0; i < n; i++)
			squares += i % 3 == 1 ? 0 : powl(score[i] - sum / count, 2);
		assert_int_equal(reco_scale_find(&m.env, RECO_HYBRID_Z_SCORE, score, n, NULL, &s), RECO_OK);
		assert_int_equal(s.n, count);
		assert_true(s.tells == (count > 0 && least < most));
		if (!s.tells)
			continue;
		assert_true(fabsl(s.shift - sum / count) < 1e-12);
		assert_true(fabsl(s.scale - sqrtl(squares / count)) < 1e-12);
		assert_true(fabsl(s.least - (least - s.shift) / s.scale) < 1e-12);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
