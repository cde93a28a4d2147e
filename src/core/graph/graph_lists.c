/*
 * graph_lists.c
 *	  The sparse part of a graph filter: of what the factors do not hold, the largest entries for
 *	  each item.
 *
 * Threads share out the items.  One adds up the item's row of N'N in an array of its own, takes
 * away from each entry what the factors say of it, and keeps the best in a heap.  Lists are of
 * the item that is spoken for, of one length at most, since candidates compete for a user's list
 * by their own neighbors; in the end they are transposed into rows of who speaks.
 *
 * Memory: lists of items x neighbors twice, and 13 bytes an item for each thread.
 */
#include "core/graph/graph_parts.h"

#include "core/base/slab.h"
#include "core/base/team.h"
#include "core/base/work.h"
#include "core/data/parts.h"
#include "core/data/sorting.h"
#include "core/ranking/score.h"

#include <math.h>
#include <omp.h>

/* Items that a thread takes at a time. */
#define ITEMS_PER_PIECE 4
/* Entries between two polls when lists are moved together. */
#define MOVE_POLL 1048576

typedef struct entry
{
	float value;
	int32_t item;
} entry;

static inline bool
worse(entry a, entry b)
{
	return a.value < b.value || (a.value == b.value && a.item > b.item);
}

#define HEAP_ENTRY entry
#define HEAP_WORSE(a, b) worse(a, b)
#include "core/base/heap.h"

/* One thread's arrays. */
typedef struct row_sums
{
	double *sum;      /* items */
	uint8_t *marked;  /* items: whether it is among those touched */
	int32_t *touched; /* items */
	int32_t touches;
	entry *best;   /* neighbors */
	float *factor; /* stride: an item's factors times the squares */
} row_sums;

typedef struct search
{
	const reco_env *env;
	const reco_graph_lists *from;
	int32_t items;
	int32_t length; /* of a list, at most */
	int stride;
	row_sums *sums;
	int32_t *filled; /* items */
	int32_t *col;    /* items x length */
	float *value;
	reco_flag stop;
} search;

static int32_t
length_of(const reco_graph_params *params, int32_t items)
{
	int32_t most = items > 1 ? items - 1 : 1;

	return params->neighbors < most ? params->neighbors : most;
}

static size_t
sums_bytes(int32_t items, int32_t length, int stride)
{
	size_t n = (size_t) items + 1;

	return reco_room(n * sizeof(double)) + reco_room(n) + reco_room(n * sizeof(int32_t)) +
		   reco_room((size_t) length * sizeof(entry)) +
		   reco_room(((size_t) stride + 1) * sizeof(float));
}

size_t
reco_graph_lists_memory(const reco_graph_params *params, int32_t items, int threads)
{
	int32_t length = length_of(params, items);
	size_t entries = (size_t) items * (size_t) length;
	int stride = (RECO_GRAPH_MAX_FACTORS + 15) / 16 * 16;

	return 2 * (entries + 1) * (sizeof(int32_t) + sizeof(float)) +
		   3 * ((size_t) items + 1) * sizeof(int64_t) +
		   (size_t) threads * (sizeof(row_sums) + sums_bytes(items, length, stride)) +
		   reco_parts_memory(items, (int64_t) entries, threads) + 4096;
}

/* The row of N'N of an item; false: stopped. */
static bool
add_up(search *s, row_sums *t, int32_t i)
{
	const reco_csr *a = s->from->by_user;
	const reco_csr *b = s->from->by_item;
	int64_t done = 0;

	for (int64_t e = b->start[i]; e < b->start[i + 1]; e++)
	{
		int32_t u = b->col[e];
		double x = b->value[e];

		for (int64_t f = a->start[u]; f < a->start[u + 1]; f++)
		{
			int32_t j = a->col[f];

			if (!t->marked[j])
			{
				t->marked[j] = 1;
				t->touched[t->touches++] = j;
			}
			t->sum[j] += x * a->value[f];
		}
		done += a->start[u + 1] - a->start[u];
		if (done >= POLL_STEPS)
		{
			done = 0;
			if (reco_team_stops(s->env, &s->stop))
				return false;
		}
	}
	return true;
}

/* What the factors leave of an entry, or what is made of it where there are none. */
static float
left_of(const search *s, const row_sums *t, int32_t j)
{
	const reco_svd *svd = s->from->svd;
	float held;

	if (svd == NULL)
		return t->sum[j] > 0 ? (float) pow(t->sum[j], s->from->params->power) : 0;
	reco_score(svd->item + (size_t) j * svd->stride, 1, svd->stride, t->factor, NULL, 0, &held);
	return (float) (t->sum[j] - held);
}

