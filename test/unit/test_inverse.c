/*
 * test_inverse.c
 *	  Unit tests of the inverse of a large symmetric matrix (core/linear/inverse.h), and of the
 *	  products of sparse columns that make such matrices (core/linear/cross.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/linear/cross.h"
#include "core/linear/inverse.h"
#include "mimic_env.h"
#include "mimic_linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A positive definite matrix with a diagonal of ones: rows that share a few columns. */
static double *
matrix_of(int32_t n, uint64_t seed)
{
	double *a = calloc((size_t) n * n + 1, sizeof(double));
	double *scale = calloc((size_t) n + 1, sizeof(double));

	for (int k = 0; k < 3 * n; k++)
	{
		int32_t at[5];

		for (int i = 0; i < 5; i++)
			at[i] = (int32_t) (n * pow(mimic_uniform(&seed), 2));
		for (int i = 0; i < 5; i++)
			for (int j = 0; j < 5; j++)
				a[(size_t) at[i] * n + at[j]] += 1;
	}
	for (int32_t i = 0; i < n; i++)
		scale[i] = 1 / sqrt(a[(size_t) i * n + i] += 2);
	for (int32_t i = 0; i < n; i++)
		for (int32_t j = 0; j < n; j++)
			a[(size_t) i * n + j] *= scale[i] * scale[j];
	free(scale);
	return a;
}

static void
fill(const double *a, reco_symmetric *s)
{
	for (int32_t i = 0; i < s->n; i++)
		for (int32_t j = 0; j <= i; j++)
			*reco_symmetric_at(s, i, j) = (float) a[(size_t) i * s->n + j];
}

static void
count_step(void *arg, int32_t step)
{
	int32_t *last = arg;

	assert_int_equal(step, *last + 1);
	*last = step;
}

/* Inverses against Gauss and Jordan's, of one element to several tiles; threads change no bit. */
static void
test_inverse(void **state)
{
	static const int32_t sizes[] = {
		1, 2, RECO_TILE - 1, RECO_TILE, RECO_TILE + 1, 2 * RECO_TILE + 57};

	(void) state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
	{
		int32_t n = sizes[s];
		double *a = matrix_of(n, 7 + s);
		double *expected = mimic_inverse(a, n);
		float *rows = malloc(2 * (size_t) n * sizeof(float));
		reco_symmetric first = {0};

		for (int threads = 1; threads <= 3; threads++)
		{
			mimic_env m;
			reco_symmetric x;
			int32_t last = 0;

			mimic_env_init(&m);
			m.env.threads = threads;
			assert_int_equal(reco_symmetric_zeros(&m.env, n, &x), RECO_OK);
			fill(a, &x);
			assert_true(m.peak <= reco_symmetric_memory(n));
			assert_int_equal(reco_inverse(&m.env, &x, count_step, &last), RECO_OK);
			assert_int_equal(last, x.blocks);
			assert_int_equal(m.live, 1);
			assert_true(m.peak <= reco_symmetric_memory(n) + reco_inverse_memory(n));
			for (int32_t i = 0; i < n; i++)
			{
				int32_t count = n - i > 1 && (i + 1) % RECO_TILE ? 2 : 1;

				reco_symmetric_rows(&x, i, count, rows, (size_t) n);
				for (int32_t j = 0; j < count * n; j++)
				{
					double e = expected[(size_t) i * n + j];

					if (!(fabs(rows[j] + e) <= 2e-5 * (1 + fabs(e))))
						fail_msg("n %d row %d column %d: %.8g, not %.8g", n, i + j / n, j % n,
								 -rows[j], e);
				}
			}
			if (threads == 1)
			{
				first = x;
				first.tile = malloc(reco_symmetric_memory(n));
				memcpy(first.tile, x.tile, reco_symmetric_memory(n) - RECO_ALIGN);
			}
			else
				for (int32_t i = 0; i < n; i++)
					for (int32_t j = 0; j <= i; j++)
						assert_memory_equal(reco_symmetric_at(&x, i, j),
											reco_symmetric_at(&first, i, j), sizeof(float));
			reco_symmetric_free(&m.env, &x);
			assert_int_equal(m.live, 0);
		}
		free(first.tile);
		free(rows);
		free(expected);
		free(a);
	}
}

