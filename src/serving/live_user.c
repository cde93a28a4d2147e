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

#include "miscadmin.h"
#include "store/source/ingest.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include <math.h>

/* Of one user: sorting them takes a fraction of a second. */
#define MAX_ROWS (1024 * 1024)

/* Bytes that functions of the ids' types may leave behind. */
#define ROW_GARBAGE (8 * 1024 * 1024)

/* The rows of one user, as they arrive. */
typedef struct UserRows
{
	DestReceiver receiver; /* first, so that a receiver is these */
	RecoLive *live;
	Serving *serving;
	Datum user;
	bool used;     /* the source was asked */
	bool too_many; /* it has more rows than are read */
	int64 received;
	Oid item_type; /* that of the model's items, or a wider one */
	Oid value_type;
	Oid time_type;
	MemoryContext row; /* what functions of the ids' types leave behind */
	int64 n;
	int64 slots;
	reco_entry *entry;
	int64 *time;
} UserRows;

/* The columns are looked at each time: the plan cache follows tables that change. */
static void
rows_startup(DestReceiver *receiver, int operation, TupleDesc columns)
{
	UserRows *rows = (UserRows *) receiver;
	Serving *serving = rows->serving;

	reco_live_check(columns, serving->user_type, serving->item_type, &rows->value_type,
					&rows->time_type);
	rows->item_type = TupleDescAttr(columns, 1)->atttypid;
}

/* False when there are more than can be sorted in good time, and the training will do. */
static bool
reserve_row(UserRows *rows)
{
	Size each = sizeof(reco_entry) + sizeof(int64);
	RecoBudget budget;

	if (rows->n < rows->slots)
		return true;
	if (rows->n >= MAX_ROWS)
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
	return true;
}

/* The ids of the row are of the source's own types, which may be wider than the model's. */
static pg_attribute_noreturn() void refuse_value(TupleTableSlot *slot, double value)
{
	IdType type[2];

	for (int i = 0; i < 2; i++)
	{
		Form_pg_attribute column = TupleDescAttr(slot->tts_tupleDescriptor, i);

		id_type_init(&type[i], column->atttypid, column->atttypmod, column->attcollation,
					 i == 0 ? "user" : "item");
	}
	ingest_invalid_value(&type[0], &type[1], slot, value);
}

static bool
receive_row(TupleTableSlot *slot, DestReceiver *receiver)
{
	UserRows *rows = (UserRows *) receiver;
	Serving *serving = rows->serving;
	double value;
	int64 time;
	Datum id;
	int32 item;
	bool valid;
	MemoryContext old;

	slot_getallattrs(slot);
	if (slot->tts_isnull[1] || (OidIsValid(rows->value_type) && slot->tts_isnull[2]))
		return true;
	old = MemoryContextSwitchTo(rows->row);
	valid = ingest_row(rows->value_type, rows->time_type, slot, &value, &time);
	if (!valid && !rows->live->skip_invalid)
		refuse_value(slot, value);
	valid = valid && id_from_datum(serving->item_type, slot->tts_values[1], rows->item_type, &id);
	item = valid ? id_dict_find(serving->items, id) : -1;
	MemoryContextSwitchTo(old);
	if (++rows->received % 1024 == 0 || MemoryContextMemAllocated(rows->row, false) > ROW_GARBAGE)
		MemoryContextReset(rows->row);
	if (item < 0)
		return true;
	if (!reserve_row(rows))
		return false;
	rows->entry[rows->n] = (reco_entry){item, (float) value};
	rows->time[rows->n++] = time;
	return true;
}

static void
ask_source(void *arg)
{
	UserRows *rows = arg;
	RecoLive *live = rows->live;
	RecoLookup *lookup = &live->source.lookup;
	const IdType *type = rows->serving->user_type;

	(void) reco_lookup_prepare(lookup, type, false, NULL);
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
	reco_lookup_run(lookup, type->base, rows->user, &rows->receiver);
	rows->used = !rows->too_many;
}

