/*
 * train.c
 *	  reco.create_model() and reco.refresh().
 *
 * Outside a transaction block a training is three transactions: read the source
 * and announce the version; train, holding no snapshot, so that an hour of it
 * does not hold back vacuum; write the version and make it active.  Inside a
 * block, or in a function, all happens in the caller's transaction.
 *
 * Two trainings of one model are kept apart by a lock (lock.h), held by the session
 * between transactions and released here on every way out.  What fails after the first commit fails
 * in a subtransaction, so that what the training began can be undone and
 * recorded before the error goes on.
 */
#include "api/guard.h"

#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/pg_namespace.h"
#include "commands/dbcommands.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "portability/instr_time.h"
#include "store/lock.h"
#include "store/lookup.h"
#include "store/progress.h"
#include "store/schema.h"
#include "store/versions.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

RECO_FUNCTION(reco_create_model);
RECO_FUNCTION(reco_refresh);

/* search_path of what we run ourselves as the owner. */
#define OWN_SEARCH_PATH "pg_catalog"

/* A phase that takes longer is told to the client when it ends. */
#define LONG_SECONDS 10

typedef struct Job
{
	MemoryContext context;
	bool atomic; /* in the caller's transaction */
	bool creating;
	bool locked;
	char *name;
	char *source;
	char *items;      /* query of what is known about them, or NULL */
	RecoRunAs reader; /* who reads the source */
	RecoSpec *spec;
	RecoDataOptions options;
	RecoBudget budget;
	RecoTraining training;
	RecoTrained trained;
	RecoTrainingRecord record;
	/* of a refresh */
	Interval *min_interval; /* NULL: none */
	RecoGuard *guard;       /* NULL: none */
	double worth;           /* by the guard's metric */
} Job;

/* False when another session trains the model and dont_wait. */
static bool
lock_model(Job *job, bool dont_wait)
{
	job->locked = reco_training_lock(job->record.schema, !job->atomic, dont_wait);
	return job->locked;
}

/* Also ends what is told about the training. */
static void
unlock_model(Job *job)
{
	reco_progress_end();
	/* inside a block the end of the transaction releases it */
	if (job->locked && !job->atomic)
		reco_training_unlock(job->record.schema);
	job->locked = false;
}

static double
seconds_since(instr_time start)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return INSTR_TIME_GET_DOUBLE(now);
}

/*
 * An error when the model is gone.  What training is worth is decided by what
 * other sessions have committed by now, so their news are taken in first.
 */
static void
check_model_exists(const Job *job)
{
	AcceptInvalidationMessages();
	if (OidIsValid(job->record.schema) && !OidIsValid(reco_model_table(job->record.schema)))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("model \"%s\" was dropped while it was trained", job->name)));
}

/*
 * Whether an error of a model that is gone is no more than that: it came up
 * wherever the work then was, in the words of whatever was missing first.
 */
static bool
says_dropped(const Job *job, const ErrorData *error)
{
	AcceptInvalidationMessages();
	return ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_OPERATOR_INTERVENTION &&
		   ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_INSUFFICIENT_RESOURCES &&
		   !OidIsValid(reco_model_table(job->record.schema));
}

/* After each iteration: no use in going on when the model is gone. */
static void
iterated(void *arg, int iteration, int iterations, double loss)
{
	check_model_exists(arg);
	/* the look-up took a snapshot of the catalogs, which would hold back vacuum */
	if (!ActiveSnapshotSet())
		InvalidateCatalogSnapshot();
	reco_progress_iteration(iteration, iterations, loss);
	elog(DEBUG1, "iteration %d of %d, loss %g", iteration, iterations, loss);
}

/*
 * The ids of a model keep their types: its tables and functions are made of
 * them.
 */
static void
check_id_types(const Job *job)
{
	for (int is_user = 0; is_user <= 1; is_user++)
	{
		const IdType *now = is_user ? &job->record.data->user_type : &job->record.data->item_type;
		ModelTable table;
		IdType *made;

		reco_table_open(&table, job->record.schema, is_user, AccessShareLock, false);
		made = reco_table_id_type(&table);
		reco_table_close(&table, AccessShareLock);
		if (made->type != now->type || made->collation != now->collation ||
			(made->typmod != -1 && made->typmod != now->typmod))
			ereport(
				ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the source's %ss are of type %s, but model \"%s\" was made for type %s",
						is_user ? "user" : "item", format_type_with_typemod(now->type, now->typmod),
						job->name, format_type_with_typemod(made->type, made->typmod)),
				 errhint("Cast the column in the source, or drop the model and create it anew.")));
	}
}

