/*
 * baskets.c
 *	  Baskets of items, from a query.
 *
 * Of rows of two columns nothing is to be decided but whether one is NULL: they do without the
 * rules that rows of a source go through (events.h).  Baskets get numbers and are not sorted;
 * rows of one basket that come one after another look it up once.
 *
 * Cost: a probe of the dictionary of items a row, one of that of baskets a basket, and two
 * scatters of the rows (core/neighbors/together.h).  Memory: 8 bytes a row while they are read,
 * 8 more while they are sorted, and the ids.
 */
#include "store/source/baskets.h"

#include "access/detoast.h"
#include "core/neighbors/together.h"
#include "store/source/events.h"

#include "utils/memutils.h"

struct BasketReader
{
	DestReceiver receiver; /* first, so that a receiver is a reader */
	const RecoQueryKind *kind;
	RecoBudget *budget;
	RecoBaskets *out;
	TupleDesc planned; /* the columns that were looked at */
	IdDict *baskets;
	reco_triples lines;
	int32 last; /* the basket of the row before; -1: there is none */
	int64 last_key;
	bool leaves_garbage;
	MemoryContext row_context; /* what functions of the ids' types leave behind */
	int64 rows;
	Size unchecked; /* bytes of long ids since memory was looked at */
};

static const char what[] = "reading the source";

/* Bytes of long ids after which memory is looked at. */
#define CHECK_BYTES (8 * 1024 * 1024)

static void
check_memory(BasketReader *reader)
{
	reader->unchecked = 0;
	reco_budget_require(reader->budget,
						id_dict_memory(reader->baskets) + id_dict_memory(reader->out->items), what);
}

/* An error unless an id can be one of a model's, too; counts the bytes of those that are long. */
static inline void
check_id(BasketReader *reader, IdType *type, Datum id, const char *role)
{
	MemoryContext old;
	Size bytes;
	bool fits;

	if (type->typlen != -1 || VARATT_IS_SHORT(DatumGetPointer(id)))
		return;
	bytes = toast_raw_datum_size(id);
	old = MemoryContextSwitchTo(reader->row_context);
	fits = id_fits(type, id);
	MemoryContextSwitchTo(old);
	if (bytes > 1024)
	{
		reader->unchecked += bytes;
		MemoryContextReset(reader->row_context);
	}
	if (!fits)
		id_too_long(type, id, role, false);
}

static inline int32
take_basket(BasketReader *reader, Datum id)
{
	IdType *type = &reader->out->basket_type;

	if (type->integer)
	{
		int64 key = id_to_int64(type, id);

		if (reader->last >= 0 && key == reader->last_key)
			return reader->last;
		reader->last_key = key;
	}
	else
		check_id(reader, type, id, "basket");
	return reader->last = id_dict_add(reader->baskets, id);
}

static inline void
take_row(BasketReader *reader, Datum basket, Datum item)
{
	RecoBaskets *out = reader->out;
	int32 b;
	int32 i;

	check_id(reader, &out->item_type, item, "item");
	b = take_basket(reader, basket);
	i = id_dict_add(out->items, item);
	if (reader->lines.used == RECO_CHUNK_ROWS || reader->unchecked > CHECK_BYTES)
		check_memory(reader);
	if (!reco_triples_add(&reader->lines, b, i, 1, 0))
		reco_budget_check(reader->budget, RECO_NO_MEMORY, what);
}

static bool
receive(TupleTableSlot *slot, DestReceiver *receiver)
{
	BasketReader *reader = (BasketReader *) receiver;
	MemoryContext old;

	slot_getsomeattrs(slot, 2);
	if (slot->tts_isnull[0] || slot->tts_isnull[1])
	{
		reader->out->nulls++;
		return true;
	}
	if (!reader->leaves_garbage)
	{
		take_row(reader, slot->tts_values[0], slot->tts_values[1]);
		return true;
	}
	old = MemoryContextSwitchTo(reader->row_context);
	take_row(reader, slot->tts_values[0], slot->tts_values[1]);
	MemoryContextSwitchTo(old);
	if (++reader->rows % 1024 == 0 ||
		MemoryContextMemAllocated(reader->row_context, false) > CHECK_BYTES)
		MemoryContextReset(reader->row_context);
	return true;
}

static void
startup(DestReceiver *receiver, int operation, TupleDesc columns)
{
	BasketReader *reader = (BasketReader *) receiver;

	reco_query_same(reader->kind, reader->planned, columns);
}

static IdDict *
begin_ids(BasketReader *reader, IdType *type, int column, const char *role)
{
	Form_pg_attribute of = TupleDescAttr(reader->planned, column);
	IdDict *dict;

	id_type_init(type, of->atttypid, of->atttypmod, of->attcollation, role);
	dict = id_dict_create(reader->budget->context, type);
	id_dict_limit(dict, reader->budget, what);
	/* what has no image is looked at by functions of its type */
	reader->leaves_garbage = reader->leaves_garbage || !(type->integer || type->image);
	return dict;
}

BasketReader *
baskets_begin(const RecoQueryKind *kind, TupleDesc columns, RecoBudget *budget)
{
	MemoryContext old = MemoryContextSwitchTo(budget->context);
	BasketReader *reader = palloc0(sizeof(BasketReader));
	RecoEvents events = {0};

	reco_events_columns(&events, kind, columns);
	reader->kind = kind;
	reader->budget = budget;
	reader->planned = CreateTupleDescCopy(columns);
	reader->out = palloc0(sizeof(RecoBaskets));
	reader->last = -1;
	reader->baskets = begin_ids(reader, &reader->out->basket_type, 0, "basket");
	reader->out->items = begin_ids(reader, &reader->out->item_type, 1, "item");
	reco_triples_init(&reader->lines, &budget->env, false, false);
	reader->row_context =
		AllocSetContextCreate(budget->context, "reco row", ALLOCSET_DEFAULT_SIZES);
	reco_receiver_init(&reader->receiver, startup, receive);
	MemoryContextSwitchTo(old);
	return reader;
}

DestReceiver *
baskets_receiver(BasketReader *reader)
{
	return &reader->receiver;
}

RecoBaskets *
baskets_finish(BasketReader *reader)
{
	static const char sorting[] = "sorting the source's rows";
	RecoBudget *budget = reader->budget;
	RecoBaskets *out = reader->out;
	int32 baskets = id_dict_count(reader->baskets);
	int32 items = id_dict_count(out->items);
	int32 *rank = reco_budget_alloc(budget, ((Size) items + 1) * sizeof(int32));

	check_memory(reader);
	id_dict_sort(out->items, rank);
	reco_budget_require(budget, reco_together_lines_memory(&reader->lines, baskets, items),
						sorting);
	reco_budget_check(budget,
					  reco_together_lines(&reader->lines, baskets, items, rank, &out->by_basket),
					  sorting);
	reco_budget_free(budget, rank);
	MemoryContextDelete(reader->row_context);
	return out;
}
