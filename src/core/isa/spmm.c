/*
 * spmm.c
 *	  A weighted sum of rows of a dense matrix, at one instruction set level.
 *
 * Rows are read where they are, in strips of up to eight registers that the sum
 * stays in.  The order of the additions is that of the entries.
 *
 * Cost: 2 n stride flops; bound by the latency of the rows, which are requested AHEAD
 * entries before they are read.
 */
#include "core/isa/spmm.h"

#include "core/isa/kernels.h"

/* rows may lie in memory that is not a kernel's: in an image of a model */
typedef float vu __attribute__((vector_size(4 * VW), may_alias, aligned(4)));

#define AHEAD 12
#define STRIP 8

/* Vectors 0 .. nv - 1 of the sum; y and out point to the strip. */
static inline __attribute__((always_inline)) void
strip_sum(int nv, float *out, const float *y, int stride, const int32_t *idx, const float *value,
		  float scale, int n, int64_t known)
{
	vf sum[STRIP];

	for (int v = 0; v < nv; v++)
		sum[v] = (vf){0};
	for (int k = 0; k < n; k++)
	{
		const vu *row = (const vu *) (y + (size_t) idx[k] * stride);
		float f = value ? scale * value[k] : scale;

		if (k + AHEAD < known)
		{
			const float *soon = y + (size_t) idx[k + AHEAD] * stride;

			for (int c = 0; c < nv * VW; c += 16)
				__builtin_prefetch(soon + c, 0, 3);
		}
		for (int v = 0; v < nv; v++)
			sum[v] += f * (vf) row[v];
	}
	for (int v = 0; v < nv; v++)
		((vf *) out)[v] = sum[v];
}

void
RECO_NAME(reco_spmm_sum)(float *out, const float *y, int stride, const int32_t *idx,
						 const float *value, float scale, int n, int64_t known)
{
	for (int c = 0; c < stride; c += STRIP * VW)
	{
		int left = (stride - c) / VW;

#define CASE(nv)                                                                                   \
	case nv:                                                                                       \
		strip_sum(nv, out + c, y + c, stride, idx, value, scale, n, known);                        \
		break
		switch (left)
		{
			CASE(1);
			CASE(2);
			CASE(3);
			CASE(4);
			CASE(5);
			CASE(6);
			CASE(7);
			default:
				strip_sum(STRIP, out + c, y + c, stride, idx, value, scale, n, known);
				break;
		}
#undef CASE
	}
}
