/*
 * gram.h
 *	  Gram matrices of the columns of a block of rows in float4.
 */
#ifndef RECO_CORE_LINEAR_GRAM_H
#define RECO_CORE_LINEAR_GRAM_H

#include "core/base/env.h"
#include "core/isa/isa.h"

/* Scratch of reco_gram, in bytes; ld: D rounded up to 16. */
extern size_t reco_gram_bytes(int ld, int threads);

/*
 * gram = sum over rows r of weight_r y_r y_r', D x D in full storage of leading dimension
 * ldg.  weight_r is the difference of start[r] to the next, or 1 when start is NULL.  With
 * `one` a constant 1 stands behind the d columns of y, and D is d + 1; otherwise it is d.
 * Sums are in float8, with the same bits for any number of threads.  Team prepared by the
 * caller.
 * Cost: rows D^2 / 2 multiply-adds.  RECO_STOPPED.
 */
extern reco_status reco_gram(const reco_env *env, const reco_kernels *k, const float *y,
							 int32_t rows, int d, bool one, int stride, const int64_t *start,
							 void *scratch, double *gram, int ldg);

#endif /* RECO_CORE_LINEAR_GRAM_H */
