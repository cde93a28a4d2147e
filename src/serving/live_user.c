/*
 * live_user.c
 *	  What one user has, as the source says it now.
 *
 * Each call asks the source for one user's rows, under the caller's snapshot: what was
 * bought a moment ago in the same transaction is seen, and what an older snapshot
 * cannot see is not.  Rows that equal those trained on leave the stored profile as it
 * is, bit for bit; others make a new one by the algorithm's fold-in, also for a user
 * whom the training did not know.
 *
 * Cost: a run of the query, and where rows have changed a fold-in.
 */
#include "serving/live_state.h"

#include "core/data/cancel.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include <math.h>

/* Of one user: sorting them takes a fraction of a second. */
#define MAX_ROWS (1024 * 1024)

/* Bytes that functions of the ids' types may leave behind. */
#define ROW_GARBAGE (8 * 1024 * 1024)

/* Rows whose items are looked up a little after memory was asked for their places. */
#define ROWS_AHEAD 16

/* A row whose item has no number yet. */
typedef struct WaitingRow
{
	RecoEvent event;
	Datum item; /* a number, so nothing that goes with the row */
} WaitingRow;

/* The rows of one user, as they arrive. */
typedef struct UserRows
{
	DestReceiver receiver; /* first, so that a receiver is these */
	RecoLive *live;
	Serving *serving;
	const ServedUser *user;
	bool used;     /* the source was asked */
	bool too_many; /* it has more rows than are read */
	int64 received;
	RecoActivity activity;
	Oid item_type; /* base of that of the model's items, or of a wider one */
	RecoEvents events;
	int64 count[RECO_COUNTS];
	MemoryContext row; /* what functions of the ids' types leave behind */
	int64 n;
	int64 slots;
	reco_entry *entry;
	int64 *time;
	int64 oldest; /* rows before that are too old */
	/* where some take back others, all of them until they are read; NULL: none does */
	int64 n_deeds;
	reco_deed *deed;
	/* what counts as seen where that is not the same; NULL: it is */
	int64 n_seen;
	int32 *seen;
	int ahead;
	WaitingRow waiting[ROWS_AHEAD];
} UserRows;

/* The columns are looked at each time: the plan cache follows tables that change. */
static void
rows_startup(DestReceiver *receiver, int operation, TupleDesc columns)
{
	UserRows *rows = (UserRows *) receiver;
	Serving *serving = rows->serving;

	reco_live_check(columns, serving->user_type, serving->item_type, &serving->options,
					&rows->events);
	rows->oldest =
		reco_data_oldest(&serving->options, rows->events.time_type, serving->reference_time);
	rows->item_type = getBaseType(TupleDescAttr(columns, 1)->atttypid);
}

/* Times that are known, and no numbers. */
static void
note_activity(UserRows *rows, const RecoEvent *event)
{
	double time = reco_event_time(event->time, reco_events_unit(rows->events.time_type));

	rows->activity.rows++;
	if (!reco_is_time(time))
		return;
	rows->activity.first = Min(rows->activity.first, time);
	rows->activity.last = Max(rows->activity.last, time);
}

/* False when there are more than can be sorted in good time, and the training will do. */
static bool
reserve_row(UserRows *rows)
{
	Size each = sizeof(reco_entry) + sizeof(int64) + (rows->seen ? sizeof(int32) : 0) +
				(rows->deed ? sizeof(reco_deed) : 0);
	int64 most = Max(Max(rows->n, rows->n_seen), rows->n_deeds);
	RecoBudget budget;

	if (most < rows->slots)
		return true;
	if (most >= MAX_ROWS)
	{
		if (rows->live->mode == RECO_LIVE_ON)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("a user has more than %d rows in the source", MAX_ROWS),
					 errhint("Serve such a model with live => 'auto', or group its source.")));
		rows->too_many = true;
		return false;
	}
	reco_budget_init(&budget, CurrentMemoryContext);
	reco_budget_require(&budget, (rows->slots * 2 + 1) * each, "reading a user's rows");
	rows->slots *= 2;
	rows->entry = repalloc_huge(rows->entry, rows->slots * sizeof(reco_entry));
	rows->time = repalloc_huge(rows->time, rows->slots * sizeof(int64));
	if (rows->seen)
		rows->seen = repalloc_huge(rows->seen, rows->slots * sizeof(int32));
	if (rows->deed)
		rows->deed = repalloc_huge(rows->deed, rows->slots * sizeof(reco_deed));
	return true;
}

