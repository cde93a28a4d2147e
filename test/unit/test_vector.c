/*
 * test_vector.c
 *	  Similarity of vectors and the sums behind similarity aggregates against
 *	  plain formulas in 113 bits, for vectors of every kind, at every instruction
 *	  set level that this machine has; states combined in any split.
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
#include "core/similarity/sums.h"
#include "core/similarity/vector.h"
#include "mimic_env.h"

static const char *const levels[] = {"base", "v3", "v4"};

#define LEVELS 3

/* Holds a product of two doubles exactly, and no square overflows it. */
typedef _Float128 wide;

static wide
wide_abs(wide x)
{
	return x < 0 ? -x : x;
}

static wide
wide_sqrt(wide x)
{
	wide s = sqrtl((long double) x);

	return x == 0 ? 0 : (s + x / s) / 2;
}

/* The kinds of vectors. */
typedef enum kind
{
	UNIFORM,
	SKEWED, /* a few large elements */
	MANY_SCALES,
	TINY,     /* about 1e-300 */
	DENORMAL, /* below 2^-1022 */
	HUGE_ONES,
	EDGE_OF_RANGE, /* up to DBL_MAX, of both signs */
	ZERO,
	CONSTANT,
	TINY_CONSTANT,
	MOSTLY_ZERO,
	FAR_MEAN,  /* 1e15 and differences of 1 */
	HUGE_MEAN, /* 1e300 and small differences */
	WHOLE,
	KINDS
} kind;

static double
element(kind of, uint64_t *seed)
{
	double u = 2 * mimic_uniform(seed) - 1;
	double v = mimic_uniform(seed);

	switch (of)
	{
		case UNIFORM:
			return u;
		case SKEWED:
			return u / (v + 1e-4) / (v + 1e-4);
		case MANY_SCALES:
			return ldexp(u, (int) mimic_below(seed, 2000) - 1000);
		case TINY:
			return u * 1e-300;
		case DENORMAL:
			return u * 0x1p-1030;
		case HUGE_ONES:
			return u * 1e300;
		case EDGE_OF_RANGE:
			return v < 0.2 ? DBL_MAX : v < 0.4 ? -DBL_MAX : u * DBL_MAX;
		case ZERO:
			return v < 0.5 ? 0.0 : -0.0;
		case CONSTANT:
			return 0.1;
		case TINY_CONSTANT:
			return 0.1 * 1e-300;
		case MOSTLY_ZERO:
			return v < 0.9 ? 0 : u;
		case FAR_MEAN:
			return 1e15 + (double) mimic_below(seed, 3);
		case HUGE_MEAN:
			return 1e300 * (1 + (double) mimic_below(seed, 5) * DBL_EPSILON);
		default:
			return (double) mimic_below(seed, 11) - 5;
	}
}

/* n doubles at an odd address, with nothing to read after the last. */
static double *
vector(int64_t n, void **memory)
{
	*memory = malloc((size_t) n * sizeof(double) + 4);
	return (double *) (void *) ((char *) *memory + 4);
}

/* Whether the nearest double is infinite: 1 yes, 0 no, -1 it is a matter of a rounding. */
static int
overflows(wide x)
{
	x = wide_abs(x) / (wide) 0x1p1023;
	return x > 2 - (wide) 0x1p-54 ? 1 : x > 2 - (wide) 0x1p-51 ? -1 : 0;
}

static double
get(const void *a, int64_t i)
{
	return ((const reco_any_double *) a)[i];
}

static void
set(void *a, int64_t i, double value)
{
	((reco_any_double *) a)[i] = value;
}

typedef struct truth
{
	wide xy, xx, yy; /* about 0 */
	wide abs_xy;
	wide dd;            /* of the difference */
	wide cxy, cxx, cyy; /* about the means */
	bool constant_x, constant_y;
} truth;

