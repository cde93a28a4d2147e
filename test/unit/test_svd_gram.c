/*
 * test_svd_gram.c
 *	  Factors by the eigenvectors of products with noise (core/svd/svd_gram.h): without noise those
 *	  of reco_svd_fit, with it what they are by definition, and what one user changes of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/privacy/noisy_gram.h"
#include "core/svd/svd_gram.h"
#include "mimic_als.h"
#include "mimic_linear.h"
#include "mimic_noise.h"
#include "mimic_svd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum
{
	USERS = 60,
	ITEMS = 24,
	MOST = 40
};

static const reco_svd_params usual = {6, 10, 6, 42};

static void
assert_near(double got, double expected, double tolerance)
{
	if (!(fabs(got - expected) <= tolerance))
		fail_msg("%.10g, not %.10g within %g", got, expected, tolerance);
}

/* X'X of the columns of m that are named, packed; with noise of a deviation, and so much more on
 * the diagonal. */
static reco_packed
products_of(const reco_csr *m, const int32_t *item, int n, double noise, double more)
{
	double *x = mimic_dense(m);
	double *gram = mimic_gram(x, m->rows, m->cols);
	reco_packed packed = {n, malloc((reco_packed_size(n) + 1) * sizeof(double))};
	uint64_t state = 7;

	for (int i = 0; i < n; i++)
		for (int j = 0; j <= i; j++)
		{
			/* near enough to normal, with a deviation of 1 */
			double sum = -6;

			for (int k = 0; k < 12; k++)
				sum += mimic_uniform(&state);
			reco_packed_row(&packed, i)[j] =
				gram[(size_t) item[i] * (size_t) m->cols + (size_t) item[j]] + noise * sum +
				(i == j) * more;
		}
	free(gram);
	free(x);
	return packed;
}

/* How many eigenvalues are above x: pivots above 0 of the matrix less x on its diagonal. */
static int
eigenvalues_above(const reco_packed *gram, double x)
{
	int n = gram->n;
	double *a = malloc((size_t) (n * n + 1) * sizeof(double));
	int above = 0;

	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			a[i * n + j] = reco_packed_at(gram, i, j) - (i == j) * x;
	for (int k = 0; k < n; k++)
	{
		above += a[k * n + k] > 0;
		for (int i = k + 1; i < n; i++)
			for (int j = k + 1; j < n; j++)
				a[i * n + j] -= a[i * n + k] * a[k * n + j] / a[k * n + k];
	}
	free(a);
	return above;
}

/* What holds of every result: eigenvectors, each times what the noise leaves of it, and users by
 * their own rows. */
static void
check_result(const reco_svd *s, const reco_csr *m, const reco_svd_products *p)
{
	int n = p->gram->n;
	double variance = p->noise * p->noise * n;
	double *x = mimic_dense(m);

	for (int f = 0; f < s->factors; f++)
	{
		double v[MOST] = {0};
		double t = s->singular[f] * s->singular[f];
		double size = 0;

		for (int i = 0; i < n; i++)
			v[i] = s->item[(size_t) p->item[i] * (size_t) s->stride + (size_t) f];
		for (int i = 0; i < n; i++)
			size += v[i] * v[i];
		if (f >= s->rank)
		{
			assert_true(size == 0 && t == 0);
			continue;
		}
		assert_near(size, 1 - variance / (t * t), 1e-4);
		assert_true(t + variance / t > 2 * sqrt(variance));
		for (int i = 0; i < n; i++)
		{
			double of = 0;

			for (int j = 0; j < n; j++)
				of += reco_packed_at(p->gram, i, j) * v[j];
			assert_near(of, (t + variance / t) * v[i], 2e-4 * s->singular[0] * s->singular[0]);
		}
	}
	for (int u = 0; u < s->users; u++)
		for (int f = 0; f < s->stride; f++)
		{
			double sum = 0;

			for (int i = 0; i < s->items; i++)
				sum += x[u * s->items + i] * s->item[(size_t) i * (size_t) s->stride + (size_t) f];
			assert_near(s->user[(size_t) u * (size_t) s->stride + (size_t) f], sum, 1e-4);
		}
	assert_true(isnan(s->residual));
	free(x);
}

static const int32_t all[MOST] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13,
								  14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
								  28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39};

