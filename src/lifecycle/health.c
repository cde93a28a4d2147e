/*
 * health.c
 *	  reco.health: how the models are, one row each, made to be asked every few seconds.
 *
 * All is read here from catalogs, from the rows of the versions, by a probe of the indexes
 * of users and items, and from the plan of the source; nothing of a model's owner runs,
 * nothing waits for a lock, and what cannot be read becomes a status, no error.
 *
 * Cost: the rows of a model's versions, one for each training it ever had, and planning its
 * source.
 */
#include "lifecycle/health.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xlog.h"
#include "lifecycle/jobs.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pg/rows.h"
#include "storage/lmgr.h"
#include "store/image/image.h"
#include "store/tables/changes.h"
#include "store/tables/layout.h"
#include "serving/live.h"
#include "store/tables/lock.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

RECO_FUNCTION(reco_list_health);

static bool
may_select(Relation table)
{
	Oid relid = RelationGetRelid(table);

	return pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		   check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED;
}

/* What is kept of the versions while they are read, in whatever order. */
typedef struct History
{
	RecoHealth *health;
	bool runs;        /* somebody trains */
	bool interrupted; /* there is a training that does not run */
	int32 success;
	int32 attempt;
	int32 failed;
	List *failures; /* numbers of versions */
} History;

static void
note_version(History *history, TupleTableSlot *slot)
{
	RecoHealth *health = history->health;
	Datum *value = slot->tts_values;
	char *status;
	int32 number;

	if (!reco_column(slot, VERSION_VERSION) || !reco_column(slot, VERSION_STATUS))
		return;
	number = DatumGetInt32(value[VERSION_VERSION]);
	status = reco_short_column(slot, VERSION_STATUS);
	if (number > history->attempt && reco_column(slot, VERSION_STARTED_AT))
	{
		history->attempt = number;
		health->last_attempt = DatumGetTimestampTz(value[VERSION_STARTED_AT]);
	}
	if (strcmp(status, "ready") == 0 || strcmp(status, "expired") == 0)
	{
		if (number > history->success && reco_column(slot, VERSION_FINISHED_AT))
			health->last_success = DatumGetTimestampTz(value[VERSION_FINISHED_AT]);
		history->success = Max(history->success, number);
	}
	else if (strcmp(status, "failed") == 0 || !history->runs)
	{
		history->interrupted |= strcmp(status, "failed") != 0;
		history->failures = lappend_int(history->failures, number);
		if (number > history->failed)
		{
			history->failed = number;
			if (health->last_error)
				pfree(health->last_error);
			health->last_error = reco_short_column(slot, VERSION_MESSAGE);
			if (health->last_error == NULL)
				health->last_error = pstrdup("interrupted");
		}
	}
	pfree(status);
}

static void
scan_versions(Relation table, History *history)
{
	TupleTableSlot *slot = table_slot_create(table, NULL);
	Snapshot snapshot = RegisterSnapshot(RECO_LATEST_SNAPSHOT);
	SysScanDesc scan = systable_beginscan(table, InvalidOid, false, snapshot, 0, NULL);
	HeapTuple tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		reco_poll();
		ExecForceStoreHeapTuple(tuple, slot, false);
		slot_getallattrs(slot);
		note_version(history, slot);
		ExecClearTuple(slot);
	}
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
}

/* How often is looked again whether a training has ended, or is between two transactions. */
#define MORE_LOOKS 2

/* False when one would have to wait, or there is no such table. */
static bool
read_versions(const ModelRow *model, RecoHealth *health, bool *busy)
{
	Relation table = reco_try_open(model->schema, RECO_TABLE_VERSION, AccessShareLock, busy);
	/* of trainings elsewhere a standby knows nothing */
	bool runs = health->training || RecoveryInProgress();
	History history = {health, runs};
	ListCell *cell;

	if (table == NULL)
		return false;
	health->hidden = !may_select(table);
	for (int look = 0; look <= MORE_LOOKS && !health->hidden; look++)
	{
		if (look > 0)
			runs = reco_training_held(model->schema);
		health->last_error = NULL;
		history = (History){health, runs};
		scan_versions(table, &history);
		if (!history.interrupted)
			break;
	}
	table_close(table, AccessShareLock);
	foreach (cell, history.failures)
		health->failures += lfirst_int(cell) > history.success;
	if (health->failures == 0)
		health->last_error = NULL;
	return true;
}

