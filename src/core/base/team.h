/*
 * team.h
 *	  OpenMP threads that a PostgreSQL backend can live with.
 */
#ifndef RECO_CORE_BASE_TEAM_H
#define RECO_CORE_BASE_TEAM_H

#include "core/base/env.h"

#include <stdatomic.h>

/*
 * Makes sure that the next parallel region of `threads` threads starts no
 * thread: those it lacks are born here, with every signal blocked, so that no
 * signal handler of the process ever runs on them.  Call before the first
 * parallel region of a kernel; regions of one kernel all use num_threads of the
 * same number.  Costs microseconds when the team exists.
 */
extern void reco_team_prepare(int threads);

/*
 * The same for as many threads as the system lets start, from 1 to `threads`, and
 * returns how many they are: they are there then.  (The OpenMP runtime ends the process
 * when it cannot start one, so what it will need is tried before; only another process
 * that takes it in that moment can be in the way.)  Costs some 50 microseconds for each
 * thread that is new.
 */
extern int reco_team_start(int threads);

/* A flag that any thread of a region may raise, and all look at. */
typedef atomic_bool reco_flag;

static inline bool
reco_flag_up(const reco_flag *flag)
{
	return atomic_load_explicit(flag, memory_order_relaxed);
}

static inline void
reco_flag_raise(reco_flag *flag)
{
	atomic_store_explicit(flag, true, memory_order_relaxed);
}

/* Whether a thread is to leave its work; what one has heard the others learn. */
static inline bool
reco_team_stops(const reco_env *env, reco_flag *stop)
{
	if (reco_flag_up(stop))
		return true;
	if (!env->stopping(env->arg))
		return false;
	reco_flag_raise(stop);
	return true;
}

#endif /* RECO_CORE_BASE_TEAM_H */
