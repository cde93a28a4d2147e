/*
 * schema.c
 *	  The schema of a model: its tables and views, and with functions.c its typed
 *	  functions.
 *
 * Their SQL is in sql/model; here it is executed, with the model's name and types filled in.
 */
#include "lifecycle/schema.h"

#include "catalog/pg_type.h"
#include "commands/schemacmds.h"
#include "miscadmin.h"
#include "lifecycle/functions.h"
#include "lifecycle/grants.h"
#include "store/tables/template.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

/*
 * A column of ids, or with suffix "[]" of arrays of them.  Under the search_path of
 * reco_schema_create, which shows the collation's schema.
 */
static char *
column_type(const IdType *type, const char *suffix)
{
	if (OidIsValid(type->collation) && type->collation != get_typcollation(type->type))
		return psprintf("%s%s COLLATE %s", reco_exact_type(type), suffix,
						DatumGetCString(DirectFunctionCall1(regcollationout,
															ObjectIdGetDatum(type->collation))));
	return psprintf("%s%s", reco_exact_type(type), suffix);
}

/* The same of what a domain is of, without its checks and limits. */
static char *
base_type(const IdType *type)
{
	IdType base = *type;

	if (type->type == type->base)
		return column_type(type, "");
	base.type = type->base;
	base.typmod = -1;
	return column_type(&base, "");
}

/* What tables.sql, views.sql and wider.sql are filled in with. */
static const RecoPlaceholder *
placeholders_for(const char *name, const IdType *user, const IdType *item)
{
	const RecoPlaceholder placeholders[] = {
		{"{schema}", pstrdup(quote_identifier(name))},
		{"{user_column}", column_type(user, "")},
		{"{user_base}", base_type(user)},
		{"{item_column}", column_type(item, "")},
		{"{items_column}", column_type(item, "[]")},
		{"{security_invoker}", RECO_VIEW_OPTIONS},
		{NULL},
	};

	return memcpy(palloc(sizeof(placeholders)), placeholders, sizeof(placeholders));
}

/* Settings under which the SQL means what it says; AtEOXact_GUC ends them. */
static int
begin_settings(void)
{
	int level = NewGUCNestLevel();

	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	/* the tables are read and written as such (layout.c) */
	(void) set_config_option("default_table_access_method", "heap", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	/* the bodies must be checked: that is what gives them their dependencies */
	(void) set_config_option("check_function_bodies", "on", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	/* Citus would make the schema on its other servers too, where the tables are not */
	if (GetConfigOption("citus.enable_ddl_propagation", true, false))
		(void) set_config_option("citus.enable_ddl_propagation", "off", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	return level;
}

Oid
reco_schema_create(const char *name, const IdType *user, const IdType *item)
{
	const RecoPlaceholder *placeholders;
	ModelRow model = {.owner = GetUserId(), .name = pstrdup(name)};
	int level = begin_settings();

	placeholders = placeholders_for(name, user, item);
	reco_run_blocks(reco_tables_sql, placeholders);
	reco_run_blocks(reco_views_sql, placeholders);
	model.schema = get_namespace_oid(name, false);
	reco_functions_make(&model, user, item);
	AtEOXact_GUC(false, level);
	return model.schema;
}

/* One of the model's own views or functions is used by something that is not. */
static void
explain_dependency(const ModelRow *model, MemoryContext context)
{
	ErrorData *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	if (error->sqlerrcode != ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST)
		return;
	FlushErrorState();
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("cannot make the views and functions of model \"%s\" anew because other "
					"objects depend on them",
					model->name),
			 errdetail_internal("%s", error->detail ? error->detail : error->message),
			 errhint("Drop these objects, CALL reco.upgrade_model(), and make them again.")));
}

void
reco_schema_renew(const ModelRow *model, const IdType *user, const IdType *item, bool wider)
{
	MemoryContext context = CurrentMemoryContext;
	const RecoPlaceholder *placeholders;
	List *functions;
	List *views = NIL;
	int level = begin_settings();

	placeholders = placeholders_for(model->name, user, item);
	functions = reco_grants_note(model);
	if (wider)
		views = reco_grants_note_views(model);
	PG_TRY();
	{
		if (wider)
			reco_run_blocks(reco_wider_sql, placeholders);
		reco_run_blocks(reco_views_sql, placeholders);
		reco_functions_make(model, user, item);
	}
	PG_CATCH();
	{
		explain_dependency(model, context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	reco_grants_restore(model, functions);
	if (wider)
		reco_grants_restore_views(model, views);
	AtEOXact_GUC(false, level);
}
