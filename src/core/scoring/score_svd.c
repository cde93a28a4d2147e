/*
 * score_svd.c
 *	  Scorers over a truncated singular value decomposition: score = p.q, where p is the sum of
 *	  value times q over the user's interactions.
 *
 * Cost of a fold-in and of an explanation: n d.
 */
#include "core/scoring/score_svd.h"

#include "core/data/sorting.h"
#include "core/linear/spmm.h"

#include <math.h>

static reco_status
svd_fold_in(const reco_env *env, const reco_scorer *scorer, reco_profile *profile)
{
	const reco_factor_scorer *f = (const reco_factor_scorer *) scorer;
	float *factors = zeroed(env, ((size_t) f->stride + 1) * sizeof(float));
	reco_status status = factors ? RECO_OK : RECO_NO_MEMORY;

	if (status == RECO_OK)
		status = reco_spmm_row(env, 1, f->item, f->stride, profile->n, profile->item,
							   profile->value, factors);
	for (int k = 0; status == RECO_OK && k < f->factors; k++)
		if (!(fabsf(factors[k]) <= RECO_SVD_MAX_FACTOR))
			status = RECO_INVALID;
	if (status == RECO_OK)
		profile->factors = factors;
	else
		release(env, factors);
	return status;
}

static double
product(const float *a, const float *b, int n)
{
	double sum = 0;

	for (int k = 0; k < n; k++)
		sum += (double) a[k] * b[k];
	return sum;
}

static reco_status
svd_explain(reco_seat *seat, int32_t item, double *contribution, double *baseline, bool *additive)
{
	const reco_factor_scorer *f = (const reco_factor_scorer *) seat->scorer;
	const reco_profile *profile = seat->profile;
	const float *target = f->item + (size_t) item * (size_t) f->stride;
	int64_t done = 0;
	float score;
	reco_status status;

	if (profile->n == 0)
		return RECO_OK;
	status = reco_factor_some(seat, &item, 1, &score);
	for (int64_t j = 0; j < profile->n && status == RECO_OK; j++)
	{
		const float *other = f->item + (size_t) profile->item[j] * (size_t) f->stride;

		contribution[j] =
			product(target, other, f->factors) * (profile->value ? profile->value[j] : 1);
		if (stop_after(&seat->env, f->stride, &done))
			status = RECO_STOPPED;
	}
	*baseline = 0;
	if (status == RECO_OK)
		status = reco_factor_share_out(&seat->env, score, contribution, profile->n);
	*additive = status == RECO_OK;
	return status;
}

const reco_scorer_type reco_svd_scorer_type = {
	.name = "svd",
	.by_factors = true,
	.has_index = reco_factor_has_index,
	.is_personal = reco_factor_is_personal,
	.score = reco_factor_score,
	.score_some = reco_factor_some,
	.top = reco_factor_top,
	.explain = svd_explain,
	.alike = reco_factor_alike,
	.similar = reco_factor_similar,
	.fold_in = svd_fold_in,
};
