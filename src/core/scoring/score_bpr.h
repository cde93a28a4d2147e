/*
 * score_bpr.h
 *	  Scorers over factors that rank pairs of items.
 */
#ifndef RECO_CORE_SCORING_SCORE_BPR_H
#define RECO_CORE_SCORING_SCORE_BPR_H

#include "core/bpr/bpr.h"
#include "core/scoring/score_factors.h"

/*
 * score = b_i + p.q.  Folds in by samples (core/bpr/bpr.h).  No score is a sum over interactions:
 * nothing is explained.
 */
typedef struct reco_bpr_scorer
{
	reco_factor_scorer factor; /* .head.type: &reco_bpr_scorer_type */
	reco_bpr_params params;
	const double *chance; /* as in reco_bpr */
} reco_bpr_scorer;

extern const reco_scorer_type reco_bpr_scorer_type;

#endif /* RECO_CORE_SCORING_SCORE_BPR_H */
