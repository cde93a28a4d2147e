/*
 * inverse.h
 *	  Inverse of a large symmetric positive definite matrix, in float4.
 *
 * The matrix is swept (Beaton 1964; Goodnight 1979): with D the block on the diagonal of some
 * rows k and V what is beside it, all other elements become A - V D^-1 V', those of V become
 * V D^-1, and D becomes -D^-1.  After all blocks the matrix is minus its inverse.  Each step is
 * one symmetric update by products of equal tiles that do not depend on each other, which is as
 * many flops as a Cholesky factor and the inverse from it, but has no order to be kept among the
 * threads.  For positive definite matrices no pivots have to be looked for: what is left of A is
 * a Schur complement, whose elements do not grow.
 *
 * float4, because the matrix is what takes the memory, and the time: half of both.  An error of
 * the inverse is about 1e-7 times the condition of the matrix; so give it a diagonal of ones
 * (scale rows and columns alike), which is within a factor of the best there is.
 */
#ifndef RECO_CORE_LINEAR_INVERSE_H
#define RECO_CORE_LINEAR_INVERSE_H

#include "core/base/env.h"
#include "core/isa/tile.h"

/* The lower triangle in tiles, row by row of tiles; those on the diagonal are whole. */
typedef struct reco_symmetric
{
	int32_t n;
	int32_t blocks; /* rows of tiles: n rounded up, the last rows being those of the identity */
	float *tile;
} reco_symmetric;

static inline float *
reco_symmetric_tile(const reco_symmetric *a, int32_t i, int32_t j)
{
	return a->tile + ((size_t) i * ((size_t) i + 1) / 2 + (size_t) j) * RECO_TILE_SIZE;
}

/* The element of a row and a column that is not after it. */
static inline float *
reco_symmetric_at(const reco_symmetric *a, int32_t row, int32_t col)
{
	return reco_symmetric_tile(a, row / RECO_TILE, col / RECO_TILE) +
		   (size_t) (row % RECO_TILE) * RECO_TILE + col % RECO_TILE;
}

/* All n numbers of some rows, which are of one row of tiles; out has rows of ld. */
extern void reco_symmetric_rows(const reco_symmetric *a, int32_t first, int32_t rows, float *out,
								size_t ld);

/* Bytes of such a matrix; what reco_inverse allocates beside it. */
extern size_t reco_symmetric_memory(int32_t n);
extern size_t reco_inverse_memory(int32_t n);

/* Zeros.  RECO_NO_MEMORY, RECO_STOPPED; nothing is left allocated then. */
extern reco_status reco_symmetric_zeros(const reco_env *env, int32_t n, reco_symmetric *out);
extern void reco_symmetric_free(const reco_env *env, reco_symmetric *a);

/*
 * a, of which what is not above the diagonal counts, becomes *minus* its inverse.  The result has
 * the same bits for any number of threads.  progress, which may be NULL, is called after each of
 * a->blocks steps on the calling thread.
 * Cost: n^3 flops.  RECO_SINGULAR: a pivot is below 1e-6 of its diagonal element (with a diagonal
 * of ones the least eigenvalue is of that size), or something is not finite.  RECO_NO_MEMORY,
 * RECO_STOPPED.
 */
extern reco_status reco_inverse(const reco_env *env, reco_symmetric *a,
								void (*progress)(void *arg, int32_t step), void *arg);

#endif /* RECO_CORE_LINEAR_INVERSE_H */
