/*
 * selftest.h
 *	  Whether the LAPACK that was linked computes right.
 */
#ifndef RECO_CORE_LINEAR_SELFTEST_H
#define RECO_CORE_LINEAR_SELFTEST_H

#include "core/base/env.h"

/* dsyevd of LAPACK: eigenvalues to w, in rising order, and vectors in place of a. */
typedef void (*reco_eigen_solver)(const char *jobz, const char *uplo, const int *n, double *a,
								  const int *lda, double *w, double *work, const int *lwork,
								  int *iwork, const int *liwork, int *info);

/*
 * Decomposes a matrix of known shape and multiplies it together again: RECO_OK when
 * that gives the matrix, RECO_INVALID when it does not; RECO_NO_MEMORY.  NULL: the
 * solver that was linked.  Cost: a few milliseconds.
 */
extern reco_status reco_selftest(const reco_env *env, reco_eigen_solver solver);

/* Name and version of the library, and the processor that it is for; static. */
extern const char *reco_linear_algebra(void);

#endif /* RECO_CORE_LINEAR_SELFTEST_H */
