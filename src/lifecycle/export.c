/*
 * export.c
 *	  reco.export_user(): all that a model holds about a user.
 *
 * A row for each that a table of the model has of the user, with numbers of items and of other
 * users turned into ids; and for each version whose users have neighbors, how many others have the
 * user as one.  It takes SELECT on the tables, which is asked for first, as by a statement of the
 * caller's.  Then they are read as the model's owner, by statements under search_path pg_catalog:
 * whoever plans one runs what is immutable in the conditions of indexes, which are the owner's.
 *
 * A type of the owner's making may have a cast to json, which to_jsonb() and the like would call:
 * values of such types are taken as the text that the type writes.
 *
 * Cost: a look-up a version; a pass over tables that are not by version, and over the users of
 * versions whose users have neighbors.
 */
#include "lifecycle/user.h"

#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pg/rows.h"
#include "store/source/query.h"
#include "store/tables/parts.h"
#include "store/tables/template.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

RECO_FUNCTION(reco_export_user);

/*
 * {schema}, {table}, {equal}, {item}, {user}.  What a row of users holds, with ids; an item or a
 * user whose row is gone has none.
 */
static const char of_version[] =
	"SELECT t.version, jsonb_build_object('interactions', t.interactions,"
	" 'history', coalesce((SELECT jsonb_agg(jsonb_build_object('item', {item}, 'value', h.value)"
	"   ORDER BY h.number) FROM reco.stored_history(t.history) AS h"
	"   LEFT JOIN ONLY {schema}.model_item AS i ON i.version = t.version AND i.number = h.number),"
	"   '[]'),"
	" 'seen', CASE WHEN length(t.seen) > 0 THEN coalesce((SELECT jsonb_agg({item}"
	"   ORDER BY h.number) FROM reco.stored_history(t.seen) AS h"
	"   LEFT JOIN ONLY {schema}.model_item AS i ON i.version = t.version AND i.number = h.number),"
	"   '[]') END,"
	" 'parts', coalesce((SELECT jsonb_object_agg(p.part, p.content) FROM (SELECT s.part,"
	"   jsonb_agg(CASE s.points_to"
	"     WHEN 'items' THEN jsonb_build_object('item', {item}, 'weight', s.weight)"
	"     WHEN 'users' THEN jsonb_build_object('user', {user},"
	"       'weight', s.weight)"
	"     ELSE to_jsonb(s.weight) END ORDER BY s.place) AS content"
	"   FROM reco.stored_parts(t.parts, v.algorithm) AS s"
	"   LEFT JOIN ONLY {schema}.model_item AS i"
	"     ON s.points_to = 'items' AND i.version = t.version AND i.number = s.number"
	"   LEFT JOIN ONLY {schema}.model_user AS o"
	"     ON s.points_to = 'users' AND o.version = t.version AND o.number = s.number"
	"   LEFT JOIN ONLY {schema}.model_user_layer AS l"
	"     ON s.points_to = 'users' AND l.version = t.version AND l.number = s.number"
	"   GROUP BY s.part) AS p), '{}'))"
	" FROM ONLY {schema}.{table} AS t JOIN ONLY {schema}.model_version AS v"
	"   ON v.version = t.version"
	" WHERE t.user_id {equal} $1 ORDER BY t.version";

/* {schema}, {table}, {equal}, {version}, {columns}.  Of tables that others may add. */
static const char of_table[] =
	"SELECT {version}, jsonb_build_object({columns}) FROM ONLY {schema}.{table} AS t"
	" WHERE t.user_id {equal} $1 ORDER BY 1";

typedef struct Export
{
	RecoUser user;
	RecoRows rows;
	MemoryContext context; /* of the call */
} Export;

/* Whether whoever made a type may have made a cast from it to json. */
static bool
has_own_casts(Oid type)
{
	Oid element = get_element_type(type);

	return (OidIsValid(element) ? element : type) >= FirstNormalObjectId;
}