static void
tell_phase(const Job *job, const char *what, double seconds)
{
	if (seconds >= LONG_SECONDS)
		ereport(NOTICE, (errmsg("model \"%s\": %s in %.0f s", job->name, what, seconds)));
}

/* For messages: the rows of a source, and what became of them. */
static char *
what_was_read(const RecoData *data)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, INT64_FORMAT " rows read", data->rows_read);
	if (data->x.merged)
		appendStringInfo(&text, ", " INT64_FORMAT " merged into others", data->x.merged);
	if (data->skipped_null)
		appendStringInfo(&text, ", " INT64_FORMAT " skipped for a null", data->skipped_null);
	if (data->skipped_invalid)
		appendStringInfo(&text, ", " INT64_FORMAT " skipped for an invalid value",
						 data->skipped_invalid);
	if (data->dropped_users || data->dropped_items)
		appendStringInfo(&text,
						 ", " INT64_FORMAT " users and " INT64_FORMAT
						 " items dropped for too few interactions",
						 data->dropped_users, data->dropped_items);
	return text.data;
}

/*
 * Reads the source, checks that it can be trained on, and, in the memory that
 * survives commits, keeps what it held.
 */
static void
read_source(Job *job)
{
	instr_time start;
	RecoData *data;

	INSTR_TIME_SET_CURRENT(start);
	reco_progress_phase(job->record.version, "reading");
	if (job->spec->algorithm->needs_features && job->items == NULL)
		reco_features_missing(job->spec);
	data = reco_read_source(job->source, job->items, job->spec->algorithm->needs_features,
							&job->reader, &job->options, &job->budget);
	job->record.data = data;
	job->training.features = data->features;
	job->training.spec = job->spec;
	job->training.budget = &job->budget;
	job->training.progress = iterated;
	job->training.progress_arg = job;
	job->training.by_user = data->x.by_user;
	reco_progress_rows(data->rows_read);
	if (job->spec->predicts_value && data->x.latest)
		job->training.by_user.value = data->x.latest;
	job->record.by_user = &job->training.by_user;
	if (id_dict_count(data->users) == 0 || id_dict_count(data->items) == 0)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
						errmsg("source of model \"%s\" has no interactions to train on", job->name),
						errdetail_internal("%s.", what_was_read(data))));
	if (!job->creating)
	{
		check_model_exists(job);
		check_id_types(job);
	}
	reco_budget_require(&job->budget, job->spec->algorithm->memory(&job->training), "training");
	job->record.read_seconds = seconds_since(start);
	tell_phase(job, "read", job->record.read_seconds);
}

static void
train(Job *job)
{
	instr_time start;
	MemoryContext old = MemoryContextSwitchTo(job->context);

	INSTR_TIME_SET_CURRENT(start);
	reco_progress_phase(job->record.version, "training");
	job->spec->algorithm->fit(&job->training, &job->trained);
	job->record.trained = &job->trained;
	job->record.train_seconds = seconds_since(start);
	tell_phase(job, "trained", job->record.train_seconds);
	if (job->guard)
	{
		reco_progress_phase(job->record.version, "measuring");
		job->worth = reco_guard_measure(job->guard, job->record.data, job->spec, &job->budget);
	}
	MemoryContextSwitchTo(old);
}

/*
 * Looks the model up anew - it may have been dropped or given away while its
 * training held no lock - and writes.
 */
static void
write_version(Job *job)
{
	ModelRow row;

	check_model_exists(job);
	PushActiveSnapshot(GetTransactionSnapshot());
	reco_model_read(job->record.schema, GetActiveSnapshot(), &row);
	reco_model_check_owner(&row);
	check_id_types(job);
	job->record.owner.owner = row.owner;
	if (job->guard)
		reco_guard_judge(job->guard, job->worth, &row, &job->record);
	reco_progress_phase(job->record.version, "writing");
	reco_version_finish(&job->record);
	PopActiveSnapshot();
}

/*
 * Undoes or records a training that failed after its first commit.
 */
typedef struct Failure
{
	Job *job;
	const char *message;
} Failure;