/* Without noise it is the decomposition of X itself. */
static void
test_without_noise(void **state)
{
	(void) state;
	for (int values = 0; values < 3; values++)
	{
		reco_csr m = mimic_random_csr(USERS, ITEMS, 0.4, values);
		reco_csr t = mimic_transpose(&m);
		reco_packed gram = products_of(&m, all, ITEMS, 0, 0);
		reco_svd_products p = {&gram, all, 0};
		reco_svd_params params = {6, 18, 8, 42};
		mimic_world w;
		reco_env env = mimic_als_env(&w, 2);
		reco_svd of_x;
		reco_svd s;

		assert_int_equal(reco_svd_fit(&env, &params, &m, &t, NULL, NULL, &of_x), RECO_OK);
		w.peak = 0;
		assert_int_equal(reco_svd_gram(&env, &params, &p, &m, NULL, NULL, &s), RECO_OK);
		assert_true(w.peak <= reco_svd_gram_memory(&params, ITEMS, &m, 2) + w.bytes);
		check_result(&s, &m, &p);
		assert_int_equal(s.rank, 6);
		for (int f = 0; f < 6; f++)
		{
			assert_near(s.singular[f], of_x.singular[f], 1e-4 * of_x.singular[0]);
			for (int i = 0; i < ITEMS; i++)
				assert_near(s.item[(size_t) (i * s.stride + f)],
							of_x.item[(size_t) (i * of_x.stride + f)], 2e-3);
		}
		reco_svd_free(&env, &s);
		reco_svd_free(&env, &of_x);
		assert_int_equal(w.live, 0);
		free(gram.value);
		mimic_free_csr(&m);
		mimic_free_csr(&t);
	}
}

/* With noise, of some of the items: as many factors as are clear of it. */
static void
test_with_noise(void **state)
{
	static const int32_t some[10] = {0, 2, 3, 5, 8, 11, 15, 16, 22, 23};

	(void) state;
	for (int level = 0; level < 6; level++)
	{
		double noise = 0.25 * (1 << level);
		bool few = level % 2;
		reco_csr m = mimic_random_csr(USERS, ITEMS, 0.5, 0);
		reco_packed gram = products_of(&m, few ? some : all, few ? 10 : ITEMS, noise, 0);
		reco_svd_products p = {&gram, few ? some : all, noise};
		reco_svd_params params = {10, 20, 30, 42};
		int clear = eigenvalues_above(&gram, 1.05 * 2 * noise * sqrt(gram.n));
		mimic_world w;
		reco_env env = mimic_als_env(&w, 2);
		reco_svd s;

		assert_int_equal(reco_svd_gram(&env, &params, &p, &m, NULL, NULL, &s), RECO_OK);
		assert_true(w.peak <= reco_svd_gram_memory(&params, gram.n, &m, 2));
		assert_int_equal(s.rank, clear < 10 ? clear : 10);
		check_result(&s, &m, &p);
		for (int k = 0; few && k < 10; k++)
			for (int i = k == 0 ? ITEMS : some[k - 1] + 1; i < some[k]; i++)
				for (int f = 0; f < s.stride; f++)
					assert_true(s.item[(size_t) (i * s.stride + f)] == 0);
		reco_svd_free(&env, &s);
		free(gram.value);
		mimic_free_csr(&m);
	}
}

/* What is negative is noise however large; nothing is nothing. */
static void
test_edges(void **state)
{
	reco_csr m = mimic_random_csr(USERS, ITEMS, 0.5, 0);
	reco_packed gram = products_of(&m, all, ITEMS, 0, -100);
	reco_packed none = {0, NULL};
	reco_svd_products negative = {&gram, all, 0.1};
	reco_svd_products nothing = {&none, all, 1};
	reco_svd_params bad = {0, 10, 4, 42};
	reco_svd_params wide = {ITEMS, 0, 4, 42}; /* those of the largest size are negative */
	mimic_world w;
	reco_env env = mimic_als_env(&w, 2);
	reco_svd s;

	(void) state;
	assert_int_equal(reco_svd_gram(&env, &wide, &negative, &m, NULL, NULL, &s), RECO_OK);
	assert_int_equal(s.rank, eigenvalues_above(&gram, 0.21 * sqrt(ITEMS)));
	assert_true(s.rank < ITEMS / 2);
	check_result(&s, &m, &negative);
	reco_svd_free(&env, &s);
	assert_int_equal(reco_svd_gram(&env, &usual, &nothing, &m, NULL, NULL, &s), RECO_OK);
	assert_int_equal(s.rank, 0);
	check_result(&s, &m, &nothing);
	reco_svd_free(&env, &s);
	assert_int_equal(reco_svd_gram(&env, &bad, &nothing, &m, NULL, NULL, &s), RECO_INVALID);
	reco_packed_row(&gram, 3)[1] = INFINITY;
	assert_int_equal(reco_svd_gram(&env, &usual, &negative, &m, NULL, NULL, &s), RECO_INVALID);
	assert_int_equal(w.live, 0);
	free(gram.value);
	mimic_free_csr(&m);
}

