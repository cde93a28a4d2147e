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

#if VW > 4
#include <immintrin.h>
#endif

/* Entries whose weights are made at a time, on the stack. */
#define CHUNK 256
#define GROUP 4
#define PREFETCH 16

/*
 * Of n entries of a row, from `first` on: a, and what the score is to be; padded
 * with zeros to 16.
 */
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
			t[k] = 1.0f;
		}
	}
	else if (w->implicit)
	{
		float alpha = w->alpha;

		for (int k = 0; k < n; k++)
		{
			float v = alpha * value[k];

			a[k] = fabsf(v);
			t[k] = value[k] > 0 ? 1.0f : 0.0f;
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
sum4(vf a, vf b, vf c, vf d)
{
#if VW == 16
	__m512 ab = _mm512_add_ps(_mm512_unpacklo_ps((__m512) a, (__m512) b),
							  _mm512_unpackhi_ps((__m512) a, (__m512) b));
	__m512 cd = _mm512_add_ps(_mm512_unpacklo_ps((__m512) c, (__m512) d),
							  _mm512_unpackhi_ps((__m512) c, (__m512) d));
	__m512 s = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
	__m256 h = _mm256_add_ps(_mm512_castps512_ps256(s), _mm512_extractf32x8_ps(s, 1));

	return (v4f) _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
#elif VW == 8
	__m256 h = _mm256_hadd_ps(_mm256_hadd_ps((__m256) a, (__m256) b),
							  _mm256_hadd_ps((__m256) c, (__m256) d));

	return (v4f) _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
#else
	v4f ab = __builtin_shuffle(a, b, (vi){0, 4, 1, 5}) + __builtin_shuffle(a, b, (vi){2, 6, 3, 7});
	v4f cd = __builtin_shuffle(c, d, (vi){0, 4, 1, 5}) + __builtin_shuffle(c, d, (vi){2, 6, 3, 7});

	return __builtin_shuffle(ab, cd, (vi){0, 1, 4, 5}) +
		   __builtin_shuffle(ab, cd, (vi){2, 3, 6, 7});
#endif
}

/* Components VW c .. VW c + VW - 1 of a row of factors. */
static inline __attribute__((always_inline)) vf
component(const void *row, int c, bool packed)
{
	if (!packed)
		return ((const vf *) row)[c];
	else
	{
		const int half = 16 / VW;
		vi word = ((const vi *) row)[c / (2 * half) * half + c % half];

		return (vf) (c / half % 2 ? word : word << 16);
	}
}

/* Adds a chunk's weights to the sums. */
static inline void
sum_weights(const float *a, int n, reco_als_sums *sums)
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
}

/* Four dot products with p. */
static inline __attribute__((always_inline)) v4f
scores(const char *const *y, const vf *p, int nv, bool packed)
{
	vf acc[GROUP];

	for (int g = 0; g < GROUP; g++)
		acc[g] = component(y[g], 0, packed) * p[0];
	for (int c = 1; c < nv; c++)
		for (int g = 0; g < GROUP; g++)
			acc[g] += component(y[g], c, packed) * p[c];
	return sum4(acc[0], acc[1], acc[2], acc[3]);
}

/* out += the sum of f y */
static inline __attribute__((always_inline)) void
accumulate(vf *out, const char *const *y, v4f f, int nv, bool packed)
{
	for (int c = 0; c < nv; c++)
	{
		vf o = out[c];

		for (int g = 0; g < GROUP; g++)
			o += f[g] * component(y[g], c, packed);
		out[c] = o;
	}
}

/* Requests the rows of the next entries but PREFETCH. */
static inline __attribute__((always_inline)) void
request(const char *base, const int32_t *idx, size_t bytes)
{
	for (int g = 0; g < GROUP; g++)
	{
		const char *soon = base + idx[g + PREFETCH] * bytes;

#pragma GCC unroll 8
		for (size_t line = 0; line < bytes; line += 64)
			__builtin_prefetch(soon + line, 0, 3);
	}
}

/* The rows of a group of entries; the last one's again where there are no more. */
static inline __attribute__((always_inline)) void
rows_of_group(const char **y, const char *base, const int32_t *idx, int k, int n, size_t bytes)
{
	if (k + GROUP <= n)
		for (int g = 0; g < GROUP; g++)
			y[g] = base + idx[k + g] * bytes;
	else
		for (int g = 0; g < GROUP; g++)
			y[g] = base + idx[k + g < n ? k + g : n - 1] * bytes;
}

/* f = t - a s, with c (p - s)^2 - s^2 to *total, without large terms that cancel. */
static inline __attribute__((always_inline)) v4f
residual(bool implicit, v4f a, v4f p, v4f s, v4f *total)
{
	v4f miss = p - s;
	v4f f;

	if (implicit)
	{
		f = p + a * miss;
		*total += miss * f - p * s;
	}
	else
	{
		/* 0 where an entry only fills a group */
		f = a * miss;
		*total += miss * f;
	}
	return f;
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
	const int nv = constant_nv ? constant_nv : stride / VW;
	const size_t bytes = (size_t) nv * VW * (packed ? 2 : 4);
	const char *base = z;
	vf local_p[128 / VW];
	vf local_out[128 / VW];
	const vf *vp = (const vf *) p;
	vf *vo = (vf *) out;
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
		int64_t ahead = row->n - first - PREFETCH - GROUP + 1;
		v4f total = {0};
		v4f pull = {0};

		chunk_weights(w, row, first, n, a, t);
		for (int k = 0; k < n; k += GROUP)
		{
			const char *y[GROUP];
			v4f s;
			v4f f;
			v4f a4 = *(const v4f *) (a + k);

			if (k < ahead)
				request(base, idx + k, bytes);
			rows_of_group(y, base, idx, k, n, bytes);
			s = scores(y, vp, nv, packed);
			if (kind == RECO_PASS_RESIDUAL)
			{
				f = residual(w->implicit, a4, *(const v4f *) (t + k), s, &total);
				pull += f * f;
			}
			else
			{
				f = a4 * s;
				total += f * s;
			}
			if (kind != RECO_PASS_CURVATURE)
				accumulate(vo, y, f, nv, packed);
		}
		if (kind == RECO_PASS_RESIDUAL)
		{
			sum_weights(a, n, sums);
			for (int g = 0; g < GROUP; g++)
			{
				sums->loss += total[g];
				sums->pull += pull[g];
			}
		}
		else
			for (int g = 0; g < GROUP; g++)
				sums->curvature += total[g];
	}
	if (constant_nv && kind != RECO_PASS_CURVATURE)
		for (int c = 0; c < nv; c++)
			((vf *) out)[c] = vo[c];
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
PASS(32, false, 32 / VW)
PASS(64, false, 64 / VW)
PASS(128, false, 128 / VW)
PASS(packed_any, true, 0)
PASS(packed_32, true, 32 / VW)
PASS(packed_64, true, 64 / VW)
PASS(packed_128, true, 128 / VW)

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
			pass = packed ? pass_packed_32 : pass_32;
			break;
		case 64:
			pass = packed ? pass_packed_64 : pass_64;
			break;
		case 128:
			pass = packed ? pass_packed_128 : pass_128;
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
			uint32_t size;

			memcpy(&low, in + g + i, sizeof(low));
			memcpy(&high, in + g + i + 16, sizeof(high));
			/*
			 * To nearest, where the remainder of the high component is the low
			 * word; and no high component below the normal numbers, which
			 * would be slow to multiply.
			 */
			low = (low + 0x8000) >> 16;
			size = high & 0x7fffffff;
			size = size < 0x00810000 ? 0x00800000 : (size - low + 0x8000) & 0x7fff0000;
			high = (high & 0x80000000) | size;
			out[g / 2 + i] = high | low;
		}
}