/* What of a value of a type goes into json. */
static char *
json_of(const char *value, Oid type)
{
	Oid base = getBaseType(type);

	if (!has_own_casts(base))
		return pstrdup(value);
	if (OidIsValid(get_element_type(base)))
		return psprintf("(SELECT coalesce(jsonb_agg(CASE WHEN e IS NOT NULL THEN format('%%s', e)"
						" END ORDER BY n), '[]') FROM unnest(%s) WITH ORDINALITY AS e(e, n))",
						value);
	return psprintf("CASE WHEN %s IS NOT NULL THEN format('%%s', %s) END", value, value);
}

/* The ids of one side of the model. */
static char *
json_of_ids(Oid schema, bool of_users, const char *value)
{
	ModelTable table;
	Oid type;

	reco_table_open(&table, schema, of_users, AccessShareLock);
	type = reco_table_id_type(&table)->base;
	reco_table_close(&table);
	return json_of(value, type);
}

/* Names and values of all columns but those that say whose row it is. */
static char *
json_of_columns(Oid schema, RecoTable which)
{
	Relation table = reco_open(schema, which, AccessShareLock);
	TupleDesc columns = RelationGetDescr(table);
	StringInfoData text;

	initStringInfo(&text);
	for (int c = 0; c < columns->natts; c++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, c);
		const char *name = NameStr(column->attname);

		if (column->attisdropped || strcmp(name, "user_id") == 0 || strcmp(name, "version") == 0)
			continue;
		appendStringInfo(&text, "%s%s, %s", text.len ? ", " : "", quote_literal_cstr(name),
						 json_of(psprintf("t.%s", quote_identifier(name)), column->atttypid));
	}
	table_close(table, NoLock);
	return text.data;
}

