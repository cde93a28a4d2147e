/*
 * choose.c
 *	  The step between read and fit where the algorithm is to be chosen, and what a version is
 *	  worth.
 *
 * What was chosen before is kept as long as it holds (evaluation/retune.h); whether it does is
 * also a matter of its worth, so that is measured here, once.  Of an algorithm that was given it is
 * measured after fit, which may fail.
 *
 * Cost: that of the choice (evaluation/choice.h), or of one more training on a part of the data.
 */
#include "evaluation/retune.h"
#include "lifecycle/steps.h"
#include "pg/transaction.h"
#include "store/tables/progress.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"
#include "utils/memutils.h"

/* Before each candidate: no use in going on when the model is gone. */
static void
choosing(void *arg, int candidate, int candidates)
{
	const RecoRun *run = arg;

	reco_run_check_model(run);
	/* the look-up took a snapshot of the catalogs, which would hold back vacuum */
	if (!ActiveSnapshotSet())
		InvalidateCatalogSnapshot();
	reco_progress_phase(run->version.number, psprintf("choosing %d/%d", candidate, candidates));
}

typedef struct Measuring
{
	RecoRun *run;
	const RecoSpec *spec;
	MemoryContext result;
	bool measured;
} Measuring;

static void
measure(void *arg)
{
	Measuring *measuring = arg;
	RecoRun *run = measuring->run;

	measuring->measured = reco_worth_measure(run->data, measuring->spec, run->spec, run->metric,
											 &run->budget, measuring->result, &run->worth);
}

/*
 * Without a guard a version that there is no memory to measure for is written all the same.
 */
static void
measure_worth(RecoRun *run, const RecoSpec *spec)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco worth", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	Measuring measuring = {run, spec, CurrentMemoryContext};
	ErrorData *error = NULL;

	run->measured = true;
	reco_progress_phase(run->version.number, "measuring");
	/* what a measuring that there was no memory for has made goes as well */
	old = MemoryContextSwitchTo(context);
	if (run->guard)
		measure(&measuring);
	else
		error = reco_try(measure, &measuring);
	MemoryContextSwitchTo(old);
	if (error)
	{
		error->message = pstrdup(error->message);
		error->detail = error->detail ? pstrdup(error->detail) : NULL;
	}
	if (error && error->sqlerrcode != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
		ReThrowError(error);
	if (error)
		ereport(NOTICE, (errmsg("model \"%s\": what version %d is worth was not measured",
								run->model, run->version.number),
						 errdetail_internal("%s.", error->message),
						 errhint("reco.options(measure => false) leaves it out.")));
	MemoryContextDelete(context);
	run->has_worth = error == NULL && measuring.measured;
	if (run->has_worth && (run->guard || reco_worth_is_told(&run->worth)))
		run->metrics = run->worth.metrics;
}

static bool
is_measured(const RecoRun *run)
{
	return run->guard || run->options.measure;
}

/* What a choice holds for. */
static RecoChoiceFor
choice_for(const RecoRun *run)
{
	const reco_csr *a = &run->data->x.by_user;

	return (RecoChoiceFor){
		.asked = run->spec,
		.items_query = run->definition.items,
		.users = a->rows,
		.items = a->cols,
		.interactions = a->start[a->rows],
	};
}

/* Why a choice is to be made; NULL: what the version before has still holds, *kept. */
static char *
why_choose(RecoRun *run, const RecoSpec **kept)
{
	RecoChoiceFor now = choice_for(run);
	char *why;

	if (run->before.number == 0)
		return pstrdup("the model is new");
	why = reco_choice_stale(run->before.choice, &now, reco_data_retune(&run->options));
	if (why || run->before.algorithm == NULL)
		return why ? why : pstrdup("none was chosen before");
	*kept = reco_spec_parse(run->before.algorithm);
	if (reco_spec_is_replaced(*kept) || reco_spec_is_open(*kept) ||
		((*kept)->features == RECO_FEATURES_REQUIRED && run->data->features == NULL))
		return pstrdup("what was chosen before is not known");
	if (!is_measured(run))
		return NULL;
	measure_worth(run, *kept);
	if (run->has_worth && reco_worth_fell(&run->worth, reco_choice_metrics(run->before.choice)))
		return psprintf("%s of what was chosen fell to %.4g", reco_metric_text(&run->worth.metric),
						run->worth.own.value);
	if (run->has_worth && run->worth.gain.value < -run->worth.gain.error)
		return psprintf("what was chosen is worth less than %s", run->worth.baseline);
	return NULL;
}

static const RecoSpec *
choose(RecoRun *run)
{
	const RecoSpec *kept = NULL;
	RecoChooser chooser = {
		.data = run->data,
		.set = &run->set,
		.budget = &run->budget,
		.model = run->model,
		.guard = run->metric,
		.progress = choosing,
		.progress_arg = run,
	};

	run->why_chosen = why_choose(run, &kept);
	if (run->why_chosen == NULL)
		return kept;
	run->has_worth = false;
	run->metrics = NULL;
	reco_choose(&chooser, run->spec, &run->choice);
	run->measured = run->has_worth = run->choice.has_worth;
	run->worth = run->choice.worth;
	if (run->has_worth && (run->guard || reco_worth_is_told(&run->worth)))
		run->metrics = run->worth.metrics;
	return run->choice.spec;
}

void
reco_step_choose(RecoRun *run)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);

	if (reco_spec_is_chosen(run->spec))
		reco_run_prepare(run, choose(run));
	else if (run->training.spec == NULL)
		reco_run_prepare(run, run->spec);
	MemoryContextSwitchTo(old);
}

void
reco_step_measure(RecoRun *run)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);

	if (!run->by_sql && !run->measured && is_measured(run))
		measure_worth(run, reco_spec_is_chosen(run->spec) ? run->training.spec : run->spec);
	MemoryContextSwitchTo(old);
}

Jsonb *
reco_run_choice(const RecoRun *run)
{
	RecoChoiceFor now = choice_for(run);

	if (run->made_of.number)
		return run->made_of.row.choice;
	if (!reco_spec_is_chosen(run->spec))
		return NULL;
	if (run->why_chosen == NULL)
		return reco_choice_keep(run->before.choice);
	return reco_choice_record(&run->choice, &now, run->version.number, run->why_chosen,
							  run->metrics);
}

void
reco_run_tell_worth(const RecoRun *run)
{
	if (reco_spec_is_chosen(run->spec) && !run->choice.fallback)
		ereport(NOTICE, (errmsg("model \"%s\" version %d: %s is %s", run->model,
								run->version.number, reco_spec_call(run->training.spec),
								run->why_chosen ? "what was chosen" : "kept"),
						 errhint("reco.describe(%s) shows what was tried.",
								 quote_literal_cstr(run->model))));
	if (run->has_worth && reco_worth_is_told(&run->worth))
		reco_worth_tell(&run->worth, run->spec, run->model, run->version.number);
}
