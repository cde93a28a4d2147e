/*
 * knn.c
 *	  What the neighborhood models share: options and training.
 *
 * core/scoring/score_sums.h says what their scores are.
 */
#include "model/knn.h"

#include "core/data/baseline.h"

/* In the order of reco_measure and reco_weighting. */
static const char *const similarities[] = {
	"cosine", "adjusted_cosine", "pearson", "asymmetric", "jaccard", "dice", "tversky",
	"llr",    "conditional",     "lift",    NULL};
static const char *const weightings[] = {"none", "tf-idf", "bm25", NULL};

#define FIELD(name) offsetof(KnnParams, name)

const reco_option knn_options[] = {
	{"similarity", RECO_OPTION_ENUM, FIELD(similarity), RECO_COSINE, 0, 0, similarities},
	{"weighting", RECO_OPTION_ENUM, FIELD(weighting), 0, 0, 0, weightings, true},
	{"neighbors", RECO_OPTION_INT, FIELD(neighbors), 0, 1, 10000, NULL, true},
	{"shrinkage", RECO_OPTION_REAL, FIELD(shrinkage), 0, 0, 1e9, NULL, true},
	{"min_support", RECO_OPTION_INT, FIELD(min_support), 1, 1, 1000000000, NULL},
	{"normalized", RECO_OPTION_BOOL, FIELD(normalize), false, 0, 1, NULL},
	{"biases", RECO_OPTION_BOOL, FIELD(biases), false, 0, 1, NULL},
	{"k1", RECO_OPTION_REAL, FIELD(k1), 1.2, 0, 1e6, NULL},
	{"b", RECO_OPTION_REAL, FIELD(b), 0.75, 0, 1, NULL},
	{"exponent", RECO_OPTION_REAL, FIELD(exponent), 0.5, 0, 1, NULL},
	{"tversky_alpha", RECO_OPTION_REAL, FIELD(tversky_alpha), 1, 0, 1000, NULL},
	{"tversky_beta", RECO_OPTION_REAL, FIELD(tversky_beta), 1, 0, 1000, NULL},
	{NULL},
};

const KnnParams *
knn_params(const RecoSpec *spec)
{
	return spec->params;
}

reco_neighbors_params
knn_kernel_params(const KnnParams *params)
{
	return (reco_neighbors_params){
		.measure = (reco_measure) params->similarity,
		.weighting = (reco_weighting) params->weighting,
		.neighbors = params->neighbors,
		.shrinkage = params->shrinkage,
		.min_support = params->min_support,
		.k1 = params->k1,
		.b = params->b,
		.exponent = params->exponent,
		.tversky_alpha = params->tversky_alpha,
		.tversky_beta = params->tversky_beta,
	};
}

void
knn_check(const void *value)
{
	const KnnParams *params = value;
	bool weighted =
		params->weighting == RECO_WEIGHTING_TF_IDF || params->weighting == RECO_WEIGHTING_BM25;

	if (weighted && reco_measure_of_sets((reco_measure) params->similarity))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("weighting \"%s\" cannot be combined with similarity \"%s\"",
							   weightings[params->weighting], similarities[params->similarity]),
						errdetail("This similarity compares sets, in which nothing has a weight."),
						errhint("Use weighting => 'none', or similarity => 'cosine'.")));
	if (weighted &&
		(params->similarity == RECO_PEARSON || params->similarity == RECO_ADJUSTED_COSINE))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("weighting \"%s\" cannot be combined with similarity \"%s\"",
							   weightings[params->weighting], similarities[params->similarity]),
						errdetail("This similarity compares values with their mean."),
						errhint("Use weighting => 'none', or similarity => 'cosine'.")));
	if (params->shrinkage > 0 && params->similarity == RECO_LLR)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("shrinkage cannot be combined with similarity \"llr\""),
						errdetail("The log-likelihood ratio already grows with the support."),
						errhint("Use min_support to leave rare pairs out.")));
}

