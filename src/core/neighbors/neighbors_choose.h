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
 * Fills in weighting and neighbors where they are RECO_NEIGHBORS_OPEN and shrinkage where it is
 * NaN.  With t the structure of the matrix (shape.h):
 *
 *	 weighting		of users that are compared by their cosine, for lists: tf-idf; else none
 *	 neighbors		of users, for lists: 300 where t < 1; else 100
 *	 shrinkage		where rows are compared as they are, for lists: as much as 50 * 10^(1 - t)
 *					common columns, that is so many times the mean of v^2 for measures of values,
 *					and so many for measures of sets; 0 where nothing is to be shrunk (llr, lift,
 *					conditional), of weighted rows, and for ratings
 */
extern void reco_neighbors_choose(const reco_shape *shape, reco_neighbors_use use,
								  reco_neighbors_params *params);

/* Whether that looks at the shape, for what is open in params. */
extern bool reco_neighbors_shape_matters(reco_neighbors_use use,
										 const reco_neighbors_params *params);

/* The random walk of RP3beta. */
typedef struct reco_walk
{
	double alpha; /* NaN: open, as the others are by RECO_NEIGHBORS_OPEN */
	double beta;
	int normalized;
	int neighbors;
} reco_walk;

/*
 * Fills in what is open:
 *
 *	 normalized		where an item has 5 users or more in the mean: with few, to normalize makes what
 *					rests on one user as strong as what rests on many
 *	 alpha			0.5 with normalized, else 0.3
 *	 beta			0.3 where the density is at least 0.004, else 0: where items are many, what is
 *					popular among them needs no damping
 *	 neighbors		100
 */
extern void reco_walk_choose(const reco_shape *shape, reco_walk *walk);

#endif /* RECO_CORE_NEIGHBORS_NEIGHBORS_CHOOSE_H */
