/*
 * env.h
 *	  What a kernel may ask of its surroundings.
 *
 * Kernels are plain C: they include no server header, call nothing of
 * PostgreSQL and keep no global state.  Whatever they need from outside -
 * memory, cancellation, the number of threads - comes through a reco_env, so
 * that the same object code runs inside a backend, in a unit test under ASan
 * and in a fuzzer.
 *
 * Invariants every kernel keeps:
 *   - alloc, release and poll are called on the calling thread only, and never
 *     while a parallel region is open;
 *   - poll may not return (inside a backend it raises an error by longjmp), so
 *     at a poll a kernel holds nothing but memory from alloc;
 *   - stopping and due may be called from any thread; they only read flags;
 *   - no loop runs for more than about 10 ms without poll or stopping;
 *   - a parallel region ends soon after due says so, and is entered again after a
 *     poll that came back (work.h): what is asked of a server's process is not
 *     only to end.
 */
#ifndef RECO_CORE_BASE_ENV_H
#define RECO_CORE_BASE_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum reco_status
{
	RECO_OK = 0,
	RECO_NO_MEMORY, /* alloc returned NULL */
	RECO_STOPPED,   /* poll or stopping asked for an end */
	RECO_SINGULAR,  /* a system of equations has no finite solution */
	RECO_INVALID    /* an argument is out of range */
} reco_status;

typedef struct reco_env
{
	/* zeroed? no: as malloc, aligned to RECO_ALIGN bytes; NULL when exhausted */
	void *(*alloc)(void *arg, size_t bytes);
	void (*release)(void *arg, void *memory);
	/* main thread, between blocks of work; true: stop with RECO_STOPPED */
	bool (*poll)(void *arg);
	/* any thread, inside long work; true: stop as soon as possible */
	bool (*stopping)(void *arg);
	int threads; /* threads to use, at least 1 */
	void *arg;
	/* any thread, between pieces of work: true: the main thread should poll; NULL: never */
	bool (*due)(void *arg);
} reco_env;

/* One cache line; also the widest vector register. */
#define RECO_ALIGN 64

#endif /* RECO_CORE_BASE_ENV_H */
