/*
 * dict_frozen.c
 *	  Dictionaries that do not change, in one piece that may lie in a file.
 *
 * Ids are found by their hash, in slots of which half are empty.  Integers that lie close together,
 * as those of a serial column do, have a slot each instead.  Hashes are those of the server's own
 * operator classes, so that such a piece is for this server alone.
 *
 * Cost: a look-up is a hash and one or two comparisons, or one slot.
 */
#include "store/ids/dict_state.h"
#include "store/ids/image.h"

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/datum.h"
#include "utils/memutils.h"

Datum
id_dict_frozen_id(const FrozenIds *frozen, int32 number)
{
	const int64 *datum = (const int64 *) ((const char *) frozen + frozen->datum);

	if (frozen->by_value)
		return (Datum) datum[number];
	return PointerGetDatum((const char *) frozen + datum[number]);
}

void
id_dict_frozen_prefetch_id(const FrozenIds *frozen, int32 number)
{
	__builtin_prefetch((const char *) frozen + frozen->datum + number * sizeof(int64));
}

/* What an id is looked for by: itself, or a copy in one piece. */
static inline Datum
probe_of(const IdType *type, Datum id)
{
	return type->image ? id_image(type, id) : id;
}

static inline uint32
hash_of(const IdType *type, Datum probe)
{
	if (type->integer)
		return (uint32) (((uint64) id_to_int64(type, probe) * UINT64CONST(0x9E3779B97F4A7C15)) >>
						 32);
	if (type->image)
		return id_image_hash(type, probe);
	return DatumGetUInt32(FunctionCall1Coll((FmgrInfo *) &type->hash, type->collation, probe));
}

static inline bool
are_equal(const IdType *type, Datum a, Datum b)
{
	if (type->integer)
		return id_to_int64(type, a) == id_to_int64(type, b);
	if (type->image)
		return id_image_equal(type, a, b);
	return DatumGetBool(FunctionCall2Coll((FmgrInfo *) &type->equal, type->collation, a, b));
}

/* By the top bits of the hash: in those of an integer's product all its bits have a part. */
static inline uint64
first_slot(const FrozenIds *frozen, uint32 hash)
{
	return ((uint64) hash * frozen->slots) >> 32;
}

/* The slot of an integer that has its own; of one that has none, beyond them. */
static inline uint64
direct_slot(const FrozenIds *frozen, const IdType *type, Datum id)
{
	int64 key = id_to_int64(type, id);

	return key < frozen->least ? frozen->slots : (uint64) key - (uint64) frozen->least;
}

/* Each id's number, at its hash or in the next slot that is free. */
static void
fill_slots(const FrozenIds *frozen, const IdType *type, const Datum *id, int32 *number)
{
	uint64 mask = frozen->slots - 1;
	uint64 steps = 0;

	for (int32 k = 0; frozen->direct && k < frozen->count; k++)
	{
		RECO_POLL_AT(k);
		number[direct_slot(frozen, type, id[k])] = k + 1;
	}
	for (int32 k = 0; !frozen->direct && k < frozen->count; k++)
	{
		Datum probe = probe_of(type, id[k]);
		uint64 at = first_slot(frozen, hash_of(type, probe));

		for (; number[at] != 0; at = (at + 1) & mask)
			RECO_POLL_AT(++steps);
		RECO_POLL_EACH(++steps, RECO_SEARCHES);
		number[at] = k + 1;
		if (probe != id[k])
			pfree(DatumGetPointer(probe));
	}
}

/* Whether integers from the least to the largest are no more than the slots. */
static bool
lie_close(const IdType *type, const Datum *id, int32 n, uint64 *slots, int64 *least)
{
	int64 most = PG_INT64_MIN;

	*least = PG_INT64_MAX;
	for (int32 k = 0; type->integer && k < n; k++)
	{
		int64 key = id_to_int64(type, id[k]);

		RECO_POLL_AT(k);
		*least = Min(*least, key);
		most = Max(most, key);
	}
	if (!type->integer || n == 0 || (uint64) most - (uint64) *least >= *slots)
		return false;
	*slots = (uint64) most - (uint64) *least + 1;
	return true;
}

