/*
 * dict.c
 *	  Ids, numbered.
 *
 * Numbers follow the type's own order once id_dict_sort has run, so that a tie between
 * items breaks by id and no result depends on the order of the rows.
 *
 * Integers take a path of their own, without function calls: ids from 0 up to a small multiple of
 * their number, the usual case of a serial column, are looked up in an array, all others in a hash
 * table of 16 bytes a slot.  Ids that are bytes (image.h) do without calls as well.
 *
 * Cost: one probe a row; sorting n log n comparisons.
 */
#include "store/ids/dict_state.h"
#include "store/ids/image.h"

#include "access/detoast.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/datum.h"
#include "utils/memutils.h"

typedef struct IntEntry
{
	int64 key;
	int32 number;
	char status;
} IntEntry;

#define SH_PREFIX intids
#define SH_ELEMENT_TYPE IntEntry
#define SH_KEY_TYPE int64
#define SH_KEY key
/* Fibonacci hashing, its top bits first: in these all bits of an id have a part. */
#define HASH_INT(k) pg_bswap32((uint32) (((uint64) (k) *UINT64CONST(0x9E3779B97F4A7C15)) >> 32))
#define SH_HASH_KEY(tb, k) HASH_INT(k)
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct AnyEntry
{
	uint32 hash;
	int32 number;
	char status;
} AnyEntry;

struct anyids_hash;
static inline bool any_equal(struct anyids_hash *table, int32 a, int32 b);

/* The key is a place in the dictionary's array of ids. */
#define SH_PREFIX anyids
#define SH_ELEMENT_TYPE AnyEntry
#define SH_KEY_TYPE int32
#define SH_KEY number
#define SH_HASH_KEY(tb, k) (((IdDict *) (tb)->private_data)->probe_hash)
#define SH_EQUAL(tb, a, b) any_equal(tb, a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, entry) ((entry)->hash)
#define SH_SCOPE static inline
#define SH_DECLARE
#include "lib/simplehash.h"

#define PROBE (-1)

/* The array of small integers may have this many slots for each id. */
#define DIRECT_SHARE 16

static inline Datum
id_at(const IdDict *dict, int32 number)
{
	return number == PROBE ? dict->probe : dict->ids[number];
}

static inline bool
any_equal(struct anyids_hash *table, int32 a, int32 b)
{
	IdDict *dict = ((anyids_hash *) table)->private_data;

	if (dict->type->image)
		return id_image_equal(dict->type, id_at(dict, a), id_at(dict, b));
	return DatumGetBool(FunctionCall2Coll((FmgrInfo *) &dict->type->equal, dict->type->collation,
										  id_at(dict, a), id_at(dict, b)));
}

#define SH_PREFIX anyids
#define SH_ELEMENT_TYPE AnyEntry
#define SH_KEY_TYPE int32
#define SH_KEY number
#define SH_HASH_KEY(tb, k) (((IdDict *) (tb)->private_data)->probe_hash)
#define SH_EQUAL(tb, a, b) any_equal(tb, a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, entry) ((entry)->hash)
#define SH_SCOPE static inline
#define SH_DEFINE
#include "lib/simplehash.h"

IdDict *
id_dict_create(MemoryContext parent, const IdType *type)
{
	MemoryContext context = AllocSetContextCreate(parent, "reco ids", ALLOCSET_DEFAULT_SIZES);
	IdDict *dict = MemoryContextAllocZero(context, sizeof(IdDict));

	dict->type = type;
	dict->parent = parent;
	dict->context = context;
	dict->slots = 1024;
	dict->ids = MemoryContextAlloc(context, dict->slots * sizeof(Datum));
	if (type->integer)
		dict->ints = intids_create(context, 1024, NULL);
	else
		dict->any = anyids_create(context, 1024, dict);
	return dict;
}

void
id_dict_limit(IdDict *dict, RecoBudget *budget, const char *what)
{
	dict->budget = budget;
	dict->what = what;
}

/*
 * An error when the dictionary cannot have so many more bytes.  What doubles its size does
 * so between two looks of whoever fills it.
 */
static void
ask_for(IdDict *dict, Size bytes)
{
	if (dict->budget == NULL)
		reco_context_require(MemoryContextMemAllocated(dict->parent, true), bytes, "serving",
							 "ask for fewer rows");
	else
		reco_budget_require(dict->budget, dict->budget->held ? bytes : id_dict_memory(dict) + bytes,
							dict->what);
}

