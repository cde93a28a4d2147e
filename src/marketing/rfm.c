/*
 * rfm.c
 *	  reco.rfm(): recency, frequency and monetary value of the users of any query.
 *
 * The query is the caller's own text and runs as the caller, as part of one statement that does
 * the rest; its columns are those of a source.  The three are counted up to a moment, by default
 * the latest time that is not after now, and scored from 1 to 5 by fifths of the users, equal ones
 * alike.  Money is added up as numeric, so that sums do not depend on the order of the rows.
 *
 * Cost: that of the query, and sorting its rows.
 */
#include "marketing/reading.h"
#include "pg/rows.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "store/ids/ident.h"
#include "store/source/query.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include <math.h>

RECO_FUNCTION(reco_rfm);

#define COLUMNS 7

static const Oid column_types[COLUMNS] = {TEXTOID, FLOAT8OID, INT8OID, FLOAT8OID,
										  INT4OID, INT4OID,   INT4OID};

/* The query, its values and its times. */
static const char *const statement =
	"WITH s AS (SELECT q.u, %2$s AS v, %3$s AS t"
	" FROM (%1$s\n) AS q(u, i, v, t) WHERE q.u IS NOT NULL AND q.i IS NOT NULL AND q.v IS NOT NULL"
	" AND pg_catalog.isfinite(%3$s)),"
	" moment AS (SELECT coalesce($1, (SELECT pg_catalog.max(s.t) FROM s"
	" WHERE s.t OPERATOR(pg_catalog.<=) pg_catalog.now())) AS t),"
	" x AS (SELECT s.u, pg_catalog.max(s.t) AS last, pg_catalog.count(DISTINCT s.t) AS frequency,"
	" pg_catalog.sum(s.v)::pg_catalog.float8 AS monetary FROM s, moment AS m"
	" WHERE s.t OPERATOR(pg_catalog.<=) m.t GROUP BY s.u),"
	" y AS (SELECT x.u, pg_catalog.date_part('epoch', m.t OPERATOR(pg_catalog.-) x.last) AS age,"
	" x.frequency, x.monetary, pg_catalog.percent_rank() OVER (ORDER BY x.last) AS r,"
	" pg_catalog.percent_rank() OVER (ORDER BY x.frequency) AS f,"
	" pg_catalog.percent_rank() OVER (ORDER BY x.monetary) AS m FROM x, moment AS m)"
	" SELECT y.u::pg_catalog.text, y.age OPERATOR(pg_catalog./) 86400.0, y.frequency, y.monetary,"
	" pg_catalog.width_bucket(y.r, 0, 1.0000001, 5), pg_catalog.width_bucket(y.f, 0, 1.0000001, 5),"
	" pg_catalog.width_bucket(y.m, 0, 1.0000001, 5) FROM y ORDER BY y.u";

/* SQL of values and times of a source; an error unless its columns are those of one with times. */
static char *
check_columns(TupleDesc columns, char **times)
{
	Form_pg_attribute user = TupleDescAttr(columns, 0);
	IdType type;
	Oid value;
	Oid time;
	char *number;

	if (columns->natts < 4)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("source must have at least 4 columns, not %d", columns->natts),
						errhint("They are user, item, value and time.")));
	id_type_init(&type, user->atttypid, user->atttypmod, user->attcollation, "user");
	value = getBaseType(TupleDescAttr(columns, 2)->atttypid);
	number = reco_reading_number("q.v", value, true);
	if (number == NULL || value == CASHOID)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("value column \"%s\" of source is of type %s",
							   NameStr(TupleDescAttr(columns, 2)->attname), format_type_be(value)),
						errhint("It must be a number: what the event brought in.")));
	time = TupleDescAttr(columns, 3)->atttypid;
	*times = reco_reading_time("q.t", time);
	if (*times == NULL)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("time column \"%s\" of source is of type %s",
							   NameStr(TupleDescAttr(columns, 3)->attname), format_type_be(time)),
						errhint("It must be a timestamp, with or without a zone, or a date.")));
	return number;
}

/* The third column of what is told. */
#define MONETARY 3

static void
add_rows(RecoRows *rows, Portal portal)
{
	for (;;)
	{
		SPI_cursor_fetch(portal, true, 1000);
		if (SPI_processed == 0)
			break;
		for (uint64 r = 0; r < SPI_processed; r++)
		{
			Datum values[COLUMNS];
			bool nulls[COLUMNS];

			for (int c = 0; c < COLUMNS; c++)
				values[c] =
					SPI_getbinval(SPI_tuptable->vals[r], SPI_tuptable->tupdesc, c + 1, &nulls[c]);
			if (!isfinite(DatumGetFloat8(values[MONETARY])))
				ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
								errmsg("a value of user \"%s\" is not a number from -1e18 to 1e18",
									   TextDatumGetCString(values[0])),
								errhint("Correct the row, or leave it out of the source.")));
			reco_rows_add(rows, values, nulls);
		}
		SPI_freetuptable(SPI_tuptable);
	}
}

Datum
reco_rfm(PG_FUNCTION_ARGS)
{
	char *source = reco_text_of(fcinfo, 0, "source");
	Datum at = PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1);
	char nulls = PG_ARGISNULL(1) ? 'n' : ' ';
	Oid type = TIMESTAMPTZOID;
	RecoRows rows = reco_rows_begin(fcinfo, column_types, COLUMNS);
	char *text = reco_query_text(&reco_the_source, source);
	char *number;
	char *times;
	SPIPlanPtr plan;
	Portal portal;

	if (!PG_ARGISNULL(1) && TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(at)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("at must be finite"),
						errhint("It is the moment up to which is counted; NULL is the latest time "
								"that is not after now.")));
	SPI_connect();
	number = check_columns(reco_query_check(&reco_the_source, SPI_prepare(text, 0, NULL)), &times);
	plan = SPI_prepare(psprintf(statement, text, number, times), 1, &type);
	if (plan == NULL)
		elog(ERROR, "could not prepare source: %s", SPI_result_code_string(SPI_result));
	portal = SPI_cursor_open(NULL, plan, &at, &nulls, true);
	add_rows(&rows, portal);
	SPI_cursor_close(portal);
	SPI_finish();
	return (Datum) 0;
}
