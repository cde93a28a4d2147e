/*
 * schedule.c
 *	  reco.schedule(), reco.unschedule() and reco.run_scheduled(): refreshes by pg_cron.
 *
 * pg_cron is another extension, asked through SQL as the caller: its own rules say who
 * may schedule.  A model has one job, whoever scheduled it.  It is called after the model, and
 * knows it by when it was made as well: reco.run_scheduled() takes the new name of a model
 * that was renamed into its job, and takes the job away once there is no such model, so
 * that a schema dropped by other means leaves none behind for long.
 */
#include "evaluation/guard.h"
#include "lifecycle/arguments.h"
#include "lifecycle/jobs.h"
#include "lifecycle/models.h"
#include "lifecycle/schedule.h"

#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "store/source/source.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

RECO_FUNCTION(reco_schedule);
RECO_FUNCTION(reco_unschedule);
RECO_FUNCTION(reco_run_scheduled);

/* Whether a role may schedule jobs. */
static bool
may_schedule(Oid role)
{
	Oid schema = get_namespace_oid("cron", true);

	return OidIsValid(schema) && reco_schema_aclcheck(schema, role, ACL_USAGE) == ACLCHECK_OK;
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
	if (!may_schedule(GetUserId()))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied for schema cron"),
						errhint("GRANT USAGE ON SCHEMA cron lets a role schedule jobs.")));
}

/* A server process of a job logs in as whoever scheduled it. */
static bool
may_log_in(Oid role)
{
	HeapTuple tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
	bool may = HeapTupleIsValid(tuple) && ((Form_pg_authid) GETSTRUCT(tuple))->rolcanlogin;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return may;
}

static void
require_login(void)
{
	if (!may_log_in(GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("role \"%s\" is not permitted to log in, so its jobs would fail",
						GetUserNameFromId(GetUserId(), false)),
				 errhint("Schedule the refresh as a role that may log in and is a member of the "
						 "model's owner.")));
}

/*
 * Runs a query as a role, under a search_path that captures nothing.  Returns the number
 * in the first column of its first row, or 0.
 */
static int64
ask(Oid role, const char *query, int n, Oid *types, Datum *values)
{
	RecoRunAs as = reco_run_as(role);
	RecoIdentity before;
	int64 number = 0;
	bool isnull = true;

	SPI_connect();
	reco_become(&as, &before);
	if (SPI_execute_with_args(query, n, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not ask pg_cron");
	if (SPI_processed > 0)
		number =
			DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	reco_return(&before);
	SPI_finish();
	return isnull ? 0 : number;
}

static int64
add_job(Oid role, const char *name, const char *schedule, const char *command)
{
	Oid types[3] = {TEXTOID, TEXTOID, TEXTOID};
	Datum values[3] = {CStringGetTextDatum(name), CStringGetTextDatum(schedule),
					   CStringGetTextDatum(command)};

	return ask(role, "SELECT cron.schedule($1, $2, $3)", 3, types, values);
}

/*
 * As which role the caller may take a job away: the job's, where it is the caller or the
 * caller has its rights, or a superuser; InvalidOid: as none.
 */
static Oid
may_remove(const RecoCronJob *job)
{
	Oid role = get_role_oid(job->role, true);

	if (superuser())
		return GetUserId();
	return OidIsValid(role) && has_privs_of_role(GetUserId(), role) ? role : InvalidOid;
}

static void
remove_job(const RecoCronJob *job, Oid role)
{
	Oid types[1] = {INT8OID};
	Datum values[1] = {Int64GetDatum(job->id)};

	(void) ask(role, "SELECT cron.unschedule($1)::int::bigint", 1, types, values);
}

/* What a job calls; guard NULL: none. */
static char *
job_command(const char *model, const char *guard, int64 identity)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "CALL reco.run_scheduled(%s", quote_literal_cstr(model));
	if (guard)
		appendStringInfo(&text, ", guard => %s", quote_literal_cstr(guard));
	if (identity)
		appendStringInfo(&text, ", identity => " INT64_FORMAT, identity);
	appendStringInfoChar(&text, ')');
	return text.data;
}

/* The guard in a job's command, as it stands there; NULL: none. */
static char *
guard_of(const RecoCronJob *job, int64 identity)
{
	static const char mark[] = ", guard => ";
	char *text = pstrdup(job->command);
	char *end = identity ? strstr(text, psprintf(", identity => " INT64_FORMAT ")", identity))
						 : text + strlen(text) - 1;
	char *at = text + strlen("CALL reco.run_scheduled(");
	bool quoted = false;

	/* past the name, a literal */
	if (*at == 'E')
		at++;
	for (; *at && (quoted || *at != ','); at++)
		if (*at == '\'')
			quoted = !quoted;
	if (end == NULL || at >= end || strncmp(at, mark, strlen(mark)) != 0)
		return NULL;
	*end = '\0';
	return at + strlen(mark);
}

/*
 * What a job of another role is to call, made anew of the model's name and the guard: the
 * rest of its command is whatever that role wrote.  NULL where the guard is no literal.
 */
