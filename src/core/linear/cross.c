/*
 * cross.c
 *	  Products of the columns of sparse matrices with each other, a row at a time.
 *
 * See cross.h.  A thread sums up a row in an array with a place for each column.  It keeps where
 * it is in the row, so that it can be left for a poll and go on.
 */
#include "core/linear/cross.h"

#include "core/base/slab.h"
#include "core/base/team.h"
#include "core/base/work.h"
#include "core/data/sorting.h"

#include <omp.h>

/* Products between two looks at whether the main thread is wanted. */
#define LOOK 262144

/* A thread's row. */
typedef struct Row
{
	double *sum;
	int32_t row;    /* -1: none */
	int64_t entry;  /* of the row of Y', the next one */
	int64_t column; /* the next entry of the row of Z that this one points to */
} Row;

typedef struct Job
{
	const reco_csr *y;
	const reco_csr *z;
	bool lower;
	reco_cross_row take;
	void *arg;
} Job;

static size_t
row_room(int32_t cols)
{
	return reco_room(((size_t) cols + 1) * sizeof(double));
}

size_t
reco_cross_memory(int32_t cols, int threads)
{
	return (size_t) threads * (row_room(cols) + reco_room(sizeof(Row))) + 2 * RECO_ALIGN;
}

/* Adds up to about LOOK products to the row; whether it is whole. */
static bool
add(const Job *job, Row *r)
{
	const reco_csr *y = job->y;
	const reco_csr *z = job->z;
	int32_t last = job->lower ? r->row : INT32_MAX;
	int64_t left = LOOK;

	for (; r->entry < y->start[r->row + 1]; r->entry++, r->column = 0)
	{
		int32_t k = y->col[r->entry];
		double x = y->value ? y->value[r->entry] : 1;
		int64_t from = z->start[k] + r->column;
		int64_t end = z->start[k + 1] - from < left ? z->start[k + 1] : from + left;
		int64_t e = from;

		if (z->value)
			for (; e < end && z->col[e] <= last; e++)
				r->sum[z->col[e]] += x * z->value[e];
		else
			for (; e < end && z->col[e] <= last; e++)
				r->sum[z->col[e]] += x;
		left -= e - from + 1;
		if (left <= 0 && e < z->start[k + 1] && z->col[e] <= last)
		{
			r->column += e - from;
			return false;
		}
		if (left <= 0)
		{
			r->entry++;
			r->column = 0;
			break;
		}
	}
	return r->entry == y->start[r->row + 1];
}

/* The next row of a thread, whose sums become zeros; whether there is one. */
static bool
take_row(const Job *job, reco_work *work, Row *r)
{
	int64_t from;
	int64_t to;

	if (!reco_work_take(work, &from, &to))
		return false;
	r->row = (int32_t) from;
	r->entry = job->y->start[from];
	r->column = 0;
	memset(r->sum, 0, (size_t) (job->lower ? from + 1 : job->z->cols) * sizeof(double));
	return true;
}

static void
run(const reco_env *env, const Job *job, reco_work *work, Row *r)
{
	while (r->row >= 0 || take_row(job, work, r))
	{
		if (add(job, r))
		{
			job->take(job->arg, r->row, r->sum);
			r->row = -1;
		}
		if (reco_work_pause(env))
			break;
	}
}

reco_status
reco_cross(const reco_env *env, const reco_csr *y_by_col, const reco_csr *z, bool lower,
		   reco_cross_row take, void *arg)
{
	Job job = {y_by_col, z, lower, take, arg};
	reco_work work = reco_work_of(y_by_col->rows, 1);
	char *slab = env->alloc(env->arg, reco_cross_memory(z->cols, env->threads));
	char *at = slab;
	Row *row;
	bool left = y_by_col->rows > 0;
	reco_status status = RECO_OK;

	if (slab == NULL)
		return RECO_NO_MEMORY;
	row = reco_take(&at, (size_t) env->threads * sizeof(Row));
	for (int t = 0; t < env->threads; t++)
	{
		row[t].sum = reco_take(&at, ((size_t) z->cols + 1) * sizeof(double));
		row[t].row = -1;
	}
	reco_team_prepare(env->threads);
	while (left && status == RECO_OK)
	{
#pragma omp parallel num_threads(env->threads)
		run(env, &job, &work, &row[omp_get_thread_num()]);
		left = reco_work_left(&work);
		for (int t = 0; t < env->threads; t++)
			left = left || row[t].row >= 0;
		if (env->poll(env->arg))
			status = RECO_STOPPED;
	}
	release(env, slab);
	return status;
}
