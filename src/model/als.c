/*
 * als.c
 *	  Factor models: reco.ials() for counts and clicks, reco.als() for ratings.
 *
 * The mathematics is in core/als/als.c and core/scoring/score_factors.c; here are the options and
 * the memory.
 */
#include "model/als_features.h"
#include "model/als_prior.h"

#include "core/als/als_choose.h"

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
	int features;
	const char *prior;
	int engine;
	const char *work;
} FactorParams;

/* Where a model is trained. */
typedef enum Engine
{
	ENGINE_MEMORY,
	ENGINE_SQL
} Engine;

static const char *const engines[] = {"memory", "sql", NULL};

/* In the order of reco_als_solver. */
static const char *const solvers[] = {"auto", "cholesky", "cg", NULL};

#define FIELD(name) offsetof(FactorParams, name)

static const reco_option ials_options[] = {
	{"factors", RECO_OPTION_INT, FIELD(factors), 64, 1, RECO_ALS_MAX_FACTORS, NULL},
	{"regularization", RECO_OPTION_REAL, FIELD(regularization), 0, RECO_ALS_LEAST,
	 RECO_ALS_MOST_REGULARIZATION, NULL, true},
	{"alpha", RECO_OPTION_REAL, FIELD(alpha), 0, RECO_ALS_LEAST, RECO_ALS_MOST_ALPHA, NULL, true},
	{"iterations", RECO_OPTION_INT, FIELD(iterations), 15, 1, 10000, NULL},
	{"weighted_regularization", RECO_OPTION_BOOL, FIELD(weighted_regularization), false, 0, 1,
	 NULL},
	{"solver", RECO_OPTION_ENUM, FIELD(solver), RECO_ALS_AUTO, 0, 0, solvers},
	{"seed", RECO_OPTION_SEED, FIELD(seed), 42, 0, FACTOR_MAX_SEED, NULL},
	{"features", RECO_OPTION_ENUM, FIELD(features), RECO_ALS_FEATURES_AUTO, 0, 0,
	 reco_als_features_names},
	{"prior", RECO_OPTION_TEXT, FIELD(prior), 0, 0, 0, NULL},
	{"engine", RECO_OPTION_ENUM, FIELD(engine), ENGINE_MEMORY, 0, 0, engines},
	{"work", RECO_OPTION_TEXT, FIELD(work), 0, 0, 0, NULL},
	{NULL},
};

static const reco_option als_options[] = {
	{"factors", RECO_OPTION_INT, FIELD(factors), 64, 1, RECO_ALS_MAX_FACTORS, NULL},
	{"regularization", RECO_OPTION_REAL, FIELD(regularization), 0.1, RECO_ALS_LEAST,
	 RECO_ALS_MOST_REGULARIZATION, NULL},
	{"iterations", RECO_OPTION_INT, FIELD(iterations), 15, 1, 10000, NULL},
	{"biases", RECO_OPTION_BOOL, FIELD(biases), true, 0, 1, NULL},
	{"clip", RECO_OPTION_BOOL, FIELD(clip), true, 0, 1, NULL},
	{"solver", RECO_OPTION_ENUM, FIELD(solver), RECO_ALS_AUTO, 0, 0, solvers},
	{"seed", RECO_OPTION_SEED, FIELD(seed), 42, 0, FACTOR_MAX_SEED, NULL},
	{"features", RECO_OPTION_ENUM, FIELD(features), RECO_ALS_FEATURES_AUTO, 0, 0,
	 reco_als_features_names},
	{"prior", RECO_OPTION_TEXT, FIELD(prior), 0, 0, 0, NULL},
	{"engine", RECO_OPTION_ENUM, FIELD(engine), ENGINE_MEMORY, 0, 0, engines},
	{"work", RECO_OPTION_TEXT, FIELD(work), 0, 0, 0, NULL},
	{NULL},
};

/*
 * Parts beside those of every factor model: of ials, and of als, whose last two are its biases.
 * The centers of users, where there is a prior, follow.
 */
