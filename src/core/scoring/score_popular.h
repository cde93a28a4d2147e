/*
 * score_popular.h
 *	  A scorer that says the same to everybody.
 */
#ifndef RECO_CORE_SCORING_SCORE_POPULAR_H
#define RECO_CORE_SCORING_SCORE_POPULAR_H

#include "core/scoring/scorer.h"

typedef struct reco_popular_scorer
{
	reco_scorer head;   /* .type: &reco_popular_scorer_type */
	const float *score; /* items, none of them -infinity */
	/* all items by falling score, ties by number, as reco_top_n has them; NULL: not known */
	const reco_ranked *order;
} reco_popular_scorer;

extern const reco_scorer_type reco_popular_scorer_type;

#endif /* RECO_CORE_SCORING_SCORE_POPULAR_H */
