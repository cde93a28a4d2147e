/*
 * score_lists.c
 *	  Scorers of lists of items: item_knn, rp3beta and other models whose weights are between
 *	  items.
 *
 * Scores are added up by interaction: its row has the items that it speaks for or against.
 * score_sums.h says how sums become scores.
 *
 * Cost of a list: the lengths of the rows of the user's items; of one score, a binary search in
 * each of those rows.
 */
#include "core/scoring/score_lists.h"

#include "core/data/sorting.h"

#include <math.h>

/* What a search in a row takes, in steps of a plain loop. */
#define SEARCH_STEPS 16

static const reco_list_scorer *
lists_of(const reco_scorer *scorer)
{
	return (const reco_list_scorer *) scorer;
}

/* What an interaction counts. */
static inline double
value_of(const reco_list_scorer *l, const reco_profile *profile, int64_t j)
{
	double value = profile->value ? profile->value[j] : 1;

	return value - reco_sum_baseline(&l->sums, profile->bias, profile->item[j]);
}

static reco_status
list_gather(reco_seat *seat, const reco_sum_scratch *scratch)
{
	const reco_list_scorer *l = lists_of(seat->scorer);
	const reco_sum_scratch t = *scratch;
	const reco_csr *f = &l->followers;
	int64_t done = 0;

	for (int64_t j = 0; j < seat->profile->n; j++)
	{
		double x = value_of(l, seat->profile, j);
		int32_t row = seat->profile->item[j];

		for (int64_t from = f->start[row], end; from < f->start[row + 1]; from = end)
		{
			end = f->start[row + 1] - from < POLL_STEPS ? f->start[row + 1] : from + POLL_STEPS;
			for (int64_t e = from; e < end; e++)
				reco_sum_add(&t, f->col[e], x * f->value[e], f->value[e]);
			if (stop_after(&seat->env, end - from, &done))
				return RECO_STOPPED;
		}
		if (stop_after(&seat->env, 8, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static void
list_of_item(const reco_seat *seat, int32_t item, double *sum, double *weight)
{
	const reco_list_scorer *l = lists_of(seat->scorer);

	for (int64_t j = 0; j < seat->profile->n; j++)
	{
		double s = reco_csr_get(&l->followers, seat->profile->item[j], item);

		if (s == 0)
			continue;
		*sum += value_of(l, seat->profile, j) * s;
		*weight += s;
	}
}

static const reco_sum_methods methods = {list_gather, list_of_item};

static reco_status
list_score(reco_seat *seat, float *score)
{
	return reco_sum_score(seat, &methods, score);
}

static reco_status
list_some(reco_seat *seat, const int32_t *item, int32_t n, float *score)
{
	return reco_sum_some(seat, &methods, item, n, score);
}

static int32_t
list_top(reco_seat *seat, const uint64_t *skip, int32_t n, reco_ranked *out)
{
	return reco_sum_top(seat, &methods, skip, n, out);
}

/* With biases any value tells something; without, one of whose item anything is said. */
static bool
list_is_personal(const reco_seat *seat)
{
	const reco_list_scorer *l = lists_of(seat->scorer);
	const int64_t *start = l->followers.start;
	int64_t done = 0;

	if (l->sums.item_bias)
		return seat->profile->n > 0;
	for (int64_t j = 0; j < seat->profile->n; j++)
	{
		if (start[seat->profile->item[j] + 1] > start[seat->profile->item[j]])
			return true;
		if (stop_after(&seat->env, 1, &done))
			return false;
	}
	return false;
}

static reco_status
list_explain(reco_seat *seat, int32_t item, double *contribution, double *baseline, bool *additive)
{
	const reco_list_scorer *l = lists_of(seat->scorer);
	const reco_profile *profile = seat->profile;
	bool mean = l->sums.averaged || l->sums.item_bias;
	double weight = 0;
	bool any = false;
	int64_t done = 0;

	*baseline = reco_sum_baseline(&l->sums, profile->bias, item);
	for (int64_t j = 0; j < profile->n; j++)
	{
		double s = reco_csr_get(&l->followers, profile->item[j], item);

		contribution[j] = s * value_of(l, profile, j);
		weight += s;
		any = any || s != 0;
		if (stop_after(&seat->env, SEARCH_STEPS, &done))
			return RECO_STOPPED;
	}
	for (int64_t j = 0; mean && j < profile->n; j++)
	{
		contribution[j] = weight > 0 ? contribution[j] / weight : 0;
		if (stop_after(&seat->env, 1, &done))
			return RECO_STOPPED;
	}
	*additive = any || *baseline != 0;
	return RECO_OK;
}

static double
list_alike(const reco_scorer *scorer, int32_t a, int32_t b)
{
	const reco_csr *f = &lists_of(scorer)->followers;
	double ab = reco_csr_get(f, a, b);
	double ba = reco_csr_get(f, b, a);

	return ab > ba ? ab : ba;
}

static reco_status
list_similar(const reco_env *env, const reco_scorer *scorer, int32_t item, int32_t n,
			 reco_similar *out, int32_t *count)
{
	const reco_neighbors *s = &lists_of(scorer)->similar;
	int64_t done = 0;

	if (s->start == NULL)
		return RECO_OK;
	for (int64_t e = s->start[item]; e < s->start[item + 1] && *count < n; e++)
	{
		out[(*count)++] = (reco_similar){s->similarity[e], s->row[e]};
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

const reco_scorer_type reco_list_scorer_type = {
	.name = "lists",
	.scratch = reco_sum_scratch_bytes,
	.close = reco_sum_close,
	.is_personal = list_is_personal,
	.score = list_score,
	.score_some = list_some,
	.top = list_top,
	.explain = list_explain,
	.alike = list_alike,
	.similar = list_similar,
	.fold_in = reco_sum_fold_in,
};
