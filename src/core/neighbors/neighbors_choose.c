/*
 * neighbors_choose.c
 *	  Weighting, shrinkage and the number of neighbors that suit a matrix.
 */
#include "core/neighbors/neighbors_choose.h"

#include <math.h>

/* So many common columns are as good as none. */
#define SUPPORT 50

#define NEIGHBORS 100
#define NEIGHBORS_USERS 300

#define WALK_ALPHA 0.5
#define WALK_BETA 0.3

static bool
of_values(reco_measure measure)
{
	return measure == RECO_COSINE || measure == RECO_ASYMMETRIC;
}

static double
choose_shrinkage(const reco_shape *shape, reco_neighbors_use use, const reco_neighbors_params *p)
{
	if (use == RECO_OF_RATINGS || p->weighting != RECO_WEIGHTING_NONE)
		return 0;
	if (of_values(p->measure))
		return SUPPORT * shape->mean_square;
	return p->measure == RECO_JACCARD || p->measure == RECO_DICE || p->measure == RECO_TVERSKY
			   ? SUPPORT
			   : 0;
}

void
reco_neighbors_choose(const reco_shape *shape, reco_neighbors_use use,
					  reco_neighbors_params *params)
{
	if ((int) params->weighting == RECO_NEIGHBORS_OPEN)
		params->weighting = use == RECO_OF_USER_LISTS && of_values(params->measure)
								? RECO_WEIGHTING_BM25
								: RECO_WEIGHTING_NONE;
	if (params->neighbors == RECO_NEIGHBORS_OPEN)
		params->neighbors = use == RECO_OF_USER_LISTS ? NEIGHBORS_USERS : NEIGHBORS;
	if (isnan(params->shrinkage))
		params->shrinkage = choose_shrinkage(shape, use, params);
	if (isnan(params->walk_alpha))
		params->walk_alpha = WALK_ALPHA;
	if (isnan(params->walk_beta))
		params->walk_beta = WALK_BETA;
}
