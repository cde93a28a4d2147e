/*
 * bits.c
 *	  How many of a set of bit strings have each bit: a sum in bit slices, at one
 *	  instruction set level.
 *
 * Plane p holds bit p of all 512 counters of a block.  32 strings at a time go
 * through carry-save adders (Harley and Seal's tree) into five accumulators, which
 * are in registers meanwhile; only what carries out of them is added to the planes.
 * These 32 are gone through block by block, while the same block of the next 32 is
 * fetched: strings are far apart, but all of a string lies together.
 *
 * Cost: one load and some two (AVX-512) to five logical operations on 512 bits a
 * string, and at the end one shift a counter and plane.
 */
#include "core/isa/kernels.h"

#include <string.h>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

typedef uint64_t block __attribute__((vector_size(64), may_alias));

#define PLANES 32
/* Accumulators: the bits of up to 32 - 1. */
#define LEVELS 5
#define MAX_DIGITS RECO_BIT_DIGITS
/* Strings that go through the tree at a time. */
#define BATCH 32
/* Blocks of a string that are counted side by side. */
#define MOST_BLOCKS 8

typedef struct Strings
{
	const uint64_t *bits; /* of the first string */
	size_t stride;        /* words */
	int32_t empty;
} Strings;

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

/*
 * Adds 2, 8 and 32 blocks, which are `at` words into their strings, to the accumulators, which
 * let their carry out.
 */
static inline __attribute__((always_inline)) block
sum2(block *sum, const uint64_t *const *string, size_t at)
{
	return add3(&sum[0], *(const block *) (string[0] + at), *(const block *) (string[1] + at));
}

static inline __attribute__((always_inline)) block
sum8(block *sum, const uint64_t *const *string, size_t at)
{
	block a = sum2(sum, string, at);
	block b = add3(&sum[1], a, sum2(sum, string + 2, at));

	a = sum2(sum, string + 4, at);
	a = add3(&sum[1], a, sum2(sum, string + 6, at));
	return add3(&sum[2], b, a);
}

static inline __attribute__((always_inline)) block
sum32(block *sum, const uint64_t *const *string, size_t at)
{
	block a = sum8(sum, string, at);
	block b = add3(&sum[3], a, sum8(sum, string + 8, at));

	a = sum8(sum, string + 16, at);
	a = add3(&sum[3], a, sum8(sum, string + 24, at));
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

/* Adds one digit of a block of eight strings. */
static inline __attribute__((always_inline)) block
sum_last(block *sum, const uint64_t *const *string, size_t at)
{
	block zero = {0};
	block carry = sum8(sum, string, at);

	carry = add3(&sum[3], carry, zero);
	return add3(&sum[4], carry, zero);
}

/* Where strings from `from` on are, and how many; behind the last come empty ones. */
static inline int32_t
find_strings(const Strings *s, const reco_bit_term *term, int32_t from, int32_t most,
			 const uint64_t **string)
{
	int32_t n = term->n - from < most ? term->n - from : most;

	for (int32_t k = 0; k < most; k++)
		string[k] =
			s->bits + (size_t) (k < n ? term->string[from + k] : s->empty) * (size_t) s->stride;
	return n;
}

/* Adds the blocks of the digits of a term's strings to the planes. */
static inline __attribute__((always_inline)) void
add_term(const reco_bit_term *term, const Strings *s, int digits, int blocks, int planes,
		 block plane[][PLANES])
{
	block sum[MOST_BLOCKS][MAX_DIGITS][LEVELS];
	const uint64_t *string[2][BATCH];
	int which = 0;
	int32_t from = 0;

	memset(sum, 0, (size_t) blocks * sizeof(sum[0]));
	if (term->n >= BATCH)
		(void) find_strings(s, term, 0, BATCH, string[0]);
	for (; from + BATCH <= term->n; from += BATCH, which = 1 - which)
	{
		const uint64_t *const *now = string[which];
		const uint64_t **next = string[1 - which];
		int32_t ahead = find_strings(s, term, from + BATCH, BATCH, next);

		for (int b = 0; b < blocks; b++)
		{
			size_t at = (size_t) (b * digits) * RECO_BIT_WORDS;

			for (int32_t k = 0; k < ahead; k++)
				for (int g = 0; g < digits; g++)
					__builtin_prefetch(next[k] + at + (size_t) g * RECO_BIT_WORDS);
			for (int g = 0; g < digits; g++)
				add_carry(plane[b], term->shift + g + LEVELS, planes,
						  sum32(sum[b][g], now, at + (size_t) g * RECO_BIT_WORDS));
		}
	}
	for (; from < term->n; from += 8)
	{
		(void) find_strings(s, term, from, 8, string[0]);
		for (int b = 0; b < blocks; b++)
			for (int g = 0; g < digits; g++)
				add_carry(
					plane[b], term->shift + g + LEVELS, planes,
					sum_last(sum[b][g], string[0], (size_t) (b * digits + g) * RECO_BIT_WORDS));
	}
	for (int b = 0; b < blocks; b++)
		for (int g = 0; g < digits; g++)
		{
			block carry = {0};

			for (int p = 0; p < LEVELS; p++)
				carry = add3(&plane[b][term->shift + g + p], sum[b][g][p], carry);
			add_carry(plane[b], term->shift + g + LEVELS, planes, carry);
		}
}

/* The number of digits a constant of the loops. */
static void
add_digits(const reco_bit_term *term, const Strings *s, int digits, int blocks, int planes,
		   block plane[][PLANES])
{
	switch (digits)
	{
		case 1:
			add_term(term, s, 1, blocks, planes, plane);
			break;
		case 2:
			add_term(term, s, 2, blocks, planes, plane);
			break;
		case 3:
			add_term(term, s, 3, blocks, planes, plane);
			break;
		default:
			add_term(term, s, MAX_DIGITS, blocks, planes, plane);
			break;
	}
}

void
RECO_NAME(reco_bit_sums)(const uint64_t *bits, int digits, int width, const reco_bit_term *term,
						 int terms, int blocks, int32_t empty, int32_t *count)
{
	Strings s = {bits, (size_t) (width * digits) * RECO_BIT_WORDS, empty};
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
	for (int from = 0; from < blocks; from += MOST_BLOCKS)
	{
		block plane[MOST_BLOCKS][PLANES];
		int n = blocks - from < MOST_BLOCKS ? blocks - from : MOST_BLOCKS;

		memset(plane, 0, (size_t) n * sizeof(plane[0]));
		s.bits = bits + (size_t) (from * digits) * RECO_BIT_WORDS;
		for (int t = 0; t < terms; t++)
			add_digits(&term[t], &s, digits, n, planes, plane);
		for (int b = 0; b < n; b++)
			unfold(plane[b], planes, count + RECO_BIT_BLOCK * (from + b));
	}
}
