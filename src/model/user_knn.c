/*
 * user_knn.c
 *	  reco.user_knn(): what users like this one have.
 *
 * A user's list holds their k nearest neighbors; what those have is looked at when the user is
 * scored (core/scoring/score_users.c).  Those of a user with other interactions than in the
 * training, or none, are found in an index from items to users.
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

static void
user_index(const RecoModel *model, RecoBudget *budget, const reco_csr *by_user, reco_row_index *out)
{
	reco_neighbors_params params = knn_kernel_params(knn_params(model));

	reco_budget_check(budget, reco_row_index_build(&budget->env, &params, by_user, out), "serving");
}

static reco_scorer *
user_scorer(const RecoModel *model)
{
	reco_user_scorer *scorer = palloc0(sizeof(reco_user_scorer));

	scorer->sums = knn_sums(model, &reco_user_scorer_type);
	scorer->by_user = model->by_user;
	scorer->bias = model->user_bias;
	scorer->params = knn_kernel_params(knn_params(model));
	scorer->index = model->user_index;
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
	.index_users = user_index,
	.scorer = user_scorer,
};
