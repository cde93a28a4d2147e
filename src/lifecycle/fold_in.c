/*
 * fold_in.c
 *	  reco.fold_in(): users whose interactions have changed, into the active version.
 *
 * Reads the source with the items of the version (fold_in_read.c), compares what each user has with
 * what is stored, and folds in those who have something else.  Their rows become the version's
 *layer (store/image/layer.c), under a new epoch, in one transaction; the version stays what it is.
 *
 * Holds the lock of a training, so nothing but reco.activate() can change which version is
 * active meanwhile, and the layer stays with the version that it was made for.  Outside of a
 * transaction block the source is read in a transaction of its own.
 *
 * Users who are new are drawn to what the model's priors say of them, as long as the versions that
 * it was trained with are active.
 *
 * Cost: the source's query, a pass over the stored users, a fold-in and a row for each user who
 * changed; where there are priors and new users, a pass over the users of these.  Memory: the
 * source's rows.
 */
#include "lifecycle/fold_in_read.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "pg/transaction.h"
#include "store/image/cache.h"
#include "store/image/prior.h"
#include "store/source/asked.h"
#include "store/source/resolve.h"
#include "store/tables/progress.h"
#include "store/tables/statement.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include <math.h>

RECO_FUNCTION(reco_fold_in);

/* A user to be written. */
typedef struct Change
{
	int32 number;
	int32 user; /* of the source; -1: they have nothing there any more */
	Datum id;
} Change;

typedef struct FoldIn
{
	RecoRun *run;
	Serving *serving;
	const float *value;  /* along the source's interactions; NULL: ones */
	reco_ordered events; /* start NULL: the model does not look at them */
	double *time;        /* of these */
	bool *stored;        /* by user of the source */
	Change *change;
	int32 changes;
	int32 slots;
	int32 emptied;
	int32 added;
	const char *users;    /* a query of those who are to be looked at; NULL: all are */
	IdDict *asked;        /* these */
	int64 too_few;        /* users who are new and have too little for one */
	const char *no_prior; /* why those who are new have no centers; NULL: they have, or need none */
	MemoryContext scratch;
} FoldIn;

static void
read_source(FoldIn *fold)
{
	RecoRun *run = fold->run;
	MemoryContext old = MemoryContextSwitchTo(run->context);
	Serving *serving = reco_serving_open(run->version.schema, NULL, &run->definition);
	ModelRow *row = &run->definition;
	RecoKnown known = {serving->user_type, serving->item_type, serving->items,
					   serving->reference_time, run->model};
	RecoDataOptions now;
	RecoQuery source;
	Jsonb *missing;

	if (row->source == NULL || row->search_path == NULL)
		reco_damaged(run->version.schema, "Its definition is not complete.");
	fold->serving = serving;
	run->options = serving->options;
	/* what is an error is for the definition to say, as with live rows */
	reco_data_options_parse(row->options, &now);
	run->options.on_invalid = now.on_invalid;
	run->version.number = serving->version;
	run->version.nonce = serving->nonce;
	missing = reco_resolve_missing(row);
	if (missing)
		reco_resolved_add(row, missing);
	source = reco_definition_query(row, &reco_the_source);
	source.stored = true;
	reco_progress_phase(run->version.number, "reading");
	if (fold->users)
		fold->asked = reco_asked_users(fold->users, serving->user_type);
	run->data = reco_fold_in_read(run, serving, &source, &known, fold->asked);
	reco_progress_rows(run->data->rows_read);
	/* as for a training: an empty source is no reason to forget everybody */
	if (id_dict_count(run->data->users) == 0 && !fold->asked)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("source of model \"%s\" has no interactions to fold in", run->model),
				 errdetail_internal("%s.", reco_data_rows(run->data)),
				 errhint("What is stored of users stays. Look at what the source returns for "
						 "the model's owner.")));
	reco_version_check_lengths(run->data, run->model);
	MemoryContextSwitchTo(old);
}

