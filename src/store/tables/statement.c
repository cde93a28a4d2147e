/*
 * statement.c
 *	  Statements that write to the tables of a model.
 *
 * A statement names tables, and is planned and run by their columns' types: so they are
 * opened and checked first (layout.c) and stay locked.  A schema cannot be locked, and its
 * owner may give its name to another, whose tables fire their own triggers: so a statement
 * runs only as it was analyzed while no schema was renamed.
 *
 * Statements run as the model's owner under SECURITY_RESTRICTED_OPERATION (the caller has
 * taken care of it, see reco_become): triggers, rules and indexes that the owner put on the
 * tables must not run with the rights of whoever refreshes the model, nor those of another
 * owner of one of the tables with the rights of the model's.
 */
#include "store/tables/statement.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "store/tables/definition.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/syscache.h"

RecoArgument
reco_int4_argument(int32 value)
{
	return (RecoArgument){INT4OID, Int32GetDatum(value), false};
}

RecoArgument
reco_int8_argument(int64 value)
{
	return (RecoArgument){INT8OID, Int64GetDatum(value), false};
}

RecoArgument
reco_float8_argument(double value)
{
	return (RecoArgument){FLOAT8OID, Float8GetDatum(value), false};
}

RecoArgument
reco_text_argument(const char *value)
{
	return (RecoArgument){TEXTOID, value ? CStringGetTextDatum(value) : (Datum) 0, value == NULL};
}

RecoArgument
reco_jsonb_argument(Jsonb *value)
{
	return (RecoArgument){JSONBOID, PointerGetDatum(value), value == NULL};
}

/* The table whose name a text begins with. */
static RecoTable
named_table(const char *text)
{
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
	RecoTable which = 0;

	while (which < RECO_TABLES && (strlen(reco_table_name(which)) != length ||
								   strncmp(reco_table_name(which), text, length) != 0))
		which++;
	if (which == RECO_TABLES)
		elog(ERROR, "unknown table of a model: %s", text);
	return which;
}

/*
 * The statement with the schema's name for every %s; which tables it names.
 */
static char *
fill_in(const char *name, const char *template, bool *named)
{
	const char *quoted = quote_identifier(name);
	StringInfoData sql;

	initStringInfo(&sql);
	for (const char *p = template; *p; p++)
		if (p[0] == '%' && p[1] == 's')
		{
			appendStringInfoString(&sql, quoted);
			p++;
			named[named_table(p + 2)] = true;
		}
		else
			appendStringInfoChar(&sql, *p);
	return sql.data;
}

static void
open_tables(Oid schema, const bool *named, LOCKMODE lock, Relation *table)
{
	for (RecoTable which = 0; which < RECO_TABLES; which++)
	{
		table[which] = NULL;
		if (!named[which])
			continue;
		table[which] = reco_open(schema, which, lock);
		reco_check_writable(table[which]);
	}
}

static void
close_tables(Relation *table)
{
	for (RecoTable which = 0; which < RECO_TABLES; which++)
		if (table[which])
			table_close(table[which], NoLock);
}

void
reco_lock_tables(Oid schema, LOCKMODE lock)
{
	const bool named[RECO_TABLES] = {
		[RECO_TABLE_MODEL] = true, [RECO_TABLE_VERSION] = true,    [RECO_TABLE_ITEM] = true,
		[RECO_TABLE_USER] = true,  [RECO_TABLE_USER_LAYER] = true, [RECO_TABLE_PART] = true,
		[RECO_TABLE_TERM] = true,
	};
	Relation table[RECO_TABLES];

	open_tables(schema, named, lock, table);
	close_tables(table);
}

/* How often a statement is analyzed again when schemas change meanwhile. */
#define MAX_TRIES 100

static uint64 schema_changes;

static void
schema_changed(Datum arg, int cache, uint32 hash)
{
	schema_changes++;
}

void
reco_statement_init(void)
{
	CacheRegisterSyscacheCallback(NAMESPACEOID, schema_changed, (Datum) 0);
}

/*
 * Plans a statement on the tables of a schema under its name; an error when that is
 * another's now.  What is returned can be executed, at once, without being analyzed again.
 */
static SPIPlanPtr
prepare(Oid schema, const char *name, const char *sql, int n, Oid *types)
{
	for (int tries = 0; tries < MAX_TRIES; tries++)
	{
		uint64 changes;
		SPIPlanPtr plan;
		const CachedPlanSource *source;

		AcceptInvalidationMessages();
		changes = schema_changes;
		if (get_namespace_oid(name, true) != schema)
			break;
		plan = SPI_prepare(sql, n, types);
		if (plan == NULL)
			elog(ERROR, "could not prepare \"%s\": %s", sql, SPI_result_code_string(SPI_result));
		source = linitial(SPI_plan_get_plan_sources(plan));
		list_free(fetch_search_path(true));
		if (changes == schema_changes && source->is_valid)
			return plan;
		SPI_freeplan(plan);
	}
	ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					errmsg("model \"%s\" was renamed while it was written to", name),
					errhint("Try again.")));
}

uint64
reco_statement(Oid schema, const char *template, const RecoArgument *argument, int n, int32 *value)
{
	bool named[RECO_TABLES] = {0};
	Relation table[RECO_TABLES];
	char *name = get_namespace_name(schema);
	char *sql;
	SPIPlanPtr plan;
	Oid types[32];
	Datum values[32];
	char nulls[32];
	uint64 processed;
	int result;
	bool isnull = true;

	Assert(n <= lengthof(types));
	if (name == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("model was dropped while it was trained")));
	sql = fill_in(name, template, named);
	for (int i = 0; i < n; i++)
	{
		types[i] = argument[i].type;
		values[i] = argument[i].value;
		nulls[i] = argument[i].isnull ? 'n' : ' ';
	}
	open_tables(schema, named, RowExclusiveLock, table);
	plan = prepare(schema, name, sql, n, types);
	result = SPI_execute_plan(plan, values, nulls, false, 0);
	if (result < 0)
		elog(ERROR, "could not execute \"%s\": %s", sql, SPI_result_code_string(result));
	processed = SPI_processed;
	close_tables(table);
	if (value)
	{
		*value = 0;
		if (result == SPI_OK_UPDATE_RETURNING && processed > 0 &&
			SPI_gettypeid(SPI_tuptable->tupdesc, 1) == INT4OID)
			*value = DatumGetInt32(
				SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
		if (isnull)
			*value = 0;
	}
	SPI_freetuptable(SPI_tuptable);
	SPI_freeplan(plan);
	return processed;
}

int32
reco_statement_one(Oid schema, const char *template, const RecoArgument *argument, int n)
{
	int32 value;
	uint64 processed = reco_statement(schema, template, argument, n, &value);

	if (processed != 1)
		reco_damaged(schema,
					 psprintf("Instead of one row of its own tables, " UINT64_FORMAT " were found.",
							  processed));
	return value;
}
