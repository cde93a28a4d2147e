/*
 * ease.c
 *	  reco.ease(): a linear model between items in closed form.
 *
 * The mathematics is in core/regression/ease.h, scoring in item_lists.h; here are the options and
 * the memory.
 */
#include "model/item_lists.h"

#include "core/regression/ease.h"

#include <math.h>

#define FIELD(name) offsetof(reco_ease_params, name)

static const reco_option ease_options[] = {
	{"regularization", RECO_OPTION_REAL, FIELD(regularization), 0, RECO_EASE_LEAST, RECO_EASE_MOST,
	 NULL, true},
	{"neighbors", RECO_OPTION_INT, FIELD(neighbors), 0, 1, 10000, NULL, true},
	{NULL},
};

static const reco_ease_params *
kernel_params(const RecoTraining *training)
{
	return training->spec->params;
}

static void
ease_choose(const RecoTraining *training, void *params)
{
	reco_shape shape = reco_training_shape(training, false);

	reco_ease_choose(&shape, params);
}

static bool
ease_parallel(const RecoTraining *training)
{
	return true;
}

static size_t
ease_memory(const RecoTraining *training)
{
	return reco_training_by_item_memory(training) + reco_ease_memory(kernel_params(training),
																	 training->by_user.cols,
																	 training->budget->env.threads);
}

static void
inverted(void *arg, int32_t step, int32_t steps)
{
	reco_training_report(arg, step, steps, NAN);
}

static void
ease_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out)
{
	RecoBudget *budget = training->budget;
	reco_neighbors lists;

	reco_budget_check(budget,
					  reco_ease_fit(&budget->env, kernel_params(training), &training->by_user,
									reco_training_by_item(training), inverted,
									unconstify(RecoTraining *, training), &lists),
					  "training");
	reco_training_by_item_done(training);
	member->part[ITEM_LISTS] = reco_lists_part(&lists);
}

static const RecoPartType *
ease_parts(const RecoSpec *spec, int *n)
{
	RecoPartType *type = palloc0(ITEM_LIST_PARTS * sizeof(RecoPartType));

	item_list_parts(type);
	*n = ITEM_LIST_PARTS;
	return type;
}

static void
ease_prepare(RecoModel *model, RecoMember *member, bool serving, RecoBudget *budget)
{
	item_lists_followers(model, member, true, budget);
	if (serving)
		item_lists_similar(member, true, budget);
}

static reco_scorer *
ease_scorer(const RecoModel *model, const RecoMember *member)
{
	reco_sum_scorer sums = {.head = reco_scorer_head(&reco_list_scorer_type, model, false)};

	return item_lists_scorer(model, member, sums);
}

/* Of more items it takes several factorizations: the time grows as their cube. */
#define PORTFOLIO_ITEMS 2048

static List *
ease_candidates(const RecoTraining *training, bool portfolio)
{
	static const double times[] = {0.25, 0.5, 1, 2, 4};
	reco_ease_params chosen = {.regularization = NAN};
	List *grid = NIL;

	if (portfolio)
		return training->by_user.cols <= PORTFOLIO_ITEMS ? list_make1(pstrdup("{}")) : NIL;
	ease_choose(training, &chosen);
	for (int t = 0; t < lengthof(times); t++)
		grid =
			lappend(grid, psprintf("{\"regularization\": %.3g}", times[t] * chosen.regularization));
	return grid;
}

const RecoAlgorithm reco_algorithm_ease = {
	.name = "ease",
	.negative = "counts against the item",
	.source = "model",
	.reads = reco_reads_items,
	.options = ease_options,
	.choose = ease_choose,
	.candidates = ease_candidates,
	.params_size = sizeof(reco_ease_params),
	.parallel = ease_parallel,
	.memory = ease_memory,
	.fit = ease_fit,
	.parts = ease_parts,
	.prepare = ease_prepare,
	.index = item_lists_index,
	.scorer = ease_scorer,
};
