/*
 * reading.c
 *	  A query of the caller's, and the columns that it has.
 *
 * Cost: it is planned, not run.
 */
#include "marketing/reading.h"

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
	for (int c = 0; c < reading->columns->natts; c++)
		if (strcmp(NameStr(TupleDescAttr(reading->columns, c)->attname), name) == 0)
			return c;
	if (required)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("%s must have a column \"%s\"", reading->kind->name_of, name),
						errhint("Give the name of a table or view, or a SELECT whose columns are "
								"named %s.",
								reading->kind->columns)));
	return -1;
}
