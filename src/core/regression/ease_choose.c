/*
 * ease_choose.c
 *	  The regularization and the number of weights that suit a matrix.
 */
#include "core/regression/ease.h"

#include <math.h>

#define TIMES 5

/* Weights of a model, and of an item. */
#define WEIGHTS 2000000
#define LEAST_NEIGHBORS 100
#define MOST_NEIGHBORS 1000

void
reco_ease_choose(const reco_shape *shape, reco_ease_params *params)
{
	if (isnan(params->regularization))
		params->regularization =
			fmin(fmax(TIMES * sqrt(shape->per_user * shape->per_item) * shape->mean_square,
					  RECO_EASE_LEAST),
				 RECO_EASE_MOST);
	if (params->neighbors == RECO_EASE_OPEN)
	{
		double each = (double) WEIGHTS / fmax(shape->cols, 1);

		params->neighbors = (int) fmin(fmax(each, LEAST_NEIGHBORS), MOST_NEIGHBORS);
	}
}
