/*
 * sorting.h
 *	  What counting sorts of sparse matrices and other long loops of kernels share.
 */
#ifndef RECO_CORE_DATA_SORTING_H
#define RECO_CORE_DATA_SORTING_H

#include "core/base/env.h"

#include <string.h>

/* Rows between two polls: a few milliseconds. */
#define POLL_ROWS 1048576

static inline void
release(const reco_env *env, void *memory)
{
	if (memory != NULL)
		env->release(env->arg, memory);
}

static inline void *
zeroed(const reco_env *env, size_t bytes)
{
	void *memory = env->alloc(env->arg, bytes);

	if (memory != NULL)
		memset(memory, 0, bytes);
	return memory;
}

/*
 * Counts in start[k + 1] become the place where the next entry of key k goes:
 * start[k].  The scatter then leaves start[k] at the end of key k, which is
 * where key k + 1 begins: shift back with ends_to_starts.
 */
static inline void
counts_to_places(int64_t *start, int32_t keys)
{
	int64_t at = 0;

	for (int32_t k = 0; k < keys; k++)
	{
		int64_t n = start[k + 1];

		start[k] = at;
		at += n;
	}
	start[keys] = at;
}

static inline void
ends_to_starts(int64_t *start, int32_t keys)
{
	memmove(start + 1, start, (size_t) keys * sizeof(int64_t));
	start[0] = 0;
}

/*
 * For loops over entries: whether it is time to poll, and the answer.  *polled
 * is the entry of the last poll.
 */
static inline bool
stop_at_entry(const reco_env *env, int64_t entry, int64_t *polled)
{
	if (entry - *polled < POLL_ROWS)
		return false;
	*polled = entry;
	return env->poll(env->arg);
}

/* Where to stop for a look in a row that may be a very long one. */
static inline int64_t
piece_end(int64_t entry, int64_t end)
{
	return end - entry < POLL_ROWS ? end : entry + POLL_ROWS;
}

/* Steps of a loop between two polls: a few milliseconds. */
#define POLL_STEPS 262144

/*
 * For loops whose rounds differ in length: this one took `steps` more.  Whether it is
 * time to poll, and the answer.  *done counts since the last poll.
 */
static inline bool
stop_after(const reco_env *env, int64_t steps, int64_t *done)
{
	*done += steps;
	if (*done < POLL_STEPS)
		return false;
	*done = 0;
	return env->poll(env->arg);
}

/* Steps of a sort between two polls: some milliseconds. */
#define SORT_POLL 16384

/*
 * A heap sort of n rows, which may lie in several arrays: before and swap are inlined where
 * they are named.  False when it is to stop; the rows are then in some order.
 */
static inline __attribute__((always_inline)) bool
sort_in_place(const reco_env *env, int64_t n, void *rows,
			  bool (*before)(const void *rows, int64_t a, int64_t b),
			  void (*swap)(void *rows, int64_t a, int64_t b))
{
	for (int64_t phase = n / 2 + n - 1; phase > 0; phase--)
	{
		int64_t root = phase >= n ? phase - n : 0;
		int64_t end = phase >= n ? n : phase;

		if (phase % SORT_POLL == 0 && env->poll(env->arg))
			return false;
		if (phase < n)
			swap(rows, 0, end);
		for (int64_t child; (child = 2 * root + 1) < end; root = child)
		{
			if (child + 1 < end && before(rows, child, child + 1))
				child++;
			if (!before(rows, root, child))
				break;
			swap(rows, root, child);
		}
	}
	return true;
}

#endif /* RECO_CORE_DATA_SORTING_H */
