/*
 * test_svd.c
 *	  Unit tests of the truncated singular value decomposition (core/svd/svd.h).
 *
 * Singular values against Jacobi's over random shapes, and what a decomposition is by
 * definition: orthonormal columns, A V, what is left over, signs.  Ranks below the
 * number of factors; the range of float4; determinism over threads and interruptions;
 * every allocation failing and every poll stopping in turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/dispatch.h"
#include "core/svd/svd.h"
#include "mimic_als.h"
#include "mimic_svd.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Orthonormality and products in float4; singular values, of the largest. */
#define CLOSE 1e-5
#define EXACT 2e-6

static void
assert_near(double got, double expected, double tolerance)
{
	if (!(fabs(got - expected) <= tolerance))
		fail_msg("%.10g, not %.10g within %g", got, expected, tolerance);
}

/* What holds for every result.  largest: the first singular value, exactly. */
static void
check_result(const reco_csr *m, const reco_svd *s, double largest)
{
	double squares = 0;
	double left = 0;
	double *a = mimic_dense(m);

	for (int j = 0; j < s->factors; j++)
	{
		double most = 0;

		assert_true(j < s->rank ? s->singular[j] > 0 : s->singular[j] == 0);
		assert_true(j == 0 || s->singular[j] <= s->singular[j - 1]);
		for (int k = 0; k <= j; k++)
		{
			double product = 0;

			for (int i = 0; i < s->items; i++)
				product += (double) s->item[(size_t) i * s->stride + j] *
						   s->item[(size_t) i * s->stride + k];
			assert_near(product, j == k && j < s->rank, CLOSE);
		}
		for (int i = 0; i < s->items; i++)
			most = fmax(most, fabs(s->item[(size_t) i * s->stride + j]));
		for (int i = 0; i < s->items; i++)
			if (fabs(s->item[(size_t) i * s->stride + j]) >= 0.9990001 * most)
			{
				assert_true(j < s->rank ? s->item[(size_t) i * s->stride + j] > 0
										: s->item[(size_t) i * s->stride + j] == 0);
				break;
			}
	}
	for (int u = 0; u < s->users; u++)
	{
		for (int j = 0; j < s->stride; j++)
		{
			double x = 0;

			for (int i = 0; i < s->items; i++)
				x += a[(size_t) u * s->items + i] * s->item[(size_t) i * s->stride + j];
			assert_near(s->user[(size_t) u * s->stride + j], x, CLOSE * largest);
		}
		for (int i = 0; i < s->items; i++)
		{
			double x = a[(size_t) u * s->items + i];

			squares += x * x;
			for (int j = 0; j < s->factors; j++)
				x -= (double) s->user[(size_t) u * s->stride + j] *
					 s->item[(size_t) i * s->stride + j];
			left += x * x;
		}
	}
	assert_near(s->residual, left, CLOSE * squares);
	free(a);
}

/*
 * Trains on m and compares with Jacobi.  exact: the block is as wide as the matrix, or there
 * are iterations enough.
 */
static void
compare(const reco_csr *m, const reco_svd_params *p, bool exact)
{
	reco_csr t = mimic_transpose(m);
	int wide = m->rows < m->cols ? m->rows : m->cols;
	double *a = mimic_dense(m->rows < m->cols ? &t : m);
	double *singular = calloc((size_t) wide + 1, sizeof(double));
	mimic_world w;
	reco_env env = mimic_als_env(&w, 2);
	reco_svd s;

	mimic_svd(a, m->rows < m->cols ? m->cols : m->rows, wide, singular);
	assert_int_equal(reco_svd_fit(&env, p, m, &t, NULL, NULL, &s), RECO_OK);
	assert_true(w.peak <= reco_svd_memory(p, m, 2));
	assert_int_equal(s.users, m->rows);
	assert_int_equal(s.items, m->cols);
	check_result(m, &s, singular[0]);
	for (int j = 0; j < p->factors; j++)
	{
		double expected = j < wide ? singular[j] : 0;

		/* a projection has no larger values */
		assert_true(s.singular[j] <= expected + EXACT * singular[0]);
		if (exact)
			assert_near(s.singular[j], expected, EXACT * singular[0]);
		else if (j == 0)
			assert_near(s.singular[j], expected, 0.01 * singular[0]);
	}
	reco_svd_free(&env, &s);
	assert_int_equal(w.live, 0);
	free(a);
	free(singular);
	mimic_free_csr(&t);
}