static char *
command_anew(const RecoCronJob *job, const char *model, int64 identity)
{
	const char *guard = guard_of(job, reco_job_identity(job));
	StringInfoData text;
	size_t length;

	if (guard == NULL)
		return job_command(model, NULL, identity);
	if (*guard == 'E')
		guard++;
	length = strlen(guard);
	if (length < 2 || guard[0] != '\'' || guard[length - 1] != '\'')
		return NULL;
	initStringInfo(&text);
	for (size_t at = 1; at < length - 1; at++)
	{
		/* as quote_literal() writes them */
		if (guard[at] == '\'' || guard[at] == '\\')
		{
			if (at + 1 == length - 1 || guard[at + 1] != guard[at])
				return NULL;
			at++;
		}
		appendStringInfoChar(&text, guard[at]);
	}
	return job_command(model, text.data, identity);
}

/*
 * A job of a model that has another name now gets that.
 */
static void
rename_job(const RecoCronJob *job, Oid role, const char *model, int64 identity)
{
	char *guard = guard_of(job, identity);
	char *command =
		guard ? psprintf("CALL reco.run_scheduled(%s, guard => %s, identity => " INT64_FORMAT ")",
						 quote_literal_cstr(model), guard, identity)
			  : job_command(model, NULL, identity);

	remove_job(job, role);
	(void) add_job(role, reco_job_name(model), job->schedule, command);
}

typedef struct ModelSearch
{
	int64 identity;
	MemoryContext context; /* of the name */
	Oid schema;            /* InvalidOid: not found */
	char *name;
	bool locked; /* it may be one whose table another session has locked */
} ModelSearch;

static void
look_for(void *arg, const ModelRow *model)
{
	ModelSearch *search = arg;

	if (model->locked)
		search->locked = true;
	else if (model->created_at == search->identity)
	{
		search->schema = model->schema;
		search->name = MemoryContextStrdup(search->context, model->name);
	}
}

/* Looks for the model that was made at a time. */
static ModelSearch
model_by_identity(int64 identity)
{
	ModelSearch search = {identity, CurrentMemoryContext, InvalidOid, NULL, false};

	if (identity != 0)
		reco_each_model(look_for, &search);
	if (!OidIsValid(search.schema) && search.locked)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("could not find out whether a renamed model has a scheduled refresh"),
				 errdetail("Another session has locked the table of a model."),
				 errhint("Try again.")));
	return search;
}

/* A job that is called as another model's is to be: of one that had this name before. */
static void
make_room(const char *model, const ModelRow *row)
{
	ListCell *cell;

	foreach (cell, reco_jobs_read())
	{
		const RecoCronJob *job = lfirst(cell);
		int64 identity = reco_job_identity(job);
		ModelSearch now;

		if (strcmp(job->name, reco_job_name(model)) != 0 || identity == 0 ||
			identity == row->created_at || !OidIsValid(may_remove(job)))
			continue;
		now = model_by_identity(identity);
		if (now.name)
			rename_job(job, get_role_oid(job->role, false), now.name, identity);
		else
			remove_job(job, may_remove(job));
	}
}

/* Takes the model's other jobs away, so that it has one. */
static void
replace_jobs(const ModelRow *row)
{
	ListCell *cell;

	foreach (cell, reco_jobs_read())
	{
		const RecoCronJob *job = lfirst(cell);
		Oid role = may_remove(job);

		if (!reco_job_is_of(job, row->name, row->created_at))
			continue;
		if (!OidIsValid(role))
			ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT),
							errmsg("model \"%s\" is refreshed by job " INT64_FORMAT
								   " of role \"%s\" already",
								   row->name, job->id, job->role),
							errhint("That role, or a superuser, can end it with CALL "
									"reco.unschedule().")));
		if (get_role_oid(job->role, true) != GetUserId())
			ereport(NOTICE, (errmsg("job " INT64_FORMAT " of role \"%s\" is replaced", job->id,
									job->role)));
		remove_job(job, role);
	}
}

void
reco_schedule_forget(const char *model, int64 identity)
{
	ListCell *cell;

	foreach (cell, reco_jobs_read())
	{
		const RecoCronJob *job = lfirst(cell);

		if (!reco_job_is_of(job, model, identity))
			continue;
		if (OidIsValid(may_remove(job)))
			remove_job(job, may_remove(job));
		else
			ereport(NOTICE, (errmsg("job " INT64_FORMAT " of role \"%s\" remains until it runs",
									job->id, job->role)));
	}
}

