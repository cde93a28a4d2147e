/*
 * excluded.c
 *	  Users whom an audience leaves out: a list of them, and who was told often enough.
 *
 * Ids that the model does not know are passed over: who unsubscribed need not have bought anything.
 * How often somebody was told is how many times there are in a log of exposures, since a mail that
 * names five items is five rows of one time; of a log without times each row counts.  The log is
 * the caller's own query and runs as the caller.
 *
 * Cost: a look-up an id; the query, and a sort of its rows.  Memory: a bit a user.
 */
#include "marketing/excluded.h"
#include "marketing/reading.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

static const RecoQueryKind the_exposures = {"the exposures", "exposures", "user_id [, shown_at]"};

/* Users of a version, and who of them is left out. */
typedef struct Excluded
{
	Request *request;
	const ServingUsers *all;
	uint64 *set;
	MemoryContext scratch;
} Excluded;

static void
exclude_number(Excluded *excluded, int32 number)
{
	if (number >= 0)
		reco_set_add(excluded->set, number);
}

static void
exclude_listed(void *arg, int32 number, const Datum *user)
{
	Excluded *excluded = arg;

	if (user)
		exclude_number(excluded, reco_users_find(excluded->all, *user));
}

/* How far back a log is looked at; NULL: all of it. */
static Interval *
read_within(Request *request)
{
	Interval *within;
	double days;

	if (!request_has(request, "within"))
		return NULL;
	within = DatumGetIntervalP(
		DirectFunctionCall3(interval_in, CStringGetDatum(request_string(request, "within", "")),
							ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	days = reco_reading_days(within);
	if (!(days > 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("within must be positive"),
						errhint("It is how long ago exposures count, such as '7 days'; NULL "
								"counts all.")));
	return days > RECO_EVER_DAYS ? NULL : within;
}

/* What the log says of time: a column, or NULL where it has none. */
static char *
time_column(const RecoReading *log, const Interval *within)
{
	int column = reco_reading_column(log, "shown_at", within != NULL);
	char *time;
	Oid type;

	if (column < 0)
		return NULL;
	type = TupleDescAttr(log->columns, column)->atttypid;
	time = reco_reading_time("e.shown_at", type);
	if (time == NULL)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column \"shown_at\" of %s must be a time, not of type %s",
							   log->kind->name, format_type_be(type)),
						errhint("Of numbers of seconds, to_timestamp() makes times.")));
	return time;
}

/* The type of the users of the log; an error unless they can be those of the model. */
static Oid
check_users(const RecoReading *log, const Serving *serving)
{
	Form_pg_attribute user = TupleDescAttr(log->columns, reco_reading_column(log, "user_id", true));
	IdType type;

	id_type_init(&type, user->atttypid, user->atttypmod, user->attcollation, "user");
	id_type_require_comparable(&type, log->kind->name, serving->user_type, "the model", "user");
	return user->atttypid;
}

static char *
statement(const RecoReading *log, const Interval *within)
{
	const char *time = time_column(log, within);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT e.user_id FROM (%s\n) AS e WHERE e.user_id IS NOT NULL",
					 log->text);
	if (within)
		appendStringInfo(&sql,
						 " AND %s OPERATOR(pg_catalog.>) (pg_catalog.now() "
						 "OPERATOR(pg_catalog.-) $2) "
						 "AND %s OPERATOR(pg_catalog.<=) pg_catalog.now()",
						 time, time);
	appendStringInfo(&sql,
					 " GROUP BY e.user_id HAVING pg_catalog.count(%s%s) "
					 "OPERATOR(pg_catalog.>=) $1",
					 time ? "DISTINCT " : "", time ? time : "*");
	return sql.data;
}

static void
exclude_rows(Excluded *excluded, Portal portal, Oid type)
{
	for (;;)
	{
		SPI_cursor_fetch(portal, true, 4096);
		if (SPI_processed == 0)
			break;
		for (uint64 r = 0; r < SPI_processed; r++)
		{
			bool null;
			Datum user = SPI_getbinval(SPI_tuptable->vals[r], SPI_tuptable->tupdesc, 1, &null);

			MemoryContext old = MemoryContextSwitchTo(excluded->scratch);
			Datum id;

			if (id_from_datum(excluded->request->serving->user_type, user, type, &id))
				exclude_number(excluded, reco_users_find(excluded->all, id));
			MemoryContextSwitchTo(old);
			MemoryContextReset(excluded->scratch);
		}
		SPI_freetuptable(SPI_tuptable);
		reco_poll();
	}
}

/* Who was shown something so many times or more. */
static void
exclude_exposed(Excluded *excluded, const char *exposures, int64 cap, Interval *within)
{
	Oid types[] = {INT8OID, INTERVALOID};
	Datum values[] = {Int64GetDatum(cap), IntervalPGetDatum(within)};
	char nulls[] = {' ', within ? ' ' : 'n', '\0'};
	RecoReading log;
	SPIPlanPtr plan;
	Portal portal;
	Oid type;

	excluded->scratch =
		AllocSetContextCreate(CurrentMemoryContext, "reco excluded", ALLOCSET_SMALL_SIZES);
	SPI_connect();
	log = reco_reading(&the_exposures, exposures);
	type = check_users(&log, excluded->request->serving);
	plan = SPI_prepare(statement(&log, within), 2, types);
	if (plan == NULL)
		elog(ERROR, "could not prepare exposures: %s", SPI_result_code_string(SPI_result));
	portal = SPI_cursor_open(NULL, plan, values, nulls, true);
	exclude_rows(excluded, portal, type);
	SPI_cursor_close(portal);
	SPI_finish();
	MemoryContextDelete(excluded->scratch);
}

uint64 *
reco_excluded_users(Request *request)
{
	Serving *serving = request->serving;
	bool listed = request_has(request, "exclude_users");
	bool exposed = request_has(request, "exposures");
	int64 cap = request_int64(request, "frequency_cap", 1);
	Interval *within = read_within(request);
	Excluded excluded = {request};

	if (cap < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("frequency_cap must be at least 1"),
						errhint("Who was shown something as often within the time is left out.")));
	if (!exposed && (request_has(request, "frequency_cap") || request_has(request, "within")))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("frequency_cap and within need exposures"),
						errhint("They are the name of a table, or a SELECT, with a column "
								"\"user_id\", and \"shown_at\" where that is known.")));
	if (!listed && !exposed)
		return NULL;
	excluded.all = reco_serving_load_users(serving);
	excluded.set = reco_call_alloc(1, RECO_SET_BYTES(serving->users));
	if (listed)
		request_users(request, "exclude_users", exclude_listed, &excluded);
	if (exposed)
		exclude_exposed(&excluded, request_string(request, "exposures", ""), cap, within);
	return excluded.set;
}