/* What has no inverse, or none in float4, is told; ends and missing memory leave nothing. */
static void
test_refusals(void **state)
{
	enum
	{
		N = RECO_TILE + 20
	};
	double *a = matrix_of(N, 3);
	mimic_env m;
	reco_symmetric x;

	(void) state;
	for (int wrong = 0; wrong < 4; wrong++)
	{
		int32_t at = wrong % 2 ? N - 1 : 4;

		mimic_env_init(&m);
		assert_int_equal(reco_symmetric_zeros(&m.env, N, &x), RECO_OK);
		fill(a, &x);
		if (wrong < 2)
			*reco_symmetric_at(&x, at, at) = wrong ? -1 : NAN;
		else
			for (int32_t j = 0; j < N; j++)
			{
				/* a row like another */
				float same = j < 2 ? *reco_symmetric_at(&x, 2, j) : *reco_symmetric_at(&x, j, 2);

				*(j > at ? reco_symmetric_at(&x, j, at) : reco_symmetric_at(&x, at, j)) =
					j == at ? 1 : same;
				if (j == 2)
					*reco_symmetric_at(&x, at, 2) = 1;
			}
		assert_int_equal(reco_inverse(&m.env, &x, NULL, NULL), RECO_SINGULAR);
		reco_symmetric_free(&m.env, &x);
		assert_int_equal(m.live, 0);
	}
	for (long stop_at = 1;; stop_at++)
	{
		reco_status status;

		mimic_env_init(&m);
		m.env.threads = 2;
		m.stop_at = stop_at;
		status = reco_symmetric_zeros(&m.env, N, &x);
		if (status == RECO_OK)
		{
			fill(a, &x);
			status = reco_inverse(&m.env, &x, NULL, NULL);
		}
		if (x.tile)
			reco_symmetric_free(&m.env, &x);
		assert_int_equal(m.live, 0);
		if (status == RECO_OK)
			break;
		assert_int_equal(status, RECO_STOPPED);
	}
	for (int fail_at = 1; fail_at <= 2; fail_at++)
	{
		mimic_env_init(&m);
		m.fail_at = fail_at;
		if (reco_symmetric_zeros(&m.env, N, &x) == RECO_OK)
			assert_int_equal(reco_inverse(&m.env, &x, NULL, NULL), RECO_NO_MEMORY);
		if (x.tile)
			reco_symmetric_free(&m.env, &x);
		assert_int_equal(m.live, 0);
	}
	free(a);
}

typedef struct Product
{
	int32_t cols;
	bool lower;
	double *cell;
	int *times; /* that a row came */
} Product;

static void
take_row(void *arg, int32_t row, const double *sum)
{
	Product *p = arg;
	int32_t n = p->lower ? row + 1 : p->cols;

	memcpy(p->cell + (size_t) row * p->cols, sum, (size_t) n * sizeof(double));
	p->times[row]++;
}

/* Products of columns against the definition, also of a row longer than a look around. */
static void
test_cross(void **state)
{
	enum
	{
		ROWS = 700,
		COLS = 900
	};
	uint64_t seed = 5;
	double *y = calloc((size_t) ROWS * COLS, sizeof(double));
	double *z = calloc((size_t) ROWS * COLS, sizeof(double));
	double *expected = calloc((size_t) COLS * COLS, sizeof(double));

	(void) state;
	for (int r = 0; r < ROWS; r++)
		for (int c = 0; c < COLS; c++)
		{
			/* of column 3 all there are */
			if (mimic_uniform(&seed) < (c == 3 ? 1 : r % 9 == 0 ? 0 : 0.3))
				y[r * COLS + c] = (double) (1 + mimic_below(&seed, 5)) / 4;
			if (mimic_uniform(&seed) < (r % 5 == 0 ? 0 : 0.9))
				z[r * COLS + c] = (double) (1 + mimic_below(&seed, 5)) / -4;
		}
	for (int kind = 0; kind < 4; kind++)
	{
		bool lower = kind & 1;
		bool ones = kind & 2;
		const double *right = lower ? y : z;
		reco_csr m = mimic_csr_of(y, ROWS, COLS, ones);
		reco_csr other = mimic_csr_of(right, ROWS, COLS, ones);

		memset(expected, 0, (size_t) COLS * COLS * sizeof(double));
		for (int r = 0; r < ROWS; r++)
			for (int i = 0; i < COLS; i++)
				for (int j = 0; j < (lower ? i + 1 : COLS) && y[r * COLS + i] != 0; j++)
					expected[i * COLS + j] +=
						ones ? right[r * COLS + j] != 0 : y[r * COLS + i] * right[r * COLS + j];
		for (int threads = 1; threads <= 2; threads++)
		{
			Product p = {COLS, lower, calloc((size_t) COLS * COLS, sizeof(double)),
						 calloc(COLS, sizeof(int))};
			mimic_env w;
			reco_csr by_col;

			mimic_env_init(&w);
			w.env.threads = threads;
			assert_int_equal(reco_csr_transpose(&w.env, &m, m.value, &by_col), RECO_OK);
			w.peak = w.bytes;
			assert_int_equal(reco_cross(&w.env, &by_col, &other, lower, take_row, &p), RECO_OK);
			assert_true(w.peak - w.bytes <= reco_cross_memory(COLS, threads));
			/* quarters are added without a rounding */
			assert_memory_equal(p.cell, expected, (size_t) COLS * COLS * sizeof(double));
			for (int i = 0; i < COLS; i++)
				assert_int_equal(p.times[i], 1);
			w.stop_at = w.polls + 1;
			assert_int_equal(reco_cross(&w.env, &by_col, &other, lower, take_row, &p),
							 RECO_STOPPED);
			w.fail_at = w.allocations + 1;
			assert_int_equal(reco_cross(&w.env, &by_col, &other, lower, take_row, &p),
							 RECO_NO_MEMORY);
			reco_csr_free(&w.env, &by_col);
			assert_int_equal(w.live, 0);
			free(p.cell);
			free(p.times);
		}
		mimic_csr_free(&m);
		mimic_csr_free(&other);
	}
	free(expected);
	free(y);
	free(z);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inverse),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_cross),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
