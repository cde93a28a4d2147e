/*
 * sequence.c
 *	  Sequential rules: what comes after an item.
 *
 * The places of each item among the events are brought together first.  Then the rules of one item
 * after the other are added up, over all items that may follow, and the heaviest are taken: no
 * more than one item's rules are there at a time, and sums are made in the order of the events.
 *
 * Cost: events times steps, and a heap of `neighbors` an item.
 */
#include "core/sessions/sequence.h"

#include "core/data/sorting.h"

#include <math.h>

/* A rule of an item: what follows, and its weight. */
typedef struct rule
{
	double weight;
	int32_t item;
} rule;

static inline bool
lighter(rule a, rule b)
{
	return a.weight < b.weight || (a.weight == b.weight && a.item > b.item);
}

#define HEAP_ENTRY rule
#define HEAP_WORSE(a, b) lighter(a, b)
#include "core/base/heap.h"

/* How many events follow one is kept in the low bits of its place. */
#define FOLLOW_BITS 7

typedef struct finding
{
	const reco_env *env;
	const reco_ordered *events;
	const reco_sequence_params *params;
	int32_t items;
	int64_t *start;  /* of an item: its places */
	int64_t *place;  /* of an event, and how many follow it that count */
	double *weight;  /* by distance */
	double *sum;     /* of the item's rules, by item that follows */
	int32_t *follow; /* which of these there are */
	rule *best;
	int64_t done;
} finding;

void
reco_sequence_weights(double exponent, int32_t n, float *out)
{
	for (int32_t d = 1; d <= n; d++)
		out[d - 1] = (float) pow(d, -exponent);
}

/* There are no more rules than events times steps, nor more than are kept of each item. */
static size_t
most_entries(int64_t events, int32_t items, const reco_sequence_params *params)
{
	double kept = (double) items * (params->neighbors < items ? params->neighbors : items);
	double all = (double) events * params->steps;

	return (size_t) (kept < all ? kept : all);
}

size_t
reco_sequence_memory(int64_t events, int32_t items, const reco_sequence_params *params)
{
	size_t n = (size_t) items + 2;

	return ((size_t) events + 1) * sizeof(int64_t) +
		   n * (2 * sizeof(int64_t) + sizeof(double) + sizeof(int32_t)) +
		   (RECO_SEQUENCE_STEPS + 1) * sizeof(double) +
		   ((size_t) params->neighbors + 1) * sizeof(rule) +
		   (most_entries(events, items, params) + 1) * (sizeof(int32_t) + sizeof(double));
}

/* The places of each item that something follows. */
static reco_status
find_places(finding *f, int32_t users)
{
	const reco_ordered *o = f->events;

	for (int pass = 0; pass < 2; pass++)
	{
		for (int32_t u = 0; u < users; u++)
		{
			int64_t end = o->start[u + 1];

			for (int64_t e = o->start[u]; e + 1 < end; e++)
			{
				int64_t follow = end - 1 - e < f->params->steps ? end - 1 - e : f->params->steps;

				if (pass == 0)
					f->start[o->item[e] + 1]++;
				else
					f->place[f->start[o->item[e]]++] = e << FOLLOW_BITS | follow;
				if (stop_after(f->env, 2, &f->done))
					return RECO_STOPPED;
			}
		}
		if (pass == 0)
			counts_to_places(f->start, f->items);
		else
			ends_to_starts(f->start, f->items);
	}
	return RECO_OK;
}

/* Adds up the rules of an item; *n: how many items follow it. */
static reco_status
add_rules(finding *f, int32_t item, int32_t *n)
{
	*n = 0;
	for (int64_t p = f->start[item]; p < f->start[item + 1]; p++)
	{
		int64_t e = f->place[p] >> FOLLOW_BITS;
		int32_t follow = (int32_t) (f->place[p] & ((1 << FOLLOW_BITS) - 1));

		for (int32_t d = 1; d <= follow; d++)
		{
			int32_t next = f->events->item[e + d];

			if (f->sum[next] == 0)
				f->follow[(*n)++] = next;
			f->sum[next] += f->weight[d];
		}
		if (stop_after(f->env, 4 * follow + 4, &f->done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* The heaviest of an item's n rules to the end of the lists, and zeros again. */
static reco_status
take_best(finding *f, int32_t item, int32_t n, reco_neighbors *out)
{
	int64_t at = out->start[item];
	int32_t have = 0;

	for (int32_t k = 0; k < n; k++)
	{
		int32_t next = f->follow[k];

		heap_offer(f->best, &have, f->params->neighbors, (rule){f->sum[next], next});
		f->sum[next] = 0;
		if (stop_after(f->env, 8, &f->done))
			return RECO_STOPPED;
	}
	if (!heap_sort(f->env, f->best, have))
		return RECO_STOPPED;
	for (int32_t k = 0; k < have; k++)
	{
		out->row[at + k] = f->best[k].item;
		out->similarity[at + k] = f->best[k].weight;
	}
	out->start[item + 1] = at + have;
	return stop_after(f->env, 32 * (int64_t) have + 8, &f->done) ? RECO_STOPPED : RECO_OK;
}

static reco_status
find_rules(finding *f, int32_t users, reco_neighbors *out)
{
	reco_status status = find_places(f, users);

	for (int32_t d = 1; d <= f->params->steps; d++)
		f->weight[d] = pow(d, -f->params->exponent);
	for (int32_t i = 0; i < f->items && status == RECO_OK; i++)
	{
		int32_t n;

		status = add_rules(f, i, &n);
		if (status == RECO_OK)
			status = take_best(f, i, n, out);
	}
	return status;
}

reco_status
reco_sequence_find(const reco_env *env, const reco_ordered *events, int32_t users, int32_t items,
				   const reco_sequence_params *params, reco_neighbors *out)
{
	finding f = {.env = env, .events = events, .params = params, .items = items};
	size_t n = (size_t) items + 2;
	size_t entries = most_entries(events->start[users], items, params) + 1;
	reco_status status = RECO_NO_MEMORY;

	*out = (reco_neighbors){items, zeroed(env, n * sizeof(int64_t)),
							env->alloc(env->arg, entries * sizeof(int32_t)),
							env->alloc(env->arg, entries * sizeof(double))};
	f.start = zeroed(env, n * sizeof(int64_t));
	f.place = env->alloc(env->arg, ((size_t) events->start[users] + 1) * sizeof(int64_t));
	f.weight = env->alloc(env->arg, (RECO_SEQUENCE_STEPS + 1) * sizeof(double));
	f.sum = zeroed(env, n * sizeof(double));
	f.follow = env->alloc(env->arg, n * sizeof(int32_t));
	f.best = env->alloc(env->arg, ((size_t) params->neighbors + 1) * sizeof(rule));
	if (out->start && out->row && out->similarity && f.start && f.place && f.weight && f.sum &&
		f.follow && f.best)
		status = find_rules(&f, users, out);
	release(env, f.start);
	release(env, f.place);
	release(env, f.weight);
	release(env, f.sum);
	release(env, f.follow);
	release(env, f.best);
	if (status != RECO_OK)
		reco_neighbors_free(env, out);
	return status;
}