/* The best of an item's row, and zeros again; false: stopped. */
static bool
choose(search *s, row_sums *t, int32_t i)
{
	const reco_svd *svd = s->from->svd;
	int32_t have = 0;
	int64_t done = 0;
	bool going = true;

	for (int f = 0; svd && f < svd->stride; f++)
		t->factor[f] = (float) (svd->item[(size_t) i * svd->stride + f] * s->from->square[f]);
	for (int32_t k = 0; k < t->touches; k++)
	{
		int32_t j = t->touched[k];
		float value = going && j != i && t->sum[j] != 0 ? left_of(s, t, j) : 0;

		t->sum[j] = 0;
		t->marked[j] = 0;
		if (value > 0)
			heap_offer(t->best, &have, s->length, (entry){value, j});
		done += s->stride + 1;
		if (done >= POLL_STEPS)
		{
			done = 0;
			going = going && !reco_team_stops(s->env, &s->stop);
		}
	}
	t->touches = 0;
	s->filled[i] = have;
	for (int32_t k = 0; k < have; k++)
	{
		const double *scale = s->from->scale;
		int32_t j = t->best[k].item;
		double value = s->from->slope * t->best[k].value;

		if (scale)
			value *= scale[i] / scale[j];
		s->col[(size_t) i * (size_t) s->length + k] = j;
		s->value[(size_t) i * (size_t) s->length + k] = (float) fmin(value, RECO_GRAPH_LARGEST);
	}
	return going;
}

static reco_status
visit_all(search *s)
{
	const reco_env *env = s->env;
	reco_work work = reco_work_of(s->items, ITEMS_PER_PIECE);

	while (reco_work_left(&work))
	{
#pragma omp parallel num_threads(env->threads)
		for (int64_t from, to; reco_work_take(&work, &from, &to);)
		{
			row_sums *t = &s->sums[omp_get_thread_num()];

			for (int64_t i = from; i < to && !reco_flag_up(&s->stop); i++)
				if (!add_up(s, t, (int32_t) i) || !choose(s, t, (int32_t) i))
					reco_flag_raise(&s->stop);
			if (reco_flag_up(&s->stop) || reco_work_pause(env))
				break;
		}
		if (env->poll(env->arg) || reco_flag_up(&s->stop))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* The lists without gaps, as a matrix over the search's arrays. */
static reco_status
close_up(search *s, int64_t *start, reco_csr *lists)
{
	int64_t at = 0;
	int64_t polled = 0;

	for (int32_t i = 0; i < s->items; i++)
	{
		size_t n = (size_t) s->filled[i];
		size_t from = (size_t) i * (size_t) s->length;

		start[i] = at;
		memmove(s->col + at, s->col + from, n * sizeof(int32_t));
		memmove(s->value + at, s->value + from, n * sizeof(float));
		at += s->filled[i];
		polled += s->filled[i] + 1;
		if (polled >= MOVE_POLL)
		{
			polled = 0;
			if (s->env->poll(s->env->arg))
				return RECO_STOPPED;
		}
	}
	start[s->items] = at;
	*lists = (reco_csr){s->items, s->items, start, s->col, s->value};
	return RECO_OK;
}

static reco_status
allocate(search *s)
{
	const reco_env *env = s->env;
	size_t entries = (size_t) s->items * (size_t) s->length + 1;
	size_t bytes = sums_bytes(s->items, s->length, s->stride);

	s->filled = env->alloc(env->arg, ((size_t) s->items + 1) * sizeof(int32_t));
	s->col = env->alloc(env->arg, entries * sizeof(int32_t));
	s->value = env->alloc(env->arg, entries * sizeof(float));
	s->sums = zeroed(env, (size_t) env->threads * sizeof(row_sums));
	if (!s->filled || !s->col || !s->value || !s->sums)
		return RECO_NO_MEMORY;
	for (int t = 0; t < env->threads; t++)
	{
		row_sums *sums = &s->sums[t];
		char *at = zeroed(env, bytes);

		if (at == NULL)
			return RECO_NO_MEMORY;
		sums->sum = reco_take(&at, ((size_t) s->items + 1) * sizeof(double));
		sums->marked = reco_take(&at, (size_t) s->items + 1);
		sums->touched = reco_take(&at, ((size_t) s->items + 1) * sizeof(int32_t));
		sums->best = reco_take(&at, (size_t) s->length * sizeof(entry));
		sums->factor = (float *) at;
	}
	return RECO_OK;
}

static void
free_search(search *s)
{
	const reco_env *env = s->env;

	/* an array begins where its slab does */
	for (int t = 0; s->sums && t < env->threads; t++)
		release(env, s->sums[t].sum);
	release(env, s->sums);
	release(env, s->filled);
	release(env, s->col);
	release(env, s->value);
}

reco_status
reco_graph_lists_make(const reco_env *env, const reco_graph_lists *from, reco_csr *out)
{
	search s = {
		.env = env,
		.from = from,
		.items = from->by_item->rows,
		.length = length_of(from->params, from->by_item->rows),
		.stride = from->svd ? from->svd->stride : 0,
	};
	int64_t *start = env->alloc(env->arg, ((size_t) s.items + 1) * sizeof(int64_t));
	reco_csr lists;
	reco_status status = start ? allocate(&s) : RECO_NO_MEMORY;

	reco_team_prepare(env->threads);
	if (status == RECO_OK)
		status = visit_all(&s);
	if (status == RECO_OK)
		status = close_up(&s, start, &lists);
	if (status == RECO_OK)
		status = reco_csr_transpose(env, &lists, lists.value, out);
	free_search(&s);
	release(env, start);
	return status;
}
