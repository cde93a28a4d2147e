/*
 * test_vector.c
 *	  Similarity of vectors against plain formulas in 113 bits, for vectors of every
 *	  kind, at every instruction set level that this machine has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/dispatch.h"
#include "mimic_env.h"
#include "mimic_vector.h"

static const char *const levels[] = {"base", "v3", "v4"};

#define LEVELS 3

/*
 * The absolute errors that the sources promise: a few eps, for lanes of a block
 * are summed plainly (256 terms at most).
 */
#define COSINE_ERROR 2e-14

static double worst_cosine;
static double worst_pearson;

/* All measures of two vectors of doubles. */
static void
check_doubles(const void *a, const void *b, int64_t n)
{
	reco_vectors v = {RECO_DOUBLE, n, a, b, NULL};
	reco_vectors w = {RECO_DOUBLE, n, b, a, NULL};
	truth t = mimic_truth(a, b, n);
	double got = 0;
	double again = 0;
	reco_measured status = reco_cosine(&v, &got);

	mimic_check_cosine(status, got, t.xy, t.xx, t.yy, COSINE_ERROR, &worst_cosine);
	assert_int_equal(reco_cosine(&w, &again), status);
	assert_memory_equal(&got, &again, sizeof(double));

	got = again = 0;
	status = reco_pearson(&v, &got);
	if (n == 0 || t.constant_x || t.constant_y)
		assert_int_equal(status, RECO_UNDEFINED);
	else
		mimic_check_cosine(status, got, t.cxy, t.cxx, t.cyy, COSINE_ERROR, &worst_pearson);
	assert_int_equal(reco_pearson(&w, &again), status);
	assert_memory_equal(&got, &again, sizeof(double));

	status = reco_dot_product(&v, &got);
	if (status == RECO_TOO_LARGE)
		assert_int_not_equal(mimic_overflows(t.xy), 0);
	else
	{
		assert_true(mimic_overflows(t.xy) != 1 || wide_abs(t.xy) < 0x1p-90 * t.abs_xy);
		assert_int_equal(status, RECO_MEASURED);
		assert_true(wide_abs(got - t.xy) <=
					mimic_product_error(&t) + COSINE_ERROR * wide_abs(t.xy));
	}
	assert_int_equal(reco_dot_product(&w, &again), status);
	if (status == RECO_MEASURED)
		assert_memory_equal(&got, &again, sizeof(double));

	status = reco_euclidean(&v, &got);
	if (status == RECO_TOO_LARGE)
		assert_int_not_equal(mimic_overflows(wide_sqrt(t.dd)), 0);
	else
	{
		assert_int_not_equal(mimic_overflows(wide_sqrt(t.dd)), 1);
		assert_int_equal(status, RECO_MEASURED);
		assert_true(wide_abs(got - wide_sqrt(t.dd)) <=
					COSINE_ERROR * wide_sqrt(t.dd) + (wide) 0x1.1p-1075);
	}
	assert_int_equal(reco_euclidean(&w, &again), status);
	if (status == RECO_MEASURED)
		assert_memory_equal(&got, &again, sizeof(double));
}

static void
test_doubles(void **state)
{
	uint64_t seed = 1;

	(void) state;
	for (kind of_a = 0; of_a < KINDS; of_a++)
		for (kind of_b = 0; of_b < KINDS; of_b++)
			for (int l = 0; l < LENGTHS; l++)
			{
				void *memory[2];
				double *a = mimic_vector(lengths[l], &memory[0]);
				double *b = mimic_vector(lengths[l], &memory[1]);

				for (int64_t i = 0; i < lengths[l]; i++)
				{
					set(a, i, mimic_element(of_a, &seed));
					set(b, i, mimic_element(of_b, &seed));
				}
				check_doubles(a, b, lengths[l]);
				free(memory[0]);
				free(memory[1]);
			}
	print_message("worst cosine %.2g, Pearson %.2g\n", worst_cosine, worst_pearson);
}

