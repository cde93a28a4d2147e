/*
 * fold_in.c
 *	  reco.fold_in(): users whose interactions have changed, into the active version.
 *
 * Reads the source with the items of the version (fold_in_read.c), compares what each user has with
 * what is stored, and folds in those who have something else.  Their rows become the version's
 * layer (store/image/layer.c), under a new epoch, in one transaction; the version stays what it is.
 *
 * Holds the lock of a training, so nothing but reco.activate() can change which version is
 * active meanwhile, and the layer stays with the version that it was made for.  Outside of a
 * transaction block the source is read in a transaction of its own.
 *
 * Items that are new are taken by new_items.c, in a version of their own.
 *
 * Users who are new are drawn to what the model's priors say of them, as long as the versions that
 * it was trained with are active.
 *
 * Cost: the source's query, a pass over the stored users, a fold-in and a row for each user who
 * changed; where there are priors and new users, a pass over the users of these.  Memory: the
 * source's rows.
 */
#include "lifecycle/fold_in.h"
#include "lifecycle/fold_in_read.h"
#include "lifecycle/track.h"

#include "fmgr.h"
#include "pg/transaction.h"
#include "store/image/cache.h"
#include "store/source/asked.h"
#include "store/source/resolve.h"
#include "store/tables/changes.h"
#include "store/tables/progress.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

RECO_FUNCTION(reco_fold_in);

/* Those who are named; else, where triggers note all who change, those who are noted. */
static void
ask_whom(RecoFoldIn *fold)
{
	const Serving *serving = fold->serving;
	bool some;

	if (fold->users)
	{
		fold->asked_source = reco_asked_users(fold->users, id_type_asked(serving->user_type));
		fold->asked = id_dict_stored(fold->asked_source, serving->user_type, &fold->run->budget,
									 "reading the source");
		return;
	}
	fold->tracked = reco_is_tracked(&fold->run->definition, serving->user_type, &some);
	if (some)
		fold->seen = reco_changes_snapshot();
	if (fold->tracked)
		fold->asked = fold->asked_source =
			reco_changes_read(serving->schema, serving->user_type, serving->users);
	else if (some)
		ereport(NOTICE,
				(errmsg("all users of model \"%s\" are looked at", fold->run->model),
				 errdetail("The triggers that note changes do not fit the tables of its source as "
						   "they are now."),
				 errhint("CALL reco.track() makes them fit.")));
}

/* Whether nobody is to be looked at. */
static bool
is_nobody(const RecoFoldIn *fold)
{
	return fold->tracked && fold->asked && id_dict_count(fold->asked) == 0;
}

static void
read_source(RecoFoldIn *fold)
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
	if (serving->user_type->pseudonyms)
		id_pseudonyms_check(serving->user_type->pseudonyms);
	missing = reco_resolve_missing(row);
	if (missing)
		reco_resolved_add(row, missing);
	source = reco_definition_query(row, &reco_the_source);
	source.stored = true;
	reco_progress_phase(run->version.number, "reading");
	ask_whom(fold);
	if (is_nobody(fold))
	{
		MemoryContextSwitchTo(old);
		return;
	}
	run->data = reco_fold_in_read(run, serving, &source, &known, fold->asked_source);
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
add_change(RecoFoldIn *fold, int32 number, int32 user, Datum id)
{
	RecoBudget *budget = &fold->run->budget;
	const IdType *type = fold->serving->user_type;
	MemoryContext old = MemoryContextSwitchTo(budget->context);

	if (fold->changes == fold->slots)
	{
		RecoChange *change =
			reco_budget_alloc(budget, ((Size) fold->slots * 2 + 64) * sizeof(RecoChange));

		if (fold->changes > 0)
			memcpy(change, fold->change, fold->changes * sizeof(RecoChange));
		reco_budget_free(budget, fold->change);
		fold->change = change;
		fold->slots = fold->slots * 2 + 64;
	}
	if (!type->typbyval)
		reco_budget_require(budget, datumGetSize(id, type->typbyval, type->typlen), "folding in");
	fold->change[fold->changes++] =
		(RecoChange){number, user, datumCopy(id, type->typbyval, type->typlen)};
	MemoryContextSwitchTo(old);
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
	RecoFoldIn *fold = arg;
	int32 user = id_dict_find(fold->run->data->users, id);
	reco_profile now = {0};

	if (user >= 0)
	{
		fold->stored[user] = true;
		reco_fold_in_take(fold, user, &now);
	}
	/* rows that nothing is learnt from make nobody */
	if (now.n > 0)
	{
		if (!is_same(profile, &now))
		{
			add_change(fold, number, user, id);
			fold->more += now.n - profile->n;
		}
	}
	else if (profile->n > 0)
	{
		add_change(fold, number, -1, id);
		fold->more -= profile->n;
		fold->emptied++;
	}
	MemoryContextReset(fold->scratch);
}

