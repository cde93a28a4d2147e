/*
 * train.c
 *	  A training from its lock to its end, whatever that is: its transactions, and what is undone.
 *	  What is done in between are the steps of steps.c.
 *
 * Outside a transaction block a training is three transactions: read the source
 * and announce the version; train, holding no snapshot, so that an hour of it
 * does not hold back vacuum; write the version and make it active.  Inside a
 * block, or in a function, all happens in the caller's transaction.
 *
 * Two trainings of one model are kept apart by a lock (lock.h), held by the session
 * between transactions and released here on every way out.  What fails after the first
 * commit fails in a subtransaction, so that what the training began can be undone and
 * recorded before the error goes on.
 *
 * Cost: that of the steps.
 */
#include "lifecycle/train.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "lifecycle/due.h"
#include "lifecycle/own.h"
#include "lifecycle/schema.h"
#include "miscadmin.h"
#include "pg/transaction.h"
#include "store/source/lookup.h"
#include "store/tables/lock.h"
#include "store/tables/progress.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

void
reco_train_check_running(const char *if_running)
{
	if (strcmp(if_running, "wait") != 0 && strcmp(if_running, "skip") != 0 &&
		strcmp(if_running, "error") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("invalid value for if_running: \"%s\"", if_running),
						errhint("Valid values are: \"wait\", \"skip\", \"error\".")));
}

bool
reco_train_lock(RecoTrainCall *call, bool dont_wait)
{
	call->locked = reco_training_lock(call->run.version.schema, !call->atomic, dont_wait);
	return call->locked;
}

/* Also ends what is told about the training. */
static void
unlock_model(RecoTrainCall *call)
{
	reco_progress_end();
	/* inside a block the end of the transaction releases it */
	if (call->locked && !call->atomic)
		reco_training_unlock(call->run.version.schema);
	call->locked = false;
}

/*
 * Whether an error of a model that is gone is no more than that: it came up
 * wherever the work then was, in the words of whatever was missing first.
 */
static bool
says_dropped(const RecoTrainCall *call, const ErrorData *error)
{
	return ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_OPERATOR_INTERVENTION &&
		   ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_INSUFFICIENT_RESOURCES &&
		   reco_model_gone(call->run.version.schema);
}

/* After each iteration: no use in going on when the model is gone. */
static void
iterated(void *arg, int member, int members, int iteration, int iterations, double loss)
{
	const RecoRun *run = arg;

	reco_run_check_model(run);
	/* the look-up took a snapshot of the catalogs, which would hold back vacuum */
	if (!ActiveSnapshotSet())
		InvalidateCatalogSnapshot();
	if (iteration == 0)
	{
		reco_progress_phase(run->version.number, psprintf("training %d/%d", member, members));
		return;
	}
	reco_progress_iteration(iteration, iterations, loss);
	elog(DEBUG1, "iteration %d of %d, loss %g", iteration, iterations, loss);
}

/*
 * Undoes or records a training that failed after its first commit.
 */
typedef struct Failure
{
	RecoTrainCall *call;
	const char *message;
} Failure;

/* What others have put into the schema since, or made depend on it, keeps the model. */
static void
drop_created(void *arg)
{
	reco_own_drop(((RecoTrainCall *) arg)->run.version.schema, "drop");
}

static void
clean_up(void *arg)
{
	RecoTrainCall *call = ((Failure *) arg)->call;
	ModelRow row;

	AcceptInvalidationMessages();
	PushActiveSnapshot(GetTransactionSnapshot());
	if (!reco_model_try_read(call->run.version.schema, GetActiveSnapshot(), &row, NULL))
		/* gone, and with it what was to be undone */;
	else if (call->creating && reco_schema_owned(call->run.version.schema, GetUserId()) &&
			 reco_try(drop_created, call) == NULL)
		/* and so is all that the creation made */;
	else
		reco_version_fail(&call->run.version, ((Failure *) arg)->message);
	PopActiveSnapshot();
}

/*
 * On a full disk, for one, this fails as well: the first error is the one to be told, and
 * the next training finds what was left.
 */
static void
undo(RecoTrainCall *call, const char *message)
{
	Failure failure = {call, message};
	ErrorData *error = reco_try(clean_up, &failure);

	if (error)
		ereport(LOG, (errcode(error->sqlerrcode),
					  errmsg("could not record that the training of model \"%s\" failed: %s",
							 call->run.model, error->message)));
}

/* What is recorded of an error: of a model with pseudonyms nothing that may name a user. */
static const char *
what_is_told(const RecoRun *run, const ErrorData *error)
{
	if (run->options.like == NULL)
		return error->message;
	return psprintf("the training failed with SQLSTATE %s, which was told to whoever called",
					unpack_sql_state(error->sqlerrcode));
}

static void
read_phase(RecoTrainCall *call)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	reco_step_read(&call->run);
	PopActiveSnapshot();
}

/*
 * Looks the model up anew - it may have been dropped or given away while its
 * training held no lock - and writes.
 */
static void
write_phase(RecoTrainCall *call)
{
	RecoRun *run = &call->run;
	ModelRow now;

	reco_run_check_model(run);
	PushActiveSnapshot(GetTransactionSnapshot());
	reco_model_read(run->version.schema, GetActiveSnapshot(), &now);
	reco_model_check_owner(&now);
	run->version.owner.role = now.owner;
	reco_version_lock(&run->version);
	reco_step_write(run, &now);
	reco_run_tell_verdict(run, now.name);
	PopActiveSnapshot();
}

static void
train_phase(RecoTrainCall *call)
{
	reco_step_choose(&call->run);
	reco_step_fit(&call->run);
	reco_step_measure(&call->run);
	write_phase(call);
}

