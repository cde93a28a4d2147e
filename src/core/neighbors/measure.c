/*
 * measure.c
 *	  What kind of similarity a measure is.
 */
#include "core/neighbors/measure.h"

#include "core/data/sorting.h"

#include <string.h>

bool
reco_measure_symmetric(const reco_neighbors_params *params)
{
	switch (params->measure)
	{
		case RECO_ASYMMETRIC:
			return params->exponent == 0.5;
		case RECO_TVERSKY:
			return params->tversky_alpha == params->tversky_beta;
		case RECO_CONDITIONAL:
		case RECO_WALK:
			return false;
		default:
			return true;
	}
}

bool
reco_measure_of_sets(reco_measure measure)
{
	switch (measure)
	{
		case RECO_JACCARD:
		case RECO_DICE:
		case RECO_TVERSKY:
		case RECO_LLR:
		case RECO_CONDITIONAL:
		case RECO_LIFT:
			return true;
		default:
			return false;
	}
}

void
reco_neighbors_free(const reco_env *env, reco_neighbors *n)
{
	release(env, n->start);
	release(env, n->row);
	release(env, n->similarity);
	memset(n, 0, sizeof(*n));
}