/* Room for one more id; the array may pass the 1 GB of an ordinary allocation. */
static void
reserve(IdDict *dict)
{
	if (unlikely(dict->count >= RECO_MOST_IDS))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many distinct ids"),
						errdetail("A model holds at most %d users or items.", RECO_MOST_IDS),
						errhint("Have the query leave out those whose rows are old, say.")));
	if (dict->count < dict->slots)
		return;
	ask_for(dict, (Size) dict->slots * 2 * sizeof(Datum));
	dict->slots *= 2;
	dict->ids = repalloc_huge(dict->ids, (Size) dict->slots * sizeof(Datum));
}

/* What the id is looked for by; drop_probe when it is found. */
static inline void
set_probe(IdDict *dict, Datum id)
{
	const IdType *type = dict->type;

	dict->probe = type->image ? id_image(type, id) : id;
	if (type->image)
		dict->probe_hash = id_image_hash(type, dict->probe);
	else
		dict->probe_hash =
			DatumGetUInt32(FunctionCall1Coll((FmgrInfo *) &type->hash, type->collation, id));
}

/* Where an id had to be made whole to be looked for, the copy goes. */
static inline void
drop_probe(IdDict *dict, Datum id)
{
	if (dict->probe != id)
		pfree(DatumGetPointer(dict->probe));
}

/*
 * Makes the array long enough for the id, if it would not be much larger than
 * the ids are many; false otherwise.
 */
static bool
extend_direct(IdDict *dict, int64 key)
{
	int64 size = Max(dict->direct_size, 4096);

	if (key < 0 || key >= DIRECT_SHARE * ((int64) dict->count + 4096))
		return false;
	while (size <= key)
		size *= 2;
	ask_for(dict, size * sizeof(int32));
	if (dict->direct)
		pfree(dict->direct);
	dict->direct = NULL;
	dict->direct_size = 0;
	dict->direct = MemoryContextAllocHuge(dict->context, size * sizeof(int32));
	dict->direct_size = size;
	memset(dict->direct, -1, size * sizeof(int32));
	for (int32 i = 0; i < dict->count; i++)
	{
		int64 other = id_to_int64(dict->type, dict->ids[i]);

		RECO_POLL_AT(i + 1);
		if (other >= 0 && other < size)
			dict->direct[other] = i;
	}
	return true;
}

static int32
add_int(IdDict *dict, Datum id)
{
	int64 key = id_to_int64(dict->type, id);
	IntEntry *entry;
	bool found;

	if ((uint64) key < (uint64) dict->direct_size && dict->direct[key] >= 0)
		return dict->direct[key];
	if ((uint64) key >= (uint64) dict->direct_size)
	{
		entry = intids_lookup(dict->ints, key);
		if (entry)
			return entry->number;
	}
	reserve(dict);
	dict->ids[dict->count] = id;
	if ((uint64) key < (uint64) dict->direct_size || extend_direct(dict, key))
		dict->direct[key] = dict->count;
	else
	{
		if (dict->ints->members >= dict->ints->grow_threshold)
			ask_for(dict, dict->ints->size * 2 * sizeof(IntEntry));
		entry = intids_insert(dict->ints, key, &found);
		entry->number = dict->count;
	}
	return dict->count++;
}

/* A copy of an id, in the dictionary's memory. */
static Datum
keep(IdDict *dict, Datum id)
{
	MemoryContext old;
	Datum copy;

	/* who fills it with a budget of its own looks at what long ids take, every few MB */
	if (dict->type->typlen == -1 && (dict->budget == NULL || dict->budget->held))
		ask_for(dict, toast_raw_datum_size(id));
	old = MemoryContextSwitchTo(dict->context);
	if (dict->type->typbyval)
		copy = id;
	else if (dict->type->typlen == -1)
		copy = PointerGetDatum(PG_DETOAST_DATUM_COPY(id));
	else
		copy = datumCopy(id, false, dict->type->typlen);
	MemoryContextSwitchTo(old);
	return copy;
}

/* Of two equal ids of a type that folds, the one with the least text stays. */
static void
keep_least(IdDict *dict, int32 number, Datum id)
{
	IdType *type = (IdType *) dict->type;
	Datum kept = dict->ids[number];

	if (type->typlen == -1)
		id = PointerGetDatum(PG_DETOAST_DATUM(id));
	if (datumIsEqual(kept, id, false, type->typlen) ||
		strcmp(id_to_text(type, id), id_to_text(type, kept)) >= 0)
		return;
	dict->ids[number] = keep(dict, id);
	pfree(DatumGetPointer(kept));
}

int32
id_dict_add(IdDict *dict, Datum id)
{
	bool found;

	if (dict->ints)
		return add_int(dict, id);
	else
	{
		AnyEntry *entry;

		set_probe(dict, id);
		if (dict->any->members >= dict->any->grow_threshold)
			ask_for(dict, dict->any->size * 2 * sizeof(AnyEntry));
		entry = anyids_insert_hash(dict->any, PROBE, dict->probe_hash, &found);
		drop_probe(dict, id);
		if (found)
		{
			int32 number = entry->number;

			if (dict->type->folds)
				keep_least(dict, number, id);
			return number;
		}
		/* until the entry has its number the table must not be searched */
		entry->number = dict->count;
		entry->hash = dict->probe_hash;
		reserve(dict);
		dict->ids[dict->count] = keep(dict, id);
	}
	return dict->count++;
}

