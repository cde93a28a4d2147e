/*
 * normal.c
 *	  The normal and the chi-squared distribution, as tests and intervals ask for them.
 *
 * The quantile is Abramowitz and Stegun's 26.2.23, good to 4.5e-4, improved by Halley's method
 * on erfc: three steps would do.  The tail of chi-squared is the upper incomplete gamma function
 * Q(degrees / 2, x / 2), by its series below degrees / 2 + 1 and by Lentz's continued fraction
 * above.
 *
 * Cost: some hundred operations.
 */
#include "core/inference/normal.h"

#include <math.h>

#define SQRT_2 1.4142135623730951
#define SQRT_2_PI 2.5066282746310002
#define STEPS 5
/* More terms than either expansion takes up to a million degrees of freedom. */
#define TERMS 20000
#define SMALL 1e-300
#define ENOUGH 1e-16

double
reco_normal_quantile(double p)
{
	double tail = p < 0.5 ? p : 1 - p;
	double t = sqrt(-2 * log(tail));
	double z = t - (2.515517 + t * (0.802853 + t * 0.010328)) /
					   (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));

	for (int step = 0; step < STEPS; step++)
	{
		double density = exp(-z * z / 2) / SQRT_2_PI;
		double newton = (0.5 * erfc(z / SQRT_2) - tail) / density;

		z += newton / (1 - z * newton / 2);
	}
	return p < 0.5 ? -z : z;
}

/* P(a, x), for x below a + 1. */
static double
lower_series(double a, double x)
{
	double term = 1 / a;
	double sum = term;

	for (int k = 1; k < TERMS && term > sum * ENOUGH; k++)
	{
		term *= x / (a + k);
		sum += term;
	}
	return sum * exp(a * log(x) - x - lgamma(a));
}

static double
away_from_zero(double x)
{
	return fabs(x) < SMALL ? SMALL : x;
}

/* Q(a, x), for x from a + 1 on. */
static double
upper_fraction(double a, double x)
{
	double b = x + 1 - a;
	double c = 1 / SMALL;
	double d = 1 / away_from_zero(b);
	double h = d;

	for (int k = 1; k < TERMS; k++)
	{
		double an = -k * (k - a);
		double by;

		b += 2;
		d = 1 / away_from_zero(an * d + b);
		c = away_from_zero(b + an / c);
		by = c * d;
		h *= by;
		if (fabs(by - 1) < ENOUGH)
			break;
	}
	return h * exp(a * log(x) - x - lgamma(a));
}

double
reco_chi_squared_tail(double x, int degrees)
{
	double a = degrees / 2.0;

	x /= 2;
	if (!(x > 0))
		return 1;
	if (isinf(x))
		return 0;
	return x < a + 1 ? 1 - lower_series(a, x) : upper_fraction(a, x);
}

double
reco_split_tail(const double *count, const double *share, int n)
{
	double all = 0;
	double shares = 0;
	double x = 0;

	for (int k = 0; k < n; k++)
	{
		all += count[k];
		shares += share[k];
	}
	if (!(all > 0))
		return 1;
	for (int k = 0; k < n; k++)
	{
		double expected = all * (share[k] / shares);

		x += (count[k] - expected) * (count[k] - expected) / expected;
	}
	return reco_chi_squared_tail(x, n - 1);
}
