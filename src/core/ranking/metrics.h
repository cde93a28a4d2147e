/*
 * metrics.h
 *	  How good a ranked list is.
 */
#ifndef RECO_CORE_RANKING_METRICS_H
#define RECO_CORE_RANKING_METRICS_H

#include "core/data/topn.h"

typedef struct reco_rank_metrics
{
	double precision; /* hits / k, also when the list is shorter */
	double recall;    /* hits / relevant */
	double ndcg;      /* binary gain, log2 discount, ideal over min(k, relevant) */
	double hit;       /* 1 if there is any hit */
} reco_rank_metrics;

/* What lists are judged by: lengths, in any order, and the discounts of their places. */
typedef struct reco_judge
{
	int cutoffs;
	const int32_t *cutoff; /* cutoffs, each at least 1; the giver's */
	int32_t largest;
	double *discount; /* largest: 1 / log2(rank + 2) */
	double *ideal;    /* largest + 1: the sums of the first discounts */
} reco_judge;

/* Errors: RECO_NO_MEMORY.  Takes 16 bytes a place. */
extern reco_status reco_judge_make(const reco_env *env, const int32_t *cutoff, int cutoffs,
								   reco_judge *judge);
extern void reco_judge_free(const reco_env *env, reco_judge *judge);

/*
 * Judges the first places of a list of n items, for each cutoff, against `relevant` wanted items
 * in rising order (at least one); to out, one a cutoff.  Any thread.
 */
extern void reco_judge_list(const reco_judge *judge, const reco_ranked *list, int32_t n,
							const int32_t *wanted, int64_t relevant, reco_rank_metrics *out);

/*
 * Takes `held` of the n columns of a row out for testing: those with the
 * smallest hashes of (seed, row, column), so that the choice depends on nothing
 * else.  out[e] becomes true for them.  scratch: n numbers.  RECO_OK or RECO_STOPPED.
 * Cost: a few passes over the columns.
 */
extern reco_status reco_hold_out(const reco_env *env, uint64_t seed, int32_t row,
								 const int32_t *col, int64_t n, int64_t held, uint64_t *scratch,
								 bool *out);

#endif /* RECO_CORE_RANKING_METRICS_H */
