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

/*
 * The same of one row that is not in the matrix: row's columns are places in the s->column_...
 * that it needs; s has mean_length and largest of the matrix of `rows` rows, and room for a row.
 */
extern reco_status reco_pair_weigh_one(const reco_env *env, const reco_neighbors_params *params,
									   const reco_csr *row, int32_t rows, reco_pair_sums *s,
									   double *weight, double *norm);

/* Whether entries have weights other than 1. */
extern bool reco_pair_weighted(const reco_neighbors_params *params, const reco_csr *a);

/* All of the formula but the rows' parts; f->xlogx: NULL, or room for it, which is filled. */
extern reco_status reco_pair_formula_init(const reco_env *env, const reco_neighbors_params *params,
										  double largest, int32_t columns, reco_pair_formula *f);

/* What a row gives to the formula. */
typedef struct reco_pair_part
{
	double x;
	double y;
	double u;
	double w;
} reco_pair_part;

/* n: entries that count; share: sum of |x|, in parts of the largest of the matrix. */
extern reco_pair_part reco_pair_part_of(const reco_neighbors_params *params,
										const reco_pair_formula *f, double n, double norm,
										double share);

/* The first ranks of each column as strings of bits, where that pays; see pairs.h. */
extern reco_status reco_pair_bits(const reco_env *env, const reco_pair_sums *s, reco_pairs *p);

#endif /* RECO_CORE_NEIGHBORS_PAIRS_BUILD_H */
