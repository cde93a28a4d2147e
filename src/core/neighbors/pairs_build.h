/*
 * pairs_build.h
 *	  What the files that build a reco_pairs share.  For pairs*.c only.
 */
#ifndef RECO_CORE_NEIGHBORS_PAIRS_BUILD_H
#define RECO_CORE_NEIGHBORS_PAIRS_BUILD_H

#include "core/neighbors/pairs.h"

#include <math.h>
#include <stdatomic.h>

/* Logarithms and powers between two polls: about 2 ms. */
#define ROWS_PER_POLL 65536

/* Rows of the matrix, or columns, that a thread takes at a time. */
#define ROWS_PER_PIECE 4
#define COLUMNS_PER_PIECE 256

/* Whole weights up to this are counted by their binary digits, four at most. */
#define MAX_DIGIT_WEIGHT 15

/* Statistics of rows and columns, over the entries that count. */
typedef struct reco_pair_sums
{
	double *row_sum;    /* of |x|, by original row */
	double *row_mean;   /* NaN where all are equal */
	double *column_sum; /* of |x|; for adjusted cosine the mean; NULL: not needed */
	int32_t *row_count;
	int32_t *column_count; /* NULL: not needed */
	double mean_length;
	_Atomic double largest;  /* |x| */
	_Atomic int32_t longest; /* row_count */
	atomic_bool whole;       /* every x is an integer from 0 to MAX_DIGIT_WEIGHT */
} reco_pair_sums;

/* A 0 is no member of a set, and only what is above 0 can be walked along. */
static inline bool
counts(const reco_neighbors_params *params, float x)
{
	if (params->measure == RECO_WALK)
		return x > 0;
	return x != 0 || !reco_measure_of_sets(params->measure);
}

static inline float
value_of(const reco_csr *a, int64_t e)
{
	return a->value ? a->value[e] : 1;
}

static inline bool
centered(const reco_neighbors_params *params)
{
	return params->measure == RECO_PEARSON || params->measure == RECO_ADJUSTED_COSINE;
}

/* Allocates through env; reco_pair_sums_free also after a failure. */
extern reco_status reco_pair_sums_compute(const reco_env *env, const reco_neighbors_params *params,
										  const reco_csr *a, reco_pair_sums *s);
extern void reco_pair_sums_free(const reco_env *env, reco_pair_sums *s);

/*
 * The weight of each entry of a (weight NULL: the values are the weights), and the
 * Euclidean norm of each row's.
 */
extern reco_status reco_pair_weights(const reco_env *env, const reco_neighbors_params *params,
									 const reco_csr *a, const reco_pair_sums *s, double *weight,
									 double *norm);

/* The first ranks of each column as strings of bits, where that pays; see pairs.h. */
extern reco_status reco_pair_bits(const reco_env *env, const reco_pair_sums *s, reco_pairs *p);

#endif /* RECO_CORE_NEIGHBORS_PAIRS_BUILD_H */
