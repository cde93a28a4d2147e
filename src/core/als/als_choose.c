/*
 * als_choose.c
 *	  The weight of an interaction and the regularization that suit a matrix.
 *
 * A regularization is right for one size of matrix and one weight, so a constant is wrong for
 * most.  What it should be grows with the noise, which follows from the shape alone.
 */
#include "core/als/als_choose.h"

#include <math.h>

/* Of the weight of an interaction beside that of what is missing, by the density. */
#define STRENGTH 0.04
#define LEAST_STRENGTH 1
#define MOST_STRENGTH 40

static double
within(double x, double least, double most)
{
	return fmin(fmax(x, least), most);
}

double
reco_als_alpha(const reco_shape *shape, double s)
{
	return within(s / shape->mean_size, RECO_ALS_LEAST, RECO_ALS_MOST_ALPHA);
}

double
reco_als_regularization(const reco_shape *shape, double alpha, double times)
{
	double edge =
		sqrt(1 + alpha * shape->mean_size) * (sqrt(shape->per_user) + sqrt(shape->per_item));

	return within(times * edge, RECO_ALS_LEAST, RECO_ALS_MOST_REGULARIZATION);
}

void
reco_als_choose(const reco_shape *shape, reco_als_params *params)
{
	double t = reco_shape_structure(shape);
	double times = 3 - 2 * t;

	if (isnan(params->alpha))
		params->alpha = reco_als_alpha(
			shape, pow(within(STRENGTH / shape->density, LEAST_STRENGTH, MOST_STRENGTH), t));
	if (!isnan(params->regularization))
		return;
	if (params->weighted_regularization)
	{
		double weight = params->alpha * shape->mean_size;

		times /= sqrt((shape->cols + weight * shape->per_user) *
					  (shape->rows + weight * shape->per_item));
	}
	params->regularization = reco_als_regularization(shape, params->alpha, times);
}
