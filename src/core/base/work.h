/*
 * work.h
 *	  Work that threads share out among themselves, which can be left and taken up again.
 *
 * A piece is a range of numbers.  Each thread takes pieces until none are left or the
 * main thread is wanted elsewhere; after its poll the region is entered again:
 *
 *	 reco_work work = reco_work_of(rows, 16);
 *
 *	 do
 *	 {
 *	 #pragma omp parallel num_threads(threads)
 *		 for (int64_t from, to; reco_work_take(&work, &from, &to) && ...;)
 *		 {
 *			 ... from .. to - 1 ...
 *			 if (reco_work_pause(env))
 *				 break;
 *		 }
 *		 if (env->poll(env->arg))
 *			 return RECO_STOPPED;
 *	 } while (reco_work_left(&work));
 *
 * Every thread takes a piece before it looks, so that work goes on however often it is
 * interrupted.
 */
#ifndef RECO_CORE_BASE_WORK_H
#define RECO_CORE_BASE_WORK_H

#include "core/base/env.h"

typedef struct reco_work
{
	int64_t next;
	int64_t end;
	int64_t step;
} reco_work;

static inline reco_work
reco_work_of(int64_t end, int64_t step)
{
	return (reco_work){0, end, step};
}

/* The next piece; false when there is none. */
static inline bool
reco_work_take(reco_work *work, int64_t *from, int64_t *to)
{
	/* so that next cannot run away from end */
	if (__atomic_load_n(&work->next, __ATOMIC_RELAXED) >= work->end)
		return false;
	*from = __atomic_fetch_add(&work->next, work->step, __ATOMIC_RELAXED);
	*to = *from + work->step < work->end ? *from + work->step : work->end;
	return *from < work->end;
}

/* For the main thread, outside of the region. */
static inline bool
reco_work_left(const reco_work *work)
{
	return work->next < work->end;
}

static inline bool
reco_work_pause(const reco_env *env)
{
	return env->due && env->due(env->arg);
}

#endif /* RECO_CORE_BASE_WORK_H */
