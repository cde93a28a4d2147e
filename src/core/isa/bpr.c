/*
 * bpr.c
 *	  The inner loops of stochastic gradient descent on pairs of items, at one instruction set
 *	  level.
 *
 * Cost: three rows that are read, and written where they move; they are in the first cache.
 */
#include "core/isa/bpr.h"

#pragma GCC diagnostic ignored "-Wpsabi"

typedef float v16 __attribute__((vector_size(64), may_alias));
typedef float v8 __attribute__((vector_size(32)));
typedef float v4 __attribute__((vector_size(16)));

static inline float
lanes_sum(v16 v)
{
	v8 a = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
		   __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
	v4 b = __builtin_shufflevector(a, a, 0, 1, 2, 3) + __builtin_shufflevector(a, a, 4, 5, 6, 7);

	return (b[0] + b[2]) + (b[1] + b[3]);
}

float
RECO_NAME(reco_bpr_margin)(const float *p, const float *a, const float *b, int stride)
{
	v16 sum = {0};

	for (int k = 0; k < stride; k += 16)
		sum += *(const v16 *) (p + k) * (*(const v16 *) (a + k) - *(const v16 *) (b + k));
	return lanes_sum(sum);
}

void
RECO_NAME(reco_bpr_move)(float *p, float *a, float *b, int stride, float step, float keep)
{
	for (int k = 0; k < stride; k += 16)
	{
		v16 x = *(const v16 *) (p + k);
		v16 y = *(const v16 *) (a + k);
		v16 z = *(const v16 *) (b + k);

		*(v16 *) (p + k) = keep * x + step * (y - z);
		*(v16 *) (a + k) = keep * y + step * x;
		*(v16 *) (b + k) = keep * z - step * x;
	}
}

void
RECO_NAME(reco_bpr_move_user)(float *p, const float *a, const float *b, int stride, float step,
							  float keep)
{
	for (int k = 0; k < stride; k += 16)
		*(v16 *) (p + k) = keep * *(const v16 *) (p + k) +
						   step * (*(const v16 *) (a + k) - *(const v16 *) (b + k));
}
