/*
 * ingest.c
 *	  From the executor's rows to matrices.
 *
 * A row costs two probes of the id dictionaries and an append to a chunk; the
 * chunks are then sorted and merged by core/data/triples.c.  What a row says, and which are
 * left out, is decided by events.h; an id that no index takes is treated as a value that is
 * none, as on_invalid says.
 */
#include "store/source/ingest.h"

#include "access/detoast.h"
#include "core/data/trend.h"
#include "core/data/waiting.h"
#include "store/source/events.h"
#include "store/source/features.h"
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

struct Ingest
{
	DestReceiver receiver; /* first, so that a receiver is an ingest */
	const RecoQueryKind *kind;
	RecoBudget *budget;
	const RecoDataOptions *options;
	RecoData *data;
	/* users as the rows have them: those of the data, unless that has pseudonyms */
	IdType *user_type;
	IdDict *users;
	MemoryContext users_context; /* of these; NULL: that of the data */
	IdDict *known;               /* items that count; NULL: all */
	IdDict *excluded;            /* items that do not; NULL: none */
	reco_triples triples;
	reco_triples seen; /* where that is not the same */
	bool keeps_seen;
	reco_waiting waiting; /* rows, until all are read */
	bool waits;           /* they do: some may be too old, or are taken back */
	TupleDesc planned;    /* the columns that were looked at */
	int columns;
	RecoEvents events;
	MemoryContext row_context; /* what functions of the ids' types leave behind */
	bool leaves_garbage;
	Size unchecked;               /* bytes of long ids since memory was looked at */
	FeatureReader *features;      /* NULL: no query of items */
	bool items_join;              /* those that only `items` has are items of the model */
	FeatureReader *user_features; /* likewise of users, who join */
};

/* As many rows are sorted by several threads. */
#define PARALLEL_ROWS 1000000

/* Bytes of long ids after which memory is looked at. */
#define CHECK_BYTES (8 * 1024 * 1024)

/*
 * Memory of the dictionaries is not the budget's own: look at it once a chunk, and where
 * ids are long more often.
 */
static void
check_memory(Ingest *ingest)
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

