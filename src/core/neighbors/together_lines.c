/*
 * together_lines.c
 *	  Baskets from their lines, in whatever order these come.
 *
 * Two counting sorts, by item and then by basket, leave the items of a basket in order, those that
 * repeat side by side.  Where no basket has many lines, the one by basket is enough: each basket is
 * then sorted by itself.
 */
#include "core/neighbors/together.h"

#include "core/data/sorting.h"

/* A basket of more lines is not sorted by itself. */
#define MOST_ALONE 48

/* Counts the lines of each basket, whose place is the next.  *alone: none has many. */
static bool
count_baskets(const reco_triples *t, reco_csr *out, bool *alone)
{
	bool few = true;

	for (int64_t c = 0; c < t->chunks; c++)
	{
		const reco_chunk *chunk = t->chunk[c];
		int n = c + 1 < t->chunks ? RECO_CHUNK_ROWS : t->used;

		for (int k = 0; k < n; k++)
			few &= ++out->start[chunk->user[k] + 1] <= MOST_ALONE;
		if (t->env->poll(t->env->arg))
			return false;
	}
	*alone = few;
	return true;
}

/* The items of each basket's lines, as they come. */
static bool
take_items(const reco_triples *t, const int32_t *rank, reco_csr *out)
{
	for (int64_t c = 0; c < t->chunks; c++)
	{
		const reco_chunk *chunk = t->chunk[c];
		int n = c + 1 < t->chunks ? RECO_CHUNK_ROWS : t->used;

		for (int k = 0; k < n; k++)
			out->col[out->start[chunk->user[k]]++] = rank[chunk->item[k]];
		if (t->env->poll(t->env->arg))
			return false;
	}
	ends_to_starts(out->start, out->rows);
	return true;
}

/* Each basket by itself, by insertion. */
static bool
sort_alone(const reco_env *env, reco_csr *out)
{
	int64_t done = 0;

	for (int32_t b = 0; b < out->rows; b++)
	{
		int32_t *col = out->col + out->start[b];
		int n = (int) (out->start[b + 1] - out->start[b]);

		for (int k = 1; k < n; k++)
		{
			int32_t item = col[k];
			int at = k;

			for (; at > 0 && col[at - 1] > item; at--)
				col[at] = col[at - 1];
			col[at] = item;
		}
		if (stop_after(env, (int64_t) n * n, &done))
			return false;
	}
	return true;
}

/* Counts the lines of each item, whose place is the next. */
static bool
count_items(const reco_triples *t, const int32_t *rank, int64_t *start)
{
	for (int64_t c = 0; c < t->chunks; c++)
	{
		const reco_chunk *chunk = t->chunk[c];
		int n = c + 1 < t->chunks ? RECO_CHUNK_ROWS : t->used;

		for (int k = 0; k < n; k++)
			start[rank[chunk->item[k]] + 1]++;
		if (t->env->poll(t->env->arg))
			return false;
	}
	return true;
}

/* The baskets of each item's lines to `basket`; start becomes where they end. */
static bool
sort_by_item(const reco_triples *t, const int32_t *rank, int64_t *start, int32_t *basket)
{
	for (int64_t c = 0; c < t->chunks; c++)
	{
		const reco_chunk *chunk = t->chunk[c];
		int n = c + 1 < t->chunks ? RECO_CHUNK_ROWS : t->used;

		for (int k = 0; k < n; k++)
			basket[start[rank[chunk->item[k]]]++] = chunk->user[k];
		if (t->env->poll(t->env->arg))
			return false;
	}
	return true;
}

/* Likewise the items of each basket's lines, in their order. */
static bool
sort_by_basket(const reco_env *env, const int64_t *end, const int32_t *basket, reco_csr *out)
{
	int64_t entry = 0;
	int64_t polled = 0;

	for (int32_t i = 0; i < out->cols; i++)
		for (; entry < end[i]; entry++)
		{
			out->col[out->start[basket[entry]]++] = i;
			if (stop_at_entry(env, entry, &polled))
				return false;
		}
	ends_to_starts(out->start, out->rows);
	return true;
}

/* Leaves of lines that repeat one. */
static bool
drop_repeats(const reco_env *env, reco_csr *out)
{
	int64_t kept = 0;
	int64_t from = 0;
	int64_t done = 0;

	for (int32_t b = 0; b < out->rows; b++)
	{
		int64_t end = out->start[b + 1];

		for (int64_t e = from; e < end; e++)
		{
			if (e == from || out->col[e] != out->col[e - 1])
				out->col[kept++] = out->col[e];
			if (stop_after(env, 1, &done))
				return false;
		}
		out->start[b + 1] = kept;
		from = end;
	}
	return true;
}

static reco_status
build(const reco_triples *t, const int32_t *item_rank, int64_t *by_item, int32_t *basket,
	  reco_csr *out)
{
	const reco_env *env = t->env;
	bool alone;
	bool sorted;

	if (!count_baskets(t, out, &alone))
		return RECO_STOPPED;
	counts_to_places(out->start, out->rows);
	if (alone)
		sorted = take_items(t, item_rank, out) && sort_alone(env, out);
	else
	{
		if (!count_items(t, item_rank, by_item))
			return RECO_STOPPED;
		counts_to_places(by_item, out->cols);
		sorted = sort_by_item(t, item_rank, by_item, basket) &&
				 sort_by_basket(env, by_item, basket, out);
	}
	return sorted && drop_repeats(env, out) ? RECO_OK : RECO_STOPPED;
}

size_t
reco_together_lines_memory(const reco_triples *t, int32_t baskets, int32_t items)
{
	return 2 * ((size_t) reco_triples_rows(t) + 1) * sizeof(int32_t) +
		   ((size_t) baskets + (size_t) items + 2) * sizeof(int64_t);
}

reco_status
reco_together_lines(reco_triples *t, int32_t baskets, int32_t items, const int32_t *item_rank,
					reco_csr *out)
{
	const reco_env *env = t->env;
	size_t lines = ((size_t) reco_triples_rows(t) + 1) * sizeof(int32_t);
	int64_t *by_item = zeroed(env, ((size_t) items + 1) * sizeof(int64_t));
	int32_t *basket = env->alloc(env->arg, lines);
	reco_status status = RECO_NO_MEMORY;

	*out = (reco_csr){.rows = baskets, .cols = items};
	out->start = zeroed(env, ((size_t) baskets + 1) * sizeof(int64_t));
	out->col = env->alloc(env->arg, lines);
	if (by_item && basket && out->start && out->col)
		status = build(t, item_rank, by_item, basket, out);
	release(env, by_item);
	release(env, basket);
	reco_triples_free(t);
	if (status != RECO_OK)
		reco_csr_free(env, out);
	return status;
}
