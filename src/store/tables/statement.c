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
#include "pg/transaction.h"
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
 * The statement with the schema's name for every %s; which tables it names, unless named is
 * NULL.
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
			if (named)
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
		[RECO_TABLE_TERM] = true,  [RECO_TABLE_CHANGE] = true,
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

/* A statement that is planned on the tables of a schema. */
typedef struct Preparation
{
	Oid schema;
	const char *template;
	Oid *types;
	int n;
	SPIPlanPtr plan; /* NULL: the schema's name is another's */
} Preparation;

/* Under the name that the schema has now. */
static void
prepare_by_name(void *arg)
{
	Preparation *p = arg;
	const char *name = get_namespace_name(p->schema);
	const char *sql;

	p->plan = NULL;
	if (name == NULL || get_namespace_oid(name, true) != p->schema)
		return;
	sql = fill_in(name, p->template, NULL);
	p->plan = SPI_prepare(sql, p->n, p->types);
	if (p->plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", sql, SPI_result_code_string(SPI_result));
}

/* Of what goes wrong while schemas are renamed, all but this comes of that. */
static bool
is_final(const ErrorData *error)
{
	int category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	return category == ERRCODE_OPERATOR_INTERVENTION || category == ERRCODE_INSUFFICIENT_RESOURCES;
}

/*
 * Plans a statement on the tables of a schema.  What is returned can be executed, at once,
 * without being analyzed again.
 *
 * A rename is seen in the catalogs a moment before this session is told to forget the
 * schema's name, so names may not be found, or be another's, and nothing tells why: after a
 * while they are looked up anew.
 */
static SPIPlanPtr
prepare(Preparation *p)
{
	ErrorData *error = NULL;

	for (int tries = 0; tries < MAX_TRIES; tries++)
	{
		uint64 changes;

		reco_poll();
		if (tries > 0)
			pg_usleep(1000);
		AcceptInvalidationMessages();
		changes = schema_changes;
		error = reco_try(prepare_by_name, p);
		if (error && is_final(error))
			ReThrowError(error);
		if (error || p->plan == NULL)
			continue;
		list_free(fetch_search_path(true));
		if (changes == schema_changes &&
			((CachedPlanSource *) linitial(SPI_plan_get_plan_sources(p->plan)))->is_valid)
			return p->plan;
		SPI_freeplan(p->plan);
	}
	if (error)
		ReThrowError(error);
	ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					errmsg("model \"%s\" was renamed again and again while it was written to",
						   get_namespace_name(p->schema)),
					errhint("Try again.")));
}

uint64
reco_statement(Oid schema, const char *template, const RecoArgument *argument, int n, int32 *value)
{
	bool named[RECO_TABLES] = {0};
	Relation table[RECO_TABLES];
	Oid types[32];
	Datum values[32];
	char nulls[32];
	Preparation preparation = {schema, template, types, n, NULL};
	SPIPlanPtr plan;
	uint64 processed;
	int result;
	bool isnull = true;

	Assert(n <= lengthof(types));
	(void) fill_in("", template, named);
	for (int i = 0; i < n; i++)
	{
		types[i] = argument[i].type;
		values[i] = argument[i].value;
		nulls[i] = argument[i].isnull ? 'n' : ' ';
	}
	open_tables(schema, named, RowExclusiveLock, table);
	plan = prepare(&preparation);
	result = SPI_execute_plan(plan, values, nulls, false, 0);
	if (result < 0)
		elog(ERROR, "could not execute \"%s\": %s", template, SPI_result_code_string(result));
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
