/*
 * topn.c
 *	  The n best of many scores.
 *
 * A heap of n entries with the worst on top.  Items come in order of number, so
 * an item whose score equals the worst in a full heap loses to it: a strict
 * comparison keeps ties in item order without looking at the number.  The heap
 * itself does compare numbers.
 */
#include "core/data/topn.h"

#define HEAP_ENTRY reco_ranked
#define HEAP_WORSE(a, b) reco_ranked_after(a, b)
#include "core/base/heap.h"

#include <math.h>

/* Scores looked at between two polls: a few milliseconds. */
#define POLL_ITEMS 65536

int32_t
reco_top_n(const reco_env *env, const float *score, int32_t items, const uint64_t *skip, int32_t n,
		   reco_ranked *out)
{
	int32_t have = 0;

	if (n <= 0)
		return 0;
	for (int32_t i = 0; i < items; i++)
	{
		if (env && (i + 1) % POLL_ITEMS == 0 && env->poll(env->arg))
			return -1;
		if (have == n && !(score[i] > out[0].score))
			continue;
		if (score[i] == -INFINITY || (skip && reco_set_has(skip, i)))
			continue;
		heap_offer(out, &have, n, (reco_ranked){score[i], i});
	}
	return heap_sort(env, out, have) ? have : -1;
}
