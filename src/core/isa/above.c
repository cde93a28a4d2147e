/*
 * above.c
 *	  The places of an array's numbers that are above another, at one instruction set level.
 *
 * Few are: sixteen are looked at together first.
 */
#include "core/isa/kernels.h"

#if VW == 16
#include <immintrin.h>
#endif

int32_t
RECO_NAME(reco_above)(const float *x, int32_t n, float floor, int32_t *at)
{
	int32_t found = 0;

#if VW == 16
	/* the places that are behind the last found are written over by the next */
	__m512i places = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
	__m512 least = _mm512_set1_ps(floor);

	for (int32_t first = 0; first < n; first += 16)
	{
		__mmask16 above = _mm512_cmp_ps_mask(_mm512_load_ps(x + first), least, _CMP_GT_OQ);
		__m512i which = _mm512_add_epi32(places, _mm512_set1_epi32(first));

		if (above == 0)
			continue;
		_mm512_storeu_si512(at + found, _mm512_maskz_compress_epi32(above, which));
		found += __builtin_popcount(above);
	}
#else
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
#endif
	return found;
}