/* There is room for it. */
static inline void
add_row(UserRows *rows, int32 item, float value, int64 time, bool learnt, bool seen)
{
	if (rows->seen && seen)
		rows->seen[rows->n_seen++] = item;
	if (!learnt)
		return;
	rows->entry[rows->n] = (reco_entry){item, value};
	rows->time[rows->n++] = time;
}

/* False when no more rows are to be had. */
static bool
take_row(UserRows *rows, const RecoEvent *event, int32 item)
{
	if (item < 0 || event->time < rows->oldest)
		return true;
	if (!reserve_row(rows))
		return false;
	if (rows->deed)
		rows->deed[rows->n_deeds++] = reco_event_deed(event, 0, item);
	else
		add_row(rows, item, (float) event->value, event->time, event->learnt, event->seen);
	return true;
}

static bool
take_waiting(UserRows *rows)
{
	int n = rows->ahead;

	rows->ahead = 0;
	for (int k = 0; k < n; k++)
	{
		const WaitingRow *row = &rows->waiting[k];

		if (!take_row(rows, &row->event, id_dict_find(rows->serving->items, row->item)))
			return false;
	}
	return true;
}

static void
rows_shutdown(DestReceiver *receiver)
{
	(void) take_waiting((UserRows *) receiver);
}

static bool
receive_row(TupleTableSlot *slot, DestReceiver *receiver)
{
	UserRows *rows = (UserRows *) receiver;
	IdType *type = rows->serving->item_type;
	RecoEvent event;
	Datum id = (Datum) 0;
	int32 item = -1;
	bool kept;
	MemoryContext old;

	slot_getallattrs(slot);
	old = MemoryContextSwitchTo(rows->row);
	kept = reco_event_read(&rows->events, slot, &event);
	if (kept)
	{
		note_activity(rows, &event);
		kept = id_from_datum(type, event.item, rows->item_type, &id);
		if (kept && !type->integer)
			item = id_dict_find(rows->serving->items, id);
	}
	MemoryContextSwitchTo(old);
	if (++rows->received % 1024 == 0 || MemoryContextMemAllocated(rows->row, false) > ROW_GARBAGE)
		MemoryContextReset(rows->row);
	if (!kept || !type->integer)
		return take_row(rows, &event, item);
	id_dict_prefetch(rows->serving->items, id);
	rows->waiting[rows->ahead++] = (WaitingRow){event, id};
	return rows->ahead < ROWS_AHEAD || take_waiting(rows);
}

/* What is left of rows when some have taken back others. */
static void
take_deeds(UserRows *rows)
{
	reco_cancelled ignored = {0};
	int64 n = reco_cancel(&reco_poll_env, rows->deed, rows->n_deeds, &ignored);

	for (int64 k = 0; k < n; k++)
	{
		const reco_deed *deed = &rows->deed[k];

		RECO_POLL_AT(k);
		add_row(rows, deed->item, deed->value, deed->time, deed->learnt, deed->seen);
	}
	pfree(rows->deed);
	rows->deed = NULL;
}

static void
ask_source(void *arg)
{
	UserRows *rows = arg;
	RecoLive *live = rows->live;
	RecoLookup *lookup = &live->source.lookup;
	const IdType *type = id_type_asked(rows->serving->user_type);

	(void) reco_lookup_prepare(lookup, type, RECO_ASK_ONE, NULL);
	/* a parallel query cannot have what the source's functions may do */
	if (IsInParallelMode() && !lookup->parallel_safe && live->mode == RECO_LIVE_AUTO)
		return;
	if (live->mode == RECO_LIVE_AUTO)
	{
		if (!reco_lookup_is_current(lookup))
			reco_lookup_plan(lookup);
		if (!reco_live_is_cheap(lookup))
			return;
	}
	live->source.running = true;
	reco_lookup_run(lookup, type->base, rows->user->asked, &rows->receiver);
	rows->used = !rows->too_many;
}

