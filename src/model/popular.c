/*
 * popular.c
 *	  reco.popular(): items by the number of users who have them.
 *
 * The baseline that every other algorithm is measured against.  It is a model without factors
 * whose item bias is the count, so it is stored as any other.  Users are counted, not rows: buying
 *the same thing every week does not make it popular.  A user counts where the interaction's value
 *is above zero.
 */
#include "model/model.h"

#include "core/scoring/score_popular.h"

typedef struct PopularParams
{
	int unused;
} PopularParams;

static const reco_option popular_options[] = {
	{NULL},
};

static size_t
popular_memory(const RecoTraining *training)
{
	return ((Size) training->by_user.rows + training->by_user.cols + 2) * 2 * sizeof(float) +
		   (Size) training->by_user.cols * sizeof(reco_ranked) + RECO_ALIGN;
}

static void
popular_fit(const RecoTraining *training, RecoTrained *out)
{
	RecoBudget *budget = training->budget;
	const reco_csr *a = &training->by_user;
	reco_ranked *order = reco_budget_alloc(budget, ((Size) a->cols + 1) * sizeof(reco_ranked));
	int32 *count = reco_budget_alloc(budget, ((Size) a->cols + 1) * sizeof(int32));

	memset(out, 0, sizeof(*out));
	memset(count, 0, ((Size) a->cols + 1) * sizeof(int32));
	for (int64 e = 0; e < a->start[a->rows]; e++)
	{
		if (a->value == NULL || a->value[e] > 0)
			count[a->col[e]]++;
		RECO_POLL_AT(e);
	}
	out->users = a->rows;
	out->user_bias = reco_budget_alloc(budget, ((Size) a->rows + 1) * sizeof(float));
	memset(out->user_bias, 0, ((Size) a->rows + 1) * sizeof(float));
	out->model.spec = training->spec;
	out->model.items = a->cols;
	out->model.item_bias = reco_budget_alloc(budget, ((Size) a->cols + 1) * sizeof(float));
	for (int32 i = 0; i < a->cols; i++)
		out->model.item_bias[i] = count[i];
	(void) reco_top_n(&reco_poll_env, out->model.item_bias, a->cols, NULL, a->cols, order);
	out->model.order = order;
	reco_budget_free(budget, count);
}

static bool
popular_fits(const RecoModel *model)
{
	return model->factors == 0;
}

static reco_scorer *
popular_scorer(const RecoModel *model)
{
	reco_popular_scorer *scorer = palloc0(sizeof(reco_popular_scorer));

	scorer->head = reco_scorer_head(&reco_popular_scorer_type, model, false);
	scorer->score = model->item_bias;
	scorer->order = model->order;
	return &scorer->head;
}

const RecoAlgorithm reco_algorithm_popular = {
	.name = "popular",
	.source = "popular",
	.options = popular_options,
	.params_size = sizeof(PopularParams),
	.memory = popular_memory,
	.fit = popular_fit,
	.fits = popular_fits,
	.scorer = popular_scorer,
};
