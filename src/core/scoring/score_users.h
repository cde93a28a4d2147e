/*
 * score_users.h
 *	  Scorers of similar users: what users like this one have.
 */
#ifndef RECO_CORE_SCORING_SCORE_USERS_H
#define RECO_CORE_SCORING_SCORE_USERS_H

#include "core/data/csr.h"
#include "core/neighbors/neighbors_index.h"
#include "core/scoring/score_sums.h"

typedef struct reco_user_scorer
{
	reco_sum_scorer sums; /* .head.type: &reco_user_scorer_type */
	reco_csr by_user;     /* what all users have; value NULL: ones */
	const float *bias;    /* of each user; may be NULL without biases */
	/* by which the neighbors of a new profile are found; of no use without its numbers */
	reco_neighbors_params params;
	reco_row_index index;
} reco_user_scorer;

/*
 * A profile's neighbors are rows of by_user; those of a similarity of 0 or below do not count.
 * A fold-in finds the neighbors of a new profile among all users, but for itself where it is a
 * stored user's; without an index it is RECO_INVALID.
 */
extern const reco_scorer_type reco_user_scorer_type;

#endif /* RECO_CORE_SCORING_SCORE_USERS_H */
