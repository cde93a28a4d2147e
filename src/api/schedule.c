/*
 * schedule.c
 *	  reco.schedule(), reco.unschedule() and reco.run_scheduled(): refreshes by pg_cron.
 *
 * pg_cron is another extension, asked through SQL as the caller: its own rules say who
 * may schedule.  A job has the model's name in its own and in its command; it asks for
 * reco.run_scheduled(), which takes the job away once there is no such model, so that a
 * schema dropped by other means leaves none behind for long.
 */
#include "api/guard.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "store/source.h"
#include "store/tables.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

RECO_FUNCTION(reco_schedule);
RECO_FUNCTION(reco_unschedule);
RECO_FUNCTION(reco_run_scheduled);

static bool
has_cron(Oid role)
{
	Oid schema = get_namespace_oid("cron", true);
	Oid jobs = OidIsValid(schema) ? get_relname_relid("job", schema) : InvalidOid;

	return OidIsValid(get_extension_oid("pg_cron", true)) && OidIsValid(jobs) &&
		   reco_schema_aclcheck(schema, role, ACL_USAGE) == ACLCHECK_OK &&
		   pg_class_aclcheck(jobs, role, ACL_SELECT) == ACLCHECK_OK;
}

static void
require_cron(void)
{
	if (!OidIsValid(get_extension_oid("pg_cron", true)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension \"pg_cron\" is not installed in this database"),
				 errhint("Add pg_cron to shared_preload_libraries, let cron.database_name be this "
						 "database, and create the extension; or have another scheduler run "
						 "CALL reco.refresh().")));
	if (!has_cron(GetUserId()))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied for schema cron"),
						errhint("GRANT USAGE ON SCHEMA cron lets a role schedule jobs.")));
}

static char *
job_name(const char *model)
{
	return psprintf("reco.refresh %s", model);
}

/*
 * Runs a query of up to three texts as a role that the caller may be, under a search_path
 * that captures nothing.  Returns the number in the first column of its first row, or 0,
 * and in *text (unless it is NULL) the texts in the other columns.
 */
static int64
ask_as(Oid role, const char *query, const char *const *argument, int n, char **text)
{
	MemoryContext caller = CurrentMemoryContext;
	RecoRunAs as = {true, role, "pg_catalog"};
	RecoIdentity before;
	Oid types[3] = {TEXTOID, TEXTOID, TEXTOID};
	Datum values[3];
	int64 number = 0;
	bool isnull = true;

	Assert(n <= lengthof(types));
	for (int i = 0; i < n; i++)
		values[i] = CStringGetTextDatum(argument[i]);
	SPI_connect();
	reco_become(&as, &before);
	if (SPI_execute_with_args(query, n, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not ask pg_cron");
	if (SPI_processed > 0)
		number =
			DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	for (int c = 2; text && SPI_processed > 0 && c <= SPI_tuptable->tupdesc->natts; c++)
		text[c - 2] = MemoryContextStrdup(
			caller, SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, c));
	reco_return(&before);
	SPI_finish();
	return isnull ? 0 : number;
}

static int64
ask(const char *query, const char *const *argument, int n)
{
	return ask_as(GetUserId(), query, argument, n, NULL);
}

/* Takes the caller's job away; false when there is none. */
static bool
unschedule(const char *model)
{
	const char *argument[] = {job_name(model)};

	return ask("SELECT count(cron.unschedule(jobid)) FROM cron.job"
			   " WHERE jobname = $1 AND username = current_user AND database = current_database()",
			   argument, 1) > 0;
}

void
reco_schedule_forget(const char *model)
{
	if (has_cron(GetUserId()))
		(void) unschedule(model);
}

void
reco_schedule_move(const char *model, Oid from, Oid to)
{
	const char *argument[3] = {job_name(model)};
	char *job[2];
	int64 number;

	if (from == to || !OidIsValid(get_extension_oid("pg_cron", true)) || !has_cron(from))
		return;
	number = ask_as(from,
					"SELECT jobid, schedule, command FROM cron.job"
					" WHERE jobname = $1 AND username = current_user"
					" AND database = current_database()",
					argument, 1, job);
	if (number == 0)
		return;
	(void) ask_as(from,
				  "SELECT count(cron.unschedule(jobid)) FROM cron.job"
				  " WHERE jobname = $1 AND username = current_user"
				  " AND database = current_database()",
				  argument, 1, NULL);
	if (!has_cron(to))
	{
		ereport(WARNING,
				(errmsg("the scheduled refresh of model \"%s\" was removed", model),
				 errdetail("Role \"%s\" may not use pg_cron.", GetUserNameFromId(to, false)),
				 errhint("GRANT USAGE ON SCHEMA cron, and schedule it anew.")));
		return;
	}
	argument[1] = job[0];
	argument[2] = job[1];
	(void) ask_as(to, "SELECT cron.schedule($1, $2, $3)", argument, 3, NULL);
}

static char *
text_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	if (PG_ARGISNULL(number))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name)));
	return text_to_cstring(PG_GETARG_TEXT_PP(number));
}

Datum
reco_schedule(PG_FUNCTION_ARGS)
{
	char *model = text_argument(fcinfo, 0, "model name");
	char *schedule = text_argument(fcinfo, 1, "schedule");
	const char *argument[3];
	ModelRow row;
	int64 job;

	PreventCommandIfReadOnly("CALL reco.schedule()");
	reco_model_read(reco_model_schema(model), RECO_LATEST_SNAPSHOT, &row);
	reco_model_check_owner(&row);
	require_cron();
	argument[0] = job_name(model);
	argument[1] = schedule;
	if (!PG_ARGISNULL(2))
	{
		char *guard_text = text_to_cstring(PG_GETARG_TEXT_PP(2));
		RecoGuard guard;

		reco_guard_parse(guard_text, &guard);
		argument[2] = psprintf("CALL reco.run_scheduled(%s, guard => %s)",
							   quote_literal_cstr(model), quote_literal_cstr(guard_text));
	}
	else
		argument[2] = psprintf("CALL reco.run_scheduled(%s)", quote_literal_cstr(model));
	job = ask("SELECT cron.schedule($1, $2, $3)", argument, 3);
	ereport(NOTICE, (errmsg("model \"%s\" is refreshed at \"%s\" by job " INT64_FORMAT, model,
							schedule, job)));
	PG_RETURN_VOID();
}

Datum
reco_unschedule(PG_FUNCTION_ARGS)
{
	char *model = text_argument(fcinfo, 0, "model name");

	PreventCommandIfReadOnly("CALL reco.unschedule()");
	require_cron();
	if (!unschedule(model))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("model \"%s\" has no scheduled refresh of yours", model),
						errhint("Table cron.job lists the jobs that you may see.")));
	PG_RETURN_VOID();
}

Datum
reco_run_scheduled(PG_FUNCTION_ARGS)
{
	char *model = text_argument(fcinfo, 0, "model name");
	Oid schema = get_namespace_oid(model, true);

	if (OidIsValid(schema) && OidIsValid(reco_model_table(schema)))
	{
		RecoRefresh how = {model, "skip"};

		how.guard = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));
		return reco_refresh_model(fcinfo, &how);
	}
	PreventCommandIfReadOnly("CALL reco.run_scheduled()");
	reco_schedule_forget(model);
	ereport(WARNING,
			(errmsg("model \"%s\" does not exist, its scheduled refresh was removed", model)));
	PG_RETURN_VOID();
}
