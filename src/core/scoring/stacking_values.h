/*
 * stacking_values.h
 *	  Weights of predictions, by sums over what was hidden: the least squares of stacking.h.
 */
#ifndef RECO_CORE_SCORING_STACKING_VALUES_H
#define RECO_CORE_SCORING_STACKING_VALUES_H

#include "core/scoring/score_hybrid_members.h"

typedef struct reco_stacked
{
	double weight[RECO_HYBRID_MEMBERS]; /* two digits each; of lists the largest is 1 */
	bool found;                         /* better than equal ones; else they are all 1 */
	int32_t users;                      /* it is found by, those that rules are about left out */
	/* the mean ndcg, or the root of the mean squared error, of equal weights and of these */
	double equal;
	double best;
} reco_stacked;

/*
 * A user's sums over the hidden values that all members predict: of products of two members'
 * predictions, M x M; of products with the values, M; of the values' squares; how many there are.
 */
static inline int
reco_stacking_sums(int members)
{
	return members * members + members + 2;
}

/* The weights, from the sums of so many users. */
extern void reco_stacking_values(const double *sums, int32_t users, int members,
								 reco_stacked *stacked);

/* To two digits; largest: that one becomes 1. */
extern void reco_stacking_round(double *weight, int members, bool largest);

#endif /* RECO_CORE_SCORING_STACKING_VALUES_H */
