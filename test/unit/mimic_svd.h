/*
 * mimic_svd.h
 *	  The singular value decomposition of a small dense matrix, slow and exact.
 */
#ifndef RECO_TEST_MIMIC_SVD_H
#define RECO_TEST_MIMIC_SVD_H

#include "core/data/csr.h"

/* A sparse matrix as a dense one, rows x cols, malloc'd. */
extern double *mimic_dense(const reco_csr *m);

/*
 * Singular values of a (rows x cols) to singular, falling, `cols` of them: those past the
 * rank are rounding.  a becomes A V, the columns in that order.
 */
extern void mimic_svd(double *a, int rows, int cols, double *singular);

#endif /* RECO_TEST_MIMIC_SVD_H */
