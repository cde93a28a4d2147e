/*
 * slim_choose.c
 *	  The regularization and the number of weights that suit a matrix.
 */
#include "core/regression/slim.h"

#include <math.h>

#define TIMES_L2 2.5

/* Weights of a model, and of an item. */
#define WEIGHTS 5000000
#define LEAST_NEIGHBORS 100
#define MOST_NEIGHBORS 1000

static double
within(double x)
{
	return fmin(fmax(x, RECO_SLIM_LEAST), RECO_SLIM_MOST);
}

void
reco_slim_choose(const reco_shape *shape, reco_slim_params *params)
{
	if (isnan(params->l1))
		params->l1 = within(shape->mean_square);
	if (isnan(params->l2))
		params->l2 =
			within(TIMES_L2 * sqrt(shape->per_user * shape->per_item) * shape->mean_square);
	if (params->neighbors == RECO_SLIM_OPEN)
	{
		double each = (double) WEIGHTS / fmax(shape->cols, 1);

		params->neighbors = (int) fmin(fmax(each, LEAST_NEIGHBORS), MOST_NEIGHBORS);
	}
}
