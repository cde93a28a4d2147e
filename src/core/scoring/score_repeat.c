/*
 * score_repeat.c
 *	  Scorers of what a user has again and again.
 *
 * A user's own part is added up when a seat is opened, by item; closing zeroes it again.
 *
 * Cost: the user's events; of a list one pass over the items.
 */
#include "core/scoring/score_repeat.h"

#include "core/data/csr.h"
#include "core/data/sorting.h"

#include <math.h>

static const reco_repeat_scorer *
repeat_of(const reco_seat *seat)
{
	return (const reco_repeat_scorer *) seat->scorer;
}

/* The own parts, by item. */
static size_t
repeat_scratch(const reco_scorer *scorer)
{
	return ((size_t) scorer->items + 1) * sizeof(double);
}

/* What all baskets count together, of which the oldest is `last` before the newest. */
static inline double
all_baskets(double decay, double last)
{
	return decay < 1 ? (1 - pow(decay, last + 1)) / (1 - decay) : last + 1;
}

static reco_status
repeat_open(reco_seat *seat)
{
	const reco_profile *profile = seat->profile;
	double decay = repeat_of(seat)->decay;
	double *own = seat->scratch;
	double newest = profile->events > 0 ? fmax(profile->moment[profile->events - 1], 0) : 0;
	double all = all_baskets(decay, newest);
	double part = 0;
	int64_t done = 0;

	for (int64_t e = 0; e < profile->events; e++)
	{
		bool new_basket = e == 0 || profile->moment[e] != profile->moment[e - 1];

		if (new_basket)
			part = pow(decay, fmax(newest - profile->moment[e], 0)) / all;
		/* twice in a basket is once: items of one moment rise */
		if (new_basket || profile->event[e] != profile->event[e - 1])
			own[profile->event[e]] += part;
		if (stop_after(&seat->env, new_basket ? 16 : 2, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static void
repeat_close(reco_seat *seat)
{
	double *own = seat->scratch;

	for (int64_t e = 0; e < seat->profile->events; e++)
		own[seat->profile->event[e]] = 0;
}

static bool
repeat_is_personal(const reco_seat *seat)
{
	return seat->profile->events > 0;
}

static inline float
score_of(const reco_seat *seat, int32_t item)
{
	const reco_repeat_scorer *r = repeat_of(seat);
	double score = ((const double *) seat->scratch)[item] + r->popularity * r->share[item];

	return score > 0 ? (float) score : -INFINITY;
}

static reco_status
repeat_score(reco_seat *seat, float *score)
{
	int64_t done = 0;

	for (int32_t i = 0; i < seat->scorer->items; i++)
	{
		score[i] = score_of(seat, i);
		if (stop_after(&seat->env, 1, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static reco_status
repeat_some(reco_seat *seat, const int32_t *item, int32_t n, float *score)
{
	int64_t done = 0;

	for (int32_t k = 0; k < n; k++)
	{
		score[k] = score_of(seat, item[k]);
		if (stop_after(&seat->env, 1, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* What the user has of the item is its own; the rest is everybody's. */
static reco_status
repeat_explain(reco_seat *seat, int32_t item, double *contribution, double *baseline,
			   bool *additive)
{
	const reco_repeat_scorer *r = repeat_of(seat);
	int64_t j = reco_find(seat->profile->item, 0, seat->profile->n, item);

	*additive = score_of(seat, item) > -INFINITY;
	if (!*additive)
		return RECO_OK;
	*baseline = r->popularity * r->share[item];
	if (j >= 0)
		contribution[j] = ((const double *) seat->scratch)[item];
	return RECO_OK;
}

const reco_scorer_type reco_repeat_scorer_type = {
	.name = "repeat",
	.scratch = repeat_scratch,
	.open = repeat_open,
	.close = repeat_close,
	.is_personal = repeat_is_personal,
	.score = repeat_score,
	.score_some = repeat_some,
	.explain = repeat_explain,
};
