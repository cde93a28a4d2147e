/*
 * item_knn.c
 *	  reco.item_knn(): items like those that a user has; and reco.rp3beta(), where
 *	  a random walk says what is like what.
 *
 * An item's list holds its k nearest neighbors: what speaks for it (item_lists.h).  With
 * similarity => 'conditional', the question is what goes with an item, and the lists are those of
 * the given item.
 */
#include "model/item_lists.h"
#include "model/knn.h"

#include <math.h>

#define FIELD(name) offsetof(KnnParams, name)

/* The largest weight leaves room in a float for those that are 1e-7 of it. */
#define LEAST_WEIGHT 1e-30

/* The logarithm of a weight that is far from the least double. */
#define LEAST_LOG_WEIGHT (-290 * M_LN10)

static const reco_option rp3beta_options[] = {
	{"alpha", RECO_OPTION_REAL, FIELD(alpha), 0, 0, 10, NULL, true},
	{"beta", RECO_OPTION_REAL, FIELD(beta), 0, 0, 10, NULL, true},
	{"neighbors", RECO_OPTION_INT, FIELD(neighbors), 0, 1, 10000, NULL, true},
	{"normalized", RECO_OPTION_BOOL, FIELD(walk_normalize), 0, 0, 1, NULL, true},
	{NULL},
};

/* The first of the parts of biases. */
#define ITEM_BIASES ITEM_LIST_PARTS

static const RecoPartType *
item_parts(const RecoSpec *spec, int *n)
{
	RecoPartType *type = palloc0((ITEM_BIASES + RECO_BIAS_PARTS) * sizeof(RecoPartType));

	item_list_parts(type);
	*n = ITEM_BIASES + knn_bias_parts(spec, &type[ITEM_BIASES]);
	return type;
}

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
item_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out)
{
	reco_neighbors_params params = knn_kernel_params(training->spec->params);
	reco_neighbors found;

	knn_fit_biases(training, member, ITEM_BIASES);
	found = knn_find(training, &params, false);
	member->part[ITEM_LISTS] = reco_lists_part(&found);
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
rp3beta_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out)
{
	const KnnParams *options = training->spec->params;
	reco_neighbors_params params = {
		.measure = RECO_WALK,
		.neighbors = options->neighbors,
		.walk_alpha = options->alpha,
		.walk_beta = options->beta,
	};
	reco_neighbors steps;
	reco_neighbors lists;

	check_spread(training, options->alpha);
	steps = knn_find(training, &params, false);
	reco_budget_check(training->budget,
					  reco_neighbors_walk_end(&training->budget->env, &steps,
											  options->walk_normalize != 0, options->neighbors,
											  &lists),
					  "training");
	check_weights(&lists, options);
	member->part[ITEM_LISTS] = reco_lists_part(&lists);
}

/* Whether the list of an item says what goes with it, not what speaks for it. */
static bool
lists_are_given(const RecoSpec *spec)
{
	return knn_params(spec)->similarity == RECO_CONDITIONAL;
}

/* Whether an item's own list is what is similar to it, or the lists that it is in. */
static bool
own_lists_are_similar(const RecoSpec *spec)
{
	reco_neighbors_params params = knn_kernel_params(spec->params);

	return spec->algorithm == &reco_algorithm_item_knn &&
		   (lists_are_given(spec) || reco_measure_symmetric(&params));
}

static void
item_prepare(RecoModel *model, RecoMember *member, bool serving, RecoBudget *budget)
{
	item_lists_followers(model, member, lists_are_given(member->spec), budget);
	if (serving)
		item_lists_similar(member, own_lists_are_similar(member->spec), budget);
}

static reco_scorer *
item_scorer(const RecoModel *model, const RecoMember *member)
{
	return item_lists_scorer(model, member,
							 knn_sums(model, member, ITEM_BIASES, &reco_list_scorer_type));
}

static void
item_choose(const RecoTraining *training, void *params)
{
	knn_choose(training, RECO_OF_ITEM_LISTS, params);
}

static void
rp3beta_choose(const RecoTraining *training, void *value)
{
	KnnParams *params = value;
	reco_shape shape = reco_training_shape(training, false);
	reco_walk walk = {params->alpha, params->beta, params->walk_normalize, params->neighbors};

	reco_walk_choose(&shape, &walk);
	params->alpha = walk.alpha;
	params->beta = walk.beta;
	params->walk_normalize = walk.normalized;
	params->neighbors = walk.neighbors;
}

static List *
item_candidates(const RecoTraining *training, bool portfolio)
{
	static const char *const kinds[] = {
		"\"weighting\": \"none\"",
		"\"weighting\": \"none\", \"shrinkage\": 0",
		"\"weighting\": \"tf-idf\"",
		"\"weighting\": \"bm25\"",
		"\"similarity\": \"asymmetric\", \"exponent\": 0.3, \"shrinkage\": 0",
		"\"similarity\": \"jaccard\", \"shrinkage\": 0",
	};

	return knn_candidates(kinds, lengthof(kinds), portfolio);
}

static List *
rp3beta_candidates(const RecoTraining *training, bool portfolio)
{
	static const char *const kinds[] = {
		"\"normalized\": true, \"alpha\": 0.5",
		"\"normalized\": true, \"alpha\": 0.7",
		"\"normalized\": true, \"alpha\": 1",
		"\"normalized\": false, \"alpha\": 0.3",
	};
	static const double betas[] = {0, 0.3, 0.6};
	static const int neighbors[] = {100, 500};
	List *grid = NIL;

	if (portfolio)
		return list_make1(pstrdup("{}"));
	for (int k = 0; k < lengthof(kinds); k++)
		for (int b = 0; b < lengthof(betas); b++)
			for (int n = 0; n < lengthof(neighbors); n++)
				grid = lappend(grid, psprintf("{%s, \"beta\": %g, \"neighbors\": %d}", kinds[k],
											  betas[b], neighbors[n]));
	return grid;
}

/* What the two have in common. */
#define ITEM_MODEL                                                                                 \
	.source = "model", .reads = reco_reads_items, .params_size = sizeof(KnnParams),                \
	.parts = item_parts, .prepare = item_prepare, .index = item_lists_index, .scorer = item_scorer

const RecoAlgorithm reco_algorithm_item_knn = {
	.name = "item_knn",
	.negative = "counts against the item",
	.options = knn_options,
	.predicts_value = knn_predicts_value,
	.compares_values = knn_compares_values,
	.check = knn_check,
	.choose = item_choose,
	.candidates = item_candidates,
	.parallel = knn_parallel,
	.memory = item_memory,
	.fit = item_fit,
	ITEM_MODEL,
};

const RecoAlgorithm reco_algorithm_rp3beta = {
	.name = "rp3beta",
	.negative = "counts against the item",
	.options = rp3beta_options,
	.choose = rp3beta_choose,
	.candidates = rp3beta_candidates,
	.parallel = knn_parallel,
	.memory = rp3beta_memory,
	.fit = rp3beta_fit,
	ITEM_MODEL,
};
