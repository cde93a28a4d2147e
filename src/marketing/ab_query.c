/*
 * ab_query.c
 *	  What users of an experiment were shown and did, added up.
 *
 * One statement around the two queries, whose sums the executor makes: it sorts and groups in
 * work_mem and spills to disk, so millions of users take no more memory here than a few.  Nothing
 * is joined: exposures and outcomes are put into one order by user and time, where each outcome
 * follows the exposure that it belongs to, the last one before it.  So ids are compared by the
 * default operators of their types, whatever the search_path.
 *
 * Values are added up as numeric, so that sums do not depend on the order of the rows.
 *
 * Cost: four sorts of all rows of users who were shown something.
 */
#include "marketing/ab_query.h"
#include "marketing/reading.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "store/ids/ident.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include <math.h>

/* More groups of model, version and kind than a report is read with. */
#define MAX_GROUPS 10000

static const RecoQueryKind the_exposures = {
	"the exposures", "exposures",
	"user_id, model [, version] [, item_id] [, shown_at] [, experiment]"};
static const RecoQueryKind the_outcomes = {"the outcomes", "outcomes",
										   "user, item [, value [, time [, kind]]]"};

static void
check_comparable(const RecoReading *a, int a_column, const RecoReading *b, int b_column,
				 const char *role)
{
	Form_pg_attribute of_a = TupleDescAttr(a->columns, a_column);
	Form_pg_attribute of_b = TupleDescAttr(b->columns, b_column);
	IdType a_type;
	IdType b_type;

	id_type_init(&a_type, of_a->atttypid, of_a->atttypmod, of_a->attcollation, role);
	id_type_init(&b_type, of_b->atttypid, of_b->atttypmod, of_b->attcollation, role);
	id_type_require_comparable(&a_type, a->kind->name, &b_type, b->kind->name, role);
}

/* The SQL of a column of times. */
static char *
time_of(const RecoReading *query, int column, const char *name)
{
	Oid type = TupleDescAttr(query->columns, column)->atttypid;
	char *time = reco_reading_time(name, type);

	if (time == NULL)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column \"%s\" of %s must be a time, not of type %s",
							   NameStr(TupleDescAttr(query->columns, column)->attname),
							   query->kind->name, format_type_be(type)),
						errhint("Of numbers of seconds, to_timestamp() makes times.")));
	return time;
}

static void
check_value(const RecoReading *query, int column)
{
	Oid type = TupleDescAttr(query->columns, column)->atttypid;

	if (reco_reading_number("", type, true) == NULL)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("values of %s must be numbers, not of type %s", query->kind->name,
							   format_type_be(type))));
}

static void
check_version(const RecoReading *query, int column)
{
	Oid type = getBaseType(TupleDescAttr(query->columns, column)->atttypid);

	if (type != INT2OID && type != INT4OID && type != INT8OID)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column \"version\" of %s must be a whole number, not of type %s",
							   query->kind->name, format_type_be(type)),
						errhint("It is what a model's expose() tells; cast it to integer.")));
}

/* Which columns both have. */
typedef struct Shape
{
	bool experiment;
	bool item;
	bool time;
	bool value;
	bool kind;
	char *shown_at; /* SQL of these times, where both have them or not */
	char *done_at;
} Shape;

static Shape
shape_of(const RecoAbAsked *asked, const RecoReading *shown, const RecoReading *done)
{
	int user = reco_reading_column(shown, "user_id", true);
	int item = reco_reading_column(shown, "item_id", false);
	int time = reco_reading_column(shown, "shown_at", false);
	int columns = done->columns->natts;
	Shape shape = {asked->experiment != NULL};

	(void) reco_reading_column(shown, "model", true);
	if (shape.experiment)
		(void) reco_reading_column(shown, "experiment", true);
	if (columns < 2 || columns > 5)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("outcomes must have 2 to 5 columns, not %d", columns),
						errhint("They are %s.", done->kind->columns)));
	if (asked->by_version)
		check_version(shown, reco_reading_column(shown, "version", true));
	shape.item = item >= 0;
	shape.time = time >= 0 && columns > 3;
	shape.value = columns > 2;
	shape.kind = columns > 4;
	check_comparable(shown, user, done, 0, "user");
	if (shape.item)
		check_comparable(shown, item, done, 1, "item");
	if (shape.value)
		check_value(done, 2);
	if (time >= 0)
		shape.shown_at = time_of(shown, time, "e.shown_at");
	if (columns > 3)
		shape.done_at = time_of(done, 3, "o.c4");
	if (asked->within && !shape.time)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("within needs the times of exposures and outcomes"),
						errhint("Exposures have them in a column \"shown_at\", outcomes in their "
								"fourth column.")));
	return shape;
}

