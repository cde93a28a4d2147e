/*
 * heap.h
 *	  The list of the n best so far, as a heap with the worst on top.  For topn.c
 *	  and pruned.c only.
 *
 * The order is that of reco_top_n: falling scores, equal ones by item number.
 * It is a total one, so the list does not depend on the order in which entries
 * come.  A full heap decides on most entries by a look at its top.
 *
 * Cost: log n comparisons for an entry that enters, n log n for the sort.
 */
#ifndef RECO_CORE_HEAP_H
#define RECO_CORE_HEAP_H

#include "core/topn.h"

static inline bool
worse(reco_ranked a, reco_ranked b)
{
	return a.score < b.score || (a.score == b.score && a.item > b.item);
}

/* Restores the heap below root, whose entry may be too good for its place. */
static inline void
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

static inline void
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

/* Puts an entry into a heap of *have <= n entries, n > 0, if it is good enough. */
static inline void
heap_offer(reco_ranked *heap, int32_t *have, int32_t n, reco_ranked entry)
{
	if (*have < n)
	{
		heap[*have] = entry;
		sift_up(heap, (*have)++);
	}
	else if (worse(heap[0], entry))
	{
		heap[0] = entry;
		sift_down(heap, n, 0);
	}
}

/* Takes the worst from the top to the end until the heap is a sorted list. */
static inline void
heap_sort(reco_ranked *heap, int32_t have)
{
	for (int32_t end = have - 1; end > 0; end--)
	{
		reco_ranked worst = heap[0];

		heap[0] = heap[end];
		heap[end] = worst;
		sift_down(heap, end, 0);
	}
}

#endif /* RECO_CORE_HEAP_H */
