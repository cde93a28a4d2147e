/*
 * vector.h
 *	  Similarity of two vectors, and sums of vectors.
 */
#ifndef RECO_CORE_SIMILARITY_VECTOR_H
#define RECO_CORE_SIMILARITY_VECTOR_H

#include "core/base/env.h"
#include "core/isa/isa.h"

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
 * Exchanging a and b changes no bit.
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

#endif /* RECO_CORE_SIMILARITY_VECTOR_H */
