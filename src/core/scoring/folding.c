/*
 * folding.c
 *	  Many users folded in at once, whom threads share out.
 *
 * A fold-in allocates, which threads must not: each has an arena, in which what a user takes is
 * laid one after another, and what was taken last can be given back.  Whoever does not fit there,
 * has interactions enough to keep a thread from a poll, or meets an error, is left to the main
 * thread, which takes them in their order after the others.
 *
 * How large arenas are says the first user: twice what they take, for each of a thread's share.
 *
 * Rests on: work.h for sharing out and leaving.
 * Cost: the fold-ins, one of them twice.  Memory: an arena for each thread.
 */
#include "core/scoring/folding.h"

#include "core/base/slab.h"
#include "core/base/team.h"
#include "core/base/work.h"
#include "core/data/sorting.h"

#include <omp.h>

/* Users that a thread takes at a time. */
#define USERS 4
/* Of more interactions the main thread takes care, which polls. */
#define MANY 8192
/* Bytes of an arena: those to begin with, and the most. */
#define LEAST_ARENA 16384
#define MOST_ARENA (64 * 1024 * 1024)

/* A thread's memory.  A block has its length in the line before it. */
typedef struct arena
{
	char *memory;
	size_t size;
	size_t used;
	size_t peak;
	const reco_env *of;
} arena;

struct reco_folding
{
	reco_env env;
	const reco_scorer *scorer;
	int32_t batch; /* users that the arenas are made for; 0: there are none yet */
	arena *arena;  /* a thread's */
	bool *done;    /* by user of the batch */
	/* whom the main thread folded in: theirs is env's */
	reco_profile *own;
	int32_t owns;
	reco_flag stop;
};

static void *
arena_alloc(void *arg, size_t bytes)
{
	arena *a = arg;
	size_t total = reco_room(bytes) + RECO_ALIGN;
	char *memory = a->memory + a->used;

	if (total < bytes || total > a->size - a->used)
		return NULL;
	*(size_t *) memory = total;
	a->used += total;
	if (a->used > a->peak)
		a->peak = a->used;
	return memory + RECO_ALIGN;
}

static void
arena_release(void *arg, void *memory)
{
	arena *a = arg;
	char *block = (char *) memory - RECO_ALIGN;

	if (block + *(size_t *) block == a->memory + a->used)
		a->used = (size_t) (block - a->memory);
}

static bool
arena_stopping(void *arg)
{
	const reco_env *env = ((const arena *) arg)->of;

	return env->stopping(env->arg);
}

static bool
arena_poll(void *arg)
{
	const reco_env *env = ((const arena *) arg)->of;

	return env->poll(env->arg);
}

/* A fold-in within an arena; after an error both are what they were. */
static reco_status
fold_in_arena(reco_folding *f, arena *a, bool (*poll)(void *), reco_profile *profile)
{
	reco_env env = {.alloc = arena_alloc,
					.release = arena_release,
					.poll = poll,
					.stopping = arena_stopping,
					.threads = 1,
					.arg = a};
	reco_profile before = *profile;
	size_t used = a->used;
	reco_status status = reco_scorer_fold_in(&env, f->scorer, profile);

	if (status == RECO_OK)
		return status;
	*profile = before;
	a->used = used;
	return status;
}

static void
free_arenas(reco_folding *f)
{
	for (int t = 0; f->arena && t < f->env.threads; t++)
	{
		release(&f->env, f->arena[t].memory);
		f->arena[t] = (arena){.of = &f->env};
	}
	f->batch = 0;
}

/*
 * An arena of so many bytes for each of the first threads; false: there is no memory for them, or
 * not as much again for the main thread.
 */
static bool
make_arenas(reco_folding *f, int threads, size_t bytes)
{
	bool enough = true;
	void *spare = NULL;

	free_arenas(f);
	for (int t = 0; t < threads && enough; t++)
	{
		f->arena[t].memory = f->env.alloc(f->env.arg, bytes);
		f->arena[t].size = bytes;
		enough = f->arena[t].memory != NULL;
	}
	if (enough)
		spare = f->env.alloc(f->env.arg, bytes * (size_t) threads);
	release(&f->env, spare);
	if (spare == NULL)
		free_arenas(f);
	return spare != NULL;
}

