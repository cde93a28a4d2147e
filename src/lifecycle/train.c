/*
 * train.c
 *	  A training from its lock to its end, whatever that is.
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
#include "lifecycle/job.h"

#include "access/xact.h"
#include "catalog/pg_namespace.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "portability/instr_time.h"
#include "store/tables/lock.h"
#include "store/source/lookup.h"
#include "lifecycle/own.h"
#include "store/tables/progress.h"
#include "store/source/resolve.h"
#include "lifecycle/schema.h"
#include "lifecycle/versions.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

/* A phase that takes longer is told to the client when it ends. */
#define LONG_SECONDS 10

bool
reco_job_lock(Job *job, bool dont_wait)
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
	return ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_OPERATOR_INTERVENTION &&
		   ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_INSUFFICIENT_RESOURCES &&
		   reco_model_gone(job->record.schema);
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

		reco_table_open(&table, job->record.schema, is_user, AccessShareLock);
		reco_check_policies(table.heap);
		made = reco_table_id_type(&table);
		reco_table_close(&table);
		if (made->type != now->type || made->collation != now->collation ||
			(made->typmod != -1 && made->typmod != now->typmod))
			ereport(
				ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the source's %ss are of type %s, but model \"%s\" was made for type %s",
						is_user ? "user" : "item", format_type_with_typemod(now->type, now->typmod),
						job->name, format_type_with_typemod(made->type, made->typmod)),
				 id_type_widens(made, now->type, now->typmod, now->collation)
					 ? errhint("CALL reco.upgrade_model() makes the model's tables and functions "
							   "for the source's types.")
					 : errhint("Cast the column in the source, or drop the model and create it "
							   "anew.")));
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
	if (data->x.capped)
		appendStringInfo(
			&text, ", " INT64_FORMAT " interactions of %d users left out by max_user_interactions",
			data->x.capped, data->x.capped_users);
	if (data->skipped_items)
		appendStringInfo(&text, ", " INT64_FORMAT " items skipped for an id that is too long",
						 data->skipped_items);
	return text.data;
}

/* For messages: which column of a source was taken as what. */
static char *
what_columns_are(const RecoData *data)
{
	static const char *const roles[] = {"user", "item", "value", "time"};
	StringInfoData text;

	initStringInfo(&text);
	for (int c = 0; c < lengthof(roles) && data->column[c]; c++)
		appendStringInfo(&text, "%s%s = \"%s\"", c ? ", " : "", roles[c], data->column[c]);
	return text.data;
}

/* What is not: queries of a new model, of an older version's, or written by hand. */
static void
resolve(Job *job)
{
	MemoryContext old = MemoryContextSwitchTo(job->context);
	Jsonb *missing = reco_resolve_missing(&job->definition);

	if (missing)
		reco_resolved_add(&job->definition, missing);
	if (missing && !job->creating)
		reco_version_resolved(&job->record, missing);
	MemoryContextSwitchTo(old);
}

/*
 * Reads the source, checks that it can be trained on, and, in the memory that
 * survives commits, keeps what it held.
 */
