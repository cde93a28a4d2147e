/*
 * popular.c
 *	  reco.popular(): items by the number of users who have them.
 *
 * The baseline that every other algorithm is measured against.  It is a model without factors
 * whose item bias is the count, so it is stored as any other.  Users are counted, not rows: buying
 * the same thing every week does not make it popular.  A user counts where the interaction's value
 * is above zero.
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

enum
{
	POPULAR_COUNT,
	POPULAR_ORDER,
	POPULAR_PARTS
};

static bool
order_valid(const void *bytes, Size size, const RecoModel *model, const RecoMember *member)
{
	const reco_ranked *order = bytes;
	int32 items = model->items;

	if (size != (Size) items * sizeof(reco_ranked))
		return false;
	for (int32 k = 0; k < items; k++)
	{
		RECO_POLL_AT(k);
		if (order[k].item < 0 || order[k].item >= items)
			return false;
	}
	return true;
}

static const RecoPartType *
popular_parts(const RecoSpec *spec, int *n)
{
	static const RecoPartType parts[POPULAR_PARTS] = {
		[POPULAR_COUNT] = {.name = "bias",
						   .side = RECO_OF_ITEMS,
						   .width = 1,
						   .role = RECO_ROLE_BIAS},
		[POPULAR_ORDER] = {.name = "order",
						   .side = RECO_OF_ITEMS,
						   .shape = RECO_BYTES,
						   .kept = RECO_DERIVED,
						   .valid = order_valid},
	};

	*n = POPULAR_PARTS;
	return parts;
}

static size_t
popular_memory(const RecoTraining *training)
{
	return ((Size) training->by_user.cols + 2) * 2 * sizeof(float) +
		   (Size) training->by_user.cols * sizeof(reco_ranked) + RECO_ALIGN;
}

static void
popular_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out)
{
	const reco_csr *a = &training->by_user;
	Size bytes = ((Size) a->cols + 1) * sizeof(int32);
	/* in integers: a float beyond 2^24 does not become larger by 1 */
	int32 *count = reco_budget_alloc(training->budget, bytes);
	float *popular = reco_zeros(training->budget, a->cols);

	memset(count, 0, bytes);
	for (int64 e = 0; e < a->start[a->rows]; e++)
	{
		if (a->value == NULL || a->value[e] > 0)
			count[a->col[e]]++;
		RECO_POLL_AT(e);
	}
	for (int32 i = 0; i < a->cols; i++)
	{
		popular[i] = (float) count[i];
		RECO_POLL_AT(i);
	}
	reco_budget_free(training->budget, count);
	member->part[POPULAR_COUNT] = reco_vector_part(&member->type[POPULAR_COUNT], a->cols, popular);
}

static void
popular_prepare(RecoModel *model, RecoMember *member, bool serving, RecoBudget *budget)
{
	Size size = (Size) model->items * sizeof(reco_ranked);
	reco_ranked *order = reco_budget_alloc(budget, size + 1);

	(void) reco_top_n(&reco_poll_env, member->part[POPULAR_COUNT].data, model->items, NULL,
					  model->items, order);
	member->part[POPULAR_ORDER] = (RecoPart){.data = order, .size = size};
}

static reco_scorer *
popular_scorer(const RecoModel *model, const RecoMember *member)
{
	reco_popular_scorer *scorer = palloc0(sizeof(reco_popular_scorer));

	scorer->head = reco_scorer_head(&reco_popular_scorer_type, model, false);
	scorer->score = member->part[POPULAR_COUNT].data;
	scorer->order = member->part[POPULAR_ORDER].data;
	return &scorer->head;
}

static List *
popular_candidates(const RecoTraining *training, bool portfolio)
{
	return list_make1(pstrdup("{}"));
}

const RecoAlgorithm reco_algorithm_popular = {
	.name = "popular",
	.negative = "is not counted",
	.source = "popular",
	.options = popular_options,
	.candidates = popular_candidates,
	.params_size = sizeof(PopularParams),
	.memory = popular_memory,
	.fit = popular_fit,
	.parts = popular_parts,
	.prepare = popular_prepare,
	.scorer = popular_scorer,
};