/* Arenas for batches of so many users who take what this one does; or none. */
static reco_status
measure(reco_folding *f, const reco_profile *first, int32_t batch)
{
	reco_status status = RECO_NO_MEMORY;
	size_t bytes = LEAST_ARENA;
	size_t share;

	for (; status == RECO_NO_MEMORY && bytes <= MOST_ARENA; bytes *= 2)
	{
		reco_profile profile = *first;

		if (!make_arenas(f, 1, bytes))
			return RECO_OK;
		status = fold_in_arena(f, &f->arena[0], arena_poll, &profile);
	}
	if (status != RECO_OK)
	{
		free_arenas(f);
		/* an error is told in the user's turn */
		return status == RECO_STOPPED ? status : RECO_OK;
	}
	share = (size_t) batch / (size_t) f->env.threads + 1;
	bytes = reco_room(2 * (f->arena[0].peak + share * f->arena[0].used));
	if (make_arenas(f, f->env.threads, bytes < MOST_ARENA ? bytes : MOST_ARENA))
		f->batch = batch;
	return RECO_OK;
}

reco_status
reco_folding_make(const reco_env *env, const reco_scorer *scorer, reco_folding **folding)
{
	reco_folding *f = zeroed(env, sizeof(reco_folding));

	*folding = NULL;
	if (f == NULL)
		return RECO_NO_MEMORY;
	f->env = *env;
	f->env.threads = env->threads < 1 ? 1 : env->threads;
	f->scorer = scorer;
	f->arena = zeroed(env, (size_t) f->env.threads * sizeof(arena));
	if (f->arena == NULL)
	{
		reco_folding_free(f);
		return RECO_NO_MEMORY;
	}
	free_arenas(f);
	reco_team_prepare(f->env.threads);
	*folding = f;
	return RECO_OK;
}

/* What the last batch's profiles point to. */
static void
forget_batch(reco_folding *f)
{
	for (int32_t k = 0; k < f->owns; k++)
		reco_profile_free(&f->env, &f->own[k]);
	release(&f->env, f->own);
	release(&f->env, f->done);
	f->own = NULL;
	f->owns = 0;
	f->done = NULL;
	for (int t = 0; t < f->env.threads; t++)
		f->arena[t].used = 0;
}

void
reco_folding_free(reco_folding *folding)
{
	reco_env env;

	if (folding == NULL)
		return;
	env = folding->env;
	if (folding->arena)
	{
		forget_batch(folding);
		free_arenas(folding);
	}
	release(&env, folding->arena);
	release(&env, folding);
}

static bool
is_for_thread(const reco_profile *profile)
{
	return profile->n <= MANY;
}

/* One thread's part, until it is to leave. */
static void
work_on(reco_folding *f, arena *a, reco_work *work, reco_profile *profile)
{
	for (int64_t u, to; reco_work_take(work, &u, &to);)
	{
		for (; u < to && !reco_team_stops(&f->env, &f->stop); u++)
			if (is_for_thread(&profile[u]))
				f->done[u] = fold_in_arena(f, a, arena_stopping, &profile[u]) == RECO_OK;
		if (reco_flag_up(&f->stop) || reco_work_pause(&f->env))
			break;
	}
}

static reco_status
run_threads(reco_folding *f, reco_profile *profile, int32_t n)
{
	reco_work work = reco_work_of(n, USERS);

	while (reco_work_left(&work))
	{
#pragma omp parallel num_threads(f->env.threads)
		work_on(f, &f->arena[omp_get_thread_num()], &work, profile);
		if (f->env.poll(f->env.arg) || reco_flag_up(&f->stop))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Those who are left, in their order. */
static reco_status
run_alone(reco_folding *f, reco_profile *profile, int32_t n)
{
	reco_status status = RECO_OK;

	for (int32_t u = 0; u < n && status == RECO_OK; u++)
	{
		if (f->done[u])
			continue;
		status = reco_scorer_fold_in(&f->env, f->scorer, &profile[u]);
		if (status == RECO_OK)
			f->own[f->owns++] = profile[u];
		if (status == RECO_OK && f->env.poll(f->env.arg))
			status = RECO_STOPPED;
	}
	return status;
}

reco_status
reco_folding_run(reco_folding *folding, reco_profile *profile, int32_t n)
{
	reco_folding *f = folding;
	reco_status status = RECO_OK;
	int32_t first = 0;

	forget_batch(f);
	f->stop = false;
	f->done = zeroed(&f->env, (size_t) n + 1);
	f->own = f->env.alloc(f->env.arg, ((size_t) n + 1) * sizeof(reco_profile));
	if (f->done == NULL || f->own == NULL)
		return RECO_NO_MEMORY;
	while (first < n && !is_for_thread(&profile[first]))
		first++;
	if (f->env.threads > 1 && f->batch < n && first < n)
		status = measure(f, &profile[first], n);
	if (status == RECO_OK && f->batch > 0 && first < n)
		status = run_threads(f, profile, n);
	return status == RECO_OK ? run_alone(f, profile, n) : status;
}
