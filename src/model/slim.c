/*
 * slim.c
 *	  reco.slim(): a sparse linear model between items.
 *
 * The mathematics is in core/regression/slim.h, scoring in item_lists.h; here are the options and
 * the memory.
 */
#include "model/item_lists.h"

#include "core/regression/slim.h"

#include <math.h>

#define FIELD(name) offsetof(reco_slim_params, name)

static const reco_option slim_options[] = {
	{"l1", RECO_OPTION_REAL, FIELD(l1), 0, 0, RECO_SLIM_MOST, NULL, true},
	{"l2", RECO_OPTION_REAL, FIELD(l2), 0, RECO_SLIM_LEAST, RECO_SLIM_MOST, NULL, true},
	{"neighbors", RECO_OPTION_INT, FIELD(neighbors), 0, 1, 10000, NULL, true},
	{"positive", RECO_OPTION_BOOL, FIELD(positive), true, 0, 1, NULL},
	{NULL},
};

static const reco_slim_params *
kernel_params(const RecoTraining *training)
{
	return training->spec->params;
}

static void
slim_choose(const RecoTraining *training, void *params)
{
	reco_shape shape = reco_training_shape(training, false);

	reco_slim_choose(&shape, params);
}

static bool
slim_parallel(const RecoTraining *training)
{
	return true;
}

static size_t
slim_memory(const RecoTraining *training)
{
	return reco_training_by_item_memory(training) + reco_slim_memory(kernel_params(training),
																	 &training->by_user,
																	 training->budget->env.threads);
}

static void
solved(void *arg, int32_t done, int32_t items)
{
	reco_training_report(arg, done, items, NAN);
}

static void
slim_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out)
{
	RecoBudget *budget = training->budget;
	reco_neighbors lists;

	reco_budget_check(budget,
					  reco_slim_fit(&budget->env, kernel_params(training), &training->by_user,
									reco_training_by_item(training), solved,
									unconstify(RecoTraining *, training), &lists),
					  "training");
	reco_training_by_item_done(training);
	member->part[ITEM_LISTS] = reco_lists_part(&lists);
}

static const RecoPartType *
slim_parts(const RecoSpec *spec, int *n)
{
	RecoPartType *type = palloc0(ITEM_LIST_PARTS * sizeof(RecoPartType));

	item_list_parts(type);
	*n = ITEM_LIST_PARTS;
	return type;
}

static void
slim_prepare(RecoModel *model, RecoMember *member, bool serving, RecoBudget *budget)
{
	item_lists_followers(model, member, false, budget);
	if (serving)
		item_lists_similar(member, false, budget);
}

static reco_scorer *
slim_scorer(const RecoModel *model, const RecoMember *member)
{
	reco_sum_scorer sums = {.head = reco_scorer_head(&reco_list_scorer_type, model, false)};

	return item_lists_scorer(model, member, sums);
}

/* Items that an interaction's user has in the mean: of more, slim takes many factorizations. */
#define PORTFOLIO_COMPANY 32

static bool
is_cheap(const reco_csr *a)
{
	double pairs = 0;

	for (int32_t u = 0; u < a->rows; u++)
	{
		double n = (double) (a->start[u + 1] - a->start[u]);

		pairs += n * n;
	}
	return pairs <= PORTFOLIO_COMPANY * (double) a->start[a->rows];
}

static List *
slim_candidates(const RecoTraining *training, bool portfolio)
{
	static const double times[] = {0.25, 1, 4};
	reco_slim_params chosen = {.l1 = NAN, .l2 = NAN};
	List *grid = NIL;

	if (portfolio)
		return is_cheap(&training->by_user) ? list_make1(pstrdup("{}")) : NIL;
	slim_choose(training, &chosen);
	for (int a = 0; a < lengthof(times); a++)
		for (int b = 0; b < lengthof(times); b++)
			grid = lappend(grid, psprintf("{\"l1\": %.3g, \"l2\": %.3g}", times[a] * chosen.l1,
										  times[b] * chosen.l2));
	return grid;
}

const RecoAlgorithm reco_algorithm_slim = {
	.name = "slim",
	.negative = "counts against the item",
	.source = "model",
	.reads = reco_reads_items,
	.options = slim_options,
	.choose = slim_choose,
	.candidates = slim_candidates,
	.params_size = sizeof(reco_slim_params),
	.parallel = slim_parallel,
	.memory = slim_memory,
	.fit = slim_fit,
	.parts = slim_parts,
	.prepare = slim_prepare,
	.index = item_lists_index,
	.scorer = slim_scorer,
};
