/*
 * kernels.h
 *	  Surroundings for kernels in programs that measure them: memory of the process, no polls.
 */
#ifndef RECO_BENCH_KERNELS_H
#define RECO_BENCH_KERNELS_H

#include <stdlib.h>
#include <time.h>

#include "core/base/env.h"

static void *
bench_take(void *arg, size_t bytes)
{
	void *memory = aligned_alloc(RECO_ALIGN, (bytes + RECO_ALIGN) / RECO_ALIGN * RECO_ALIGN);

	(void) arg;
	if (memory == NULL)
		exit(1);
	return memory;
}

static void
bench_give(void *arg, void *memory)
{
	(void) arg;
	free(memory);
}

static bool
bench_never(void *arg)
{
	(void) arg;
	return false;
}

static inline reco_env
bench_env(int threads)
{
	return (reco_env){bench_take, bench_give, bench_never, bench_never, threads, NULL, bench_never};
}

/* Seconds, from some time on. */
static inline double
bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

#endif /* RECO_BENCH_KERNELS_H */
