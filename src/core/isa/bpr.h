/*
 * bpr.h
 *	  The inner loops of stochastic gradient descent on pairs of items at each instruction set
 *	  level; see core/bpr/bpr.h.
 */
#ifndef RECO_CORE_ISA_BPR_H
#define RECO_CORE_ISA_BPR_H

#include "core/isa/isa.h"

/*
 * Rows are of `stride` floats, a multiple of 16, on cache lines; a and b are different ones.
 *
 *	 margin		p.(a - b)
 *	 move		p = keep p + step (a - b), and with the former p a = keep a + step p and
 *				b = keep b - step p
 *	 move_user	the first of these alone
 */
#define RECO_BPR_LOOPS(level)                                                                      \
	extern float reco_bpr_margin_##level(const float *p, const float *a, const float *b,           \
										 int stride);                                              \
	extern void reco_bpr_move_##level(float *p, float *a, float *b, int stride, float step,        \
									  float keep);                                                 \
	extern void reco_bpr_move_user_##level(float *p, const float *a, const float *b, int stride,   \
										   float step, float keep)

RECO_BPR_LOOPS(base);
#ifdef __x86_64__
RECO_BPR_LOOPS(v3);
RECO_BPR_LOOPS(v4);
#endif

#endif /* RECO_CORE_ISA_BPR_H */