void
knn_choose(const RecoTraining *training, reco_neighbors_use use, KnnParams *params)
{
	bool values = training->spec->predicts_value;
	reco_neighbors_params chosen = knn_kernel_params(params);
	reco_shape shape = {0};

	use = values ? RECO_OF_RATINGS : use;
	if (reco_neighbors_shape_matters(use, &chosen))
		shape = reco_training_shape(training, !values);
	reco_neighbors_choose(&shape, use, &chosen);
	params->weighting = (int) chosen.weighting;
	params->neighbors = chosen.neighbors;
	params->shrinkage = chosen.shrinkage;
}

List *
knn_candidates(const char *const *kind, int n, bool portfolio)
{
	static const int neighbors[] = {100, 300};
	List *grid = NIL;

	if (portfolio)
		return list_make1(pstrdup("{}"));
	for (int k = 0; k < n; k++)
		for (int l = 0; l < lengthof(neighbors); l++)
			grid = lappend(grid, psprintf("{%s, \"neighbors\": %d}", kind[k], neighbors[l]));
	return grid;
}

bool
knn_predicts_value(const RecoSpec *spec)
{
	const KnnParams *params = spec->params;

	return params->normalize || params->biases;
}

bool
knn_compares_values(const RecoSpec *spec)
{
	const KnnParams *params = spec->params;

	return params->similarity == RECO_PEARSON || params->similarity == RECO_ADJUSTED_COSINE;
}

bool
knn_parallel(const RecoTraining *training)
{
	return true;
}

size_t
knn_memory(const RecoTraining *training, bool of_users)
{
	reco_neighbors_params params = knn_kernel_params(training->spec->params);
	const reco_csr *a = &training->by_user;
	int64 entries = a->start[a->rows];
	Size transposed = of_users ? 0 : reco_training_by_item_memory(training);

	return transposed + ((Size) a->rows + a->cols) * 3 * sizeof(double) +
		   reco_neighbors_memory(&params, of_users ? a->rows : a->cols,
								 of_users ? a->cols : a->rows, entries,
								 training->budget->env.threads);
}

reco_neighbors
knn_find(const RecoTraining *training, const reco_neighbors_params *params, bool of_users)
{
	RecoBudget *budget = training->budget;
	const reco_csr *rows = of_users ? &training->by_user : reco_training_by_item(training);
	reco_neighbors found;

	reco_budget_check(budget, reco_neighbors_find(&budget->env, params, rows, &found), "training");
	if (!of_users)
		reco_training_by_item_done(training);
	return found;
}

void
knn_fit_biases(const RecoTraining *training, RecoMember *member, int first)
{
	RecoBudget *budget = training->budget;
	const reco_csr *a = &training->by_user;
	double *mean;
	float *user;
	float *item;

	if (!knn_params(training->spec)->biases)
		return;
	mean = reco_budget_alloc(budget, sizeof(double));
	user = reco_zeros(budget, a->rows);
	item = reco_zeros(budget, a->cols);
	reco_budget_check(budget, reco_baseline_fit(&budget->env, a, mean, user, item), "training");
	member->part[first + RECO_MEAN] = reco_vector_part(&member->type[first + RECO_MEAN], 1, mean);
	member->part[first + RECO_ITEM_BIAS] =
		reco_vector_part(&member->type[first + RECO_ITEM_BIAS], a->cols, item);
	member->part[first + RECO_USER_BIAS] =
		reco_vector_part(&member->type[first + RECO_USER_BIAS], a->rows, user);
}

int
knn_bias_parts(const RecoSpec *spec, RecoPartType *type)
{
	if (!knn_params(spec)->biases)
		return 0;
	reco_bias_parts(type);
	return RECO_BIAS_PARTS;
}

reco_sum_scorer
knn_sums(const RecoModel *model, const RecoMember *member, int first, const reco_scorer_type *type)
{
	bool values = member->spec->predicts_value;
	reco_sum_scorer sums = {
		.head = reco_scorer_head(type, model, values),
		.averaged = values,
	};

	if (knn_params(member->spec)->biases)
	{
		sums.item_bias = member->part[first + RECO_ITEM_BIAS].data;
		sums.mean = *(const double *) member->part[first + RECO_MEAN].data;
	}
	return sums;
}
