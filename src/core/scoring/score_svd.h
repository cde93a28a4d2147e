/*
 * score_svd.h
 *	  Scorers over a truncated singular value decomposition (core/svd/svd.h).
 */
#ifndef RECO_CORE_SCORING_SCORE_SVD_H
#define RECO_CORE_SCORING_SCORE_SVD_H

#include "core/scoring/score_factors.h"

/* The largest factor of a user: products with an item's stay within float4. */
#define RECO_SVD_MAX_FACTOR 1e17f

/*
 * For a reco_factor_scorer without a mean and biases, whose items are rows of V.  A user is
 * folded in by the sum over interactions of value times the item's row, so that of a score
 * p.q an interaction with item j contributes value_j q_j.q.  fold_in: RECO_INVALID where a
 * factor is beyond RECO_SVD_MAX_FACTOR.
 */
extern const reco_scorer_type reco_svd_scorer_type;

#endif /* RECO_CORE_SCORING_SCORE_SVD_H */
