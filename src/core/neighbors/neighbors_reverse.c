/*
 * neighbors_reverse.c
 *	  Lists of neighbors reversed: who has whom.
 *
 * Cost: entries x log of a list's length.
 */
#include "core/neighbors/neighbors.h"
#include "core/data/sorting.h"

typedef struct Entry
{
	double similarity;
	int32_t row;
} Entry;

/* A list is by falling similarity, then by row. */
static inline bool
comes_after(const Entry *a, const Entry *b)
{
	return a->similarity != b->similarity ? a->similarity < b->similarity : a->row > b->row;
}

#define HEAP_ENTRY Entry
#define HEAP_WORSE(a, b) comes_after(&(a), &(b))
#include "core/base/heap.h"

/* Sorts a list; false: stopped. */
static bool
sort(const reco_env *env, Entry *entry, int64_t n)
{
	int32_t have = 0;

	/* a list has at most as many entries as there are rows */
	while (have < n)
	{
		heap_offer(entry, &have, (int32_t) n, entry[have]);
		if (have % HEAP_POLL == 0 && env->poll(env->arg))
			return false;
	}
	return heap_sort(env, entry, have);
}

/* The lists of `at` (start) in out, cut to k; false: stopped. */
static bool
lay_out(const reco_env *env, const Entry *entry, const int64_t *start, int32_t rows, int64_t k,
		reco_neighbors *out)
{
	int64_t to = 0;
	int64_t polled = 0;

	for (int32_t r = 0; r < rows; r++)
	{
		int64_t n = start[r + 1] - start[r];

		out->start[r] = to;
		for (int64_t e = 0; e < n && e < k; e++)
		{
			if (stop_at_entry(env, start[r] + e, &polled))
				return false;
			out->row[to] = entry[start[r] + e].row;
			out->similarity[to++] = entry[start[r] + e].similarity;
		}
		if (stop_at_entry(env, start[r + 1], &polled))
			return false;
	}
	out->start[rows] = to;
	return true;
}

static reco_status
reverse(const reco_env *env, const reco_neighbors *n, int64_t k, reco_neighbors *out)
{
	int64_t entries = n->start[n->rows];
	int64_t *start = zeroed(env, ((size_t) n->rows + 1) * sizeof(int64_t));
	Entry *entry = env->alloc(env->arg, ((size_t) entries + 1) * sizeof(Entry));
	reco_status status = RECO_NO_MEMORY;
	int64_t polled = 0;

	*out = (reco_neighbors){.rows = n->rows};
	out->start = env->alloc(env->arg, ((size_t) n->rows + 1) * sizeof(int64_t));
	out->row = env->alloc(env->arg, ((size_t) entries + 1) * sizeof(int32_t));
	out->similarity = env->alloc(env->arg, ((size_t) entries + 1) * sizeof(double));
	if (start && entry && out->start && out->row && out->similarity)
	{
		status = RECO_OK;
		for (int64_t e = 0; e < entries && status == RECO_OK; e++)
		{
			start[n->row[e] + 1]++;
			if (stop_at_entry(env, e, &polled))
				status = RECO_STOPPED;
		}
		counts_to_places(start, n->rows);
		polled = 0;
		for (int32_t r = 0; r < n->rows && status == RECO_OK; r++)
		{
			for (int64_t e = n->start[r]; e < n->start[r + 1]; e++)
				entry[start[n->row[e]]++] = (Entry){n->similarity[e], r};
			/* a list found is short: its length is a parameter */
			if (stop_at_entry(env, n->start[r + 1], &polled))
				status = RECO_STOPPED;
		}
		ends_to_starts(start, n->rows);
		polled = 0;
		for (int32_t r = 0; r < n->rows && status == RECO_OK; r++)
		{
			if (!sort(env, entry + start[r], start[r + 1] - start[r]) ||
				stop_at_entry(env, start[r + 1], &polled))
				status = RECO_STOPPED;
		}
	}
	if (status == RECO_OK && !lay_out(env, entry, start, n->rows, k, out))
		status = RECO_STOPPED;
	if (status != RECO_OK)
		reco_neighbors_free(env, out);
	release(env, entry);
	release(env, start);
	return status;
}

reco_status
reco_neighbors_reverse(const reco_env *env, const reco_neighbors *n, reco_neighbors *out)
{
	return reverse(env, n, INT64_MAX, out);
}

reco_status
reco_neighbors_walk_end(const reco_env *env, reco_neighbors *n, bool normalize, int k,
						reco_neighbors *out)
{
	reco_status status = RECO_OK;
	int64_t polled = 0;

	for (int32_t r = 0; normalize && r < n->rows && status == RECO_OK; r++)
	{
		double sum = 0;

		for (int64_t e = n->start[r]; e < n->start[r + 1]; e++)
			sum += n->similarity[e];
		for (int64_t e = n->start[r]; e < n->start[r + 1]; e++)
			n->similarity[e] /= sum;
		if (stop_at_entry(env, n->start[r + 1], &polled))
			status = RECO_STOPPED;
	}
	if (status == RECO_OK)
		status = reverse(env, n, k, out);
	else
		*out = (reco_neighbors){0};
	reco_neighbors_free(env, n);
	return status;
}