/* In a dictionary that was sorted, which has no table any more. */
static int32
sorted_find(const IdDict *dict, Datum id)
{
	int32 low = 0;
	int32 high = dict->count;

	while (low < high)
	{
		int32 middle = low + (high - low) / 2;
		int sign = id_dict_compare(dict->type, dict->ids[middle], id);

		if (sign == 0)
			return middle;
		if (sign < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

int32
id_dict_find(IdDict *dict, Datum id)
{
	if (dict->frozen)
		return id_dict_frozen_find(dict, id);
	if (dict->ints == NULL && dict->any == NULL)
		return sorted_find(dict, id);
	if (dict->ints)
	{
		int64 key = id_to_int64(dict->type, id);
		IntEntry *entry;

		if ((uint64) key < (uint64) dict->direct_size)
			return dict->direct[key];
		entry = intids_lookup(dict->ints, key);
		return entry ? entry->number : -1;
	}
	else
	{
		AnyEntry *entry;

		set_probe(dict, id);
		entry = anyids_lookup_hash(dict->any, PROBE, dict->probe_hash);
		drop_probe(dict, id);
		return entry ? entry->number : -1;
	}
}

void
id_dict_prefetch(const IdDict *dict, Datum id)
{
	int64 key;

	if (dict->frozen)
	{
		id_dict_frozen_prefetch(dict, id);
		return;
	}
	if (dict->ints == NULL)
		return;
	key = id_to_int64(dict->type, id);
	if ((uint64) key < (uint64) dict->direct_size)
		__builtin_prefetch(dict->direct + key);
	else
		__builtin_prefetch(dict->ints->data + intids_initial_bucket(dict->ints, HASH_INT(key)));
}

void
id_dict_prefetch_id(const IdDict *dict, int32 number)
{
	if (dict->frozen)
		id_dict_frozen_prefetch_id(dict->frozen, number);
}

int32
id_dict_count(const IdDict *dict)
{
	return dict->count;
}

Datum
id_dict_id(const IdDict *dict, int32 number)
{
	return dict->frozen ? id_dict_frozen_id(dict->frozen, number) : dict->ids[number];
}

size_t
id_dict_memory(const IdDict *dict)
{
	return MemoryContextMemAllocated(dict->context, true);
}

typedef struct Numbered
{
	Datum id;
	int32 number;
} Numbered;

static int
compare_ints(const void *a, const void *b, void *arg)
{
	int64 x = id_to_int64(arg, ((const Numbered *) a)->id);
	int64 y = id_to_int64(arg, ((const Numbered *) b)->id);
	static uint32 compared;

	if (++compared % 65536 == 0)
		reco_poll();
	return (x > y) - (x < y);
}

static int
compare_any(const void *a, const void *b, void *arg)
{
	IdType *type = arg;

	reco_poll();
	return DatumGetInt32(FunctionCall2Coll(&type->compare, type->collation,
										   ((const Numbered *) a)->id, ((const Numbered *) b)->id));
}

void
id_dict_sort(IdDict *dict, int32 *rank)
{
	Numbered *order;

	ask_for(dict, ((Size) dict->count + 1) * sizeof(Numbered));
	order = MemoryContextAllocHuge(dict->context, ((Size) dict->count + 1) * sizeof(Numbered));
	for (int32 i = 0; i < dict->count; i++)
	{
		RECO_POLL_AT(i);
		order[i] = (Numbered){dict->ids[i], i};
	}
	qsort_arg(order, dict->count, sizeof(Numbered), dict->ints ? compare_ints : compare_any,
			  (void *) dict->type);
	for (int32 i = 0; i < dict->count; i++)
	{
		RECO_POLL_AT(i);
		dict->ids[i] = order[i].id;
		rank[order[i].number] = i;
	}
	pfree(order);
	if (dict->direct)
		pfree(dict->direct);
	dict->direct = NULL;
	dict->direct_size = 0;
	if (dict->ints)
		intids_destroy(dict->ints);
	else
		anyids_destroy(dict->any);
	dict->ints = NULL;
	dict->any = NULL;
}

void
id_dict_keep(IdDict *dict, const int32 *map)
{
	int32 kept = 0;

	for (int32 i = 0; i < dict->count; i++)
	{
		RECO_POLL_AT(i);
		if (map[i] >= 0)
			dict->ids[kept++] = dict->ids[i];
	}
	dict->count = kept;
}
