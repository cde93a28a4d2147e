/*
 * isotonic.c
 *	  Means that do not fall, nearest to given ones.
 */
#include "core/inference/isotonic.h"

void
reco_isotonic(double *mean, double *weight, int32_t *size, int32_t n)
{
	int32_t pools = 0;

	for (int32_t i = 0; i < n; i++)
	{
		mean[pools] = mean[i];
		weight[pools] = weight[i];
		size[pools++] = 1;
		/* a pool below the one before it joins it */
		for (; pools > 1 && mean[pools - 2] >= mean[pools - 1]; pools--)
		{
			double both = weight[pools - 2] + weight[pools - 1];

			mean[pools - 2] += (mean[pools - 1] - mean[pools - 2]) * (weight[pools - 1] / both);
			weight[pools - 2] = both;
			size[pools - 2] += size[pools - 1];
		}
	}
	/* each to its own place, the last one first: it lies behind where it is */
	for (int32_t i = n; pools > 0; pools--)
		for (int32_t k = size[pools - 1], last = pools - 1; k > 0; k--)
			mean[--i] = mean[last];
}
