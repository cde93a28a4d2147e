/*
 * measure.c
 *	  What kind of similarity a measure is.
 */
#include "core/neighbors/measure.h"

#include "core/data/sorting.h"

#include <math.h>
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

bool
reco_neighbors_params_valid(const reco_neighbors_params *p)
{
	return p->neighbors >= 1 && p->shrinkage >= 0 && isfinite(p->shrinkage) &&
		   p->min_support >= 0 && isfinite(p->exponent) && p->tversky_alpha >= 0 &&
		   p->tversky_beta >= 0 && p->k1 >= 0 && p->b >= 0 && p->b <= 1;
}

double
reco_measure_top(const reco_neighbors_params *p)
{
	bool cosine = p->measure == RECO_COSINE || p->measure == RECO_ADJUSTED_COSINE ||
				  p->measure == RECO_PEARSON ||
				  (p->measure == RECO_ASYMMETRIC && p->exponent == 0.5);

	return cosine ? 1 : INFINITY;
}

void
reco_neighbors_free(const reco_env *env, reco_neighbors *n)
{
	release(env, n->start);
	release(env, n->row);
	release(env, n->similarity);
	memset(n, 0, sizeof(*n));
}