static void
test_random_shapes(void **state)
{
	static const struct
	{
		int rows, cols;
		double density;
		int factors, oversampling, iterations;
		bool exact;
	} shape[] = {
		{1, 1, 1, 1, 0, 0, true},         {1, 1, 1, 5, 10, 4, true},
		{1, 40, 0.6, 3, 2, 1, true},      {40, 1, 0.6, 3, 2, 1, true},
		{5, 3, 0.7, 8, 10, 4, true},      {3, 5, 0.7, 3, 0, 4, true},
		{30, 20, 0.4, 20, 10, 4, true},   {20, 30, 0.4, 7, 13, 0, true},
		{60, 17, 0.2, 17, 1, 2, true},    {90, 60, 0.3, 6, 6, 40, true},
		{60, 90, 0.3, 6, 6, 40, true},    {120, 80, 0.1, 10, 5, 2, false},
		{80, 150, 0.05, 20, 0, 3, false}, {70, 70, 0.02, 30, 10, 4, false},
	};

	(void) state;
	for (size_t k = 0; k < sizeof(shape) / sizeof(shape[0]); k++)
		for (int values = 0; values < 3; values++)
		{
			reco_csr m = mimic_random_csr(shape[k].rows, shape[k].cols, shape[k].density, values);
			reco_svd_params p = {shape[k].factors, shape[k].oversampling, shape[k].iterations, k};

			compare(&m, &p, shape[k].exact);
			mimic_free_csr(&m);
		}
}

/* A matrix with every cell stored, also those that are 0. */
static reco_csr
full(int rows, int cols, const float *value)
{
	reco_csr m = mimic_csr(rows, cols, (int64_t) rows * cols, true);

	for (int r = 0; r < rows; r++)
		for (int c = 0; c < cols; c++)
		{
			m.col[r * cols + c] = c;
			m.value[r * cols + c] = value[r * cols + c];
			m.start[r + 1] = r * cols + c + 1;
		}
	return m;
}

/*
 * A'A of (3 0; 4 5) is (25 20; 20 25): squares 45 and 5 with (1, 1) and (1, -1) over the
 * root of 2.  All entries of a vector are of one size, so the first is positive.
 */
static void
test_by_hand(void **state)
{
	const float value[] = {3, 0, 4, 5};
	reco_csr m = full(2, 2, value);
	reco_csr t = mimic_transpose(&m);
	const double half = sqrt(0.5);

	(void) state;
	for (uint64_t seed = 0; seed < 50; seed++)
	{
		reco_svd_params p = {3, 10, 4, seed};
		mimic_world w;
		reco_env env = mimic_als_env(&w, 1);
		reco_svd s;

		assert_int_equal(reco_svd_fit(&env, &p, &m, &t, NULL, NULL, &s), RECO_OK);
		assert_int_equal(s.rank, 2);
		assert_near(s.singular[0], sqrt(45), 1e-6);
		assert_near(s.singular[1], sqrt(5), 1e-6);
		assert_true(s.singular[2] == 0);
		assert_near(s.item[0], half, 1e-6);
		assert_near(s.item[s.stride], half, 1e-6);
		assert_near(s.item[1], half, 1e-6);
		assert_near(s.item[s.stride + 1], -half, 1e-6);
		/* (3, 0) and (4, 5) along them */
		assert_near(s.user[0], 3 * half, 1e-5);
		assert_near(s.user[1], 3 * half, 1e-5);
		assert_near(s.user[s.stride], 9 * half, 1e-5);
		assert_near(s.user[s.stride + 1], -half, 1e-5);
		assert_near(s.residual, 0, 1e-4);
		reco_svd_free(&env, &s);
	}
	mimic_free_csr(&m);
	mimic_free_csr(&t);
}

