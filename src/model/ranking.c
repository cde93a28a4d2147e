/*
 * ranking.c
 *	  From scores to a list.
 *
 * What the model says something about comes first; places that are left go to
 * the most popular of the rest, so that a list is as long as was asked for while
 * items remain.
 *
 * Cost: one pass over the scores, and one over the popularity when it is needed.
 */
#include "model/model.h"

#include "core/pruned.h"
#include "core/vector.h"
#include "miscadmin.h"

#include <math.h>

/*
 * The n best items that are not in skip (which is changed) to out.  score NULL:
 * popularity alone; popularity NULL: no filling up.  *by_score receives how many
 * of those returned are in the list for their score.
 */
int32
reco_rank(const float *score, const float *popularity, int32 items, uint64 *skip, int32 n,
		  reco_ranked *out, int32 *by_score)
{
	int32 have = 0;

	if (score)
		have = reco_top_n(&reco_poll_env, score, items, skip, n, out);
	*by_score = have;
	if (popularity == NULL || have >= n)
		return have;
	for (int32 r = 0; r < have; r++)
		reco_set_add(skip, out[r].item);
	return have + reco_top_n(&reco_poll_env, popularity, items, skip, n - have, out + have);
}

/*
 * Makes the index of items that spares scoring them all, where scores are inner
 * products and memory allows it.  In the budget's context.
 */
void
reco_model_index(RecoModel *model, RecoBudget *budget)
{
	Size size =
		model->spec->algorithm->inner_product ? reco_pruned_size(model->items, model->factors) : 0;
	void *index = size > 0 ? budget->env.alloc(budget->env.arg, size) : NULL;
	reco_status status;

	if (index == NULL)
		return;
	status = reco_pruned_build(&budget->env, model->item, model->items, model->factors,
							   model->stride, model->item_bias, index);
	if (status == RECO_OK)
		model->index = index;
	else
		reco_budget_free(budget, index);
}

/* The n best by the model that are not in skip, to out; returns how many. */
int32
reco_model_top(const RecoModel *model, const RecoProfile *profile, const uint64 *skip, int32 n,
			   reco_ranked *out)
{
	float *score;
	int32 count;

	if (model->index)
	{
		RecoBudget budget;

		reco_budget_init(&budget, CurrentMemoryContext);
		return reco_pruned_top(&budget.env, model->index, model->item, model->stride,
							   profile->factors, model->item_bias,
							   (float) (model->mean + profile->bias), skip, n, out);
	}
	score = reco_call_alloc(model->items, sizeof(float));
	model->spec->algorithm->score(model, profile, score);
	count = reco_top_n(&reco_poll_env, score, model->items, skip, n, out);
	pfree(score);
	return count;
}

/* The cosine of two columns of factors, as reco.cosine_similarity() tells it; 0 for zeros. */
double
reco_model_cosine(const RecoModel *model, const float *x, const float *y)
{
	reco_vectors v = {RECO_FLOAT, model->factors, x, y, NULL};
	double cosine;

	return reco_cosine(&v, &cosine) == RECO_MEASURED ? cosine : 0;
}

float
reco_score_one(const RecoModel *model, const RecoProfile *profile, int32 item)
{
	float score;

	model->spec->algorithm->score_some(model, profile, &item, 1, &score);
	return score;
}

/* How much alike two items are to the model, by whatever it compares them. */
static double
alike(const RecoModel *model, int32 a, int32 b)
{
	if (model->spec->algorithm->needs_features)
	{
		RecoProfile profile = {.n = 1, .item = &a};
		float score = reco_score_one(model, &profile, b);

		return score == -INFINITY ? 0 : score;
	}
	if (model->followers.start)
		return Max(reco_csr_get(&model->followers, a, b), reco_csr_get(&model->followers, b, a));
	return model->factors > 0 ? reco_model_cosine(model, model->item + (Size) a * model->stride,
												  model->item + (Size) b * model->stride)
							  : 0;
}

/*
 * Maximal marginal relevance (Carbonell and Goldstein 1998): takes the next item for
 * its score, from 0 to 1 over the candidates, less its likeness to what was taken:
 * (1 - diversity) score - diversity max alike.  Reorders the m candidates, best
 * first, so that the first n are the list.
 * Cost: n m likenesses.
 */
void
reco_diversify(const RecoModel *model, double diversity, reco_ranked *candidate, int32 m, int32 n)
{
	double *likeness = reco_call_alloc(m, sizeof(double));
	double best = m > 0 ? candidate[0].score : 0;
	double range = m > 0 ? best - candidate[m - 1].score : 0;

	for (int32 taken = 0; taken < n && taken < m; taken++)
	{
		int32 next = taken;
		double most = -INFINITY;
		reco_ranked chosen;
		double chosen_likeness;

		reco_poll();
		for (int32 k = taken; k < m; k++)
		{
			double relevance = range > 0 ? 1 - (best - candidate[k].score) / range : 1;
			double marginal = (1 - diversity) * relevance - diversity * likeness[k];

			RECO_POLL_AT(k);
			if (marginal > most)
			{
				most = marginal;
				next = k;
			}
		}
		/* the others keep their order, so that ties go by score */
		chosen = candidate[next];
		chosen_likeness = likeness[next];
		memmove(&candidate[taken + 1], &candidate[taken], (next - taken) * sizeof(reco_ranked));
		memmove(&likeness[taken + 1], &likeness[taken], (next - taken) * sizeof(double));
		candidate[taken] = chosen;
		likeness[taken] = chosen_likeness;
		for (int32 k = taken + 1; k < m; k++)
		{
			double like = alike(model, chosen.item, candidate[k].item);

			if (k % 256 == 0)
				reco_poll();
			if (taken == 0 || like > likeness[k])
				likeness[k] = like;
		}
	}
	pfree(likeness);
}