static truth
mimic(const void *a, const void *b, int64_t n)
{
	truth t = {.constant_x = true, .constant_y = true};
	wide mx = 0;
	wide my = 0;

	for (int64_t i = 0; i < n; i++)
	{
		mx += (wide) get(a, i) / n;
		my += (wide) get(b, i) / n;
		t.constant_x = t.constant_x && get(a, i) == get(a, 0);
		t.constant_y = t.constant_y && get(b, i) == get(b, 0);
	}
	for (int64_t i = 0; i < n; i++)
	{
		wide x = get(a, i);
		wide y = get(b, i);

		t.xy += x * y;
		t.abs_xy += wide_abs(x * y);
		t.xx += x * x;
		t.yy += y * y;
		t.dd += (x - y) * (x - y);
		t.cxy += (x - mx) * (y - my);
		t.cxx += (x - mx) * (x - mx);
		t.cyy += (y - my) * (y - my);
	}
	return t;
}

/* Of a sum of rounded products, rounded to a double or, below these, once more. */
static wide
product_error(const truth *t)
{
	return 0x1.01p-53 * (wide_abs(t->xy) + t->abs_xy) + (wide) 0x1p-1022 * 0x1.01p-53;
}

/*
 * The absolute errors that the sources promise: a few eps, for lanes of a block
 * are summed plainly (256 terms at most).
 */
#define COSINE_ERROR 2e-14

static double worst_cosine;
static double worst_pearson;

static void
check_cosine(reco_measured status, double got, wide xy, wide xx, wide yy, double error,
			 double *worst)
{
	wide wanted;
	double off;

	if (xx == 0 || yy == 0)
	{
		assert_int_equal(status, RECO_UNDEFINED);
		return;
	}
	assert_int_equal(status, RECO_MEASURED);
	assert_true(got >= -1 && got <= 1);
	wanted = xy / (wide_sqrt(xx) * wide_sqrt(yy));
	off = (double) wide_abs((wide) got - wanted);
	if (off > *worst)
		*worst = off;
	if (off > error)
		fail_msg("%.17g instead of %.17g", got, (double) wanted);
}

/* All measures of two vectors of doubles. */
static void
check_doubles(const void *a, const void *b, int64_t n)
{
	reco_vectors v = {RECO_DOUBLE, n, a, b, NULL};
	reco_vectors w = {RECO_DOUBLE, n, b, a, NULL};
	truth t = mimic(a, b, n);
	double got = 0;
	double again = 0;
	reco_measured status = reco_cosine(&v, &got);

	check_cosine(status, got, t.xy, t.xx, t.yy, COSINE_ERROR, &worst_cosine);
	assert_int_equal(reco_cosine(&w, &again), status);
	assert_memory_equal(&got, &again, sizeof(double));

	got = again = 0;
	status = reco_pearson(&v, &got);
	if (n == 0 || t.constant_x || t.constant_y)
		assert_int_equal(status, RECO_UNDEFINED);
	else
		check_cosine(status, got, t.cxy, t.cxx, t.cyy, COSINE_ERROR, &worst_pearson);
	assert_int_equal(reco_pearson(&w, &again), status);
	assert_memory_equal(&got, &again, sizeof(double));

	status = reco_dot_product(&v, &got);
	if (status == RECO_TOO_LARGE)
		assert_int_not_equal(overflows(t.xy), 0);
	else
	{
		assert_true(overflows(t.xy) != 1 || wide_abs(t.xy) < 0x1p-90 * t.abs_xy);
		assert_int_equal(status, RECO_MEASURED);
		assert_true(wide_abs(got - t.xy) <= product_error(&t) + COSINE_ERROR * wide_abs(t.xy));
	}
	assert_int_equal(reco_dot_product(&w, &again), status);
	if (status == RECO_MEASURED)
		assert_memory_equal(&got, &again, sizeof(double));

	status = reco_euclidean(&v, &got);
	if (status == RECO_TOO_LARGE)
		assert_int_not_equal(overflows(wide_sqrt(t.dd)), 0);
	else
	{
		assert_int_not_equal(overflows(wide_sqrt(t.dd)), 1);
		assert_int_equal(status, RECO_MEASURED);
		assert_true(wide_abs(got - wide_sqrt(t.dd)) <=
					COSINE_ERROR * wide_sqrt(t.dd) + (wide) 0x1.1p-1075);
	}
	assert_int_equal(reco_euclidean(&w, &again), status);
	if (status == RECO_MEASURED)
		assert_memory_equal(&got, &again, sizeof(double));
}

