/*
 * bits.c
 *	  How many of a set of bit strings have each bit: a sum in bit slices, at one
 *	  instruction set level.
 *
 * Plane p holds bit p of all 512 counters of a block.  32 strings at a time go
 * through carry-save adders (Harley and Seal's tree) into five accumulators that
 * stay in registers; only what carries out of them is added to the planes.
 *
 * Cost: one load and some two (AVX-512) to five logical operations on 512 bits a
 * string, and at the end one shift a counter and plane.
 */
#include "core/isa/kernels.h"

#ifdef __AVX512F__
#include <immintrin.h>
#endif

typedef uint64_t block __attribute__((vector_size(64), may_alias));

#define PLANES 32
/* Accumulators: the bits of up to 32 - 1. */
#define LEVELS 5
#define MAX_DIGITS RECO_BIT_DIGITS

/* a + b + *low: the sum's low bits in *low, the carries returned */
static inline __attribute__((always_inline)) block
add3(block *low, block a, block b)
{
	block c = *low;

#ifdef __AVX512F__
	*low = (block) _mm512_ternarylogic_epi64((__m512i) a, (__m512i) b, (__m512i) c, 0x96);
	return (block) _mm512_ternarylogic_epi64((__m512i) a, (__m512i) b, (__m512i) c, 0xe8);
#else
	block u = a ^ c;

	*low = u ^ b;
	return (a & c) | (u & b);
#endif
}

/* Adds 2, 8 and 32 blocks to the accumulators, which lets their carry out. */
static inline __attribute__((always_inline)) block
sum2(block *sum, const uint64_t *bits, size_t stride, const int32_t *string)
{
	return add3(&sum[0], *(const block *) (bits + (size_t) string[0] * stride),
				*(const block *) (bits + (size_t) string[1] * stride));
}

static inline __attribute__((always_inline)) block
sum8(block *sum, const uint64_t *bits, size_t stride, const int32_t *string)
{
	block a = sum2(sum, bits, stride, string);
	block b = add3(&sum[1], a, sum2(sum, bits, stride, string + 2));

	a = sum2(sum, bits, stride, string + 4);
	a = add3(&sum[1], a, sum2(sum, bits, stride, string + 6));
	return add3(&sum[2], b, a);
}

static inline __attribute__((always_inline)) block
sum32(block *sum, const uint64_t *bits, size_t stride, const int32_t *string)
{
	block a = sum8(sum, bits, stride, string);
	block b = add3(&sum[3], a, sum8(sum, bits, stride, string + 8));

	a = sum8(sum, bits, stride, string + 16);
	a = add3(&sum[3], a, sum8(sum, bits, stride, string + 24));
	return add3(&sum[4], b, a);
}

/* Adds a carry to the planes from p on. */
static inline void
add_carry(block *plane, int p, int planes, block carry)
{
	for (; p < planes; p++)
	{
		block next = plane[p] & carry;

		plane[p] ^= carry;
		carry = next;
	}
}

/* Adds the counters of a block to count[512]. */
static void
unfold(const block *plane, int planes, int32_t *count)
{
	for (int w = 0; w < RECO_BIT_WORDS; w++)
		for (int p = 0; p < planes; p++)
		{
			uint64_t word = plane[p][w];

			if (word == 0)
				continue;
			for (int half = 0; half < 2; half++)
			{
				uint32_t bits = (uint32_t) (word >> (32 * half));
				int32_t *to = count + 64 * w + 32 * half;

				for (int b = 0; b < 32; b++)
					to[b] += (int32_t) ((bits >> b) & 1) << p;
			}
		}
}

/* Adds one block of the digits of a term's strings to the planes. */
static inline __attribute__((always_inline)) void
add_term(const reco_bit_term *term, const uint64_t *bits, int digits, int32_t empty, int planes,
		 block *plane)
{
	size_t stride = (size_t) digits * RECO_BIT_WORDS;
	block sum[MAX_DIGITS][LEVELS] = {{{0}}};
	block zero = {0};
	int32_t s = 0;

	for (; s + 32 <= term->n; s += 32)
	{
		int32_t ahead = term->n - s - 32 < 32 ? term->n - s - 32 : 32;

		for (int32_t k = 0; k < ahead; k++)
			for (int g = 0; g < digits; g++)
				__builtin_prefetch(bits + (size_t) term->string[s + 32 + k] * stride +
								   g * RECO_BIT_WORDS);
		for (int g = 0; g < digits; g++)
			add_carry(plane, term->shift + g + LEVELS, planes,
					  sum32(sum[g], bits + g * RECO_BIT_WORDS, stride, term->string + s));
	}
	for (; s < term->n; s += 8)
	{
		int32_t last[8];

		for (int l = 0; l < 8; l++)
			last[l] = s + l < term->n ? term->string[s + l] : empty;
		for (int g = 0; g < digits; g++)
		{
			block carry = sum8(sum[g], bits + g * RECO_BIT_WORDS, stride, last);

			carry = add3(&sum[g][3], carry, zero);
			carry = add3(&sum[g][4], carry, zero);
			add_carry(plane, term->shift + g + LEVELS, planes, carry);
		}
	}
	for (int g = 0; g < digits; g++)
	{
		block carry = zero;

		for (int p = 0; p < LEVELS; p++)
			carry = add3(&plane[term->shift + g + p], sum[g][p], carry);
		add_carry(plane, term->shift + g + LEVELS, planes, carry);
	}
}

/* The number of digits a constant of the loops. */
static void
add_digits(const reco_bit_term *term, const uint64_t *bits, int digits, int32_t empty, int planes,
		   block *plane)
{
	switch (digits)
	{
		case 1:
			add_term(term, bits, 1, empty, planes, plane);
			break;
		case 2:
			add_term(term, bits, 2, empty, planes, plane);
			break;
		case 3:
			add_term(term, bits, 3, empty, planes, plane);
			break;
		default:
			add_term(term, bits, MAX_DIGITS, empty, planes, plane);
			break;
	}
}

void
RECO_NAME(reco_bit_sums)(const uint64_t *bits, int digits, const reco_bit_term *term, int terms,
						 int blocks, int32_t empty, int32_t *count)
{
	int planes = LEVELS;
	int64_t largest = 0;

	for (int t = 0; t < terms; t++)
	{
		int above = term[t].shift + digits - 1;

		largest += (int64_t) term[t].n << (above + 1);
		planes = planes < above + LEVELS ? above + LEVELS : planes;
	}
	while (planes < PLANES && (largest >> planes) > 0)
		planes++;
	for (int b = 0; b < blocks; b++)
	{
		block plane[PLANES] = {{0}};
		size_t strings = (size_t) b * ((size_t) empty + 1);

		for (int t = 0; t < terms; t++)
			add_digits(&term[t], bits + strings * (size_t) digits * RECO_BIT_WORDS, digits, empty,
					   planes, plane);
		unfold(plane, planes, count + RECO_BIT_BLOCK * b);
	}
}