/* False when the source is not to be asked. */
static bool
read_rows(RecoLive *live, UserRows *rows)
{
	RecoLookup *lookup = &live->source.lookup;

	if (live->mode == RECO_LIVE_OFF || !rows->user->is_told ||
		!reco_live_may_ask(live, &live->source))
		return false;
	/* most calls for a costly source end here */
	if (live->mode == RECO_LIVE_AUTO && reco_lookup_is_current(lookup) &&
		!reco_live_is_cheap(lookup))
		return false;
	reco_receiver_init(&rows->receiver, rows_startup, receive_row);
	rows->receiver.rShutdown = rows_shutdown;
	rows->events.skip_invalid = live->skip_invalid;
	rows->events.count = rows->count;
	rows->row = AllocSetContextCreate(CurrentMemoryContext, "reco row", ALLOCSET_SMALL_SIZES);
	rows->slots = 64;
	rows->entry = palloc(rows->slots * sizeof(reco_entry));
	rows->time = palloc(rows->slots * sizeof(int64));
	if (reco_data_keeps_seen(&rows->serving->options))
		rows->seen = palloc(rows->slots * sizeof(int32));
	if (reco_data_cancels(&rows->serving->options))
		rows->deed = palloc(rows->slots * sizeof(reco_deed));
	(void) reco_live_attempt(live, &live->source, ask_source, rows);
	MemoryContextDelete(rows->row);
	return rows->used;
}

static void *
take(int64 count, Size size)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, (count + 1) * size);
}

/* The rows before they are merged, where the model looks at their order; NULL: it does not. */
static reco_timed *
take_events(const UserRows *rows, const int64 *time)
{
	reco_timed *event;

	if (!(reco_spec_reads(rows->serving->model.spec) & RECO_READS_EVENTS))
		return NULL;
	event = take(rows->n, sizeof(reco_timed));
	for (int64 k = 0; k < rows->n; k++)
	{
		RECO_POLL_AT(k);
		event[k] = (reco_timed){time ? time[k] : 0, rows->entry[k].item};
	}
	return event;
}

/* What a user did, of the items that they have. */
static void
order_events(RecoBudget *budget, reco_timed *event, int64 n, const UserRows *rows,
			 reco_profile *now)
{
	const RecoDataOptions *options = &rows->serving->options;
	int64 gap = reco_data_session_gap(options, rows->events.time_type);
	int64 basket = reco_data_basket(options, rows->events.time_type);
	int64 unit = reco_events_unit(rows->events.time_type);
	int32 *item = take(n, sizeof(int32));
	float *moment = take(n, sizeof(float));
	double *time = take(n, sizeof(double));

	now->events = reco_ordered_user(&budget->env, event, n, now->item, now->n, gap, item, moment);
	if (now->events < 0 || !reco_ordered_baskets(&budget->env, event, now->events, basket, moment))
		reco_budget_check(budget, RECO_STOPPED, "reading a user's rows");
	for (int64 e = 0; e < now->events; e++)
		time[e] = reco_event_time(event[e].time, unit);
	now->event = item;
	now->moment = moment;
	now->time = time;
	pfree(event);
}

static int
compare_items(const void *a, const void *b)
{
	int32 x = *(const int32 *) a;
	int32 y = *(const int32 *) b;

	return (x > y) - (x < y);
}

/* Each item that counts as seen, once. */
static void
merge_seen(UserRows *rows, reco_profile *now)
{
	int64 n = 0;

	qsort(rows->seen, rows->n_seen, sizeof(int32), compare_items);
	for (int64 k = 0; k < rows->n_seen; k++)
	{
		RECO_POLL_AT(k);
		if (n == 0 || rows->seen[n - 1] != rows->seen[k])
			rows->seen[n++] = rows->seen[k];
	}
	now->has = rows->seen;
	now->n_has = n;
}

/*
 * What a user has by the rows that were read: items, and values as the algorithm takes
 * them, by the options that the version was trained with.  Those that max_user_interactions
 * leaves out stay behind, as items only.
 */
