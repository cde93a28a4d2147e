/*
 * svd.c
 *	  reco.svd(): PureSVD, lists by a truncated singular value decomposition.
 *
 * The mathematics is in core/svd/svd.c and core/scoring/score_svd.c; here are the options and
 * the memory.
 */
#include "model/factors.h"

#include "core/scoring/score_svd.h"
#include "core/svd/svd.h"

#include <math.h>

typedef struct SvdParams
{
	int factors;
	int oversampling;
	int power_iterations;
	uint64_t seed;
} SvdParams;

#define FIELD(name) offsetof(SvdParams, name)

static const reco_option svd_options[] = {
	{"factors", RECO_OPTION_INT, FIELD(factors), 100, 1, RECO_SVD_MAX_FACTORS, NULL},
	{"oversampling", RECO_OPTION_INT, FIELD(oversampling), 10, 0, RECO_SVD_MAX_OVERSAMPLING, NULL},
	{"power_iterations", RECO_OPTION_INT, FIELD(power_iterations), 4, 0, 1000, NULL},
	{"seed", RECO_OPTION_SEED, FIELD(seed), 42, 0, FACTOR_MAX_SEED, NULL},
	{NULL},
};

static reco_svd_params
kernel_params(const RecoSpec *spec)
{
	const SvdParams *params = spec->params;

	return (reco_svd_params){
		.factors = params->factors,
		.oversampling = params->oversampling,
		.power_iterations = params->power_iterations,
		.seed = params->seed,
	};
}

static bool
svd_parallel(const RecoTraining *training)
{
	return factor_worth_threads(training, kernel_params(training->spec).factors);
}

static size_t
svd_memory(const RecoTraining *training)
{
	reco_svd_params params = kernel_params(training->spec);
	const reco_csr *a = &training->by_user;

	return reco_training_by_item_memory(training) +
		   reco_svd_memory(&params, a, training->budget->env.threads);
}

static void
iterated(void *arg, int iteration)
{
	const RecoTraining *training = arg;

	reco_training_report(training, iteration, kernel_params(training->spec).power_iterations + 1,
						 NAN);
}

static void
svd_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out)
{
	RecoBudget *budget = training->budget;
	reco_svd_params params = kernel_params(training->spec);
	reco_svd svd;

	factor_check_library(budget);
	if (training->base)
		reco_budget_check(budget,
						  reco_svd_extend(&budget->env, &params, &training->by_user,
										  reco_training_by_item(training),
										  training->base_member->part[FACTOR_ITEM].data,
										  training->base->item, &svd),
						  "training");
	else
		reco_budget_check(budget,
						  reco_svd_fit(&budget->env, &params, &training->by_user,
									   reco_training_by_item(training), iterated,
									   unconstify(RecoTraining *, training), &svd),
						  "training");
	reco_training_by_item_done(training);

	member->part[FACTOR_ITEM] = reco_vector_part(&member->type[FACTOR_ITEM], svd.items, svd.item);
	member->part[FACTOR_USER] = reco_vector_part(&member->type[FACTOR_USER], svd.users, svd.user);
	if (training->base)
		return;
	member->losses = 1;
	member->loss = reco_zeros(budget, 1);
	member->loss[0] = (float) svd.residual;
	reco_budget_free(budget, svd.singular);
}

static const RecoPartType *
svd_parts(const RecoSpec *spec, int *n)
{
	RecoPartType *type = palloc0(FACTOR_PARTS * sizeof(RecoPartType));

	factor_parts(type, kernel_params(spec).factors);
	*n = FACTOR_PARTS;
	return type;
}

static void
svd_index(RecoModel *model, RecoMember *member, RecoBudget *budget)
{
	factor_index(model, member, NULL, budget);
}

static reco_scorer *
svd_scorer(const RecoModel *model, const RecoMember *member)
{
	reco_factor_scorer *scorer = palloc0(sizeof(reco_factor_scorer));

	*scorer = factor_scorer_of(&reco_svd_scorer_type, model, member, NULL, false);
	return &scorer->head;
}

static List *
svd_candidates(const RecoTraining *training, bool portfolio)
{
	static const int factors[] = {8, 16, 32, 64, 128, 256};
	List *grid = NIL;

	for (int f = 0; f < lengthof(factors) && !portfolio; f++)
		grid = lappend(grid, psprintf("{\"factors\": %d}", factors[f]));
	return grid;
}

const RecoAlgorithm reco_algorithm_svd = {
	.name = "svd",
	.negative = "draws away from the item",
	.source = "model",
	.reads = reco_reads_items,
	.options = svd_options,
	.candidates = svd_candidates,
	.params_size = sizeof(SvdParams),
	.parallel = svd_parallel,
	.memory = svd_memory,
	.fit = svd_fit,
	.parts = svd_parts,
	.index = svd_index,
	.scorer = svd_scorer,
};
