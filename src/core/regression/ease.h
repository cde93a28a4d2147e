/*
 * ease.h
 *	  EASE: a linear model between items in closed form.
 *
 *	 minimize	|X - X B|^2 + lambda |B|^2		with 0 on the diagonal of B
 *
 * for interactions X.  With G = X'X and P = (G + lambda I)^-1, B_ij = -P_ij / P_jj for i != j,
 * and a user's scores are x_u B.  Of all weights the largest by size are kept, of either sign:
 * cut to as many for each item, rows or columns of B lose more of the quality.
 *
 * Source: Steck 2019, "Embarrassingly shallow autoencoders for sparse data".
 */
#ifndef RECO_CORE_REGRESSION_EASE_H
#define RECO_CORE_REGRESSION_EASE_H

#include "core/data/csr.h"
#include "core/data/shape.h"
#include "core/linear/packed.h"
#include "core/neighbors/measure.h"

#define RECO_EASE_LEAST 1e-9
#define RECO_EASE_MOST 1e12

typedef struct reco_ease_params
{
	double regularization; /* lambda, above 0; NaN: open */
	int neighbors;         /* weights that are kept of an item in the mean, at least 1 */
} reco_ease_params;

/* Neighbors that are not given. */
#define RECO_EASE_OPEN INT32_MIN

/*
 * Fills in what is open:
 *
 *	 regularization	5 sqrt(n_u n_i) times the mean of v^2, n_u and n_i the mean numbers of
 *					interactions of a user and of an item
 *	 neighbors		2,000,000 / items, kept within 100 and 1000
 *
 * The best regularization was 3.5 to 7 sqrt(n_u n_i) on the data sets that doc/performance.md
 * names, with 7 to 165 interactions of a user and 8 to 270 of an item; half or twice as much costs
 * a hundredth or two of the quality.  Where items are few there is room for all weights that
 * matter; where they are many a hundred of an item lose little.
 */
extern void reco_ease_choose(const reco_shape *shape, reco_ease_params *params);

/* Upper bound of what reco_ease_fit allocates at once, result included. */
extern size_t reco_ease_memory(const reco_ease_params *params, int32_t items, int threads);

/* For progress: inversions count `steps`; the function is called after each. */
typedef void (*reco_ease_progress)(void *arg, int32_t step, int32_t steps);

/*
 * The list of item i has the items j whose |B_ij| is among the neighbors * items largest of all,
 * the largest first, equal ones by number, without weights of 0.  Of those as large as the least
 * that is kept the first by i and j are.  The result has the same bits for any number of threads;
 * its arrays belong to the caller (nothing is left allocated on failure).  progress may be NULL.
 * Cost: items^3 flops, (items^2 / 2) float4, and the sum over users of (interactions)^2 / 2.
 * RECO_SINGULAR: the regularization is too small beside the interactions of two items of which one
 * has what the other has (inverse.h).  RECO_INVALID, RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_ease_fit(const reco_env *env, const reco_ease_params *params,
								 const reco_csr *by_user, const reco_csr *by_item,
								 reco_ease_progress progress, void *arg, reco_neighbors *out);

/*
 * The same of a matrix in the place of G, which need not be X'X of anything: RECO_SINGULAR where
 * G + lambda I is not positive definite.
 */
extern reco_status reco_ease_of(const reco_env *env, const reco_ease_params *params,
								const reco_packed *gram, reco_ease_progress progress, void *arg,
								reco_neighbors *out);

#endif /* RECO_CORE_REGRESSION_EASE_H */
