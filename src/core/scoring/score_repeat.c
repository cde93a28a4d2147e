/*
 * score_repeat.c
 *	  Scorers of what a user has again and again.
 *
 * A user's own part is added up when a seat is opened, by item, and so is what the nearest users
 * have; closing zeroes it again.
 *
 * What a neighbor adds to a score comes through the items that both have: it is shared out among
 * them by the products of what they have of these.  Of a neighbor who has none of the user's it
 * belongs to nothing that the user did.
 *
 * Cost: the user's events; with neighbors the lists of their items, a pass over the users, and what
 * the neighbors have; of a list one pass over the items.
 */
#include "core/scoring/score_repeat.h"

#include "core/base/slab.h"
#include "core/data/sorting.h"

#include <math.h>

/* What a search in a vector takes, in steps of a plain loop. */
#define SEARCH_STEPS 8

typedef struct state
{
	double own; /* what the user's sums count */
	int32_t neighbors;
	bool searched;
} state;

/* All but sum only where there are neighbors. */
typedef struct scratch
{
	state *s;
	reco_repeat_sum *sum;   /* by item: of the user */
	double *near;           /* by item: the mean of the neighbors */
	reco_repeat_near *best; /* the neighbors */
	double *product;        /* by user: zeros but during a search */
} scratch;

static const reco_repeat_scorer *
repeat_of(const reco_scorer *scorer)
{
	return (const reco_repeat_scorer *) scorer;
}

/* More neighbors than users there are not. */
static inline int32_t
most_neighbors(const reco_repeat_scorer *r)
{
	return r->neighbors < r->index.by_user.rows ? r->neighbors : r->index.by_user.rows;
}

static size_t
repeat_scratch(const reco_scorer *scorer)
{
	const reco_repeat_scorer *r = repeat_of(scorer);
	size_t items = (size_t) scorer->items + 1;
	size_t bytes = reco_room(sizeof(state)) + reco_room(items * sizeof(reco_repeat_sum));

	if (r->neighbors > 0)
		bytes += reco_room(items * sizeof(double)) +
				 reco_room((size_t) most_neighbors(r) * sizeof(reco_repeat_near)) +
				 reco_room((size_t) r->index.by_user.rows * sizeof(double));
	return bytes;
}

static scratch
scratch_of(const reco_seat *seat)
{
	const reco_repeat_scorer *r = repeat_of(seat->scorer);
	size_t items = (size_t) seat->scorer->items + 1;
	char *at = seat->scratch;
	scratch out = {0};

	out.s = reco_take(&at, sizeof(state));
	out.sum = reco_take(&at, items * sizeof(reco_repeat_sum));
	if (r->neighbors > 0)
	{
		out.near = reco_take(&at, items * sizeof(double));
		out.best = reco_take(&at, (size_t) most_neighbors(r) * sizeof(reco_repeat_near));
		out.product = reco_take(&at, (size_t) r->index.by_user.rows * sizeof(double));
	}
	return out;
}

static inline reco_baskets
baskets_of(const reco_profile *profile)
{
	return (reco_baskets){profile->events, profile->event, profile->moment};
}

/* The mean of what the neighbors have.  False to stop. */
static bool
add_neighbors(reco_seat *seat, const scratch *t)
{
	const reco_csr *by_user = &repeat_of(seat->scorer)->index.by_user;
	int64_t done = 0;

	for (int32_t n = 0; n < t->s->neighbors; n++)
	{
		int32_t u = t->best[n].user;

		for (int64_t e = by_user->start[u]; e < by_user->start[u + 1]; e++)
		{
			t->near[by_user->col[e]] += by_user->value[e] / (double) t->s->neighbors;
			if (stop_after(&seat->env, 2, &done))
				return false;
		}
		if (stop_after(&seat->env, 8, &done))
			return false;
	}
	return true;
}

/* The nearest users, and what they have.  The sums are those of the vector, and zeros again. */
static bool
find_neighbors(reco_seat *seat, const reco_baskets *baskets, const scratch *t)
{
	const reco_repeat_scorer *r = repeat_of(seat->scorer);
	reco_repeat_scale scale;

	if (!reco_repeat_add(&seat->env, &r->vector, baskets, t->sum, &scale))
		return false;
	t->s->searched = true;
	if (reco_repeat_nearest(&seat->env, &r->index, baskets, t->sum, scale.vector,
							seat->profile->user - 1, most_neighbors(r), t->product, t->best,
							&t->s->neighbors) != RECO_OK)
		return false;
	reco_repeat_clear(baskets, t->sum);
	return add_neighbors(seat, t);
}

static reco_status
repeat_open(reco_seat *seat)
{
	const reco_repeat_scorer *r = repeat_of(seat->scorer);
	reco_baskets baskets = baskets_of(seat->profile);
	scratch t = scratch_of(seat);
	reco_repeat_scale scale;

	if (baskets.events == 0)
		return RECO_OK;
	if (most_neighbors(r) > 0 && !find_neighbors(seat, &baskets, &t))
		return RECO_STOPPED;
	if (!reco_repeat_add(&seat->env, &r->weights, &baskets, t.sum, &scale))
		return RECO_STOPPED;
	t.s->own = r->normalized ? scale.share : scale.vector;
	return RECO_OK;
}