static void
add_change(FoldIn *fold, int32 number, int32 user, Datum id)
{
	RecoBudget *budget = &fold->run->budget;
	const IdType *type = fold->serving->user_type;
	MemoryContext old = MemoryContextSwitchTo(budget->context);

	if (fold->changes == fold->slots)
	{
		Change *change = reco_budget_alloc(budget, ((Size) fold->slots * 2 + 64) * sizeof(Change));

		if (fold->changes > 0)
			memcpy(change, fold->change, fold->changes * sizeof(Change));
		reco_budget_free(budget, fold->change);
		fold->change = change;
		fold->slots = fold->slots * 2 + 64;
	}
	if (!type->typbyval)
		reco_budget_require(budget, datumGetSize(id, type->typbyval, type->typlen), "folding in");
	fold->change[fold->changes++] =
		(Change){number, user, datumCopy(id, type->typbyval, type->typlen)};
	MemoryContextSwitchTo(old);
}

/* What a user of the source has, on top of what a stored profile says. */
static void
take_interactions(const FoldIn *fold, int32 user, reco_profile *profile)
{
	const reco_csr *a = &fold->run->data->x.by_user;
	int64 from = a->start[user];

	profile->n = a->start[user + 1] - from;
	profile->item = a->col + from;
	profile->value = fold->value ? fold->value + from : NULL;
	if (fold->run->data->x.seen)
	{
		const reco_csr *seen = &fold->run->data->x.seen->by_user;

		profile->has = seen->col + seen->start[user];
		profile->n_has = seen->start[user + 1] - seen->start[user];
	}
	if (fold->events.start)
	{
		from = fold->events.start[user];
		profile->events = fold->events.start[user + 1] - from;
		profile->event = fold->events.item + from;
		profile->moment = fold->events.moment + from;
		profile->time = fold->time + from;
	}
}

/* Whether that is in the same order, too; of a model that looks at it. */
static bool
is_same_order(const reco_profile *stored, const reco_profile *now)
{
	if (stored == NULL || stored->events != now->events)
		return false;
	for (int64 e = 0; e < now->events; e++)
	{
		RECO_POLL_AT(e + 1);
		if (stored->event[e] != now->event[e] || stored->moment[e] != now->moment[e] ||
			(stored->time && stored->time[e] != now->time[e]))
			return false;
	}
	return true;
}

/* Whether the same counts as seen. */
static bool
is_same_seen(const reco_profile *stored, const reco_profile *now)
{
	int64 n;
	int64 n_now;
	const int32 *seen = reco_profile_seen(stored, &n);
	const int32 *seen_now = reco_profile_seen(now, &n_now);

	return n == n_now && (n == 0 || memcmp(seen, seen_now, n * sizeof(int32)) == 0);
}

static bool
is_same(const reco_profile *stored, const reco_profile *now)
{
	if (stored->n != now->n || !is_same_seen(stored, now))
		return false;
	for (int64 e = 0; e < now->n; e++)
	{
		RECO_POLL_AT(e + 1);
		if (stored->item[e] != now->item[e] || stored->value[e] != (now->value ? now->value[e] : 1))
			return false;
	}
	return now->event == NULL || is_same_order(reco_profile_ordered(stored), now);
}

static void
compare_user(void *arg, int32 number, Datum id, reco_profile *profile)
{
	FoldIn *fold = arg;
	int32 user = id_dict_find(fold->run->data->users, id);
	reco_profile now = {0};

	if (user >= 0)
	{
		fold->stored[user] = true;
		take_interactions(fold, user, &now);
	}
	/* rows that nothing is learnt from make nobody */
	if (now.n > 0)
	{
		if (!is_same(profile, &now))
			add_change(fold, number, user, id);
	}
	else if (profile->n > 0)
	{
		add_change(fold, number, -1, id);
		fold->emptied++;
	}
	MemoryContextReset(fold->scratch);
}