/* Finds who has something else than what is stored. */
static void
compare_users(RecoFoldIn *fold)
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
	if (fold->asked)
		reco_serving_some_rows(serving, fold->scratch, fold->asked, compare_user, fold);
	else
		reco_serving_each_row(serving, fold->scratch, compare_user, fold);
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
		if (fold->added >= RECO_FAULT_IDS(PG_INT32_MAX) - serving->users)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("model \"%s\" has too many users", run->model),
							errhint("Train it again with CALL reco.refresh().")));
		add_change(fold, serving->users + fold->added++, u, id_dict_id(data->users, u));
		fold->more += n;
	}
}

static void
tell(const RecoFoldIn *fold)
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
			 : errmsg_plural(
				   "model \"%s\" version %d: %d user folded in, %d of them new, and %d left "
				   "without interactions",
				   "model \"%s\" version %d: %d users folded in, %d of them new, and %d left "
				   "without interactions",
				   fold->changes - fold->emptied, run->model, run->version.number,
				   fold->changes - fold->emptied, fold->added, fold->emptied),
		 errdetail_internal("%s.", detail.data),
		 data->count[RECO_COUNT_UNKNOWN] > 0 && !fold->all_taken
			 ? errhint("CALL reco.fold_in(%s, new_items => true) makes a version that knows all "
					   "items, CALL reco.refresh() trains one.",
					   quote_literal_cstr(run->model))
		 : fold->no_prior
			 ? errhint("CALL reco.refresh() trains a version by what the prior is now.")
			 : 0));
	reco_run_tell_policies(run);
}

void
reco_fold_in_users(RecoTrainCall *call, bool all_taken)
{
	RecoRun *run = &call->run;
	RecoFoldIn fold = {run, .users = call->arg, .all_taken = all_taken};

	fold.scratch = AllocSetContextCreate(run->context, "reco user", ALLOCSET_DEFAULT_SIZES);
	PushActiveSnapshot(GetTransactionSnapshot());
	read_source(&fold);
	PopActiveSnapshot();
	if (!call->atomic)
		reco_commit();
	reco_run_check_model(run);
	if (is_nobody(&fold))
	{
		ereport(NOTICE, (errmsg("model \"%s\" version %d: nobody has changed", run->model,
								run->version.number),
						 errdetail("No change of its source was noted.")));
		return;
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	reco_progress_phase(run->version.number, "comparing");
	compare_users(&fold);
	reco_fold_in_priors(&fold);
	if (fold.changes > 0)
		reco_fold_in_write(&fold);
	if (fold.seen)
		reco_fold_in_done(&fold);
	PopActiveSnapshot();
	if (!call->atomic)
		reco_commit();
	tell(&fold);
}

/* From the lock on. */
static void
fold_in(RecoTrainCall *call)
{
	reco_fold_in_users(call, false);
}

Datum
reco_fold_in(PG_FUNCTION_ARGS)
{
	char *model = reco_text_of(fcinfo, 0, "model name");
	char *if_running = reco_text_of(fcinfo, 1, "if_running");
	char *users = reco_text_or_null(fcinfo, 2);
	bool new_items = !PG_ARGISNULL(3) && PG_GETARG_BOOL(3);
	RecoTrainCall *call = reco_train_begin(fcinfo, "CALL reco.fold_in()");

	reco_train_check_running(if_running);
	if (new_items && users)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("users and new_items do not go together"),
						errdetail("Items that are new are taken into a version of all users."),
						errhint("Leave one of them out.")));
	call->run.model = MemoryContextStrdup(call->run.context, model);
	call->arg = users ? MemoryContextStrdup(call->run.context, users) : NULL;
	if (reco_train_enter(call, if_running))
		reco_train_run(call, new_items ? reco_fold_in_items : fold_in);
	PG_RETURN_VOID();
}
