/*
 * codes.c
 *	  Upper bounds of many items' scores from eight-bit codes, at one instruction
 *	  set level; what makes them bounds is said in pruned.c.
 *
 * A block holds the codes of 64 items: four components of each item, 32 bits an
 * item, then the next four.  A register of them is VW items, and no sum ever
 * goes across lanes.  Bytes become 16-bit numbers by shifts, the odd and the
 * even ones apart, and one instruction of x86 multiplies two pairs and adds
 * them up in 32 bits; elsewhere they become 32-bit numbers, one of four at a
 * time.  Where the machine has it, an instruction multiplies four pairs of bytes
 * and adds them up, once for either byte of p.  All this is exact.
 *
 * Invariants:
 *	  - codes are -127 .. 127, p -RECO_CODE_MOST .. RECO_CODE_MOST, and |code| |p|
 *		summed up is below 2^31;
 *	  - a bound has at most five roundings on its product's way, three on the rest.
 *
 * Cost: 64 multiply-adds for every 7 instructions of 512 bits, or 3; one pass over
 * the codes.
 */
#include "core/isa/kernels.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

#define GROUP 4 /* registers whose sums are under way together */

typedef int16_t vs __attribute__((vector_size(4 * VW), may_alias));
typedef int32_t viu __attribute__((vector_size(4 * VW), may_alias, aligned(4)));
typedef float vfu __attribute__((vector_size(4 * VW), may_alias, aligned(4)));

#ifdef __SSE2__
/* Adds a[2i] b[2i] + a[2i + 1] b[2i + 1] to lane i. */
static inline vi
multiply_add(vi sum, vs a, vs b)
{
#if VW == 16
	return sum + (vi) _mm512_madd_epi16((__m512i) a, (__m512i) b);
#elif VW == 8
	return sum + (vi) _mm256_madd_epi16((__m256i) a, (__m256i) b);
#else
	return sum + (vi) _mm_madd_epi16((__m128i) a, (__m128i) b);
#endif
}

/* sum + four components of each of VW items */
static inline vi
add_quad(vi sum, vi codes, const int16_t *p)
{
	int32_t pair[2];
	vs bytes = (vs) codes;

	__builtin_memcpy(pair, p, sizeof(pair));
	sum = multiply_add(sum, (bytes << 8) >> 8, (vs) ((vi){0} + pair[0]));
	return multiply_add(sum, bytes >> 8, (vs) ((vi){0} + pair[1]));
}
#else
static inline vi
add_quad(vi sum, vi codes, const int16_t *p)
{
	sum += ((codes << 24) >> 24) * (int32_t) p[0];
	sum += ((codes << 8) >> 24) * (int32_t) p[1];
	sum += ((codes << 16) >> 24) * (int32_t) p[2];
	return sum + (codes >> 24) * (int32_t) p[3];
}
#endif

static inline bool
any(vi mask)
{
	int64_t bits[VD];
	int64_t all = 0;

	__builtin_memcpy(bits, &mask, sizeof(bits));
	for (int l = 0; l < VD; l++)
		all |= bits[l];
	return all != 0;
}

static inline vf
load(const float *p)
{
	return (vf) * (const vfu *) p;
}

/* Bounds of a group's items from their sums; those that reach floor, to hit. */
static inline __attribute__((always_inline)) int32_t
take_group(const reco_code_query *q, const vi *sum, const float *scale, const float *error,
		   const float *bias, float floor, int32_t first, reco_code_hit *hit)
{
	vf bound[GROUP];
	vi wanted = {0};
	int32_t found = 0;

	for (int r = 0; r < GROUP; r++)
	{
		int32_t at = first + r * VW;
		vf rest = bias ? load(bias + at) + q->base : (vf){0} + q->base;

		rest = q->norm * load(error + at) + rest;
		bound[r] = load(scale + at) * (q->unit * __builtin_convertvector(sum[r], vf)) + rest;
		wanted |= bound[r] >= floor;
	}
	if (!any(wanted))
		return 0;
	for (int32_t l = 0; l < GROUP * VW; l++)
	{
		float b = bound[l / VW][l % VW];

		/* without a branch: which of them it is cannot be foretold */
		hit[found] = (reco_code_hit){b, first + l};
		found += b >= floor;
	}
	return found;
}

#if VW == 16
/*
 * The same sums from bytes: p is 256 high + low, both signed, and codes less -128 are unsigned, as
 * the instruction wants one side.  What that adds, 128 times the sum of p, is taken off; sums that
 * leave the range of int32 on the way come back.
 */
__attribute__((target("avx512vnni"))) static int32_t
scan_bytes(const reco_code_query *q, const int8_t *code, const float *scale, const float *error,
		   const float *bias, float floor, reco_code_hit *hit)
{
	__m512i sign = _mm512_set1_epi8(INT8_MIN);
	__m512i off = _mm512_set1_epi32((int32_t) (128u * (uint32_t) q->sum));
	__m512i high[GROUP];
	__m512i low[GROUP];
	vi sum[GROUP];

	for (int r = 0; r < GROUP; r++)
		high[r] = low[r] = _mm512_setzero_si512();
	for (int k = 0; k < q->quads; k++)
	{
		__m512i p = _mm512_set1_epi32(q->bytes[2 * k]);
		__m512i rest = _mm512_set1_epi32(q->bytes[2 * k + 1]);

		for (int r = 0; r < GROUP; r++)
		{
			__m512i c = _mm512_xor_si512(
				sign,
				_mm512_loadu_si512(code + 4 * ((size_t) k * RECO_CODE_BLOCK + (size_t) r * VW)));

			high[r] = _mm512_dpbusd_epi32(high[r], c, p);
			low[r] = _mm512_dpbusd_epi32(low[r], c, rest);
		}
	}
	for (int r = 0; r < GROUP; r++)
		sum[r] =
			(vi) _mm512_sub_epi32(_mm512_add_epi32(_mm512_slli_epi32(high[r], 8), low[r]), off);
	return take_group(q, sum, scale, error, bias, floor, 0, hit);
}
#endif

int32_t
RECO_NAME(reco_code_scan)(const reco_code_query *q, const int8_t *code, const float *scale,
						  const float *error, const float *bias, float floor, reco_code_hit *hit)
{
	int32_t found = 0;

#if VW == 16
	if (q->bytes && __builtin_cpu_supports("avx512vnni"))
		return scan_bytes(q, code, scale, error, bias, floor, hit);
#endif
	for (int32_t first = 0; first < RECO_CODE_BLOCK; first += GROUP * VW)
	{
		vi sum[GROUP] = {{0}};

		for (int k = 0; k < q->quads; k++)
		{
			const int8_t *quad = code + 4 * ((size_t) k * RECO_CODE_BLOCK + (size_t) first);

			for (int r = 0; r < GROUP; r++)
				sum[r] = add_quad(sum[r], (vi) * (const viu *) (quad + 4 * r * VW), q->p + 4 * k);
		}
		found += take_group(q, sum, scale, error, bias, floor, first, hit + found);
	}
	return found;
}
