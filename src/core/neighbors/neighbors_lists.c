/*
 * neighbors_lists.c
 *	  The lists of a search of neighbors: made, sorted and laid out.
 *
 * Cost: lists x k log k.
 */
#include "core/neighbors/neighbors_lists.h"

#include "core/data/sorting.h"
#include "core/base/work.h"

#include <float.h>

/* Lists that a thread sorts at a time. */
#define LISTS_AT_A_TIME 64

/* Hoare's selection: numbers alike are shared out to both sides. */
double
reco_kth_largest(double *x, int32_t n, int32_t k)
{
	int32_t low = 0;
	int32_t high = n - 1;

	while (low < high)
	{
		double middle = x[low + (high - low) / 2];
		int32_t i = low;
		int32_t j = high;

		while (i <= j)
		{
			while (x[i] > middle)
				i++;
			while (x[j] < middle)
				j--;
			if (i <= j)
			{
				double swap = x[i];

				x[i++] = x[j];
				x[j--] = swap;
			}
		}
		if (k - 1 <= j)
			high = j;
		else if (k - 1 >= i)
			low = i;
		else
			break;
	}
	return x[k - 1];
}

reco_status
reco_lists_init(const reco_env *env, int32_t count, Lists *lists)
{
	size_t n = (size_t) count + 1;

	lists->entry = env->alloc(env->arg, n * (size_t) lists->k * sizeof(Entry));
	lists->filled = zeroed(env, n * sizeof(int32_t));
	lists->threshold = env->alloc(env->arg, n * sizeof(Threshold));
	lists->locked = env->alloc(env->arg, n * sizeof(*lists->locked));
	if (!lists->entry || !lists->filled || !lists->threshold || !lists->locked)
		return RECO_NO_MEMORY;
	for (size_t r = 0; r < n; r++)
	{
		atomic_init(&lists->threshold[r].floor, DBL_TRUE_MIN);
		atomic_init(&lists->threshold[r].last, INT32_MAX);
		atomic_flag_clear_explicit(&lists->locked[r], memory_order_relaxed);
		if ((r + 1) % POLL_ROWS == 0 && env->poll(env->arg))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

void
reco_lists_free(const reco_env *env, Lists *lists)
{
	release(env, lists->entry);
	release(env, lists->filled);
	release(env, lists->threshold);
	release(env, (void *) lists->locked);
}

/* Sorts the list of a rank and puts it at its place. */
static void
lay_out(Lists *lists, int32_t k, reco_neighbors *out, int64_t at)
{
	Entry *heap = lists->entry + (size_t) k * (size_t) lists->k;

	(void) heap_sort(NULL, heap, lists->filled[k]);
	for (int32_t n = 0; n < lists->filled[k]; n++)
	{
		out->row[at + n] = heap[n].row;
		out->similarity[at + n] = heap[n].similarity;
	}
}

reco_status
reco_lists_collect(const reco_env *env, Lists *lists, const reco_pairs *p, int threads,
				   reco_neighbors *out)
{
	reco_work work = reco_work_of(p->rows, LISTS_AT_A_TIME);
	int64_t polled = 0;
	int64_t total = 0;

	*out = (reco_neighbors){.rows = p->rows};
	out->start = zeroed(env, ((size_t) p->rows + 2) * sizeof(int64_t));
	if (out->start == NULL)
		return RECO_NO_MEMORY;
	for (int32_t k = 0; k < p->rows; k++)
		out->start[p->row_of[k] + 1] = lists->filled[k];
	for (int32_t r = 0; r < p->rows; r++)
	{
		out->start[r + 1] += out->start[r];
		if (stop_at_entry(env, r, &polled))
		{
			reco_neighbors_free(env, out);
			return RECO_STOPPED;
		}
	}
	total = out->start[p->rows];
	out->row = env->alloc(env->arg, ((size_t) total + 1) * sizeof(int32_t));
	out->similarity = env->alloc(env->arg, ((size_t) total + 1) * sizeof(double));
	if (out->row == NULL || out->similarity == NULL)
	{
		reco_neighbors_free(env, out);
		return RECO_NO_MEMORY;
	}
	do
	{
#pragma omp parallel num_threads(threads)
		for (int64_t from, to; reco_work_take(&work, &from, &to);)
		{
			for (int64_t k = from; k < to; k++)
				lay_out(lists, (int32_t) k, out, out->start[p->row_of[k]]);
			if (reco_work_pause(env))
				break;
		}
		if (env->poll(env->arg))
		{
			reco_neighbors_free(env, out);
			return RECO_STOPPED;
		}
	} while (reco_work_left(&work));
	return RECO_OK;
}
