/*
 * score_repeat.h
 *	  Scorers of what a user has again and again.
 *
 * With the user's baskets b = 0, 1, ... from the newest on, those of one moment in one:
 *
 *	 score of i = sum over b of decay^b [i in b] / sum over b of decay^b + popularity share_i
 *
 * where share_i is how many of the users of the training have i in their newest basket.
 */
#ifndef RECO_CORE_SCORING_SCORE_REPEAT_H
#define RECO_CORE_SCORING_SCORE_REPEAT_H

#include "core/scoring/scorer.h"

typedef struct reco_repeat_scorer
{
	reco_scorer head; /* .type: &reco_repeat_scorer_type */
	double decay;     /* from 0 to 1 */
	double popularity;
	const float *share; /* items, from 0 to 1 */
} reco_repeat_scorer;

extern const reco_scorer_type reco_repeat_scorer_type;

#endif /* RECO_CORE_SCORING_SCORE_REPEAT_H */
