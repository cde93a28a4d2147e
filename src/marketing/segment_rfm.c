/*
 * segment_rfm.c
 *	  Recency, frequency and monetary value of the users of a model's source.
 *
 * What reco.rfm() says of the source, by the source's rules of rows: of kinds of events those
 * count that say what a user has, each with its value alone.  The source is read once, as the
 * model's owner, in order of users and times, so that one user at a time is added up; the executor
 * sorts in work_mem and spills to disk.  Values of one time are in order, too, so that sums have
 * the same bits whatever the order of the rows.
 *
 * Cost: reading and sorting the source.  Memory: some 50 bytes a user of it.
 */
#include "marketing/segment.h"

#include "access/xact.h"
#include "serving/live.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include <math.h>

static const char *const what = "reading the source";

/* One user of the source. */
typedef struct Sums
{
	int32 place; /* in the segments' dictionary; -1: in none */
	int64 frequency;
	double last; /* microseconds */
	double monetary;
	int32 score[3];
} Sums;

typedef struct RfmRows
{
	DestReceiver receiver; /* first, so that a receiver is these */
	RecoSegments *run;
	RecoEvents events;
	int64 count[RECO_COUNTS];
	Oid user_column;
	MemoryContext row;
	MemoryContext key;
	TimestampTz now;
	/* users so far, and the one whose rows come */
	Sums *sums;
	int32 n;
	int32 slots;
	bool any;
	Datum user;
	int64 time; /* of the last row that counted, in units of the column */
} RfmRows;

static void
rows_startup(DestReceiver *receiver, int operation, TupleDesc columns)
{
	RfmRows *rows = (RfmRows *) receiver;
	Serving *serving = rows->run->serving;

	reco_live_check(columns, serving->user_type, serving->item_type, &serving->options,
					&rows->events);
	rows->user_column = TupleDescAttr(columns, 0)->atttypid;
}

/* When a row was; false where that is not known, or later than now. */
static bool
time_of(const RfmRows *rows, int64 time, TimestampTz *at)
{
	if (time == PG_INT64_MIN)
		return false;
	switch (rows->events.time_type)
	{
		case DATEOID:
			if (DATE_NOT_FINITE((DateADT) time) ||
				time >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE)
				return false;
			*at = DatumGetTimestampTz(
				DirectFunctionCall1(date_timestamptz, DateADTGetDatum((DateADT) time)));
			break;
		case TIMESTAMPOID:
			/* of the first and the last days there may be no time with a zone */
			if (time < MIN_TIMESTAMP + 2 * USECS_PER_DAY || time > rows->now + 2 * USECS_PER_DAY)
				return false;
			*at = DatumGetTimestampTz(
				DirectFunctionCall1(timestamp_timestamptz, TimestampGetDatum(time)));
			break;
		default:
			if (time == PG_INT64_MIN + 1 || TIMESTAMP_NOT_FINITE(time))
				return false;
			*at = time;
	}
	return *at <= rows->now;
}

/* Another user's rows begin when it is not the last one's; false: nobody can have that id. */
static bool
find_user(RfmRows *rows, const RecoEvent *event)
{
	RecoSegments *run = rows->run;
	IdType *type = id_type_asked(run->serving->user_type);
	RecoBudget *budget = &run->budget;
	Datum id;
	MemoryContext old;

	if (!id_from_datum(type, event->user, rows->user_column, &id))
		return false;
	if (rows->any && DatumGetBool(FunctionCall2Coll(&type->equal, type->collation, rows->user, id)))
		return true;
	MemoryContextReset(rows->key);
	old = MemoryContextSwitchTo(rows->key);
	rows->user = datumCopy(id, type->typbyval, type->typlen);
	MemoryContextSwitchTo(old);
	rows->any = true;
	rows->time = PG_INT64_MIN;
	if (rows->n == rows->slots)
	{
		int32 slots = rows->slots > PG_INT32_MAX / 2 ? PG_INT32_MAX : rows->slots * 2 + 1024;
		Sums *sums;

		reco_budget_require(budget, (Size) slots * sizeof(Sums), what);
		sums = reco_budget_alloc(budget, (Size) slots * sizeof(Sums));
		if (rows->n > 0)
			reco_copy(sums, rows->sums, (Size) rows->n * sizeof(Sums));
		reco_budget_free(budget, rows->sums);
		rows->sums = sums;
		rows->slots = slots;
	}
	(void) id_stored(run->serving->user_type, id, &id);
	rows->sums[rows->n++] = (Sums){.place = id_dict_find(run->ids, id)};
	return true;
}