/* Finds who has something else than what is stored. */
static void
compare_users(FoldIn *fold)
{
	RecoRun *run = fold->run;
	Serving *serving = fold->serving;
	const RecoData *data = run->data;
	const reco_csr *a = &data->x.by_user;
	reco_value_rule rule = reco_data_value_rule(&serving->options);
	int32 users = id_dict_count(data->users);

	fold->value =
		reco_values_of(&rule, reco_spec_values(serving->model.spec, a->value, data->x.latest),
					   a->start[a->rows], &run->budget, "folding in");
	if (data->events)
	{
		reco_budget_require(&run->budget, reco_ordered_memory(&run->budget.env, &data->x, true),
							"folding in");
		reco_budget_check(&run->budget,
						  reco_ordered_make(&run->budget.env, &data->x, true, &fold->events),
						  "folding in");
		fold->time = reco_ordered_times(&run->budget.env, &fold->events, a->rows, data->x.unit);
		reco_budget_check(&run->budget, fold->time ? RECO_OK : RECO_STOPPED, "folding in");
	}
	fold->stored = reco_budget_alloc(&run->budget, (Size) users + 1);
	memset(fold->stored, 0, (Size) users + 1);
	if (!fold->asked)
		reco_serving_each_row(serving, fold->scratch, compare_user, fold);
	for (int32 a = 0; fold->asked && a < id_dict_count(fold->asked); a++)
	{
		reco_poll();
		(void) reco_serving_one_row(serving, fold->scratch, id_dict_id(fold->asked, a),
									compare_user, fold);
	}
	for (int32 u = 0; u < users; u++)
	{
		int64 n = data->x.by_user.start[u + 1] - data->x.by_user.start[u];

		RECO_POLL_AT(u);
		if (fold->stored[u] ||
			(fold->asked && id_dict_find(fold->asked, id_dict_id(data->users, u)) < 0))
			continue;
		if (n < run->options.min_user_interactions)
		{
			fold->too_few++;
			continue;
		}
		if (fold->added >= PG_INT32_MAX - serving->users)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("model \"%s\" has too many users", run->model),
							errhint("Train it again with CALL reco.refresh().")));
		add_change(fold, serving->users + fold->added++, u, id_dict_id(data->users, u));
	}
}

typedef struct Asking
{
	const FoldIn *fold;
	const VersionRow *version;
} Asking;

static void
ask_priors(void *arg)
{
	const Asking *asking = arg;
	RecoRun *run = asking->fold->run;

	reco_priors_read_again(list_make1(unconstify(RecoSpec *, asking->fold->serving->model.spec)),
						   run->model, asking->version->priors, asking->version->finished_at,
						   run->data, &run->budget);
}

/* Whether an error says that a prior is not there as it was, or may not be read. */
static bool
is_of_prior(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_UNDEFINED_OBJECT ||
		   error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE ||
		   error->sqlerrcode == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE ||
		   error->sqlerrcode == ERRCODE_DATA_CORRUPTED;
}

/* For users who are new, as the model's owner; where that cannot be, they go without. */
static void
read_priors(FoldIn *fold)
{
	RecoRun *run = fold->run;
	RecoRunAs owner = reco_run_as(run->definition.owner);
	RecoIdentity before;
	VersionRow version;
	Asking asking = {fold, &version};
	ErrorData *error;

	if (fold->added == 0 || reco_spec_priors(fold->serving->model.spec) == NIL)
		return;
	reco_version_read(run->version.schema, run->version.number, GetActiveSnapshot(), &version);
	if (version.priors == NULL)
		reco_damaged(run->version.schema, "A version does not tell its priors.");
	reco_become(&owner, &before);
	error = reco_try(ask_priors, &asking);
	reco_return(&before);
	if (error == NULL)
		return;
	if (!is_of_prior(error))
		ReThrowError(error);
	run->data->priors = NULL;
	fold->no_prior = error->message;
}

/* What a stored user's factors are drawn to, of members too. */
static void
take_center(const FoldIn *fold, Datum id, reco_profile *profile)
{
	reco_profile stored;

	(void) reco_serving_user(fold->serving, id, &stored);
	profile->center = stored.center;
	profile->members = stored.members;
	profile->member = stored.member;
}

/* What the priors of a member, or of its own members, say of a user who is new. */
static void
take_prior(const FoldIn *fold, const RecoMember *of, int32 user, reco_profile *profile)
{
	const RecoAlgorithm *algorithm = of->spec->algorithm;
	const RecoPriors *priors = fold->run->data->priors;
	const char *name = algorithm->prior ? algorithm->prior(of->spec) : NULL;
	reco_profile *member;

	if (name)
		profile->center = algorithm->center(of->spec, reco_prior_of(priors, name), user);
	if (of->members == 0)
		return;
	member = palloc0(of->members * sizeof(reco_profile));
	for (int m = 0; m < of->members; m++)
		take_prior(fold, of->member[m], user, &member[m]);
	profile->members = of->members;
	profile->member = member;
}

