/*
 * spmm.h
 *	  A sparse matrix times a block of dense columns.
 */
#ifndef RECO_CORE_LINEAR_SPMM_H
#define RECO_CORE_LINEAR_SPMM_H

#include "core/data/csr.h"
#include "core/base/env.h"

/* The most columns of a block. */
#define RECO_SPMM_MAX 1280

/* Scratch of one product, in bytes. */
extern size_t reco_spmm_bytes(const reco_csr *a, int stride);

/*
 * out[r] = scale A[r] y - shift minus[r] for every row r of A that has entries, the others
 * stay as they are; minus NULL: 0.  Rows of y, minus and out are `stride` floats, a multiple
 * of 16 up to RECO_SPMM_MAX, and those of out begin on cache lines; out is neither of the
 * others.  scratch has reco_spmm_bytes.
 * Sums are taken in float4 over 256 entries, and those in float8, in an order that the
 * matrix alone decides.  Team prepared by the caller.
 * RECO_STOPPED.
 */
extern reco_status reco_spmm(const reco_env *env, const reco_csr *a, float scale, const float *y,
							 int stride, float shift, const float *minus, void *scratch,
							 float *out);

/*
 * One row of it, on the calling thread: out = scale times the sum of value[k] y[idx[k]] over
 * k < n.  RECO_STOPPED.
 */
extern reco_status reco_spmm_row(const reco_env *env, float scale, const float *y, int stride,
								 int64_t n, const int32_t *idx, const float *value, float *out);

#endif /* RECO_CORE_LINEAR_SPMM_H */