/* Vectors that are equal, opposite, parallel, nearly so, and orthogonal. */
static void
test_parallel(void **state)
{
	static const double factors[] = {1, -1, 2, -0.5, 3, 0.1, 1e-5, 0x1p-60, 0x1p60};
	uint64_t seed = 2;

	(void) state;
	for (kind of = 0; of < KINDS; of++)
		for (int l = 1; l < LENGTHS; l++)
			for (int f = 0; f < (int) (sizeof(factors) / sizeof(factors[0])); f++)
			{
				int64_t n = lengths[l];
				void *memory[2];
				double *a = mimic_vector(n, &memory[0]);
				double *b = mimic_vector(n, &memory[1]);
				double factor = factors[f];
				reco_vectors v = {RECO_DOUBLE, n, a, b, NULL};
				double got;

				for (int64_t i = 0; i < n; i++)
				{
					set(a, i, mimic_element(of, &seed));
					set(b, i, factor * get(a, i));
					if (!isfinite(get(b, i)))
						set(b, i, get(a, i));
				}
				check_doubles(a, b, n);
				if (fabs(factor) == 1 && reco_cosine(&v, &got) == RECO_MEASURED)
					assert_true(got == factor);
				if (fabs(factor) == 1 && reco_pearson(&v, &got) == RECO_MEASURED)
					assert_true(got == factor);
				if (factor == 1)
				{
					assert_int_equal(reco_euclidean(&v, &got), RECO_MEASURED);
					assert_true(got == 0);
				}
				/* one element is one bit off */
				set(b, n / 2, nextafter(get(b, n / 2), 0));
				check_doubles(a, b, n);
				/* all products cancel but one */
				for (int64_t i = 0; i < n; i++)
				{
					if (of == EDGE_OF_RANGE)
						set(a, i, get(a, i) / 4);
					set(b, i, i % 2 ? -get(a, i - 1) : get(a, i + 1 < n ? i + 1 : i));
				}
				check_doubles(a, b, n);
				free(memory[0]);
				free(memory[1]);
			}
}

/* A power of two changes nothing of what has no scale, but for roundings. */
static void
test_scale(void **state)
{
	uint64_t seed = 3;

	(void) state;
	for (int trial = 0; trial < 300; trial++)
	{
		int64_t n = 1 + mimic_below(&seed, 700);
		int exponent = (int) mimic_below(&seed, 1900) - 950;
		void *memory[3];
		double *a = mimic_vector(n, &memory[0]);
		double *b = mimic_vector(n, &memory[1]);
		double *c = mimic_vector(n, &memory[2]);
		reco_vectors v = {RECO_DOUBLE, n, a, b, NULL};
		reco_vectors w = {RECO_DOUBLE, n, c, b, NULL};
		double one = 0;
		double other = 0;

		for (int64_t i = 0; i < n; i++)
		{
			set(a, i, 1 + mimic_element(UNIFORM, &seed));
			set(b, i, mimic_element(trial % 2 ? UNIFORM : SKEWED, &seed));
			set(c, i, ldexp(get(a, i), exponent));
		}
		/* above denormal numbers all the same elements */
		for (int64_t i = 0; i < n; i++)
			if (ldexp(get(c, i), -exponent) != get(a, i))
				set(a, i, 0), set(c, i, 0);
		assert_int_equal(reco_cosine(&v, &one), reco_cosine(&w, &other));
		assert_true(fabs(one - other) <= 1e-15);
		assert_int_equal(reco_pearson(&v, &one), reco_pearson(&w, &other));
		assert_true(fabs(one - other) <= 1e-15);
		for (int i = 0; i < 3; i++)
			free(memory[i]);
	}
}

static const size_t width[] = {
	[RECO_FLOAT] = 4, [RECO_DOUBLE] = 8, [RECO_INT16] = 2, [RECO_INT32] = 4, [RECO_INT64] = 8};