static void
read_source(Job *job)
{
	instr_time start;
	RecoQuery source;
	RecoQuery items;
	RecoData *data;

	INSTR_TIME_SET_CURRENT(start);
	reco_progress_phase(job->record.version, "reading");
	if (reco_spec_needs(job->spec, RECO_NEEDS_CONTENT) && job->definition.items == NULL)
		reco_features_missing(job->spec);
	resolve(job);
	source = reco_definition_query(&job->definition, false);
	source.stored = !job->creating;
	items = reco_definition_query(&job->definition, true);
	data = reco_read_source(&source, &items, reco_spec_needs(job->spec, RECO_NEEDS_CONTENT),
							&job->options, &job->budget);
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
	reco_version_check_lengths(data, job->name);
	if (!job->creating)
	{
		check_model_exists(job);
		check_id_types(job);
	}
	reco_training_threads(&job->training);
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
	reco_training_fit(&job->training, &job->trained);
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

/* Has the guard decide whether the version is made the active one, and says so. */
static void
judge(Job *job, const ModelRow *model)
{
	RecoTrainingRecord *record = &job->record;
	RecoVerdict verdict = reco_guard_judge(job->guard, job->worth, model);

	record->metrics = verdict.metrics;
	record->held_back = verdict.held_back;
	record->message = verdict.message;
	if (verdict.message == NULL)
		return;
	if (verdict.held_back)
		ereport(WARNING, (errmsg("model \"%s\" version %d is kept but not made the active one: %s",
								 model->name, record->version, verdict.message),
						  errhint("CALL reco.activate(%s, %d) makes it the active one.",
								  quote_literal_cstr(model->name), record->version)));
	else
		ereport(NOTICE, (errmsg("model \"%s\" version %d is made the active one: %s", model->name,
								record->version, verdict.message)));
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
	job->record.owner.owner = row.owner;
	reco_version_lock(&job->record);
	check_id_types(job);
	if (job->guard)
		judge(job, &row);
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

/* What others have put into the schema since, or made depend on it, keeps the model. */
static void
drop_created(void *arg)
{
	reco_own_drop(((Job *) arg)->record.schema, "drop");
}

static void
clean_up(void *arg)
{
	Job *job = ((Failure *) arg)->job;
	ModelRow row;

	AcceptInvalidationMessages();
	PushActiveSnapshot(GetTransactionSnapshot());
	if (!reco_model_try_read(job->record.schema, GetActiveSnapshot(), &row, NULL))
		/* gone, and with it what was to be undone */;
	else if (job->creating && reco_schema_owned(job->record.schema, GetUserId()) &&
			 reco_lookup_try(drop_created, job) == NULL)
		/* and so is all that the creation made */;
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
		reco_job_commit();
		ReThrowError(error);
	}
	PG_END_TRY();
}

/* One user, be it a robot, who decides what goes with what and how long a training takes. */
static void
tell_longest(const Job *job)
{
	const RecoData *data = job->record.data;

	ereport(NOTICE,
			(errmsg("user \"%s\" of model \"%s\" has " INT64_FORMAT
					" interactions, more than half of all pairs of items that users combine",
					id_to_message(unconstify(IdType *, &data->user_type),
								  id_dict_id(data->users, data->longest_user)),
					job->name, data->longest),
			 errhint("If that is no person, leave it out of the source, or see "
					 "reco.options(max_user_interactions).")));
}

static void
tell(const Job *job)
{
	ereport(NOTICE,
			(errmsg("model \"%s\" version %d: %d users, %d items, " INT64_FORMAT " interactions",
					job->name, job->record.version, job->trained.users, job->trained.model.items,
					job->record.by_user->start[job->record.by_user->rows]),
			 errdetail_internal("%s. Columns: %s.", what_was_read(job->record.data),
								what_columns_are(job->record.data))));
	if (job->record.data->longest_rules)
		tell_longest(job);
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
	ModelRow *row = &job->definition;

	reco_model_read(job->record.schema, GetActiveSnapshot(), row);
	reco_model_check_owner(row);
	if (row->source == NULL || row->algorithm == NULL || row->search_path == NULL)
		reco_damaged(job->record.schema, "Its definition is not complete.");
	job->record.owner = (RecoRunAs){true, row->owner, OWN_SEARCH_PATH};
	job->record.algorithm = row->algorithm;
	job->record.options = row->options;
	return job->min_interval == NULL || reco_refresh_is_due(row, job->min_interval);
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
		(void) reco_job_lock(job, false);
		reco_progress_begin(job->record.schema);
		reco_version_define(&job->record, &job->definition);
	}
	reco_version_start(&job->record);
	PopActiveSnapshot();
	return true;
}

/*
 * Commits, and begins the next transaction, which servers before 14.3 do not by
 * themselves.
 */
void
reco_job_commit(void)
{
	SPI_commit();
	SPI_start_transaction();
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
		reco_job_commit();
		if (!job->creating)
		{
			run_guarded(job, read_phase);
			reco_job_commit();
		}
		run_guarded(job, train_and_write);
		reco_job_commit();
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

Job *
reco_job_make(FunctionCallInfo fcinfo, const char *command)
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

void
reco_job_finish(Job *job)
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