static void
repeat_close(reco_seat *seat)
{
	const reco_repeat_scorer *r = repeat_of(seat->scorer);
	const reco_csr *by_user = &r->index.by_user;
	reco_baskets baskets = baskets_of(seat->profile);
	scratch t = scratch_of(seat);

	reco_repeat_clear(&baskets, t.sum);
	for (int32_t n = 0; n < t.s->neighbors; n++)
	{
		int32_t u = t.best[n].user;

		for (int64_t e = by_user->start[u]; e < by_user->start[u + 1]; e++)
			t.near[by_user->col[e]] = 0;
	}
	if (t.s->searched)
	{
		memset(t.best, 0, (size_t) most_neighbors(r) * sizeof(reco_repeat_near));
		memset(t.product, 0, (size_t) by_user->rows * sizeof(double));
	}
	*t.s = (state){0};
}

static bool
repeat_is_personal(const reco_seat *seat)
{
	return seat->profile->events > 0;
}

/* What the blend of a user and of everybody counts. */
static inline double
blend_weight(const reco_repeat_scorer *r)
{
	return r->neighbors > 0 ? r->own_weight : 1;
}

/* The user's own part of a score. */
static inline double
own_of(const reco_repeat_scorer *r, const scratch *t, int32_t item)
{
	return blend_weight(r) * t->s->own * t->sum[item].sum * (r->rate ? r->rate[item] : 1);
}

/* Everybody's. */
static inline double
popular_of(const reco_repeat_scorer *r, int32_t item)
{
	return blend_weight(r) * r->popularity * r->share[item];
}

static inline float
score_of(const reco_repeat_scorer *r, const scratch *t, int32_t item)
{
	double score = own_of(r, t, item) + popular_of(r, item);

	if (t->near)
		score += (1 - r->own_weight) * t->near[item];
	return score > 0 ? (float) score : -INFINITY;
}

static reco_status
repeat_score(reco_seat *seat, float *score)
{
	const reco_repeat_scorer *r = repeat_of(seat->scorer);
	scratch t = scratch_of(seat);
	int64_t done = 0;

	for (int32_t i = 0; i < seat->scorer->items; i++)
	{
		score[i] = score_of(r, &t, i);
		if (stop_after(&seat->env, 1, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static reco_status
repeat_some(reco_seat *seat, const int32_t *item, int32_t n, float *score)
{
	const reco_repeat_scorer *r = repeat_of(seat->scorer);
	scratch t = scratch_of(seat);
	int64_t done = 0;

	for (int32_t k = 0; k < n; k++)
	{
		score[k] = score_of(r, &t, item[k]);
		if (stop_after(&seat->env, 1, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* What a neighbor adds: `adds` among the items that both have, or to the rest.  False to stop. */
static bool
share_out(reco_seat *seat, const scratch *t, int32_t user, double adds, double *contribution,
		  double *baseline)
{
	const reco_csr *by_user = &repeat_of(seat->scorer)->index.by_user;
	const reco_profile *profile = seat->profile;
	double all = 0;
	int64_t done = 0;

	for (int pass = 0; pass < 2; pass++)
	{
		for (int64_t e = by_user->start[user]; e < by_user->start[user + 1]; e++)
		{
			int32_t item = by_user->col[e];
			double common = t->sum[item].sum * by_user->value[e];
			int64_t j;

			if (stop_after(&seat->env, SEARCH_STEPS, &done))
				return false;
			if (!(common > 0))
				continue;
			j = reco_find(profile->item, 0, profile->n, item);
			if (j < 0)
				continue;
			if (pass == 0)
				all += common;
			else
				contribution[j] += adds * (common / all);
		}
		if (all == 0)
		{
			*baseline += adds;
			break;
		}
	}
	return !seat->env.poll(seat->env.arg);
}

/* What the user has of the item is its own; what neighbors add comes through common items. */
static reco_status
repeat_explain(reco_seat *seat, int32_t item, double *contribution, double *baseline,
			   bool *additive)
{
	const reco_repeat_scorer *r = repeat_of(seat->scorer);
	const reco_csr *by_user = &r->index.by_user;
	scratch t = scratch_of(seat);
	int64_t j = reco_find(seat->profile->item, 0, seat->profile->n, item);
	int64_t done = 0;

	*additive = score_of(r, &t, item) > -INFINITY;
	if (!*additive)
		return RECO_OK;
	*baseline = popular_of(r, item);
	if (j >= 0)
		contribution[j] = own_of(r, &t, item);
	for (int32_t n = 0; n < t.s->neighbors; n++)
	{
		int32_t u = t.best[n].user;
		double adds = reco_csr_get(by_user, u, item) / (double) t.s->neighbors;

		if (stop_after(&seat->env, SEARCH_STEPS, &done))
			return RECO_STOPPED;
		if (adds > 0 && !share_out(seat, &t, u, (1 - r->own_weight) * adds, contribution, baseline))
			return RECO_STOPPED;
	}
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