static void
put(reco_element type, void *a, int64_t i, double value)
{
	char *at = (char *) a + (size_t) i * width[type];
	float f = (float) value;
	int16_t i16 = (int16_t) fmax(INT16_MIN, fmin(INT16_MAX, value));
	int32_t i32 = (int32_t) fmax(INT32_MIN, fmin(INT32_MAX, value));
	int64_t i64 = (int64_t) fmax(-0x1p62, fmin(0x1p62, value));

	memcpy(at,
		   type == RECO_FLOAT    ? (void *) &f
		   : type == RECO_DOUBLE ? (void *) &value
		   : type == RECO_INT16  ? (void *) &i16
		   : type == RECO_INT32  ? (void *) &i32
								 : (void *) &i64,
		   width[type]);
}

static double
at(reco_element type, const void *a, int64_t i)
{
	const char *p = (const char *) a + (size_t) i * width[type];
	float f;
	double d;
	int16_t i16;
	int32_t i32;
	int64_t i64;

	switch (type)
	{
		case RECO_FLOAT:
			return memcpy(&f, p, 4), (double) f;
		case RECO_DOUBLE:
			return memcpy(&d, p, 8), d;
		case RECO_INT16:
			return memcpy(&i16, p, 2), (double) i16;
		case RECO_INT32:
			return memcpy(&i32, p, 4), (double) i32;
		default:
			return memcpy(&i64, p, 8), (double) i64;
	}
}

/* Other types give what the same numbers give as doubles, by a few eps. */
static void
test_types(void **state)
{
	uint64_t seed = 4;

	(void) state;
	for (reco_element type = RECO_FLOAT; type <= RECO_INT64; type++)
		for (int l = 0; l < LENGTHS; l++)
			for (int how = 0; how < 6; how++)
			{
				static const double scales[] = {100, 1e-40, 3e38, 1e9, 3, 0};
				int64_t n = lengths[l];
				size_t bytes = (size_t) n * width[type];
				/* at odd addresses */
				char *pa = malloc(bytes + 1);
				char *pb = malloc(bytes + 1);
				char *a = pa + 1;
				char *b = pb + 1;
				double *da = malloc(((size_t) n + 1) * sizeof(double));
				double *db = malloc(((size_t) n + 1) * sizeof(double));
				reco_vectors v = {type, n, a, b, NULL};
				truth t;
				double got = 0;
				reco_measured status;

				for (int64_t i = 0; i < n; i++)
				{
					put(type, a, i, scales[how] * mimic_element(UNIFORM, &seed));
					put(type, b, i,
						how == 4 ? 7 * at(type, a, i)
								 : scales[how] * mimic_element(UNIFORM, &seed));
					da[i] = at(type, a, i);
					db[i] = at(type, b, i);
				}
				t = mimic_truth(da, db, n);
				status = reco_cosine(&v, &got);
				mimic_check_cosine(status, got, t.xy, t.xx, t.yy, COSINE_ERROR, &worst_cosine);
				status = reco_pearson(&v, &got);
				if (n == 0 || t.constant_x || t.constant_y)
					assert_int_equal(status, RECO_UNDEFINED);
				else
					mimic_check_cosine(status, got, t.cxy, t.cxx, t.cyy, COSINE_ERROR,
									   &worst_pearson);
				assert_int_equal(reco_dot_product(&v, &got), RECO_MEASURED);
				assert_true(wide_abs(got - t.xy) <=
							mimic_product_error(&t) + COSINE_ERROR * wide_abs(t.xy));
				assert_int_equal(reco_euclidean(&v, &got), RECO_MEASURED);
				assert_true(wide_abs(got - wide_sqrt(t.dd)) <= COSINE_ERROR * wide_sqrt(t.dd));
				assert_int_equal(reco_first_not_finite(NULL, type, a, n), -1);
				free(pa);
				free(pb);
				free(da);
				free(db);
			}
}

