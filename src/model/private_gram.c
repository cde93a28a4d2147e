/*
 * private_gram.c
 *	  reco.private() of algorithms that are made of products of items: ease, item_knn and svd.
 *
 * For how many users items and pairs of items count is told with noise (core/privacy/noisy_gram.h,
 * which has the bound), and the model is made of these sums and nothing else: lists, weights,
 * options that were left open, and what is told of how many users an item has.  None of it looks
 * at the interactions again, so none of it tells more than the sums.
 *
 * Pairs are counted of items that are frequent beside the noise; the others have no list, and are
 * in none.  What the noise brings about is kept down: a similarity takes pairs that are clearly
 * above it, with a shrinkage of its size; EASE a regularization of the size of the noise's
 * largest eigenvalue, 2 sqrt(items) deviations (Wigner), times 4.5; svd takes the factors whose
 * eigenvalues are above that (core/svd/svd_gram.h).  These numbers did best on MovieLens 1M with
 * 6,000 and 48,000 users, for an epsilon of 1 to 8.
 *
 * Cost: that of noisy_gram.h, and of the algorithm on the items that were chosen.
 */
#include "core/neighbors/neighbors_gram.h"
#include "core/privacy/noisy_gram.h"
#include "core/regression/ease.h"
#include "core/svd/svd_gram.h"
#include "model/factors.h"
#include "model/item_lists.h"
#include "model/knn.h"
#include "model/private.h"

#include <math.h>

/* Items of which pairs are counted: more of them take minutes of noise, and memory. */
#define MOST_ITEMS 5000
/* An item is frequent whose count is so many deviations of the noise of a pair. */
#define FREQUENT 6
/* A pair, and the shrinkage of similarities, likewise. */
#define CLEAR 2
#define SHRINKAGE 6
/* The regularization: deviations times the square root of the items. */
#define REGULARIZATION 9
#define NEIGHBORS 100

/* An option of the member that the sums do not suffice for. */
static void
refuse(const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s of algorithm \"item_knn\" cannot be made private", what),
			 errdetail("It takes more than for how many users pairs of items count, and of that no "
					   "bound is known."),
			 errhint("%s", hint)));
}

bool
private_is_gram(const RecoSpec *spec)
{
	const KnnParams *knn = spec->params;
	reco_neighbors_params params;

	if (spec->algorithm == &reco_algorithm_ease || spec->algorithm == &reco_algorithm_svd)
		return true;
	if (spec->algorithm != &reco_algorithm_item_knn)
		return false;
	params = knn_kernel_params(knn);
	if (knn->weighting != INT_MIN && knn->weighting != RECO_WEIGHTING_NONE)
		refuse("weighting", "Use weighting => 'none'.");
	params.weighting = RECO_WEIGHTING_NONE;
	if (!reco_neighbors_gram_takes(&params))
		refuse("this similarity", "Use similarity => 'cosine', 'asymmetric', 'jaccard', 'dice', "
								  "'tversky' or 'conditional'.");
	if (knn_predicts_value(spec))
		refuse("predicting values", "Leave out normalized and biases.");
	return true;
}

static reco_noisy_params
noisy_params(const RecoTraining *training)
{
	const PrivateParams *params = training->spec->params;

	return (reco_noisy_params){
		.privacy = private_privacy(params),
		.most = params->max_items,
		.items = MOST_ITEMS,
		.least = FREQUENT,
		.unseen = private_unseen(params),
	};
}

/* What the fit of a member takes beside the sums. */
static Size
fit_memory(const RecoSpec *member, const reco_csr *a, int32 items, int threads)
{
	reco_ease_params ease = {1, RECO_EASE_OPEN};
	reco_shape shape = {.cols = items};

	if (member->algorithm == &reco_algorithm_ease)
	{
		const reco_ease_params *asked = member->params;

		reco_ease_choose(&shape, &ease);
		if (asked->neighbors != RECO_EASE_OPEN)
			ease.neighbors = asked->neighbors;
		return reco_ease_memory(&ease, items, threads);
	}
	else if (member->algorithm == &reco_algorithm_svd)
	{
		reco_svd_params params = factor_svd_params(member);

		return reco_svd_gram_memory(&params, items, a, threads);
	}
	else
	{
		reco_neighbors_params params = knn_kernel_params(member->params);

		params.neighbors = params.neighbors == INT_MIN ? NEIGHBORS : params.neighbors;
		return reco_neighbors_gram_memory(&params, items);
	}
}

size_t
private_gram_memory(const RecoTraining *training)
{
	const reco_csr *a = &training->by_user;
	int threads = training->budget->env.threads;
	reco_noisy_params noisy = noisy_params(training);

	return reco_noisy_gram_memory(&noisy, a, threads) +
		   fit_memory(training->spec->member[0], a, Min(a->cols, MOST_ITEMS), threads) +
		   ((Size) a->cols + 1) * (sizeof(int64) + sizeof(float)) + sizeof(reco_random);
}

static void
inverted(void *arg, int32_t step, int32_t steps)
{
	reco_training_report(arg, step, steps, NAN);
}