enum
{
	IALS_GRAM = FACTOR_PARTS,
	IALS_PARTS,
	ALS_MEAN = FACTOR_PARTS,
	ALS_ITEM_BIAS,
	ALS_USER_BIAS,
	ALS_PARTS
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

bool
reco_als_by_sql(const RecoSpec *spec, const char **work)
{
	if (spec->algorithm != &reco_algorithm_ials && spec->algorithm != &reco_algorithm_als)
		return false;
	if (work)
		*work = params_of(spec)->work;
	return params_of(spec)->engine == ENGINE_SQL;
}

/* What a training by SQL alone does not do. */
static void
factor_check(const void *value)
{
	const FactorParams *params = value;
	const char *other = NULL;

	if (params->engine == ENGINE_MEMORY && params->work)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"work\" goes with engine => 'sql' only")));
	if (params->engine == ENGINE_MEMORY)
		return;
	if (params->prior)
		other = "prior";
	else if (params->features == RECO_ALS_FEATURES_RIDGE)
		other = "features => 'ridge'";
	else if (params->solver == RECO_ALS_CG)
		other = "solver => 'cg'";
	if (other)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("%s does not go with engine => 'sql'", other),
						errhint("Leave it out, or train with engine => 'memory'.")));
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
		   reco_als_memory(&params, a, training->budget->env.threads) +
		   reco_als_features_memory(training, params_of(training->spec)->features) +
		   reco_als_prior_memory(training, params_of(training->spec)->prior, &params);
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

static const float *
bias_of(const RecoMember *member, int part)
{
	return params_of(member->spec)->biases ? member->part[part].data : NULL;
}

/* alpha and regularization of ials, where they are left open. */
static void
choose_by(const reco_shape *shape, FactorParams *params)
{
	reco_als_params chosen = {
		.alpha = params->alpha,
		.regularization = params->regularization,
		.weighted_regularization = params->weighted_regularization,
	};

	reco_als_choose(shape, &chosen);
	params->alpha = chosen.alpha;
	params->regularization = chosen.regularization;
}

/* Puts factors, and biases where there are some, into the parts of the member. */
static void
take_factors(RecoMember *member, RecoBudget *budget, reco_factors *factors)
{
	member->part[FACTOR_ITEM] =
		reco_vector_part(&member->type[FACTOR_ITEM], factors->items, factors->item);
	member->part[FACTOR_USER] =
		reco_vector_part(&member->type[FACTOR_USER], factors->users, factors->user);
	if (member->spec->predicts_value)
	{
		double *mean = reco_budget_alloc(budget, sizeof(double));

		*mean = factors->mean;
		member->part[ALS_MEAN] = reco_vector_part(&member->type[ALS_MEAN], 1, mean);
	}
	if (factors->item_bias)
	{
		member->part[ALS_ITEM_BIAS] =
			reco_vector_part(&member->type[ALS_ITEM_BIAS], factors->items, factors->item_bias);
		member->part[ALS_USER_BIAS] =
			reco_vector_part(&member->type[ALS_USER_BIAS], factors->users, factors->user_bias);
	}
}

void
reco_als_model(const RecoSpec *spec, RecoBudget *budget, reco_factors *factors, RecoModel *model)
{
	model->spec = spec;
	model->items = factors->items;
	model->members = reco_members_make(spec, &model->member);
	take_factors(&model->member[0], budget, factors);
}

RecoSpec *
reco_als_chosen(const RecoSpec *spec, const reco_shape *shape)
{
	RecoSpec *chosen = palloc(sizeof(RecoSpec));
	FactorParams *params = palloc(sizeof(FactorParams));

	*params = *params_of(spec);
	if (spec->algorithm == &reco_algorithm_ials)
		choose_by(shape, params);
	*chosen = *spec;
	chosen->params = params;
	return chosen;
}

/* What a version has of items, as the kernel takes it. */
static reco_factors
base_factors(const RecoTraining *training)
{
	const RecoMember *member = training->base_member;
	const RecoPart *item = &member->part[FACTOR_ITEM];
	reco_factors f = {
		.items = training->base->model->items,
		.factors = member->type[FACTOR_ITEM].width,
		.stride = item->stride,
		.item = item->data,
	};

	if (member->spec->predicts_value)
	{
		f.mean = *(const double *) member->part[ALS_MEAN].data;
		f.item_bias = unconstify(float *, bias_of(member, ALS_ITEM_BIAS));
	}
	return f;
}

