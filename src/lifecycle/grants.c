/*
 * grants.c
 *	  Grants on what a model's schema holds: reco.grant_use() and reco.revoke_use(), and what
 *	  stays granted when functions and views are made anew.
 *
 * Only on what is the model's own: its functions (rights.c says which), and its owner's
 * tables and views under the names that sql/model gives.  What else an owner keeps in the
 * schema is no part of the model and is left as it is.
 *
 * All of it is GRANT and REVOKE, through SPI: who may grant is for the server to say.
 */
#include "lifecycle/grants.h"

#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lifecycle/arguments.h"
#include "miscadmin.h"
#include "store/tables/rights.h"
#include "store/tables/template.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

RECO_FUNCTION(reco_grant_use);
RECO_FUNCTION(reco_revoke_use);

/* The right to call the functions of a name. */
typedef struct Grant
{
	char *function;
	char *role;   /* quoted, or PUBLIC */
	char *option; /* WITH GRANT OPTION, or nothing */
} Grant;

static void
change_functions(const ModelRow *model, const char *what, const char *to, const char *role)
{
	ListCell *cell;

	foreach (cell, reco_rights_functions(model, NULL))
		reco_run(psprintf("%s ON FUNCTION %s %s %s", what,
						  format_procedure_qualified(lfirst_oid(cell)), to, role));
}

/* One statement for all tables and views. */
static void
change_relations(const ModelRow *model, const char *what, const char *to, const char *role)
{
	const char *schema = quote_identifier(model->name);
	StringInfoData sql;
	ListCell *cell;

	initStringInfo(&sql);
	foreach (cell, reco_names_in(reco_model_relations))
	{
		Oid relation = get_relname_relid(lfirst(cell), model->schema);

		if (OidIsValid(relation) && reco_relation_owner(relation) == model->owner)
			appendStringInfo(&sql, "%s%s.%s", sql.len ? ", " : "", schema,
							 quote_identifier(lfirst(cell)));
	}
	if (sql.len > 0)
		reco_run(psprintf("%s ON %s %s %s", what, sql.data, to, role));
}

/*
 * Functions that were restored without their rights are everybody's, as far as the server
 * is asked; with the first grant that would count.
 */
static void
close_open(const ModelRow *model)
{
	ListCell *cell;

	foreach (cell, reco_rights_functions(model, NULL))
	{
		HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(lfirst_oid(cell)));
		bool open = HeapTupleIsValid(tuple) && heap_attisnull(tuple, Anum_pg_proc_proacl, NULL);

		if (HeapTupleIsValid(tuple))
			ReleaseSysCache(tuple);
		if (open)
			reco_run(psprintf("REVOKE ALL ON FUNCTION %s FROM PUBLIC",
							  format_procedure_qualified(lfirst_oid(cell))));
	}
}

static void
grant_use(const ModelRow *model, const char *role, bool tables)
{
	reco_run(psprintf("GRANT USAGE ON SCHEMA %s TO %s", quote_identifier(model->name), role));
	close_open(model);
	change_functions(model, "GRANT EXECUTE", "TO", role);
	if (tables)
		change_relations(model, "GRANT SELECT", "TO", role);
}

static void
revoke_use(const ModelRow *model, const char *role)
{
	change_functions(model, "REVOKE EXECUTE", "FROM", role);
	change_relations(model, "REVOKE SELECT", "FROM", role);
	reco_run(psprintf("REVOKE USAGE ON SCHEMA %s FROM %s", quote_identifier(model->name), role));
}

static Datum
oid_array(const List *oids)
{
	Datum *datums = palloc((list_length(oids) + 1) * sizeof(Datum));
	int n = 0;
	ListCell *cell;

	foreach (cell, oids)
		datums[n++] = ObjectIdGetDatum(lfirst_oid(cell));
	return PointerGetDatum(construct_array(datums, n, OIDOID, sizeof(Oid), true, TYPALIGN_INT));
}

/*
 * Rows (function, role, option) of a query of $1, the model's functions, and $2, all their
 * names.  Not as read only: what this transaction has granted counts.
 */
static List *
read_grants(const ModelRow *model, const char *query)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid types[] = {OIDARRAYOID, TEXTOID};
	Datum arguments[] = {oid_array(reco_rights_functions(model, NULL)),
						 CStringGetTextDatum(reco_model_functions)};
	List *grants = NIL;

	if (SPI_execute_with_args(query, lengthof(types), types, arguments, NULL, false, 0) !=
		SPI_OK_SELECT)
		elog(ERROR, "could not read the rights to model \"%s\"", model->name);
	for (uint64 r = 0; r < SPI_processed; r++)
	{
		HeapTuple row = SPI_tuptable->vals[r];
		TupleDesc columns = SPI_tuptable->tupdesc;
		MemoryContext old = MemoryContextSwitchTo(caller);
		Grant *grant = palloc(sizeof(Grant));

		grant->function = SPI_getvalue(row, columns, 1);
		grant->role = SPI_getvalue(row, columns, 2);
		grant->option = SPI_getvalue(row, columns, 3);
		if (grant->option == NULL)
			grant->option = "";
		grants = lappend(grants, grant);
		MemoryContextSwitchTo(old);
	}
	return grants;
}

#define ROLE "CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END"