/* Sums of r outer products of small whole numbers: r factors, and zeros. */
static void
test_ranks(void **state)
{
	(void) state;
	for (int k = 0; k < 60; k++)
	{
		int rows = 6 + k % 40;
		int cols = 6 + k * 7 % 50;
		int rank = k % 6;
		float *value = calloc((size_t) rows * cols, sizeof(float));
		reco_svd_params p = {12, k % 4, k % 5, k};
		reco_csr m;
		reco_csr t;
		mimic_world w;
		reco_env env = mimic_als_env(&w, 1);
		reco_svd s;

		for (int f = 0; f < rank; f++)
			for (int r = 0; r < rows; r++)
			{
				/* a row of its own for each, so that no two are alike */
				int x = r == f ? 3 : (int) (mimic_random() % 3) * (r >= rank);

				for (int c = 0; c < cols; c++)
					value[r * cols + c] +=
						(float) (x * ((c * (f + 2) + f) % (5 + f) - 1 + (c == f)));
			}
		m = full(rows, cols, value);
		t = mimic_transpose(&m);
		assert_int_equal(reco_svd_fit(&env, &p, &m, &t, NULL, NULL, &s), RECO_OK);
		{
			double *a = mimic_dense(&m);
			double *singular = calloc((size_t) cols + 1, sizeof(double));
			int expected = 0;

			mimic_svd(a, rows, cols, singular);
			while (expected < cols && singular[expected] > 1e-9 * singular[0])
				expected++;
			assert_true(expected <= rank);
			assert_int_equal(s.rank, expected);
			for (int j = 0; j < expected; j++)
				assert_near(s.singular[j], singular[j], EXACT * singular[0]);
			check_result(&m, &s, singular[0]);
			free(a);
			free(singular);
		}
		for (int i = 0; i < cols; i++)
			for (int j = s.rank; j < s.stride; j++)
				assert_true(s.item[(size_t) i * s.stride + j] == 0);
		for (int u = 0; u < rows; u++)
			for (int j = s.rank; j < s.stride; j++)
				assert_true(s.user[(size_t) u * s.stride + j] == 0);
		reco_svd_free(&env, &s);
		assert_int_equal(w.live, 0);
		mimic_free_csr(&m);
		mimic_free_csr(&t);
		free(value);
	}
}

/* One value in every cell: one factor, however many are asked for, and no noise beside it. */
static void
test_all_equal(void **state)
{
	static const int shape[][2] = {{300, 400}, {1000, 40}, {3, 2000}};
	static const float every[] = {1, 3.7f, -1e15f};

	(void) state;
	for (int k = 0; k < 3; k++)
	{
		int rows = shape[k][0];
		int cols = shape[k][1];
		float *value = malloc((size_t) rows * cols * sizeof(float));
		reco_svd_params p = {50, 10, 4, 42};
		double size = fabs((double) every[k]) * sqrt((double) rows * cols);
		mimic_world w;
		reco_env env = mimic_als_env(&w, 2);
		reco_csr m;
		reco_csr t;
		reco_svd s;

		for (int c = 0; c < rows * cols; c++)
			value[c] = every[k];
		m = full(rows, cols, value);
		t = mimic_transpose(&m);
		assert_int_equal(reco_svd_fit(&env, &p, &m, &t, NULL, NULL, &s), RECO_OK);
		assert_int_equal(s.rank, 1);
		assert_near(s.singular[0], size, EXACT * size);
		assert_near(s.residual, 0, 1e-5 * size * size);
		for (int i = 0; i < cols; i++)
			assert_near(s.item[(size_t) i * s.stride], 1 / sqrt(cols), 1e-6);
		reco_svd_free(&env, &s);
		mimic_free_csr(&m);
		mimic_free_csr(&t);
		free(value);
	}
}

/* Diagonal matrices have their singular values in sight: falling steeply, and all the same. */
static void
test_spectra(void **state)
{
	(void) state;
	for (int k = 0; k < 8; k++)
	{
		enum
		{
			N = 60
		};
		reco_csr m = mimic_csr(N, N, N, true);
		reco_csr t;
		reco_svd_params p = {20, 10, 6, 42};
		double ratio[8] = {1, 0.9, 0.7, 0.5, 0.3, 0.2, 0.1, 0.01};
		mimic_world w;
		reco_env env = mimic_als_env(&w, 2);
		reco_svd s;

		for (int i = 0; i < N; i++)
		{
			m.col[i] = i;
			m.value[i] = (float) pow(ratio[k], i);
			m.start[i + 1] = i + 1;
		}
		t = mimic_transpose(&m);
		assert_int_equal(reco_svd_fit(&env, &p, &m, &t, NULL, NULL, &s), RECO_OK);
		check_result(&m, &s, 1);
		for (int j = 0; j < 20; j++)
			if (ratio[k] < 1 && m.value[j] > 3e-6)
			{
				assert_near(s.singular[j], m.value[j], 0.02 * m.value[j]);
				assert_near(s.item[(size_t) j * s.stride + j], 1, 0.05);
			}
			else if (ratio[k] == 1)
				assert_near(s.singular[j], 1, EXACT);
			else if (m.value[j] < 5e-7)
				assert_true(s.singular[j] == 0);
		reco_svd_free(&env, &s);
		mimic_free_csr(&m);
		mimic_free_csr(&t);
	}
}

