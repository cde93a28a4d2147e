/*
 * demand.c
 *	  reco.demand(): how many users will have each item, of any query.
 *
 * The query is the caller's own text and runs as the caller; its columns are those of a source,
 * and so are the rules of its rows.  Time to come begins at the source's reference time, the
 * latest time that is not after now.
 *
 * Cost: reading the rows, and that of core/demand/demand.h, on one thread.
 */
#include "evaluation/arguments.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "core/demand/demand.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "pg/rows.h"
#include "store/source/events.h"
#include "store/source/source.h"
#include "utils/builtins.h"

#include <math.h>

RECO_FUNCTION(reco_demand_of);

/* Arguments, in their order. */
enum
{
	ARG_SOURCE,
	ARG_HORIZON,
	ARG_COVERAGE,
	ARG_OPTIONS
};

#define COLUMNS 8

typedef struct Demand
{
	RecoBudget budget;
	RecoData *data;
	reco_demand_params params;
	reco_demand found;
} Demand;

/* Microseconds, days of 24 hours. */
static int64
read_horizon(FunctionCallInfo fcinfo)
{
	const Interval *horizon = PG_GETARG_INTERVAL_P(ARG_HORIZON);
	int64 microseconds;

	if (horizon->month != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("horizon must not have months"),
				 errhint("Months differ in length: give days, as in '28 days'.")));
	if (pg_mul_s64_overflow(horizon->day, USECS_PER_DAY, &microseconds) ||
		pg_add_s64_overflow(microseconds, horizon->time, &microseconds) || microseconds <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("horizon must be longer than 0"),
				 errhint("It is how far to look ahead, as in '28 days'.")));
	return microseconds;
}

static double
read_coverage(FunctionCallInfo fcinfo)
{
	double coverage = PG_GETARG_FLOAT8(ARG_COVERAGE);

	if (!(coverage > 0 && coverage < 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("coverage must be within 0 and 1"),
						errhint("It is the share of items whose demand is to be between \"low\" "
								"and \"high\".")));
	return coverage;
}

static void
read_events(FunctionCallInfo fcinfo, Demand *d)
{
	RecoQuery query = {&reco_the_source,
					   reco_read_source_argument(fcinfo, ARG_SOURCE, &reco_the_source)};
	RecoQuery none = {&reco_the_items};
	RecoDataOptions options;

	reco_data_options_parse(PG_GETARG_JSONB_P(ARG_OPTIONS), &options);
	SPI_connect();
	d->data = reco_read_source(&query, &none, RECO_FEATURES_NONE, NULL, RECO_KEEP_EVENTS, &options,
							   &d->budget);
	SPI_finish();
}

/* The horizon in units of the source's times, from its reference time on. */
static void
find_params(Demand *d, int64 microseconds)
{
	Oid type = d->data->time_type;
	int64 unit = reco_events_unit(type);

	if (!OidIsValid(type))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("demand needs times, which the source does not have"),
				 errhint("A source's columns are user, item, value, time: SELECT user_id, item_id, "
						 "1, created_at FROM ...")));
	if (unit == 0)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("horizon is an interval, but times of the source are of type %s",
							   format_type_be(type)),
						errhint("Make times of them: to_timestamp(created_at) of seconds.")));
	if (microseconds % unit != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("horizon must be whole days, as times of the source are dates"),
						errhint("Give days, as in '28 days'.")));
	if (d->data->reference_time == RECO_NO_REFERENCE_TIME)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("no row of the source has a time that is not in the future"),
				 errdetail_internal("%s.", reco_data_rows(d->data)),
				 errhint("Demand is told from what happened until now: check the times of the "
						 "source.")));
	d->params.length = microseconds / unit;
	d->params.end = d->data->reference_time / unit;
}

static void
find_demand(Demand *d)
{
	reco_status status = reco_demand_find(&d->budget.env, &d->data->x, &d->params, &d->found);

	if (status == RECO_INVALID)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
						errmsg("the source has not times enough for this horizon"),
						errdetail_plural(
							"Its rows are of %d whole horizon before the last time, of at "
							"least %d that are needed.",
							"Its rows are of %d whole horizons before the last time, of at "
							"least %d that are needed.",
							(int) d->found.whole, (int) d->found.whole, RECO_DEMAND_MIN_PERIODS),
						errhint("Give a shorter horizon, or a source that goes back further.")));
	reco_budget_check(&d->budget, status, "demand");
}

static void
tell(const Demand *d)
{
	const reco_demand *found = &d->found;
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfo(&detail, "%s; ", reco_data_rows(d->data));
	if (isinf(found->half_life))
		appendStringInfoString(&detail, "all periods count alike");
	else if (found->half_life == 1)
		appendStringInfoString(&detail, "a period counts half as much as the one after it");
	else
		appendStringInfo(&detail, "a period counts half as much as one %g periods later",
						 found->half_life);
	appendStringInfo(&detail, ", certainty %g.", found->certainty);
	ereport(NOTICE, (errmsg("demand is from %d periods as long as the horizon", found->periods),
					 errdetail_internal("%s", detail.data),
					 found->whole > found->periods
						 ? errhint("These are the latest of " INT64_FORMAT
								   ": what is older counts with a longer horizon.",
								   found->whole)
						 : 0));
}

/* In the order of the items: the query around it has another, and a limit. */
static void
return_items(Demand *d, RecoRows *rows)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco item", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	int32 n = d->data->x.by_user.cols;

	for (int32 i = 0; i < n; i++)
	{
		const reco_demand_item *item = &d->found.item[i];
		Datum values[COLUMNS] = {
			CStringGetTextDatum(id_to_text(&d->data->item_type, id_dict_id(d->data->items, i))),
			Float8GetDatum(item->expected),
			Int32GetDatum(item->median),
			Int32GetDatum(item->within.low),
			Int32GetDatum(item->within.high),
			Float8GetDatum(item->within.probability),
			Int32GetDatum(item->latest),
			Int32GetDatum(item->total),
		};

		RECO_POLL_EACH(i, RECO_SEARCHES);
		reco_rows_add(rows, values, (bool[COLUMNS]){0});
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
}

Datum
reco_demand_of(PG_FUNCTION_ARGS)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco demand", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Demand d = {{{0}}};
	RecoRows rows;
	int64 horizon;

	reco_require_argument(fcinfo, ARG_SOURCE, "source");
	reco_require_argument(fcinfo, ARG_HORIZON, "horizon");
	reco_require_argument(fcinfo, ARG_COVERAGE, "coverage");
	reco_require_argument(fcinfo, ARG_OPTIONS, "options");
	rows = reco_rows_begin(
		fcinfo, (Oid[]){TEXTOID, FLOAT8OID, INT4OID, INT4OID, INT4OID, FLOAT8OID, INT4OID, INT4OID},
		COLUMNS);
	horizon = read_horizon(fcinfo);
	d.params.share = read_coverage(fcinfo);
	reco_budget_init(&d.budget, context);
	read_events(fcinfo, &d);
	MemoryContextSwitchTo(context);
	find_params(&d, horizon);
	find_demand(&d);
	tell(&d);
	return_items(&d, &rows);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}