/*
 * Whether the active version has rows in a table, as far as can be told without waiting
 * for the lock on an index.
 */
static bool
has_rows(Relation table, int32 version)
{
	List *indexes = RelationGetIndexList(table);
	ListCell *cell;
	bool free = may_select(table);
	Relation index;
	ScanKeyData key;
	Snapshot snapshot;
	SysScanDesc scan;
	bool found = true;

	foreach (cell, indexes)
		if (free && ConditionalLockRelationOid(lfirst_oid(cell), AccessShareLock))
			UnlockRelationOid(lfirst_oid(cell), AccessShareLock);
		else
			free = false;
	list_free(indexes);
	index = free ? reco_open_index(table, 2, (int[]){COLUMN_VERSION, COLUMN_ID}) : NULL;
	if (index == NULL)
		return true;
	ScanKeyInit(&key, COLUMN_VERSION + 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(version));
	snapshot = RegisterSnapshot(RECO_LATEST_SNAPSHOT);
	scan = systable_beginscan(table, RelationGetRelid(index), true, snapshot, 1, &key);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	index_close(index, AccessShareLock);
	return found;
}

/* Whether a table must have rows of the active version; of users who were forgotten it has none. */
static bool
must_have_rows(const ModelRow *model, const VersionRow *version, RecoTable which)
{
	switch (which)
	{
		case RECO_TABLE_ITEM:
			return version->items > 0;
		case RECO_TABLE_USER:
			return version->users > version->forgotten_users;
		case RECO_TABLE_USER_LAYER:
			return model->active_epoch != 0 && (version->forgotten_users == 0 ||
												version->added_users > version->forgotten_users);
		default:
			return false;
	}
}

/* Looks at the tables that a version lies in; false when one would have to wait. */
static bool
check_tables(const ModelRow *model, RecoHealth *health)
{
	static const RecoTable tables[] = {
		RECO_TABLE_ITEM, RECO_TABLE_USER, RECO_TABLE_USER_LAYER, RECO_TABLE_PART,
		RECO_TABLE_TERM, RECO_TABLE_LIST, RECO_TABLE_SEGMENT,    RECO_TABLE_SEGMENT_PROFILE};

	for (int t = 0; t < lengthof(tables); t++)
	{
		bool busy;
		Relation table = reco_try_open(model->schema, tables[t], AccessShareLock, &busy);

		if (table == NULL && busy)
			return false;
		if (health->problem)
			/* one is enough */;
		else if (table == NULL)
			health->problem =
				psprintf("table \"%s\" is missing or was altered", reco_table_name(tables[t]));
		else if (health->trained && must_have_rows(model, &health->version, tables[t]) &&
				 !has_rows(table, model->active_version))
			health->problem = psprintf("table \"%s\" has no rows of version %d",
									   reco_table_name(tables[t]), model->active_version);
		if (table)
			table_close(table, AccessShareLock);
	}
	return true;
}

/* Notes of less are never long. */
#define FEW_BYTES (1024 * 1024)

/*
 * Notes of changes that take more than what is stored of all users: nobody has folded them in for
 * long, and whoever does will as well look at everybody.  Dead rows count, until VACUUM.
 */
static char *
find_long_notes(const ModelRow *model)
{
	bool busy; /* who alters a table is not waited for */
	Relation notes = reco_try_open(model->schema, RECO_TABLE_CHANGE, AccessShareLock, &busy);
	Relation users = reco_try_open(model->schema, RECO_TABLE_USER, AccessShareLock, &busy);
	uint64 bytes = notes ? reco_changes_bytes(notes) : 0;
	char *problem = NULL;

	if (users && bytes > FEW_BYTES && bytes > reco_changes_bytes(users))
		problem = psprintf("changes that reco.track() has noted take " UINT64_FORMAT
						   " MB: CALL reco.fold_in(), reco.refresh() or reco.untrack()",
						   bytes / (1024 * 1024));
	if (users)
		table_close(users, AccessShareLock);
	if (notes)
		table_close(notes, AccessShareLock);
	return problem;
}

