/*
 * waiting.h
 *	  Rows that wait until all are read, for what others say of them: those that take back
 *	  (cancel.h), and the latest time, from which a window of time is counted.
 */
#ifndef RECO_CORE_DATA_WAITING_H
#define RECO_CORE_DATA_WAITING_H

#include "core/data/cancel.h"
#include "core/data/triples.h"

/* Rows in the order in which they arrive. */
typedef struct reco_waiting
{
	const reco_env *env;
	int64_t rows;
	int64_t cancelling; /* of these, those that take back */
	int64_t chunks;
	int64_t slots;
	reco_deed **chunk; /* RECO_CHUNK_ROWS each */
} reco_waiting;

/* What became of them. */
typedef struct reco_waited
{
	int64_t too_old;
	int64_t not_learnt; /* of those that are left, those that only count as seen */
	reco_cancelled cancelled;
} reco_waited;

extern void reco_waiting_init(reco_waiting *w, const reco_env *env);
extern bool reco_waiting_grow(reco_waiting *w);
extern void reco_waiting_free(reco_waiting *w);

/* Appends a row; false when memory is exhausted. */
static inline bool
reco_waiting_add(reco_waiting *w, const reco_deed *row)
{
	if (w->rows == w->chunks * RECO_CHUNK_ROWS && !reco_waiting_grow(w))
		return false;
	w->chunk[w->chunks - 1][w->rows++ % RECO_CHUNK_ROWS] = *row;
	w->cancelling += row->cancels;
	return true;
}

/*
 * The latest time of all rows that is known and not after the last; INT64_MIN: there is none.
 * False when poll asked for an end.
 */
extern bool reco_waiting_latest(const reco_waiting *w, int64_t last, int64_t *latest);

/*
 * Leaves out what is before `oldest` (INT64_MIN: nothing is), takes back what is to be taken back,
 * and gives what is left to the triples: what is learnt to `learnt`, with its value, and what is
 * seen to `seen`, as it is worth by itself; seen NULL: it is the same as what is learnt.  Adds to
 * *out, and frees the rows, also on failure.
 * Cost: two passes over the rows, and n log n for the n rows of pairs that have one that takes
 * back.  Memory: the chunks go as they are read; 16 to 32 bytes a row that takes back, and 32 a row
 * of these pairs.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_waiting_finish(reco_waiting *w, int64_t oldest, reco_triples *learnt,
									   reco_triples *seen, reco_waited *out);

#endif /* RECO_CORE_DATA_WAITING_H */
