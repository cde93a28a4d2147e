/*
 * tile.h
 *	  Products of square tiles in float4 at each instruction set level; see core/linear/inverse.h.
 */
#ifndef RECO_CORE_ISA_TILE_H
#define RECO_CORE_ISA_TILE_H

#include "core/isa/isa.h"

/* Rows and columns of a tile: a multiple of 12, of 6 and of 32. */
#define RECO_TILE 192
#define RECO_TILE_SIZE ((size_t) RECO_TILE * RECO_TILE)

/*
 * Tiles are row by row, on a cache line.
 *
 *	 pack	a tile, or its transpose, as a factor of a product: on the left or on the right
 *	 update	c -= left right', of two packed tiles; in place
 */
#define RECO_TILE_LEVEL(level)                                                                     \
	extern void reco_tile_pack_##level(float *out, const float *tile, bool transposed, bool left); \
	extern void reco_tile_update_##level(float *c, const float *left, const float *right)

RECO_TILE_LEVEL(base);
#ifdef __x86_64__
RECO_TILE_LEVEL(v3);
RECO_TILE_LEVEL(v4);
#endif

#endif /* RECO_CORE_ISA_TILE_H */