static void
read_health(const ModelRow *model, RecoHealth *health)
{
	bool busy = model->locked;
	bool there = false;

	memset(health, 0, sizeof(*health));
	health->training = reco_training_runs(model->schema);
	if (!busy)
		there = read_versions(model, health, &busy);
	if (!busy && there && !health->hidden && model->active_version > 0)
		health->trained = reco_version_try_read(model->schema, model->active_version,
												RECO_LATEST_SNAPSHOT, &health->version, &busy);
	if (!busy && model->missing)
		health->problem = pstrdup("its definition is missing");
	else if (!busy && !there)
		health->problem =
			psprintf("table \"%s\" is missing or was altered", reco_table_name(RECO_TABLE_VERSION));
	else if (!busy && health->hidden)
		health->problem =
			psprintf("table \"%s\" may not be read by role \"%s\"",
					 reco_table_name(RECO_TABLE_VERSION), GetUserNameFromId(GetUserId(), false));
	else if (!busy && model->active_version > 0 && !health->trained)
		health->problem = psprintf("version %d cannot be read", model->active_version);
	if (!busy)
		busy = !check_tables(model, health);
	if (busy)
		health->status = "locked";
	else if (health->hidden)
		health->status = "hidden";
	else if (health->problem)
		health->status = "damaged";
	else if (model->active_version == 0)
		health->status = "not trained";
	else
	{
		health->status = health->failures > 0 ? "failing" : "ready";
		health->problem = find_long_notes(model);
	}
}

void
reco_health_read(ModelRow *model, RecoHealth *health)
{
	ModelRow now;
	bool busy = false;

	read_health(model, health);
	/* refreshes may have made other versions, and removed that one, since the row was read */
	for (int look = 0; look < MORE_LOOKS && health->problem; look++)
	{
		if (!reco_model_try_read(model->schema, RECO_LATEST_SNAPSHOT, &now, &busy) ||
			now.active_version == model->active_version)
			break;
		model->active_version = now.active_version;
		model->active_nonce = now.active_nonce;
		read_health(model, health);
	}
}

typedef struct Listing
{
	RecoRows rows;
	List *jobs;
} Listing;

static Datum
name_of_role(Oid role)
{
	const char *name = GetUserNameFromId(role, true);

	return DirectFunctionCall1(namein, CStringGetDatum(name ? name : ""));
}

enum
{
	MODEL,
	OWNER,
	STATUS,
	PROBLEM,
	TRAINING,
	VERSION,
	TRAINED_AT,
	AGE,
	USERS,
	ITEMS,
	INTERACTIONS,
	BYTES,
	LAST_ATTEMPT,
	LAST_SUCCESS,
	LAST_ERROR,
	FAILURES,
	HISTORY,
	HISTORY_REASON,
	AVAILABILITY,
	IMAGE,
	SCHEDULE,
	SCHEDULED_BY,
	NEXT_RUN,
	COLUMNS_OF_HEALTH
};

/* Where what a user has is read, and why not from the source. */
static void
list_history(const ModelRow *model, const RecoHealth *health, Datum *values, bool *nulls)
{
	RecoLiveVerdict verdict;

	nulls[HISTORY] = nulls[HISTORY_REASON] = true;
	if (strcmp(health->status, "ready") != 0 && strcmp(health->status, "failing") != 0)
		return;
	verdict = reco_live_verdict(model);
	values[HISTORY] = CStringGetTextDatum(!verdict.known ? "auto"
										  : verdict.live ? "live"
														 : "trained");
	nulls[HISTORY] = false;
	if (verdict.reason)
		values[HISTORY_REASON] = CStringGetTextDatum(verdict.reason);
	nulls[HISTORY_REASON] = verdict.reason == NULL;
}

/* The columns that tell of the model's job. */
static void
list_job(const Listing *listing, const ModelRow *model, RecoHealth *health, Datum *values,
		 bool *nulls)
{
	ListCell *cell;

	nulls[SCHEDULE] = nulls[SCHEDULED_BY] = nulls[NEXT_RUN] = true;
	foreach (cell, listing->jobs)
	{
		const RecoCronJob *job = lfirst(cell);
		char *problem;
		TimestampTz next;

		if (!reco_job_is_of(job, model->name, model->created_at))
			continue;
		problem = reco_job_problem(job, model->owner);
		next = problem ? 0 : reco_next_run(job->schedule);
		values[SCHEDULE] = CStringGetTextDatum(job->schedule);
		values[SCHEDULED_BY] = DirectFunctionCall1(namein, CStringGetDatum(job->role));
		values[NEXT_RUN] = TimestampTzGetDatum(next);
		nulls[SCHEDULE] = nulls[SCHEDULED_BY] = false;
		nulls[NEXT_RUN] = next == 0;
		if (problem && health->problem == NULL)
			health->problem = problem;
		return;
	}
}

