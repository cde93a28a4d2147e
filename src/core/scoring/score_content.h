/*
 * score_content.h
 *	  Scorers of what is known about items.
 */
#ifndef RECO_CORE_SCORING_SCORE_CONTENT_H
#define RECO_CORE_SCORING_SCORE_CONTENT_H

#include "core/content/content.h"
#include "core/scoring/scorer.h"

typedef struct reco_content_scorer
{
	reco_scorer head; /* .type: &reco_content_scorer_type */
	const reco_content *content;
} reco_content_scorer;

/* Interactions of a value above 0 count; items are similar to whoever has that one. */
extern const reco_scorer_type reco_content_scorer_type;

/* The profile of the user who is in an open seat, until it is closed. */
extern const reco_content_profile *reco_content_of_seat(const reco_seat *seat);

#endif /* RECO_CORE_SCORING_SCORE_CONTENT_H */
