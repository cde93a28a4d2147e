/*
 * ages.c
 *	  Options that go by the time of rows: how they fade, and which are too old or too late.
 *
 * A length of time is one of microseconds, as extract(epoch) counts months and years, so that it
 * is the same whatever the calendar and the zone.  A time is written with its offset from UTC.  A
 * source whose times have no zone is compared with the clock that was read when that was written:
 * what was given as '2024-06-01' is the first of June there, too.
 */
#include "store/source/data.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include <math.h>

/* Lengths of time are at most so long: rows are younger. */
#define MOST_YEARS 10000

/* In microseconds; 0: not given.  An error unless it is above 0. */
static double
length_of(const char *text, const char *name, const char *meaning, const char *without)
{
	const Interval *interval;
	double years;
	double days;
	double microseconds;

	if (text == NULL)
		return 0;
	interval = DatumGetIntervalP(DirectFunctionCall3(
		interval_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	years = interval->month / MONTHS_PER_YEAR;
	days = years * DAYS_PER_YEAR + interval->month % MONTHS_PER_YEAR * (double) DAYS_PER_MONTH +
		   interval->day;
	microseconds = days * USECS_PER_DAY + (double) interval->time;
	if (!(microseconds > 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"%s\" of reco.options must be longer than 0", name),
						errhint("%s, as in '30 days'; %s.", meaning, without)));
	if (microseconds > MOST_YEARS * DAYS_PER_YEAR * USECS_PER_DAY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" of reco.options must be at most %d years", name, MOST_YEARS),
				 errhint("%c%s.", pg_toupper((unsigned char) without[0]), without + 1)));
	return microseconds;
}

/* Whether a time is written with an offset from UTC, as JSON has it. */
static bool
has_offset(const char *text)
{
	const char *time = strchr(text, 'T');

	return time && strpbrk(time, "+-Z");
}

/* What a text is as a timestamptz, or as a timestamp: the clock without its zone. */
static int64
time_of(const char *text, bool with_zone)
{
	PGFunction input = with_zone ? timestamptz_in : timestamp_in;

	return DatumGetInt64(DirectFunctionCall3(input, CStringGetDatum(text),
											 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

static void
check_time(const char *text, const char *name)
{
	if (text == NULL)
		return;
	if (TIMESTAMP_NOT_FINITE(time_of(text, true)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"%s\" of reco.options must be finite", name),
						errhint("Leave it out where the window of time has no such end.")));
	if (!has_offset(text))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"%s\" of reco.options must have an offset from UTC", name),
						errhint("reco.options(%s => '2024-06-01') writes one.", name)));
}

void
reco_data_ages_parse(RecoDataOptions *options)
{
	options->half_life =
		length_of(options->half_life_text, "half_life",
				  "It is the age at which a row counts half of what it counts when it is new",
				  "leave it out where rows do not fade");
	options->max_age =
		(int64) length_of(options->max_age_text, "max_age", "It is the age up to which rows count",
						  "leave it out where rows count whatever their age");
	check_time(options->since, "since");
	check_time(options->until, "until");
	if (options->since && options->until &&
		time_of(options->since, true) >= time_of(options->until, true))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"until\" of reco.options must be later than \"since\""),
				 errhint("Rows count from the time of since on, and before that of until.")));
}

/* An error unless a source has times of a kind that an option needs. */
static void
require_times(const char *name, const char *what, Oid time_type)
{
	if (!OidIsValid(time_type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("%s needs times, which the source does not have", name),
				 errhint("A source's columns are user, item, value, time: SELECT user_id, item_id, "
						 "1, created_at FROM ...")));
	if (time_type != TIMESTAMPTZOID && time_type != TIMESTAMPOID && time_type != DATEOID)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("%s is %s, but times of the source are of type %s", name, what,
							   format_type_be(time_type)),
						errhint("Make times of them: to_timestamp(created_at) of seconds.")));
}

static int64
unit_of(Oid time_type)
{
	return time_type == DATEOID ? USECS_PER_DAY : 1;
}

reco_decay
reco_data_decay(const RecoDataOptions *options, Oid time_type, TimestampTz reference)
{
	if (options->half_life == 0)
		return (reco_decay){0};
	require_times("half_life", "an interval", time_type);
	/* without a time there is nothing that ages could be counted from */
	if (reference == RECO_NO_REFERENCE_TIME)
		return (reco_decay){0};
	return (reco_decay){options->half_life / (double) unit_of(time_type),
						reference / unit_of(time_type)};
}

int64
reco_data_oldest(const RecoDataOptions *options, Oid time_type, TimestampTz reference)
{
	int64 unit = unit_of(time_type);

	if (options->max_age == 0)
		return PG_INT64_MIN;
	require_times("max_age", "an interval", time_type);
	if (reference == RECO_NO_REFERENCE_TIME)
		return PG_INT64_MIN;
	/* what is not known is before all others; both are far from the ends of the type */
	return reference / unit - options->max_age / unit;
}

/* The first time of a type that is not before the one of a text. */
static int64
first_at(const char *text, Oid time_type)
{
	int64 time = time_of(text, time_type == TIMESTAMPTZOID);
	int64 unit = unit_of(time_type);

	return time / unit + (time % unit > 0);
}

RecoWindow
reco_data_window(const RecoDataOptions *options, Oid time_type)
{
	RecoWindow window = {PG_INT64_MIN, PG_INT64_MAX};

	if (options->since)
	{
		require_times("since", "a time", time_type);
		window.from = first_at(options->since, time_type);
	}
	if (options->until)
	{
		require_times("until", "a time", time_type);
		window.last = first_at(options->until, time_type) - 1;
	}
	return window;
}
