/*
 * item_knn.c
 *	  reco.item_knn(): items like those that a user has; and reco.rp3beta(), where
 *	  a random walk says what is like what.
 *
 * An item's list holds its k nearest neighbors: what speaks for it.  Scores are
 * added up the other way round: each interaction is a row of the followers, the
 * items in whose lists its item is.  With similarity => 'conditional', the
 * question is what goes with an item, and the lists are those of the given item.
 * core/scoring/score_lists.c does the scoring.
 */
#include "model/knn.h"

#include "core/scoring/score_lists.h"

#include <math.h>

#define FIELD(name) offsetof(KnnParams, name)

/* The largest weight leaves room in a float for those that are 1e-7 of it. */
#define LEAST_WEIGHT 1e-30

/* The logarithm of a weight that is far from the least double. */
#define LEAST_LOG_WEIGHT (-290 * M_LN10)

static const reco_option rp3beta_options[] = {
	{"alpha", RECO_OPTION_REAL, FIELD(alpha), 1, 0, 10, NULL},
	{"beta", RECO_OPTION_REAL, FIELD(beta), 0.6, 0, 10, NULL},
	{"neighbors", RECO_OPTION_INT, FIELD(neighbors), 100, 1, 10000, NULL},
	{"normalized", RECO_OPTION_BOOL, FIELD(normalize), true, 0, 1, NULL},
	{NULL},
};

static size_t
item_memory(const RecoTraining *training)
{
	return knn_memory(training, false);
}

/* The lists are turned round once more. */
static size_t
rp3beta_memory(const RecoTraining *training)
{
	const KnnParams *params = training->spec->params;
	Size items = training->by_user.cols;

	return knn_memory(training, false) + items * Min(items, (Size) params->neighbors) * 28;
}

static void
item_fit(const RecoTraining *training, RecoTrained *out)
{
	reco_neighbors_params params = knn_kernel_params(training->spec->params);

	knn_begin_fit(training, out);
	out->model.neighbors = knn_find(training, &params, false);
}

/*
 * An error where values are so far apart that the weight of a step, down to (the least /
 * the largest)^alpha for each of its two ends, could be 0 although there is a way.
 */
static void
check_spread(const RecoTraining *training, double alpha)
{
	const reco_csr *a = &training->by_user;
	double least = INFINITY;
	double largest = 0;

	for (int64 e = 0; a->value && e < a->start[a->rows]; e++)
	{
		double x = a->value[e];

		if (x > 0)
		{
			least = fmin(least, x);
			largest = fmax(largest, x);
		}
		RECO_POLL_AT(e);
	}
	if (largest > 0 &&
		alpha * (2 * log(least / largest) - log((double) a->rows + 1) - log((double) a->cols + 1)) <
			LEAST_LOG_WEIGHT)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("values from %g to %g are too far apart for \"alpha\" %g of "
							   "algorithm \"rp3beta\"",
							   least, largest, alpha),
						errhint("Use a smaller alpha, or values that are closer together, such as "
								"their logarithms.")));
}

/* An error where weights are too small for the numbers that lists are made in. */
static void
check_weights(const reco_neighbors *lists, const KnnParams *options)
{
	double largest = 0;

	for (int64 e = 0; e < lists->start[lists->rows]; e++)
	{
		largest = fmax(largest, lists->similarity[e]);
		RECO_POLL_AT(e);
	}
	if (lists->start[lists->rows] > 0 && largest < LEAST_WEIGHT)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("weights of algorithm \"rp3beta\" are too small"),
						errdetail("With \"alpha\" %g and \"beta\" %g the largest is %g.",
								  options->alpha, options->beta, largest),
						errhint("Use normalized => true, or a smaller alpha.")));
}

static void
rp3beta_fit(const RecoTraining *training, RecoTrained *out)
{
	const KnnParams *options = training->spec->params;
	reco_neighbors_params params = {
		.measure = RECO_WALK,
		.neighbors = options->neighbors,
		.walk_alpha = options->alpha,
		.walk_beta = options->beta,
	};
	reco_neighbors steps;

	check_spread(training, options->alpha);
	knn_begin_fit(training, out);
	steps = knn_find(training, &params, false);
	reco_budget_check(training->budget,
					  reco_neighbors_walk_end(&training->budget->env, &steps, options->normalize,
											  options->neighbors, &out->model.neighbors),
					  "training");
	check_weights(&out->model.neighbors, options);
}

/* Whether the list of an item says what goes with it, not what speaks for it. */
static bool
lists_are_given(const RecoModel *model)
{
	return knn_params(model)->similarity == RECO_CONDITIONAL;
}

/*
 * Lists to followers: their transpose, or, where the lists already are of the
 * given item, the transpose's transpose, whose rows are in order.
 */
static void
item_prepare(RecoModel *model, RecoBudget *budget)
{
	const reco_neighbors *lists = &model->neighbors;
	Size entries = lists->start[lists->rows];
	float *value = reco_budget_alloc(budget, (entries + 1) * sizeof(float));
	reco_csr as_lists = {model->items, model->items, lists->start, lists->row, value};

	for (Size e = 0; e < entries; e++)
	{
		value[e] = (float) lists->similarity[e];
		RECO_POLL_AT(e);
	}
	reco_budget_check(budget, reco_csr_transpose(&budget->env, &as_lists, value, &model->followers),
					  "the model");
	if (lists_are_given(model))
	{
		reco_csr speaking = model->followers;

		reco_budget_check(
			budget, reco_csr_transpose(&budget->env, &speaking, speaking.value, &model->followers),
			"the model");
		reco_csr_free(&budget->env, &speaking);
	}
	reco_budget_free(budget, value);
}

static bool
item_own_lists(const RecoModel *model)
{
	reco_neighbors_params params = knn_kernel_params(model->spec->params);

	return lists_are_given(model) || reco_measure_symmetric(&params);
}

static bool
rp3beta_own_lists(const RecoModel *model)
{
	return false;
}

static reco_scorer *
item_scorer(const RecoModel *model)
{
	reco_list_scorer *scorer = palloc0(sizeof(reco_list_scorer));

	scorer->sums = knn_sums(model, &reco_list_scorer_type);
	scorer->followers = model->followers;
	scorer->similar = model->similar;
	return &scorer->sums.head;
}

/* What the two have in common. */
#define ITEM_LISTS                                                                                 \
	.source = "model", .needs = RECO_NEEDS_LISTS, .reads = reco_reads_items,                       \
	.params_size = sizeof(KnnParams), .fits = knn_fits, .prepare = item_prepare,                   \
	.scorer = item_scorer

const RecoAlgorithm reco_algorithm_item_knn = {
	.name = "item_knn",
	.options = knn_options,
	.predicts_value = knn_predicts_value,
	.check = knn_check,
	.parallel = knn_parallel,
	.memory = item_memory,
	.fit = item_fit,
	.own_lists = item_own_lists,
	ITEM_LISTS,
};

const RecoAlgorithm reco_algorithm_rp3beta = {
	.name = "rp3beta",
	.options = rp3beta_options,
	.parallel = knn_parallel,
	.memory = rp3beta_memory,
	.fit = rp3beta_fit,
	.own_lists = rp3beta_own_lists,
	ITEM_LISTS,
};
