/*
 * metrics.h
 *	  How good a ranked list is.
 */
#ifndef RECO_CORE_METRICS_H
#define RECO_CORE_METRICS_H

#include "core/data/topn.h"

typedef struct reco_rank_metrics
{
	double precision; /* hits / k, also when the list is shorter */
	double recall;    /* hits / relevant */
	double ndcg;      /* binary gain, log2 discount, ideal over min(k, relevant) */
	double hit;       /* 1 if there is any hit */
} reco_rank_metrics;

/*
 * Judges the first k of a list of n items against `relevant` wanted items in
 * rising order (at least one).
 */
extern reco_rank_metrics reco_rank_judge(const reco_ranked *list, int32_t n, int32_t k,
										 const int32_t *wanted, int64_t relevant);

/*
 * Takes `held` of the n columns of a row out for testing: those with the
 * smallest hashes of (seed, row, column), so that the choice depends on nothing
 * else.  out[e] becomes true for them.  scratch: n numbers.  RECO_OK or RECO_STOPPED.
 * Cost: a few passes over the columns.
 */
extern reco_status reco_hold_out(const reco_env *env, uint64_t seed, int32_t row,
								 const int32_t *col, int64_t n, int64_t held, uint64_t *scratch,
								 bool *out);

#endif /* RECO_CORE_METRICS_H */
