/*
 * frozen.h
 *	  A dictionary that does not change, in one piece that may lie in a file.  For dict.c only.
 */
#ifndef RECO_STORE_IDS_FROZEN_H
#define RECO_STORE_IDS_FROZEN_H

#include "store/ids/ident.h"

/* Nothing in it is a pointer. */
typedef struct FrozenIds
{
	int32 count;
	bool by_value;
	bool direct; /* integers from least on have a slot each */
	int64 least;
	uint64 bytes;
	uint64 slots;  /* how many; of hashes a power of two */
	uint64 number; /* place of int32[slots]: a number and one more, 0 where there is none */
	uint64 datum;  /* place of int64[count], by number: a value, or the place of one */
} FrozenIds;

/* Of n ids by number, palloc'd once the budget allows it. */
extern const FrozenIds *frozen_make(const IdType *type, const Datum *id, int32 n,
									RecoBudget *budget, Size *bytes);

/* NULL when it is no such piece of this type. */
extern const FrozenIds *frozen_open(const IdType *type, const void *image, Size bytes);

static inline Datum
frozen_id(const FrozenIds *frozen, int32 number)
{
	const int64 *datum = (const int64 *) ((const char *) frozen + frozen->datum);

	if (frozen->by_value)
		return (Datum) datum[number];
	return PointerGetDatum((const char *) frozen + datum[number]);
}

/* Its number, or -1. */
extern int32 frozen_find(const FrozenIds *frozen, const IdType *type, Datum id);

#endif /* RECO_STORE_IDS_FROZEN_H */
