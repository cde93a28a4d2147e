/*
 * models.c
 *	  reco.create_model() and reco.refresh(): arguments, and what has to be so before a
 *	  training begins.
 */
#include "lifecycle/job.h"
#include "lifecycle/lifecycle.h"

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
		row.active_version == 0 && !reco_training_runs(schema) &&
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

/* An argument that must not be null, as a string that survives commits. */
static char *
required_text(FunctionCallInfo fcinfo, int number, const char *name, MemoryContext context)
{
	if (PG_ARGISNULL(number))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name)));
	return MemoryContextStrdup(context, text_to_cstring(PG_GETARG_TEXT_PP(number)));
}

/*
 * algorithm NULL: to be taken from the arguments, as is source.
 */
static void
create_model(FunctionCallInfo fcinfo, const char *source, Jsonb *algorithm)
{
	Job *job = reco_job_make(fcinfo, "CALL reco.create_model()");
	MemoryContext old = MemoryContextSwitchTo(job->context);

	job->creating = true;
	job->name = required_text(fcinfo, 0, "model name", job->context);
	job->definition.source =
		source ? pstrdup(source) : required_text(fcinfo, 1, "source", job->context);
	if (PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("algorithm must not be null")));
	job->record.algorithm =
		algorithm ? DatumGetJsonbPCopy(JsonbPGetDatum(algorithm)) : PG_GETARG_JSONB_P_COPY(2);
	if (!PG_ARGISNULL(3))
		job->definition.items = required_text(fcinfo, 3, "items", job->context);
	if (!PG_ARGISNULL(4))
		job->record.options = PG_GETARG_JSONB_P_COPY(4);
	check_name(job->name);
	clear_way(job->name);
	job->definition.owner = GetUserId();
	job->definition.search_path = pstrdup(GetConfigOption("search_path", false, false));
	job->record.owner = (RecoRunAs){true, GetUserId(), OWN_SEARCH_PATH};
	MemoryContextSwitchTo(old);
	SPI_connect_ext(job->atomic ? 0 : SPI_OPT_NONATOMIC);
	reco_job_finish(job);
}

Datum
reco_create_model(PG_FUNCTION_ARGS)
{
	create_model(fcinfo, NULL, NULL);
	PG_RETURN_VOID();
}

/* The algorithm is a text: that of a value, or an error that says how one is made. */
static Jsonb *
algorithm_in_text(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(2) ? NULL : reco_algorithm_from_text(text_to_cstring(PG_GETARG_TEXT_PP(2)));
}

static char *
source_of_table(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(1) ? NULL : reco_table_source(PG_GETARG_OID(1));
}

Datum
reco_create_model_by_text(PG_FUNCTION_ARGS)
{
	create_model(fcinfo, NULL, algorithm_in_text(fcinfo));
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
	create_model(fcinfo, source_of_table(fcinfo), algorithm_in_text(fcinfo));
	PG_RETURN_VOID();
}

Datum
reco_refresh(PG_FUNCTION_ARGS)
{
	RecoRefresh how = {0};

	how.model = required_text(fcinfo, 0, "model name", CurrentMemoryContext);
	how.if_running = required_text(fcinfo, 1, "if_running", CurrentMemoryContext);
	how.min_interval = PG_ARGISNULL(2) ? NULL : PG_GETARG_INTERVAL_P(2);
	how.guard = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));
	return reco_refresh_model(fcinfo, &how);
}

Datum
reco_refresh_model(FunctionCallInfo fcinfo, const RecoRefresh *how)
{
	Job *job = reco_job_make(fcinfo, "CALL reco.refresh()");
	const char *if_running = how->if_running;
	ModelRow row;

	if (strcmp(if_running, "wait") != 0 && strcmp(if_running, "skip") != 0 &&
		strcmp(if_running, "error") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("invalid value for if_running: \"%s\"", if_running),
						errhint("Valid values are: \"wait\", \"skip\", \"error\".")));
	job->name = MemoryContextStrdup(job->context, how->model);
	if (how->guard)
	{
		job->guard = MemoryContextAlloc(job->context, sizeof(RecoGuard));
		reco_guard_parse(how->guard, job->guard);
	}
	if (how->min_interval)
	{
		job->min_interval = MemoryContextAlloc(job->context, sizeof(Interval));
		*job->min_interval = *how->min_interval;
	}
	job->record.schema = reco_model_schema(job->name);
	reco_model_read(job->record.schema, RECO_LATEST_SNAPSHOT, &row);
	reco_model_check_owner(&row);
	SPI_connect_ext(job->atomic ? 0 : SPI_OPT_NONATOMIC);
	if (!reco_job_lock(job, true))
	{
		if (strcmp(if_running, "wait") != 0)
		{
			ereport(strcmp(if_running, "skip") == 0 ? NOTICE : ERROR,
					(errcode(ERRCODE_OBJECT_IN_USE),
					 errmsg("model \"%s\" is being trained by another session", job->name)));
			SPI_finish();
			PG_RETURN_VOID();
		}
		/* an hour of waiting must not hold back vacuum either */
		if (!job->atomic)
			reco_job_commit();
		(void) reco_job_lock(job, false);
	}
	reco_progress_begin(job->record.schema);
	reco_job_finish(job);
	PG_RETURN_VOID();
}
