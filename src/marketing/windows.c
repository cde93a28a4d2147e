/*
 * windows.c
 *	  Lengths of time before and after the latest time of a source, and whose rows count in them.
 */
#include "marketing/windows.h"

#include "common/int.h"
#include "core/demand/periods.h"
#include "store/source/events.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

int64
reco_window_length(const Interval *window, const char *name)
{
	int64 microseconds;

	if (window->month != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must not have months", name),
				 errhint("Months differ in length: give days, as in '28 days'.")));
	if (pg_mul_s64_overflow(window->day, USECS_PER_DAY, &microseconds) ||
		pg_add_s64_overflow(microseconds, window->time, &microseconds) || microseconds <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be longer than 0", name),
				 errhint("It is a length of time, as in '28 days'.")));
	return microseconds;
}

int64
reco_window_option(Request *request, const char *name)
{
	Datum window;

	if (!request_has(request, name))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name)));
	window = DirectFunctionCall3(interval_in, CStringGetDatum(request_string(request, name, "")),
								 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	return reco_window_length(DatumGetIntervalP(window), name);
}

int64
reco_window_units(const RecoData *data, int64 microseconds, const char *name, const char *what)
{
	int64 unit = reco_events_unit(data->time_type);

	if (!OidIsValid(data->time_type))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s needs times, which the source does not have", what),
				 errhint("A source's columns are user, item, value, time: SELECT user_id, item_id, "
						 "1, created_at FROM ...")));
	if (unit == 0)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("%s is an interval, but times of the source are of type %s", name,
							   format_type_be(data->time_type)),
						errhint("Make times of them: to_timestamp(created_at) of seconds.")));
	if (microseconds % unit != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be whole days, as times of the source are dates", name),
						errhint("Give days, as in '28 days'.")));
	return microseconds / unit;
}

const reco_interactions *
reco_window_rows(const RecoData *data, const RecoDataOptions *options)
{
	return options->seen_kinds && data->x.seen ? data->x.seen : &data->x;
}

int64
reco_window_end(const RecoData *data, const reco_interactions *rows, const char *what)
{
	int64 end = PG_INT64_MIN;
	int64 until;

	if (data->reference_time != RECO_NO_REFERENCE_TIME)
	{
		until = data->reference_time / reco_events_unit(data->time_type);
		for (int32 u = 0; u < rows->by_user.rows; u++)
		{
			reco_taken taken = reco_taken_begin(rows, u);

			RECO_POLL_EACH(u, 1024);
			for (int64 time; reco_taken_next(&taken, &time);)
				if (reco_period_counts(until, time))
					end = Max(end, time);
		}
	}
	if (end == PG_INT64_MIN)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
						errmsg("no row of the source has a value above 0 and a time that is not in "
							   "the future"),
						errdetail_internal("%s.", reco_data_rows(data)),
						errhint("What is told of %s is from what was taken until now: check the "
								"values and times of the source.",
								what)));
	return end;
}

double
reco_window_coverage(double coverage, const char *hint)
{
	if (!(coverage > 0 && coverage < 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("coverage must be within 0 and 1"), errhint("%s", hint)));
	return coverage;
}
