/*
 * sums.h
 *	  Sums of products of doubles of any size, and the similarities that are made of
 *	  them pair by pair.
 *
 * A sum keeps what it has lost in rounding, so it is what twice the precision would give
 * and neither the order of the terms nor the plan of a query shows in it; each product
 * is rounded once: the error is at most eps sum |x y|, eps = 2^-53.  It has an exponent of
 * its own, so products neither overflow nor vanish.  Zeroed memory is the sum of nothing.
 *
 * These functions add step by step: files that use the inline ones are compiled
 * without fused multiply-adds.
 */
#ifndef RECO_CORE_SIMILARITY_SUMS_H
#define RECO_CORE_SIMILARITY_SUMS_H

#include <stdbool.h>
#include <stdint.h>

/* (sum + error) 2^exponent */
typedef struct reco_sum
{
	double sum;
	double error;
	int32_t exponent; /* even */
} reco_sum;

/* a + b = s + error exactly (Knuth). */
static inline double
reco_two_sum(double a, double b, double *error)
{
	double s = a + b;
	double z = s - a;

	*error = (a - (s - z)) + (b - z);
	return s;
}

/* Adds a term to a sum of exponent 0. */
static inline void
reco_sum_add(reco_sum *s, double value)
{
	double e;

	s->sum = reco_two_sum(s->sum, value, &e);
	s->error += e;
}

/* s += (x y) w 2^e for finite x and y, 0 <= w < 2^64. */
extern void reco_sum_add_scaled(reco_sum *s, double x, double y, double w, int e);
/* s += x y; false: x or y is not finite, and nothing was added. */
extern bool reco_sum_add_product(reco_sum *s, double x, double y);
extern void reco_sum_combine(reco_sum *into, const reco_sum *from);
/* Infinite where it is too large for a double. */
extern double reco_sum_value(const reco_sum *s);
extern double reco_sum_root(const reco_sum *s);

/* The sums of a cosine. */
typedef struct reco_cosine_sums
{
	reco_sum xy;
	reco_sum xx;
	reco_sum yy;
} reco_cosine_sums;

/* False: x or y is not finite, and nothing was added. */
extern bool reco_pair_add(reco_cosine_sums *s, double x, double y);
extern void reco_pair_combine(reco_cosine_sums *into, const reco_cosine_sums *from);
/* False: not defined, for every x or every y is 0. */
extern bool reco_pair_cosine(const reco_cosine_sums *s, double *result);

/* The same about the means. */
typedef struct reco_pearson_sums
{
	int64_t n;
	double first_x; /* the first pair, from which all differences are taken */
	double first_y;
	double mean_x; /* of the differences, divided by 2^ex */
	double mean_y;
	int32_t ex; /* 0 unless values are very large or differences very small */
	int32_t ey;
	reco_cosine_sums about;
} reco_pearson_sums;

extern bool reco_pearson_add(reco_pearson_sums *s, double x, double y);
extern void reco_pearson_combine(reco_pearson_sums *into, const reco_pearson_sums *from);
/* False: not defined, for every x or every y is the same. */
extern bool reco_pearson_value(const reco_pearson_sums *s, double *result);

#endif /* RECO_CORE_SIMILARITY_SUMS_H */
