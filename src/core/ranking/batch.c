/*
 * batch.c
 *	  The lists of many users at once: users are shared out among threads.
 *
 * Each thread marks a user's own items in a bit set of its own and clears the
 * marks afterwards, so that a user costs their interactions and not the catalogue.
 *
 * Cost: users x items x factors; with an index, what pruned.c says of each user.
 */
#include "core/ranking/batch.h"

#include "core/ranking/pruned.h"
#include "core/ranking/score.h"
#include "core/data/sorting.h"
#include "core/base/team.h"
#include "core/base/work.h"

#include <omp.h>
#include <string.h>

/* Users that a thread takes at a time. */
#define USERS 16
/* Floats read between two looks at the stop flag: some milliseconds. */
#define BLOCK_FLOATS (4 * 1024 * 1024)

typedef struct Worker
{
	uint64_t *skip;
	float *score;
} Worker;

static void
set_seen(uint64_t *skip, const uint64_t *hidden, const reco_csr *seen, int32_t u, bool on)
{
	for (int64_t e = seen->start[u]; e < seen->start[u + 1]; e++)
		if (on)
			reco_set_add(skip, seen->col[e]);
		else
			skip[seen->col[e] >> 6] = hidden ? hidden[seen->col[e] >> 6] : 0;
}

/* -1: to stop.  A poll of env looks at the stop flag, as any thread may. */
static int32_t
list_of(const reco_env *env, const reco_batch_items *items, const float *p, float base,
		const Worker *w, int32_t n, reco_ranked *out)
{
	int32_t step = BLOCK_FLOATS / (items->stride > 0 ? items->stride : 1) + 1;

	if (env->poll(env->arg))
		return -1;
	if (items->index)
		return reco_pruned_top(env, items->index, items->factors, items->stride, p, items->bias,
							   base, w->skip, n, out);
	for (int32_t from = 0; from < items->items; from += step)
	{
		int32_t left = items->items - from;

		if (from > 0 && env->poll(env->arg))
			return -1;
		reco_score(items->factors + (size_t) from * (size_t) items->stride,
				   left < step ? left : step, items->stride, p,
				   items->bias ? items->bias + from : NULL, base, w->score + from);
		if (left < step)
			break;
	}
	return reco_top_n(env, w->score, items->items, w->skip, n, out);
}

reco_status
reco_batch_top(const reco_env *env, const reco_batch_items *items, const float *user,
			   const float *base, const reco_csr *seen, int32_t n, reco_ranked *out, int32_t *count)
{
	int threads = env->threads < 1 ? 1 : env->threads;
	Worker *worker = zeroed(env, (size_t) threads * sizeof(Worker));
	reco_status status = worker ? RECO_OK : RECO_NO_MEMORY;
	reco_work work = reco_work_of(seen->rows, USERS);
	reco_env looks = *env;
	reco_flag stop = false;

	looks.poll = env->stopping;
	for (int t = 0; worker && t < threads; t++)
	{
		worker[t].skip = zeroed(env, RECO_SET_BYTES(items->items) + 8);
		worker[t].score = env->alloc(env->arg, ((size_t) items->items + 1) * sizeof(float));
		if (worker[t].skip == NULL || worker[t].score == NULL)
			status = RECO_NO_MEMORY;
		else if (items->hidden)
			memcpy(worker[t].skip, items->hidden, RECO_SET_BYTES(items->items));
	}
	if (status == RECO_OK)
		reco_team_prepare(threads);
	while (status == RECO_OK && reco_work_left(&work))
	{
#pragma omp parallel num_threads(threads)
		for (int64_t from, to; reco_work_take(&work, &from, &to);)
		{
			const Worker *w = &worker[omp_get_thread_num()];

			for (int64_t u = from; u < to; u++)
			{
				set_seen(w->skip, items->hidden, seen, (int32_t) u, true);
				count[u] = list_of(&looks, items, user + (size_t) u * (size_t) items->stride,
								   base[u], w, n, out + (size_t) u * (size_t) n);
				set_seen(w->skip, items->hidden, seen, (int32_t) u, false);
				if (count[u] < 0)
					reco_flag_raise(&stop);
			}
			if (reco_flag_up(&stop) || reco_work_pause(env))
				break;
		}
		if (env->poll(env->arg) || reco_flag_up(&stop))
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
