/*
 * neighbors_lists.h
 *	  The lists that a search of neighbors fills from several threads at once.  For
 *	  neighbors*.c only.
 *
 * A list is a heap under a lock of one byte.  What a list requires is kept beside it,
 * where it may be read without the lock: the similarity of its worst entry (floor) and
 * that entry's row (last), since of two entries alike the one with the lower number is
 * better.  Both only ever rise, and last is written before floor is, so whoever
 * reads floor first and then last turns down nothing that the heap would take.
 *
 * Without `last` whatever ties with the worst entry would have to look at the heap: for
 * items that have one user in common and nothing else that is every pair.
 */
#ifndef RECO_CORE_NEIGHBORS_NEIGHBORS_LISTS_H
#define RECO_CORE_NEIGHBORS_NEIGHBORS_LISTS_H

#include "core/neighbors/measure.h"
#include "core/neighbors/pairs.h"

#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

typedef struct Entry
{
	double similarity;
	int32_t row;
} Entry;

/* Entries of a heap that are fetched ahead: its first levels. */
#define ENTRIES_AHEAD 16

static inline bool
worse(Entry a, Entry b)
{
	return a.similarity < b.similarity || (a.similarity == b.similarity && a.row > b.row);
}

#define HEAP_ENTRY Entry
#define HEAP_WORSE(a, b) worse(a, b)
#include "core/base/heap.h"

/* What a list requires: better than this. */
typedef struct Threshold
{
	_Atomic double floor;
	_Atomic int32_t last;
} Threshold;

typedef struct Lists
{
	int k;
	double top;   /* no similarity is above it, whatever rounding says */
	Entry *entry; /* lists x k, heaps with the worst on top */
	int32_t *filled;
	Threshold *threshold;
	atomic_flag *locked;
} Lists;

/* The least similarity that gets an entry of `row` or a later one into a list. */
static inline double
required(const Lists *lists, int32_t rank, int32_t row)
{
	double floor = atomic_load_explicit(&lists->threshold[rank].floor, memory_order_acquire);
	uint64_t bits;

	if (row < atomic_load_explicit(&lists->threshold[rank].last, memory_order_relaxed))
		return floor;
	if (floor >= lists->top)
		return INFINITY;
	/* the next number: floor is above 0 */
	memcpy(&bits, &floor, sizeof(bits));
	bits++;
	memcpy(&floor, &bits, sizeof(bits));
	return floor;
}

/* Fetches what an offer to a list looks at first: lists are all over the memory. */
static inline void
offer_ahead(const Lists *lists, int32_t rank)
{
	const Entry *heap = lists->entry + (size_t) rank * (size_t) lists->k;
	int most = lists->k < ENTRIES_AHEAD ? lists->k : ENTRIES_AHEAD;

	__builtin_prefetch(&lists->threshold[rank]);
	__builtin_prefetch(&lists->locked[rank], 1);
	__builtin_prefetch(&lists->filled[rank]);
	for (int e = 0; e < most; e += RECO_ALIGN / (int) sizeof(Entry))
		__builtin_prefetch(heap + e, 1);
}

/* Offers an entry to the list of a rank. */
static inline void
offer(Lists *lists, int32_t rank, Entry entry)
{
	Entry *heap = lists->entry + (size_t) rank * (size_t) lists->k;
	int spins = 0;

	if (!(entry.similarity >= required(lists, rank, entry.row)))
		return;
	if (entry.similarity > lists->top)
		entry.similarity = lists->top;
	while (atomic_flag_test_and_set_explicit(&lists->locked[rank], memory_order_acquire))
		if (++spins % 64 == 0)
			sched_yield();
	heap_offer(heap, &lists->filled[rank], lists->k, entry);
	if (lists->filled[rank] == lists->k)
	{
		atomic_store_explicit(&lists->threshold[rank].last, heap[0].row, memory_order_relaxed);
		atomic_store_explicit(&lists->threshold[rank].floor, heap[0].similarity,
							  memory_order_release);
	}
	atomic_flag_clear_explicit(&lists->locked[rank], memory_order_release);
}

/* The k-th largest of n >= k >= 1 numbers, which are put in another order. */
extern double reco_kth_largest(double *x, int32_t n, int32_t k);

/* Room for `count` lists of rows; RECO_NO_MEMORY leaves what lists_free takes back. */
extern reco_status reco_lists_init(const reco_env *env, int32_t count, Lists *lists);
extern void reco_lists_free(const reco_env *env, Lists *lists);

/* Sorts the lists and lays them out by row. */
extern reco_status reco_lists_collect(const reco_env *env, Lists *lists, const reco_pairs *pairs,
									  int threads, reco_neighbors *out);

#endif /* RECO_CORE_NEIGHBORS_NEIGHBORS_LISTS_H */
