/*
 * als_run.c
 *	  Spreading the rows of a half step over threads.
 *
 * Long rows are taken first, the others in their order, in units of similar
 * work, so that the end of a half step is balanced.  Units are handed out
 * dynamically inside rounds; the calling thread polls between rounds, and sooner
 * when the main thread is wanted: after the units that are being solved.  A long row
 * (of a unit's work, so that it is the last of its unit) is not waited for: it is left as
 * it was, and solved anew by the calling thread alone, which polls as it goes, before the
 * others go on; so it is left once at most.  What
 * remains to be waited for is a unit, or a look's work in a long row: ALS_TILE entries, or
 * the factorization of one system.  Units depend on the matrix alone and what they tell
 * is added up in their order, so the sums have the same bits for any number of threads,
 * and whenever the main thread is wanted.
 */
#include "core/als/als_half.h"
#include "core/base/team.h"
#include "core/base/work.h"

#include <omp.h>
#include <string.h>

/* Multiply-adds: of a unit, and of a round for each thread (some 20 ms). */
#define UNIT_WORK 2e6
#define ROUND_WORK 1.5e8

/* Rows between two polls. */
#define POLL_ROWS 1048576

size_t
als_schedule_bytes(int32_t rows, int threads)
{
	size_t n = (size_t) rows;

	return reco_room(n * sizeof(int32_t)) + reco_room((n + 1) * sizeof(int32_t)) +
		   reco_room((n + 1) * sizeof(als_objective)) +
		   reco_room((size_t) threads * sizeof(int32_t));
}

/*
 * Long rows first, by falling length (8 classes to an octave), so that the end
 * of a half step is balanced; then the others in their own order, so that their
 * entries are read in sequence.  Returns how many, or -1 to stop.
 */
static int32_t
sort_rows(const reco_env *env, const reco_csr *m, const int32_t *known, int32_t *order,
		  int64_t is_long)
{
	enum
	{
		CLASSES = 64 * 8 + 1
	};
	int32_t count[CLASSES] = {0};
	int32_t used = 0;

	for (int pass = 0; pass < 2; pass++)
	{
		for (int32_t r = 0; r < m->rows; r++)
		{
			uint64_t n = (uint64_t) (m->start[r + 1] - m->start[r]);
			int class = 0;

			if (r % POLL_ROWS == POLL_ROWS - 1 && env->poll(env->arg))
				return -1;
			if (n == 0 || (known && known[r] >= 0))
				continue;
			if (n >= (uint64_t) is_long)
			{
				int bits = 63 - __builtin_clzll(n);

				class = 1 + bits * 8 + (int) (bits >= 3 ? (n >> (bits - 3)) & 7 : 0);
			}
			if (pass == 0)
				count[CLASSES - 1 - class]++;
			else
				order[count[CLASSES - 1 - class]++] = r;
		}
		if (pass == 0)
			for (int c = 0; c < CLASSES; c++)
			{
				int32_t n = count[c];

				count[c] = used;
				used += n;
			}
	}
	return used;
}

reco_status
als_schedule_layout(const reco_env *env, als_schedule *sch, void *slab, const reco_csr *m,
					const int32_t *known, double entry_cost, double row_cost)
{
	char *at = slab;
	int64_t is_long = (int64_t) (UNIT_WORK / 4 / entry_cost) + 1;
	int32_t used;
	double work = 0;

	sch->order = reco_take(&at, (size_t) m->rows * sizeof(int32_t));
	sch->unit = reco_take(&at, ((size_t) m->rows + 1) * sizeof(int32_t));
	sch->reached = reco_take(&at, ((size_t) m->rows + 1) * sizeof(als_objective));
	sch->left = reco_take(&at, (size_t) env->threads * sizeof(int32_t));
	sch->long_n = (int64_t) (UNIT_WORK / entry_cost) + 1;
	sch->units = 0;
	sch->longs = 0;
	used = sort_rows(env, m, known, sch->order, is_long);
	if (used < 0)
		return RECO_STOPPED;
	sch->unit[0] = 0;
	for (int32_t i = 0; i < used; i++)
	{
		int32_t r = sch->order[i];
		int64_t n = m->start[r + 1] - m->start[r];

		if (i % POLL_ROWS == POLL_ROWS - 1 && env->poll(env->arg))
			return RECO_STOPPED;
		sch->longs += n >= is_long;
		work += (double) n * entry_cost + row_cost;
		if (work >= UNIT_WORK || i == used - 1)
		{
			sch->unit[++sch->units] = i + 1;
			work = 0;
		}
	}
	return RECO_OK;
}

