/*
 * alspass.c
 *	  Single precision loops of the conjugate gradient solver of als.
 *
 * A pass reads the factors of a row's columns where they are, without copying
 * them, four at a time: four dot products, then four scaled additions while the
 * vectors are still in registers or in the first level cache.  It is bound by
 * the memory's latency: rows are requested PREFETCH entries ahead, and factors
 * may be stored in half the space (below).
 *
 * Packed factors: a 32-bit word holds component i (low half) and component
 * i + 16 (high half) of a group of 32, each in bfloat16, the upper half of a
 * float.  The low one is unpacked by a shift, the high one by nothing: the low
 * half is then noise under its last bit, which packing takes into account, so
 * that the word as a float is as near to the component as bfloat16 can be.
 *
 * Cost of a pass: 4 n d flops (2 n d for the curvature alone).
 */
#include "core/isa/kernels.h"

#include <math.h>
#include <string.h>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

/* Entries whose weights are made at a time, on the stack. */
#define CHUNK 256
#define GROUP 4
#define PREFETCH 16

typedef int32_t v16i __attribute__((vector_size(64), may_alias));

/* a and t of n entries of a row, from `first` on; padded with zeros to 16 */
static inline void
chunk_weights(const reco_als_weights *w, const reco_als_row *row, int64_t first, int n,
			  float *restrict a, float *restrict t)
{
	const float *restrict value = row->value ? row->value + first : NULL;
	const int32_t *idx = row->idx + first;

	if (w->implicit && value == NULL)
	{
		for (int k = 0; k < n; k++)
		{
			a[k] = w->alpha;
			t[k] = 1.0f + w->alpha;
		}
	}
	else if (w->implicit)
	{
		float alpha = w->alpha;

		for (int k = 0; k < n; k++)
		{
			float v = alpha * value[k];

			a[k] = fabsf(v);
			t[k] = v > 0 ? 1.0f + v : 0.0f;
		}
	}
	else
	{
		for (int k = 0; k < n; k++)
		{
			a[k] = 1.0f;
			t[k] = (value ? value[k] : 1.0f) - w->mean;
		}
		if (w->bias)
			for (int k = 0; k < n; k++)
				t[k] -= w->bias[idx[k]];
	}
	for (int k = n; k < ((n + 15) & ~15); k++)
		a[k] = t[k] = 0;
}

/* The sums of four vectors. */
static inline v4f
sum4(v16f a, v16f b, v16f c, v16f d)
{
#ifdef __AVX512F__
	__m512 ab = _mm512_add_ps(_mm512_unpacklo_ps((__m512) a, (__m512) b),
							  _mm512_unpackhi_ps((__m512) a, (__m512) b));
	__m512 cd = _mm512_add_ps(_mm512_unpacklo_ps((__m512) c, (__m512) d),
							  _mm512_unpackhi_ps((__m512) c, (__m512) d));
	__m512 s = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
	__m256 h = _mm256_add_ps(_mm512_castps512_ps256(s), _mm512_extractf32x8_ps(s, 1));

	return (v4f) _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
#else
	v16f all[4] = {a, b, c, d};
	v4f q[4];

	for (int g = 0; g < 4; g++)
	{
		v8f half[2];
		v8f h;
		v4f quarter[2];

		memcpy(half, &all[g], sizeof(all[g]));
		h = half[0] + half[1];
		memcpy(quarter, &h, sizeof(h));
		q[g] = quarter[0] + quarter[1];
	}
	{
		typedef int32_t v4i __attribute__((vector_size(16)));
		v4f ab = __builtin_shuffle(q[0], q[1], (v4i){0, 4, 1, 5}) +
				 __builtin_shuffle(q[0], q[1], (v4i){2, 6, 3, 7});
		v4f cd = __builtin_shuffle(q[2], q[3], (v4i){0, 4, 1, 5}) +
				 __builtin_shuffle(q[2], q[3], (v4i){2, 6, 3, 7});

		return __builtin_shuffle(ab, cd, (v4i){0, 1, 4, 5}) +
			   __builtin_shuffle(ab, cd, (v4i){2, 3, 6, 7});
	}
#endif
}

