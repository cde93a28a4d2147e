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

#endif /* RECO_CORE_BASE_SLAB_H */