static void
clean_up(void *arg)
{
	Job *job = ((Failure *) arg)->job;
	ModelRow row;

	AcceptInvalidationMessages();
	PushActiveSnapshot(GetTransactionSnapshot());
	if (!reco_model_try_read(job->record.schema, GetActiveSnapshot(), &row))
		/* gone, and with it what was to be undone */;
	else if (job->creating && reco_schema_owned(job->record.schema, GetUserId()) &&
			 reco_model_bystander(job->record.schema) == NULL)
	{
		ObjectAddress schema = {NamespaceRelationId, job->record.schema, 0};

		performDeletion(&schema, DROP_CASCADE, PERFORM_DELETION_QUIETLY);
	}
	else
		reco_version_fail(&job->record, ((Failure *) arg)->message);
	PopActiveSnapshot();
}

/*
 * On a full disk, for one, this fails as well: the first error is the one to be told, and
 * the next training finds what was left.
 */
static void
undo(Job *job, const char *message)
{
	Failure failure = {job, message};
	ErrorData *error = reco_lookup_try(clean_up, &failure);

	if (error)
		ereport(LOG, (errcode(error->sqlerrcode),
					  errmsg("could not record that the training of model \"%s\" failed: %s",
							 job->name, error->message)));
}

static void
train_and_write(Job *job)
{
	train(job);
	write_version(job);
}

static void
read_phase(Job *job)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	read_source(job);
	PopActiveSnapshot();
}

/*
 * Runs work that follows the first commit.  An error undoes it, is recorded in a
 * transaction of its own, and goes on to the caller.
 */
static void
run_guarded(Job *job, void (*work)(Job *job))
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		work(job);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(job->context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (says_dropped(job, error))
			check_model_exists(job);
		undo(job, error->message);
		SPI_commit();
		ReThrowError(error);
	}
	PG_END_TRY();
}

static void
tell(const Job *job)
{
	ereport(NOTICE,
			(errmsg("model \"%s\" version %d: %d users, %d items, " INT64_FORMAT " interactions",
					job->name, job->record.version, job->trained.users, job->trained.model.items,
					job->record.by_user->start[job->record.by_user->rows]),
			 errdetail_internal("%s.", what_was_read(job->record.data))));
	if (job->record.data->row_security)
		ereport(
			NOTICE,
			(errmsg("row-level security decided which rows of the source of model \"%s\" were read",
					job->name)));
}

/*
 * Takes the definition from the model, again: it may have changed while we
 * waited for the lock.  False when there is nothing to do.
 */
static bool
read_definition(Job *job)
{
	ModelRow row;

	reco_model_read(job->record.schema, GetActiveSnapshot(), &row);
	reco_model_check_owner(&row);
	if (row.source == NULL || row.algorithm == NULL || row.search_path == NULL)
		reco_damaged(job->record.schema, "Its definition is not complete.");
	job->source = row.source;
	job->items = row.items;
	job->reader = (RecoRunAs){true, row.owner, row.search_path, row.items_search_path};
	job->record.owner = (RecoRunAs){true, row.owner, OWN_SEARCH_PATH};
	job->record.algorithm = row.algorithm;
	job->record.options = row.options;
	return job->min_interval == NULL || reco_refresh_is_due(&row, job->min_interval);
}

/*
 * What is there once the first transaction has ended: for a new model its
 * schema, which takes reading the source first, since that tells the types; for
 * an old one the announcement of a version.
 */
static bool
announce(Job *job)
{
	MemoryContext old = MemoryContextSwitchTo(job->context);

	PushActiveSnapshot(GetTransactionSnapshot());
	if (!job->creating && !read_definition(job))
	{
		PopActiveSnapshot();
		MemoryContextSwitchTo(old);
		return false;
	}
	job->spec = reco_spec_parse(job->record.algorithm);
	if (job->guard)
		reco_guard_check(job->guard, job->spec);
	reco_data_options_parse(job->record.options, &job->options);
	job->record.keep_versions = job->options.keep_versions;
	MemoryContextSwitchTo(old);
	if (job->creating)
	{
		read_source(job);
		job->record.schema = reco_schema_create(job->name, &job->record.data->user_type,
												&job->record.data->item_type);
		CommandCounterIncrement();
		(void) lock_model(job, false);
		reco_progress_begin(job->record.schema);
		reco_version_define(&job->record, job->source, job->items, job->reader.search_path);
	}
	reco_version_start(&job->record);
	PopActiveSnapshot();
	return true;
}

/*
 * Everything from the lock on.  The caller holds an SPI connection.
 */
static void
run_job(Job *job)
{
	if (!announce(job))
		return;
	if (job->atomic)
	{
		if (!job->creating)
			read_phase(job);
		train_and_write(job);
	}
	else
	{
		SPI_commit();
		if (!job->creating)
		{
			run_guarded(job, read_phase);
			SPI_commit();
		}
		run_guarded(job, train_and_write);
		SPI_commit();
	}
	tell(job);
}