static void
run_query(Export *export, RecoTable which, const char *template, bool by_version)
{
	char *table = pstrdup(reco_table_name(which));
	RecoPlaceholder placeholders[] = {
		{"{schema}", quote_identifier(get_namespace_name(export->user.schema))},
		{"{table}", table},
		{"{equal}", export->user.equal},
		{"{version}", by_version ? "t.version" : "NULL::int4"},
		{"{item}", json_of_ids(export->user.schema, false, "i.item_id")},
		{"{user}", json_of_ids(export->user.schema, true, "coalesce(o.user_id, l.user_id)")},
		{"{columns}", json_of_columns(export->user.schema, which)},
		{NULL},
	};
	Oid type = export->user.type->base;

	if (SPI_execute_with_args(reco_fill(template, placeholders), 1, &type, &export->user.id, NULL,
							  true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read table \"%s\"", table);
	for (uint64 r = 0; r < SPI_processed; r++)
	{
		TupleDesc desc = SPI_tuptable->tupdesc;
		bool nulls[3] = {0};
		Datum values[3] = {CStringGetTextDatum(table),
						   SPI_getbinval(SPI_tuptable->vals[r], desc, 1, &nulls[1]),
						   SPI_getbinval(SPI_tuptable->vals[r], desc, 2, &nulls[2])};

		reco_rows_add(&export->rows, values, nulls);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Whether the statements read a table. */
static bool
is_read(Oid schema, RecoTable which)
{
	bool by_version;

	return which == RECO_TABLE_VERSION || which == RECO_TABLE_ITEM ||
		   reco_user_has_table(schema, which, &by_version);
}

/* What a statement of the current user's would be refused, and policies: they would hide rows. */
static void
check_rights(const ModelRow *model)
{
	AclResult result = reco_schema_aclcheck(model->schema, GetUserId(), ACL_USAGE);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_SCHEMA, model->name);
	for (RecoTable which = 0; which < RECO_TABLES; which++)
	{
		Relation table = reco_open(model->schema, which, AccessShareLock);

		reco_check_policies(table);
		result = is_read(model->schema, which)
					 ? pg_class_aclcheck(RelationGetRelid(table), GetUserId(), ACL_SELECT)
					 : ACLCHECK_OK;
		if (result != ACLCHECK_OK)
			aclcheck_error(result, OBJECT_TABLE, RelationGetRelationName(table));
		table_close(table, NoLock);
	}
}

static void
export_rows(Export *export, const ModelRow *model)
{
	RecoRunAs owner = reco_run_as(model->owner);
	RecoIdentity before;

	check_rights(model);
	SPI_connect();
	reco_become(&owner, &before);
	check_rights(model);
	for (RecoTable which = 0; which < RECO_TABLES; which++)
	{
		bool by_version;

		if (!reco_user_has_table(export->user.schema, which, &by_version))
			continue;
		run_query(export, which,
				  which == RECO_TABLE_USER || which == RECO_TABLE_USER_LAYER ? of_version
																			 : of_table,
				  by_version);
	}
	reco_return(&before);
	SPI_finish();
}

/* Others who have the user as a neighbor. */
typedef struct Others
{
	Oid schema;
	RecoMember *member;
	int members;
	int32 number;
	int64 count;
	MemoryContext row;
} Others;

static bool
count_row(void *arg, TupleTableSlot *slot)
{
	Others *others = arg;
	MemoryContext old = MemoryContextSwitchTo(others->row);
	Datum ignored;

	others->count +=
		reco_parts_without_user(others->schema, others->member, others->members,
								slot->tts_values[COLUMN_PARTS], others->number, &ignored);
	MemoryContextSwitchTo(old);
	MemoryContextReset(others->row);
	return true;
}

static void
export_others(Export *export, int32 version)
{
	Others others = {.schema = export->user.schema};
	Datum values[3] = {CStringGetTextDatum("neighbors of others"), Int32GetDatum(version)};
	VersionRow row;

	if (!reco_user_number(&export->user, version, &others.number))
		return;
	reco_version_read(others.schema, version, GetActiveSnapshot(), &row);
	if (row.algorithm == NULL)
		reco_damaged(others.schema, psprintf("Its version %d is not complete.", version));
	others.members = reco_members_make(reco_spec_parse(row.algorithm), &others.member);
	if (!reco_parts_point_to_users(others.member, others.members))
		return;
	others.row = AllocSetContextCreate(CurrentMemoryContext, "reco row", ALLOCSET_DEFAULT_SIZES);
	for (int in_layer = 0; in_layer <= 1; in_layer++)
	{
		ModelTable table;

		reco_user_open(&export->user, in_layer, &table);
		reco_check_policies(table.heap);
		reco_table_scan(&table, version, NULL, GetActiveSnapshot(), count_row, &others);
		reco_table_close(&table);
	}
	MemoryContextDelete(others.row);
	values[2] = DirectFunctionCall1(
		jsonb_in, CStringGetDatum(psprintf("{\"users\": " INT64_FORMAT "}", others.count)));
	reco_rows_add(&export->rows, values, (bool[3]){0});
}

/* export_user(model text, for_user anycompatible) returns (kept_in, version, content) */
Datum
reco_export_user(PG_FUNCTION_ARGS)
{
	Export export = {.rows = reco_rows_begin(fcinfo, (Oid[]){TEXTOID, INT4OID, JSONBOID}, 3)};
	Oid schema = reco_model_schema(reco_text_of(fcinfo, 0, "model name"));
	ModelRow model;
	ListCell *cell;

	/* first, as reco_own_drop does */
	table_close(reco_open(schema, RECO_TABLE_MODEL, AccessShareLock), NoLock);
	reco_model_read(schema, GetActiveSnapshot(), &model);
	/* whoever reads the tables need not be able to tell whose rows they are */
	if (PG_ARGISNULL(1) || !reco_user_of(&model, GetUserId(), PG_GETARG_DATUM(1),
										 get_fn_expr_argtype(fcinfo->flinfo, 1), &export.user))
		return (Datum) 0;
	/* asks for the right to read the tables, before they are looked at past it */
	export_rows(&export, &model);
	foreach (cell, reco_versions_ready(schema, GetActiveSnapshot()))
		export_others(&export, lfirst_int(cell));
	return (Datum) 0;
}
