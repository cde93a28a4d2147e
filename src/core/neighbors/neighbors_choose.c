/*
 * neighbors_choose.c
 *	  Weighting, shrinkage and the number of neighbors that suit a matrix.
 */
#include "core/neighbors/neighbors_choose.h"

#include <math.h>

/* So many common columns are as good as none. */
#define SUPPORT 50

#define NEIGHBORS 100
#define NEIGHBORS_USERS 300 /* where they say little */

/* From how many users of an item on a walk is normalized, and from which density on damped. */
#define USERS_NORMALIZED 5
#define DENSITY_DAMPED 0.004

static bool
of_values(reco_measure measure)
{
	return measure == RECO_COSINE || measure == RECO_ASYMMETRIC;
}

static reco_weighting
choose_weighting(reco_neighbors_use use, const reco_neighbors_params *p)
{
	if ((int) p->weighting != RECO_NEIGHBORS_OPEN)
		return p->weighting;
	return use == RECO_OF_USER_LISTS && of_values(p->measure) ? RECO_WEIGHTING_TF_IDF
															  : RECO_WEIGHTING_NONE;
}

/* Whether it is not 0 by all means. */
static bool
shrinks(reco_neighbors_use use, const reco_neighbors_params *p)
{
	if (use == RECO_OF_RATINGS || choose_weighting(use, p) != RECO_WEIGHTING_NONE)
		return false;
	return of_values(p->measure) || p->measure == RECO_JACCARD || p->measure == RECO_DICE ||
		   p->measure == RECO_TVERSKY;
}

static double
choose_shrinkage(const reco_shape *shape, reco_neighbors_use use, const reco_neighbors_params *p)
{
	double support = SUPPORT * pow(10, 1 - reco_shape_structure(shape));

	if (!shrinks(use, p))
		return 0;
	return of_values(p->measure) ? support * shape->mean_square : support;
}

bool
reco_neighbors_shape_matters(reco_neighbors_use use, const reco_neighbors_params *params)
{
	return (params->neighbors == RECO_NEIGHBORS_OPEN && use == RECO_OF_USER_LISTS) ||
		   (isnan(params->shrinkage) && shrinks(use, params));
}

void
reco_neighbors_choose(const reco_shape *shape, reco_neighbors_use use,
					  reco_neighbors_params *params)
{
	params->weighting = choose_weighting(use, params);
	if (params->neighbors == RECO_NEIGHBORS_OPEN)
		params->neighbors = use == RECO_OF_USER_LISTS && reco_shape_structure(shape) < 1
								? NEIGHBORS_USERS
								: NEIGHBORS;
	if (isnan(params->shrinkage))
		params->shrinkage = choose_shrinkage(shape, use, params);
}

void
reco_walk_choose(const reco_shape *shape, reco_walk *walk)
{
	if (walk->normalized == RECO_NEIGHBORS_OPEN)
		walk->normalized = shape->per_item >= USERS_NORMALIZED;
	if (isnan(walk->alpha))
		walk->alpha = walk->normalized ? 0.5 : 0.3;
	if (isnan(walk->beta))
		walk->beta = shape->density >= DENSITY_DAMPED ? 0.3 : 0;
	if (walk->neighbors == RECO_NEIGHBORS_OPEN)
		walk->neighbors = NEIGHBORS;
}
