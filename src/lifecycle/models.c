/*
 * models.c
 *	  reco.create_model() and reco.refresh(): arguments, and what has to be so before a
 *	  training begins.
 */
#include "lifecycle/arguments.h"
#include "lifecycle/models.h"
#include "lifecycle/train.h"

#include "catalog/catalog.h"
#include "catalog/pg_namespace.h"
#include "commands/dbcommands.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "store/tables/lock.h"
#include "lifecycle/own.h"
#include "store/tables/progress.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

RECO_FUNCTION(reco_create_model);
RECO_FUNCTION(reco_create_model_by_text);
RECO_FUNCTION(reco_create_model_of_table);
RECO_FUNCTION(reco_create_model_of_table_by_text);
RECO_FUNCTION(reco_refresh);

/*
 * Makes way for a new model: an error when the schema is taken, unless by a
 * model whose first training was killed.
 */
static void
clear_way(const char *name)
{
	Oid schema = get_namespace_oid(name, true);
	ModelRow row;

	if (OidIsValid(schema) && reco_model_try_read(schema, RECO_LATEST_SNAPSHOT, &row, NULL) &&
		row.active_version == 0 && !reco_training_held(schema) &&
		reco_schema_owned(schema, GetUserId()) && reco_table_owned(row.table, GetUserId()))
	{
		ereport(NOTICE, (errmsg("replacing model \"%s\", whose creation was interrupted", name)));
		reco_own_drop(schema, "replace");
		CommandCounterIncrement();
	}
	else if (OidIsValid(schema))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_SCHEMA), errmsg("schema \"%s\" already exists", name),
				 OidIsValid(reco_model_table(schema))
					 ? errhint("CALL reco.refresh() trains an existing model again, "
							   "CALL reco.drop_model() removes it.")
					 : errhint("A model is a schema of its own, which reco.create_model() makes: "
							   "give it a name that no schema has.")));
}

/*
 * What CREATE SCHEMA would say, before an hour of reading.
 */
static void
check_name(const char *name)
{
	AclResult result = reco_database_aclcheck(MyDatabaseId, GetUserId(), ACL_CREATE);

	if (name[0] == '\0' || strlen(name) >= NAMEDATALEN)
		ereport(ERROR, (errcode(ERRCODE_INVALID_NAME), errmsg("invalid model name \"%s\"", name),
						errdetail("It is the name of a schema: 1 to %d bytes.", NAMEDATALEN - 1)));
	if (IsReservedName(name))
		ereport(ERROR,
				(errcode(ERRCODE_RESERVED_NAME), errmsg("unacceptable schema name \"%s\"", name),
				 errdetail("The prefix \"pg_\" is reserved for system schemas.")));
	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_DATABASE, get_database_name(MyDatabaseId));
}

/*
 * algorithm NULL: to be taken from the arguments, as is source.
 */
static void
create_model(FunctionCallInfo fcinfo, const char *source, Jsonb *algorithm)
{
	RecoTrainCall *call = reco_train_begin(fcinfo, "CALL reco.create_model()");
	RecoRun *run = &call->run;
	MemoryContext old = MemoryContextSwitchTo(run->context);

	call->creating = true;
	run->model = reco_text_of(fcinfo, 0, "model name");
	run->definition.source = source ? pstrdup(source) : reco_text_of(fcinfo, 1, "source");
	reco_require_argument(fcinfo, 2, "algorithm");
	run->definition.algorithm =
		algorithm ? DatumGetJsonbPCopy(JsonbPGetDatum(algorithm)) : PG_GETARG_JSONB_P_COPY(2);
	run->definition.items = reco_text_or_null(fcinfo, 3);
	if (!PG_ARGISNULL(4))
		run->definition.options = PG_GETARG_JSONB_P_COPY(4);
	run->definition.users = reco_text_or_null(fcinfo, 5);
	check_name(run->model);
	clear_way(run->model);
	run->definition.owner = GetUserId();
	run->definition.search_path = pstrdup(GetConfigOption("search_path", false, false));
	MemoryContextSwitchTo(old);
	SPI_connect_ext(call->atomic ? 0 : SPI_OPT_NONATOMIC);
	reco_train_finish(call);
}

Datum
reco_create_model(PG_FUNCTION_ARGS)
{
	create_model(fcinfo, NULL, NULL);
	PG_RETURN_VOID();
}

static char *
source_of_table(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(1) ? NULL : reco_table_source(PG_GETARG_OID(1));
}

Datum
reco_create_model_by_text(PG_FUNCTION_ARGS)
{
	create_model(fcinfo, NULL, reco_algorithm_in_text(fcinfo, 2));
	PG_RETURN_VOID();
}

/* The source is a table. */
Datum
reco_create_model_of_table(PG_FUNCTION_ARGS)
{
	create_model(fcinfo, source_of_table(fcinfo), NULL);
	PG_RETURN_VOID();
}

Datum
reco_create_model_of_table_by_text(PG_FUNCTION_ARGS)
{
	create_model(fcinfo, source_of_table(fcinfo), reco_algorithm_in_text(fcinfo, 2));
	PG_RETURN_VOID();
}

Datum
reco_refresh(PG_FUNCTION_ARGS)
{
	RecoRefresh how = {0};

	how.model = reco_text_of(fcinfo, 0, "model name");
	how.if_running = reco_text_of(fcinfo, 1, "if_running");
	how.min_interval = PG_ARGISNULL(2) ? NULL : PG_GETARG_INTERVAL_P(2);
	how.guard = reco_text_or_null(fcinfo, 3);
	return reco_refresh_model(fcinfo, &how);
}

Datum
reco_refresh_model(FunctionCallInfo fcinfo, const RecoRefresh *how)
{
	RecoTrainCall *call = reco_train_begin(fcinfo, "CALL reco.refresh()");
	RecoRun *run = &call->run;

	reco_train_check_running(how->if_running);
	run->model = MemoryContextStrdup(run->context, how->model);
	run->version.schema = how->schema;
	if (how->guard)
	{
		RecoGuard *guard = MemoryContextAlloc(run->context, sizeof(RecoGuard));

		reco_guard_parse(how->guard, guard);
		run->guard = guard;
		run->metric = &guard->metric;
	}
	if (how->min_interval)
	{
		call->min_interval = MemoryContextAlloc(run->context, sizeof(Interval));
		*call->min_interval = *how->min_interval;
	}
	if (reco_train_enter(call, how->if_running))
		reco_train_finish(call);
	PG_RETURN_VOID();
}
