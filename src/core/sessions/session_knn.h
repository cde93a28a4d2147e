/*
 * session_knn.h
 *	  Sessions as their neighbors are looked for: the newest first, with an index by item.
 */
#ifndef RECO_CORE_SESSIONS_SESSION_KNN_H
#define RECO_CORE_SESSIONS_SESSION_KNN_H

#include "core/data/ordered.h"

typedef struct reco_sessions
{
	/*
	 * A row for each session, the newest first: its items, each once, and the place of its last
	 * event there, from 1.
	 */
	reco_csr by_session;
	/* Of each item the newest sessions that have it, at most as many as are sampled; no values. */
	reco_csr by_item;
	double *row; /* of a user: which row is theirs */
} reco_sessions;

/*
 * age: of a user, how many have done something since; of those of one age the last number is the
 * newest.  Ages out of range are taken as the nearest that is in range.
 * The arrays belong to the caller: reco_sessions_free.
 * Cost: three passes over the events.  Memory: reco_sessions_memory.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_sessions_build(const reco_env *env, const reco_ordered *events,
									   const double *age, int32_t users, int32_t items,
									   int32_t sample, reco_sessions *out);
/* For so many events. */
extern size_t reco_sessions_memory(int64_t events, int32_t users, int32_t items);
extern void reco_sessions_free(const reco_env *env, reco_sessions *sessions);

/*
 * The same events as a matrix: the items of each session, each once, without values, which is the
 * caller's: reco_csr_free.  Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_sessions_items(const reco_env *env, const reco_ordered *events,
									   int32_t sessions, int32_t items, reco_csr *out);

#endif /* RECO_CORE_SESSIONS_SESSION_KNN_H */
