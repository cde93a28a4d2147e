/*
 * jobs.c
 *	  The jobs of pg_cron that refresh models: finding them, and when they run.
 *
 * pg_cron's table is read as it stands, without its row-level security, which shows each
 * role its own jobs: what is taken from it is about the caller's models.  Only the table that is
 * the extension's own is read, with each column checked.
 *
 * Cost: a pass over the jobs.
 */
#include "lifecycle/jobs.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/dependency.h"
#include "catalog/pg_am.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "core/base/cron.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "storage/lmgr.h"
#include "store/tables/definition.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#define COMMAND "CALL reco.run_scheduled("
#define IDENTITY ", identity => "

/* Years that are looked through for a day: the 29th of February comes every eight. */
#define MAX_DAYS (8 * 366 + 1)

static Relation
open_jobs(void)
{
	Oid extension = get_extension_oid("pg_cron", true);
	Oid schema = get_namespace_oid("cron", true);
	Oid table = OidIsValid(schema) ? get_relname_relid("job", schema) : InvalidOid;
	Relation jobs;

	if (!OidIsValid(extension) || !OidIsValid(table) ||
		getExtensionOfObject(RelationRelationId, table) != extension ||
		!ConditionalLockRelationOid(table, AccessShareLock))
		return NULL;
	jobs = try_relation_open(table, NoLock);
	if (jobs == NULL || jobs->rd_rel->relkind != RELKIND_RELATION ||
		jobs->rd_rel->relam != HEAP_TABLE_AM_OID)
	{
		if (jobs)
			relation_close(jobs, NoLock);
		UnlockRelationOid(table, AccessShareLock);
		return NULL;
	}
	return jobs;
}

/* A column, by its name and type; false when there is none, or it is null. */
static bool
get_column(TupleDesc desc, HeapTuple tuple, const char *name, Oid type, Datum *value)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		bool isnull;

		if (attribute->attisdropped || strcmp(NameStr(attribute->attname), name) != 0)
			continue;
		*value = heap_getattr(tuple, i + 1, desc, &isnull);
		return !isnull && attribute->atttypid == type;
	}
	return false;
}

static char *
get_text(TupleDesc desc, HeapTuple tuple, const char *name)
{
	Datum value;

	if (get_column(desc, tuple, name, TEXTOID, &value))
		return TextDatumGetCString(value);
	/* as it was before 1.4 */
	if (get_column(desc, tuple, name, NAMEOID, &value))
		return pstrdup(NameStr(*DatumGetName(value)));
	return pstrdup("");
}

List *
reco_jobs_read(void)
{
	Relation table = open_jobs();
	const char *database;
	List *jobs = NIL;
	Snapshot snapshot;
	SysScanDesc scan;
	HeapTuple tuple;

	if (table == NULL)
		return NIL;
	database = get_database_name(MyDatabaseId);
	snapshot = RegisterSnapshot(RECO_LATEST_SNAPSHOT);
	scan = systable_beginscan(table, InvalidOid, false, snapshot, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		TupleDesc desc = RelationGetDescr(table);
		RecoCronJob *job = palloc(sizeof(RecoCronJob));
		Datum value;

		reco_poll();
		job->command = get_text(desc, tuple, "command");
		if (strncmp(job->command, COMMAND, strlen(COMMAND)) != 0 ||
			strcmp(get_text(desc, tuple, "database"), database) != 0 ||
			!get_column(desc, tuple, "jobid", INT8OID, &value))
			continue;
		job->id = DatumGetInt64(value);
		job->name = get_text(desc, tuple, "jobname");
		job->schedule = get_text(desc, tuple, "schedule");
		job->role = get_text(desc, tuple, "username");
		job->active = !get_column(desc, tuple, "active", BOOLOID, &value) || DatumGetBool(value);
		jobs = lappend(jobs, job);
	}
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	relation_close(table, AccessShareLock);
	return jobs;
}

char *
reco_job_name(const char *model)
{
	return psprintf("reco.refresh %s", model);
}

int64
reco_job_identity(const RecoCronJob *job)
{
	const char *last = NULL;
	int64 identity;
	char *end;

	for (const char *at = job->command; (at = strstr(at, IDENTITY)) != NULL; at++)
		last = at + strlen(IDENTITY);
	if (last == NULL)
		return 0;
	errno = 0;
	identity = strtoi64(last, &end, 10);
	/* else it is part of a name or a guard */
	return errno == 0 && end != last && strcmp(end, ")") == 0 ? identity : 0;
}

bool
reco_job_is_of(const RecoCronJob *job, const char *model, int64 identity)
{
	int64 own = reco_job_identity(job);

	if (own != 0 && identity != 0)
		return own == identity;
	return strcmp(job->name, reco_job_name(model)) == 0;
}

char *
reco_job_problem(const RecoCronJob *job, Oid owner)
{
	HeapTuple tuple = SearchSysCache1(AUTHNAME, CStringGetDatum(job->role));
	Form_pg_authid role;
	char *problem = NULL;

	if (!job->active)
		problem = psprintf("job " INT64_FORMAT " is not active", job->id);
	else if (!HeapTupleIsValid(tuple))
		problem =
			psprintf("role \"%s\" of job " INT64_FORMAT " does not exist", job->role, job->id);
	else
	{
		role = (Form_pg_authid) GETSTRUCT(tuple);
		if (!role->rolcanlogin)
			problem = psprintf("role \"%s\" of job " INT64_FORMAT " is not permitted to log in",
							   job->role, job->id);
		else if (!has_privs_of_role(role->oid, owner))
			problem = psprintf("role \"%s\" of job " INT64_FORMAT " does not own the model",
							   job->role, job->id);
	}
	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return problem;
}

/* The time zone of schedules: pg_cron's setting, where it has one. */
static pg_tz *
zone_of_schedules(void)
{
	const char *name = GetConfigOption("cron.timezone", true, false);
	pg_tz *zone = name ? pg_tzset(name) : NULL;

	return zone ? zone : pg_tzset("GMT");
}

TimestampTz
reco_next_run(const char *schedule)
{
	TimestampTz now = GetCurrentTimestamp();
	pg_tz *zone = zone_of_schedules();
	reco_cron cron;
	struct pg_tm at;
	fsec_t fraction;
	int offset;
	int today;
	int from;

	if (!reco_cron_parse(schedule, &cron))
		return 0;
	if (cron.seconds)
		return now + cron.seconds * USECS_PER_SEC;
	/* from the next full minute on */
	if (zone == NULL ||
		timestamp2tm(now + USECS_PER_MINUTE, &offset, &at, &fraction, NULL, zone) != 0)
		return 0;
	today = date2j(at.tm_year, at.tm_mon, at.tm_mday);
	from = at.tm_hour * MINS_PER_HOUR + at.tm_min;
	for (int day = today; day < today + MAX_DAYS; day++, from = 0)
	{
		int next[3];
		int minute;
		TimestampTz run;

		j2date(day, &at.tm_year, &at.tm_mon, &at.tm_mday);
		j2date(day + 1, &next[0], &next[1], &next[2]);
		if (!reco_cron_on(&cron, at.tm_mon, at.tm_mday, j2day(day), next[2] == 1))
			continue;
		minute = reco_cron_minute(&cron, from);
		if (minute < 0)
			continue;
		at.tm_hour = minute / MINS_PER_HOUR;
		at.tm_min = minute % MINS_PER_HOUR;
		at.tm_sec = 0;
		offset = DetermineTimeZoneOffset(&at, zone);
		return tm2timestamp(&at, 0, &offset, &run) == 0 ? run : 0;
	}
	return 0;
}