static void
test_not_finite(void **state)
{
	static const double bad[] = {INFINITY, -INFINITY, NAN};
	uint64_t seed = 5;

	(void) state;
	for (reco_element type = RECO_FLOAT; type <= RECO_DOUBLE; type++)
		for (kind of = 0; of < KINDS; of++)
			for (int trial = 0; trial < 60; trial++)
			{
				int64_t n = 1 + mimic_below(&seed, 1200);
				int64_t where = mimic_below(&seed, n);
				void *a = malloc((size_t) n * width[type]);
				void *b = malloc((size_t) n * width[type]);
				reco_vectors v = {type, n, a, b, NULL};
				reco_vectors w = {type, n, b, a, NULL};
				double got;

				for (int64_t i = 0; i < n; i++)
				{
					double x = mimic_element(of, &seed);

					put(type, a, i, type == RECO_FLOAT ? fmax(-1e30, fmin(1e30, x)) : x);
					x = mimic_element(of, &seed);
					put(type, b, i, type == RECO_FLOAT ? fmax(-1e30, fmin(1e30, x)) : x);
				}
				put(type, a, where, bad[trial % 3]);
				if (trial % 7 == 0)
					put(type, b, where, bad[trial % 3]);
				assert_int_equal(reco_first_not_finite(NULL, type, a, n), where);
				assert_int_equal(reco_cosine(&v, &got), RECO_NOT_FINITE);
				assert_int_equal(reco_cosine(&w, &got), RECO_NOT_FINITE);
				assert_int_equal(reco_pearson(&v, &got), RECO_NOT_FINITE);
				assert_int_equal(reco_pearson(&w, &got), RECO_NOT_FINITE);
				assert_int_equal(reco_dot_product(&v, &got), RECO_NOT_FINITE);
				assert_int_equal(reco_dot_product(&w, &got), RECO_NOT_FINITE);
				assert_int_equal(reco_euclidean(&v, &got), RECO_NOT_FINITE);
				assert_int_equal(reco_euclidean(&w, &got), RECO_NOT_FINITE);
				free(a);
				free(b);
			}
}

/*
 * Every poll of long vectors can end a call: of one with more pieces than one, by each way
 * that elements are read and added up.
 */
static void
check_halts(reco_element type, const void *a, int64_t pieces)
{
	reco_measured (*const measures[])(const reco_vectors *, double *) = {
		reco_cosine, reco_dot_product, reco_euclidean, reco_pearson};
	int64_t n = pieces * 1048576 + 5;

	for (int m = 0; m < 4; m++)
	{
		reco_measured status = RECO_HALTED;
		long stop = 0;

		while (status == RECO_HALTED)
		{
			mimic_env e;
			reco_vectors v = {type, n, a, a, &e.env};
			double got;

			mimic_env_init(&e);
			e.stop_at = ++stop;
			status = measures[m](&v, &got);
		}
		assert_true(stop > pieces);
		assert_true(status == RECO_MEASURED || status == RECO_TOO_LARGE);
	}
}

static void
test_halts(void **state)
{
	int64_t n = 3 * 1048576 + 5;
	double *a = malloc((size_t) n * sizeof(double));
	float *f = malloc((size_t) n * sizeof(float));
	int32_t *i32 = malloc((size_t) n * sizeof(int32_t));

	(void) state;
	for (int64_t i = 0; i < n; i++)
		a[i] = f[i] = (float) (i32[i] = (int32_t) (i % 7));
	check_halts(RECO_DOUBLE, a, 1);
	check_halts(RECO_FLOAT, f, 3);
	check_halts(RECO_INT32, i32, 1);
	for (int64_t i = 0; i < n; i++)
		a[i] *= 1e200;
	check_halts(RECO_DOUBLE, a, 1);
	free(a);
	free(f);
	free(i32);
}

