/*
 * user_knn.c
 *	  reco.user_knn(): what users like this one have.
 *
 * A user's list holds their k nearest neighbors; what those have is looked at when the user is
 * scored (core/scoring/score_users.c).
 */
#include "model/knn.h"

#include "core/scoring/score_users.h"

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

static reco_scorer *
user_scorer(const RecoModel *model)
{
	reco_user_scorer *scorer = palloc0(sizeof(reco_user_scorer));

	scorer->sums = knn_sums(model, &reco_user_scorer_type);
	scorer->by_user = model->by_user;
	scorer->bias = model->user_bias;
	scorer->params = knn_kernel_params(knn_params(model));
	return &scorer->sums.head;
}

const RecoAlgorithm reco_algorithm_user_knn = {
	.name = "user_knn",
	.source = "model",
	.needs = RECO_NEEDS_USERS,
	.options = knn_options,
	.params_size = sizeof(KnnParams),
	.predicts_value = knn_predicts_value,
	.check = knn_check,
	.parallel = knn_parallel,
	.memory = user_memory,
	.fit = user_fit,
	.fits = knn_fits,
	.scorer = user_scorer,
};
