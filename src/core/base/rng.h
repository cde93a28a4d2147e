/*
 * rng.h
 *	  A counter-based random generator: every number is a pure function of
 *	  (seed, row, column), so it depends neither on the order in which numbers
 *	  are drawn nor on the number of threads.
 *
 * The mixing function is the finalizer of splitmix64 (Steele, Lea, Flood 2014,
 * "Fast splittable pseudorandom number generators"), applied once to the seed
 * and row and once more to the column.  Cost: a few nanoseconds a number, no
 * libm, hence the same bits on every platform.
 */
#ifndef RECO_CORE_BASE_RNG_H
#define RECO_CORE_BASE_RNG_H

#include <stdint.h>

static inline uint64_t
reco_rng_mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* The key of a row; pass it to the functions below for each of its columns. */
static inline uint64_t
reco_rng_row(uint64_t seed, uint64_t row)
{
	return reco_rng_mix(reco_rng_mix(seed + UINT64_C(0x9e3779b97f4a7c15)) +
						(row + 1) * UINT64_C(0xd1342543de82ef95));
}

/* 64 uniform bits. */
static inline uint64_t
reco_rng_bits(uint64_t row_key, uint64_t column)
{
	return reco_rng_mix(row_key + (column + 1) * UINT64_C(0x9e3779b97f4a7c15));
}

/* Uniform in [0, 1), 53 bits. */
static inline double
reco_rng_uniform(uint64_t row_key, uint64_t column)
{
	return (double) (reco_rng_bits(row_key, column) >> 11) * 0x1p-53;
}

/*
 * Mean 0, variance 1, nearly normal: the standardized sum of the four 16-bit
 * quarters of the bits.  Good for initial factors, not for statistics (its
 * tails end at 3.46).
 */
static inline float
reco_rng_normal(uint64_t row_key, uint64_t column)
{
	uint64_t u = reco_rng_bits(row_key, column);
	int32_t sum = (int32_t) (u & 0xffff) + (int32_t) ((u >> 16) & 0xffff) +
				  (int32_t) ((u >> 32) & 0xffff) + (int32_t) (u >> 48);

	/* each quarter has mean 32767.5 and variance (2^32 - 1) / 12 */
	return (float) (sum - 131070) * (float) (1.7320508075688772 / 65536.0);
}

#endif /* RECO_CORE_BASE_RNG_H */