/* Factors by all iterations of a training, whose losses are the member's. */
static reco_status
train_factors(const RecoTraining *training, const reco_als_params *params, const float *center,
			  RecoMember *member, reco_factors *factors)
{
	RecoBudget *budget = training->budget;
	Progress progress = {training, params->iterations};
	double *loss = reco_budget_alloc(budget, params->iterations * sizeof(double));
	reco_status status =
		reco_als_fit(&budget->env, params, &training->by_user, reco_training_by_item(training),
					 center, report_iteration, &progress, loss, factors);

	member->losses = params->iterations;
	member->loss = reco_budget_alloc(budget, params->iterations * sizeof(float));
	for (int i = 0; i < params->iterations && status == RECO_OK; i++)
		member->loss[i] = (float) loss[i];
	reco_budget_free(budget, loss);
	return status;
}

/* Factors of items that are new, beside those that the base has. */
static reco_status
extend_factors(const RecoTraining *training, const reco_als_params *params, const float *center,
			   reco_factors *factors)
{
	reco_factors known = base_factors(training);
	reco_als_base base = {&known, training->base->item};

	return reco_als_extend(&training->budget->env, params, &training->by_user,
						   reco_training_by_item(training), center, &base, factors);
}

static void
factor_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out)
{
	RecoBudget *budget = training->budget;
	reco_als_params params = kernel_params(training->spec);
	const char *prior = params_of(training->spec)->prior;
	reco_factors factors;
	float *center;

	factor_check_library(budget);
	center = reco_als_prior_centers(training, prior, &params);
	reco_budget_check(budget,
					  training->base ? extend_factors(training, &params, center, &factors)
									 : train_factors(training, &params, center, member, &factors),
					  "training");
	reco_als_features_fit(training, params_of(training->spec)->features,
						  reco_training_by_item(training), &factors);
	reco_budget_check(
		budget, reco_als_take_centers(&budget->env, &params, &training->by_user, center, &factors),
		"training");
	reco_training_by_item_done(training);

	take_factors(member, budget, &factors);
	if (center)
		member->part[member->parts - 1] =
			reco_vector_part(&member->type[member->parts - 1], factors.users, center);
}

/* Returns how many parts it adds. */
static int
add_center(const RecoSpec *spec, RecoPartType *type)
{
	reco_als_params params = kernel_params(spec);

	if (params_of(spec)->prior == NULL)
		return 0;
	*type = reco_als_prior_part_type(&params);
	return 1;
}

static const RecoPartType *
ials_parts(const RecoSpec *spec, int *n)
{
	int factors = params_of(spec)->factors;
	RecoPartType *type = palloc0((IALS_PARTS + 1) * sizeof(RecoPartType));

	factor_parts(type, factors);
	type[IALS_GRAM] = (RecoPartType){
		.name = "gram",
		.side = RECO_OF_MODEL,
		.element = RECO_FLOAT8,
		.rows = factors,
		.width = factors,
		.kept = RECO_DERIVED,
	};
	*n = IALS_PARTS + add_center(spec, &type[IALS_PARTS]);
	return type;
}

static const RecoPartType *
als_parts(const RecoSpec *spec, int *n)
{
	RecoPartType *type = palloc0((ALS_PARTS + 1) * sizeof(RecoPartType));

	factor_parts(type, params_of(spec)->factors);
	reco_bias_parts(&type[ALS_MEAN]);
	*n = params_of(spec)->biases ? ALS_PARTS : ALS_ITEM_BIAS;
	*n += add_center(spec, &type[*n]);
	return type;
}

/* For fold-in. */
static void
ials_prepare(RecoModel *model, RecoMember *member, bool serving, RecoBudget *budget)
{
	const RecoPart *item = &member->part[FACTOR_ITEM];
	int factors = member->type[FACTOR_ITEM].width;
	double *gram;

	if (!serving)
		return;
	gram = reco_budget_alloc(budget, sizeof(double) * factors * factors);
	if (model->interactions && member->spec->features != RECO_FEATURES_NONE)
		reco_als_features_gram(model, member, gram, budget);
	else
		reco_budget_check(
			budget,
			reco_als_gram(&budget->env, item->data, model->items, factors, item->stride, gram),
			"the model");
	member->part[IALS_GRAM] = reco_vector_part(&member->type[IALS_GRAM], factors, gram);
}

static void
make_index(RecoModel *model, RecoMember *member, RecoBudget *budget)
{
	factor_index(model, member, bias_of(member, ALS_ITEM_BIAS), budget);
}