/* What a half step is run with. */
typedef struct half_run
{
	const reco_env *env;
	const reco_env *leaves; /* whose `stopping` also says that the main thread is wanted */
	const als_schedule *sch;
	const reco_csr *m;
	als_row_solver solve;
	void *arg;
} half_run;

/* For threads in a long row; arg is the caller's env. */
static bool
leave(void *arg)
{
	const reco_env *env = arg;

	return env->stopping(env->arg) || reco_work_pause(env);
}

static bool
is_long(const half_run *run, int32_t row)
{
	return run->m->start[row + 1] - run->m->start[row] >= run->sch->long_n;
}

/*
 * Solves the rows of a unit in turn.  A long row, which is the last one, may be left: *left
 * is set then, and the unit's reached is what the others reached.
 */
static reco_status
run_unit(const half_run *run, int64_t u, bool *left)
{
	const reco_env *env = run->env;
	const als_schedule *sch = run->sch;

	sch->reached[u] = (als_objective){0, 0};
	for (int32_t i = sch->unit[u]; i < sch->unit[u + 1]; i++)
	{
		als_objective reached = {0, 0};
		reco_status status = env->stopping(env->arg) ? RECO_STOPPED : RECO_OK;
		bool last = i + 1 == sch->unit[u + 1];
		bool leaves = last && is_long(run, sch->order[i]);

		if (status == RECO_OK)
			status = run->solve(leaves ? run->leaves : env, run->arg, omp_get_thread_num(),
								sch->order[i], last ? -1 : sch->order[i + 1], &reached);
		if (status == RECO_STOPPED && leaves && !env->stopping(env->arg))
		{
			*left = true;
			return RECO_OK;
		}
		if (status != RECO_OK)
			return status;
		sch->reached[u].loss += reached.loss;
		sch->reached[u].penalty += reached.penalty;
	}
	return RECO_OK;
}

/* Solves the rows that threads have left, polling. */
static reco_status
run_left(const half_run *run)
{
	const als_schedule *sch = run->sch;
	reco_env alone = *run->env;

	alone.stopping = alone.poll;
	for (int t = 0; t < run->env->threads; t++)
	{
		int32_t u = sch->left[t];
		als_objective reached = {0, 0};
		reco_status status;

		if (u < 0)
			continue;
		status = run->solve(&alone, run->arg, 0, sch->order[sch->unit[u + 1] - 1], -1, &reached);
		if (status != RECO_OK)
			return status;
		sch->reached[u].loss += reached.loss;
		sch->reached[u].penalty += reached.penalty;
		sch->left[t] = -1;
	}
	return RECO_OK;
}

reco_status
als_run(const reco_env *env, const als_schedule *sch, const reco_csr *m, als_row_solver solve,
		void *arg, als_objective *sum)
{
	reco_work work = reco_work_of(sch->units, 1);
	int64_t round = (int64_t) (ROUND_WORK / UNIT_WORK) * env->threads;
	reco_env leaves = {.stopping = leave, .arg = (void *) env};
	half_run run = {env, &leaves, sch, m, solve, arg};
	int failed = RECO_OK;

	for (int t = 0; t < env->threads; t++)
		sch->left[t] = -1;
	while (reco_work_left(&work))
	{
		int64_t limit = work.next + round;

#pragma omp parallel num_threads(env->threads)
		for (int64_t u, end; reco_work_take(&work, &u, &end);)
		{
			bool left = false;
			reco_status status = run_unit(&run, u, &left);

			if (left)
				sch->left[omp_get_thread_num()] = (int32_t) u;
			if (status != RECO_OK)
				__atomic_store_n(&failed, (int) status, __ATOMIC_RELAXED);
			if (__atomic_load_n(&failed, __ATOMIC_RELAXED) != RECO_OK || left || end >= limit ||
				reco_work_pause(env))
				break;
		}
		if (env->poll(env->arg) || failed == RECO_STOPPED)
			return RECO_STOPPED;
		if (failed == RECO_OK)
			failed = run_left(&run);
		if (failed != RECO_OK)
			return (reco_status) failed;
	}
	sum->loss = sum->penalty = 0;
	for (int32_t u = 0; u < sch->units; u++)
	{
		sum->loss += sch->reached[u].loss;
		sum->penalty += sch->reached[u].penalty;
	}
	return RECO_OK;
}
