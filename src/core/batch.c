/*
 * batch.c
 *	  The lists of many users at once: users are shared out among threads.
 *
 * Each thread marks a user's own items in a bit set of its own and clears the
 * marks afterwards, so that a user costs their interactions and not the catalogue.
 *
 * Cost: users x items x factors; with an index, what pruned.c says of each user.
 */
#include "core/batch.h"

#include "core/pruned.h"
#include "core/score.h"
#include "core/sorting.h"
#include "core/team.h"

#include <omp.h>

typedef struct Worker
{
	uint64_t *skip;
	float *score;
} Worker;

static void
set_seen(uint64_t *skip, const reco_csr *seen, int32_t u, bool on)
{
	for (int64_t e = seen->start[u]; e < seen->start[u + 1]; e++)
		if (on)
			reco_set_add(skip, seen->col[e]);
		else
			skip[seen->col[e] >> 6] = 0;
}

static int32_t
list_of(const reco_batch_items *items, const float *p, float base, const Worker *w, int32_t n,
		reco_ranked *out)
{
	if (items->index)
		return reco_pruned_top(NULL, items->index, items->factors, items->stride, p, items->bias,
							   base, w->skip, n, out);
	reco_score(items->factors, items->items, items->stride, p, items->bias, base, w->score);
	return reco_top_n(NULL, w->score, items->items, w->skip, n, out);
}

reco_status
reco_batch_top(const reco_env *env, const reco_batch_items *items, const float *user,
			   const float *base, const reco_csr *seen, int32_t n, reco_ranked *out, int32_t *count)
{
	int threads = env->threads < 1 ? 1 : env->threads;
	Worker *worker = zeroed(env, (size_t) threads * sizeof(Worker));
	reco_status status = worker ? RECO_OK : RECO_NO_MEMORY;
	bool stop = false;

	for (int t = 0; worker && t < threads; t++)
	{
		worker[t].skip = zeroed(env, RECO_SET_BYTES(items->items) + 8);
		worker[t].score = env->alloc(env->arg, ((size_t) items->items + 1) * sizeof(float));
		if (worker[t].skip == NULL || worker[t].score == NULL)
			status = RECO_NO_MEMORY;
	}
	if (status == RECO_OK)
	{
		reco_team_prepare(threads);
#pragma omp parallel for num_threads(threads) schedule(dynamic, 16)
		for (int32_t u = 0; u < seen->rows; u++)
		{
			const Worker *w = &worker[omp_get_thread_num()];

			if (stop || (stop = env->stopping(env->arg)))
				continue;
			set_seen(w->skip, seen, u, true);
			count[u] = list_of(items, user + (size_t) u * (size_t) items->stride, base[u], w, n,
							   out + (size_t) u * (size_t) n);
			set_seen(w->skip, seen, u, false);
		}
		if (stop || env->poll(env->arg))
			status = RECO_STOPPED;
	}
	for (int t = 0; worker && t < threads; t++)
	{
		release(env, worker[t].skip);
		release(env, worker[t].score);
	}
	release(env, worker);
	return status;
}
