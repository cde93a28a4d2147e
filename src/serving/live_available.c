/*
 * live_available.c
 *	  Which items may be shown now.
 *
 * A definition whose query of items has a boolean column "available" says so: stock,
 * season, expiry.  It is asked about the items that a list would hold, under the
 * caller's snapshot, whatever the option live; an item without a row is not available.
 * When the query cannot be read any more, everything is, with a WARNING, unless live
 * is 'on'.
 *
 * Cost: a run of the query for each batch of items, and a bit for each of the model's.
 */
#include "store/source/features.h"
#include "serving/live_state.h"

#include "catalog/pg_type.h"
#include "core/data/topn.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/* Where all items are asked for, so many at a time. */
#define ALL_BATCH 100000

/* The items that may be shown, as they arrive. */
typedef struct ItemRows
{
	DestReceiver receiver; /* first, so that a receiver is these */
	RecoLive *live;
	const Serving *serving;
	Datum ids;    /* an array of those that are asked for */
	Oid id_type;  /* of the rows */
	IdDict *dict; /* they have their numbers in */
	uint64 *available;
} ItemRows;

static void
items_startup(DestReceiver *receiver, int operation, TupleDesc columns)
{
	((ItemRows *) receiver)->id_type = TupleDescAttr(columns, 0)->atttypid;
}

static bool
receive_item(TupleTableSlot *slot, DestReceiver *receiver)
{
	ItemRows *rows = (ItemRows *) receiver;
	const Serving *serving = rows->serving;
	Datum id;
	int32 item;

	slot_getallattrs(slot);
	if (!slot->tts_isnull[0] &&
		id_from_datum(serving->item_type, slot->tts_values[0], rows->id_type, &id) &&
		(item = id_dict_find(rows->dict, id)) >= 0)
		reco_set_add(rows->available, item);
	return true;
}

static void
prepare_items(void *arg)
{
	ItemRows *rows = arg;
	RecoLive *live = rows->live;
	LiveQuery *query = &live->items;

	if (!live->items_described && !features_say_available(reco_lookup_describe(&query->lookup)))
		query->lookup.query.text = NULL;
	live->items_described = true;
	if (query->lookup.query.text)
		(void) reco_lookup_prepare(&query->lookup, rows->serving->item_type, RECO_ASK_WHICH,
								   RECO_LIVE_AVAILABLE);
}

bool
reco_live_filters(RecoLive *live, const Serving *serving)
{
	ItemRows rows = {.live = live, .serving = serving};

	if (!reco_live_may_ask(live, &live->items))
		return false;
	if (!live->items_described || live->items.lookup.plan == NULL)
	{
		/* after a failure the columns may be others */
		live->items_described = false;
		if (!reco_live_attempt(live, &live->items, prepare_items, &rows))
			return false;
	}
	return live->items.lookup.query.text != NULL;
}

static void
ask_items(void *arg)
{
	ItemRows *rows = arg;
	RecoLive *live = rows->live;

	(void) reco_lookup_prepare(&live->items.lookup, rows->serving->item_type, RECO_ASK_WHICH,
							   RECO_LIVE_AVAILABLE);
	live->items.running = true;
	reco_lookup_run(&live->items.lookup, get_array_type(rows->serving->item_type->base), rows->ids,
					&rows->receiver);
}

/* Those of n ids of a dictionary, by number (NULL: all), that are available. */
static void
filter(RecoLive *live, const Serving *serving, IdDict *dict, const int32 *number, int32 n,
	   bool *available)
{
	const IdType *type = serving->item_type;
	ItemRows rows = {.live = live, .serving = serving, .dict = dict};
	Datum *id = NULL;
	bool asked = false;

	if (n > 0 && reco_live_filters(live, serving))
	{
		id = MemoryContextAllocHuge(CurrentMemoryContext, ((Size) n + 1) * sizeof(Datum));
		for (int32 k = 0; k < n; k++)
			id[k] = id_dict_id(dict, number ? number[k] : k);
		rows.ids = PointerGetDatum(
			construct_array(id, n, type->base, type->typlen, type->typbyval, type->typalign));
		rows.available = MemoryContextAllocExtended(CurrentMemoryContext,
													RECO_SET_BYTES(id_dict_count(dict)) + 8,
													MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
		reco_receiver_init(&rows.receiver, items_startup, receive_item);
		asked = reco_live_attempt(live, &live->items, ask_items, &rows);
	}
	for (int32 k = 0; k < n; k++)
		available[k] = !asked || reco_set_has(rows.available, number ? number[k] : k);
	if (rows.available)
	{
		pfree(rows.available);
		pfree(DatumGetPointer(rows.ids));
		pfree(id);
	}
}

void
reco_live_filter(RecoLive *live, const Serving *serving, const int32 *item, int32 n,
				 bool *available)
{
	filter(live, serving, serving->items, item, n, available);
	for (int32 k = 0; serving->withholds && k < n; k++)
		available[k] = available[k] && !reco_serving_withholds(serving, item[k]);
}

void
reco_live_filter_ids(RecoLive *live, const Serving *serving, IdDict *ids, bool *available)
{
	filter(live, serving, ids, NULL, id_dict_count(ids), available);
}

/* The set, asked for in batches; NULL: all may be shown. */
static uint64 *
hidden_items(RecoLive *live, const Serving *serving)
{
	int32 items = serving->model.items;
	uint64 *hidden;
	int32 *item;
	bool *available;

	if (!reco_live_filters(live, serving) && !serving->withholds)
		return NULL;
	hidden = MemoryContextAllocExtended(CurrentMemoryContext, RECO_SET_BYTES(items) + 8,
										MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	item = palloc(ALL_BATCH * sizeof(int32));
	available = palloc(ALL_BATCH * sizeof(bool));
	for (int32 from = 0; from < items; from += ALL_BATCH)
	{
		int32 n = Min(items - from, ALL_BATCH);

		for (int32 k = 0; k < n; k++)
			item[k] = from + k;
		reco_live_filter(live, serving, item, n, available);
		for (int32 k = 0; k < n; k++)
			if (!available[k])
				reco_set_add(hidden, item[k]);
	}
	pfree(available);
	pfree(item);
	return hidden;
}

uint64 *
reco_live_hidden(RecoLive *live, const Serving *serving)
{
	RecoLiveMode mode = live->mode;
	uint64 *volatile hidden = NULL;

	live->mode = RECO_LIVE_ON;
	live->items.failed_at = 0;
	PG_TRY();
	{
		hidden = hidden_items(live, serving);
	}
	PG_FINALLY();
	{
		live->mode = mode;
	}
	PG_END_TRY();
	return hidden;
}
