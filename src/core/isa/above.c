/*
 * above.c
 *	  The places of an array's numbers that are above another, at one instruction set level.
 *
 * Few are: sixteen are looked at together first.
 */
#include "core/isa/kernels.h"

int32_t
RECO_NAME(reco_above)(const float *x, int32_t n, float floor, int32_t *at)
{
	int32_t found = 0;

	for (int32_t first = 0; first < n; first += 16)
	{
		vi above = {0};
		int64_t bits[VD];
		int64_t any = 0;

		for (int32_t k = 0; k < 16; k += VW)
			above |= *(const vf *) (x + first + k) > floor;
		__builtin_memcpy(bits, &above, sizeof(bits));
		for (int l = 0; l < VD; l++)
			any |= bits[l];
		for (int32_t k = 0; any && k < 16; k++)
		{
			/* without a branch: which of them it is cannot be foretold */
			at[found] = first + k;
			found += x[first + k] > floor;
		}
	}
	return found;
}
