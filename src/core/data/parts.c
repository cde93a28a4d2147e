/*
 * parts.c
 *	  Work on the rows of a sparse matrix that threads share out among themselves.
 *
 * See parts.h.  A part keeps the entry where it goes on, so that the parallel region can
 * be left for a poll at any time; it does not matter which thread takes it up again.
 */
#include "core/data/parts.h"

#include "core/data/sorting.h"
#include "core/base/team.h"
#include "core/base/work.h"

#include <omp.h>

reco_status
reco_share(const reco_env *env, int64_t end, int64_t step,
		   void (*piece)(void *arg, int64_t from, int64_t to), void *arg)
{
	reco_work work = reco_work_of(end, step);

	bool several = env->threads > 1 && end > step;

	if (several)
		reco_team_prepare(env->threads);
	while (reco_work_left(&work))
	{
#pragma omp parallel num_threads(env->threads) if (several)
		for (int64_t from, to; reco_work_take(&work, &from, &to);)
		{
			piece(arg, from, to);
			if (reco_work_pause(env))
				break;
		}
		if (env->poll(env->arg))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Counts of all parts take no more memory than a byte an entry, or those of one part. */
static int
parts_of(int32_t keys, int64_t entries, int threads)
{
	int64_t most = entries / 4 / ((int64_t) keys + 1);

	most = most < threads ? most : threads;
	return most > 1 ? (int) most : 1;
}

size_t
reco_parts_memory(int32_t keys, int64_t entries, int threads)
{
	size_t parts = (size_t) parts_of(keys, entries, threads);

	return parts * ((size_t) keys + 1) * sizeof(int32_t) +
		   (parts + 1) * (sizeof(int64_t) + sizeof(reco_cursor)) + 256;
}

/* The first row that begins at entry `at` or later. */
static int64_t
row_at(const int64_t *start, int64_t rows, int64_t at)
{
	int64_t low = 0;

	while (low < rows)
	{
		int64_t middle = low + (rows - low) / 2;

		if (start[middle] < at)
			low = middle + 1;
		else
			rows = middle;
	}
	return low;
}

reco_status
reco_parts_init(const reco_env *env, int32_t rows, const int64_t *start, int32_t keys,
				reco_parts *p)
{
	int64_t entries = start[rows];
	int parts = parts_of(keys, entries, env->threads);

	*p = (reco_parts){.env = env, .parts = parts, .keys = keys};
	p->first = env->alloc(env->arg, ((size_t) parts + 1) * sizeof(int64_t));
	p->next = env->alloc(env->arg, (size_t) parts * sizeof(reco_cursor));
	p->place = zeroed(env, (size_t) parts * ((size_t) keys + 1) * sizeof(int32_t));
	if (!p->first || !p->next || !p->place)
	{
		reco_parts_free(p);
		return RECO_NO_MEMORY;
	}
	for (int k = 0; k < parts; k++)
		p->first[k] = row_at(start, rows, entries / parts * k);
	p->first[parts] = rows;
	if (parts > 1)
		reco_team_prepare(env->threads);
	return RECO_OK;
}

/* Whether the part has come to its end. */
static bool
run_part(reco_parts *p, int k, reco_part_step step, void *arg)
{
	int32_t *place = p->place + (size_t) k * (size_t) p->keys;
	reco_cursor at = p->next[k];

	at.handled = 0;
	while (at.row < p->first[k + 1])
	{
		step(arg, place, &at);
		if (at.row_ends)
		{
			at.row++;
			at.entry = at.written = 0;
		}
		if (at.handled < RECO_PART_ENTRIES)
			continue;
		at.handled = 0;
		if (reco_work_pause(p->env))
			break;
	}
	p->next[k] = at;
	return at.row == p->first[k + 1];
}

reco_status
reco_parts_run(reco_parts *p, reco_part_step step, void *arg)
{
	bool all;

	for (int k = 0; k < p->parts; k++)
		p->next[k] = (reco_cursor){.row = p->first[k]};
	do
	{
		all = true;
#pragma omp parallel num_threads(p->env->threads) reduction(&& : all) if (p->parts > 1)
		for (int k = omp_get_thread_num(); k < p->parts; k += omp_get_num_threads())
			all = run_part(p, k, step, arg) && all;
		if (p->env->poll(p->env->arg))
			return RECO_STOPPED;
	} while (!all);
	return RECO_OK;
}

reco_status
reco_parts_places(reco_parts *p, int64_t *start)
{
	int64_t at = 0;
	int64_t done = 0;
	int64_t polled = 0;

	for (int32_t key = 0; key < p->keys; key++)
	{
		int32_t before = 0;

		start[key] = at;
		for (int k = 0; k < p->parts; k++)
		{
			int32_t *place = &p->place[(size_t) k * (size_t) p->keys + (size_t) key];
			int32_t n = *place;

			*place = before;
			before += n;
		}
		at += before;
		done += p->parts;
		if (stop_at_entry(p->env, done, &polled))
			return RECO_STOPPED;
	}
	start[p->keys] = at;
	return RECO_OK;
}

void
reco_parts_free(reco_parts *p)
{
	release(p->env, p->first);
	release(p->env, p->next);
	release(p->env, p->place);
	*p = (reco_parts){.env = p->env};
}
