/*
 * measure.c
 *	  What an algorithm would have recommended, against what was hidden from it.
 *
 * Hides a part of every user's interactions, trains on the rest and measures, over all
 * items that the user does not have in the training part, what of the hidden part is
 * found; where an algorithm predicts values, also how far off they are.
 *
 * A repeated pair is one interaction before the split, so it is never in both parts.
 * Hidden interactions with a value of 0 or below count where values are predicted, but
 * are nothing that a list should find.  A user with a single interaction stays in
 * training and is not measured.
 *
 * Cost: a training, and a list for every user, which core/scoring/engine.h shares out among
 *threads.
 */
#include "evaluation/measure.h"

#include "core/ranking/split.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/memutils.h"

#include <math.h>

/* Users times items: from about a millisecond of lists on. */
#define WORK_WORTH_THREADS 1e6

/* Items by how many users of the training part have them. */
static void
rank_by_users(RecoMeasurement *e)
{
	const reco_csr *a = &e->train.by_user;
	float *users = reco_zeros(e->budget, a->cols);

	for (int64 k = 0; k < a->start[a->rows]; k++)
	{
		if (a->value == NULL || a->value[k] > 0)
			users[a->col[k]]++;
		RECO_POLL_AT(k);
	}
	e->popular = reco_budget_alloc(e->budget, ((Size) a->cols + 1) * sizeof(reco_ranked));
	(void) reco_top_n(&reco_poll_env, users, a->cols, NULL, a->cols, e->popular);
	reco_budget_free(e->budget, users);
}

bool
reco_measure_split(RecoMeasurement *e, double fraction, uint64 seed)
{
	const reco_csr *hidden = &e->hidden.by_user;

	reco_budget_check(
		e->budget, reco_split(&e->budget->env, &e->data->x, fraction, seed, &e->train, &e->hidden),
		"an evaluation");
	reco_training_set_init(&e->set, &e->train, e->budget);
	rank_by_users(e);
	return hidden->start[hidden->rows] > 0;
}

static void
report_all(RecoMeasurement *e, const char *name, const reco_evaluation_sums *sums, int32 items)
{
	int32 n = sums->users;

	if (sums->predicted > 0)
	{
		e->report(e->report_arg, name, "rmse", 0, sqrt(sums->squared / sums->predicted),
				  sums->predicted_users);
		e->report(e->report_arg, name, "mae", 0, sums->absolute / sums->predicted,
				  sums->predicted_users);
	}
	for (int c = 0; c < e->cutoffs && n > 0; c++)
	{
		e->report(e->report_arg, name, "precision", e->cutoff[c], sums->at[c].precision / n, n);
		e->report(e->report_arg, name, "recall", e->cutoff[c], sums->at[c].recall / n, n);
		e->report(e->report_arg, name, "ndcg", e->cutoff[c], sums->at[c].ndcg / n, n);
		e->report(e->report_arg, name, "hit_rate", e->cutoff[c], sums->at[c].hit / n, n);
		e->report(e->report_arg, name, "coverage", e->cutoff[c], (double) sums->shown[c] / items,
				  n);
	}
}

/* A user of a model that is not in tables.  On any thread. */
static void
training_user(void *arg, int64 u, reco_profile *profile)
{
	const RecoModel *model = arg;

	reco_model_profile(model, &model->by_user, (int32) u, profile);
}

/* A trained model against what was hidden from it. */
static void
evaluate(RecoMeasurement *e, RecoModel *model, RecoBudget *budget)
{
	const RecoSpec *spec = model->spec;
	reco_evaluation evaluation = {
		.profile = training_user,
		.arg = model,
		.hidden = e->hidden.by_user,
		.worth = e->hidden.by_user.value,
		.predicts = spec->predicts_value,
		.truth = reco_spec_values(spec, e->hidden.by_user.value, e->hidden.latest),
		.filler = e->popular,
		.fillers = model->items,
		.cutoffs = e->cutoffs,
		.cutoff = e->cutoff,
	};
	reco_evaluation_sums sums;
	Size memory;

	reco_model_prepare(model, false, budget);
	if ((double) model->users * model->items >= WORK_WORTH_THREADS)
		reco_budget_threads(budget);
	evaluation.scorer = reco_model_scorer(model);
	memory = reco_evaluation_bytes(&evaluation, budget->env.threads);
	reco_budget_require(budget, memory, "an evaluation");
	/* the index has what that leaves */
	budget->limit -= memory;
	reco_model_index(model, budget);
	budget->limit += memory;
	evaluation.scorer = reco_model_scorer(model);
	reco_budget_check(budget, reco_evaluation_run(&budget->env, &evaluation, &sums),
					  "an evaluation");
	report_all(e, reco_spec_describe(spec), &sums, model->items);
}

/* Its memory goes with its context. */
static void
measure_one(RecoMeasurement *e, const RecoSpec *spec)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco evaluation", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	RecoBudget budget;
	RecoTraining training = reco_training_of(spec, &e->set, &budget, e->data->features);
	RecoTrained trained;
	instr_time start;
	instr_time trained_at;
	instr_time end;

	INSTR_TIME_SET_CURRENT(start);
	reco_budget_init(&budget, context);
	budget.limit -= Min(budget.limit, e->budget->used);
	reco_training_threads(&training);
	reco_budget_require(&budget, spec->algorithm->memory(&training), "training");
	reco_training_fit(&training, &trained);
	INSTR_TIME_SET_CURRENT(trained_at);
	trained.model.by_user = training.by_user;
	evaluate(e, &trained.model, &budget);
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, trained_at);
	INSTR_TIME_SUBTRACT(trained_at, start);
	elog(DEBUG1, "%s: %.3f s of training, %.3f s of measuring", reco_spec_describe(spec),
		 INSTR_TIME_GET_DOUBLE(trained_at), INSTR_TIME_GET_DOUBLE(end));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

void
reco_measure_all(RecoMeasurement *e, const List *specs)
{
	ListCell *cell;

	foreach (cell, specs)
		reco_training_set_expect(&e->set, lfirst(cell));
	foreach (cell, specs)
		measure_one(e, lfirst(cell));
}
