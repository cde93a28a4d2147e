/*
 * bpr.c
 *	  reco.bpr(): lists by factors that rank what users have before what they have not.
 *
 * The mathematics is in core/bpr/bpr.h and core/scoring/score_bpr.c; here are the options and the
 * memory.
 */
#include "model/factors.h"

#include "core/bpr/bpr.h"
#include "core/scoring/score_bpr.h"

#include <math.h>

typedef struct BprParams
{
	int loss;
	int factors;
	int iterations;
	double learning_rate;
	double regularization;
	int max_sampled;
	double popularity;
	bool biases;
	uint64_t seed;
} BprParams;

/* In the order of reco_bpr_loss. */
static const char *const losses[] = {"bpr", "warp", NULL};

#define FIELD(name) offsetof(BprParams, name)

static const reco_option bpr_options[] = {
	{"loss", RECO_OPTION_ENUM, FIELD(loss), RECO_BPR, 0, 0, losses},
	{"factors", RECO_OPTION_INT, FIELD(factors), 64, 1, RECO_BPR_MAX_FACTORS, NULL},
	{"iterations", RECO_OPTION_INT, FIELD(iterations), 100, 1, 10000, NULL},
	{"learning_rate", RECO_OPTION_REAL, FIELD(learning_rate), 0, 1e-6, 1, NULL, true},
	{"regularization", RECO_OPTION_REAL, FIELD(regularization), 0.01, 0, 1, NULL},
	{"max_sampled", RECO_OPTION_INT, FIELD(max_sampled), 10, 1, RECO_BPR_MAX_SAMPLED, NULL},
	{"popularity", RECO_OPTION_REAL, FIELD(popularity), 0, 0, 2, NULL},
	{"biases", RECO_OPTION_BOOL, FIELD(biases), true, 0, 1, NULL},
	{"seed", RECO_OPTION_SEED, FIELD(seed), 42, 0, FACTOR_MAX_SEED, NULL},
	{NULL},
};

/* After the parts of every factor model; the last where negatives are drawn by popularity. */
enum
{
	BPR_BIAS = FACTOR_PARTS,
	BPR_CHANCE,
	BPR_PARTS
};

static const BprParams *
params_of(const RecoSpec *spec)
{
	return spec->params;
}

static reco_bpr_params
kernel_params(const RecoSpec *spec)
{
	const BprParams *params = params_of(spec);

	return (reco_bpr_params){
		.loss = (reco_bpr_loss) params->loss,
		.factors = params->factors,
		.iterations = params->iterations,
		.learning_rate = params->learning_rate,
		.regularization = params->regularization,
		.max_sampled = params->max_sampled,
		.popularity = params->popularity,
		.biases = params->biases,
		.seed = params->seed,
	};
}

static const RecoPartType *
bpr_parts(const RecoSpec *spec, int *n)
{
	RecoPartType *type = palloc0(BPR_PARTS * sizeof(RecoPartType));

	factor_parts(type, params_of(spec)->factors);
	type[BPR_BIAS] = (RecoPartType){.name = "bias", .side = RECO_OF_ITEMS, .width = 1};
	type[BPR_CHANCE] =
		(RecoPartType){.name = "chance", .side = RECO_OF_ITEMS, .width = 1, .element = RECO_FLOAT8};
	*n = params_of(spec)->popularity > 0 ? BPR_PARTS : BPR_CHANCE;
	return type;
}

/* The steps of warp are of samples that are wrong, and so of more of them that count. */
static void
bpr_choose(const RecoTraining *training, void *value)
{
	BprParams *params = value;

	if (isnan(params->learning_rate))
		params->learning_rate = params->loss == RECO_WARP ? 0.1 : 0.2;
}

static bool
bpr_parallel(const RecoTraining *training)
{
	return factor_worth_threads(training, params_of(training->spec)->factors);
}

static size_t
bpr_memory(const RecoTraining *training)
{
	reco_bpr_params params = kernel_params(training->spec);

	if (training->base)
		return reco_bpr_extend_memory(&params, &training->by_user, training->base->model->items);
	return reco_bpr_memory(&params, &training->by_user) +
		   (size_t) params.iterations * sizeof(float);
}

typedef struct Progress
{
	const RecoTraining *training;
	RecoMember *member;
} Progress;

