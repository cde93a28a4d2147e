/*
 * slim.h
 *	  SLIM: a sparse linear model between items.
 *
 * For each item j, of interactions X,
 *
 *	 minimize	|x_j - X w|^2 / 2 + (l2 / 2) |w|^2 + l1 |w|_1		with w_j = 0
 *
 * and w >= 0 where that is asked for.  A user's score of j is x_u w.
 *
 * Sources: Ning and Karypis 2011, "SLIM: sparse linear methods for top-N recommender systems";
 * Friedman, Hastie and Tibshirani 2010 for coordinate descent on the Gram matrix.
 */
#ifndef RECO_CORE_REGRESSION_SLIM_H
#define RECO_CORE_REGRESSION_SLIM_H

#include "core/data/csr.h"
#include "core/data/shape.h"
#include "core/neighbors/measure.h"

#define RECO_SLIM_LEAST 1e-9 /* of l2 */
#define RECO_SLIM_MOST 1e12

/* So many items at most have a weight on an item: those whose pull was the strongest. */
#define RECO_SLIM_ACTIVE 2048

typedef struct reco_slim_params
{
	double l1;     /* at least 0; NaN: open */
	double l2;     /* above 0; NaN: open */
	int neighbors; /* weights that are kept of an item, at least 1 */
	bool positive;
} reco_slim_params;

/* Neighbors that are not given. */
#define RECO_SLIM_OPEN INT32_MIN

/*
 * Fills in what is open:
 *
 *	 l1			the mean of v^2: as much as one user who has both items
 *	 l2			2.5 sqrt(n_u n_i) times the mean of v^2, n_u and n_i the mean numbers of
 *				interactions of a user and of an item
 *	 neighbors	5,000,000 / items, kept within 100 and 1000
 */
extern void reco_slim_choose(const reco_shape *shape, reco_slim_params *params);

/* Upper bound of what reco_slim_fit allocates at once, result included. */
extern size_t reco_slim_memory(const reco_slim_params *params, const reco_csr *by_user,
							   int threads);

/* Called from time to time on the calling thread. */
typedef void (*reco_slim_progress)(void *arg, int32_t done, int32_t items);

/*
 * The list of item j has the `neighbors` items i of the largest |w_i|, the largest first, equal
 * ones by number, without weights of 0.  No gradient is then further than 1e-4 of the largest
 * product of j with another item from what a minimum asks for.  The result has the same bits for
 * any number of threads; its arrays belong to the caller (nothing is left allocated on failure).
 * progress may be NULL.
 * Cost: the sum over users of (interactions)^2; then for each item some passes over the rows of
 * G = X'X of the items that have a weight on it, and some dozen over the square of their number.
 * RECO_INVALID, RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_slim_fit(const reco_env *env, const reco_slim_params *params,
								 const reco_csr *by_user, const reco_csr *by_item,
								 reco_slim_progress progress, void *arg, reco_neighbors *out);

#endif /* RECO_CORE_REGRESSION_SLIM_H */