static void
fill_ids(FrozenIds *frozen, const IdType *type, const Datum *id)
{
	int64 *datums = (int64 *) ((char *) frozen + frozen->datum);
	Size at = frozen->datum + frozen->count * sizeof(int64);

	for (int32 k = 0; k < frozen->count; k++)
	{
		RECO_POLL_EACH(k, RECO_SEARCHES);
		if (type->typbyval)
			datums[k] = (int64) id[k];
		else
		{
			Size size = datumGetSize(id[k], false, type->typlen);

			memcpy((char *) frozen + at, DatumGetPointer(id[k]), size);
			datums[k] = (int64) at;
			at += MAXALIGN(size);
		}
	}
}

const void *
id_dict_freeze(IdDict *dict, RecoBudget *budget, Size *bytes)
{
	const IdType *type = dict->type;
	int32 n = dict->count;
	uint64 slots = pg_nextpower2_64(2 * (uint64) Max(n, 1));
	int64 least;
	bool direct = lie_close(type, dict->ids, n, &slots, &least);
	Size number = MAXALIGN(sizeof(FrozenIds));
	Size datum = number + MAXALIGN(slots * sizeof(int32));
	FrozenIds *frozen;

	*bytes = datum + n * sizeof(int64);
	for (int32 k = 0; k < n && !type->typbyval; k++)
	{
		RECO_POLL_EACH(k, RECO_SEARCHES);
		*bytes += MAXALIGN(datumGetSize(dict->ids[k], false, type->typlen));
	}
	reco_budget_require(budget, *bytes, "serving");
	frozen =
		MemoryContextAllocExtended(CurrentMemoryContext, *bytes, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	*frozen = (FrozenIds){n, type->typbyval, direct, least, *bytes, slots, number, datum};
	fill_ids(frozen, type, dict->ids);
	fill_slots(frozen, type, dict->ids, (int32 *) ((char *) frozen + number));
	return frozen;
}

IdDict *
id_dict_frozen(MemoryContext parent, const IdType *type, const void *image, Size bytes)
{
	const FrozenIds *frozen = image;
	IdDict *dict;

	if (image == NULL || bytes < sizeof(FrozenIds) || frozen->bytes != bytes || frozen->count < 0 ||
		frozen->by_value != type->typbyval || (frozen->direct && !type->integer))
		return NULL;
	if (frozen->datum > bytes || (uint64) frozen->count > (bytes - frozen->datum) / sizeof(int64) ||
		frozen->number > bytes || frozen->slots > (bytes - frozen->number) / sizeof(int32))
		return NULL;
	if (!frozen->direct &&
		(frozen->slots <= (uint64) frozen->count || (frozen->slots & (frozen->slots - 1)) != 0 ||
		 frozen->slots > UINT64CONST(1) << 32))
		return NULL;
	dict = MemoryContextAllocZero(parent, sizeof(IdDict));
	dict->type = type;
	dict->context = parent;
	dict->count = frozen->count;
	dict->frozen = frozen;
	return dict;
}

void
id_dict_frozen_prefetch(const IdDict *dict, Datum id)
{
	const FrozenIds *frozen = dict->frozen;
	const IdType *type = dict->type;
	const int32 *numbers = (const int32 *) ((const char *) frozen + frozen->number);
	uint64 at;

	if (!type->integer)
		return;
	at = frozen->direct ? direct_slot(frozen, type, id) : first_slot(frozen, hash_of(type, id));
	if (at < frozen->slots)
		__builtin_prefetch(numbers + at);
}

int32
id_dict_frozen_find(const IdDict *dict, Datum id)
{
	const FrozenIds *frozen = dict->frozen;
	const IdType *type = dict->type;
	const int32 *numbers = (const int32 *) ((const char *) frozen + frozen->number);
	uint64 mask = frozen->slots - 1;
	uint64 at;
	Datum probe;
	int32 number;

	if (frozen->direct)
	{
		at = direct_slot(frozen, type, id);
		number = at < frozen->slots ? numbers[at] - 1 : -1;
		return number < frozen->count ? number : -1;
	}
	probe = probe_of(type, id);
	at = first_slot(frozen, hash_of(type, probe));
	/* some slot is empty */
	for (uint64 steps = 1; (number = numbers[at] - 1) >= 0; at = (at + 1) & mask)
	{
		if (number >= frozen->count || steps > frozen->slots)
		{
			number = -1;
			break;
		}
		if (are_equal(type, id_dict_frozen_id(frozen, number), probe))
			break;
		RECO_POLL_EACH(steps++, RECO_SEARCHES);
	}
	if (probe != id)
		pfree(DatumGetPointer(probe));
	return number;
}
