/*
 * spmm.h
 *	  The inner loop of sparse times dense at each instruction set level; see core/spmm.h.
 */
#ifndef RECO_CORE_ISA_SPMM_H
#define RECO_CORE_ISA_SPMM_H

#include "core/isa/isa.h"

/*
 * out = sum of scale value[k] y[idx[k]] over k < n, rows of `stride` floats, a multiple of
 * 16; out is on a cache line, y anywhere; value NULL: ones.  idx has `known` >= n elements: those
 * past n are columns that will be wanted next.
 */
#define RECO_SPMM_SUM(level)                                                                       \
	extern void reco_spmm_sum_##level(float *out, const float *y, int stride, const int32_t *idx,  \
									  const float *value, float scale, int n, int64_t known)

RECO_SPMM_SUM(base);
#ifdef __x86_64__
RECO_SPMM_SUM(v3);
RECO_SPMM_SUM(v4);
#endif

#endif /* RECO_CORE_ISA_SPMM_H */
