/*
 * pairs.h
 *	  What reco_neighbors_find works on: the rows in order of falling length, each
 *	  entry with its weight, and the statistics of the similarity formula.
 */
#ifndef RECO_CORE_NEIGHBORS_PAIRS_H
#define RECO_CORE_NEIGHBORS_PAIRS_H

#include "core/isa/isa.h"
#include "core/neighbors/measure.h"

/* s(a | b) = scale dot / (x[a] y[b] + u[a] + w[b] - v dot + shrinkage) */
typedef struct reco_pair_formula
{
	double scale;
	double v;
	double shrinkage;
	uint32_t min_support; /* looked at when above 1 */
	double *x;
	double *y;
	double *u;
	double *w;
	/* LLR: x log x of 0 .. columns, else NULL; then u is a row's own part */
	double *xlogx;
	double llr_all;
	int32_t columns;
	bool symmetric;
} reco_pair_formula;

/*
 * Rows are renumbered by falling length (ties by number), so that the partners
 * of a row that come before it in a column are the longer ones: each pair is met
 * once, from its shorter row, and the sums of the long rows stay in the cache.
 */
typedef struct reco_pairs
{
	int32_t rows;
	int32_t columns;
	int64_t entries;
	int32_t *row_of; /* by rank */
	int32_t *length; /* by rank */
	/* by rank of row: column and place in it of each entry */
	int64_t *row_start;
	int32_t *column;
	int32_t *place;
	/* weights: one of the three, or none: all are 1 */
	uint8_t *row_integer;
	float *row_weight;
	double *row_centered;
	/* by column: ranks in rising order */
	int64_t *column_start;
	uint16_t *rank16; /* when rows fit, else rank32 */
	int32_t *rank32;
	/* the same weights along the columns */
	uint8_t *integer;
	float *weight;
	double *centered;
	/*
	 * Where nothing has a weight, or weights are small integers: the first `head` ranks
	 * of each column once more, as a string of bits for each binary digit of the weight,
	 * and strings of zeros after the last.  The digits of a block lie side by side, and
	 * the blocks of a column one after the other, as a row reads them.
	 */
	int32_t head;       /* a multiple of RECO_BIT_BLOCK */
	int digits;         /* 1 without weights */
	uint64_t *bits;     /* (columns + 1) x head / RECO_BIT_BLOCK x digits x RECO_BIT_WORDS */
	int32_t *head_size; /* how many of a column's ranks are below head */
	reco_pair_formula formula;
} reco_pairs;

/* Noise of the log-likelihood ratio, a difference of large sums. */
#define RECO_LLR_NOISE 1e-8

/* The log-likelihood ratio of rows of na and nb columns, `count` in common. */
static inline double
reco_pair_llr(const reco_pair_formula *f, double ua, double ub, int32_t na, int32_t nb,
			  int32_t count)
{
	double s;

	/* no more often than by chance: the statistic would tell how much they avoid each other */
	if ((int64_t) count * f->columns <= (int64_t) na * nb)
		return 0;
	/* in an order that gives (b, a) the same bits: ties go by number */
	s = f->llr_all + (ua + ub) + f->xlogx[count] + (f->xlogx[na - count] + f->xlogx[nb - count]) +
		f->xlogx[f->columns - na - nb + count];
	return 2 * s > RECO_LLR_NOISE ? 2 * s : 0;
}

/* s(a | b) of all other measures. */
static inline double
reco_pair_ratio(const reco_pair_formula *f, double xa, double ua, double yb, double wb, double dot)
{
	return f->scale * dot / (xa * yb + ua + wb + (f->shrinkage - f->v * dot));
}

/* Allocates through env; on failure nothing is left. */
extern reco_status reco_pairs_build(const reco_env *env, const reco_neighbors_params *params,
									const reco_csr *by_row, reco_pairs *out);
extern void reco_pairs_free(const reco_env *env, reco_pairs *pairs);

#endif /* RECO_CORE_NEIGHBORS_PAIRS_H */
