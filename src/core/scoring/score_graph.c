/*
 * score_graph.c
 *	  Scorers of filters on the graph of users and items: lists of items, and inner products.
 *
 * A seat begins with what sums over lists need; after it are the user's factors, made when the
 * user is opened.
 *
 * Cost: of opening, interactions x width; of all scores, items x width and the lengths of the
 * rows of the user's items.
 */
#include "core/scoring/score_graph.h"

#include "core/base/slab.h"
#include "core/data/sorting.h"
#include "core/ranking/score.h"
#include "core/scoring/score_factors.h"
#include "core/scoring/similar.h"

#include <float.h>
#include <math.h>

/* The largest of a user's factors: products of 2,048 of them with an item's are in range. */
#define MOST_FACTOR 1e17
/* Floats read between two polls. */
#define BLOCK_FLOATS (4 * 1024 * 1024)
#define POLL_ITEMS 1024
/* What is done for an item by lists: the family that this one is made of. */
#define by_lists reco_list_scorer_type

static const reco_graph_scorer *
graph_of(const reco_scorer *scorer)
{
	return (const reco_graph_scorer *) scorer;
}

static const float *
row_of(const reco_graph_scorer *g, int32_t item)
{
	return g->item + (size_t) item * (size_t) g->stride;
}

/* After the lists' part of a seat. */
typedef struct scratch
{
	double *sum;   /* width: the user's factors, as they are added up */
	float *factor; /* stride */
} scratch;

static scratch
scratch_of(const reco_seat *seat)
{
	const reco_graph_scorer *g = graph_of(seat->scorer);
	char *at = (char *) seat->scratch + by_lists.scratch(seat->scorer);
	scratch s;

	s.sum = reco_take(&at, (size_t) g->stride * sizeof(double));
	s.factor = (float *) at;
	return s;
}

static size_t
graph_scratch(const reco_scorer *scorer)
{
	size_t stride = (size_t) graph_of(scorer)->stride;

	return by_lists.scratch(scorer) + reco_room(stride * sizeof(double)) +
		   reco_room(stride * sizeof(float));
}

static inline double
value_of(const reco_profile *profile, int64_t j)
{
	return profile->value ? profile->value[j] : 1;
}

/* The user's factors: those of their items, times what these count inward, then the weights. */
static reco_status
graph_open(reco_seat *seat)
{
	const reco_graph_scorer *g = graph_of(seat->scorer);
	const reco_profile *profile = seat->profile;
	scratch s = scratch_of(seat);
	int each = g->blocks > 0 ? g->width / g->blocks : 0;
	int64_t done = 0;

	for (int64_t j = 0; g->blocks > 0 && j < profile->n; j++)
	{
		int32_t item = profile->item[j];
		const float *row = row_of(g, item);

		for (int b = 0; b < g->blocks; b++)
		{
			double x = value_of(profile, j) * g->inward[(size_t) item * g->blocks + b];

			for (int f = b * each; f < (b + 1) * each; f++)
				s.sum[f] += x * row[f];
		}
		if (stop_after(&seat->env, g->width, &done))
			return RECO_STOPPED;
	}
	for (int f = 0; f < g->width; f++)
		s.factor[f] = (float) fmax(fmin(s.sum[f] * g->weight[f], MOST_FACTOR), -MOST_FACTOR);
	return RECO_OK;
}

static void
graph_close(reco_seat *seat)
{
	const reco_graph_scorer *g = graph_of(seat->scorer);
	scratch s = scratch_of(seat);

	by_lists.close(seat);
	memset(s.sum, 0, (size_t) g->stride * sizeof(double));
	memset(s.factor, 0, (size_t) g->stride * sizeof(float));
}

static bool
graph_is_personal(const reco_seat *seat)
{
	const reco_graph_scorer *g = graph_of(seat->scorer);
	scratch s = scratch_of(seat);

	const reco_profile *profile = seat->profile;
	const int64_t *start = g->lists.followers.start;
	int64_t done = 0;

	for (int f = 0; f < g->width; f++)
		if (s.factor[f] != 0)
			return true;
	for (int64_t j = 0; j < profile->n; j++)
	{
		int32_t item = profile->item[j];

		if (value_of(profile, j) != 0 && start[item + 1] > start[item])
			return true;
		if (stop_after(&seat->env, 1, &done))
			return false;
	}
	return false;
}

/* score += p.q of n rows; of what is in no list: that alone.  Numbers of any size stay finite. */
static void
add_products(const reco_graph_scorer *g, const float *p, const float *rows, int32_t n, float *score)
{
	for (int32_t k = 0; k < n; k++)
		if (score[k] == -INFINITY)
			score[k] = 0;
	reco_score(rows, n, g->stride, p, score, 0, score);
	for (int32_t k = 0; k < n; k++)
		score[k] = fmaxf(fminf(score[k], FLT_MAX), -FLT_MAX);
}

static reco_status
graph_score(reco_seat *seat, float *score)
{
	const reco_graph_scorer *g = graph_of(seat->scorer);
	int32_t items = seat->scorer->items;
	int32_t block = BLOCK_FLOATS / (g->stride + 1) + 1;
	reco_status status = by_lists.score(seat, score);

	for (int32_t from = 0; g->blocks > 0 && from < items && status == RECO_OK;)
	{
		int32_t n = items - from < block ? items - from : block;

		add_products(g, scratch_of(seat).factor, row_of(g, from), n, score + from);
		from += n;
		if (seat->env.poll(seat->env.arg))
			status = RECO_STOPPED;
	}
	return status;
}

