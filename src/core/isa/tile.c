/*
 * tile.c
 *	  Products of square tiles in float4, at one instruction set level.
 *
 * A packed factor lies in panels: of ROWS rows on the left, of COLS on the right, each with all
 * its rows' first numbers, then all their second ones, and so on.  A ROWS x COLS block of the
 * product then stays in registers while two panels are read once from end to end.  (The serial
 * OpenBLAS that a backend links may not be called on several threads; see dense.c.)
 *
 * Cost: 2 RECO_TILE^3 flops a product, some nine tenths of what the processor can do; a pack is a
 * hundredth of that.
 */
#include "core/isa/tile.h"

#include "core/isa/kernels.h"

/* A block in registers: 12 x 2 of 32, or 6 x 2 of 16. */
#define ROWS (VW == 16 ? 12 : 6)
#define VECTORS 2
#define COLS (VECTORS * VW)

void
RECO_NAME(reco_tile_pack)(float *out, const float *tile, bool transposed, bool left)
{
	int size = left ? ROWS : COLS;
	int row = transposed ? 1 : RECO_TILE;
	int col = transposed ? RECO_TILE : 1;

	for (int panel = 0; panel < RECO_TILE; panel += size)
		for (int k = 0; k < RECO_TILE; k++)
			for (int r = 0; r < size; r++)
				*out++ = tile[(size_t) (panel + r) * row + (size_t) k * col];
}

/* One block of c. */
static inline void
update_block(float *c, const float *left, const float *right)
{
	vf sum[ROWS][VECTORS];

	/* c comes from memory, a row a cache line or two, while the sums are made */
#pragma GCC unroll 12
	for (int r = 0; r < ROWS; r++)
		for (int v = 0; v < VECTORS; v++)
			__builtin_prefetch(c + (size_t) r * RECO_TILE + v * VW, 1);
#pragma GCC unroll 12
	for (int r = 0; r < ROWS; r++)
		for (int v = 0; v < VECTORS; v++)
			sum[r][v] = (vf){0};
	for (int k = 0; k < RECO_TILE; k++)
	{
		vf x[VECTORS];

		for (int v = 0; v < VECTORS; v++)
			x[v] = *(const vf *) (right + (size_t) k * COLS + v * VW);
#pragma GCC unroll 12
		for (int r = 0; r < ROWS; r++)
			for (int v = 0; v < VECTORS; v++)
				sum[r][v] += left[k * ROWS + r] * x[v];
	}
#pragma GCC unroll 12
	for (int r = 0; r < ROWS; r++)
		for (int v = 0; v < VECTORS; v++)
			*(vf *) (c + (size_t) r * RECO_TILE + v * VW) -= sum[r][v];
}

void
RECO_NAME(reco_tile_update)(float *c, const float *left, const float *right)
{
	for (int j = 0; j < RECO_TILE; j += COLS)
		for (int i = 0; i < RECO_TILE; i += ROWS)
			update_block(c + (size_t) i * RECO_TILE + j, left + (size_t) i * RECO_TILE,
						 right + (size_t) j * RECO_TILE);
}
