/*
 * user_knn.c
 *	  reco.user_knn(): what users like this one have.
 *
 * A user's list holds their k nearest neighbors; their interactions are read when
 * the user is served.  A basket's neighbors are found in one pass over all users.
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

static bool
read_neighbor(const RecoModel *model, const RecoProfile *profile, int32 k, RecoProfile *neighbor)
{
	reco_poll();
	return profile->similarity[k] > 0 &&
		   model->users.read(model->users.arg, profile->neighbor[k], neighbor);
}

static inline double
value_of(const RecoModel *model, const RecoProfile *neighbor, int64 e)
{
	double value = neighbor->value ? neighbor->value[e] : 1;

	return value - knn_baseline(model, neighbor->bias, neighbor->item[e]);
}

static void
user_score(const RecoModel *model, const RecoProfile *profile, float *score)
{
	Size bytes = ((Size) model->items + 1) * sizeof(double);
	double *sum =
		MemoryContextAllocExtended(CurrentMemoryContext, bytes, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	double *weight = NULL;

	if (model->spec->predicts_value)
		weight = MemoryContextAllocExtended(CurrentMemoryContext, bytes,
											MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int32 k = 0; k < profile->neighbors; k++)
	{
		RecoProfile neighbor;
		double s = profile->similarity[k];

		if (!read_neighbor(model, profile, k, &neighbor))
			continue;
		for (int64 e = 0; e < neighbor.n; e++)
		{
			sum[neighbor.item[e]] += s * value_of(model, &neighbor, e);
			if (weight)
				weight[neighbor.item[e]] += s;
		}
	}
	for (int32 i = 0; i < model->items; i++)
		score[i] = knn_final(model, profile->bias, i, sum[i], weight ? weight[i] : 0);
	pfree(sum);
	if (weight)
		pfree(weight);
}

static float
user_score_one(const RecoModel *model, const RecoProfile *profile, int32 item)
{
	double sum = 0;
	double weight = 0;

	for (int32 k = 0; k < profile->neighbors; k++)
	{
		RecoProfile neighbor;
		int64 e;

		if (!read_neighbor(model, profile, k, &neighbor) ||
			(e = reco_find(neighbor.item, 0, neighbor.n, item)) < 0)
			continue;
		sum += profile->similarity[k] * value_of(model, &neighbor, e);
		weight += profile->similarity[k];
	}
	return knn_final(model, profile->bias, item, sum, weight);
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
		joined.value[entries + e] = profile->value ? profile->value[e] : 1;
	reco_budget_check(&budget, reco_neighbors_find(&budget.env, &params, &joined, all.rows, &found),
					  "the model");
	from = found.start[all.rows];
	profile->neighbors = (int32) (found.start[all.rows + 1] - from);
	profile->neighbor = found.row + from;
	profile->similarity = found.similarity + from;
	reco_csr_free(&budget.env, &joined);
	if (knn_params(model)->biases)
		profile->bias = reco_baseline_user(model->mean, model->item_bias, profile->n, profile->item,
										   profile->value);
}

static bool
user_knows(const RecoModel *model, const RecoProfile *profile)
{
	return profile->neighbors > 0 || (knn_params(model)->biases && profile->n > 0);
}

/*
 * What a neighbor adds to the score comes through the items that both have: it
 * is shared out among them by the product of their values (evenly where that
 * tells nothing).
 */
static bool
user_explain(const RecoModel *model, const RecoProfile *profile, int32 item, double *contribution,
			 double *baseline)
{
	double *part = palloc((profile->n + 1) * sizeof(double));
	double weight = 0;

	*baseline = knn_baseline(model, profile->bias, item);
	memset(contribution, 0, profile->n * sizeof(double));
	for (int32 k = 0; k < profile->neighbors; k++)
	{
		RecoProfile neighbor;
		int64 e;
		double adds;
		double all = 0;
		double common = 0;

		if (!read_neighbor(model, profile, k, &neighbor) ||
			(e = reco_find(neighbor.item, 0, neighbor.n, item)) < 0)
			continue;
		weight += profile->similarity[k];
		adds = profile->similarity[k] * value_of(model, &neighbor, e);
		for (int64 j = 0; j < profile->n; j++)
		{
			int64 theirs = reco_find(neighbor.item, 0, neighbor.n, profile->item[j]);

			part[j] = theirs < 0 ? -1
								 : fabs((profile->value ? profile->value[j] : 1) *
										(neighbor.value ? neighbor.value[theirs] : 1));
			common += theirs >= 0;
			all += Max(part[j], 0);
		}
		for (int64 j = 0; j < profile->n && common > 0; j++)
			if (part[j] >= 0)
				contribution[j] += adds * (all > 0 ? part[j] / all : 1 / common);
	}
	for (int64 j = 0; model->spec->predicts_value && j < profile->n; j++)
		contribution[j] = weight > 0 ? contribution[j] / weight : 0;
	pfree(part);
	return weight > 0 || *baseline != 0;
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
	.score_one = user_score_one,
	.predict = knn_predict,
	.fold_in = user_fold_in,
	.costly_fold_in = true,
	.knows = user_knows,
	.explain = user_explain,
	.fits = knn_fits,
};