static reco_status
graph_some(reco_seat *seat, const int32_t *item, int32_t n, float *score)
{
	const reco_graph_scorer *g = graph_of(seat->scorer);
	reco_status status = by_lists.score_some(seat, item, n, score);

	for (int32_t k = 0; g->blocks > 0 && k < n && status == RECO_OK; k++)
	{
		add_products(g, scratch_of(seat).factor, row_of(g, item[k]), 1, &score[k]);
		if (k % POLL_ITEMS == POLL_ITEMS - 1 && seat->env.poll(seat->env.arg))
			status = RECO_STOPPED;
	}
	return status;
}

static int32_t
graph_top(reco_seat *seat, const uint64_t *skip, int32_t n, reco_ranked *out)
{
	/* without factors, items that no list leads to have no score */
	if (graph_of(seat->scorer)->blocks == 0)
		return by_lists.top(seat, skip, n, out);
	if (reco_seat_score_all(seat) != RECO_OK)
		return -1;
	return reco_top_n(&seat->env, seat->score, seat->scorer->items, skip, n, out);
}

/* Without factors it is what lists are. */
static bool
graph_is_sparse(const reco_scorer *scorer)
{
	return graph_of(scorer)->blocks == 0 && by_lists.is_sparse(scorer);
}

static reco_status
graph_mark(reco_seat *seat, uint16_t *line)
{
	return by_lists.mark(seat, line);
}

static reco_status
graph_take(reco_seat *seat, const int32_t *line, int32_t n, float *score)
{
	return by_lists.take(seat, line, n, score);
}

static double
inward_product(const reco_graph_scorer *g, int32_t from, int32_t to)
{
	const float *a = row_of(g, from);
	const float *b = row_of(g, to);
	int each = g->blocks > 0 ? g->width / g->blocks : 0;
	double sum = 0;

	for (int k = 0; k < g->blocks; k++)
	{
		double part = 0;

		for (int f = k * each; f < (k + 1) * each; f++)
			part += (double) g->weight[f] * a[f] * b[f];
		sum += part * g->inward[(size_t) from * g->blocks + k];
	}
	return sum;
}

static reco_status
graph_explain(reco_seat *seat, int32_t item, double *contribution, double *baseline, bool *additive)
{
	const reco_graph_scorer *g = graph_of(seat->scorer);
	const reco_profile *profile = seat->profile;
	int64_t done = 0;
	float score;
	reco_status status = by_lists.explain(seat, item, contribution, baseline, additive);

	if (status != RECO_OK || g->blocks == 0 || profile->n == 0)
		return status;
	for (int64_t j = 0; j < profile->n; j++)
	{
		contribution[j] += value_of(profile, j) * inward_product(g, profile->item[j], item);
		if (stop_after(&seat->env, g->width, &done))
			return RECO_STOPPED;
	}
	status = graph_some(seat, &item, 1, &score);
	if (status == RECO_OK)
		status = reco_factor_share_out(&seat->env, score, contribution, profile->n);
	*additive = status == RECO_OK;
	return status;
}

static double
graph_alike(const reco_scorer *scorer, int32_t a, int32_t b)
{
	const reco_graph_scorer *g = graph_of(scorer);

	return g->blocks > 0 ? reco_row_cosine(row_of(g, a), row_of(g, b), g->width)
						 : by_lists.alike(scorer, a, b);
}

/* What somebody who has that item only would be shown, for a score above 0. */
static reco_status
graph_similar(const reco_env *env, const reco_scorer *scorer, int32_t item, int32_t n,
			  reco_similar *out, int32_t *count)
{
	reco_profile profile = {.n = 1, .item = &item};
	reco_ranked *best = env->alloc(env->arg, ((size_t) n + 1) * sizeof(reco_ranked));
	uint64_t *skip = zeroed(env, RECO_SET_BYTES(scorer->items) + sizeof(uint64_t));
	reco_seat *seat = NULL;
	int32_t have = 0;
	reco_status status = best && skip ? reco_seat_make(env, scorer, &seat) : RECO_NO_MEMORY;

	if (status == RECO_OK)
		status = reco_seat_open(seat, &profile);
	if (status == RECO_OK)
	{
		reco_set_add(skip, item);
		have = reco_seat_top(seat, skip, n, best);
		status = have < 0 ? RECO_STOPPED : RECO_OK;
	}
	for (int32_t k = 0; k < have && best[k].score > 0; k++)
		out[(*count)++] = (reco_similar){best[k].score, best[k].item};
	reco_seat_free(env, seat);
	release(env, best);
	release(env, skip);
	return status;
}

const reco_scorer_type reco_graph_scorer_type = {
	.name = "graph",
	.scratch = graph_scratch,
	.open = graph_open,
	.close = graph_close,
	.is_personal = graph_is_personal,
	.score = graph_score,
	.score_some = graph_some,
	.top = graph_top,
	.is_sparse = graph_is_sparse,
	.mark = graph_mark,
	.take = graph_take,
	.explain = graph_explain,
	.alike = graph_alike,
	.similar = graph_similar,
	.fold_in = reco_sum_fold_in,
};