/* Where nobody gave a regularization, one that the noise leaves positive definite. */
static reco_neighbors
fit_ease(const RecoTraining *training, const reco_noisy_gram *g)
{
	RecoBudget *budget = training->budget;
	reco_ease_params *params = training->spec->params;
	reco_ease_params asked = *params;
	reco_shape shape = {.cols = g->gram.n};
	reco_neighbors lists;
	reco_status status;

	if (isnan(asked.regularization))
		params->regularization = fmin(
			fmax(REGULARIZATION * g->noise * sqrt(g->gram.n), RECO_EASE_LEAST), RECO_EASE_MOST);
	reco_ease_choose(&shape, params);
	(void) reco_options_chosen(training->spec->algorithm->options, &asked, params);
	for (;;)
	{
		status = reco_ease_of(&budget->env, params, &g->gram, inverted,
							  unconstify(RecoTraining *, training), &lists);
		if (status != RECO_SINGULAR || !isnan(asked.regularization) ||
			params->regularization >= RECO_EASE_MOST)
			break;
		params->regularization = fmin(2 * params->regularization, RECO_EASE_MOST);
	}
	reco_budget_check(budget, status, "training");
	return lists;
}

static reco_neighbors
fit_item_knn(const RecoTraining *training, const reco_noisy_gram *g)
{
	RecoBudget *budget = training->budget;
	KnnParams *params = training->spec->params;
	KnnParams asked = *params;
	reco_neighbors_params kernel;
	reco_neighbors lists;

	if (params->weighting == INT_MIN)
		params->weighting = RECO_WEIGHTING_NONE;
	if (params->neighbors == INT_MIN)
		params->neighbors = NEIGHBORS;
	if (isnan(params->shrinkage))
		params->shrinkage = SHRINKAGE * g->noise;
	(void) reco_options_chosen(training->spec->algorithm->options, &asked, params);
	kernel = knn_kernel_params(params);
	reco_budget_check(
		budget, reco_neighbors_gram(&budget->env, &kernel, &g->gram, CLEAR * g->noise, &lists),
		"training");
	return lists;
}

/* Lists of the items that were chosen become lists of all items, most of them without any. */
static void
number_all(reco_neighbors *lists, const reco_noisy_gram *g, int32 items, RecoBudget *budget)
{
	int64 *start = reco_budget_alloc(budget, ((Size) items + 1) * sizeof(int64));
	int32 at = 0;

	for (int32 i = 0; i < items; i++)
	{
		RECO_POLL_AT(i);
		start[i] = lists->start[at];
		at += at < g->gram.n && g->item[at] == i;
	}
	start[items] = lists->start[g->gram.n];
	for (int64 e = 0; e < start[items]; e++)
	{
		RECO_POLL_AT(e);
		lists->row[e] = g->item[lists->row[e]];
	}
	reco_budget_free(budget, lists->start);
	lists->start = start;
	lists->rows = items;
}

static RecoPart
fit_lists(const RecoTraining *training, const reco_noisy_gram *g, int32 items)
{
	reco_neighbors lists = training->spec->algorithm == &reco_algorithm_ease
							   ? fit_ease(training, g)
							   : fit_item_knn(training, g);

	number_all(&lists, g, items, training->budget);
	return reco_lists_part(&lists);
}

static void
fit_svd(const RecoTraining *training, const reco_noisy_gram *g, RecoMember *member)
{
	RecoBudget *budget = training->budget;
	reco_svd_params params = factor_svd_params(training->spec);
	reco_svd_products products = {&g->gram, g->item, g->noise};
	reco_svd svd;

	factor_check_library(budget);
	reco_budget_check(budget,
					  reco_svd_gram(&budget->env, &params, &products, &training->by_user,
									factor_svd_iterated, unconstify(RecoTraining *, training),
									&svd),
					  "training");
	member->part[FACTOR_ITEM] = reco_vector_part(&member->type[FACTOR_ITEM], svd.items, svd.item);
	member->part[FACTOR_USER] = reco_vector_part(&member->type[FACTOR_USER], svd.users, svd.user);
	reco_budget_free(budget, svd.singular);
}

void
private_gram_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out)
{
	RecoTraining of_member = reco_training_member(training, 0);
	RecoBudget *budget = training->budget;
	reco_noisy_params params = noisy_params(training);
	int32 items = training->by_user.cols;
	reco_random *random = private_random();
	float *told = reco_zeros(budget, items);
	reco_noisy_gram g;

	private_check_status(
		budget, reco_noisy_gram_make(&budget->env, &params, &training->by_user, random, &g));
	private_random_done(random);
	for (int32 i = 0; i < items; i++)
	{
		RECO_POLL_AT(i);
		told[i] = (float) Min(Max(rint(g.count[i]), 0), PG_INT32_MAX / 2);
	}
	member->told = told;
	if (of_member.spec->algorithm == &reco_algorithm_svd)
		fit_svd(&of_member, &g, member);
	else
		member->part[ITEM_LISTS] = fit_lists(&of_member, &g, items);
	reco_noisy_gram_free(&budget->env, &g);
}
