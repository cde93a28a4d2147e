/*
 * eigen.h
 *	  Eigenvalues and eigenvectors of a symmetric matrix, by LAPACK, and products by BLAS.
 */
#ifndef RECO_CORE_LINEAR_EIGEN_H
#define RECO_CORE_LINEAR_EIGEN_H

#include "core/base/env.h"

/* Scratch of reco_eigen, in bytes; a multiple of RECO_ALIGN. */
extern size_t reco_eigen_bytes(int n);

/*
 * Eigenvalues of the n x n matrix a, in full storage, to value, ascending; and its
 * eigenvectors to the rows of a.  scratch has reco_eigen_bytes(n), on a cache line.
 * On the main thread: a serial BLAS is no business of several.
 * Cost: about 9 n^3 flops, in three parts with a poll after each, of which the longest
 * takes half of the time: 0.1 s at n = 1,024.
 * RECO_STOPPED; RECO_SINGULAR: no convergence, as with what is not finite.
 */
extern reco_status reco_eigen(const reco_env *env, int n, double *a, double *value, void *scratch);

/*
 * c = a b, or a b' when `transposed`; n x n each, in full storage by rows, c none of the others.
 * On the main thread.  Cost: 2 n^3 flops.
 */
extern void reco_product(int n, const double *a, const double *b, bool transposed, double *c);

#endif /* RECO_CORE_LINEAR_EIGEN_H */
