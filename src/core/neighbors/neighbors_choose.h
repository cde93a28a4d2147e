/*
 * neighbors_choose.h
 *	  Weighting, shrinkage and the number of neighbors that suit a matrix.
 */
#ifndef RECO_CORE_NEIGHBORS_NEIGHBORS_CHOOSE_H
#define RECO_CORE_NEIGHBORS_NEIGHBORS_CHOOSE_H

#include "core/data/shape.h"
#include "core/neighbors/measure.h"

/* What is not given. */
#define RECO_NEIGHBORS_OPEN INT32_MIN

typedef enum reco_neighbors_use
{
	RECO_OF_ITEM_LISTS, /* neighbors of items, for lists of items */
	RECO_OF_USER_LISTS, /* of users */
	RECO_OF_RATINGS     /* values are predicted */
} reco_neighbors_use;

/*
 * Fills in weighting and neighbors where they are RECO_NEIGHBORS_OPEN, shrinkage and the
 * exponents of the walk where they are NaN.
 *
 *	 weighting		of users that are compared by their cosine, for lists: BM25; else none
 *	 neighbors		of users for lists 300, else 100
 *	 shrinkage		where rows are compared as they are, for lists: as much as 50 common columns,
 *					that is 50 times the mean of v^2 for measures of values, 50 for measures of
 *					sets; 0 where nothing is to be shrunk (llr, lift, conditional), of weighted
 *					rows, and for ratings
 *	 walk_alpha		0.5
 *	 walk_beta		0.3
 */
extern void reco_neighbors_choose(const reco_shape *shape, reco_neighbors_use use,
								  reco_neighbors_params *params);

#endif /* RECO_CORE_NEIGHBORS_NEIGHBORS_CHOOSE_H */
