/*
 * sums.h
 *	  Sums of doubles in twice the precision of a double.
 *
 * A reco_sum is a value that has been summed and the sum of all the rounding
 * errors on the way, each of which is known exactly:
 *
 *	two_sum		a + b = s + e exactly, s = fl(a + b)	(Knuth)
 *	two_product	a * b = p + e exactly, p = fl(a * b)	(FMA, or Dekker and Veltkamp)
 *
 * sum + error is then what a sum in about 106 bits would give, rounded once: the
 * error is at most eps |S| + n^2 eps^2 sum |p|, eps = 2^-53.  So the order of
 * the terms, and with it the plan of a query, does not show in the result.
 *
 * Exactness wants products that do not underflow (at least 2^-969 in magnitude)
 * and factors below 2^996; callers scale before that.
 *
 * Cost: 7 operations a sum; 2 a product with FMA, 17 without.
 * Source: Ogita, Rump, Oishi, "Accurate sum and dot product", SIAM J. Sci.
 * Comput. 26 (2005), algorithms 3.1 to 3.3 and 4.4 (Sum2).
 */
#ifndef RECO_CORE_SUMS_H
#define RECO_CORE_SUMS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The value has been rounded: without this a compiler may fuse the product that
 * it comes from into a following addition, which two_sum does not survive.
 */
#if defined(__x86_64__) && defined(__AVX512F__)
#define RECO_ROUNDED(v) __asm__("" : "+v"(v))
#elif defined(__x86_64__)
#define RECO_ROUNDED(v) __asm__("" : "+x"(v))
#elif defined(__aarch64__)
#define RECO_ROUNDED(v) __asm__("" : "+w"(v))
#else
#define RECO_ROUNDED(v) __asm__("" : "+m"(v))
#endif

typedef struct reco_sum
{
	double sum;
	double error;
} reco_sum;

static inline double
reco_two_sum(double a, double b, double *error)
{
	double s = a + b;
	double z = s - a;

	*error = (a - (s - z)) + (b - z);
	return s;
}

static inline double
reco_two_product(double a, double b, double *error)
{
	double p = a * b;

	RECO_ROUNDED(p);
#ifdef __FP_FAST_FMA
	*error = __builtin_fma(a, b, -p);
#else
	/* halves of 26 bits, whose products are exact */
	double ca = 134217729.0 * a;
	double cb = 134217729.0 * b;
	double ah = ca - (ca - a);
	double bh = cb - (cb - b);
	double al = a - ah;
	double bl = b - bh;

	*error = ((ah * bh - p) + ah * bl + al * bh) + al * bl;
#endif
	return p;
}

static inline void
reco_sum_add(reco_sum *s, double value)
{
	double e;

	RECO_ROUNDED(value);
	s->sum = reco_two_sum(s->sum, value, &e);
	s->error += e;
}

static inline void
reco_sum_add_product(reco_sum *s, double a, double b)
{
	double p;
	double low;
	double e;

	p = reco_two_product(a, b, &low);
	s->sum = reco_two_sum(s->sum, p, &e);
	s->error += e + low;
}

static inline void
reco_sum_combine(reco_sum *into, reco_sum from)
{
	double e;

	into->sum = reco_two_sum(into->sum, from.sum, &e);
	into->error += e + from.error;
}

static inline double
reco_sum_value(reco_sum s)
{
	return s.sum + s.error;
}

#endif /* RECO_CORE_SUMS_H */
