/*
 * ingest.c
 *	  From the executor's rows to matrices.
 *
 * A row costs two probes of the id dictionaries and an append to a chunk; ids that are numbers
 * wait for a few rows more, until the processor has fetched what the probes touch.  ingest_finish.c
 * makes matrices of the chunks.  What a row says, and which are
 * left out, is decided by events.h; an id that no index takes is treated as a value that is
 * none, as on_invalid says.
 */
#include "store/source/ingest_state.h"

#include "access/detoast.h"
#include "store/source/kind_reader.h"
#include "store/tables/progress.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Bytes of long ids after which memory is looked at. */
#define CHECK_BYTES (8 * 1024 * 1024)

void
ingest_check_memory(Ingest *ingest)
{
	ingest->unchecked = 0;
	reco_budget_require(ingest->budget,
						id_dict_memory(ingest->users) + id_dict_memory(ingest->data->items),
						"reading the source");
}

/*
 * Whether an id of a row can be one; counts the bytes of those that are long.
 */
static bool
check_id(Ingest *ingest, IdType *type, Datum id, const char *role)
{
	Size bytes;

	if (type->typlen != -1)
		return true;
	bytes = toast_raw_datum_size(id);
	if (bytes > 1024)
		ingest->unchecked += bytes;
	if (id_fits(type, id))
		return true;
	if (!ingest->events.skip_invalid)
		id_too_long(type, id, role, true);
	return false;
}

/* What the first column is of. */
static const char *
user_of(const RecoQueryKind *kind)
{
	return kind->pairs ? "basket" : "user";
}

static inline bool
check_ids(Ingest *ingest, const RecoEvent *event)
{
	RecoData *data = ingest->data;

	if (check_id(ingest, ingest->user_type, event->user, user_of(ingest->kind)) &&
		check_id(ingest, &data->item_type, event->item, "item"))
		return true;
	data->count[RECO_COUNT_INVALID]++;
	return false;
}

/* The numbers of a row's ids; false when it is left out. */
static inline bool
number_ids(Ingest *ingest, const RecoEvent *event, int32 *user, int32 *item)
{
	RecoData *data = ingest->data;

	if (ingest->excluded && id_dict_find(ingest->excluded, event->item) >= 0)
	{
		data->count[RECO_COUNT_EXCLUDED]++;
		return false;
	}
	*item = ingest->known ? id_dict_find(ingest->known, event->item)
						  : id_dict_add(data->items, event->item);
	if (*item < 0)
	{
		(void) id_dict_add(data->items, event->item);
		data->count[RECO_COUNT_UNKNOWN]++;
		return false;
	}
	*user = id_dict_add(ingest->users, event->user);
	return true;
}

/* Where a row goes that is not left out; false when memory is exhausted. */
static inline bool
add_row(Ingest *ingest, const RecoEvent *event, int32 user, int32 item)
{
	if (ingest->waits)
	{
		reco_deed row = reco_event_deed(event, user, item);

		return reco_waiting_add(&ingest->waiting, &row);
	}
	ingest->data->count[RECO_COUNT_WEIGHTLESS] += !event->learnt;
	return (!event->learnt ||
			reco_triples_add(&ingest->triples, user, item, (float) event->value, event->time)) &&
		   (!ingest->keeps_seen || !event->seen ||
			reco_triples_add(&ingest->seen, user, item, (float) event->plain, event->time));
}

static void
take_row(Ingest *ingest, const RecoEvent *event)
{
	int32 user;
	int32 item;

	if (!number_ids(ingest, event, &user, &item))
		return;
	if ((ingest->waits ? ingest->waiting.rows % RECO_CHUNK_ROWS == 0
					   : ingest->triples.used == RECO_CHUNK_ROWS) ||
		ingest->unchecked > CHECK_BYTES)
		ingest_check_memory(ingest);
	if (!add_row(ingest, event, user, item))
		reco_budget_check(ingest->budget, RECO_NO_MEMORY, "reading the source");
}

/* The rows that wait for what their look-ups touch. */
static void
take_ahead(Ingest *ingest)
{
	for (int k = 0; k < ingest->rows_ahead; k++)
		take_row(ingest, &ingest->ahead[k]);
	ingest->rows_ahead = 0;
}

