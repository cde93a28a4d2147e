/*
 * demand.c
 *	  reco.demand(): how many users will have each item, of any query.
 *
 * The query is the caller's own text and runs as the caller; its columns are those of a source,
 * and so are the rules of its rows.  Time to come begins at the latest time that is not after now
 * of a row that counts.
 *
 * Cost: reading the rows, and that of core/demand/demand.h, on one thread.
 */
#include "marketing/demand.h"

#include "catalog/pg_type.h"
#include "evaluation/arguments.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "pg/rows.h"
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

const char *const reco_demand_coverage =
	"It is the share of items whose demand is to be between \"low\" and \"high\".";

static void
read_rows(FunctionCallInfo fcinfo, RecoDemand *d)
{
	RecoQuery query = {&reco_the_source,
					   reco_read_source_argument(fcinfo, ARG_SOURCE, &reco_the_source)};
	RecoQuery none = {&reco_the_items};

	reco_data_options_parse(PG_GETARG_JSONB_P(ARG_OPTIONS), &d->options);
	SPI_connect();
	d->data = reco_read_source(&query, &none, RECO_FEATURES_NONE, NULL, RECO_KEEP_EVENTS,
							   &d->options, &d->budget);
	SPI_finish();
}

void
reco_demand_periods(RecoDemand *d, int64 horizon)
{
	d->params.length = reco_window_units(d->data, horizon, "horizon", "demand");
	d->rows = reco_window_rows(d->data, &d->options);
	d->params.end = reco_window_end(d->data, d->rows, "demand");
}

void
reco_demand_run(RecoDemand *d)
{
	reco_status status = reco_demand_find(&d->budget.env, d->rows, &d->params, &d->found);

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

void
reco_demand_tell(const RecoDemand *d)
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
	appendStringInfo(&detail, ", certainty %g%s.", found->certainty, d->model ? d->model : "");
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
return_items(RecoDemand *d, RecoRows *rows)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco item", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	int32 n = d->data->x.by_user.cols;

	for (int32 i = 0; i < n; i++)
	{
		Datum id = id_dict_id(d->data->items, i);
		Datum values[DEMAND_COLUMNS + 1] = {
			CStringGetTextDatum(id_to_text(&d->data->item_type, id))};

		RECO_POLL_EACH(i, RECO_SEARCHES);
		reco_demand_item_values(&d->found.item[i], values + 1);
		reco_rows_add(rows, values, (bool[DEMAND_COLUMNS + 1]){0});
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
}

void
reco_demand_item_values(const reco_demand_item *item, Datum *values)
{
	values[0] = Float8GetDatum(item->expected);
	values[1] = Int32GetDatum(item->median);
	values[2] = Int32GetDatum(item->within.low);
	values[3] = Int32GetDatum(item->within.high);
	values[4] = Float8GetDatum(item->within.probability);
	values[5] = Int32GetDatum(item->latest);
	values[6] = Int32GetDatum(item->total);
}

Datum
reco_demand_of(PG_FUNCTION_ARGS)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco demand", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	RecoDemand d = {{{0}}};
	RecoRows rows;
	int64 horizon;

	reco_require_argument(fcinfo, ARG_SOURCE, "source");
	reco_require_argument(fcinfo, ARG_HORIZON, "horizon");
	reco_require_argument(fcinfo, ARG_COVERAGE, "coverage");
	reco_require_argument(fcinfo, ARG_OPTIONS, "options");
	rows = reco_rows_begin(
		fcinfo, (Oid[]){TEXTOID, FLOAT8OID, INT4OID, INT4OID, INT4OID, FLOAT8OID, INT4OID, INT4OID},
		DEMAND_COLUMNS + 1);
	horizon = reco_window_length(PG_GETARG_INTERVAL_P(ARG_HORIZON), "horizon");
	d.params.share = reco_window_coverage(PG_GETARG_FLOAT8(ARG_COVERAGE), reco_demand_coverage);
	reco_budget_init(&d.budget, context);
	read_rows(fcinfo, &d);
	MemoryContextSwitchTo(context);
	reco_demand_periods(&d, horizon);
	reco_demand_run(&d);
	reco_demand_tell(&d);
	return_items(&d, &rows);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}
