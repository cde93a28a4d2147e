/*
 * cross.h
 *	  Products of the columns of sparse matrices with each other, a row at a time.
 */
#ifndef RECO_CORE_LINEAR_CROSS_H
#define RECO_CORE_LINEAR_CROSS_H

#include "core/data/csr.h"

/*
 * Takes row i of Y'Z, z.cols numbers, or up to the diagonal i + 1 of them.  Called on any thread,
 * for each row once, in any order.
 */
typedef void (*reco_cross_row)(void *arg, int32_t row, const double *sum);

/* Bytes that reco_cross allocates. */
extern size_t reco_cross_memory(int32_t cols, int threads);

/*
 * The rows of Y'Z; y_by_col is the transpose of Y, in which rows are the columns of Y.  lower: only
 * up to the diagonal, for Y'Y.  Sums are in float8, in the order of the rows of Y and Z: the same
 * bits for any number of threads.
 * Cost: the sum over rows of (entries in Y) (entries in Z), half of that with `lower`; and
 * a look at each element.  RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_cross(const reco_env *env, const reco_csr *y_by_col, const reco_csr *z,
							  bool lower, reco_cross_row take, void *arg);

#endif /* RECO_CORE_LINEAR_CROSS_H */
