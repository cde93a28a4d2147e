/*
 * new_items.c
 *	  reco.fold_in(new_items => true): a version made of the active one, with the items of the
 *	  source that are new.
 *
 * Reads the source as a refresh does, by the options and with the algorithm of the active version,
 * nothing of which is chosen anew.  Where there are items that it does not know, or knows by their
 * features only, another version is written by the steps of a training (steps.h); what fits goes on
 * from what the active version has of items (RecoBase) in the place of training, where it has
 * factors.  Else users are folded in (fold_in.c).
 *
 * An error until the version is announced leaves nothing behind.
 *
 * Cost: as steps.c says, without a measurement; fit takes what the kernels say of extending.  Where
 * there is nothing new, the source is read twice.
 */
#include "lifecycle/fold_in.h"

#include "model/private.h"
#include "pg/transaction.h"
#include "store/image/cache.h"
#include "store/tables/progress.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include <math.h>

/* Users that a drift is told by. */
#define DRIFT_USERS 1000

/* What only a training does. */
static void
check_algorithm(const RecoRun *run, const RecoSpec *spec)
{
	const char *why = NULL;

	if (reco_spec_is_private(spec))
		why = "Each version of algorithm \"private\" takes of the privacy budget.";
	else if (reco_sql_asked(spec))
		why = "Users of engine => 'sql' are not in memory.";
	if (why)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("model \"%s\" takes new items by a training only", run->model),
				 errdetail_internal("%s", why),
				 errhint("CALL reco.refresh(%s) trains it.", quote_literal_cstr(run->model))));
}

/* The active version, and its algorithm and options for the definition's. */
static void
open_version(RecoRun *run)
{
	RecoMadeOf *of = &run->made_of;
	ModelRow *row = &run->definition;
	RecoDataOptions now;

	of->serving = reco_serving_open(run->version.schema, NULL, row);
	of->number = of->serving->version;
	/* its users keep their ids */
	if (of->serving->user_type->pseudonyms)
		id_pseudonyms_check(of->serving->user_type->pseudonyms);
	if (row->source == NULL || row->search_path == NULL)
		reco_damaged(run->version.schema, "Its definition is not complete.");
	reco_version_read(run->version.schema, of->number, GetActiveSnapshot(), &of->row);
	check_algorithm(run, of->serving->model.spec);
	/* what is an error, and how many versions there are, is for the definition to say */
	reco_data_options_parse(row->options, &now);
	row->algorithm = of->row.algorithm;
	row->options = of->row.options;
	reco_run_parse(run);
	run->options.on_invalid = now.on_invalid;
	run->options.keep_versions = now.keep_versions;
	run->options.measure = false;
	run->version.number = of->number;
}

/* By item of the data: how many have it, as a version counts them. */
static int32 *
count_users(RecoRun *run)
{
	const reco_csr *a = &run->data->x.by_user;
	int32 *count = reco_budget_alloc(&run->budget, ((Size) a->cols + 1) * sizeof(int32));

	memset(count, 0, ((Size) a->cols + 1) * sizeof(int32));
	for (int64 e = 0; e < a->start[a->rows]; e++)
	{
		count[a->col[e]] += a->value == NULL || a->value[e] > 0 || run->spec->latest;
		RECO_POLL_AT(e);
	}
	return count;
}

/*
 * Which items the version knows: not those either that it knew by features alone, and that
 * somebody has now.
 */
static void
find_known(RecoRun *run)
{
	const Serving *serving = run->made_of.serving;
	RecoBase *base = &run->made_of.base;
	int32 items = id_dict_count(run->data->items);
	int32 *count = count_users(run);
	int32 *number = id_dict_numbers(run->data->items, &run->data->item_type, serving->items,
									serving->item_type, &run->budget);

	for (int32 i = 0; i < items; i++)
	{
		if (number[i] >= 0 && serving->interactions[number[i]] == 0 && count[i] > 0)
			number[i] = -1;
		base->fresh += number[i] < 0;
		RECO_POLL_AT(i);
	}
	reco_budget_free(&run->budget, count);
	if (base->fresh == items)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("source of model \"%s\" has no item that version %d knows",
							   run->model, run->made_of.number),
						errhint("CALL reco.refresh(%s) trains a version of these items.",
								quote_literal_cstr(run->model))));
	base->model = &serving->model;
	base->item = number;
}

/* Everything that is made for it is of the run's context. */
static void
read_all(RecoRun *run)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);

	open_version(run);
	reco_step_read(run);
	find_known(run);
	MemoryContextSwitchTo(old);
}

void
reco_fold_in_items(RecoTrainCall *call)
{
	RecoRun *run = &call->run;
	RecoRun before = *run;

	/* of its own, so that it can go before users are folded in */
	run->context = AllocSetContextCreate(before.context, "reco new items", ALLOCSET_DEFAULT_SIZES);
	reco_budget_init(&run->budget, run->context);
	PushActiveSnapshot(GetTransactionSnapshot());
	read_all(run);
	if (run->made_of.base.fresh > 0)
	{
		reco_version_start(&run->version, &run->definition, run->trained_by);
		PopActiveSnapshot();
		reco_train_read(call);
		run->context = before.context;
		return;
	}
	PopActiveSnapshot();
	ereport(NOTICE, (errmsg("no items are new to model \"%s\" version %d: users are folded in",
							run->model, run->made_of.number),
					 errdetail_internal("%s.", reco_data_rows(run->data))));
	MemoryContextDelete(run->context);
	*run = before;
	if (!call->atomic)
		reco_commit();
	reco_fold_in_users(call, true);
}

double
reco_run_drift(const RecoRun *run)
{
	const RecoModel *model = &run->trained.model;
	const RecoPartType *type;
	const RecoPart *part =
		reco_member_role(&model->member[0], RECO_OF_USERS, RECO_ROLE_FACTORS, &type);
	MemoryContext context;
	MemoryContext old;
	double moved = 0;
	double length = 0;

	if (part == NULL)
		return NAN;
	context = AllocSetContextCreate(CurrentMemoryContext, "reco drift", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	for (int32 k = 0; k < Min(model->users, DRIFT_USERS); k++)
	{
		int32 u = (int32) ((int64) k * model->users / Min(model->users, DRIFT_USERS));
		const float *now = reco_part_floats(part, u);
		reco_profile was;

		reco_poll();
		if (reco_serving_user(run->made_of.serving, id_dict_id(run->data->users, u), &was) &&
			was.factors)
			for (int f = 0; f < type->width; f++)
			{
				moved += ((double) now[f] - was.factors[f]) * ((double) now[f] - was.factors[f]);
				length += (double) was.factors[f] * was.factors[f];
			}
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return length > 0 ? sqrt(moved / length) : NAN;
}
