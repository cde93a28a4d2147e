/*
 * score_popular.c
 *	  A scorer that says the same to everybody: a score an item, whatever a user has.
 *
 * Cost of a list: one pass over the items; with an order, its length and what is left out of it.
 */
#include "core/scoring/score_popular.h"

#include "core/data/sorting.h"

static const reco_popular_scorer *
popular_of(const reco_seat *seat)
{
	return (const reco_popular_scorer *) seat->scorer;
}

static reco_status
popular_score(reco_seat *seat, float *score)
{
	memcpy(score, popular_of(seat)->score, (size_t) seat->scorer->items * sizeof(float));
	return RECO_OK;
}

static reco_status
popular_some(reco_seat *seat, const int32_t *item, int32_t n, float *score)
{
	int64_t done = 0;

	for (int32_t k = 0; k < n; k++)
	{
		score[k] = popular_of(seat)->score[item[k]];
		if (stop_after(&seat->env, 1, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static int32_t
popular_top(reco_seat *seat, const uint64_t *skip, int32_t n, reco_ranked *out)
{
	const reco_popular_scorer *p = popular_of(seat);
	int32_t have = 0;
	int64_t done = 0;

	if (p->order == NULL)
		return reco_top_n(&seat->env, p->score, seat->scorer->items, skip, n, out);
	for (int32_t r = 0; r < seat->scorer->items && have < n; r++)
	{
		if (!(skip && reco_set_has(skip, p->order[r].item)))
			out[have++] = p->order[r];
		if (stop_after(&seat->env, 1, &done))
			return -1;
	}
	return have;
}

/* All of a score is its item's. */
static reco_status
popular_explain(reco_seat *seat, int32_t item, double *contribution, double *baseline,
				bool *additive)
{
	(void) contribution;
	*baseline = popular_of(seat)->score[item];
	*additive = true;
	return RECO_OK;
}

const reco_scorer_type reco_popular_scorer_type = {
	.name = "popular",
	.score = popular_score,
	.score_some = popular_some,
	.top = popular_top,
	.explain = popular_explain,
};
