/*
 * weights.c
 *	  The largest weights of each item, as linear models between items keep them.
 *
 * Cost: of a list, a look at each weight, and log of its length for each that enters.
 */
#include "core/regression/weights.h"

#include "core/data/sorting.h"

#define HEAP_ENTRY reco_weight
#define HEAP_WORSE(a, b) reco_weight_after(a, b)
#include "core/base/heap.h"

size_t
reco_weights_memory(int32_t items, int64_t n)
{
	return ((size_t) n + 1) * sizeof(reco_weight) +
		   ((size_t) items + 1) * (sizeof(int64_t) + sizeof(int32_t));
}

size_t
reco_weights_lists_memory(int32_t items, int64_t n)
{
	return ((size_t) n + 1) * (sizeof(int32_t) + sizeof(double)) +
		   ((size_t) items + 1) * sizeof(int64_t);
}

reco_status
reco_weights_init(const reco_env *env, int32_t items, const int32_t *room, int32_t most,
				  reco_weights *out)
{
	*out = (reco_weights){.items = items};
	out->start = env->alloc(env->arg, ((size_t) items + 1) * sizeof(int64_t));
	out->length = env->alloc(env->arg, ((size_t) items + 1) * sizeof(int32_t));
	if (!out->start || !out->length)
		return RECO_NO_MEMORY;
	out->start[0] = 0;
	for (int32_t i = 0; i < items; i++)
		out->start[i + 1] = out->start[i] + (room ? room[i] : most);
	out->entry = env->alloc(env->arg, ((size_t) out->start[items] + 1) * sizeof(reco_weight));
	return out->entry ? RECO_OK : RECO_NO_MEMORY;
}

void
reco_weights_free(const reco_env *env, reco_weights *w)
{
	release(env, w->start);
	release(env, w->entry);
	release(env, w->length);
	*w = (reco_weights){0};
}

void
reco_weights_fill(reco_weights *w, int32_t of, const float *weight, const int32_t *item, int32_t n)
{
	reco_weight *heap = w->entry + w->start[of];
	int32_t most = (int32_t) (w->start[of + 1] - w->start[of]);
	int32_t have = 0;

	for (int32_t k = 0; k < n; k++)
	{
		reco_weight entry = {weight[k], item ? item[k] : k};

		if (entry.weight != 0 && most > 0)
			heap_offer(heap, &have, most, entry);
	}
	heap_sort(NULL, heap, have);
	w->length[of] = have;
}

reco_status
reco_weights_lists(const reco_env *env, const reco_weights *w, reco_neighbors *out)
{
	int64_t n = 0;
	int64_t polled = 0;

	for (int32_t i = 0; i < w->items; i++)
		n += w->length[i];
	*out = (reco_neighbors){.rows = w->items};
	out->start = env->alloc(env->arg, ((size_t) w->items + 1) * sizeof(int64_t));
	out->row = env->alloc(env->arg, ((size_t) n + 1) * sizeof(int32_t));
	out->similarity = env->alloc(env->arg, ((size_t) n + 1) * sizeof(double));
	if (!out->start || !out->row || !out->similarity)
		return RECO_NO_MEMORY;
	n = 0;
	for (int32_t i = 0; i < w->items; i++)
	{
		const reco_weight *list = w->entry + w->start[i];

		out->start[i] = n;
		for (int32_t k = 0; k < w->length[i]; k++)
		{
			out->row[n] = list[k].item;
			out->similarity[n++] = list[k].weight;
		}
		if (stop_at_entry(env, n, &polled))
			return RECO_STOPPED;
	}
	out->start[w->items] = n;
	return RECO_OK;
}
