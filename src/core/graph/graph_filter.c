/*
 * graph_filter.c
 *	  The response of the Chebyshev filter.
 *
 * Cost: degree^2.
 */
#include "core/graph/graph.h"

#include <math.h>

#define PI 3.14159265358979323846

/* What the polynomial approximates, at y = 1 - 2 times an eigenvalue. */
static double
target(double phi, double y)
{
	return 0.5 + (y < 0 ? 0.5 : -0.5) * pow(fabs(y), phi);
}

/*
 * The coefficients of the authors: the target at the extrema of T_degree, which count at the roots
 * of T_(degree + 1).
 */
static double
coefficient(const reco_graph_params *params, int k)
{
	int degree = params->degree;
	double sum = 0;

	for (int m = 0; m <= degree; m++)
		sum += target(params->phi, cos((degree - m) * PI / degree)) *
			   cos(k * (degree + 0.5 - m) * PI / (degree + 1));
	return (k == 0 ? 1 : 2) * sum / (degree + 1);
}

double
reco_graph_response(const reco_graph_params *params, double eigenvalue)
{
	double y = 1 - 2 * eigenvalue;
	double before = 1; /* T_(k - 1) and T_k */
	double now = y;
	double sum = coefficient(params, 0);

	for (int k = 1; k <= params->degree; k++)
	{
		double next = 2 * y * now - before;

		sum += coefficient(params, k) * now;
		before = now;
		now = next;
	}
	return sum;
}