static bool
is_atomic(FunctionCallInfo fcinfo)
{
	/* in a block with an exception handler a commit is not possible either */
	return !(fcinfo->context && IsA(fcinfo->context, CallContext) &&
			 !castNode(CallContext, fcinfo->context)->atomic) ||
		   IsSubTransaction();
}

static Job *
make_job(FunctionCallInfo fcinfo, const char *command)
{
	bool atomic = is_atomic(fcinfo);
	MemoryContext context = AllocSetContextCreate(atomic ? CurrentMemoryContext : PortalContext,
												  "reco training", ALLOCSET_DEFAULT_SIZES);
	Job *job = MemoryContextAllocZero(context, sizeof(Job));

	PreventCommandIfReadOnly(command);
	reco_check_version();
	job->context = context;
	job->atomic = atomic;
	job->record.trained_by = MemoryContextStrdup(context, GetUserNameFromId(GetUserId(), false));
	reco_budget_init(&job->budget, context);
	return job;
}

/*
 * Runs a job to its end, whatever that is.
 */
static void
finish_job(Job *job)
{
	PG_TRY();
	{
		run_job(job);
	}
	PG_CATCH();
	{
		unlock_model(job);
		PG_RE_THROW();
	}
	PG_END_TRY();
	unlock_model(job);
	SPI_finish();
	MemoryContextDelete(job->context);
}

/*
 * Makes way for a new model: an error when the schema is taken, unless by a
 * model whose first training was killed.
 */
static void
clear_way(const char *name)
{
	Oid schema = get_namespace_oid(name, true);
	ModelRow row;

	if (OidIsValid(schema) && reco_model_try_read(schema, GetActiveSnapshot(), &row) &&
		row.active_version == 0 && !reco_training_runs(schema) &&
		reco_schema_owned(schema, GetUserId()) && reco_table_owned(row.table, GetUserId()))
	{
		ObjectAddress address = {NamespaceRelationId, schema, 0};
		char *other = reco_model_bystander(schema);

		if (other)
			ereport(ERROR,
					(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
					 errmsg("cannot replace model \"%s\" because %s would go with it", name, other),
					 errhint("Move or drop it first, or use DROP SCHEMA ... CASCADE.")));
		ereport(NOTICE, (errmsg("replacing model \"%s\", whose creation was interrupted", name)));
		performDeletion(&address, DROP_CASCADE, PERFORM_DELETION_QUIETLY);
		CommandCounterIncrement();
	}
	else if (OidIsValid(schema))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_SCHEMA), errmsg("schema \"%s\" already exists", name),
				 errhint("CALL reco.refresh() trains an existing model again, "
						 "CALL reco.drop_model() removes it.")));
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

Datum
reco_create_model(PG_FUNCTION_ARGS)
{
	Job *job = make_job(fcinfo, "CALL reco.create_model()");
	MemoryContext old = MemoryContextSwitchTo(job->context);

	job->creating = true;
	job->name = required_text(fcinfo, 0, "model name", job->context);
	job->source = required_text(fcinfo, 1, "source", job->context);
	if (PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("algorithm must not be null")));
	job->record.algorithm = PG_GETARG_JSONB_P_COPY(2);
	if (!PG_ARGISNULL(3))
		job->items = required_text(fcinfo, 3, "items", job->context);
	if (!PG_ARGISNULL(4))
		job->record.options = PG_GETARG_JSONB_P_COPY(4);
	check_name(job->name);
	clear_way(job->name);
	job->reader =
		(RecoRunAs){true, GetUserId(), pstrdup(GetConfigOption("search_path", false, false))};
	job->record.owner = (RecoRunAs){true, GetUserId(), OWN_SEARCH_PATH};
	MemoryContextSwitchTo(old);
	SPI_connect_ext(job->atomic ? 0 : SPI_OPT_NONATOMIC);
	finish_job(job);
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
	Job *job = make_job(fcinfo, "CALL reco.refresh()");
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
	reco_model_read(job->record.schema, GetActiveSnapshot(), &row);
	reco_model_check_owner(&row);
	SPI_connect_ext(job->atomic ? 0 : SPI_OPT_NONATOMIC);
	if (!lock_model(job, true))
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
			SPI_commit();
		(void) lock_model(job, false);
	}
	reco_progress_begin(job->record.schema);
	finish_job(job);
	PG_RETURN_VOID();
}