static void
merge_rows(UserRows *rows, reco_profile *now)
{
	const RecoSpec *spec = rows->serving->model.spec;
	reco_row_rules rules = reco_data_row_rules(&rows->serving->options, rows->events.time_type,
											   rows->serving->reference_time);
	int64 *time = OidIsValid(rows->events.time_type) ? rows->time : NULL;
	reco_row row = {0};
	reco_timed *event;
	float *value;
	RecoBudget budget;

	if (rows->deed)
		take_deeds(rows);
	reco_budget_init(&budget, CurrentMemoryContext);
	row.item = take(rows->n, sizeof(int32));
	row.sum = take(rows->n, sizeof(float));
	if (spec->latest)
		row.latest = take(rows->n, sizeof(float));
	if (reco_row_applies(&rules, rows->n))
		row.all = take(rows->n, sizeof(int32));
	row.kept = take(reco_row_kept(&rules, rows->n), sizeof(reco_kept));
	event = take_events(rows, time);
	now->n = reco_row_decay(&budget.env, &rules.decay, rows->entry, time, rows->n) &&
					 reco_row_sort(&budget.env, rows->entry, time, rows->n)
				 ? reco_row_reduce(&budget.env, &rules, rows->entry, time, rows->n, &row)
				 : -1;
	if (now->n < 0)
		reco_budget_check(&budget, RECO_STOPPED, "reading a user's rows");
	if (rows->seen)
		merge_seen(rows, now);
	else if (now->n < row.pairs)
	{
		now->has = row.all;
		now->n_has = row.pairs;
	}
	value = reco_spec_values(spec, row.sum, row.latest);
	reco_data_values(&rows->serving->options, value, now->n);
	now->item = row.item;
	now->value = value;
	if (event)
		order_events(&budget, event, rows->n, rows, now);
	pfree(row.kept);
	pfree(rows->entry);
	pfree(rows->time);
}

/* What the model makes of interactions that it was not trained on. */
static void
fold_in(Serving *serving, reco_profile *profile)
{
	RecoBudget budget;

	reco_budget_init(&budget, CurrentMemoryContext);
	reco_budget_check(&budget,
					  reco_scorer_fold_in(&budget.env, reco_serving_scorer(serving), profile),
					  "the model");
}

/* Whether the stored profile is of the same interactions, in the same order where that counts. */
static bool
is_same(const reco_profile *stored, const reco_profile *now)
{
	const reco_profile *ordered = reco_profile_ordered(stored);

	if (now->n != stored->n || memcmp(now->item, stored->item, now->n * sizeof(int32)) != 0 ||
		memcmp(now->value, stored->value, now->n * sizeof(float)) != 0)
		return false;
	return now->event == NULL ||
		   (ordered && now->events == ordered->events &&
			memcmp(now->event, ordered->event, now->events * sizeof(int32)) == 0 &&
			memcmp(now->moment, ordered->moment, now->events * sizeof(float)) == 0 &&
			(ordered->time == NULL ||
			 memcmp(now->time, ordered->time, now->events * sizeof(double)) == 0));
}

bool
reco_live_user(RecoLive *live, Serving *serving, const ServedUser *user, reco_profile *profile)
{
	RecoActivity ignored;

	return reco_live_activity(live, serving, user, profile, &ignored);
}

bool
reco_live_activity(RecoLive *live, Serving *serving, const ServedUser *user, reco_profile *profile,
				   RecoActivity *activity)
{
	UserRows rows = {.live = live,
					 .serving = serving,
					 .user = user,
					 .activity = {.first = RECO_NO_TIME, .last = -RECO_NO_TIME}};
	reco_profile now = {0};
	bool stored;

	if (read_rows(live, &rows))
		merge_rows(&rows, &now);
	*activity = rows.activity;
	activity->live = rows.used;
	stored = reco_serving_user(serving, user->id, profile);
	if (!stored && now.n == 0)
	{
		*profile = (reco_profile){.has = now.has, .n_has = now.n_has};
		return false;
	}
	if (!rows.used)
		return true;
	profile->has = now.has;
	profile->n_has = now.n_has;
	if (stored && is_same(profile, &now))
		return true;
	profile->n = now.n;
	profile->item = now.item;
	profile->value = now.value;
	profile->events = now.events;
	profile->event = now.event;
	profile->moment = now.moment;
	profile->time = now.time;
	fold_in(serving, profile);
	return true;
}
