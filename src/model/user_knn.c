/*
 * user_knn.c
 *	  reco.user_knn(): what users like this one have.
 *
 * A user's list holds their k nearest neighbors; their interactions are read when
 * the user is served, one neighbor at a time.  A basket's neighbors are found in one pass
 * over all users.
 *
 * Cost of a list: the neighbors' interactions, and one pass over all items; of a
 * basket's: all interactions.
 */
#include "model/knn.h"

#include "core/baseline.h"
#include "miscadmin.h"

#include <math.h>

static size_t
user_memory(const RecoTraining *training)
{
	return knn_memory(training, true);
}

static void
user_fit(const RecoTraining *training, RecoTrained *out)
{
	reco_neighbors_params params = knn_kernel_params(training->spec->params);

	knn_begin_fit(training, out);
	out->user_neighbors = knn_find(training, &params, true);
}

static inline double
value_of(const RecoModel *model, const RecoProfile *neighbor, int64 e)
{
	double value = neighbor->value ? neighbor->value[e] : 1;

	return value - knn_baseline(model, neighbor->bias, neighbor->item[e]);
}

/* The sums of all items, or of n of them, over the neighbors of a profile. */
typedef struct Scoring
{
	const RecoModel *model;
	const RecoProfile *profile;
	double *sum;
	double *weight;    /* NULL: not needed */
	const int32 *item; /* NULL: all */
	int32 n;
} Scoring;

static void
add_all(void *arg, int32 k, const RecoProfile *neighbor)
{
	Scoring *scoring = arg;
	double s = scoring->profile->similarity[k];

	for (int64 e = 0; s > 0 && e < neighbor->n; e++)
	{
		RECO_POLL_AT(e);
		scoring->sum[neighbor->item[e]] += s * value_of(scoring->model, neighbor, e);
		if (scoring->weight)
			scoring->weight[neighbor->item[e]] += s;
	}
}

static void
add_some(void *arg, int32 k, const RecoProfile *neighbor)
{
	Scoring *scoring = arg;
	double s = scoring->profile->similarity[k];

	for (int32 j = 0; s > 0 && j < scoring->n; j++)
	{
		int64 e = reco_find(neighbor->item, 0, neighbor->n, scoring->item[j]);

		RECO_POLL_EACH(j, RECO_SEARCHES);
		if (e < 0)
			continue;
		scoring->sum[j] += s * value_of(scoring->model, neighbor, e);
		if (scoring->weight)
			scoring->weight[j] += s;
	}
}

static void
score_items(const RecoModel *model, const RecoProfile *profile, const int32 *item, int32 n,
			float *score)
{
	Scoring scoring = {.model = model, .profile = profile, .item = item, .n = n};

	scoring.sum = reco_call_alloc(n, sizeof(double));
	if (model->spec->predicts_value)
		scoring.weight = reco_call_alloc(n, sizeof(double));
	model->users.visit(model->users.arg, profile->neighbor, profile->neighbors,
					   item ? add_some : add_all, &scoring);
	for (int32 j = 0; j < n; j++)
	{
		RECO_POLL_AT(j);
		score[j] = knn_final(model, profile->bias, item ? item[j] : j, scoring.sum[j],
							 scoring.weight ? scoring.weight[j] : 0);
	}
	pfree(scoring.sum);
	if (scoring.weight)
		pfree(scoring.weight);
}

static void
user_score(const RecoModel *model, const RecoProfile *profile, float *score)
{
	score_items(model, profile, NULL, model->items, score);
}

static void
user_score_some(const RecoModel *model, const RecoProfile *profile, const int32 *item, int32 n,
				float *score)
{
	if (!knn_score_by_all(model, profile, item, n, score))
		score_items(model, profile, item, n, score);
}

/*
 * The basket joins the users as the last row, and its neighbors are looked for.
 */
