/*
 * score.h
 *	  Scores of many items for one user.
 */
#ifndef RECO_CORE_RANKING_SCORE_H
#define RECO_CORE_RANKING_SCORE_H

#include "core/base/env.h"

/*
 * score[i] = base + bias[i] + item_i . x for i = 0 .. items - 1, where item_i is
 * the stride floats from item + i * stride; stride is a multiple of 16, x is
 * padded with zeros to stride, bias may be NULL.
 * One item's score has the same bits whichever items are scored beside it.
 */
extern void reco_score(const float *item, int32_t items, int stride, const float *x,
					   const float *bias, float base, float *score);

#endif /* RECO_CORE_RANKING_SCORE_H */
