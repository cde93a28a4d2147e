/*
 * vector.h
 *	  Similarity of two vectors, and the sums behind similarity aggregates.
 */
#ifndef RECO_CORE_VECTOR_H
#define RECO_CORE_VECTOR_H

#include "core/base/env.h"
#include "core/isa/isa.h"
#include "core/isa/sums.h"

typedef enum reco_element
{
	RECO_FLOAT,
	RECO_DOUBLE,
	RECO_INT16,
	RECO_INT32,
	RECO_INT64
} reco_element;

typedef enum reco_measured
{
	RECO_MEASURED,
	RECO_UNDEFINED,  /* a zero vector, for Pearson a constant one */
	RECO_NOT_FINITE, /* an element is NaN or infinite */
	RECO_TOO_LARGE,  /* the result is beyond the range of a double */
	RECO_HALTED      /* poll asked for an end */
} reco_measured;

/* Two vectors of n elements of one type, at any addresses. */
typedef struct reco_vectors
{
	reco_element type;
	int64_t n;
	const void *a;
	const void *b;
	const reco_env *env; /* for poll; or NULL */
} reco_vectors;

/*
 * a.b / (|a| |b|) in [-1, 1]; a.b; |a - b|; the cosine of a and b less their
 * means.  Any finite elements do: squares neither overflow nor vanish.
 * Exchanging a and b changes no bit, nor does multiplying one by a power of two.
 */
extern reco_measured reco_cosine(const reco_vectors *v, double *result);
extern reco_measured reco_dot_product(const reco_vectors *v, double *result);
extern reco_measured reco_euclidean(const reco_vectors *v, double *result);
extern reco_measured reco_pearson(const reco_vectors *v, double *result);

/* The first element that is NaN or infinite; -1: none is, or poll asked for an end. */
extern int64_t reco_first_not_finite(const reco_env *env, reco_element type, const void *a,
									 int64_t n);

/* sum[i] + error[i] += x[i]; false: poll asked for an end. */
extern bool reco_vector_add(const reco_env *env, double *sum, double *error,
							const reco_any_float *x, int64_t n);
extern bool reco_vector_combine(const reco_env *env, double *sum, double *error, const double *sum2,
								const double *error2, int64_t n);

/*
 * The sums of a cosine over pairs that come one by one: of x y, x^2 and y^2,
 * with x divided by 2^ex and y by 2^ey.  Zeroed memory is the sum of no pairs.
 */
typedef struct reco_pair_sums
{
	reco_sum xy;
	reco_sum xx;
	reco_sum yy;
	int32_t ex;
	int32_t ey;
} reco_pair_sums;

/* False: x or y is not finite, and nothing was added. */
extern bool reco_pair_add(reco_pair_sums *s, double x, double y);
extern void reco_pair_combine(reco_pair_sums *into, const reco_pair_sums *from);
/* False: not defined, for every x or every y is 0. */
extern bool reco_pair_cosine(const reco_pair_sums *s, double *result);

/* The same with means: all is about the first pair, (first_x, first_y). */
typedef struct reco_pearson_sums
{
	int64_t n;
	double first_x;
	double first_y;
	reco_sum x; /* divided by 2^ex and 2^ey like the others */
	reco_sum y;
	reco_pair_sums about;
} reco_pearson_sums;

extern bool reco_pearson_add(reco_pearson_sums *s, double x, double y);
extern void reco_pearson_combine(reco_pearson_sums *into, const reco_pearson_sums *from);
extern bool reco_pearson_value(const reco_pearson_sums *s, double *result);

/*
 * Sum of products alone, which, other than a cosine, has a scale: products far
 * from 1 are summed apart, divided by 2^1200 or multiplied by it.
 */
typedef struct reco_dot_sums
{
	reco_sum middle;
	reco_sum large;
	reco_sum small;
} reco_dot_sums;

extern bool reco_dot_add(reco_dot_sums *s, double x, double y);
extern void reco_dot_combine(reco_dot_sums *into, const reco_dot_sums *from);
/* May be infinite: too large for a double. */
extern double reco_dot_value(const reco_dot_sums *s);

#endif /* RECO_CORE_VECTOR_H */
