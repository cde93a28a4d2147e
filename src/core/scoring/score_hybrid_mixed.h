/*
 * score_hybrid_mixed.h
 *	  Hybrids of members of factors, whose moments are known, and of others.
 */
#ifndef RECO_CORE_SCORING_SCORE_HYBRID_MIXED_H
#define RECO_CORE_SCORING_SCORE_HYBRID_MIXED_H

#include "core/scoring/score_hybrid_user.h"

/* For an open seat that was measured, of a user with such parts: the scores of all items. */
extern reco_status reco_hybrid_mixed_score(reco_seat *seat, float *score);

/* The n best as reco_seat_top has them, or RECO_PRUNED_NONE: by the scores of all items. */
extern int32_t reco_hybrid_mixed_top(reco_seat *seat, const uint64_t *skip, int32_t n,
									 reco_ranked *out);

#endif /* RECO_CORE_SCORING_SCORE_HYBRID_MIXED_H */