static inline void
look_ahead(Ingest *ingest, const RecoEvent *event)
{
	id_dict_prefetch(ingest->users, event->user);
	id_dict_prefetch(ingest->known ? ingest->known : ingest->data->items, event->item);
	ingest->ahead[ingest->rows_ahead++] = *event;
	if (ingest->rows_ahead == INGEST_AHEAD)
		take_ahead(ingest);
}

static bool
receive(TupleTableSlot *slot, DestReceiver *receiver)
{
	Ingest *ingest = (Ingest *) receiver;
	RecoData *data = ingest->data;
	RecoEvent event;
	bool kept;
	MemoryContext old = NULL;

	slot_getsomeattrs(slot, ingest->columns);
	if ((++data->rows_read & 0xFFFF) == 0)
		reco_progress_rows(data->rows_read);
	if (ingest->leaves_garbage)
		old = MemoryContextSwitchTo(ingest->row_context);
	kept = reco_event_read(&ingest->events, slot, &event) && check_ids(ingest, &event);
	if (kept && !ingest->looks_ahead)
		take_row(ingest, &event);
	if (old)
	{
		MemoryContextSwitchTo(old);
		if (data->rows_read % 1024 == 0 ||
			MemoryContextMemAllocated(ingest->row_context, false) > CHECK_BYTES)
			MemoryContextReset(ingest->row_context);
	}
	if (kept && ingest->looks_ahead)
		look_ahead(ingest, &event);
	return true;
}

static void
shutdown(DestReceiver *receiver)
{
	take_ahead((Ingest *) receiver);
}

static void
startup(DestReceiver *receiver, int operation, TupleDesc columns)
{
	Ingest *ingest = (Ingest *) receiver;

	reco_query_same(ingest->kind, ingest->planned, columns);
}

/* Where rows have weights of their own they have values, whether the source does or not. */
static void
begin_triples(Ingest *ingest, unsigned keep)
{
	const RecoDataOptions *options = ingest->options;
	const RecoData *data = ingest->data;
	bool weighs = options->half_life > 0 || (options->kinds && options->kinds->weighs);

	ingest->keeps_seen = reco_data_keeps_seen(options);
	reco_triples_init(&ingest->triples, &ingest->budget->env, data->has_value || weighs,
					  data->has_time);
	reco_triples_init(&ingest->seen, &ingest->budget->env, data->has_value, data->has_time);
	ingest->triples.keep_time = ingest->seen.keep_time = (keep & RECO_KEEP_TIMES) != 0;
	ingest->triples.keep_repeats = ingest->seen.keep_repeats = (keep & RECO_KEEP_REPEATS) != 0;
}