static bool
receive_row(TupleTableSlot *slot, DestReceiver *receiver)
{
	RfmRows *rows = (RfmRows *) receiver;
	RecoEvent event;
	TimestampTz at;
	MemoryContext old;

	reco_poll();
	slot_getallattrs(slot);
	old = MemoryContextSwitchTo(rows->row);
	if (reco_event_read(&rows->events, slot, &event) && event.seen &&
		time_of(rows, event.time, &at) && find_user(rows, &event))
	{
		Sums *sums = &rows->sums[rows->n - 1];

		sums->frequency += sums->frequency == 0 || event.time != rows->time;
		sums->last = (double) at;
		sums->monetary += event.plain;
		rows->time = event.time;
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(rows->row);
	return true;
}

/* Whether the source says when something was, and what it was worth. */
static bool
has_values_and_times(RecoLookup *lookup)
{
	RecoEvents events = {0};

	reco_events_columns(&events, &reco_the_source, reco_lookup_describe(lookup));
	return OidIsValid(events.value_type) && reco_events_unit(events.time_type) > 0;
}

/* A user's value of what is scored, and where they are. */
typedef struct Scored
{
	double value;
	int32 at;
} Scored;

static int
compare_scored(const void *a, const void *b)
{
	double x = ((const Scored *) a)->value;
	double y = ((const Scored *) b)->value;

	reco_poll();
	return (x > y) - (x < y);
}

/* From 1 to 5, by fifths of the users, equal ones alike: as width_bucket() of percent_rank(). */
static void
score(RfmRows *rows, Scored *scored, int which)
{
	int32 first = 0;

	for (int32 k = 0; k < rows->n; k++)
	{
		const Sums *sums = &rows->sums[k];

		RECO_POLL_AT(k);
		scored[k] = (Scored){which == 0   ? sums->last
							 : which == 1 ? (double) sums->frequency
										  : sums->monetary,
							 k};
	}
	qsort(scored, rows->n, sizeof(Scored), compare_scored);
	for (int32 k = 0; k < rows->n; k++)
	{
		double rank;

		RECO_POLL_AT(k);
		if (scored[k].value > scored[first].value)
			first = k;
		rank = rows->n > 1 ? (double) first / (rows->n - 1) : 0;
		rows->sums[scored[k].at].score[which] = (int32) (5 * rank / 1.0000001) + 1;
	}
}

/* What was added up, by row of the segments. */
static void
hand_out(RfmRows *rows)
{
	RecoSegments *run = rows->run;
	int32 ids = id_dict_count(run->ids);
	double latest = -INFINITY;
	int32 *sums_of;

	reco_budget_require(&run->budget,
						(Size) ids * sizeof(int32) + (Size) run->rows.rows * sizeof(RecoUserRfm) +
							(Size) rows->n * sizeof(Scored),
						what);
	sums_of = reco_budget_alloc(&run->budget, ((Size) ids + 1) * sizeof(int32));
	run->rfm = reco_budget_alloc(&run->budget, ((Size) run->rows.rows + 1) * sizeof(RecoUserRfm));
	for (int32 k = 0; k < ids; k++)
		sums_of[k] = -1;
	for (int32 k = 0; k < rows->n; k++)
	{
		RECO_POLL_AT(k);
		latest = Max(latest, rows->sums[k].last);
		if (rows->sums[k].place >= 0)
			sums_of[rows->sums[k].place] = k;
	}
	for (int32 r = 0; r < run->rows.rows; r++)
	{
		const Sums *sums = sums_of[run->id[r]] < 0 ? NULL : &rows->sums[sums_of[run->id[r]]];

		RECO_POLL_AT(r);
		run->rfm[r] = (RecoUserRfm){.recency = NAN};
		if (sums)
			run->rfm[r] = (RecoUserRfm){
				(latest - sums->last) / USECS_PER_DAY,
				sums->frequency,
				sums->monetary,
				{sums->score[0], sums->score[1], sums->score[2]},
			};
	}
	reco_budget_free(&run->budget, sums_of);
}

/* All rows, whose plan goes by an error as well. */
static void
read_rows(RecoLookup *lookup, RfmRows *rows)
{
	const IdType *type = id_type_asked(rows->run->serving->user_type);

	PG_TRY();
	{
		(void) reco_lookup_prepare(lookup, type, RECO_ASK_ALL, NULL);
		reco_lookup_run(lookup, InvalidOid, (Datum) 0, &rows->receiver);
	}
	PG_FINALLY();
	{
		reco_lookup_forget(lookup);
	}
	PG_END_TRY();
}

void
reco_segment_rfm(RecoSegments *run, const ModelRow *model)
{
	RecoLookup lookup = reco_live_lookup(model, false);
	RfmRows rows = {.run = run, .now = GetCurrentTransactionStartTimestamp()};
	Scored *scored;

	lookup.as_training = true;
	if (lookup.query.text == NULL)
		reco_damaged(model->schema, "Its source or search_path is missing.");
	if (!has_values_and_times(&lookup))
		return;
	reco_receiver_init(&rows.receiver, rows_startup, receive_row);
	rows.events.skip_invalid = run->serving->options.on_invalid == ON_INVALID_SKIP;
	rows.events.count = rows.count;
	rows.row = AllocSetContextCreate(CurrentMemoryContext, "reco row", ALLOCSET_DEFAULT_SIZES);
	rows.key = AllocSetContextCreate(CurrentMemoryContext, "reco user", ALLOCSET_SMALL_SIZES);
	read_rows(&lookup, &rows);
	reco_budget_require(&run->budget, ((Size) rows.n + 1) * sizeof(Scored), what);
	scored = reco_budget_alloc(&run->budget, ((Size) rows.n + 1) * sizeof(Scored));
	for (int which = 0; which < 3; which++)
		score(&rows, scored, which);
	reco_budget_free(&run->budget, scored);
	hand_out(&rows);
	reco_budget_free(&run->budget, rows.sums);
	MemoryContextDelete(rows.row);
	MemoryContextDelete(rows.key);
}
