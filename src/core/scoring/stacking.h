/*
 * stacking.h
 *	  Weights of a hybrid's members, by what was hidden from them.
 *
 * Of lists: the weights w >= 0 whose lists find most, by the mean ndcg over users.  Each user's
 * best items of each member are scored once by all members; then weights are tried, which costs
 * but the sums.  From equal weights on, one weight at a time is made larger or smaller by a
 * factor, or 0, as long as that finds more, with smaller and smaller factors.
 *
 * Of predicted values: the mean that is least off,
 *
 *	 min  sum over hidden values (r - sum_m w_m s_m)^2 + ridge sum_m (w_m - 1/M)^2,
 *	 w >= 0, sum w = 1,
 *
 * over values that all members predict, with a ridge of a hundredth of what the members' differ
 * by.  Pairs of weights are exchanged, each to the best.
 *
 * What is found is taken where it is better than equal weights by more than the standard error of
 * the difference, user by user (of values, value by value).
 *
 * Sources: Wolpert 1992, Stacked generalization; Breiman 1996, Stacked regressions, for weights
 * that are not negative.
 */
#ifndef RECO_CORE_SCORING_STACKING_H
#define RECO_CORE_SCORING_STACKING_H

#include "core/data/csr.h"
#include "core/scoring/score_hybrid.h"
#include "core/scoring/stacking_values.h"

typedef struct reco_stacking
{
	/* a hybrid that is no cascade, of which every member has a weight */
	const reco_hybrid_scorer *scorer;
	/* a user as the scorer was trained on them; any thread */
	void (*profile)(void *arg, int64_t user, reco_profile *profile);
	void *arg;
	/* who is measured: users, rows of hidden that the scorer knows */
	int32_t users;
	const int32_t *user;
	/* what was hidden; items after the scorer's last do not count but as what is not found */
	reco_csr hidden;
	const float *worth; /* of hidden: what is 0 or below is nothing to be found; NULL: ones */
	bool predicts;      /* values, not lists */
	const float *truth; /* of hidden; NULL: ones */
	int32_t cutoff;     /* of ndcg */
} reco_stacking;

/* Bytes that it takes with so many threads. */
extern size_t reco_stacking_bytes(const reco_stacking *stacking, int threads);

/*
 * Finds weights; the same with any number of threads.  Errors: RECO_NO_MEMORY, RECO_STOPPED.
 * Cost: of each user the members' scores and lists of a hundred items; then some hundred passes
 * over these, or one over the hidden values.
 */
extern reco_status reco_stack(const reco_env *env, const reco_stacking *stacking,
							  reco_stacked *stacked);

#endif /* RECO_CORE_SCORING_STACKING_H */
