/*
 * engine.c
 *	  One pass over many users: threads share them out, each with a seat of its own.
 *
 * Each thread marks a user's own items in a set of its own and clears the marks afterwards, so
 * that a user costs their interactions and the scorer's work, and not the catalogue.
 *
 * Rests on: work.h for sharing out and leaving, scorer.h for what is done to a user.
 * Cost: the visits; a few hundred nanoseconds a user besides.  Memory: a seat, a set of items
 * and what the visitor wants, for each thread; nothing is allocated in a pass.
 */
#include "core/scoring/engine.h"

#include "core/data/sorting.h"
#include "core/base/team.h"
#include "core/base/work.h"

#include <omp.h>
#include <string.h>

/* Users that a thread takes at a time: some milliseconds where scoring one is dear. */
#define USERS 4

struct reco_engine
{
	reco_env env;
	reco_engine_options options;
	int threads;
	reco_worker *worker; /* threads */
};

/* A set for so many items has a word at least. */
static size_t
set_bytes(int32_t items)
{
	return RECO_SET_BYTES(items) + sizeof(uint64_t);
}

size_t
reco_engine_bytes(const reco_engine_options *options, int threads)
{
	size_t each = reco_seat_bytes(options->scorer) + set_bytes(options->scorer->items) +
				  options->own + sizeof(reco_worker) + 3 * RECO_ALIGN;

	return sizeof(reco_engine) + RECO_ALIGN + (size_t) threads * each;
}

static reco_status
worker_make(reco_engine *e, reco_worker *w, int number)
{
	const reco_engine_options *options = &e->options;
	int32_t items = options->scorer->items;
	reco_status status = reco_seat_make(&e->env, options->scorer, &w->seat);

	w->engine = e;
	w->number = number;
	if (status != RECO_OK)
		return status;
	reco_seat_for_thread(w->seat);
	w->skip = zeroed(&e->env, set_bytes(items));
	w->own = zeroed(&e->env, options->own + 1);
	if (w->skip == NULL || w->own == NULL)
		return RECO_NO_MEMORY;
	if (options->hidden)
		memcpy(w->skip, options->hidden, RECO_SET_BYTES(items));
	return RECO_OK;
}

reco_status
reco_engine_make(const reco_env *env, const reco_engine_options *options, reco_engine **engine)
{
	reco_engine *e = zeroed(env, sizeof(reco_engine));
	reco_status status = e ? RECO_OK : RECO_NO_MEMORY;

	*engine = NULL;
	if (e == NULL)
		return status;
	e->env = *env;
	e->options = *options;
	e->threads = env->threads < 1 ? 1 : env->threads;
	e->worker = zeroed(env, (size_t) e->threads * sizeof(reco_worker));
	if (e->worker == NULL)
		status = RECO_NO_MEMORY;
	for (int t = 0; t < e->threads && status == RECO_OK; t++)
		status = worker_make(e, &e->worker[t], t);
	if (status != RECO_OK)
	{
		reco_engine_free(e);
		return status;
	}
	reco_team_prepare(e->threads);
	*engine = e;
	return RECO_OK;
}

void
reco_engine_free(reco_engine *e)
{
	reco_env env;

	if (e == NULL)
		return;
	env = e->env;
	for (int t = 0; e->worker && t < e->threads; t++)
	{
		reco_seat_free(&env, e->worker[t].seat);
		release(&env, e->worker[t].skip);
		release(&env, e->worker[t].own);
	}
	release(&env, e->worker);
	release(&env, e);
}

int
reco_engine_threads(const reco_engine *engine)
{
	return engine->threads;
}

reco_worker *
reco_engine_worker(reco_engine *engine, int number)
{
	return &engine->worker[number];
}

static reco_status
visit_one(reco_worker *w, const reco_pass *pass, int64_t user)
{
	reco_profile profile = {0};
	reco_status status;

	if (!pass->profile(pass->arg, user, &profile))
		return RECO_OK;
	status = reco_seat_open(w->seat, &profile);
	if (status == RECO_OK)
		status = pass->visit(pass->arg, w, user);
	reco_seat_close(w->seat);
	return status;
}