void
reco_schedule_move(const char *model, int64 identity, Oid from, Oid to)
{
	ListCell *cell;

	if (from == to)
		return;
	foreach (cell, reco_jobs_read())
	{
		const RecoCronJob *job = lfirst(cell);
		const char *command;

		if (!reco_job_is_of(job, model, identity) || get_role_oid(job->role, true) != from ||
			!OidIsValid(may_remove(job)))
			continue;
		command = command_anew(job, model, identity);
		remove_job(job, may_remove(job));
		if (command && may_schedule(to) && may_log_in(to))
			(void) add_job(to, reco_job_name(model), job->schedule, command);
		else if (command == NULL)
			ereport(WARNING, (errmsg("the scheduled refresh of model \"%s\" was removed", model),
							  errdetail("Its guard is not what reco.schedule() wrote."),
							  errhint("Schedule it anew with CALL reco.schedule().")));
		else
			ereport(WARNING,
					(errmsg("the scheduled refresh of model \"%s\" was removed", model),
					 errdetail("Role \"%s\" may not use pg_cron, or may not log in.",
							   GetUserNameFromId(to, false)),
					 errhint("GRANT USAGE ON SCHEMA cron, and schedule it anew, as a role that "
							 "may log in and is a member of the owner.")));
	}
}

Datum
reco_schedule(PG_FUNCTION_ARGS)
{
	char *model = reco_text_of(fcinfo, 0, "model name");
	char *schedule = reco_text_of(fcinfo, 1, "schedule");
	char *guard_text = reco_text_or_null(fcinfo, 2);
	ModelRow row;
	int64 job;

	PreventCommandIfReadOnly("CALL reco.schedule()");
	reco_model_read(reco_model_schema(model), RECO_LATEST_SNAPSHOT, &row);
	reco_model_check_owner(&row);
	if (guard_text)
	{
		RecoGuard guard;

		reco_guard_parse(guard_text, &guard);
	}
	require_cron();
	require_login();
	make_room(model, &row);
	replace_jobs(&row);
	job = add_job(GetUserId(), reco_job_name(model), schedule,
				  job_command(model, guard_text, row.created_at));
	ereport(NOTICE, (errmsg("model \"%s\" is refreshed at \"%s\" by job " INT64_FORMAT, model,
							schedule, job)));
	PG_RETURN_VOID();
}

Datum
reco_unschedule(PG_FUNCTION_ARGS)
{
	char *model = reco_text_of(fcinfo, 0, "model name");
	ModelRow row = {0};
	Oid schema = get_namespace_oid(model, true);
	bool found = false;
	bool busy;
	ListCell *cell;

	PreventCommandIfReadOnly("CALL reco.unschedule()");
	require_cron();
	if (OidIsValid(schema))
		(void) reco_model_try_read(schema, RECO_LATEST_SNAPSHOT, &row, &busy);
	foreach (cell, reco_jobs_read())
	{
		const RecoCronJob *job = lfirst(cell);

		if (!reco_job_is_of(job, model, row.created_at))
			continue;
		if (!OidIsValid(may_remove(job)))
			ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
							errmsg("permission denied for job " INT64_FORMAT " of role \"%s\"",
								   job->id, job->role),
							errhint("That role, its members and superusers can end it.")));
		remove_job(job, may_remove(job));
		found = true;
	}
	if (!found)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("model \"%s\" has no scheduled refresh", model),
						errhint("View reco.health shows the schedules of the models.")));
	PG_RETURN_VOID();
}

/*
 * The model that a job is to refresh, by its name or, when that is no longer its own, by when it
 * was made: then the job gets the new name, as *model does.  InvalidOid when there is none.
 */
static Oid
model_of_job(char **model, int64 identity)
{
	Oid schema = get_namespace_oid(*model, true);
	ModelSearch now;
	ModelRow row;
	ListCell *cell;

	if (OidIsValid(schema) && OidIsValid(reco_model_table(schema)))
	{
		if (identity == 0)
			return schema;
		/* no lock stays on a model of others: the caller may have no right to it */
		if (reco_table_owned(reco_model_table(schema), GetUserId()))
		{
			reco_model_read(schema, RECO_LATEST_SNAPSHOT, &row);
			if (row.created_at == identity)
				return schema;
			reco_model_unlock(&row);
		}
	}
	now = model_by_identity(identity);
	if (now.name == NULL)
		return InvalidOid;
	foreach (cell, reco_jobs_read())
	{
		const RecoCronJob *job = lfirst(cell);

		if (reco_job_identity(job) == identity && get_role_oid(job->role, true) == GetUserId())
			rename_job(job, GetUserId(), now.name, identity);
	}
	ereport(NOTICE,
			(errmsg("model \"%s\" is called \"%s\" now, and so is its job", *model, now.name)));
	*model = now.name;
	return now.schema;
}

Datum
reco_run_scheduled(PG_FUNCTION_ARGS)
{
	char *model = reco_text_of(fcinfo, 0, "model name");
	int64 identity = PG_NARGS() < 3 || PG_ARGISNULL(2) ? 0 : PG_GETARG_INT64(2);
	Oid schema;

	PreventCommandIfReadOnly("CALL reco.run_scheduled()");
	schema = model_of_job(&model, identity);
	if (OidIsValid(schema))
	{
		RecoRefresh how = {model, schema, "skip"};

		how.guard = reco_text_or_null(fcinfo, 1);
		return reco_refresh_model(fcinfo, &how);
	}
	reco_schedule_forget(model, identity);
	ereport(WARNING,
			(errmsg("model \"%s\" does not exist, its scheduled refresh was removed", model)));
	PG_RETURN_VOID();
}
