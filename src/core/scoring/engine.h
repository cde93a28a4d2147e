/*
 * engine.h
 *	  One pass over many users: threads share them out, each with a seat of its own.
 *
 *	 reco_engine_make(env, &options, &engine)	main thread: allocates
 *	 reco_engine_run(engine, &pass)				as often as there are passes
 *	 reco_engine_free(engine)
 *
 * A pass visits its users in batches.  Threads open each user of a batch in their seat and
 * hand it to a visitor, which leaves what it found in arrays, by user; then the main thread
 * empties these in the order of users.  So sums and rows come out the same whatever the
 * number of threads.  In between, and whenever it is due, the main thread polls.
 */
#ifndef RECO_CORE_SCORING_ENGINE_H
#define RECO_CORE_SCORING_ENGINE_H

#include "core/scoring/scorer.h"

typedef struct reco_engine reco_engine;

/* What a thread works with. */
typedef struct reco_worker
{
	reco_seat *seat; /* open for the user that is visited */
	int number;      /* 0 .. threads - 1 */
	int64_t batch;   /* the first user of the batch */
	void *own;       /* options.own bytes, zeros at first; the visitor's, kept between users */
	reco_engine *engine;
	uint64_t *skip; /* options.hidden, between lists */
	reco_status status;
} reco_worker;

typedef struct reco_engine_options
{
	const reco_scorer *scorer;
	/* a set of items that are in no list; NULL: none */
	const uint64_t *hidden;
	/* items, best first, for the places that the scorer leaves in a list; NULL: they stay free */
	const reco_ranked *filler;
	int32_t fillers;
	/* bytes that a visitor wants for each thread */
	size_t own;
	/* a user's own items may be in their list */
	bool repeats;
} reco_engine_options;

/* The users 0 .. users - 1 and what is done with each. */
typedef struct reco_pass
{
	int64_t users;
	/*
	 * A user's profile, from arrays that do not change meanwhile; false: the user is not
	 * visited.  On any thread.
	 */
	bool (*profile)(void *arg, int64_t user, reco_profile *profile);
	/*
	 * On any thread: allocates nothing, calls nothing that may not return, and writes only what
	 * is this user's or this worker's.  An error ends the pass.
	 */
	reco_status (*visit)(void *arg, reco_worker *worker, int64_t user);
	/* On the main thread, when the users of a batch, from .. to - 1, were visited; NULL: nothing */
	reco_status (*sink)(void *arg, int64_t from, int64_t to);
	int64_t batch; /* users; 0: all are one */
	void *arg;
} reco_pass;

/* Bytes that an engine of env->threads threads takes. */
extern size_t reco_engine_bytes(const reco_engine_options *options, int threads);

/*
 * An engine of env->threads threads, which env must outlive.  options is copied; what it
 * points to is not.  Errors: RECO_NO_MEMORY.
 */
extern reco_status reco_engine_make(const reco_env *env, const reco_engine_options *options,
									reco_engine **engine);
extern void reco_engine_free(reco_engine *engine);

/*
 * Makes a pass.  Errors: RECO_STOPPED, and what visit or sink returned.  After one the engine
 * can be used again.
 */
extern reco_status reco_engine_run(reco_engine *engine, const reco_pass *pass);

extern int reco_engine_threads(const reco_engine *engine);
/* A thread's worker, for the main thread outside of a pass and in sink. */
extern reco_worker *reco_engine_worker(reco_engine *engine, int number);

/*
 * For a visitor: the user's n best items, without their own and the hidden ones, to out.  What
 * the scorer says nothing about comes after what it does, in the order of the filler.
 * *by_score receives how many are in the list for their score.  Returns how many there are, or
 * -1: stopped.
 */
extern int32_t reco_worker_list(reco_worker *worker, int32_t n, reco_ranked *out,
								int32_t *by_score);
/* The same of the filler alone. */
extern int32_t reco_worker_fallback(reco_worker *worker, int32_t n, reco_ranked *out);

#endif /* RECO_CORE_SCORING_ENGINE_H */
