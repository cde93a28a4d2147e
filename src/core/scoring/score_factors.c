/*
 * score_factors.c
 *	  Scorers whose scores are inner products of factors: score = mean + b_u + b_i + p.q.
 *
 * An implicit model has no mean and no biases; there a user without a positive interaction is
 * the zero vector, whose scores are all 0.
 *
 * The parts of a score are those of the exact solution of the user's row (als.h).  Stored
 * factors may differ from it, where a solver stopped early: the remainder goes to the
 * interactions by the size of what they contribute.  What a center brings is no interaction's
 * and belongs to the baseline.
 *
 * Cost of all scores: items x factors; of a list with an index, what pruned.c says; of an
 * explanation and of a fold-in, n d^2 + d^3 / 3.
 */
#include "core/scoring/score_factors.h"

#include "core/base/dispatch.h"
#include "core/base/slab.h"
#include "core/base/team.h"
#include "core/linear/gram.h"
#include "core/ranking/pruned.h"
#include "core/ranking/score.h"
#include "core/scoring/similar.h"
#include "core/data/sorting.h"

#include <math.h>

/* Floats read between two polls when all items are scored: 16 MB, some milliseconds. */
#define BLOCK_FLOATS (4 * 1024 * 1024)
/* Items between two polls when some are. */
#define POLL_ITEMS 1024

/* A variance that rounding to float4 makes as well, by the largest that there might be. */
#define NOTHING 0x1p-46

static const reco_factor_scorer *
factors_of(const reco_scorer *scorer)
{
	return (const reco_factor_scorer *) scorer;
}

static const float *
row_of(const reco_factor_scorer *f, int32_t item)
{
	return f->item + (size_t) item * (size_t) f->stride;
}

bool
reco_factor_has_index(const reco_scorer *scorer)
{
	return factors_of(scorer)->index != NULL;
}

bool
reco_factor_is_personal(const reco_seat *seat)
{
	const reco_factor_scorer *f = factors_of(seat->scorer);

	for (int k = 0; seat->profile->factors && k < f->factors; k++)
		if (seat->profile->factors[k] != 0)
			return true;
	return false;
}

reco_status
reco_factor_score(reco_seat *seat, float *score)
{
	const reco_factor_scorer *f = factors_of(seat->scorer);
	int32_t items = f->head.items;
	int32_t block = BLOCK_FLOATS / (f->stride > 0 ? f->stride : 1) + 1;

	for (int32_t from = 0; from < items; from += block)
	{
		int32_t left = items - from;

		if (seat->env.poll(seat->env.arg))
			return RECO_STOPPED;
		reco_score(row_of(f, from), left < block ? left : block, f->stride, seat->profile->factors,
				   f->item_bias ? f->item_bias + from : NULL, reco_factor_base(f, seat->profile),
				   score + from);
		if (left <= block)
			break;
	}
	return RECO_OK;
}

reco_status
reco_factor_some(reco_seat *seat, const int32_t *item, int32_t n, float *score)
{
	const reco_factor_scorer *f = factors_of(seat->scorer);

	for (int32_t k = 0; k < n; k++)
	{
		if (k % POLL_ITEMS == 0 && seat->env.poll(seat->env.arg))
			return RECO_STOPPED;
		reco_score(row_of(f, item[k]), 1, f->stride, seat->profile->factors,
				   f->item_bias ? f->item_bias + item[k] : NULL, reco_factor_base(f, seat->profile),
				   &score[k]);
	}
	return RECO_OK;
}

int32_t
reco_factor_top(reco_seat *seat, const uint64_t *skip, int32_t n, reco_ranked *out)
{
	const reco_factor_scorer *f = factors_of(seat->scorer);

	if (f->index && !seat->scored)
		return reco_pruned_top(&seat->env, f->index, f->item, f->stride, seat->profile->factors,
							   f->item_bias, reco_factor_base(f, seat->profile), skip, n, out);
	if (reco_seat_score_all(seat) != RECO_OK)
		return -1;
	return reco_top_n(&seat->env, seat->score, f->head.items, skip, n, out);
}

