/*
 * score_lists.h
 *	  Scorers of lists of items: what speaks for an item.
 */
#ifndef RECO_CORE_SCORING_SCORE_LISTS_H
#define RECO_CORE_SCORING_SCORE_LISTS_H

#include "core/data/csr.h"
#include "core/neighbors/neighbors.h"
#include "core/ranking/tiers.h"
#include "core/scoring/score_sums.h"

/*
 * A model whose scores are sums over a user's items j of x_j times a weight w_ji.  Weights may
 * be of either sign; those of an averaged model or of one with biases are above 0.
 *
 * With `back` the sums are over the last events of the profile, and x is how much one counts by
 * how many come after it, whatever the values.
 */
typedef struct reco_list_scorer
{
	reco_sum_scorer sums; /* .head.type: &reco_list_scorer_type */
	/* w: row j has the items whose score an interaction with j changes */
	reco_csr followers;
	/*
	 * What is similar to each item, the most similar first, as it is shown; start NULL: that
	 * is not known.
	 */
	reco_neighbors similar;
	const float *back; /* backs: of the last event, of that before it and so on; NULL: see above */
	int32_t backs;
	/* of the followers, which spares adding up whole rows for a list; NULL: none */
	const reco_tiers *index;
} reco_list_scorer;

extern const reco_scorer_type reco_list_scorer_type;

#endif /* RECO_CORE_SCORING_SCORE_LISTS_H */
