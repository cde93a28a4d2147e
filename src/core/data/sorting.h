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
/* Rows that are sorted by insertion. */
#define SORT_FEW 12

/*
 * Sorts of the rows from `from` to below `to`, which may lie in several arrays: before and swap
 * are inlined where they are named.  False when it is to stop; the rows are then in some order.
 */
static inline __attribute__((always_inline)) bool
sort_by_heap(const reco_env *env, int64_t from, int64_t to, void *rows,
			 bool (*before)(const void *rows, int64_t a, int64_t b),
			 void (*swap)(void *rows, int64_t a, int64_t b))
{
	int64_t n = to - from;

	for (int64_t phase = n / 2 + n - 1; phase > 0; phase--)
	{
		int64_t root = phase >= n ? phase - n : 0;
		int64_t end = phase >= n ? n : phase;

		if (phase % SORT_POLL == 0 && env->poll(env->arg))
			return false;
		if (phase < n)
			swap(rows, from, from + end);
		for (int64_t child; (child = 2 * root + 1) < end; root = child)
		{
			if (child + 1 < end && before(rows, from + child, from + child + 1))
				child++;
			if (!before(rows, from + root, from + child))
				break;
			swap(rows, from + root, from + child);
		}
	}
	return true;
}

/* Puts a row in between, at `from` in the end, and returns its place; -1: to stop. */
static inline __attribute__((always_inline)) int64_t
sort_split(const reco_env *env, int64_t from, int64_t to, void *rows, int64_t *done,
		   bool (*before)(const void *rows, int64_t a, int64_t b),
		   void (*swap)(void *rows, int64_t a, int64_t b))
{
	int64_t middle = from + (to - from) / 2;
	int64_t i = from;
	int64_t j = to;

	/* the median of three to the front */
	if (before(rows, middle, from) == before(rows, from, to - 1))
		/* it is there */;
	else if (before(rows, middle, from) == before(rows, to - 1, middle))
		swap(rows, from, middle);
	else
		swap(rows, from, to - 1);
	for (;;)
	{
		while (++i < to && before(rows, i, from))
			if (stop_after(env, 1, done))
				return -1;
		while (before(rows, from, --j))
			if (stop_after(env, 1, done))
				return -1;
		if (i >= j)
			break;
		swap(rows, i, j);
		if (stop_after(env, 1, done))
			return -1;
	}
	swap(rows, from, j);
	return j;
}

/*
 * Sorts n rows in place, by halves about a row in between; where those turn out to be none, by a
 * heap, so that it takes n log n whatever the rows are, and n where they are in order.
 */
static inline __attribute__((always_inline)) bool
sort_in_place(const reco_env *env, int64_t n, void *rows,
			  bool (*before)(const void *rows, int64_t a, int64_t b),
			  void (*swap)(void *rows, int64_t a, int64_t b))
{
	/* the larger parts wait: each is at most half of the one before */
	int64_t part[64][3];
	int parts = 0;
	int64_t done = 0;
	int64_t sorted = 1;

	while (sorted < n && !before(rows, sorted, sorted - 1))
	{
		sorted++;
		if (stop_after(env, 1, &done))
			return false;
	}
	if (sorted >= n)
		return true;
	part[parts][0] = 0;
	part[parts][1] = n;
	part[parts++][2] = 2 * (64 - __builtin_clzll((unsigned long long) n));
	while (parts > 0)
	{
		int64_t from = part[--parts][0];
		int64_t to = part[parts][1];
		int64_t tries = part[parts][2];

		while (to - from > SORT_FEW && tries-- > 0)
		{
			int64_t middle = sort_split(env, from, to, rows, &done, before, swap);
			bool first = middle - from > to - middle;

			if (middle < 0)
				return false;
			part[parts][0] = first ? from : middle + 1;
			part[parts][1] = first ? middle : to;
			part[parts++][2] = tries;
			if (first)
				from = middle + 1;
			else
				to = middle;
		}
		if (to - from > SORT_FEW)
		{
			if (!sort_by_heap(env, from, to, rows, before, swap))
				return false;
			continue;
		}
		for (int64_t k = from + 1; k < to; k++)
			for (int64_t at = k; at > from && before(rows, at, at - 1); at--)
				swap(rows, at, at - 1);
		if (stop_after(env, SORT_FEW, &done))
			return false;
	}
	return true;
}

#endif /* RECO_CORE_DATA_SORTING_H */