typedef struct Input
{
	reco_csr m;
	reco_svd_products p;
} Input;

static reco_status
fit_of(const reco_env *env, void *arg)
{
	Input *in = arg;
	reco_svd s;
	reco_status status = reco_svd_gram(env, &usual, &in->p, &in->m, NULL, NULL, &s);

	if (status == RECO_OK)
		reco_svd_free(env, &s);
	return status;
}

/* Every end leaves nothing; any number of threads gives the same bits. */
static void
test_ends(void **state)
{
	reco_csr m = mimic_random_csr(USERS, ITEMS, 0.5, 0);
	reco_packed gram = products_of(&m, all, ITEMS, 1, 0);
	Input in = {m, {&gram, all, 1}};
	mimic_world w;
	reco_env env = mimic_als_env(&w, 1);
	reco_svd one;

	(void) state;
	mimic_fit_ends(fit_of, &in);
	assert_int_equal(reco_svd_gram(&env, &usual, &in.p, &m, NULL, NULL, &one), RECO_OK);
	for (int threads = 2; threads <= 3; threads++)
	{
		reco_svd s;

		env.threads = threads;
		assert_int_equal(reco_svd_gram(&env, &usual, &in.p, &m, NULL, NULL, &s), RECO_OK);
		assert_memory_equal(s.item, one.item, (size_t) (ITEMS * s.stride) * sizeof(float));
		assert_memory_equal(s.user, one.user, (size_t) (USERS * s.stride) * sizeof(float));
		reco_svd_free(&env, &s);
	}
	reco_svd_free(&env, &one);
	assert_int_equal(w.live, 0);
	free(gram.value);
	mimic_free_csr(&m);
}

/*
 * An audit: factors with and without one user, many times.  What is seen of them, the length of
 * the first one, is larger with the user; how much more often than exp(epsilon) times bounds
 * delta from below.
 */
static void
test_audit(void **state)
{
	enum
	{
		TIMES = 4000,
		BINS = 200,
		PEOPLE = 40
	};
	const double epsilon = 1;
	const double delta = 0.05;
	double x[(PEOPLE + 1) * 3];
	double count[2][BINS] = {{0}};
	double most = 0;

	(void) state;
	for (int k = 0; k < (PEOPLE + 1) * 3; k++)
		x[k] = 1;
	for (int with = 0; with < 2; with++)
	{
		reco_csr by_user = mimic_csr_of(x, PEOPLE + with, 3, false);
		reco_random random = {.fill = mimic_noise};

		for (int t = 0; t < TIMES; t++)
		{
			reco_noisy_params params = {{1000, delta}, 3, 3, -INFINITY, 0};
			reco_svd_params svd = {1, 2, 4, 42};
			reco_svd_products products;
			reco_noisy_gram g;
			mimic_world w;
			reco_env env = mimic_als_env(&w, 1);
			double size = 0;
			reco_svd s;

			assert_int_equal(reco_noisy_gram_make(&env, &params, &by_user, &random, &g), RECO_OK);
			products = (reco_svd_products){&g.gram, g.item, g.noise};
			assert_int_equal(reco_svd_gram(&env, &svd, &products, &by_user, NULL, NULL, &s),
							 RECO_OK);
			for (int i = 0; i < 3; i++)
				size += s.item[i * s.stride] * s.item[i * s.stride];
			/* which rises with what the eigenvalue would be without noise */
			size = sqrt(g.noise * g.noise * 3 / fmax(1 - size, 1e-9)) / 3;
			count[with][(int) fmin(fmax((size - PEOPLE + 20) * BINS / 40, 0), BINS - 1)]++;
			reco_svd_free(&env, &s);
			reco_noisy_gram_free(&env, &g);
			assert_int_equal(w.live, 0);
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
		most = fmax(most, p[1] - p[0]);
	}
	/* and the user is seen at all */
	assert_true(most > 0.05);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_noise), cmocka_unit_test(test_with_noise),
		cmocka_unit_test(test_edges),         cmocka_unit_test(test_ends),
		cmocka_unit_test(test_audit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