Ingest *
ingest_begin(const RecoQueryKind *kind, TupleDesc columns, unsigned keep,
			 const RecoDataOptions *options, RecoBudget *budget)
{
	MemoryContext old = MemoryContextSwitchTo(budget->context);
	Ingest *ingest = palloc0(sizeof(Ingest));
	RecoData *data = palloc0(sizeof(RecoData));
	Form_pg_attribute user;
	Form_pg_attribute item;

	reco_events_columns(&ingest->events, kind, columns);
	ingest->kind = kind;
	ingest->budget = budget;
	ingest->options = options;
	ingest->data = data;
	ingest->columns = columns->natts;
	ingest->events.skip_invalid = options->on_invalid == ON_INVALID_SKIP;
	ingest->events.count = data->count;
	ingest->planned = CreateTupleDescCopy(columns);
	for (int c = 0; c < columns->natts; c++)
		data->column[c] = pstrdup(NameStr(TupleDescAttr(columns, c)->attname));
	user = TupleDescAttr(columns, 0);
	item = TupleDescAttr(columns, 1);
	id_type_init(&data->user_type, user->atttypid, user->atttypmod, user->attcollation,
				 user_of(kind));
	id_type_init(&data->item_type, item->atttypid, item->atttypmod, item->attcollation, "item");
	data->has_value = OidIsValid(ingest->events.value_type);
	data->has_time = OidIsValid(ingest->events.time_type);
	data->values = reco_data_value_rule(options);
	data->value_type = ingest->events.value_type;
	data->time_type = ingest->events.time_type;
	data->kind_type = ingest->events.kind_type;
	/* before anything is read */
	if (!kind->ranked)
		(void) reco_data_session_gap(options, data->time_type);
	reco_events_options(&ingest->events, options);
	if (kind == &reco_the_source)
		reco_data_check_basket(options, data->time_type);
	ingest->events.kinds = reco_kinds_reader(options, &ingest->events, true);
	data->reference_time = RECO_NO_REFERENCE_TIME;
	if (kind == &reco_the_source)
		ingest->excluded = reco_data_excluded(options, &data->item_type);
	data->users = ingest->users = id_dict_create(budget->context, &data->user_type);
	ingest->user_type = &data->user_type;
	data->items = id_dict_create(budget->context, &data->item_type);
	id_dict_limit(data->users, budget, "reading the source");
	id_dict_limit(data->items, budget, "reading the source");
	begin_triples(ingest, keep);
	ingest->waits = options->max_age > 0 || reco_data_cancels(options);
	reco_waiting_init(&ingest->waiting, &budget->env);
	data->events = (keep & RECO_KEEP_EVENTS) == RECO_KEEP_EVENTS;
	ingest->row_context =
		AllocSetContextCreate(budget->context, "reco row", ALLOCSET_DEFAULT_SIZES);
	ingest->leaves_garbage = !data->user_type.integer || !data->item_type.integer ||
							 ingest->events.value_type == NUMERICOID || ingest->events.kinds;
	/* other ids lie in the row */
	ingest->looks_ahead = data->user_type.integer && data->item_type.integer;
	reco_receiver_init(&ingest->receiver, startup, receive);
	ingest->receiver.rShutdown = shutdown;
	MemoryContextSwitchTo(old);
	return ingest;
}

/* In a table of their own: looking an id up in a frozen dictionary is a search. */
void
ingest_only(Ingest *ingest, const IdDict *items, TimestampTz reference)
{
	RecoBudget *budget = ingest->budget;

	ingest->data->reference_time = reference;
	ingest->known = id_dict_create(budget->context, &ingest->data->item_type);
	id_dict_limit(ingest->known, budget, "reading the source");
	for (int32 i = 0; i < id_dict_count(items); i++)
	{
		RECO_POLL_EACH(i, RECO_SEARCHES);
		(void) id_dict_add(ingest->known, id_dict_id(items, i));
	}
}

void
ingest_pseudonyms(Ingest *ingest, const IdPseudonyms *like)
{
	RecoBudget *budget = ingest->budget;
	RecoData *data = ingest->data;
	MemoryContext old = MemoryContextSwitchTo(budget->context);

	ingest->user_type = palloc(sizeof(IdType));
	*ingest->user_type = data->user_type;
	data->user_type = *id_type_of_pseudonyms(ingest->user_type, like);
	ingest->users_context =
		AllocSetContextCreate(budget->context, "reco users", ALLOCSET_DEFAULT_SIZES);
	ingest->users = id_dict_create(ingest->users_context, ingest->user_type);
	id_dict_limit(ingest->users, budget, "reading the source");
	MemoryContextSwitchTo(old);
}

const RecoData *
ingest_data(const Ingest *ingest)
{
	return ingest->data;
}

DestReceiver *
ingest_receiver(Ingest *ingest)
{
	return &ingest->receiver;
}

DestReceiver *
ingest_items_receiver(Ingest *ingest, TupleDesc columns, bool join)
{
	ingest->items_join = join;
	ingest->features = features_begin(&reco_the_items, columns, &ingest->data->item_type,
									  ingest->data->items, join, ingest->options, ingest->budget);
	return features_receiver(ingest->features);
}

DestReceiver *
ingest_users_receiver(Ingest *ingest, TupleDesc columns)
{
	ingest->user_features = features_begin(&reco_the_users, columns, ingest->user_type,
										   ingest->users, true, ingest->options, ingest->budget);
	return features_receiver(ingest->user_features);
}
