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

enum
{
	USER_LISTS,
	USER_INDEX,   /* reco_row_index: who has each item, */
	USER_NUMBERS, /* and numbers of users and items */
	USER_BIASES   /* the first part of these */
};

static bool
numbers_valid(const void *bytes, Size size, const RecoModel *model, const RecoMember *member)
{
	return size == reco_row_index_numbers(model->users, model->items) * sizeof(double);
}

static const RecoPartType *
user_parts(const RecoSpec *spec, int *n)
{
	RecoPartType *type = palloc0((USER_BIASES + RECO_BIAS_PARTS) * sizeof(RecoPartType));

	type[USER_LISTS] = (RecoPartType){
		.name = "neighbors",
		.side = RECO_OF_USERS,
		.shape = RECO_LIST,
		.of = RECO_OF_USERS,
		.element = RECO_FLOAT8,
		.kept = RECO_STORED_ONLY,
		.role = RECO_ROLE_NEIGHBORS,
	};
	type[USER_INDEX] = (RecoPartType){
		.name = "index",
		.side = RECO_OF_ITEMS,
		.shape = RECO_LIST,
		.of = RECO_OF_USERS,
		.kept = RECO_DERIVED,
		.of_all_users = true,
		.ones = true,
		.unchecked = true,
	};
	type[USER_NUMBERS] = (RecoPartType){
		.name = "numbers",
		.side = RECO_OF_MODEL,
		.shape = RECO_BYTES,
		.kept = RECO_DERIVED,
		.of_all_users = true,
		.valid = numbers_valid,
	};
	*n = USER_BIASES + knn_bias_parts(spec, &type[USER_BIASES]);
	return type;
}

static size_t
user_memory(const RecoTraining *training)
{
	return knn_memory(training, true);
}

static void
user_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out)
{
	reco_neighbors_params params = knn_kernel_params(training->spec->params);
	reco_neighbors found;

	knn_fit_biases(training, member, USER_BIASES);
	found = knn_find(training, &params, true);
	member->part[USER_LISTS] = reco_lists_part(&found);
}

static void
index_users(const RecoModel *model, const RecoMember *member, const reco_csr *histories,
			RecoPart *part, RecoBudget *budget)
{
	reco_neighbors_params params = knn_kernel_params(member->spec->params);
	reco_row_index index;

	reco_budget_check(budget, reco_row_index_build(&budget->env, &params, histories, &index),
					  "serving");
	part[USER_INDEX] = reco_csr_part(&index.by_column);
	part[USER_NUMBERS] = (RecoPart){
		.data = index.numbers,
		.size = reco_row_index_numbers(model->users, model->items) * sizeof(double),
	};
}

static reco_scorer *
user_scorer(const RecoModel *model, const RecoMember *member)
{
	reco_user_scorer *scorer = palloc0(sizeof(reco_user_scorer));

	scorer->sums = knn_sums(model, member, USER_BIASES, &reco_user_scorer_type);
	scorer->by_user = model->by_user;
	if (scorer->sums.item_bias)
		scorer->bias = member->part[USER_BIASES + RECO_USER_BIAS].data;
	scorer->params = knn_kernel_params(member->spec->params);
	scorer->index.by_column = reco_part_csr(&member->part[USER_INDEX], model->users);
	scorer->index.numbers = member->part[USER_NUMBERS].data;
	return &scorer->sums.head;
}

static void
user_choose(const RecoTraining *training, void *params)
{
	knn_choose(training, RECO_OF_USER_LISTS, params);
}

static List *
user_candidates(const RecoTraining *training, bool portfolio)
{
	static const char *const kinds[] = {
		"\"weighting\": \"bm25\"",
		"\"weighting\": \"tf-idf\"",
		"\"weighting\": \"none\"",
		"\"weighting\": \"none\", \"shrinkage\": 0",
		"\"similarity\": \"jaccard\", \"shrinkage\": 0",
	};

	return knn_candidates(kinds, lengthof(kinds), portfolio);
}

const RecoAlgorithm reco_algorithm_user_knn = {
	.name = "user_knn",
	.negative = "counts against the item",
	.source = "model",
	.needs_users = reco_needs_users,
	.options = knn_options,
	.params_size = sizeof(KnnParams),
	.predicts_value = knn_predicts_value,
	.compares_values = knn_compares_values,
	.check = knn_check,
	.choose = user_choose,
	.candidates = user_candidates,
	.parallel = knn_parallel,
	.memory = user_memory,
	.fit = user_fit,
	.parts = user_parts,
	.prepare_users = index_users,
	.scorer = user_scorer,
};
