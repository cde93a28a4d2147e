/*
 * dict_state.h
 *	  What a dictionary consists of.
 */
#ifndef RECO_STORE_IDS_DICT_STATE_H
#define RECO_STORE_IDS_DICT_STATE_H

#include "store/ids/ident.h"

/*
 * A dictionary that does not change, in one piece that may lie in a file: each
 * id's datum, or the place of it, by number, and the slots in which ids are looked
 * up.  In a file, nothing is a pointer.
 */
typedef struct FrozenIds
{
	int32 count;
	bool by_value;
	bool direct; /* integers from least on have a slot each */
	int64 least;
	uint64 bytes;
	uint64 slots;  /* how many; of hashes a power of two */
	uint64 number; /* place of int32[slots]: a number and one more, 0 where there is none */
	uint64 datum;  /* place of int64[count]: a value, or a place */
} FrozenIds;

struct IdDict
{
	const IdType *type;
	MemoryContext parent;
	MemoryContext context;
	int32 count;
	int32 slots;
	Datum *ids;
	/* number of each integer id below direct_size, or -1; every such id is here */
	int32 *direct;
	int64 direct_size;
	struct intids_hash *ints; /* one of the two */
	struct anyids_hash *any;
	uint32 probe_hash;       /* hash of the id that is being looked for */
	Datum probe;             /* it stands for number PROBE */
	const FrozenIds *frozen; /* instead of all that: ids that do not change */
	RecoBudget *budget;      /* memory that it may grow within; NULL: that of a call */
	const char *what;
};

/* Less than, equal to or greater than 0, in the order of the type. */
static inline int
id_dict_compare(const IdType *type, Datum a, Datum b)
{
	if (type->integer)
	{
		int64 x = id_to_int64(type, a);
		int64 y = id_to_int64(type, b);

		return (x > y) - (x < y);
	}
	return DatumGetInt32(FunctionCall2Coll((FmgrInfo *) &type->compare, type->collation, a, b));
}

/* Of one that is frozen. */
extern Datum id_dict_frozen_id(const FrozenIds *frozen, int32 number);
extern void id_dict_frozen_prefetch_id(const FrozenIds *frozen, int32 number);
extern int32 id_dict_frozen_find(const IdDict *dict, Datum id);
extern void id_dict_frozen_prefetch(const IdDict *dict, Datum id);

#endif /* RECO_STORE_IDS_DICT_STATE_H */
