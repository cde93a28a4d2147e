/*
 * exposures.c
 *	  reco.create_exposures(): a table that an application logs into what it has shown.
 *
 * The table is an ordinary one of the caller's: its first columns are what is asked and the
 * columns of a model's expose(), in their order, so that it is filled by one INSERT without names
 * of columns.  reco.ab_report() and reco.off_policy() know them by their names.
 *
 * Cost: a CREATE TABLE.
 */
#include "store/tables/definition.h"

#include "access/htup_details.h"
#include "catalog/pg_collation.h"
#include "executor/spi.h"
#include "pg/pg.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

RECO_FUNCTION(reco_create_exposures);

static const char *
collation_schema(Oid collation)
{
	HeapTuple tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	Oid schema;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for collation %u", collation);
	schema = ((Form_pg_collation) GETSTRUCT(tuple))->collnamespace;
	ReleaseSysCache(tuple);
	return quote_identifier(get_namespace_name(schema));
}

/*
 * The type of a column of a model's, as DDL has it, without domains: their checks are the model's
 * owner's, and would run as whoever inserts.
 */
static char *
column_type(Oid schema, const char *table, const char *column)
{
	Oid relation = get_relname_relid(table, schema);
	AttrNumber number = OidIsValid(relation) ? get_attnum(relation, column) : InvalidAttrNumber;
	Oid type;
	Oid collation;
	int32 typmod;
	char *name;

	if (number == InvalidAttrNumber)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("model \"%s\" is damaged", get_namespace_name(schema)),
						errdetail("Table \"%s\" or its column \"%s\" is missing.", table, column)));
	get_atttypetypmodcoll(relation, number, &type, &typmod, &collation);
	type = getBaseTypeAndTypmod(type, &typmod);
	name =
		format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
	/* by which ids are equal */
	if (OidIsValid(collation) && collation != get_typcollation(type))
		name = psprintf("%s COLLATE %s.%s", name, collation_schema(collation),
						quote_identifier(get_collation_name(collation)));
	return name;
}

static void
execute(const char *sql)
{
	int result = SPI_execute(sql, false, 0);

	if (result != SPI_OK_UTILITY)
		elog(ERROR, "could not execute \"%s\": %s", sql, SPI_result_code_string(result));
}

Datum
reco_create_exposures(PG_FUNCTION_ARGS)
{
	char *name = reco_text_of(fcinfo, 0, "name");
	char *model = reco_text_of(fcinfo, 1, "model");
	Oid schema = reco_model_schema(model);
	char *quoted = NameListToQuotedString(reco_name_list(name));

	SPI_connect();
	execute(psprintf("CREATE TABLE %s ("
					 "experiment pg_catalog.text, "
					 "user_id %s NOT NULL, "
					 "model pg_catalog.text NOT NULL, "
					 "version pg_catalog.int4, "
					 "rank pg_catalog.int4, "
					 "item_id %s NOT NULL, "
					 "score pg_catalog.float4, "
					 "source pg_catalog.text, "
					 "propensity pg_catalog.float8 CHECK (propensity OPERATOR(pg_catalog.>) 0 "
					 "AND propensity OPERATOR(pg_catalog.<=) 1), "
					 "shown_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now())",
					 quoted, column_type(schema, "model_user", "user_id"),
					 column_type(schema, "model_item", "item_id")));
	execute(
		psprintf("COMMENT ON TABLE %s IS 'what was shown to whom, a row for each item'", quoted));
	SPI_finish();
	return (Datum) 0;
}
