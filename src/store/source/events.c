/*
 * events.c
 *	  The rows of a source: their columns, and what is wrong with a row.
 *
 * Conventions: a NULL user, item, value or kind skips the row and is counted; a value that is NaN,
 * infinite or beyond 1e18 is an error that names the row, or is counted and skipped with
 * on_invalid => 'skip'.
 */
#include "store/source/events.h"

#include "utils/lsyscache.h"
#include "utils/timestamp.h"

static int
columns_hint(const RecoQueryKind *kind)
{
	return errhint("The %s's columns are %s, in this order.", kind->name_of, kind->columns);
}

static bool
is_integer(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

static void
check_value(const RecoQueryKind *kind, Oid type)
{
	if (is_integer(type) || type == FLOAT4OID || type == FLOAT8OID || type == NUMERICOID)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column 3 of %s must be a number, not of type %s", kind->name,
					format_type_be(type)),
			 type == BOOLOID ? errhint("Cast it to integer: true becomes 1, and false 0. The %s's "
									   "columns are %s, in this order.",
									   kind->name_of, kind->columns)
							 : columns_hint(kind)));
}

static void
check_time(const RecoQueryKind *kind, Oid type)
{
	if (is_integer(type) || type == TIMESTAMPTZOID || type == TIMESTAMPOID || type == DATEOID)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_DATATYPE_MISMATCH),
		 errmsg("column 4 of %s must be a time, not of type %s", kind->name, format_type_be(type)),
		 errdetail("It may be timestamptz, timestamp, date or an integer."), columns_hint(kind)));
}

/* Of lists the third column is in the place of a time. */
static void
read_ranked(RecoEvents *events, const RecoQueryKind *kind, TupleDesc columns)
{
	if (columns->natts != 3)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("%s must have 3 columns, not %d", kind->name_of, columns->natts),
						errhint("Their columns are %s, in this order.", kind->columns)));
	events->time_type = getBaseType(TupleDescAttr(columns, 2)->atttypid);
	events->required = 3;
	events->time_at = 2;
	if (!is_integer(events->time_type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column 3 of %s must be an integer, not of type %s", kind->name,
						format_type_be(events->time_type)),
				 errdetail("It is the rank, the best first."),
				 errhint("Of scores, row_number() OVER (PARTITION BY user ORDER BY score DESC) is "
						 "the rank.")));
}

void
reco_events_columns(RecoEvents *events, const RecoQueryKind *kind, TupleDesc columns)
{
	int most = kind == &reco_the_source ? 5 : 4;

	events->value_type = events->time_type = events->kind_type = InvalidOid;
	events->required = Min(columns->natts, 3);
	events->time_at = 3;
	if (kind->ranked)
	{
		read_ranked(events, kind, columns);
		return;
	}
	if (kind->pairs && columns->natts != 2)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("%s must have 2 columns, not %d", kind->name_of, columns->natts),
						errhint("Its columns are %s, in this order: name them in a SELECT.",
								kind->columns)));
	if (columns->natts < 2 || columns->natts > most)
		ereport(
			ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("%s must have 2 to %d columns, not %d", kind->name_of, most, columns->natts),
			 errhint("Its columns are %s, in this order: name them in a SELECT.", kind->columns)));
	if (columns->natts > 2)
	{
		events->value_type = getBaseType(TupleDescAttr(columns, 2)->atttypid);
		check_value(kind, events->value_type);
	}
	if (columns->natts > 3)
	{
		events->time_type = getBaseType(TupleDescAttr(columns, 3)->atttypid);
		check_time(kind, events->time_type);
	}
	if (columns->natts > 4)
		events->kind_type = getBaseType(TupleDescAttr(columns, 4)->atttypid);
}

void
reco_events_options(RecoEvents *events, const RecoDataOptions *options)
{
	events->window = reco_data_window(options, events->time_type);
	(void) reco_data_oldest(options, events->time_type, RECO_NO_REFERENCE_TIME);
	(void) reco_data_decay(options, events->time_type, RECO_NO_REFERENCE_TIME);
	events->cancel_negative = options->cancel_negative;
	if (options->cancel_negative && !OidIsValid(events->value_type))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("cancel_negative needs values, which the source does not have"),
						errhint("A source's columns are user, item, value, time: SELECT user_id, "
								"item_id, quantity, created_at FROM ...")));
}

int64
reco_events_unit(Oid time_type)
{
	if (!OidIsValid(time_type) || is_integer(time_type))
		return 0;
	return time_type == DATEOID ? USECS_PER_DAY : 1;
}

int64
reco_events_now(Oid time_type)
{
	TimestampTz now = GetCurrentTimestamp();
	int64 unit = reco_events_unit(time_type);

	if (time_type != TIMESTAMPTZOID)
		now += 14 * USECS_PER_HOUR;
	return unit > 0 ? now / unit : now;
}

/* The ids are shown by the source's own types, which may be wider than the model's. */
static char *
id_of(TupleTableSlot *slot, int number, const char *role)
{
	Form_pg_attribute column = TupleDescAttr(slot->tts_tupleDescriptor, number);
	IdType type;

	id_type_init(&type, column->atttypid, column->atttypmod, column->attcollation, role);
	return id_to_message(&type, slot->tts_values[number]);
}

void
reco_event_invalid(TupleTableSlot *slot, double value)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("value %s of user \"%s\" and item \"%s\" is %s",
						   DatumGetCString(DirectFunctionCall1(float8out, Float8GetDatum(value))),
						   id_of(slot, 0, "user"), id_of(slot, 1, "item"),
						   isfinite(value) ? "out of range" : "not finite"),
					errhint("Correct the row, leave it out of the source, or skip such rows with "
							"options => reco.options(on_invalid => 'skip').")));
}
