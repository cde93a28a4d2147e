/*
 * score.c
 *	  Scores of many items for one user, at one instruction set level.
 *
 * A score is a dot product in sixteen lanes, summed at the end in a fixed tree,
 * so it has the same bits whichever rows are scored beside it; four rows go
 * together to hide the latency of the sums.
 *
 * Cost: items x stride multiply-adds; bound by reading the items.
 */
#include "core/isa/score.h"

#pragma GCC diagnostic ignored "-Wpsabi"

typedef float v16 __attribute__((vector_size(64)));
/* what lies in memory; variables of a type that is less aligned may be spilled wrong */
typedef float v16u __attribute__((vector_size(64), may_alias, aligned(4)));
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

static inline v16
load(const float *p)
{
	return (v16) * (const v16u *) p;
}

void
RECO_NAME(reco_score_rows)(const float *item, int32_t items, int stride, const float *x,
						   const float *bias, float base, float *score)
{
	int32_t i = 0;

	for (; i + 4 <= items; i += 4)
	{
		const float *row = item + (size_t) i * stride;
		v16 sum[4] = {{0}};

		for (int j = 0; j < stride; j += 16)
		{
			v16 xj = load(x + j);

			for (int r = 0; r < 4; r++)
				sum[r] += xj * load(row + (size_t) r * stride + j);
		}
		for (int r = 0; r < 4; r++)
			score[i + r] = lanes_sum(sum[r]) + (base + (bias ? bias[i + r] : 0));
	}
	for (; i < items; i++)
	{
		v16 sum = {0};

		for (int j = 0; j < stride; j += 16)
			sum += load(x + j) * load(item + (size_t) i * stride + j);
		score[i] = lanes_sum(sum) + (base + (bias ? bias[i] : 0));
	}
}
