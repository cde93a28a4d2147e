/*
 * score.h
 *	  The scoring loop at each instruction set level; see core/score.h.
 */
#ifndef RECO_CORE_ISA_SCORE_H
#define RECO_CORE_ISA_SCORE_H

#include "core/isa/isa.h"

#define RECO_SCORE_ROWS(level)                                                                     \
	extern void reco_score_rows_##level(const float *item, int32_t items, int stride,              \
										const float *x, const float *bias, float base,             \
										float *score)

RECO_SCORE_ROWS(base);
#ifdef __x86_64__
RECO_SCORE_ROWS(v3);
RECO_SCORE_ROWS(v4);
#endif

#endif /* RECO_CORE_ISA_SCORE_H */