/*
 * The profile of a user who changed, in the current memory context: what a live look-up serves
 * (live_user.c).
 */
static void
make_profile(const FoldIn *fold, const reco_scorer *scorer, const Change *change,
			 reco_profile *profile)
{
	RecoBudget budget;

	*profile = (reco_profile){0};
	if (change->number < fold->serving->users && reco_spec_priors(fold->serving->model.spec))
		take_center(fold, change->id, profile);
	else if (fold->run->data->priors)
		take_prior(fold, &fold->serving->model.member[0], change->user, profile);
	if (change->user < 0)
		return;
	if (change->number < fold->serving->users)
		profile->user = change->number + 1;
	take_interactions(fold, change->user, profile);
	reco_budget_init(&budget, CurrentMemoryContext);
	reco_budget_check(&budget, reco_scorer_fold_in(&budget.env, scorer, profile), "the model");
}

static pg_attribute_noreturn() void refuse_profile(const FoldIn *fold, const Change *change)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("what model \"%s\" makes of user \"%s\" is out of range",
						   fold->run->model, id_to_message(fold->serving->user_type, change->id)),
					errhint("Correct the values of that user in the source.")));
}

/* Of users who have a row in the layer, it goes: of so many by one statement. */
#define BATCH_USERS 65536

static void
delete_rows(const FoldIn *fold)
{
	Datum *number = MemoryContextAlloc(fold->scratch, BATCH_USERS * sizeof(Datum));
	RecoArgument argument[2];

	argument[0] = reco_int4_argument(fold->serving->version);
	/* an old snapshot fails here, and not at rows that it cannot see */
	(void) reco_statement(fold->run->version.schema,
						  "SELECT version FROM ONLY %s.model_version WHERE version = $1 FOR UPDATE",
						  argument, 1, NULL);
	for (int32 from = 0; from < fold->changes; from += BATCH_USERS)
	{
		int32 n = Min(fold->changes - from, BATCH_USERS);
		ArrayType *numbers;

		for (int32 k = 0; k < n; k++)
			number[k] = Int32GetDatum(fold->change[from + k].number);
		numbers = construct_array(number, n, INT4OID, sizeof(int32), true, TYPALIGN_INT);
		argument[1] = (RecoArgument){INT4ARRAYOID, PointerGetDatum(numbers), false};
		(void) reco_statement(fold->run->version.schema,
							  "DELETE FROM ONLY %s.model_user_layer AS l"
							  " WHERE l.version = $1 AND l.number = ANY ($2)",
							  argument, lengthof(argument), NULL);
		pfree(numbers);
		if (fold->changes - from <= BATCH_USERS)
			break;
	}
	MemoryContextReset(fold->scratch);
}

static void
write_rows(FoldIn *fold, const reco_scorer *scorer)
{
	RecoRun *run = fold->run;
	Serving *serving = fold->serving;
	MemoryContext old;
	ModelTable table;
	TableWriter *writer;

	reco_layer_open(&table, run->version.schema, RowExclusiveLock);
	reco_check_writable(table.heap);
	reco_table_require_id(&table, serving->user_type);
	writer = reco_writer_begin(table.heap);
	old = MemoryContextSwitchTo(fold->scratch);
	for (int32 k = 0; k < fold->changes; k++)
	{
		const Change *change = &fold->change[k];
		reco_profile profile;

		reco_poll();
		make_profile(fold, scorer, change, &profile);
		if (!reco_version_add_user(writer, serving->version, change->number, change->id,
								   &serving->model, &profile))
			refuse_profile(fold, change);
		MemoryContextReset(fold->scratch);
		if (k % 64 == 0)
			reco_progress_iteration(k, fold->changes, NAN);
	}
	MemoryContextSwitchTo(old);
	reco_writer_end(writer);
	reco_table_close(&table);
}