/* Vector c of a row of factors. */
static inline __attribute__((always_inline)) v16f
component(const void *row, int c, bool packed)
{
	if (!packed)
		return ((const v16f *) row)[c];
	else
	{
		v16i word = ((const v16i *) row)[c / 2];

		return (v16f) (c & 1 ? word : word << 16);
	}
}

/*
 * The body of a pass, specialised by constant folding of kind, packed and nv
 * (vectors of a row), when that is not 0.
 */
static inline __attribute__((always_inline)) void
pass_body(reco_als_pass kind, bool packed, int constant_nv, const void *z, int stride,
		  const reco_als_weights *w, const reco_als_row *row, const float *p, float *out,
		  reco_als_sums *sums)
{
	const int nv = constant_nv ? constant_nv : stride / 16;
	const size_t bytes = (size_t) stride * (packed ? 2 : 4);
	const char *base = z;
	v16f local_p[8];
	v16f local_out[8];
	const v16f *vp = (const v16f *) p;
	v16f *vo = (v16f *) out;
	float a[CHUNK] __attribute__((aligned(64)));
	float t[CHUNK] __attribute__((aligned(64)));

	if (constant_nv)
	{
		for (int c = 0; c < nv; c++)
		{
			local_p[c] = vp[c];
			if (kind != RECO_PASS_CURVATURE)
				local_out[c] = vo[c];
		}
		vp = local_p;
		vo = local_out;
	}
	for (int64_t first = 0; first < row->n; first += CHUNK)
	{
		int n = row->n - first < CHUNK ? (int) (row->n - first) : CHUNK;
		const int32_t *idx = row->idx + first;
		int ahead = row->n - first - n < PREFETCH ? n - PREFETCH : n;
		v4f total = {0};

		chunk_weights(w, row, first, n, a, t);
		for (int k = 0; k < n; k += GROUP)
		{
			const char *y[GROUP];
			v16f acc[GROUP];
			v4f s;
			v4f f;
			v4f a4 = *(const v4f *) (a + k);

			if (k < ahead)
				for (int g = 0; g < GROUP; g++)
				{
					const char *soon = base + idx[k + g + PREFETCH] * bytes;

					for (size_t line = 0; line < bytes; line += 64)
						__builtin_prefetch(soon + line, 0, 3);
				}
			if (k + GROUP <= n)
				for (int g = 0; g < GROUP; g++)
					y[g] = base + idx[k + g] * bytes;
			else
				for (int g = 0; g < GROUP; g++)
					y[g] = base + idx[k + g < n ? k + g : n - 1] * bytes;
			for (int g = 0; g < GROUP; g++)
				acc[g] = component(y[g], 0, packed) * vp[0];
			for (int c = 1; c < nv; c++)
				for (int g = 0; g < GROUP; g++)
					acc[g] += component(y[g], c, packed) * vp[c];
			s = sum4(acc[0], acc[1], acc[2], acc[3]);
			if (kind == RECO_PASS_RESIDUAL)
			{
				v4f t4 = *(const v4f *) (t + k);

				f = t4 - a4 * s;
				total -= (t4 + f) * s;
				if (w->implicit)
					total += t4;
				else
					total += t4 * t4;
			}
			else
			{
				f = a4 * s;
				total += f * s;
			}
			if (kind == RECO_PASS_CURVATURE)
				continue;
			for (int c = 0; c < nv; c++)
			{
				v16f o = vo[c];

				for (int g = 0; g < GROUP; g++)
					o += f[g] * component(y[g], c, packed);
				vo[c] = o;
			}
		}
		if (kind == RECO_PASS_RESIDUAL)
		{
			float weight[16] = {0};
			float largest[16] = {0};

			for (int k = 0; k < n; k += 16)
				for (int i = 0; i < 16; i++)
				{
					weight[i] += a[k + i];
					largest[i] = largest[i] >= a[k + i] ? largest[i] : a[k + i];
				}
			for (int i = 0; i < 16; i++)
			{
				sums->weight += weight[i];
				if (!(largest[i] <= sums->largest))
					sums->largest = largest[i];
			}
			for (int g = 0; g < GROUP; g++)
				sums->loss += total[g];
		}
		else
			for (int g = 0; g < GROUP; g++)
				sums->curvature += total[g];
	}
	if (constant_nv && kind != RECO_PASS_CURVATURE)
		for (int c = 0; c < nv; c++)
			((v16f *) out)[c] = vo[c];
}