/* False when the source is not to be asked. */
static bool
read_rows(RecoLive *live, UserRows *rows)
{
	RecoLookup *lookup = &live->source.lookup;

	if (live->mode == RECO_LIVE_OFF || !reco_live_may_ask(live, &live->source))
		return false;
	/* most calls for a costly source end here */
	if (live->mode == RECO_LIVE_AUTO && reco_lookup_is_current(lookup) &&
		!reco_live_is_cheap(lookup))
		return false;
	reco_receiver_init(&rows->receiver, rows_startup, receive_row);
	rows->row = AllocSetContextCreate(CurrentMemoryContext, "reco row", ALLOCSET_SMALL_SIZES);
	rows->slots = 64;
	rows->entry = palloc(rows->slots * sizeof(reco_entry));
	rows->time = palloc(rows->slots * sizeof(int64));
	(void) reco_live_attempt(live, &live->source, ask_source, rows);
	MemoryContextDelete(rows->row);
	return rows->used;
}

/*
 * What a user has by the rows that were read: items, and values as the algorithm takes
 * them.  Those that max_user_interactions leaves out stay behind, as items only.
 */
static void
merge_rows(UserRows *rows, reco_profile *now)
{
	const RecoLive *live = rows->live;
	bool by_latest = rows->serving->model.spec->predicts_value;
	int64 *time = OidIsValid(rows->time_type) ? rows->time : NULL;
	float *sum = MemoryContextAllocHuge(CurrentMemoryContext, (rows->n + 1) * sizeof(float));
	float *latest = NULL;
	int32 *item;
	RecoBudget budget;

	reco_budget_init(&budget, CurrentMemoryContext);
	item = MemoryContextAllocHuge(CurrentMemoryContext, (rows->n + 1) * sizeof(int32));
	if (by_latest)
		latest = MemoryContextAllocHuge(CurrentMemoryContext, (rows->n + 1) * sizeof(float));
	now->n = reco_row_merge(&budget.env, rows->entry, time, rows->n, item, sum, latest);
	if (now->n < 0)
		reco_budget_check(&budget, RECO_STOPPED, "reading a user's rows");
	if (live->max_interactions > 0 && now->n > live->max_interactions)
	{
		int32 *all = MemoryContextAllocHuge(CurrentMemoryContext, now->n * sizeof(int32));
		reco_kept *scratch = MemoryContextAllocHuge(CurrentMemoryContext,
													live->max_interactions * sizeof(reco_kept));

		memcpy(all, item, now->n * sizeof(int32));
		now->has = all;
		now->n_has = now->n;
		now->n = reco_row_cap(&budget.env, live->max_interactions, now->n, time, item, sum, latest,
							  scratch);
		if (now->n < 0)
			reco_budget_check(&budget, RECO_STOPPED, "reading a user's rows");
		pfree(scratch);
	}
	now->item = item;
	now->value = by_latest ? latest : sum;
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

bool
reco_live_user(RecoLive *live, Serving *serving, Datum user, reco_profile *profile)
{
	UserRows rows = {.live = live, .serving = serving, .user = user};
	reco_profile now = {0};
	bool stored;

	if (!read_rows(live, &rows))
		return reco_serving_user(serving, user, profile);
	merge_rows(&rows, &now);
	stored = reco_serving_user(serving, user, profile);
	if (!stored && now.n == 0)
		return false;
	profile->has = now.has;
	profile->n_has = now.n_has;
	if (stored && now.n == profile->n &&
		memcmp(now.item, profile->item, now.n * sizeof(int32)) == 0 &&
		memcmp(now.value, profile->value, now.n * sizeof(float)) == 0)
		return true;
	profile->n = now.n;
	profile->item = now.item;
	profile->value = now.value;
	fold_in(serving, profile);
	return true;
}
