/*
 * score_hybrid_scale.h
 *	  Scores of one user brought to a scale that several scorers share.
 */
#ifndef RECO_CORE_SCORING_SCORE_HYBRID_SCALE_H
#define RECO_CORE_SCORING_SCORE_HYBRID_SCALE_H

#include "core/base/env.h"

/*
 * Over the scores s that are numbers, n of them:
 *
 *	 Z_SCORE	(s - mean) / standard deviation
 *	 MIN_MAX	(s - least) / (most - least)
 *	 RANK		the place from the worst, 1 to n, over n; equal scores share the mean of theirs
 *	 NONE		s
 *
 * What has no score is as the least by Z_SCORE and MIN_MAX, 0 by RANK.
 */
typedef enum reco_hybrid_scale
{
	RECO_HYBRID_Z_SCORE,
	RECO_HYBRID_MIN_MAX,
	RECO_HYBRID_RANK,
	RECO_HYBRID_NONE
} reco_hybrid_scale;

/* How to scale: (score - shift) / scale. */
typedef struct reco_scaling
{
	int32_t n;  /* scores that are numbers */
	bool tells; /* they are not all the same; if they are, all become 0, with RANK (n + 1) / 2n */
	double shift;
	double scale; /* above 0 */
	double least; /* scaled, of what has no score */
} reco_scaling;

/* Bytes of room for so many scores. */
extern size_t reco_scale_room(reco_hybrid_scale scale, int32_t n);

/*
 * Finds how to scale n scores.  Leaves every one a number or -infinity, and with RANK the places
 * instead.  score, room: on a cache line, of reco_scale_room bytes; left in any state.  On any
 * thread. Errors: RECO_STOPPED. Cost: one or two passes; with RANK five more, of a radix sort.
 */
extern reco_status reco_scale_find(const reco_env *env, reco_hybrid_scale scale, float *score,
								   int32_t n, void *room, reco_scaling *out);

#endif /* RECO_CORE_SCORING_SCORE_HYBRID_SCALE_H */