/* Powers of ten on all values change the singular values by that, and no vector. */
static void
test_magnitudes(void **state)
{
	static const float unit[] = {1, 1e30f, 3e37f, 1e-30f, 1e-38f, -1e20f};
	reco_csr m = mimic_random_csr(50, 30, 0.4, 1);
	reco_csr t = mimic_transpose(&m);
	int64_t n = m.start[m.rows];
	float *value = malloc((size_t) n * sizeof(float));
	reco_svd_params p = {5, 25, 4, 42};
	mimic_world w;
	reco_env env = mimic_als_env(&w, 2);
	reco_svd plain;

	(void) state;
	memcpy(value, m.value, (size_t) n * sizeof(float));
	assert_int_equal(reco_svd_fit(&env, &p, &m, &t, NULL, NULL, &plain), RECO_OK);
	for (size_t k = 0; k < sizeof(unit) / sizeof(unit[0]); k++)
	{
		reco_svd s;
		reco_csr back;

		for (int64_t e = 0; e < n; e++)
			m.value[e] = value[e] * unit[k];
		back = mimic_transpose(&m);
		assert_int_equal(reco_svd_fit(&env, &p, &m, &back, NULL, NULL, &s), RECO_OK);
		assert_int_equal(s.rank, 5);
		for (int j = 0; j < 5; j++)
		{
			assert_near(s.singular[j] / fabs((double) unit[k]), plain.singular[j],
						1e-4 * plain.singular[0]);
			for (int i = 0; i < 30; i++)
				assert_near(s.item[i * s.stride + j], plain.item[i * s.stride + j], 1e-3);
		}
		reco_svd_free(&env, &s);
		mimic_free_csr(&back);
	}
	reco_svd_free(&env, &plain);
	assert_int_equal(w.live, 0);
	free(value);
	mimic_free_csr(&m);
	mimic_free_csr(&t);
}

static void
test_threads(void **state)
{
	reco_csr m = mimic_random_csr(3000, 300, 0.4, 1);
	reco_csr t = mimic_transpose(&m);
	reco_svd_params p = {20, 10, 1, 42};
	reco_svd s[4];
	mimic_world w[4];
	reco_env env[4];

	(void) state;
	for (int i = 0; i < 4; i++)
	{
		env[i] = mimic_als_env(&w[i], i == 3 ? 2 : 1 << i);
		if (i == 3)
			env[i].due = mimic_always_due;
		assert_int_equal(reco_svd_fit(&env[i], &p, &m, &t, NULL, NULL, &s[i]), RECO_OK);
		assert_memory_equal(s[i].user, s[0].user, (size_t) 3000 * s[0].stride * sizeof(float));
		assert_memory_equal(s[i].item, s[0].item, (size_t) 300 * s[0].stride * sizeof(float));
		assert_memory_equal(s[i].singular, s[0].singular, 20 * sizeof(double));
	}
	/* left at every look, it polls more often */
	assert_true(w[3].polls > w[1].polls);
	for (int i = 0; i < 4; i++)
		reco_svd_free(&env[i], &s[i]);
	mimic_free_csr(&m);
	mimic_free_csr(&t);
}

/* Each instruction set level by itself is right. */
static void
test_levels(void **state)
{
	static const char *const level[] = {"base", "v3", "v4"};
	char *saved = mimic_level();

	(void) state;
	for (int k = 0; k < 3; k++)
	{
		/* strips of all widths */
		for (int factors = 1; factors <= 155; factors += 22)
		{
			reco_csr m = mimic_random_csr(170, 160, 0.05, 2);
			reco_csr t = mimic_transpose(&m);
			reco_svd_params p = {factors, 0, 1, 1};
			mimic_world w;
			reco_env env = mimic_als_env(&w, 1);
			reco_svd s;

			if (reco_kernels_named(level[k]))
			{
				setenv("RECO_ISA", level[k], 1);
				assert_int_equal(reco_svd_fit(&env, &p, &m, &t, NULL, NULL, &s), RECO_OK);
				check_result(&m, &s, s.singular[0]);
				reco_svd_free(&env, &s);
			}
			mimic_free_csr(&m);
			mimic_free_csr(&t);
		}
	}
	mimic_level_back(saved);
}