/* The moments of biases, and of their products with factors. */
static reco_status
find_biases(const reco_env *env, const float *item, int32_t items, int factors, int stride,
			const float *bias, double *moments)
{
	int d = factors + 1;
	double *square = moments + d;
	int64_t done = 0;

	for (int32_t i = 0; i < items; i++)
	{
		const float *row = item + (size_t) i * (size_t) stride;

		moments[factors] += bias[i];
		for (int k = 0; k < factors; k++)
			square[(size_t) k * d + factors] += (double) row[k] * bias[i];
		square[(size_t) factors * d + factors] += (double) bias[i] * bias[i];
		if (stop_after(env, factors, &done))
			return RECO_STOPPED;
	}
	for (int k = 0; k < factors; k++)
		square[(size_t) factors * d + k] = square[(size_t) k * d + factors];
	return RECO_OK;
}

reco_status
reco_factor_moments_find(const reco_env *env, const float *item, int32_t items, int factors,
						 int stride, const float *bias, double *moments)
{
	int d = factors + (bias ? 1 : 0);
	int ld = (factors + 16) / 16 * 16;
	size_t scratch = reco_room(reco_gram_bytes(ld, env->threads));
	char *memory = env->alloc(env->arg, scratch + (size_t) ld * ld * sizeof(double));
	double *gram;
	reco_status status;

	if (memory == NULL)
		return RECO_NO_MEMORY;
	gram = (double *) (memory + scratch);
	reco_team_prepare(env->threads);
	status = reco_gram(env, reco_kernels_best(), item, items, factors, true, stride, NULL, memory,
					   gram, ld);
	memset(moments, 0, (size_t) reco_factor_moments_size(factors, bias) * sizeof(double));
	for (int a = 0; a < factors && status == RECO_OK; a++)
	{
		moments[a] = gram[(size_t) a * ld + factors];
		for (int b = 0; b < factors; b++)
			moments[d + (size_t) a * d + b] = gram[(size_t) a * ld + b];
	}
	release(env, memory);
	if (status == RECO_OK && bias)
		status = find_biases(env, item, items, factors, stride, bias, moments);
	for (int64_t k = 0; k < reco_factor_moments_size(factors, bias) && status == RECO_OK; k++)
		moments[k] /= items > 0 ? items : 1;
	return status;
}

/* x.y of n numbers, in lanes, so that compilers make vectors of them. */
static double
product(const double *x, const float *y, int n)
{
	double lane[8] = {0};
	double sum = 0;
	int k = 0;

	for (; k + 8 <= n; k += 8)
		for (int j = 0; j < 8; j++)
			lane[j] += x[k + j] * y[k + j];
	for (; k < n; k++)
		sum += x[k] * y[k];
	for (int j = 0; j < 8; j++)
		sum += lane[j];
	return sum;
}

void
reco_factor_moments(const reco_seat *seat, double *mean, double *deviation)
{
	const reco_factor_scorer *f = factors_of(seat->scorer);
	const float *p = seat->profile->factors;
	bool biased = f->item_bias != NULL;
	int d = f->factors + (biased ? 1 : 0);
	const double *square = f->moments + d;
	double first = product(f->moments, p, f->factors) + (biased ? f->moments[d - 1] : 0);
	double second = biased ? square[(size_t) d * d - 1] : 0;
	double norm = biased ? 1 : 0;
	double most = second;

	for (int a = 0; a < f->factors; a++)
	{
		const double *row = square + (size_t) a * d;
		double rest = product(row + a + 1, p + a + 1, f->factors - a - 1);

		/* of each two numbers once */
		second += p[a] * (row[a] * p[a] + 2 * (rest + (biased ? row[d - 1] : 0)));
		norm += (double) p[a] * p[a];
		most += row[a];
	}
	second -= first * first;
	*mean = first + reco_factor_base(f, seat->profile);
	*deviation = second > NOTHING * norm * most ? sqrt(second) : 0;
}