static void
user_fold_in(const RecoModel *model, RecoProfile *profile)
{
	reco_neighbors_params params = knn_kernel_params(knn_params(model));
	RecoBudget budget;
	reco_csr all;
	reco_csr joined;
	reco_neighbors found;
	float *bias;
	Size entries;
	Size own = profile->n;
	int64 from;

	model->users.all(model->users.arg, &all, &bias);
	entries = all.start[all.rows];
	reco_budget_init(&budget, CurrentMemoryContext);
	joined = (reco_csr){all.rows + 1, model->items};
	joined.start = reco_budget_alloc(&budget, ((Size) joined.rows + 1) * sizeof(int64));
	joined.col = reco_budget_alloc(&budget, (entries + own + 1) * sizeof(int32));
	joined.value = reco_budget_alloc(&budget, (entries + own + 1) * sizeof(float));
	memcpy(joined.start, all.start, ((Size) all.rows + 1) * sizeof(int64));
	joined.start[joined.rows] = entries + own;
	memcpy(joined.col, all.col, entries * sizeof(int32));
	memcpy(joined.col + entries, profile->item, own * sizeof(int32));
	for (Size e = 0; e < entries; e++)
	{
		joined.value[e] = all.value ? all.value[e] : 1;
		RECO_POLL_AT(e);
	}
	for (Size e = 0; e < own; e++)
	{
		joined.value[entries + e] = profile->value ? profile->value[e] : 1;
		RECO_POLL_AT(e);
	}
	reco_budget_check(&budget, reco_neighbors_find(&budget.env, &params, &joined, all.rows, &found),
					  "the model");
	from = found.start[all.rows];
	profile->neighbors = (int32) (found.start[all.rows + 1] - from);
	profile->neighbor = found.row + from;
	profile->similarity = found.similarity + from;
	reco_csr_free(&budget.env, &joined);
	if (knn_params(model)->biases)
		(void) reco_baseline_user(&reco_poll_env, model->mean, model->item_bias, profile->n,
								  profile->item, profile->value, &profile->bias);
}

static bool
user_knows(const RecoModel *model, const RecoProfile *profile)
{
	return profile->neighbors > 0 || (knn_params(model)->biases && profile->n > 0);
}

typedef struct Explaining
{
	const RecoModel *model;
	const RecoProfile *profile;
	int32 item;
	double *contribution;
	double *part; /* of each interaction in what a neighbor adds */
	double weight;
} Explaining;

/*
 * What a neighbor adds to the score comes through the items that both have: it
 * is shared out among them by the product of their values (evenly where that
 * tells nothing).
 */
static void
explain_neighbor(void *arg, int32 k, const RecoProfile *neighbor)
{
	Explaining *x = arg;
	const RecoProfile *profile = x->profile;
	double s = profile->similarity[k];
	int64 e = s > 0 ? reco_find(neighbor->item, 0, neighbor->n, x->item) : -1;
	double adds;
	double all = 0;
	double common = 0;

	if (e < 0)
		return;
	x->weight += s;
	adds = s * value_of(x->model, neighbor, e);
	for (int64 j = 0; j < profile->n; j++)
	{
		int64 theirs = reco_find(neighbor->item, 0, neighbor->n, profile->item[j]);

		RECO_POLL_EACH(j, RECO_SEARCHES);
		x->part[j] = theirs < 0 ? -1
								: fabs((profile->value ? profile->value[j] : 1) *
									   (neighbor->value ? neighbor->value[theirs] : 1));
		common += theirs >= 0;
		all += Max(x->part[j], 0);
	}
	for (int64 j = 0; j < profile->n && common > 0; j++)
	{
		RECO_POLL_AT(j);
		if (x->part[j] >= 0)
			x->contribution[j] += adds * (all > 0 ? x->part[j] / all : 1 / common);
	}
}

static bool
user_explain(const RecoModel *model, const RecoProfile *profile, int32 item, double *contribution,
			 double *baseline)
{
	Explaining x = {model, profile, item, contribution};

	x.part = reco_call_alloc(profile->n, sizeof(double));
	*baseline = knn_baseline(model, profile->bias, item);
	memset(contribution, 0, profile->n * sizeof(double));
	model->users.visit(model->users.arg, profile->neighbor, profile->neighbors, explain_neighbor,
					   &x);
	for (int64 j = 0; model->spec->predicts_value && j < profile->n; j++)
	{
		RECO_POLL_AT(j);
		contribution[j] = x.weight > 0 ? contribution[j] / x.weight : 0;
	}
	pfree(x.part);
	return x.weight > 0 || *baseline != 0;
}

const RecoAlgorithm reco_algorithm_user_knn = {
	.name = "user_knn",
	.source = "model",
	.options = knn_options,
	.params_size = sizeof(KnnParams),
	.predicts_value = knn_predicts_value,
	.check = knn_check,
	.parallel = knn_parallel,
	.memory = user_memory,
	.fit = user_fit,
	.score = user_score,
	.score_some = user_score_some,
	.predict = knn_predict,
	.fold_in = user_fold_in,
	.costly_fold_in = true,
	.knows = user_knows,
	.explain = user_explain,
	.fits = knn_fits,
};
