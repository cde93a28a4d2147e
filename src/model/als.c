/*
 * als.c
 *	  Factor models: reco.ials() for counts and clicks, reco.als() for ratings.
 *
 * The mathematics is in core/als/als.c and core/scoring/score_factors.c; here are the options and
 *the memory.
 */
#include "model/factors.h"

typedef struct FactorParams
{
	int factors;
	double regularization;
	double alpha;
	int iterations;
	bool weighted_regularization;
	bool biases;
	bool clip;
	int solver;
	uint64_t seed;
} FactorParams;

/* In the order of reco_als_solver. */
static const char *const solvers[] = {"auto", "cholesky", "cg", NULL};

#define FIELD(name) offsetof(FactorParams, name)

static const reco_option ials_options[] = {
	{"factors", RECO_OPTION_INT, FIELD(factors), 64, 1, RECO_ALS_MAX_FACTORS, NULL},
	{"regularization", RECO_OPTION_REAL, FIELD(regularization), 0.01, 1e-9, 1e9, NULL},
	{"alpha", RECO_OPTION_REAL, FIELD(alpha), 1, 1e-9, 1e6, NULL},
	{"iterations", RECO_OPTION_INT, FIELD(iterations), 15, 1, 10000, NULL},
	{"weighted_regularization", RECO_OPTION_BOOL, FIELD(weighted_regularization), false, 0, 1,
	 NULL},
	{"solver", RECO_OPTION_ENUM, FIELD(solver), RECO_ALS_AUTO, 0, 0, solvers},
	{"seed", RECO_OPTION_SEED, FIELD(seed), 42, 0, FACTOR_MAX_SEED, NULL},
	{NULL},
};

static const reco_option als_options[] = {
	{"factors", RECO_OPTION_INT, FIELD(factors), 64, 1, RECO_ALS_MAX_FACTORS, NULL},
	{"regularization", RECO_OPTION_REAL, FIELD(regularization), 0.1, 1e-9, 1e9, NULL},
	{"iterations", RECO_OPTION_INT, FIELD(iterations), 15, 1, 10000, NULL},
	{"biases", RECO_OPTION_BOOL, FIELD(biases), true, 0, 1, NULL},
	{"clip", RECO_OPTION_BOOL, FIELD(clip), true, 0, 1, NULL},
	{"solver", RECO_OPTION_ENUM, FIELD(solver), RECO_ALS_AUTO, 0, 0, solvers},
	{"seed", RECO_OPTION_SEED, FIELD(seed), 42, 0, FACTOR_MAX_SEED, NULL},
	{NULL},
};

static const FactorParams *
params_of(const RecoSpec *spec)
{
	return spec->params;
}

static reco_als_params
kernel_params(const RecoSpec *spec)
{
	const FactorParams *params = params_of(spec);

	return (reco_als_params){
		.implicit = !spec->predicts_value,
		.factors = params->factors,
		.regularization = params->regularization,
		.alpha = params->alpha,
		.weighted_regularization = params->weighted_regularization,
		.biases = params->biases,
		.iterations = params->iterations,
		.solver = (reco_als_solver) params->solver,
		.seed = params->seed,
	};
}

/*
 * For those who solve single rows outside a model.  False: the algorithm has no
 * factors.
 */
bool
reco_als_params_of(const RecoSpec *spec, reco_als_params *params)
{
	if (spec->algorithm != &reco_algorithm_ials && spec->algorithm != &reco_algorithm_als)
		return false;
	*params = kernel_params(spec);
	return true;
}

static bool
factor_parallel(const RecoTraining *training)
{
	return factor_worth_threads(training, params_of(training->spec)->factors);
}

static size_t
factor_memory(const RecoTraining *training)
{
	reco_als_params params = kernel_params(training->spec);
	const reco_csr *a = &training->by_user;

	return reco_training_by_item_memory(training) +
		   reco_als_memory(&params, a, training->budget->env.threads);
}

typedef struct Progress
{
	const RecoTraining *training;
	int iterations;
} Progress;

static void
report_iteration(void *arg, int iteration, double loss)
{
	Progress *progress = arg;

	reco_training_report(progress->training, iteration, progress->iterations, loss);
}

static void
factor_fit(const RecoTraining *training, RecoTrained *out)
{
	RecoBudget *budget = training->budget;
	reco_als_params params = kernel_params(training->spec);
	Progress progress = {training, params.iterations};
	reco_factors factors;
	double *loss;

	factor_check_library(budget);
	loss = reco_budget_alloc(budget, params.iterations * sizeof(double));
	reco_budget_check(budget,
					  reco_als_fit(&budget->env, &params, &training->by_user,
								   reco_training_by_item(training), report_iteration, &progress,
								   loss, &factors),
					  "training");
	reco_training_by_item_done(training);

	memset(out, 0, sizeof(*out));
	out->users = factors.users;
	out->user = factors.user;
	out->user_bias = factors.user_bias ? factors.user_bias : reco_zeros(budget, factors.users);
	out->model = (RecoModel){
		.spec = training->spec,
		.items = factors.items,
		.factors = factors.factors,
		.stride = factors.stride,
		.item = factors.item,
		.item_bias = factors.item_bias ? factors.item_bias : reco_zeros(budget, factors.items),
		.mean = factors.mean,
	};
	reco_value_range(&training->by_user, &out->model.min_value, &out->model.max_value);
	out->losses = params.iterations;
	out->loss = reco_budget_alloc(budget, params.iterations * sizeof(float));
	for (int i = 0; i < params.iterations; i++)
		out->loss[i] = (float) loss[i];
	reco_budget_free(budget, loss);
}

static bool
factor_fits(const RecoModel *model)
{
	return model->factors == params_of(model->spec)->factors;
}

static void
factor_prepare(RecoModel *model, RecoBudget *budget)
{
	if (model->spec->predicts_value || model->factors == 0)
		return;
	model->gram = reco_budget_alloc(budget, sizeof(double) * model->factors * model->factors);
	reco_budget_check(budget,
					  reco_als_gram(&budget->env, model->item, model->items, model->factors,
									model->stride, model->gram),
					  "the model");
}

static reco_scorer *
factor_scorer(const RecoModel *model)
{
	reco_als_scorer *scorer = palloc0(sizeof(reco_als_scorer));
	bool clip = model->spec->predicts_value && params_of(model->spec)->clip;

	scorer->factor = factor_scorer_of(&reco_als_scorer_type, model, clip);
	scorer->params = kernel_params(model->spec);
	scorer->gram = model->gram;
	return &scorer->factor.head;
}

static bool
als_predicts_value(const RecoSpec *spec)
{
	return true;
}

/* What the two have in common. */
#define FACTOR_MODEL                                                                               \
	.source = "model", .inner_product = factor_inner_product, .reads = reco_reads_items,           \
	.params_size = sizeof(FactorParams), .parallel = factor_parallel, .memory = factor_memory,     \
	.fit = factor_fit, .fits = factor_fits, .prepare = factor_prepare, .scorer = factor_scorer

const RecoAlgorithm reco_algorithm_ials = {
	.name = "ials",
	.options = ials_options,
	.needs = RECO_NEEDS_GRAM,
	FACTOR_MODEL,
};

const RecoAlgorithm reco_algorithm_als = {
	.name = "als",
	.options = als_options,
	.predicts_value = als_predicts_value,
	FACTOR_MODEL,
};