double
reco_factor_alike(const reco_scorer *scorer, int32_t a, int32_t b)
{
	const reco_factor_scorer *f = factors_of(scorer);

	return reco_row_cosine(row_of(f, a), row_of(f, b), f->factors);
}

reco_status
reco_factor_similar(const reco_env *env, const reco_scorer *scorer, int32_t item, int32_t n,
					reco_similar *out, int32_t *count)
{
	const reco_factor_scorer *f = factors_of(scorer);

	return reco_similar_rows(env, f->item, f->head.items, f->factors, f->stride, item, n, out,
							 count);
}

/* A rating always tells something; who has none may have factors by what is known about them. */
static bool
als_is_personal(const reco_seat *seat)
{
	const reco_als_scorer *a = (const reco_als_scorer *) seat->scorer;

	return (!a->params.implicit && seat->profile->n > 0) || reco_factor_is_personal(seat);
}

/* The exact solve of one user; contribution NULL: no parts are wanted. */
static reco_status
solve(const reco_env *env, const reco_als_scorer *a, const reco_profile *profile, float *factors,
	  float *bias, int32_t target, double *contribution, double *from_center)
{
	const reco_factor_scorer *f = &a->factor;

	return reco_als_fold_in(env, &a->params, f->item, f->stride,
							a->params.biases ? f->item_bias : NULL, f->head.items, f->mean, a->gram,
							profile->n, profile->item, profile->value, profile->center, factors,
							bias, target, contribution, from_center);
}

static reco_status
als_fold_in(const reco_env *env, const reco_scorer *scorer, reco_profile *profile)
{
	const reco_als_scorer *a = (const reco_als_scorer *) scorer;
	float *factors = zeroed(env, ((size_t) a->factor.stride + 1) * sizeof(float));
	reco_status status = factors ? RECO_OK : RECO_NO_MEMORY;

	if (status == RECO_OK && profile->n > 0)
		status = solve(env, a, profile, factors, &profile->bias, -1, NULL, NULL);
	if (status == RECO_OK)
		profile->factors = factors;
	else
		release(env, factors);
	return status;
}

reco_status
reco_factor_share_out(const reco_env *env, double remainder, double *contribution, int64_t n)
{
	double size = 0;
	int64_t done = 0;

	for (int64_t j = 0; j < n; j++)
	{
		remainder -= contribution[j];
		size += fabs(contribution[j]);
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
	}
	for (int64_t j = 0; size > 0 && j < n; j++)
	{
		contribution[j] += remainder * (fabs(contribution[j]) / size);
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static reco_status
als_explain(reco_seat *seat, int32_t item, double *contribution, double *baseline, bool *additive)
{
	const reco_als_scorer *a = (const reco_als_scorer *) seat->scorer;
	const reco_profile *profile = seat->profile;
	float *factors;
	float bias;
	float score;
	double from_center = 0;
	reco_status status;

	if (profile->n == 0)
		return RECO_OK;
	factors = seat->env.alloc(seat->env.arg, ((size_t) a->factor.stride + 1) * sizeof(float));
	status = factors ? reco_factor_some(seat, &item, 1, &score) : RECO_NO_MEMORY;
	if (status == RECO_OK)
		status = solve(&seat->env, a, profile, factors, &bias, item, contribution, &from_center);
	release(&seat->env, factors);
	if (status != RECO_OK)
		return status;
	*baseline =
		a->factor.mean + (a->factor.item_bias ? a->factor.item_bias[item] : 0) + from_center;
	status = reco_factor_share_out(&seat->env, score - *baseline, contribution, profile->n);
	*additive = status == RECO_OK;
	return status;
}

const reco_scorer_type reco_als_scorer_type = {
	.name = "als",
	.by_factors = true,
	.has_index = reco_factor_has_index,
	.is_personal = als_is_personal,
	.score = reco_factor_score,
	.score_some = reco_factor_some,
	.top = reco_factor_top,
	.explain = als_explain,
	.alike = reco_factor_alike,
	.similar = reco_factor_similar,
	.fold_in = als_fold_in,
};
