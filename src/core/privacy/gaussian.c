/*
 * gaussian.c
 *	  Noise of a discrete Gaussian distribution, exactly.
 *
 * Of noise y of a discrete Laplace distribution with scale t = floor(sqrt(variance)) + 1 as much
 * is kept as makes it normal: with probability exp(-(|y| - variance / t)^2 / (2 variance)).
 */
#include "core/privacy/gaussian.h"

#include <math.h>

/* floor(sqrt(x)), x below 2^57. */
static uint64_t
root_of(uint64_t x)
{
	uint64_t root = (uint64_t) sqrt((double) x);

	while (root * root > x)
		root--;
	while ((root + 1) * (root + 1) <= x)
		root++;
	return root;
}

/*
 * Whether an event of probability exp(-a / b) happened, with a / b in lowest terms or not: as
 * often as a has a whole b in it, and once for what is left.
 */
static bool
survives(reco_random *random, reco_wide a, reco_wide b)
{
	for (; a > b; a -= b)
		if (!reco_random_exp(random, 1, 1) || random->failed)
			return false;
	return reco_random_exp(random, a, b);
}

int64_t
reco_discrete_gaussian(reco_random *random, uint64_t variance)
{
	uint64_t t = root_of(variance) + 1;

	while (!random->failed)
	{
		int64_t y = reco_discrete_laplace(random, 1, t);
		uint64_t size = (uint64_t) (y < 0 ? -y : y);
		reco_wide at = (reco_wide) size * t;
		reco_wide away = at > variance ? at - variance : variance - at;

		/* kept once in exp(1900) times; away squared would overflow further on */
		if (size > 64 * t)
			continue;
		if (survives(random, away * away, 2 * (reco_wide) variance * t * t))
			return y;
	}
	return 0;
}