static void
iterated(void *arg, int iteration, double loss)
{
	Progress *progress = arg;

	progress->member->loss[iteration - 1] = (float) loss;
	reco_training_report(progress->training, iteration, progress->member->losses, loss);
}

/* Factors of items that are new, beside those that the base has. */
static reco_status
extend(const RecoTraining *training, const reco_bpr_params *params, reco_bpr *out)
{
	const RecoMember *member = training->base_member;
	const RecoPart *item = &member->part[FACTOR_ITEM];
	reco_bpr base = {
		.items = training->base->model->items,
		.factors = params->factors,
		.stride = item->stride,
		.item = item->data,
		.bias = member->part[BPR_BIAS].data,
		.chance = member->parts > BPR_CHANCE ? member->part[BPR_CHANCE].data : NULL,
	};

	return reco_bpr_extend(&training->budget->env, params, &training->by_user, &base,
						   training->base->item, out);
}

static reco_status
train(const RecoTraining *training, const reco_bpr_params *params, RecoMember *member,
	  reco_bpr *out)
{
	RecoBudget *budget = training->budget;
	Progress progress = {training, member};

	member->losses = params->iterations;
	member->loss = reco_zeros(budget, params->iterations);
	return reco_bpr_fit(&budget->env, params, &training->by_user, iterated, &progress, out);
}

static void
bpr_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out)
{
	RecoBudget *budget = training->budget;
	reco_bpr_params params = kernel_params(training->spec);
	reco_status status;
	reco_bpr bpr;

	status =
		training->base ? extend(training, &params, &bpr) : train(training, &params, member, &bpr);
	if (status == RECO_SINGULAR)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("factors of algorithm \"bpr\" grew beyond all bounds"),
						errhint("Use a smaller learning_rate, or a larger regularization.")));
	reco_budget_check(budget, status, "training");
	member->part[FACTOR_ITEM] = reco_vector_part(&member->type[FACTOR_ITEM], bpr.items, bpr.item);
	member->part[FACTOR_USER] = reco_vector_part(&member->type[FACTOR_USER], bpr.users, bpr.user);
	member->part[BPR_BIAS] = reco_vector_part(&member->type[BPR_BIAS], bpr.items, bpr.bias);
	if (bpr.chance)
		member->part[BPR_CHANCE] =
			reco_vector_part(&member->type[BPR_CHANCE], bpr.items, bpr.chance);
}

static void
bpr_index(RecoModel *model, RecoMember *member, RecoBudget *budget)
{
	factor_index(model, member, member->part[BPR_BIAS].data, budget);
}

static reco_scorer *
bpr_scorer(const RecoModel *model, const RecoMember *member)
{
	reco_bpr_scorer *scorer = palloc0(sizeof(reco_bpr_scorer));

	scorer->factor =
		factor_scorer_of(&reco_bpr_scorer_type, model, member, member->part[BPR_BIAS].data, false);
	scorer->params = kernel_params(member->spec);
	if (member->parts > BPR_CHANCE)
		scorer->chance = member->part[BPR_CHANCE].data;
	return &scorer->factor.head;
}

static List *
bpr_candidates(const RecoTraining *training, bool portfolio)
{
	static const double rates[] = {0.05, 0.1, 0.2};
	static const double penalties[] = {0.001, 0.01, 0.03};
	List *grid = NIL;

	for (int r = 0; r < lengthof(rates) && !portfolio; r++)
		for (int p = 0; p < lengthof(penalties); p++)
			for (int l = 0; losses[l]; l++)
				grid = lappend(
					grid,
					psprintf("{\"loss\": \"%s\", \"learning_rate\": %g, \"regularization\": %g}",
							 losses[l], rates[r], penalties[p]));
	return grid;
}

const RecoAlgorithm reco_algorithm_bpr = {
	.name = "bpr",
	.negative = "is no interaction",
	.source = "model",
	.options = bpr_options,
	.choose = bpr_choose,
	.candidates = bpr_candidates,
	.params_size = sizeof(BprParams),
	.parallel = bpr_parallel,
	.memory = bpr_memory,
	.fit = bpr_fit,
	.parts = bpr_parts,
	.index = bpr_index,
	.scorer = bpr_scorer,
};
