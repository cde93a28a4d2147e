/*
 * reading.c
 *	  A query of the caller's, and the columns that it has.
 *
 * Cost: it is planned, not run.
 */
#include "marketing/reading.h"

#include "catalog/pg_type.h"
#include "utils/lsyscache.h"

RecoReading
reco_reading(const RecoQueryKind *kind, const char *text)
{
	RecoReading reading = {kind, reco_query_text(kind, text)};
	ErrorContextCallback callback = {error_context_stack, reco_point_into, reading.text};
	SPIPlanPtr plan;

	error_context_stack = &callback;
	plan = SPI_prepare(reading.text, 0, NULL);
	error_context_stack = callback.previous;
	reading.columns = CreateTupleDescCopy(reco_query_check(kind, plan));
	SPI_freeplan(plan);
	return reading;
}

int
reco_reading_column(const RecoReading *reading, const char *name, bool required)
{
	int found = -1;

	for (int c = 0; c < reading->columns->natts; c++)
		if (strcmp(NameStr(TupleDescAttr(reading->columns, c)->attname), name) == 0)
		{
			if (found >= 0)
				ereport(ERROR, (errcode(ERRCODE_AMBIGUOUS_COLUMN),
								errmsg("%s must have one column \"%s\", not several",
									   reading->kind->name_of, name),
								errhint("Leave the others out, or give them other names.")));
			found = c;
		}
	if (found < 0 && required)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("%s must have a column \"%s\"", reading->kind->name_of, name),
						errhint("Give the name of a table or view, or a SELECT whose columns are "
								"named %s.",
								reading->kind->columns)));
	return found;
}

char *
reco_reading_number(const char *column, Oid type, bool numeric)
{
	const char *as;

	switch (getBaseType(type))
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
		case CASHOID:
			as = "pg_catalog.numeric";
			break;
		case FLOAT4OID:
		case FLOAT8OID:
			as = "pg_catalog.float8";
			break;
		default:
			return NULL;
	}
	return psprintf("(CASE WHEN %1$s IS NULL THEN NULL"
					" WHEN pg_catalog.abs(%1$s::%2$s) OPERATOR(pg_catalog.>) 1e18::%2$s THEN 'NaN'"
					" WHEN pg_catalog.abs(%1$s::%2$s) OPERATOR(pg_catalog.>=) 1e-30::%2$s"
					" THEN %1$s::%2$s"
					" ELSE pg_catalog.sign(%1$s::%2$s) OPERATOR(pg_catalog.*) 1e-30::%2$s"
					" END)::pg_catalog.%3$s",
					column, as, numeric ? "numeric" : "float8");
}

char *
reco_reading_time(const char *column, Oid type)
{
	const char *as;

	switch (getBaseType(type))
	{
		case TIMESTAMPTZOID:
			return psprintf("%s::pg_catalog.timestamptz", column);
		case TIMESTAMPOID:
			as = "pg_catalog.timestamp";
			break;
		case DATEOID:
			as = "pg_catalog.date";
			break;
		default:
			return NULL;
	}
	/* of the first and the last days there may be no time with a zone */
	return psprintf("(CASE WHEN %1$s::%2$s OPERATOR(pg_catalog.>=) '294276-12-30'::%2$s"
					" THEN 'infinity'"
					" WHEN %1$s::%2$s OPERATOR(pg_catalog.<=) '4714-11-26 BC'::%2$s"
					" THEN '-infinity'"
					" ELSE %1$s::%2$s::pg_catalog.timestamptz END)",
					column, as);
}

double
reco_reading_days(const Interval *interval)
{
	return interval->month * 30.0 + interval->day + (double) interval->time / USECS_PER_DAY;
}
