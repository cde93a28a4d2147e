/*
 * slab.h
 *	  Several arrays in one block of memory, each on a cache line.
 */
#ifndef RECO_CORE_BASE_SLAB_H
#define RECO_CORE_BASE_SLAB_H

#include "core/base/env.h"

/* Bytes that an array takes of a slab, so that the next one is aligned. */
static inline size_t
reco_room(size_t bytes)
{
	return (bytes + RECO_ALIGN - 1) / RECO_ALIGN * RECO_ALIGN;
}

/* Takes the next array from a slab. */
static inline void *
reco_take(char **slab, size_t bytes)
{
	void *p = *slab;

	*slab += reco_room(bytes);
	return p;
}

/* Where the next array of a block lies, as an offset; *bytes: how long the block is so far. */
static inline uint64_t
reco_place(uint64_t *bytes, uint64_t more)
{
	uint64_t at = *bytes;

	*bytes += reco_room(more);
	return at;
}

/* FNV-1a, of headers of blocks that are written to files. */
static inline uint64_t
reco_checksum(const void *bytes, size_t n)
{
	const unsigned char *byte = bytes;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
	return hash;
}

#endif /* RECO_CORE_BASE_SLAB_H */
