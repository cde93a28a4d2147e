/*
 * score_bpr.c
 *	  Scorers over factors that rank pairs of items.
 *
 * Cost of a fold-in: what core/bpr/bpr_step.c says.
 */
#include "core/scoring/score_bpr.h"

#include "core/data/sorting.h"

static reco_status
bpr_fold_in(const reco_env *env, const reco_scorer *scorer, reco_profile *profile)
{
	const reco_bpr_scorer *b = (const reco_bpr_scorer *) scorer;
	const reco_factor_scorer *f = &b->factor;
	float *factors = zeroed(env, ((size_t) f->stride + 1) * sizeof(float));
	/* it is only read */
	reco_bpr model = {
		.items = f->head.items,
		.factors = f->factors,
		.stride = f->stride,
		.item = (float *) f->item,
		.bias = (float *) f->item_bias,
		.chance = (double *) b->chance,
	};
	reco_status status = factors ? RECO_OK : RECO_NO_MEMORY;

	if (status == RECO_OK)
		status = reco_bpr_fold_in(env, &b->params, &model, profile->n, profile->item,
								  profile->value, factors);
	if (status == RECO_OK)
		profile->factors = factors;
	else
		release(env, factors);
	return status;
}

const reco_scorer_type reco_bpr_scorer_type = {
	.name = "bpr",
	.by_factors = true,
	.has_index = reco_factor_has_index,
	.is_personal = reco_factor_is_personal,
	.score = reco_factor_score,
	.score_some = reco_factor_some,
	.top = reco_factor_top,
	.alike = reco_factor_alike,
	.similar = reco_factor_similar,
	.fold_in = bpr_fold_in,
};