/* Exposures and outcomes, as rows (user, item, time, 0 or 1, model, version, kind, value). */
static void
append_events(StringInfo sql, const Shape *shape, const RecoReading *shown, const RecoReading *done,
			  bool by_version)
{
	static const char *const columns[] = {"c1", "c1, c2", "c1, c2, c3", "c1, c2, c3, c4",
										  "c1, c2, c3, c4, c5"};

	appendStringInfo(
		sql,
		"WITH shown AS (SELECT e.user_id AS u, %s AS i, %s AS t, "
		"e.model::pg_catalog.text COLLATE pg_catalog.\"C\" AS m, %s AS v FROM (%s\n) AS e%s), ",
		shape->item ? "e.item_id" : "NULL::pg_catalog.text",
		shape->time ? shape->shown_at : "NULL::pg_catalog.timestamptz",
		by_version ? "e.version::pg_catalog.int8" : "NULL::pg_catalog.int8", shown->text,
		shape->experiment ? " WHERE e.experiment::pg_catalog.text OPERATOR(pg_catalog.=) $1" : "");
	appendStringInfo(
		sql,
		"event AS (SELECT u, i, t, 0 AS o, m, v, NULL::pg_catalog.text COLLATE pg_catalog.\"C\" AS "
		"k, NULL::pg_catalog.numeric AS w FROM shown WHERE u IS NOT NULL AND m IS NOT NULL%s "
		"UNION ALL SELECT o.c1, %s, %s, 1, NULL, NULL, %s COLLATE pg_catalog.\"C\", %s FROM (%s\n) "
		"AS o(%s) WHERE o.c1 IS NOT NULL%s%s%s), ",
		shape->time ? " AND t IS NOT NULL" : "", shape->item ? "o.c2" : "NULL",
		shape->time ? shape->done_at : "NULL",
		shape->kind ? "o.c5::pg_catalog.text" : "'outcome'::pg_catalog.text",
		shape->value ? reco_reading_number("o.c3", TupleDescAttr(done->columns, 2)->atttypid, true)
					 : "1",
		done->text, columns[done->columns->natts - 1], shape->value ? " AND o.c3 IS NOT NULL" : "",
		shape->time ? " AND o.c4 IS NOT NULL" : "", shape->kind ? " AND o.c5 IS NOT NULL" : "");
}

/*
 * Each outcome with the version and the time of the last exposure of its item (vi, ti) and of
 * any item (vu, tu) before it; gi, gu: 0 where there is none.  a: the user's model, NULL: several.
 */
static void
append_placed(StringInfo sql)
{
	appendStringInfoString(
		sql,
		"placed AS (SELECT *, pg_catalog.min(m) OVER (PARTITION BY u) AS lo, "
		"pg_catalog.max(m) OVER (PARTITION BY u) AS hi, "
		"pg_catalog.count(m) OVER (PARTITION BY u, i ORDER BY t, o, v ROWS UNBOUNDED PRECEDING) AS "
		"gi, "
		"pg_catalog.count(m) OVER (PARTITION BY u ORDER BY t, o, v ROWS UNBOUNDED PRECEDING) AS gu "
		"FROM event), "
		"dated AS (SELECT u, i, t, o, v, k, w, gi, gu, "
		"CASE WHEN lo OPERATOR(pg_catalog.=) hi THEN lo END AS a, "
		"pg_catalog.first_value(v) OVER of_item AS vi, pg_catalog.first_value(t) OVER of_item AS "
		"ti, "
		"pg_catalog.first_value(v) OVER of_any AS vu, pg_catalog.first_value(t) OVER of_any AS tu "
		"FROM placed WHERE lo IS NOT NULL "
		"WINDOW of_item AS (PARTITION BY u, i, gi ORDER BY o), "
		"of_any AS (PARTITION BY u, gu ORDER BY o)), ");
}

