/*
 * heap.h
 *	  The list of the n best so far, as a heap with the worst on top.
 *
 * A template, to be included once a file, after HEAP_ENTRY, the type of the entries,
 * and HEAP_WORSE(a, b), whether a comes after b in the list.  That must be a total
 * order: then the list does not depend on the order in which entries come.  A full
 * heap decides on most entries by a look at its top.  HEAP_ARG, where it is defined, is
 * the type of what HEAP_WORSE finds as `arg`.
 *
 * Cost: log n comparisons for an entry that enters, n log n for the sort.
 */
#include "core/base/env.h"

#ifdef HEAP_ARG
#define HEAP_TAKES , HEAP_ARG arg
#define HEAP_GIVES , arg
#else
#define HEAP_TAKES
#define HEAP_GIVES
#endif

/* Entries sorted between two polls: a few milliseconds. */
#define HEAP_POLL 16384

/* Restores the heap below root, whose entry may be too good for its place. */
static inline void
sift_down(HEAP_ENTRY *heap, int32_t n, int32_t root HEAP_TAKES)
{
	HEAP_ENTRY entry = heap[root];

	for (int64_t child; (child = 2 * (int64_t) root + 1) < n; root = (int32_t) child)
	{
		if (child + 1 < n && HEAP_WORSE(heap[child + 1], heap[child]))
			child++;
		if (!HEAP_WORSE(heap[child], entry))
			break;
		heap[root] = heap[child];
	}
	heap[root] = entry;
}

static inline void
sift_up(HEAP_ENTRY *heap, int32_t at HEAP_TAKES)
{
	HEAP_ENTRY entry = heap[at];

	while (at > 0 && HEAP_WORSE(entry, heap[(at - 1) / 2]))
	{
		heap[at] = heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap[at] = entry;
}

/* Puts an entry into a heap of *have <= n entries, n > 0, if it is good enough. */
static inline void
heap_offer(HEAP_ENTRY *heap, int32_t *have, int32_t n, HEAP_ENTRY entry HEAP_TAKES)
{
	if (*have < n)
	{
		heap[*have] = entry;
		sift_up(heap, (*have)++ HEAP_GIVES);
	}
	else if (HEAP_WORSE(heap[0], entry))
	{
		heap[0] = entry;
		sift_down(heap, n, 0 HEAP_GIVES);
	}
}

/*
 * Takes the worst from the top to the end until the heap is a sorted list.  False when
 * poll asked for an end; env NULL: no polls.
 */
static inline bool
heap_sort(const reco_env *env, HEAP_ENTRY *heap, int32_t have HEAP_TAKES)
{
	for (int32_t end = have - 1; end > 0; end--)
	{
		HEAP_ENTRY worst = heap[0];

		if (env && end % HEAP_POLL == 0 && env->poll(env->arg))
			return false;
		heap[0] = heap[end];
		heap[end] = worst;
		sift_down(heap, end, 0 HEAP_GIVES);
	}
	return true;
}