static reco_scorer *
factor_scorer(const RecoModel *model, const RecoMember *member)
{
	reco_als_scorer *scorer = palloc0(sizeof(reco_als_scorer));
	bool values = member->spec->predicts_value;

	scorer->factor =
		factor_scorer_of(&reco_als_scorer_type, model, member, bias_of(member, ALS_ITEM_BIAS),
						 values && params_of(member->spec)->clip);
	scorer->params = kernel_params(member->spec);
	if (values)
		scorer->factor.mean = *(const double *) member->part[ALS_MEAN].data;
	else
		scorer->gram = member->part[IALS_GRAM].data;
	return &scorer->factor.head;
}

static void
ials_choose(const RecoTraining *training, void *value)
{
	reco_shape shape = reco_training_shape(training, true);

	choose_by(&shape, value);
}

/* With so much weight of an interaction, and some times the regularization that suits it. */
static char *
ials_candidate(const reco_shape *shape, int factors, double weight, double times)
{
	double alpha = reco_als_alpha(shape, weight);

	return psprintf("{\"factors\": %d, \"alpha\": %.4g, \"regularization\": %.4g}", factors, alpha,
					reco_als_regularization(shape, alpha, times));
}

static List *
ials_candidates(const RecoTraining *training, bool portfolio)
{
	static const int factors[] = {64, 128};
	static const double weights[] = {1, 4, 16, 40};
	static const double times[] = {0.6, 1, 2};
	reco_shape shape;
	List *grid = NIL;

	/* on trial a smaller model tells as much, in a third of the time */
	if (portfolio)
		return list_make1(pstrdup(training->trial ? "{\"factors\": 64, \"iterations\": 8}"
												  : "{\"factors\": 128}"));
	shape = reco_training_shape(training, false);
	for (int f = 0; f < lengthof(factors); f++)
		for (int w = 0; w < lengthof(weights); w++)
			for (int t = 0; t < lengthof(times); t++)
				grid = lappend(grid, ials_candidate(&shape, factors[f], weights[w], times[t]));
	return grid;
}

static List *
als_candidates(const RecoTraining *training, bool portfolio)
{
	static const int factors[] = {16, 32, 64, 128};
	static const double regularizations[] = {0.03, 0.06, 0.1, 0.15};
	List *grid = NIL;

	for (int f = 0; f < lengthof(factors) && !portfolio; f++)
		for (int r = 0; r < lengthof(regularizations); r++)
			grid = lappend(grid, psprintf("{\"factors\": %d, \"regularization\": %g}", factors[f],
										  regularizations[r]));
	return grid;
}

static RecoFeatureUse
factor_features(const RecoSpec *spec)
{
	if (params_of(spec)->engine == ENGINE_SQL)
		return RECO_FEATURES_NONE;
	return reco_als_features_use(params_of(spec)->features);
}

static bool
factor_user_features(const RecoSpec *spec)
{
	return params_of(spec)->engine == ENGINE_MEMORY &&
		   params_of(spec)->features != RECO_ALS_FEATURES_NONE;
}

static const char *
factor_prior(const RecoSpec *spec)
{
	return params_of(spec)->prior;
}

static const float *
factor_center(const RecoSpec *spec, const RecoPrior *prior, int32 user)
{
	reco_als_params params = kernel_params(spec);
	float *center = palloc(reco_als_center_stride(&params) * sizeof(float));

	reco_als_prior_center(spec, &params, prior, user, center);
	return center;
}

static bool
als_predicts_value(const RecoSpec *spec)
{
	return true;
}

/* What the two have in common. */
#define FACTOR_MODEL                                                                               \
	.check = factor_check, .source = "model", .reads = reco_reads_items,                           \
	.params_size = sizeof(FactorParams), .parallel = factor_parallel, .memory = factor_memory,     \
	.fit = factor_fit, .index = make_index, .scorer = factor_scorer, .features = factor_features,  \
	.user_features = factor_user_features, .prior = factor_prior, .center = factor_center

const RecoAlgorithm reco_algorithm_ials = {
	.name = "ials",
	.negative = "says that the item is not wanted",
	.options = ials_options,
	.choose = ials_choose,
	.candidates = ials_candidates,
	.parts = ials_parts,
	.prepare = ials_prepare,
	FACTOR_MODEL,
};

const RecoAlgorithm reco_algorithm_als = {
	.name = "als",
	.options = als_options,
	.predicts_value = als_predicts_value,
	.candidates = als_candidates,
	.parts = als_parts,
	FACTOR_MODEL,
};
