/*
 * pca.h
 *	  Principal components of rows of numbers.
 */
#ifndef RECO_CORE_LINEAR_PCA_H
#define RECO_CORE_LINEAR_PCA_H

#include "core/base/env.h"

/* What reco_pca allocates while it runs, in bytes. */
extern size_t reco_pca_memory(int d);

/*
 * The first components (at most d) of n rows of d numbers, row r at x + r * stride: to place the
 * coordinates of the rows, n x components; to share the part of the variance that each holds, 0
 * where there is none.  A component points to the side of its largest coordinate.
 *
 * Method: eigenvectors of the covariance, sums in float8, on one thread.
 * Cost: n d^2 / 2 multiply-adds and an eigendecomposition of d x d.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED, RECO_SINGULAR where a number is not finite.
 */
extern reco_status reco_pca(const reco_env *env, const float *x, int32_t n, int d, size_t stride,
							int components, double *place, double *share);

#endif /* RECO_CORE_LINEAR_PCA_H */
