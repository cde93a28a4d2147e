/*
 * neighbors.h
 *	  The k nearest neighbors of every row of a sparse matrix.
 *
 * Rows are the entities that are compared (items, or users), columns what they
 * are described by.  A pair's similarity depends on its dot product over the
 * common columns and on a few statistics of either row:
 *
 *	 s(a | b) = scale dot / (x_a y_b + u_a + w_b - v dot + shrinkage)
 *
 * is the form of all but one of the measures below: s(a | b) is the weight that
 * b, being in a history, gives to a.  In the symmetric ones s(a | b) = s(b | a).
 * c counts common columns, n_a those of a, N all columns, |a| is the Euclidean
 * norm; "dot" of the set measures is c.
 *
 *	 cosine			dot / (|a| |b| + h)
 *	 asymmetric		dot / (|a|^2e |b|^2(1-e) + h)
 *	 jaccard		c / (n_a + n_b - c + h)
 *	 dice			2 c / (n_a + n_b + h)
 *	 tversky		c / (c + alpha (n_a - c) + beta (n_b - c) + h)
 *	 conditional	c / (n_b + h), the share of b's columns that a has
 *	 lift			c N / (n_a n_b + h)
 *	 llr			Dunning's log-likelihood ratio of the 2 x 2 table of a and b, where they
 *					meet more often than by chance, c N > n_a n_b; else 0
 *	 walk			two steps of a random walk from a to b, over n_b^beta (RP3beta):
 *					sum over columns (x_a / |a|_1)^alpha (x_b / |column|_1)^alpha / n_b^beta
 *
 * Only pairs with a similarity above 0 and at least min_support common columns
 * are neighbors.  Ties go by row number.
 *
 * Sources: Sarwar et al. 2001 (item-based), Aiolli 2013 (asymmetric cosine),
 * Dunning 1993 (LLR), Christoffel et al. 2015 and Paudel et al. 2017 (RP3beta),
 * Dacrema et al. 2021 for shrinkage and weighting as they are used together.
 */
#ifndef RECO_CORE_NEIGHBORS_H
#define RECO_CORE_NEIGHBORS_H

#include "core/data/csr.h"

typedef enum reco_measure
{
	RECO_COSINE,
	RECO_ADJUSTED_COSINE, /* cosine of values less the column's mean */
	RECO_PEARSON,         /* cosine of values less the row's mean */
	RECO_ASYMMETRIC,
	RECO_JACCARD,
	RECO_DICE,
	RECO_TVERSKY,
	RECO_LLR,
	RECO_CONDITIONAL,
	RECO_LIFT,
	RECO_WALK
} reco_measure;

typedef enum reco_weighting
{
	RECO_WEIGHTING_NONE,
	RECO_WEIGHTING_TF_IDF, /* sqrt(x) ln(rows / (1 + n_column)), rows of norm 1 */
	RECO_WEIGHTING_BM25    /* x (k1 + 1) / (k1 (1 - b + b length / mean length) + x) idf */
} reco_weighting;

typedef struct reco_neighbors_params
{
	reco_measure measure;
	reco_weighting weighting;
	int neighbors; /* k >= 1 */
	double shrinkage;
	int min_support;
	double k1; /* of BM25 */
	double b;
	double exponent; /* e of the asymmetric cosine */
	double tversky_alpha;
	double tversky_beta;
	double walk_alpha; /* exponents of RP3beta */
	double walk_beta;
} reco_neighbors_params;

/*
 * Neighbors of row r: entries start[r] .. start[r + 1] - 1, the most similar
 * first.
 */
typedef struct reco_neighbors
{
	int32_t rows;
	int64_t *start;
	int32_t *row;
	double *similarity;
} reco_neighbors;

/* Whether s(a | b) = s(b | a). */
extern bool reco_measure_symmetric(const reco_neighbors_params *params);

/* Whether the measure compares sets: which columns, not which values. */
extern bool reco_measure_of_sets(reco_measure measure);

/*
 * Upper bound of what reco_neighbors_find allocates at once, result included.
 */
extern size_t reco_neighbors_memory(const reco_neighbors_params *params, int32_t rows,
									int32_t columns, int64_t entries, int threads);

/*
 * For each row a, the k rows b of the largest s(a | b); for conditional, whose
 * question is "who has a, has also", the k rows b of the largest s(b | a).
 * only: -1, or the one row whose neighbors are wanted.  The result has the same
 * bits for any number of threads; its arrays belong to the caller (nothing is
 * left allocated on failure).
 * Cost: half of the sum over columns of (entries in it)^2, plus rows^2 / 2 light
 * steps where the pairs are dense.
 * Errors: RECO_INVALID, RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_neighbors_find(const reco_env *env, const reco_neighbors_params *params,
									   const reco_csr *by_row, int32_t only, reco_neighbors *out);

extern void reco_neighbors_free(const reco_env *env, reco_neighbors *n);

/*
 * The lists reversed: out's list of b holds all a in whose list b
 * is, the most similar first.
 */
extern reco_status reco_neighbors_reverse(const reco_env *env, const reco_neighbors *n,
										  reco_neighbors *out);

/*
 * RP3beta's last steps: scales each list to a sum of 1 (when normalize), reverses
 * the lists and keeps the k largest of each.  n is freed.
 */
extern reco_status reco_neighbors_walk_end(const reco_env *env, reco_neighbors *n, bool normalize,
										   int k, reco_neighbors *out);

#endif /* RECO_CORE_NEIGHBORS_H */