#define PASS(suffix, packed, nv)                                                                   \
	static void pass_##suffix(reco_als_pass kind, const void *z, int stride,                       \
							  const reco_als_weights *w, const reco_als_row *row, const float *p,  \
							  float *out, reco_als_sums *sums)                                     \
	{                                                                                              \
		if (kind == RECO_PASS_RESIDUAL)                                                            \
			pass_body(RECO_PASS_RESIDUAL, packed, nv, z, stride, w, row, p, out, sums);            \
		else if (kind == RECO_PASS_PRODUCT)                                                        \
			pass_body(RECO_PASS_PRODUCT, packed, nv, z, stride, w, row, p, out, sums);             \
		else                                                                                       \
			pass_body(RECO_PASS_CURVATURE, packed, nv, z, stride, w, row, p, out, sums);           \
	}

PASS(any, false, 0)
PASS(2, false, 2)
PASS(4, false, 4)
PASS(8, false, 8)
PASS(packed_any, true, 0)
PASS(packed_2, true, 2)
PASS(packed_4, true, 4)
PASS(packed_8, true, 8)

void
RECO_NAME(reco_als_pass)(reco_als_pass kind, const void *z, int stride, bool packed,
						 const reco_als_weights *w, const reco_als_row *row, const float *p,
						 float *out, reco_als_sums *sums)
{
	void (*pass)(reco_als_pass kind, const void *z, int stride, const reco_als_weights *w,
				 const reco_als_row *row, const float *p, float *out, reco_als_sums *sums);

	switch (stride)
	{
		case 32:
			pass = packed ? pass_packed_2 : pass_2;
			break;
		case 64:
			pass = packed ? pass_packed_4 : pass_4;
			break;
		case 128:
			pass = packed ? pass_packed_8 : pass_8;
			break;
		default:
			pass = packed ? pass_packed_any : pass_any;
			break;
	}
	pass(kind, z, stride, w, row, p, out, sums);
}

void
RECO_NAME(reco_als_pack)(uint32_t *out, const float *in, int64_t n)
{
	for (int64_t g = 0; g < n; g += 32)
		for (int i = 0; i < 16; i++)
		{
			uint32_t low;
			uint32_t high;

			memcpy(&low, in + g + i, sizeof(low));
			memcpy(&high, in + g + i + 16, sizeof(high));
			/* to nearest; the high word's remainder is what lies below it */
			low = (low + 0x8000) >> 16;
			high = (high - low + 0x8000) & 0xffff0000;
			out[g / 2 + i] = high | low;
		}
}

/* Four rows at a time share the loads of m. */
static inline __attribute__((always_inline)) void
rotate_rows(int group, float *out, int stride_out, const float *in, int stride_in, int n_in,
			const float *m, const float *initial)
{
	for (int c = 0; c < stride_out; c += 16)
	{
		v16f acc[4];
		const float *mc = m + c;

		for (int g = 0; g < group; g++)
			acc[g] = initial ? *(const v16f *) (initial + c) : (v16f){0};
		for (int k = 0; k < n_in; k++)
		{
			v16f mk = *(const v16f *) (mc + (size_t) k * stride_out);

			for (int g = 0; g < group; g++)
				acc[g] += in[(size_t) g * stride_in + k] * mk;
		}
		for (int g = 0; g < group; g++)
			*(v16f *) (out + (size_t) g * stride_out + c) = acc[g];
	}
}

void
RECO_NAME(reco_rotate)(float *out, int stride_out, const float *in, int stride_in, int64_t rows,
					   int n_in, const float *m, const float *initial)
{
	int64_t r = 0;

	for (; r + 4 <= rows; r += 4)
		rotate_rows(4, out + (size_t) r * stride_out, stride_out, in + (size_t) r * stride_in,
					stride_in, n_in, m, initial);
	for (; r < rows; r++)
		rotate_rows(1, out + (size_t) r * stride_out, stride_out, in + (size_t) r * stride_in,
					stride_in, n_in, m, initial);
}
