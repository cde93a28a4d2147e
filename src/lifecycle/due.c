/*
 * due.c
 *	  Whether the last training of a model is as old as the next one asks.
 */
#include "lifecycle/due.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* Of a thousand years, which can be added to any time of now. */
#define MONTHS (1000 * MONTHS_PER_YEAR)
#define DAYS (1000 * 366)

/* Whether a version is as old; parts of an interval that no time can be added are compared. */
static bool
is_as_old(TimestampTz finished_at, Interval *interval)
{
	TimestampTz now = GetCurrentTimestamp();
	Datum age;

	if (finished_at <= now && !TIMESTAMP_NOT_FINITE(finished_at) && interval->month > -MONTHS &&
		interval->month < MONTHS && interval->day > -DAYS && interval->day < DAYS &&
		interval->time > -DAYS * USECS_PER_DAY && interval->time < DAYS * USECS_PER_DAY)
		return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
													   TimestampTzGetDatum(finished_at),
													   IntervalPGetDatum(interval))) <= now;
	if (TIMESTAMP_NOT_FINITE(finished_at))
		return finished_at < now;
	age = DirectFunctionCall2(timestamp_mi, TimestampTzGetDatum(now),
							  TimestampTzGetDatum(finished_at));
	return DatumGetBool(DirectFunctionCall2(interval_le, IntervalPGetDatum(interval), age));
}

bool
reco_is_due(const ModelRow *model, const VersionRow *last, Interval *min_interval)
{
	if (last->finished_at == 0 || is_as_old(last->finished_at, min_interval))
		return true;
	ereport(NOTICE, (errmsg("model \"%s\" was trained less than %s ago, skipping", model->name,
							DatumGetCString(DirectFunctionCall1(
								interval_out, IntervalPGetDatum(min_interval))))));
	return false;
}
