/*
 * assignment.c
 *	  Which of several gets a user, by hashes.
 *
 * -ln(x) / weight of a uniform x is exponential with the rate weight, and the first of several
 * such clocks to ring is k with the probability weight[k] / (sum of weights) (Efraimidis and
 * Spirakis 2006; Schindelhauer and Schomaker 2005 for hashing).
 *
 * The logarithm is the series of atanh, in additions, multiplications and divisions that IEEE 754
 * rounds in one way; the file is compiled without contraction to fused operations.
 *
 * Cost: some thirty operations for each.
 */
#include "core/inference/assignment.h"

#include <math.h>
#include <stddef.h>

#define LN_2 0.6931471805599453
#define SQRT_HALF 0.7071067811865476
/* terms of the series after the first: s is at most 0.1716, so the last is below 1e-19 of it */
#define TERMS 12

double
reco_hash_fraction(uint64_t hash)
{
	return ((double) (hash >> 12) + 0.5) * 0x1p-52;
}

double
reco_minus_log(double x)
{
	int exponent;
	double m = frexp(x, &exponent);
	double s;
	double square;
	double sum = 0;

	if (m < SQRT_HALF)
	{
		m *= 2;
		exponent--;
	}
	s = (m - 1) / (m + 1);
	square = s * s;
	for (int k = TERMS; k > 0; k--)
		sum = (sum + 1.0 / (2 * k + 1)) * square;
	return -exponent * LN_2 - 2 * (s + s * sum);
}

int
reco_assignment(const uint64_t *hash, const double *weight, int n)
{
	int best = -1;
	double least = INFINITY;

	for (int k = 0; k < n; k++)
	{
		double at;

		if (weight && !(weight[k] > 0))
			continue;
		at = reco_minus_log(reco_hash_fraction(hash[k]));
		if (weight)
			at /= weight[k];
		if (best < 0 || at < least)
		{
			best = k;
			least = at;
		}
	}
	return best;
}