static void
set_time(Datum *values, bool *nulls, int column, TimestampTz time)
{
	values[column] = TimestampTzGetDatum(time);
	nulls[column] = time == 0;
}

static void
list_health(void *arg, const ModelRow *found)
{
	Listing *listing = arg;
	ModelRow row = *found;
	const ModelRow *model = &row;
	RecoHealth health;
	Datum values[COLUMNS_OF_HEALTH];
	bool nulls[COLUMNS_OF_HEALTH] = {0};
	const VersionRow *version = &health.version;

	reco_health_read(&row, &health);
	values[MODEL] = CStringGetTextDatum(model->name);
	values[OWNER] = name_of_role(model->owner);
	values[STATUS] = CStringGetTextDatum(health.status);
	values[TRAINING] = BoolGetDatum(health.training);
	nulls[TRAINING] = RecoveryInProgress();
	values[VERSION] = Int32GetDatum(model->active_version);
	nulls[VERSION] = model->active_version == 0;
	set_time(values, nulls, TRAINED_AT, version->finished_at);
	nulls[AGE] = nulls[TRAINED_AT] || TIMESTAMP_NOT_FINITE(version->finished_at);
	if (!nulls[AGE])
		values[AGE] = DirectFunctionCall2(timestamp_mi, TimestampTzGetDatum(GetCurrentTimestamp()),
										  TimestampTzGetDatum(version->finished_at));
	values[USERS] = Int32GetDatum(reco_version_users(version));
	values[ITEMS] = Int32GetDatum(version->items);
	values[INTERACTIONS] = Int64GetDatum(version->interactions);
	values[BYTES] = Int64GetDatum(version->bytes);
	nulls[USERS] = nulls[ITEMS] = nulls[INTERACTIONS] = nulls[BYTES] = !health.trained;
	set_time(values, nulls, LAST_ATTEMPT, health.last_attempt);
	set_time(values, nulls, LAST_SUCCESS, health.last_success);
	nulls[LAST_ERROR] = health.last_error == NULL;
	if (!nulls[LAST_ERROR])
		values[LAST_ERROR] = CStringGetTextDatum(health.last_error);
	values[FAILURES] = Int32GetDatum(health.failures);
	nulls[FAILURES] = strcmp(health.status, "locked") == 0 || health.hidden;
	list_history(model, &health, values, nulls);
	values[AVAILABILITY] = CStringGetTextDatum(version->available ? "live" : "none");
	nulls[AVAILABILITY] = !health.trained;
	values[IMAGE] =
		BoolGetDatum(health.trained &&
					 reco_image_exists(model->schema, model->active_version, model->active_nonce));
	list_job(listing, model, &health, values, nulls);
	nulls[PROBLEM] = health.problem == NULL;
	if (!nulls[PROBLEM])
		values[PROBLEM] = CStringGetTextDatum(health.problem);
	reco_rows_add(&listing->rows, values, nulls);
}

Datum
reco_list_health(PG_FUNCTION_ARGS)
{
	static const Oid types[COLUMNS_OF_HEALTH] = {
		TEXTOID,        NAMEOID,        TEXTOID, TEXTOID, BOOLOID,        INT4OID,
		TIMESTAMPTZOID, INTERVALOID,    INT4OID, INT4OID, INT8OID,        INT8OID,
		TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, INT4OID, TEXTOID,        TEXTOID,
		TEXTOID,        BOOLOID,        TEXTOID, NAMEOID, TIMESTAMPTZOID,
	};
	Listing listing = {reco_rows_begin(fcinfo, types, COLUMNS_OF_HEALTH), reco_jobs_read()};

	reco_each_model(list_health, &listing);
	return (Datum) 0;
}
