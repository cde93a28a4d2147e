/*
 * live_items.c
 *	  What the definition's query of items says of some items now: whole rows.
 *
 * The query runs as the model's owner, as when it is asked what is available (live_available.c);
 * whom its rows are shown to is for the caller to decide.
 *
 * Cost: planning the query and a run of it for the ids.
 */
#include "serving/live_state.h"

#include "utils/array.h"
#include "utils/lsyscache.h"

typedef struct Asked
{
	RecoLive *live;
	LiveQuery query;
	const Serving *serving;
	Datum ids;
	DestReceiver *receiver;
} Asked;

static void
ask(void *arg)
{
	Asked *asked = arg;
	const IdType *type = asked->serving->item_type;

	(void) reco_lookup_prepare(&asked->query.lookup, type, RECO_ASK_ANY, NULL);
	asked->query.running = true;
	reco_lookup_run(&asked->query.lookup, get_array_type(type->base), asked->ids, asked->receiver);
}

bool
reco_live_items(RecoLive *live, const Serving *serving, const ModelRow *row, const int32 *item,
				int32 n, DestReceiver *receiver)
{
	const IdType *type = serving->item_type;
	Asked asked = {live, {reco_live_lookup(row, true)}, serving, (Datum) 0, receiver};
	Datum *id;
	bool done = false;

	if (n == 0 || !reco_live_may_ask(live, &asked.query))
		return false;
	id = reco_call_alloc(n, sizeof(Datum));
	for (int32 k = 0; k < n; k++)
		id[k] = id_dict_id(serving->items, item[k]);
	asked.ids = PointerGetDatum(
		construct_array(id, n, type->base, type->typlen, type->typbyval, type->typalign));
	PG_TRY();
	{
		done = reco_live_attempt(live, &asked.query, ask, &asked);
	}
	PG_FINALLY();
	{
		reco_lookup_forget(&asked.query.lookup);
	}
	PG_END_TRY();
	pfree(DatumGetPointer(asked.ids));
	pfree(id);
	return done;
}