/* The last row before counts as before only so long. */
static void
append_within(StringInfo sql, const RecoAbAsked *asked, const char *since)
{
	if (asked->within)
		appendStringInfo(
			sql,
			" AND CASE WHEN %1$s OPERATOR(pg_catalog.<) '290000-01-01 00:00:00+00' THEN "
			"t OPERATOR(pg_catalog.<=) (%1$s OPERATOR(pg_catalog.+) $2) ELSE true END",
			since);
}

/* A row for each user, and each version where asked for, of what was shown, acted on, done. */
static void
append_users(StringInfo sql, const RecoAbAsked *asked)
{
	const char *total = asked->by_version ? "GROUPING(v) OPERATOR(pg_catalog.=) 1" : "true";
	const char *by_user = asked->by_version ? "GROUPING SETS ((a, u, v), (a, u))" : "a, u, v";
	const char *by_kind =
		asked->by_version ? "GROUPING SETS ((a, u, v, k), (a, u, k))" : "a, u, v, k";

	appendStringInfoString(
		sql, "acted AS (SELECT a, u, vi AS v, k FROM dated WHERE o OPERATOR(pg_catalog.=) 1 "
			 "AND gi OPERATOR(pg_catalog.>) 0 AND w OPERATOR(pg_catalog.>) 0 AND a IS NOT NULL");
	append_within(sql, asked, "ti");
	appendStringInfoString(
		sql, " GROUP BY a, u, vi, k, i, gi), "
			 "done AS (SELECT a, u, vu AS v, k, w FROM dated WHERE o OPERATOR(pg_catalog.=) 1 "
			 "AND gu OPERATOR(pg_catalog.>) 0 AND a IS NOT NULL");
	append_within(sql, asked, "tu");
	appendStringInfo(
		sql,
		"), one AS (SELECT a, u, v, %1$s AS total, "
		"NULL::pg_catalog.text COLLATE pg_catalog.\"C\" AS k, "
		"pg_catalog.count(*)::pg_catalog.numeric AS n, NULL::pg_catalog.numeric AS c, "
		"NULL::pg_catalog.bool AS did, NULL::pg_catalog.numeric AS w "
		"FROM dated WHERE o OPERATOR(pg_catalog.=) 0 GROUP BY %2$s "
		"UNION ALL SELECT a, u, v, %1$s, k, NULL, pg_catalog.count(*), NULL, NULL FROM acted "
		"GROUP BY %3$s "
		"UNION ALL SELECT a, u, v, %1$s, k, NULL, NULL, "
		"pg_catalog.bool_or(w OPERATOR(pg_catalog.>) 0), pg_catalog.sum(w) FROM done GROUP BY "
		"%3$s) ",
		total, by_user, by_kind);
}

static void
append_groups(StringInfo sql, bool time)
{
#define SQUARE(x, y) "pg_catalog.sum(" x " OPERATOR(pg_catalog.*) " y ")::pg_catalog.float8"
	appendStringInfo(
		sql,
		"SELECT a, total, v, k, pg_catalog.count(n)::pg_catalog.float8, "
		"pg_catalog.sum(n)::pg_catalog.float8, " SQUARE(
			"n", "n") ", "
					  "pg_catalog.sum(c)::pg_catalog.float8, " SQUARE("c", "c") ", " SQUARE(
						  "c", "un") ", "
									 "pg_catalog.count(*) FILTER (WHERE did)::pg_catalog.float8, "
									 "pg_catalog.sum(w)::pg_catalog.float8, " SQUARE(
										 "w",
										 "w") " FROM (SELECT *, pg_catalog.sum(n) OVER (PARTITION "
											  "BY a, v, total, u) AS un FROM one) AS r "
											  "GROUP BY a, total, v, k "
											  "UNION ALL SELECT NULL, NULL, NULL, NULL, "
											  "pg_catalog.count(*)::pg_catalog.float8, "
											  "0, 0, 0, 0, 0, 0, 0, 0 FROM shown WHERE u IS NULL "
											  "OR m IS NULL%s",
		time ? " OR t IS NULL" : "");
#undef SQUARE
}

