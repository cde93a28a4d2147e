/*
 * reliability.h
 *	  Whether what is said comes true: what came of the least that was said, of more, of the most.
 *
 * Pairs of what was said, a predicted value or a score, and what was seen, a value or whether the
 * item was found, are shared out among groups of about equal size by what was said.
 *
 * Cost: a sort.  Memory: none.
 */
#ifndef RECO_CORE_RANKING_RELIABILITY_H
#define RECO_CORE_RANKING_RELIABILITY_H

#include "core/base/env.h"

#define RECO_RELIABILITY_GROUPS 10
#define RECO_RELIABILITY_LEAST 20 /* pairs of a group */

typedef struct reco_reliability
{
	double said; /* means */
	double seen;
	int64_t pairs;
} reco_reliability;

/*
 * The groups of n pairs, rising by what was said, at most RECO_RELIABILITY_GROUPS of them, to out;
 * *groups of them, 0 where there are fewer pairs than one has.  Pairs of which the same was said
 * are in one group.  A pair that has a number that is not finite is none.  The order of the pairs
 * does not count, and is another one after it.  Errors: RECO_STOPPED.
 */
extern reco_status reco_reliability_of(const reco_env *env, float *said, float *seen, int64_t n,
									   reco_reliability *out, int *groups);

#endif /* RECO_CORE_RANKING_RELIABILITY_H */
