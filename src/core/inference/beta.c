/*
 * beta.c
 *	  The beta distribution, as intervals of rates and of counts ask for it.
 *
 * Cost: some tens of steps of the continued fraction for a probability, of parameters of millions
 * some thousands; a quantile takes some fifty of these.
 */
#include "core/inference/beta.h"

#include <math.h>

/* 1 / (1 + d_1 / (1 + d_2 / ...)), by Lentz's method. */
static double
fraction(double x, double a, double b)
{
	const double tiny = 1e-300;
	double f = 1, c = 1, d = 0;

	for (int j = 1; j < 100000; j++)
	{
		int m = j / 2;
		double t = j % 2 ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
						 : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));

		d = 1 + t * d;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = 1 + t / c;
		c = fabs(c) < tiny ? tiny : c;
		f *= c * d;
		if (fabs(c * d - 1) < 1e-14)
			break;
	}
	return 1 / f;
}

double
reco_beta_below(double x, double a, double b)
{
	double front;

	if (x <= 0 || x >= 1)
		return x >= 1;
	front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
	/* where it converges fast */
	return x < (a + 1) / (a + b + 2) ? front * fraction(x, a, b) / a
									 : 1 - front * fraction(1 - x, b, a) / b;
}

double
reco_beta_quantile(double p, double a, double b)
{
	double low = 0, high = 1;

	for (int step = 0; step < 200 && high - low > 1e-15 * high; step++)
	{
		double middle = low + (high - low) / 2;

		if (reco_beta_below(middle, a, b) < p)
			low = middle;
		else
			high = middle;
	}
	return high;
}