static double
number_of(HeapTuple row, int column)
{
	bool null;
	double value = DatumGetFloat8(SPI_getbinval(row, SPI_tuptable->tupdesc, column, &null));

	if (null)
		return 0;
	if (!isfinite(value))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("values of the outcomes must be numbers from -1e18 to 1e18")));
	return value;
}

static char *
text_of(MemoryContext context, HeapTuple row, int column)
{
	char *text = SPI_getvalue(row, SPI_tuptable->tupdesc, column);

	return text ? MemoryContextStrdup(context, text) : NULL;
}

/* False: the row that tells what was skipped. */
static bool
read_group(MemoryContext context, HeapTuple row, RecoAbGroup *group)
{
	TupleDesc columns = SPI_tuptable->tupdesc;
	bool null;

	group->users = number_of(row, 5);
	group->total = DatumGetBool(SPI_getbinval(row, columns, 2, &null));
	if (null)
		return false;
	group->model = text_of(context, row, 1);
	group->version = DatumGetInt64(SPI_getbinval(row, columns, 3, &group->no_version));
	group->kind = text_of(context, row, 4);
	group->shown = number_of(row, 6);
	group->shown_squared = number_of(row, 7);
	group->acts = number_of(row, 8);
	group->acts_squared = number_of(row, 9);
	group->acts_shown = number_of(row, 10);
	group->actors = number_of(row, 11);
	group->value = number_of(row, 12);
	group->value_squared = number_of(row, 13);
	return true;
}

static void
read_groups(MemoryContext context, RecoAbGroups *groups)
{
	if (SPI_processed > MAX_GROUPS)
		ereport(
			ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("exposures and outcomes have more than %d groups of a model, a version and "
					"a kind",
					MAX_GROUPS),
			 errhint("The fifth column of outcomes is the kind of outcome, 'click' or 'buy'.")));
	groups->group = MemoryContextAllocZero(context, (SPI_processed + 1) * sizeof(RecoAbGroup));
	for (uint64 r = 0; r < SPI_processed; r++)
	{
		RecoAbGroup *group = &groups->group[groups->n];

		reco_poll();
		if (read_group(context, SPI_tuptable->vals[r], group))
			groups->n++;
		else
			groups->skipped += group->users;
	}
}

void
reco_ab_read(MemoryContext context, const RecoAbAsked *asked, RecoAbGroups *groups)
{
	RecoReading shown = reco_reading(&the_exposures, asked->exposures);
	RecoReading done = reco_reading(&the_outcomes, asked->outcomes);
	Shape shape = shape_of(asked, &shown, &done);
	StringInfoData sql;
	Oid types[] = {TEXTOID, INTERVALOID};
	Datum values[] = {(Datum) 0, (Datum) 0};
	char nulls[] = {'n', 'n', '\0'};
	int result;

	if (asked->experiment)
	{
		values[0] = CStringGetTextDatum(asked->experiment);
		nulls[0] = ' ';
	}
	if (asked->within)
	{
		values[1] = IntervalPGetDatum(asked->within);
		nulls[1] = ' ';
	}
	initStringInfo(&sql);
	append_events(&sql, &shape, &shown, &done, asked->by_version);
	append_placed(&sql);
	append_users(&sql, asked);
	append_groups(&sql, shape.time);
	result = SPI_execute_with_args(sql.data, 2, types, values, nulls, false, MAX_GROUPS + 2);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "could not read exposures: %s", SPI_result_code_string(result));
	*groups = (RecoAbGroups){.has_values = shape.value};
	read_groups(context, groups);
}