/* The loops themselves, on every length that ends otherwise. */
static void
test_kernels(void **state)
{
	uint64_t seed = 6;

	(void) state;
	for (int l = 0; l < LEVELS; l++)
	{
		const reco_kernels *k = reco_kernels_named(levels[l]);

		for (int trial = 0; k && trial < 1200; trial++)
		{
			int n = trial < 1100    ? trial % 110
					: trial == 1199 ? 512
									: (int) mimic_below(&seed, 513);
			void *memory[2];
			double *a = mimic_vector(n, &memory[0]);
			double *b = mimic_vector(n, &memory[1]);
			float *fa = malloc((size_t) n * sizeof(float));
			float *fb = malloc((size_t) n * sizeof(float));
			double shift[2] = {mimic_element(UNIFORM, &seed),
							   trial % 5 ? mimic_element(UNIFORM, &seed) : 0};
			double sum[5];
			wide xy = 0, xx = 0, yy = 0, x1 = 0, y1 = 0, dd = 0;
			wide abs_x = 0, abs_y = 0;
			wide fxy = 0, fxx = 0, fyy = 0, abs_fxy = 0;

			for (int i = 0; i < n; i++)
			{
				set(a, i, fa[i] = (float) mimic_element(trial % 2 ? UNIFORM : SKEWED, &seed));
				set(b, i, fb[i] = (float) mimic_element(UNIFORM, &seed));
				fxy += (wide) fa[i] * fb[i];
				abs_fxy += wide_abs((wide) fa[i] * fb[i]);
				fxx += (wide) fa[i] * fa[i];
				fyy += (wide) fb[i] * fb[i];
				if (trial % 3)
				{
					set(a, i, mimic_element(SKEWED, &seed));
					/* what goes up comes down */
					set(b, i, i % 2 && trial % 2 ? -get(b, i - 1) : mimic_element(UNIFORM, &seed));
					if (i % 2 && trial % 2)
						set(a, i, get(a, i - 1) * (1 + 1e-10));
				}
			}
			for (int i = 0; i < n; i++)
			{
				wide x = (wide) get(a, i) - shift[0];
				wide y = (wide) get(b, i) - shift[1];

				xy += x * y;
				xx += x * x;
				yy += y * y;
				x1 += x;
				y1 += y;
				abs_x += wide_abs(x);
				abs_y += wide_abs(y);
				dd += ((wide) get(a, i) - get(b, i)) * ((wide) get(a, i) - get(b, i));
			}
			k->products_float(fa, fb, n, sum);
			assert_true(wide_abs(sum[0] - fxy) <= 3e-14 * abs_fxy);
			assert_true(wide_abs(sum[1] - fxx) <= 3e-14 * fxx);
			assert_true(wide_abs(sum[2] - fyy) <= 3e-14 * fyy);
			k->moments(a, b, n, shift, sum);
			assert_true(wide_abs(sum[0] - xy) <= 6e-14 * (wide_sqrt(xx) * wide_sqrt(yy)));
			assert_true(wide_abs(sum[1] - xx) <= 6e-14 * xx);
			assert_true(wide_abs(sum[2] - yy) <= 6e-14 * yy);
			assert_true(wide_abs(sum[3] - x1) <= 6e-14 * abs_x);
			assert_true(wide_abs(sum[4] - y1) <= 6e-14 * abs_y);
			assert_true(wide_abs(k->distance(a, b, n) - dd) <= 6e-14 * dd);
			free(memory[0]);
			free(memory[1]);
			free(fa);
			free(fb);
		}
	}
}

/* vector.c chooses a level once in a process, so each level gets one. */
static int
run(bool all)
{
	const struct CMUnitTest by_level[] = {
		cmocka_unit_test(test_doubles),    cmocka_unit_test(test_parallel),
		cmocka_unit_test(test_scale),      cmocka_unit_test(test_types),
		cmocka_unit_test(test_not_finite),
	};
	const struct CMUnitTest once[] = {
		cmocka_unit_test(test_halts),
		cmocka_unit_test(test_kernels),
	};
	int failed = cmocka_run_group_tests(by_level, NULL, NULL);

	return all ? failed + cmocka_run_group_tests(once, NULL, NULL) : failed;
}

int
main(void)
{
	int failed = 0;
	bool first = true;

	if (getenv("RECO_ISA"))
		return run(true);
	for (int l = 0; l < LEVELS; l++)
	{
		int status;
		pid_t child;

		if (reco_kernels_named(levels[l]) == NULL)
			continue;
		child = fork();
		if (child == 0)
		{
			setenv("RECO_ISA", levels[l], 1);
			print_message("level %s\n", levels[l]);
			exit(run(first));
		}
		first = false;
		if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
			failed = 1;
	}
	return failed;
}