/* One thread's part, until it is to leave. */
static void
work_on(reco_engine *e, reco_worker *w, const reco_pass *pass, reco_work *work, reco_flag *stop)
{
	for (int64_t from, to; reco_work_take(work, &from, &to);)
	{
		for (int64_t user = from; user < to && w->status == RECO_OK; user++)
			if (reco_team_stops(&e->env, stop))
				w->status = RECO_STOPPED;
			else
				w->status = visit_one(w, pass, user);
		if (w->status != RECO_OK)
			reco_flag_raise(stop);
		if (w->status != RECO_OK || reco_work_pause(&e->env))
			break;
	}
}

/* Of several errors, one that is not for another's. */
static reco_status
status_of(const reco_engine *e)
{
	reco_status status = RECO_OK;

	for (int t = 0; t < e->threads; t++)
		if (e->worker[t].status != RECO_OK && (status == RECO_OK || status == RECO_STOPPED))
			status = e->worker[t].status;
	return status;
}

static reco_status
run_batch(reco_engine *e, const reco_pass *pass, int64_t from, int64_t to)
{
	reco_work work = {from, to, USERS};
	reco_flag stop = false;
	reco_status status = RECO_OK;

	for (int t = 0; t < e->threads; t++)
	{
		e->worker[t].batch = from;
		e->worker[t].status = RECO_OK;
	}
	while (status == RECO_OK && reco_work_left(&work))
	{
#pragma omp parallel num_threads(e->threads)
		work_on(e, &e->worker[omp_get_thread_num()], pass, &work, &stop);
		status = status_of(e);
		if (e->env.poll(e->env.arg) && status == RECO_OK)
			status = RECO_STOPPED;
	}
	return status;
}

reco_status
reco_engine_run(reco_engine *engine, const reco_pass *pass)
{
	int64_t batch = pass->batch > 0 ? pass->batch : pass->users;
	reco_status status = RECO_OK;

	for (int64_t from = 0, to; from < pass->users && status == RECO_OK; from = to)
	{
		to = pass->users - from < batch ? pass->users : from + batch;
		status = run_batch(engine, pass, from, to);
		if (status == RECO_OK && pass->sink)
			status = pass->sink(pass->arg, from, to);
	}
	return status;
}

/* Marks, or as it was. */
static void
mark(reco_worker *w, const int32_t *item, int64_t n, bool on)
{
	const uint64_t *hidden = w->engine->options.hidden;

	for (int64_t j = 0; j < n; j++)
		if (on)
			reco_set_add(w->skip, item[j]);
		else
			w->skip[item[j] >> 6] = hidden ? hidden[item[j] >> 6] : 0;
}

/*
 * Adds items of the filler to the `have` that are in out.  Its order makes it cheap: passed over
 * are the user's own items, marked, the hidden ones and those of the list.  -1: stopped.
 */
static int32_t
fill(reco_worker *w, int32_t have, int32_t n, reco_ranked *out)
{
	const reco_engine_options *options = &w->engine->options;
	int32_t filled = have;
	int64_t done = 0;

	for (int32_t r = 0; r < have; r++)
		mark(w, &out[r].item, 1, true);
	for (int32_t f = 0; options->filler && f < options->fillers && filled >= 0 && filled < n; f++)
	{
		if (!reco_set_has(w->skip, options->filler[f].item))
			out[filled++] = options->filler[f];
		if (stop_after(&w->seat->env, 1, &done))
			filled = -1;
	}
	/* those of the user in the same words are to go, too */
	for (int32_t r = 0; r < have; r++)
		mark(w, &out[r].item, 1, false);
	return filled;
}

static int32_t
list_of(reco_worker *w, bool scored, int32_t n, reco_ranked *out, int32_t *by_score)
{
	int64_t n_seen;
	const int32_t *seen = reco_profile_seen(w->seat->profile, &n_seen);
	int32_t have = 0;

	if (!w->engine->options.repeats)
		mark(w, seen, n_seen, true);
	if (scored && reco_seat_is_personal(w->seat))
		have = reco_seat_top(w->seat, w->skip, n, out);
	*by_score = have;
	if (have >= 0 && have < n)
		have = fill(w, have, n, out);
	if (!w->engine->options.repeats)
		mark(w, seen, n_seen, false);
	return have;
}

int32_t
reco_worker_list(reco_worker *worker, int32_t n, reco_ranked *out, int32_t *by_score)
{
	return list_of(worker, true, n, out, by_score);
}

int32_t
reco_worker_fallback(reco_worker *worker, int32_t n, reco_ranked *out)
{
	int32_t by_score;

	return list_of(worker, false, n, out, &by_score);
}
