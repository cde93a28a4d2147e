/*
 * similar.h
 *	  The rows of a matrix that are most similar to one of them.
 */
#ifndef RECO_CORE_SCORING_SIMILAR_H
#define RECO_CORE_SCORING_SIMILAR_H

#include "core/scoring/scorer.h"

/* The cosine of two rows of d floats in float8; 0 where one is zeros. */
extern double reco_row_cosine(const float *x, const float *y, int d);

/*
 * The n rows most like row `self` by cosine, at most n to out, *count of them: found in float4,
 * listed in the order of their cosine in float8.  Rows of zeros are like nothing.  matrix: rows x
 * stride floats, of which d count and the rest is 0; stride is a multiple of 16.
 * Cost: two products of d floats a row.  Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_similar_rows(const reco_env *env, const float *matrix, int32_t rows, int d,
									 int stride, int32_t self, int32_t n, reco_similar *out,
									 int32_t *count);

/* Puts n of them into the order of a list; false: stopped. */
extern bool reco_similar_sort(const reco_env *env, reco_similar *similar, int32_t n);

#endif /* RECO_CORE_SCORING_SIMILAR_H */
