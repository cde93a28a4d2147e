/*
 * score_repeat.h
 *	  Scorers of what a user has again and again.
 *
 * With the weights of a user's baskets, those of one moment in one, as core/sessions/repeat.h has
 * them:
 *
 *	 own part of i	= sum of the weights of the baskets with i / sum of all weights,
 *					  without `normalized` as in a vector
 *	 blend of i		= own part of i rate_i + popularity share_i
 *	 score of i		= own_weight blend of i + (1 - own_weight) mean of the nearest users' vectors, of
 *i
 *
 * where rate_i says how much more than others an item comes again, and share_i is how many of the
 * users of the training have i in their newest basket.  Without neighbors own_weight is 1.
 *
 * Sources: Hu and others 2020 (TIFUKNN).
 */
#ifndef RECO_CORE_SCORING_SCORE_REPEAT_H
#define RECO_CORE_SCORING_SCORE_REPEAT_H

#include "core/scoring/scorer.h"
#include "core/sessions/repeat.h"

typedef struct reco_repeat_scorer
{
	reco_scorer head;            /* .type: &reco_repeat_scorer_type */
	reco_repeat_weights weights; /* of the own part */
	bool normalized;
	double own_weight; /* from 0 to 1 */
	double popularity;
	const float *share;         /* items, from 0 to 1 */
	const float *rate;          /* items; NULL: ones */
	int32_t neighbors;          /* 0: none */
	reco_repeat_weights vector; /* where there are some */
	reco_repeat_index index;
} reco_repeat_scorer;

extern const reco_scorer_type reco_repeat_scorer_type;

#endif /* RECO_CORE_SCORING_SCORE_REPEAT_H */
