/*
 * bits.c
 *	  How many of a set of bit strings have each bit: a sum in bit slices, at one
 *	  instruction set level.
 *
 * Plane p holds bit p of all 512 counters of a block.  Eight strings at a time
 * go through carry-save adders (Harley and Seal's tree) into the planes 1, 2 and
 * 4; what carries out of them is added to the higher planes.
 *
 * Cost: some six logical operations on 512 bits a string, and at the end one
 * shift a counter and plane.
 */
#include "core/isa/kernels.h"

typedef uint64_t block __attribute__((vector_size(64), may_alias));

#define PLANES 32

/* a + b + *low: the sum's low bits in *low, the carries returned */
static inline block
add3(block *low, block a, block b)
{
	block u = a ^ *low;
	block carry = (a & *low) | (u & b);

	*low = u ^ b;
	return carry;
}

static inline block
bits_of(const uint64_t *bits, int words, int32_t string)
{
	return *(const block *) (bits + (size_t) string * (size_t) words);
}

/* Adds the counters of a block to count[512]. */
static void
unfold(const block *plane, int planes, int32_t *count)
{
	for (int w = 0; w < 8; w++)
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

/* Adds n strings, each `shift` planes up, to the counters of a block. */
static inline __attribute__((always_inline)) void
add_term(const reco_bit_term *term, const uint64_t *column, int words, int32_t empty, int planes,
		 block *plane)
{
	block *from = plane + term->shift;

	for (int32_t s = 0; s < term->n; s += 8)
	{
		int32_t k[8];
		block twos[4];
		block carry;

		for (int l = 0; l < 8; l++)
			k[l] = s + l < term->n ? term->string[s + l] : empty;
		for (int l = 0; l < 4; l++)
			twos[l] = add3(&from[0], bits_of(column, words, k[2 * l]),
						   bits_of(column, words, k[2 * l + 1]));
		carry = add3(&from[1], twos[0], twos[1]);
		carry = add3(&from[2], carry, add3(&from[1], twos[2], twos[3]));
		for (int p = term->shift + 3; p < planes; p++)
		{
			block next = plane[p] & carry;

			plane[p] ^= carry;
			carry = next;
		}
	}
}

void
RECO_NAME(reco_bit_sums)(const reco_bit_term *term, int terms, int words, int32_t empty,
						 int32_t *count)
{
	int planes = 4;
	int64_t largest = 0;

	for (int t = 0; t < terms; t++)
	{
		largest += (int64_t) term[t].n << term[t].shift;
		planes = planes < term[t].shift + 4 ? term[t].shift + 4 : planes;
	}
	while (planes < PLANES && (largest >> planes) > 0)
		planes++;
	for (int w = 0; w < words; w += 8)
	{
		block plane[PLANES] = {{0}};

		for (int t = 0; t < terms; t++)
			add_term(&term[t], term[t].bits + w, words, empty, planes, plane);
		unfold(plane, planes, count + 64 * w);
	}
}
