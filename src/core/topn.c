/*
 * topn.c
 *	  The n best of many scores.
 *
 * A heap of n entries with the worst on top.  Items come in order of number, so
 * an item whose score equals the worst in a full heap loses to it: a strict
 * comparison keeps ties in item order without looking at the number.  The heap
 * itself does compare numbers.
 */
#include "core/topn.h"

#include <math.h>

static inline bool
worse(reco_ranked a, reco_ranked b)
{
	return a.score < b.score || (a.score == b.score && a.item > b.item);
}

/* Restores the heap below root, whose entry may be too good for its place. */
static void
sift_down(reco_ranked *heap, int32_t n, int32_t root)
{
	reco_ranked entry = heap[root];

	for (int64_t child; (child = 2 * (int64_t) root + 1) < n; root = (int32_t) child)
	{
		if (child + 1 < n && worse(heap[child + 1], heap[child]))
			child++;
		if (!worse(heap[child], entry))
			break;
		heap[root] = heap[child];
	}
	heap[root] = entry;
}

static void
sift_up(reco_ranked *heap, int32_t at)
{
	reco_ranked entry = heap[at];

	while (at > 0 && worse(entry, heap[(at - 1) / 2]))
	{
		heap[at] = heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap[at] = entry;
}

int32_t
reco_top_n(const float *score, int32_t items, const uint64_t *skip, int32_t n, reco_ranked *out)
{
	int32_t have = 0;

	if (n <= 0)
		return 0;
	for (int32_t i = 0; i < items; i++)
	{
		if (have == n && !(score[i] > out[0].score))
			continue;
		if (score[i] == -INFINITY || (skip && reco_set_has(skip, i)))
			continue;
		if (have < n)
		{
			out[have] = (reco_ranked){score[i], i};
			sift_up(out, have++);
		}
		else
		{
			out[0] = (reco_ranked){score[i], i};
			sift_down(out, n, 0);
		}
	}
	/* take the worst from the top to the end until the heap is a sorted list */
	for (int32_t end = have - 1; end > 0; end--)
	{
		reco_ranked worst = out[0];

		out[0] = out[end];
		out[end] = worst;
		sift_down(out, end, 0);
	}
	return have;
}