/* A row, its ids as numbers; false when it is left out. */
static bool
take_row(Ingest *ingest, TupleTableSlot *slot, RecoEvent *event, int32 *user, int32 *item)
{
	RecoData *data = ingest->data;

	if (!reco_event_read(&ingest->events, slot, event))
		return false;
	if (!check_id(ingest, ingest->user_type, event->user, user_of(ingest->kind)) ||
		!check_id(ingest, &data->item_type, event->item, "item"))
	{
		data->count[RECO_COUNT_INVALID]++;
		return false;
	}
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

static bool
receive(TupleTableSlot *slot, DestReceiver *receiver)
{
	Ingest *ingest = (Ingest *) receiver;
	RecoData *data = ingest->data;
	RecoEvent event;
	int32 user;
	int32 item;
	bool kept;
	MemoryContext old = NULL;

	slot_getsomeattrs(slot, ingest->columns);
	if ((++data->rows_read & 0xFFFF) == 0)
		reco_progress_rows(data->rows_read);
	if (ingest->leaves_garbage)
		old = MemoryContextSwitchTo(ingest->row_context);
	kept = take_row(ingest, slot, &event, &user, &item);
	if (old)
	{
		MemoryContextSwitchTo(old);
		if (data->rows_read % 1024 == 0 ||
			MemoryContextMemAllocated(ingest->row_context, false) > CHECK_BYTES)
			MemoryContextReset(ingest->row_context);
	}
	if (!kept)
		return true;
	if ((ingest->waits ? ingest->waiting.rows % RECO_CHUNK_ROWS == 0
					   : ingest->triples.used == RECO_CHUNK_ROWS) ||
		ingest->unchecked > CHECK_BYTES)
		check_memory(ingest);
	if (!add_row(ingest, &event, user, item))
		reco_budget_check(ingest->budget, RECO_NO_MEMORY, "reading the source");
	return true;
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
	reco_receiver_init(&ingest->receiver, startup, receive);
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

/* Drops who has fewer interactions than these, and counts them; gives the new numbers. */
static void
drop(Ingest *ingest, int32 min_user, int32 min_item, int32 *user_map, int32 *item_map)
{
	RecoData *data = ingest->data;
	reco_csr *a = &data->x.by_user;
	int32 users = a->rows;
	int32 items = a->cols;
	int64 interactions = a->start[users];

	reco_budget_check(ingest->budget,
					  reco_interactions_filter(&ingest->budget->env, &data->x, min_user, min_item,
											   user_map, item_map),
					  "reading the source");
	id_dict_keep(data->users, user_map);
	id_dict_keep(data->items, item_map);
	data->count[RECO_COUNT_USERS_DROPPED] += users - id_dict_count(data->users);
	data->count[RECO_COUNT_ITEMS_DROPPED] += items - id_dict_count(data->items);
	data->count[RECO_COUNT_INTERACTIONS_DROPPED] += interactions - a->start[a->rows];
}

/*
 * Drops users and items with too few interactions.  Gives the new numbers of users and of
 * items, NULL when they stay.
 */
static void
filter(Ingest *ingest, int32 **user_map, int32 **item_map)
{
	RecoData *data = ingest->data;
	RecoBudget *budget = ingest->budget;
	int32 users = data->x.by_user.rows;
	int32 items = data->x.by_user.cols;
	int32 min_user = ingest->options->min_user_interactions;
	int32 min_item = ingest->options->min_item_interactions;

	/* who has none left has to go */
	if (min_user <= 1 && min_item <= 1 && data->x.capped == 0 &&
		data->count[RECO_COUNT_WEIGHTLESS] == 0 && !ingest->waits)
		return;
	/* an item that is described may have no interactions, unless some are asked for */
	if (ingest->items_join && min_item <= 1)
		min_item = 0;
	if (ingest->user_features && min_user <= 1)
		min_user = 0;
	if (min_user > 1 && min_item > 1)
		reco_budget_require(budget,
							((Size) data->x.by_user.start[users] + 1) * sizeof(int32) +
								((Size) users + 2 * (Size) items + 2) * sizeof(int64),
							"reading the source");
	*user_map = reco_budget_alloc(budget, ((Size) users + 1) * sizeof(int32));
	*item_map = reco_budget_alloc(budget, ((Size) items + 1) * sizeof(int32));
	drop(ingest, min_user, min_item, *user_map, *item_map);
}

/* One map after another; first NULL: the numbers were what they are. */
static int32 *
compose(RecoBudget *budget, int32 *first, int32 n, int32 *second)
{
	if (first == NULL)
		return second;
	for (int32 k = 0; k < n; k++)
	{
		RECO_POLL_AT(k);
		if (first[k] >= 0)
			first[k] = second[first[k]];
	}
	reco_budget_free(budget, second);
	return first;
}

/*
 * Drops items that too few people are left of, when all other rules have had their say: what is
 * not in the model is in nothing that it tells.  Users who are left without any go, which takes
 * nobody from another item.
 */
static void
drop_rare(Ingest *ingest, int32 **user_map, int32 all_users, int32 **item_map, int32 all_items)
{
	RecoData *data = ingest->data;
	RecoBudget *budget = ingest->budget;
	int32 users = data->x.by_user.rows;
	int32 items = data->x.by_user.cols;
	int32 *user;
	int32 *item;

	if (ingest->options->min_users_per_item <= 1)
		return;
	user = reco_budget_alloc(budget, ((Size) users + 1) * sizeof(int32));
	item = reco_budget_alloc(budget, ((Size) items + 1) * sizeof(int32));
	drop(ingest, ingest->user_features ? 0 : 1, ingest->options->min_users_per_item, user, item);
	*user_map = compose(budget, *user_map, all_users, user);
	*item_map = compose(budget, *item_map, all_items, item);
}

/* -infinity, of dates as well, is none to count from. */
static void
set_reference(Ingest *ingest, int64 last)
{
	int64 unit = reco_events_unit(ingest->events.time_type);

	if (unit > 0 && last != PG_INT64_MIN && last >= MIN_TIMESTAMP / unit)
		ingest->data->reference_time = last * unit;
}

/*
 * The periods of which the growth is counted: weeks, or tenths of the time where that is a
 * number.
 *
 * The latest time that is not after now, which the later period ends with, is also the one
 * that ages are counted from: a source that is read again, at whatever time, gives the same
 * version, and no time is compared with a clock of another zone.  What has no zone is stored
 * as it is in UTC.
 */
static void
find_periods(Ingest *ingest, int32 items, reco_trend *trend)
{
	int64 unit = reco_events_unit(ingest->events.time_type);
	int64 period = unit > 0 ? 7 * USECS_PER_DAY / unit : 0;

	reco_budget_check(ingest->budget,
					  reco_trend_periods(&ingest->triples, period,
										 reco_events_now(ingest->events.time_type), trend),
					  "reading the source");
	trend->growth = reco_zeros(ingest->budget, items);
	ingest->triples.trend = trend;
	if (trend->any && !ingest->waits)
		set_reference(ingest, trend->last);
}

/*
 * What rows say of others, once all are read: the latest of them, whatever it says, is the one that
 * ages are counted from.
 */
static void
take_waiting(Ingest *ingest)
{
	static const char what[] = "reading the source";
	RecoData *data = ingest->data;
	reco_waited waited = {0};
	int64 latest = PG_INT64_MIN;

	if (!ingest->waits)
		return;
	if (ingest->known == NULL && data->has_time &&
		!reco_waiting_latest(&ingest->waiting, reco_events_now(ingest->events.time_type), &latest))
		reco_budget_check(ingest->budget, RECO_STOPPED, what);
	if (ingest->known == NULL)
		set_reference(ingest, latest);
	reco_budget_check(ingest->budget,
					  reco_waiting_finish(
						  &ingest->waiting,
						  reco_data_oldest(ingest->options, data->time_type, data->reference_time),
						  &ingest->triples, ingest->keeps_seen ? &ingest->seen : NULL, &waited),
					  what);
	data->count[RECO_COUNT_OUTSIDE] += waited.too_old;
	data->count[RECO_COUNT_WEIGHTLESS] += waited.not_learnt;
	data->count[RECO_COUNT_CANCELLED] = waited.cancelled.whole;
	data->count[RECO_COUNT_CANCELLED_IN_PART] = waited.cancelled.in_part;
	data->count[RECO_COUNT_CANCELLING] = waited.cancelled.cancelling;
	data->count[RECO_COUNT_UNMATCHED] = waited.cancelled.unmatched;
}

/* A matrix of rows that were read. */
static void
build_one(Ingest *ingest, reco_triples *triples, int32 users, int32 items, const int32 *user_rank,
		  const int32 *item_rank, reco_interactions *out)
{
	static const char what[] = "sorting the source's rows";
	RecoBudget *budget = ingest->budget;
	int threads = budget->env.threads;

	if (reco_triples_rows(triples) >= PARALLEL_ROWS)
		reco_budget_threads(budget);
	reco_budget_require(budget, reco_triples_build_memory(triples, users, items), what);
	reco_budget_check(budget, reco_triples_build(triples, users, items, user_rank, item_rank, out),
					  what);
	budget->env.threads = threads;
}

/* What is learnt from, and what is seen. */
static void
build(Ingest *ingest, int32 users, int32 items, const int32 *user_rank, const int32 *item_rank)
{
	RecoData *data = ingest->data;

	ingest->triples.rules =
		reco_data_row_rules(ingest->options, data->time_type, data->reference_time);
	data->decay = ingest->triples.rules.decay;
	build_one(ingest, &ingest->triples, users, items, user_rank, item_rank, &data->x);
	if (!ingest->keeps_seen)
		return;
	data->x.seen = reco_budget_alloc(ingest->budget, sizeof(reco_interactions));
	memset(data->x.seen, 0, sizeof(reco_interactions));
	build_one(ingest, &ingest->seen, users, items, user_rank, item_rank, data->x.seen);
}

RecoData *
ingest_finish(Ingest *ingest)
{
	RecoData *data = ingest->data;
	RecoBudget *budget = ingest->budget;
	int32 users = id_dict_count(ingest->users);
	int32 items = id_dict_count(ingest->known ? ingest->known : data->items);
	int32 *user_rank;
	int32 *item_rank;
	int32 *user_map = NULL;
	int32 *item_map = NULL;
	reco_trend trend = {0};

	data->kinds = reco_kinds_finish(ingest->events.kinds);
	check_memory(ingest);
	/* each user once, and not each row */
	data->users = id_dict_stored(ingest->users, &data->user_type, budget, "reading the source");
	take_waiting(ingest);
	if (data->has_time && !ingest->kind->ranked && ingest->known == NULL)
		find_periods(ingest, items, &trend);
	user_rank = reco_budget_alloc(budget, ((Size) users + 1) * sizeof(int32));
	item_rank = reco_budget_alloc(budget, ((Size) items + 1) * sizeof(int32));
	id_dict_sort(data->users, user_rank);
	if (ingest->known == NULL)
		id_dict_sort(data->items, item_rank);
	for (int32 i = 0; ingest->known && i < items; i++)
	{
		RECO_POLL_AT(i);
		item_rank[i] = i;
	}
	build(ingest, users, items, user_rank, item_rank);
	MemoryContextDelete(ingest->row_context);
	if (!ingest->kind->ranked)
		data->x.session_gap = reco_data_session_gap(ingest->options, data->time_type);
	data->x.basket = reco_data_basket(ingest->options, data->time_type);
	data->x.unit = reco_events_unit(data->time_type);
	if (data->x.seen)
		data->x.seen->basket = data->x.basket;
	data->count[RECO_COUNT_MERGED] = data->x.merged;
	data->count[RECO_COUNT_INTERACTIONS_CAPPED] = data->x.capped;
	data->count[RECO_COUNT_USERS_CAPPED] = data->x.capped_users;
	if (ingest->known == NULL)
	{
		filter(ingest, &user_map, &item_map);
		drop_rare(ingest, &user_map, users, &item_map, items);
	}
	reco_data_find_longest(data);
	if (ingest->features)
		data->features =
			features_finish(ingest->features, item_rank, items, item_map,
							id_dict_count(data->items), &data->count[RECO_COUNT_ITEMS_INVALID]);
	if (ingest->user_features)
		data->user_features =
			features_finish(ingest->user_features, user_rank, users, user_map,
							id_dict_count(data->users), &data->count[RECO_COUNT_USERS_INVALID]);
	if (ingest->users_context)
		MemoryContextDelete(ingest->users_context);
	reco_budget_free(budget, user_map);
	reco_budget_free(budget, user_rank);
	data->trend = trend.growth;
	if (trend.growth && item_map)
	{
		data->trend = reco_zeros(budget, id_dict_count(data->items));
		for (int32 i = 0; i < items; i++)
			if (item_map[i] >= 0)
				data->trend[item_map[i]] = trend.growth[i];
		reco_budget_free(budget, trend.growth);
	}
	reco_budget_free(budget, item_rank);
	reco_budget_free(budget, item_map);
	return data;
}
