/*
 * mimic_linear.h
 *	  Dense linear algebra written for obviousness, to compare with, and sparse matrices of
 *	  dense tables.
 */
#ifndef RECO_MIMIC_LINEAR_H
#define RECO_MIMIC_LINEAR_H

#include "core/data/csr.h"

/* The inverse of an n x n matrix by Gauss and Jordan, with pivots, in float8; to be freed. */
extern double *mimic_inverse(const double *a, int32_t n);

/* X'X of a rows x cols table; to be freed. */
extern double *mimic_gram(const double *x, int32_t rows, int32_t cols);

/* The cells of a table that are not 0; ones: without values. */
extern reco_csr mimic_csr_of(const double *cell, int32_t rows, int32_t cols, bool ones);
extern void mimic_csr_free(reco_csr *a);

#endif /* RECO_MIMIC_LINEAR_H */