static const int64_t lengths[] = {0,  1,  2,  3,  4,   5,   7,   8,   9,
								  15, 16, 17, 31, 100, 511, 512, 513, 1500};

#define LENGTHS (int) (sizeof(lengths) / sizeof(lengths[0]))

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
				double *a = vector(lengths[l], &memory[0]);
				double *b = vector(lengths[l], &memory[1]);

				for (int64_t i = 0; i < lengths[l]; i++)
				{
					set(a, i, element(of_a, &seed));
					set(b, i, element(of_b, &seed));
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
				double *a = vector(n, &memory[0]);
				double *b = vector(n, &memory[1]);
				double factor = factors[f];
				reco_vectors v = {RECO_DOUBLE, n, a, b, NULL};
				double got;

				for (int64_t i = 0; i < n; i++)
				{
					set(a, i, element(of, &seed));
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
		double *a = vector(n, &memory[0]);
		double *b = vector(n, &memory[1]);
		double *c = vector(n, &memory[2]);
		reco_vectors v = {RECO_DOUBLE, n, a, b, NULL};
		reco_vectors w = {RECO_DOUBLE, n, c, b, NULL};
		double one = 0;
		double other = 0;

		for (int64_t i = 0; i < n; i++)
		{
			set(a, i, 1 + element(UNIFORM, &seed));
			set(b, i, element(trial % 2 ? UNIFORM : SKEWED, &seed));
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
					put(type, a, i, scales[how] * element(UNIFORM, &seed));
					put(type, b, i,
						how == 4 ? 7 * at(type, a, i) : scales[how] * element(UNIFORM, &seed));
					da[i] = at(type, a, i);
					db[i] = at(type, b, i);
				}
				t = mimic(da, db, n);
				status = reco_cosine(&v, &got);
				check_cosine(status, got, t.xy, t.xx, t.yy, COSINE_ERROR, &worst_cosine);
				status = reco_pearson(&v, &got);
				if (n == 0 || t.constant_x || t.constant_y)
					assert_int_equal(status, RECO_UNDEFINED);
				else
					check_cosine(status, got, t.cxy, t.cxx, t.cyy, COSINE_ERROR, &worst_pearson);
				assert_int_equal(reco_dot_product(&v, &got), RECO_MEASURED);
				assert_true(wide_abs(got - t.xy) <=
							product_error(&t) + COSINE_ERROR * wide_abs(t.xy));
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
					double x = element(of, &seed);

					put(type, a, i, type == RECO_FLOAT ? fmax(-1e30, fmin(1e30, x)) : x);
					x = element(of, &seed);
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

/* Every poll of long vectors can end a call. */
static void
test_halts(void **state)
{
	int64_t n = 3 * 1048576 + 5;
	double *a = malloc((size_t) n * sizeof(double));
	reco_measured (*const measures[])(const reco_vectors *, double *) = {
		reco_cosine, reco_dot_product, reco_euclidean, reco_pearson};

	(void) state;
	for (int scale = 0; scale < 2; scale++)
	{
		for (int64_t i = 0; i < n; i++)
			a[i] = scale ? (double) (i % 7) * 1e200 : (double) (i % 7);
		for (reco_element type = RECO_FLOAT; type <= RECO_INT64; type++)
			for (int m = 0; m < 4; m++)
				for (long stop = 1; type == RECO_DOUBLE || scale == 0; stop++)
				{
					mimic_env e;
					reco_vectors v = {type, n, a, a, &e.env};
					double got;
					reco_measured status;

					/* bits of doubles make some floats; which ones does not matter */
					if (type == RECO_FLOAT)
						v.type = RECO_INT32;
					mimic_env_init(&e);
					e.stop_at = stop;
					status = measures[m](&v, &got);
					if (status != RECO_HALTED)
					{
						assert_true(stop > 3);
						assert_true(status == RECO_MEASURED || status == RECO_TOO_LARGE);
						break;
					}
				}
	}
	free(a);
}

/* So can those of a long vector that is looked through or added to another. */
static void
test_sums_halt(void **state)
{
	int64_t n = 3 * 1048576 + 5;
	float *x = calloc((size_t) n, sizeof(float));
	double *sum = calloc(4 * (size_t) n, sizeof(double));

	(void) state;
	x[n - 1] = INFINITY;
	for (int stop = 0; stop <= 3; stop++)
	{
		mimic_env e;

		mimic_env_init(&e);
		e.stop_at = stop;
		assert_int_equal(reco_first_not_finite(&e.env, RECO_FLOAT, x, n), stop ? -1 : n - 1);
		assert_int_equal(e.polls, stop ? stop : 3);
		mimic_env_init(&e);
		e.stop_at = stop;
		assert_int_equal(reco_vector_add(&e.env, sum, sum + n, x, n), stop == 0);
		assert_int_equal(e.polls, stop ? stop : 3);
		mimic_env_init(&e);
		e.stop_at = stop;
		assert_int_equal(reco_vector_combine(&e.env, sum, sum + n, sum + 2 * n, sum + 3 * n, n),
						 stop == 0);
		assert_int_equal(e.polls, stop ? stop : 3);
	}
	free(x);
	free(sum);
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
			double *a = vector(n, &memory[0]);
			double *b = vector(n, &memory[1]);
			float *fa = malloc((size_t) n * sizeof(float));
			float *fb = malloc((size_t) n * sizeof(float));
			double shift[2] = {element(UNIFORM, &seed), trial % 5 ? element(UNIFORM, &seed) : 0};
			double sum[5];
			wide xy = 0, xx = 0, yy = 0, x1 = 0, y1 = 0, dd = 0;
			wide abs_xy = 0, abs_x = 0, abs_y = 0;
			wide fxy = 0, fxx = 0, fyy = 0, abs_fxy = 0;

			for (int i = 0; i < n; i++)
			{
				set(a, i, fa[i] = (float) element(trial % 2 ? UNIFORM : SKEWED, &seed));
				set(b, i, fb[i] = (float) element(UNIFORM, &seed));
				fxy += (wide) fa[i] * fb[i];
				abs_fxy += wide_abs((wide) fa[i] * fb[i]);
				fxx += (wide) fa[i] * fa[i];
				fyy += (wide) fb[i] * fb[i];
				if (trial % 3)
				{
					set(a, i, element(SKEWED, &seed));
					/* what goes up comes down */
					set(b, i, i % 2 && trial % 2 ? -get(b, i - 1) : element(UNIFORM, &seed));
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
				abs_xy += wide_abs(x * y);
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

/* ---- sums of pairs that come one by one ---- */

#define PARTS 9

static void
shuffled(const void *a, const void *b, void *to_a, void *to_b, int32_t n, uint64_t *seed)
{
	int32_t *order = malloc(((size_t) n + 1) * sizeof(int32_t));

	mimic_shuffle(seed, order, n);
	for (int32_t i = 0; i < n; i++)
	{
		set(to_a, i, get(a, order[i]));
		set(to_b, i, get(b, order[i]));
	}
	free(order);
}

/* Adds pairs to a random one of some states, and combines these in random order. */
#define SPLIT(type, add, combine, result)                                                          \
	do                                                                                             \
	{                                                                                              \
		type part[PARTS];                                                                          \
		int parts = 1 + (int) mimic_below(seed, PARTS);                                            \
                                                                                                   \
		memset(part, 0, sizeof(part));                                                             \
		for (int64_t i = 0; i < n; i++)                                                            \
			assert_true(add(&part[mimic_below(seed, parts)], get(a, i), get(b, i)));               \
		for (; parts > 1; parts--)                                                                 \
		{                                                                                          \
			int64_t into = mimic_below(seed, parts - 1);                                           \
                                                                                                   \
			combine(&part[into], &part[parts - 1]);                                                \
		}                                                                                          \
		(result) = part[0];                                                                        \
	} while (0)

static double worst_states[3];
static double worst_gap[3];
static long bits_differ[3];
static long bits_compared[3];

static void
note(int which, double serial, double split, double tolerance)
{
	bits_compared[which]++;
	bits_differ[which] += serial != split;
	if (which < 2)
		worst_gap[which] = fmax(worst_gap[which], fabs(serial - split));
	if (fabs(serial - split) > tolerance)
		fail_msg("%d: %.17g serially, %.17g in parts", which, serial, split);
}

static void
check_states(const void *a, const void *b, int64_t n, uint64_t *seed, int turns)
{
	truth t = mimic(a, b, n);
	reco_pair_sums pairs = {0};
	reco_pearson_sums pearson = {0};
	reco_sum dots = {0};
	double cosine = 0;
	double correlation = 0;
	double dot;
	bool has_cosine;
	bool has_correlation;

	for (int64_t i = 0; i < n; i++)
	{
		assert_true(reco_pair_add(&pairs, get(a, i), get(b, i)));
		assert_true(reco_pearson_add(&pearson, get(a, i), get(b, i)));
		assert_true(reco_sum_add_product(&dots, get(a, i), get(b, i)));
	}
	has_cosine = reco_pair_cosine(&pairs, &cosine);
	check_cosine(has_cosine ? RECO_MEASURED : RECO_UNDEFINED, cosine, t.xy, t.xx, t.yy, 5e-16,
				 &worst_states[0]);
	has_correlation = reco_pearson_value(&pearson, &correlation);
	if (n == 0 || t.constant_x || t.constant_y)
		assert_false(has_correlation);
	else
		check_cosine(has_correlation ? RECO_MEASURED : RECO_UNDEFINED, correlation, t.cxy, t.cxx,
					 t.cyy, 2e-15, &worst_states[1]);
	dot = reco_sum_value(&dots);
	assert_true(overflows(t.xy) != !isinf(dot) || wide_abs(t.xy) < 0x1p-90 * t.abs_xy);
	if (isfinite(dot))
		assert_true(wide_abs(dot - t.xy) <= product_error(&t));

	for (int trial = 0; trial < turns; trial++)
	{
		reco_pair_sums pairs2;
		reco_pearson_sums pearson2;
		reco_sum dots2;
		double got = 0;

		SPLIT(reco_pair_sums, reco_pair_add, reco_pair_combine, pairs2);
		assert_int_equal(reco_pair_cosine(&pairs2, &got), has_cosine);
		if (has_cosine)
			note(0, cosine, got, 2e-16 + 2e-16 * fabs(cosine));
		SPLIT(reco_pearson_sums, reco_pearson_add, reco_pearson_combine, pearson2);
		assert_int_equal(pearson2.n, n);
		assert_int_equal(reco_pearson_value(&pearson2, &got), has_correlation);
		if (has_correlation)
			note(1, correlation, got, 2e-15);
		SPLIT(reco_sum, reco_sum_add_product, reco_sum_combine, dots2);
		got = reco_sum_value(&dots2);
		if (isfinite(dot))
			note(2, dot, got, (double) (0x1p-52 * wide_abs(t.xy) + 0x1p-89 * t.abs_xy) + 0x1p-1074);
		else
			assert_false(isfinite(got));
	}
}

static void
test_states(void **state)
{
	uint64_t seed = 7;

	(void) state;
	for (kind of_a = 0; of_a < KINDS; of_a++)
		for (kind of_b = 0; of_b < KINDS; of_b++)
			for (int l = 0; l < LENGTHS; l++)
			{
				int64_t n = lengths[l];
				void *memory[4];
				double *v[4];

				for (int i = 0; i < 4; i++)
					v[i] = vector(n, &memory[i]);
				for (int64_t i = 0; i < n; i++)
				{
					set(v[0], i, element(of_a, &seed));
					set(v[1], i, of_a == of_b && l % 2 ? get(v[0], i) : element(of_b, &seed));
				}
				check_states(v[0], v[1], n, &seed, n < 600 ? 4 : 1);
				/* values of one kind come after all those of another */
				for (int64_t i = n / 2; i < n; i++)
				{
					set(v[0], i, element(of_b, &seed));
					set(v[1], i, element((kind) (((int) of_a + i) % KINDS), &seed));
				}
				check_states(v[0], v[1], n, &seed, n < 600 ? 4 : 1);
				shuffled(v[0], v[1], v[2], v[3], (int32_t) n, &seed);
				check_states(v[2], v[3], n, &seed, 1);
				for (int i = 0; i < 4; i++)
					free(memory[i]);
			}
	print_message("worst of states: cosine %.2g, Pearson %.2g\n", worst_states[0], worst_states[1]);
	print_message("split, farthest off: cosine %.2g, Pearson %.2g\n", worst_gap[0], worst_gap[1]);
	print_message("split, other bits: cosine %ld of %ld, Pearson %ld of %ld, product %ld of %ld\n",
				  bits_differ[0], bits_compared[0], bits_differ[1], bits_compared[1],
				  bits_differ[2], bits_compared[2]);
}

/* What is not finite changes nothing. */
static void
test_states_not_finite(void **state)
{
	static const double bad[] = {INFINITY, -INFINITY, NAN};
	uint64_t seed = 8;

	(void) state;
	for (kind of = 0; of < KINDS; of++)
		for (int before = 0; before < 4; before++)
			for (int i = 0; i < 6; i++)
			{
				reco_pair_sums pairs = {0}, pairs_was;
				reco_pearson_sums pearson = {0}, pearson_was;
				reco_sum dots = {0}, dots_was;
				double x = i % 2 ? bad[i / 2] : element(of, &seed);
				double y = i % 2 && before < 2 ? element(of, &seed) : bad[i / 2];

				for (int b = 0; b < before; b++)
				{
					double p = element(of, &seed);
					double q = element(of, &seed);

					assert_true(reco_pair_add(&pairs, p, q));
					assert_true(reco_pearson_add(&pearson, p, q));
					assert_true(reco_sum_add_product(&dots, p, q));
				}
				memcpy(&pairs_was, &pairs, sizeof(pairs));
				memcpy(&pearson_was, &pearson, sizeof(pearson));
				memcpy(&dots_was, &dots, sizeof(dots));
				assert_false(reco_pair_add(&pairs, x, y));
				assert_false(reco_pearson_add(&pearson, x, y));
				assert_false(reco_sum_add_product(&dots, x, y));
				assert_memory_equal(&pairs, &pairs_was, sizeof(pairs));
				assert_memory_equal(&pearson, &pearson_was, sizeof(pearson));
				assert_memory_equal(&dots, &dots_was, sizeof(dots));
			}
}

/*
 * States full of any finite numbers, as damaged bytes might make them: no
 * undefined behaviour, and a result, if there is one, in its range.
 */
static double
any_finite(uint64_t *seed)
{
	for (;;)
	{
		uint64_t bits = mimic_bits(seed);
		double x;

		memcpy(&x, &bits, sizeof(x));
		if (mimic_uniform(seed) < 0.2)
			x = 0;
		if (isfinite(x))
			return x;
	}
}

static reco_sum
any_sum(uint64_t *seed)
{
	double sum = any_finite(seed);

	return (reco_sum){sum, any_finite(seed), 2 * (int32_t) mimic_below(seed, 2201) - 2200};
}

static void
test_states_damaged(void **state)
{
	uint64_t seed = 9;

	(void) state;
	for (int trial = 0; trial < 20000; trial++)
	{
		reco_pearson_sums p[2];
		reco_sum d[2];
		double got = 0;

		for (int i = 0; i < 2; i++)
		{
			p[i] = (reco_pearson_sums){
				.n = mimic_uniform(&seed) < 0.3 ? mimic_below(&seed, 5)
												: (int64_t) (mimic_bits(&seed) >> 2),
				.first_x = any_finite(&seed),
				.first_y = any_finite(&seed),
				.mean_x = any_finite(&seed),
				.mean_y = any_finite(&seed),
				.ex = (int32_t) mimic_below(&seed, 133) - 128,
				.ey = (int32_t) mimic_below(&seed, 133) - 128,
				.about = {any_sum(&seed), any_sum(&seed), any_sum(&seed)},
			};
			d[i] = any_sum(&seed);
		}
		if (reco_pair_cosine(&p[0].about, &got))
			assert_true(isnan(got) || fabs(got) <= 1);
		if (reco_pearson_value(&p[0], &got))
			assert_true(isnan(got) || fabs(got) <= 1);
		reco_pearson_add(&p[1], any_finite(&seed), any_finite(&seed));
		reco_pearson_combine(&p[0], &p[1]);
		reco_pair_add(&p[0].about, any_finite(&seed), any_finite(&seed));
		reco_pair_combine(&p[0].about, &p[1].about);
		if (reco_pearson_value(&p[0], &got))
			assert_true(isnan(got) || fabs(got) <= 1);
		reco_sum_add_product(&d[0], any_finite(&seed), any_finite(&seed));
		reco_sum_combine(&d[0], &d[1]);
		(void) reco_sum_value(&d[0]);
	}
}

static void
test_vector_sums(void **state)
{
	uint64_t seed = 10;

	(void) state;
	for (int trial = 0; trial < 300; trial++)
	{
		int64_t n = mimic_below(&seed, 40);
		int rows = (int) mimic_below(&seed, 200);
		size_t room = (size_t) n + 1;
		float *x = malloc((size_t) n * sizeof(float) + 1);
		double *part = calloc(2 * PARTS * room, sizeof(double));
		wide *sum = calloc(room, sizeof(wide));
		wide *size = calloc(room, sizeof(wide));
		/* at an odd address */
		reco_any_float *odd = (reco_any_float *) (void *) ((char *) x + 1);

		for (int r = 0; r < rows; r++)
		{
			size_t p = (size_t) mimic_below(&seed, PARTS);

			for (int64_t i = 0; i < n; i++)
			{
				odd[i] = trial % 3 == 0   ? (float) element(SKEWED, &seed)
						 : trial % 3 == 1 ? (float) (3e38 * element(UNIFORM, &seed))
										  : (float) ldexp(element(UNIFORM, &seed),
														  (int) mimic_below(&seed, 240) - 140);
				sum[i] += odd[i];
				size[i] += wide_abs(odd[i]);
			}
			reco_vector_add(NULL, part + 2 * p * room, part + (2 * p + 1) * room, odd, n);
		}
		for (size_t p = PARTS - 1; p > 0; p--)
		{
			size_t into = (size_t) mimic_below(&seed, (int64_t) p);

			reco_vector_combine(NULL, part + 2 * into * room, part + (2 * into + 1) * room,
								part + 2 * p * room, part + (2 * p + 1) * room, n);
		}
		for (int64_t i = 0; i < n; i++)
			assert_true(wide_abs((wide) part[i] + part[room + (size_t) i] - sum[i]) <=
						0x1p-92 * size[i]);
		free(x);
		free(part);
		free(sum);
		free(size);
	}
}
static int
run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doubles),        cmocka_unit_test(test_parallel),
		cmocka_unit_test(test_sums_halt),      cmocka_unit_test(test_scale),
		cmocka_unit_test(test_types),          cmocka_unit_test(test_not_finite),
		cmocka_unit_test(test_halts),          cmocka_unit_test(test_kernels),
		cmocka_unit_test(test_states),         cmocka_unit_test(test_states_not_finite),
		cmocka_unit_test(test_states_damaged), cmocka_unit_test(test_vector_sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* vector.c chooses a level once in a process, so each level gets one. */
int
main(void)
{
	int failed = 0;

	if (getenv("RECO_ISA"))
		return run();
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
			exit(run());
		}
		if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
			failed = 1;
	}
	return failed;
}