/*
 * Everybody who is named in the rights to the functions, but their owner; of names that are
 * new, who has all the others.
 */
static const char named_in_functions[] =
	"WITH g AS ("
	"  SELECT p.proname AS name, a.grantee, a.is_grantable"
	"    FROM pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) a"
	"   WHERE p.oid = ANY ($1) AND a.grantee <> p.proowner)"
	" SELECT g.name, " ROLE ", CASE WHEN bool_or(g.is_grantable) THEN ' WITH GRANT OPTION' END"
	"   FROM g GROUP BY g.name, g.grantee"
	" UNION ALL"
	" SELECT n.name, " ROLE ", NULL"
	"   FROM unnest($2::name[]) AS n (name)"
	"  CROSS JOIN (SELECT grantee FROM g GROUP BY grantee HAVING count(DISTINCT name) ="
	"               (SELECT count(DISTINCT proname) FROM pg_proc WHERE oid = ANY ($1))) g"
	"  WHERE NOT EXISTS (SELECT FROM pg_proc p WHERE p.oid = ANY ($1) AND p.proname = n.name)";

List *
reco_grants_note(const ModelRow *model)
{
	return read_grants(model, named_in_functions);
}

void
reco_grants_restore(const ModelRow *model, const List *noted)
{
	const ListCell *cell;

	foreach (cell, noted)
	{
		const Grant *grant = lfirst(cell);
		ListCell *function;

		foreach (function, reco_rights_functions(model, grant->function))
			reco_run(psprintf("GRANT EXECUTE ON FUNCTION %s TO %s%s",
							  format_procedure_qualified(lfirst_oid(function)), grant->role,
							  grant->option));
	}
}

/* Statements, by a query of $1, the schema, and $2, the names of relations. */
static List *
read_statements(const ModelRow *model, const char *query)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid types[] = {OIDOID, TEXTOID};
	Datum arguments[] = {ObjectIdGetDatum(model->schema),
						 CStringGetTextDatum(reco_model_relations)};
	List *statements = NIL;

	if (SPI_execute_with_args(query, lengthof(types), types, arguments, NULL, false, 0) !=
		SPI_OK_SELECT)
		elog(ERROR, "could not read the rights to the views of model \"%s\"", model->name);
	for (uint64 r = 0; r < SPI_processed; r++)
	{
		char *text = SPI_getvalue(SPI_tuptable->vals[r], SPI_tuptable->tupdesc, 1);

		statements = lappend(statements, MemoryContextStrdup(caller, text));
	}
	return statements;
}

/* Rights to the model's views, and to columns of them, of others than the owner. */
#define VIEW_RIGHTS                                                                                \
	" FROM pg_class c"                                                                             \
	" JOIN (SELECT oid, relacl AS acl, NULL::name AS attname FROM pg_class"                        \
	"       UNION ALL SELECT attrelid, attacl, attname FROM pg_attribute) a USING (oid)"           \
	" CROSS JOIN LATERAL aclexplode(a.acl) g"                                                      \
	" WHERE c.relnamespace = $1 AND c.relkind = 'v' AND g.grantee <> c.relowner"                   \
	"   AND c.relname = ANY ($2::name[])"
#define VIEW "' ON ' || c.oid::regclass"

List *
reco_grants_note_views(const ModelRow *model)
{
	return read_statements(
		model, "SELECT 'GRANT ' || g.privilege_type ||"
			   " coalesce(' (' || quote_ident(a.attname) || ')', '') || " VIEW " || ' TO ' || " ROLE
			   " || CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END" VIEW_RIGHTS);
}

/* New views have what default privileges say: that goes first. */
void
reco_grants_restore_views(const ModelRow *model, const List *noted)
{
	List *all = list_concat(read_statements(model, "SELECT DISTINCT 'REVOKE ALL' || " VIEW
												   " || ' FROM ' || " ROLE VIEW_RIGHTS),
							noted);
	ListCell *cell;

	foreach (cell, all)
		reco_run(lfirst(cell));
}

/* The model and, quoted, the role of grant_use and revoke_use. */
static char *
role_argument(FunctionCallInfo fcinfo, ModelRow *row)
{
	char *role;

	(void) reco_text_of(fcinfo, 0, "model name");
	role = reco_text_of(fcinfo, 1, "role");
	(void) reco_owned_model(fcinfo, false, row);
	if (strcmp(role, "public") == 0)
		return role;
	(void) get_role_oid(role, false);
	return pstrdup(quote_identifier(role));
}

Datum
reco_grant_use(PG_FUNCTION_ARGS)
{
	ModelRow row;
	char *role;

	PreventCommandIfReadOnly("CALL reco.grant_use()");
	role = role_argument(fcinfo, &row);
	SPI_connect();
	/* an extension that is not updated yet has two arguments */
	grant_use(&row, role, PG_NARGS() > 2 && !PG_ARGISNULL(2) && PG_GETARG_BOOL(2));
	SPI_finish();
	PG_RETURN_VOID();
}

Datum
reco_revoke_use(PG_FUNCTION_ARGS)
{
	ModelRow row;
	char *role;

	PreventCommandIfReadOnly("CALL reco.revoke_use()");
	role = role_argument(fcinfo, &row);
	SPI_connect();
	revoke_use(&row, role);
	SPI_finish();
	PG_RETURN_VOID();
}