/*
 * Runs work that follows the first commit.  An error undoes it, is recorded in a
 * transaction of its own, and goes on to the caller.
 */
static void
run_guarded(RecoTrainCall *call, void (*work)(RecoTrainCall *call))
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		work(call);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(call->run.context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (says_dropped(call, error))
			reco_run_check_model(&call->run);
		undo(call, what_is_told(&call->run, error));
		reco_commit();
		ReThrowError(error);
	}
	PG_END_TRY();
}

/*
 * Takes the definition from the model, again: it may have changed while we
 * waited for the lock.  False when there is nothing to do.
 */
static bool
read_definition(RecoTrainCall *call)
{
	RecoRun *run = &call->run;
	ModelRow *row = &run->definition;
	MemoryContext old = MemoryContextSwitchTo(run->context);
	VersionRow last;
	bool due;

	reco_model_read(run->version.schema, GetActiveSnapshot(), row);
	reco_model_check_owner(row);
	if (row->source == NULL || row->algorithm == NULL || row->search_path == NULL)
		reco_damaged(run->version.schema, "Its definition is not complete.");
	run->before.number = reco_version_last_finished(row->schema, GetActiveSnapshot(), &last);
	run->before.algorithm = last.algorithm;
	run->before.choice = last.choice;
	due = call->min_interval == NULL || reco_is_due(row, &last, call->min_interval);
	MemoryContextSwitchTo(old);
	return due;
}

/*
 * What is there once the first transaction has ended: for a new model its
 * schema, which takes reading the source first, since that tells the types; for
 * an old one the announcement of a version.
 */
static bool
announce(RecoTrainCall *call)
{
	RecoRun *run = &call->run;

	PushActiveSnapshot(GetTransactionSnapshot());
	if (!call->creating && !read_definition(call))
	{
		PopActiveSnapshot();
		return false;
	}
	reco_run_parse(run);
	if (call->creating)
	{
		reco_step_read(run);
		if (run->data->user_type.pseudonyms)
		{
			const IdType *asked = id_type_asked(&run->data->user_type);

			run->definition.pseudonyms_of =
				pstrdup(id_pseudonyms_of(asked->type, asked->collation));
		}
		run->version.schema =
			reco_schema_create(run->model, &run->data->user_type, &run->data->item_type);
		CommandCounterIncrement();
		(void) reco_train_lock(call, false);
		reco_progress_begin(run->version.schema);
		reco_definition_insert(run->version.schema, &run->definition);
	}
	reco_version_start(&run->version, &run->definition, run->trained_by);
	PopActiveSnapshot();
	return true;
}

/* What follows the announcement. */
static void
go_on(RecoTrainCall *call, bool is_read)
{
	if (call->atomic)
	{
		if (!is_read)
			read_phase(call);
		train_phase(call);
	}
	else
	{
		reco_commit();
		if (!is_read)
		{
			run_guarded(call, read_phase);
			reco_commit();
		}
		run_guarded(call, train_phase);
		reco_commit();
	}
	reco_run_tell(&call->run);
}

void
reco_train_read(RecoTrainCall *call)
{
	go_on(call, true);
}

/*
 * Everything from the lock on.  The caller holds an SPI connection.
 */
static void
run_call(RecoTrainCall *call)
{
	if (announce(call))
		go_on(call, call->creating);
}

RecoTrainCall *
reco_train_begin(FunctionCallInfo fcinfo, const char *command)
{
	bool atomic = reco_is_atomic(fcinfo);
	MemoryContext context = AllocSetContextCreate(atomic ? CurrentMemoryContext : PortalContext,
												  "reco training", ALLOCSET_DEFAULT_SIZES);
	RecoTrainCall *call = MemoryContextAllocZero(context, sizeof(RecoTrainCall));
	RecoRun *run = &call->run;

	PreventCommandIfReadOnly(command);
	reco_check_version();
	call->atomic = atomic;
	run->context = context;
	run->progress = iterated;
	run->progress_arg = run;
	run->trained_by = MemoryContextStrdup(context, GetUserNameFromId(GetUserId(), false));
	reco_budget_init(&run->budget, context);
	return call;
}

bool
reco_train_enter(RecoTrainCall *call, const char *if_running)
{
	RecoRun *run = &call->run;
	ModelRow row;

	if (!OidIsValid(run->version.schema))
		run->version.schema = reco_model_schema(run->model);
	reco_model_read(run->version.schema, RECO_LATEST_SNAPSHOT, &row);
	reco_model_check_owner(&row);
	SPI_connect_ext(call->atomic ? 0 : SPI_OPT_NONATOMIC);
	if (!reco_train_lock(call, true))
	{
		if (strcmp(if_running, "wait") != 0)
		{
			ereport(strcmp(if_running, "skip") == 0 ? NOTICE : ERROR,
					(errcode(ERRCODE_OBJECT_IN_USE),
					 errmsg("model \"%s\" is being trained by another session", run->model)));
			SPI_finish();
			return false;
		}
		/* an hour of waiting must not hold back vacuum either */
		if (!call->atomic)
			reco_commit();
		(void) reco_train_lock(call, false);
	}
	reco_progress_begin(run->version.schema);
	return true;
}

void
reco_train_finish(RecoTrainCall *call)
{
	reco_train_run(call, run_call);
}

void
reco_train_run(RecoTrainCall *call, void (*work)(RecoTrainCall *call))
{
	PG_TRY();
	{
		work(call);
	}
	PG_CATCH();
	{
		unlock_model(call);
		PG_RE_THROW();
	}
	PG_END_TRY();
	unlock_model(call);
	SPI_finish();
	MemoryContextDelete(call->run.context);
}