typedef struct fitting
{
	reco_svd_params params;
	reco_csr m;
	reco_csr t;
} fitting;

static reco_status
fit_once(const reco_env *env, void *arg)
{
	const fitting *f = arg;
	reco_svd s;
	reco_status status = reco_svd_fit(env, &f->params, &f->m, &f->t, NULL, NULL, &s);

	if (status == RECO_OK)
		reco_svd_free(env, &s);
	return status;
}

static void
test_interrupted(void **state)
{
	fitting f = {{20, 20, 2, 42}, mimic_random_csr(60, 50, 0.3, 1), {0}};

	(void) state;
	f.t = mimic_transpose(&f.m);
	mimic_fit_ends(fit_once, &f);
	mimic_free_csr(&f.m);
	mimic_free_csr(&f.t);
}

static void
test_edges(void **state)
{
	reco_csr m = mimic_random_csr(20, 10, 0.5, 1);
	reco_csr t = mimic_transpose(&m);
	reco_svd_params good = {4, 2, 3, 42};
	reco_svd_params bad[] = {{0, 2, 3, 42},
							 {RECO_SVD_MAX_FACTORS + 1, 2, 3, 42},
							 {4, -1, 3, 42},
							 {4, RECO_SVD_MAX_OVERSAMPLING + 1, 3, 42},
							 {4, 2, -1, 42}};
	static const float strange[] = {NAN, INFINITY, -INFINITY};
	mimic_world w;
	reco_env env = mimic_als_env(&w, 2);
	reco_svd s;
	int count = 0;

	(void) state;
	for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
		assert_int_equal(reco_svd_fit(&env, &bad[k], &m, &t, NULL, NULL, &s), RECO_INVALID);
	assert_int_equal(reco_svd_fit(&env, &good, &m, &m, NULL, NULL, &s), RECO_INVALID);
	for (int k = 0; k < 3; k++)
	{
		float saved = m.value[m.start[20] / 2];

		m.value[m.start[20] / 2] = strange[k];
		assert_int_equal(reco_svd_fit(&env, &good, &m, &t, NULL, NULL, &s), RECO_INVALID);
		m.value[m.start[20] / 2] = saved;
	}
	assert_int_equal(reco_svd_fit(&env, &good, &m, &t, mimic_count_progress, &count, &s), RECO_OK);
	assert_int_equal(count, 4);
	reco_svd_free(&env, &s);

	/* nothing but zeros; no entries; no users; no items; nothing at all */
	for (int64_t e = 0; e < m.start[20]; e++)
		m.value[e] = 0;
	for (int k = 0; k < 5; k++)
	{
		reco_csr empty =
			k == 0 ? m : mimic_csr(k == 2 || k == 4 ? 0 : 20, k >= 3 ? 0 : 10, 0, k % 2);
		reco_csr back = mimic_transpose(&empty);

		assert_int_equal(reco_svd_fit(&env, &good, &empty, &back, NULL, NULL, &s), RECO_OK);
		assert_true(w.peak <= reco_svd_memory(&good, &m, 2));
		assert_int_equal(s.rank, 0);
		assert_true(s.residual == 0);
		for (int i = 0; i < s.items * s.stride; i++)
			assert_true(s.item[i] == 0);
		for (int i = 0; i < s.users * s.stride; i++)
			assert_true(s.user[i] == 0);
		reco_svd_free(&env, &s);
		mimic_free_csr(&back);
		if (k > 0)
			mimic_free_csr(&empty);
	}
	assert_int_equal(w.live, 0);
	mimic_free_csr(&m);
	mimic_free_csr(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_shapes), cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_ranks),         cmocka_unit_test(test_all_equal),
		cmocka_unit_test(test_spectra),       cmocka_unit_test(test_magnitudes),
		cmocka_unit_test(test_threads),       cmocka_unit_test(test_levels),
		cmocka_unit_test(test_interrupted),   cmocka_unit_test(test_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
