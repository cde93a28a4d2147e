/*
 * parts.h
 *	  Work on the rows of a sparse matrix that threads share out among themselves.
 *
 * reco_share is for work in which rows do not depend on each other.  A reco_parts
 * sorts entries by a key (a transposition): each part is a range of rows, which are
 * worked through in order, first to count the entries of each key, then to write them.
 * A part's entries of a key lie behind those of the parts before it, so the result is
 * that of one part, whatever their number.
 *
 * Cost: parts x keys beside the work itself.
 */
#ifndef RECO_CORE_DATA_PARTS_H
#define RECO_CORE_DATA_PARTS_H

#include "core/base/env.h"

/* Entries of a row that are handled at a time: less than a millisecond. */
#define RECO_PART_ENTRIES 65536

/* Calls piece(arg, from, to) for ranges of up to `step` of the numbers 0 .. end - 1. */
extern reco_status reco_share(const reco_env *env, int64_t end, int64_t step,
							  void (*piece)(void *arg, int64_t from, int64_t to), void *arg);

/* Where a part goes on. */
typedef struct reco_cursor
{
	int64_t row;
	int64_t entry;   /* entries of the row that have been handled */
	int64_t written; /* what the caller has written of the row */
	int64_t handled; /* entries since the last look at whether the main thread is wanted */
	bool row_ends;
} reco_cursor;

typedef struct reco_parts
{
	const reco_env *env;
	int parts;
	int32_t keys;
	int64_t *first; /* parts + 1: the first row of each */
	reco_cursor *next;
	int32_t *place; /* parts x keys: counts, then places within the key */
} reco_parts;

/*
 * Handles entries of row at->row from at->entry on, which are from .. end - 1 in the
 * caller's matrix, up to reco_cursor_end(at, from, end).  place is the part's, by key.
 */
typedef void (*reco_part_step)(void *arg, int32_t *place, reco_cursor *at);

static inline int64_t
reco_cursor_end(reco_cursor *at, int64_t from, int64_t end)
{
	int64_t to = end - from < RECO_PART_ENTRIES ? end : from + RECO_PART_ENTRIES;

	at->entry += to - from;
	at->handled += to - from + 1;
	at->row_ends = to == end;
	return to;
}

/* start: where the entries of each row begin (rows + 1). */
extern reco_status reco_parts_init(const reco_env *env, int32_t rows, const int64_t *start,
								   int32_t keys, reco_parts *out);
/* All rows of all parts. */
extern reco_status reco_parts_run(reco_parts *p, reco_part_step step, void *arg);
/* Makes places of the counts; start (keys + 1) receives where the entries of each key begin. */
extern reco_status reco_parts_places(reco_parts *p, int64_t *start);
extern void reco_parts_free(reco_parts *p);
/* Upper bound of what a reco_parts allocates. */
extern size_t reco_parts_memory(int32_t keys, int64_t entries, int threads);

#endif /* RECO_CORE_DATA_PARTS_H */
