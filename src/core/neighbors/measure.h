/*
 * measure.h
 *	  What neighbors are found by, and the lists of them; neighbors.h has the formulas.
 */
#ifndef RECO_CORE_NEIGHBORS_MEASURE_H
#define RECO_CORE_NEIGHBORS_MEASURE_H

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

/* Whether the parameters are within their ranges. */
extern bool reco_neighbors_params_valid(const reco_neighbors_params *params);

/* No similarity is above it, whatever rounding says. */
extern double reco_measure_top(const reco_neighbors_params *params);

extern void reco_neighbors_free(const reco_env *env, reco_neighbors *n);

#endif /* RECO_CORE_NEIGHBORS_MEASURE_H */