/* A number above the last, and never one again that was rolled back. */
static int64
next_epoch(int64 epoch)
{
	uint32 step;

	if (!pg_strong_random(&step, sizeof(step)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values")));
	return epoch + 1 + step;
}

/*
 * The model may have been dropped or given away since the source was read, and another version
 * made the active one: the layer is of that which it was made for.
 */
static void
write_layer(FoldIn *fold)
{
	RecoRun *run = fold->run;
	const reco_scorer *scorer = reco_serving_scorer(fold->serving);
	RecoIdentity before;
	ModelRow now;

	reco_model_read(run->version.schema, GetActiveSnapshot(), &now);
	reco_model_check_owner(&now);
	run->version.owner = reco_run_as(now.owner);
	reco_version_lock(&run->version);
	reco_progress_phase(run->version.number, "folding in");
	reco_become(&run->version.owner, &before);
	delete_rows(fold);
	write_rows(fold, scorer);
	reco_version_set_layer(&run->version, next_epoch(fold->serving->epoch),
						   fold->serving->added + fold->added);
	reco_return(&before);
}

static void
tell(const FoldIn *fold)
{
	const RecoRun *run = fold->run;
	const RecoData *data = run->data;
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfoString(&detail, reco_data_rows(run->data));
	if (fold->too_few > 0)
		appendStringInfo(&detail, ", " INT64_FORMAT " new users left out for too few interactions",
						 fold->too_few);
	if (data->count[RECO_COUNT_UNKNOWN] > 0)
		appendStringInfo(
			&detail, ", " INT64_FORMAT " skipped for %d items that version %d does not know",
			data->count[RECO_COUNT_UNKNOWN], id_dict_count(data->items), run->version.number);
	if (fold->no_prior)
		appendStringInfo(&detail, ", new users go without a prior: %s", fold->no_prior);
	ereport(
		NOTICE,
		(fold->changes == 0
			 ? errmsg("model \"%s\" version %d: nobody has changed", run->model,
					  run->version.number)
			 : errmsg("model \"%s\" version %d: %d users folded in, %d of them new, and %d left "
					  "without interactions",
					  run->model, run->version.number, fold->changes - fold->emptied, fold->added,
					  fold->emptied),
		 errdetail_internal("%s.", detail.data),
		 data->count[RECO_COUNT_UNKNOWN] > 0
			 ? errhint("CALL reco.refresh() trains a version that knows all items.")
		 : fold->no_prior
			 ? errhint("CALL reco.refresh() trains a version by what the prior is now.")
			 : 0));
	reco_run_tell_policies(run);
}

/* From the lock on. */
static void
fold_in(RecoTrainCall *call)
{
	RecoRun *run = &call->run;
	FoldIn fold = {run, .users = call->arg};

	fold.scratch = AllocSetContextCreate(run->context, "reco user", ALLOCSET_DEFAULT_SIZES);
	PushActiveSnapshot(GetTransactionSnapshot());
	read_source(&fold);
	PopActiveSnapshot();
	if (!call->atomic)
		reco_commit();
	reco_run_check_model(run);
	PushActiveSnapshot(GetTransactionSnapshot());
	reco_progress_phase(run->version.number, "comparing");
	compare_users(&fold);
	read_priors(&fold);
	if (fold.changes > 0)
		write_layer(&fold);
	PopActiveSnapshot();
	if (!call->atomic)
		reco_commit();
	tell(&fold);
}

Datum
reco_fold_in(PG_FUNCTION_ARGS)
{
	char *model = reco_text_of(fcinfo, 0, "model name");
	char *if_running = reco_text_of(fcinfo, 1, "if_running");
	char *users = reco_text_or_null(fcinfo, 2);
	RecoTrainCall *call = reco_train_begin(fcinfo, "CALL reco.fold_in()");

	reco_train_check_running(if_running);
	call->run.model = MemoryContextStrdup(call->run.context, model);
	call->arg = users ? MemoryContextStrdup(call->run.context, users) : NULL;
	if (reco_train_enter(call, if_running))
		reco_train_run(call, fold_in);
	PG_RETURN_VOID();
}
