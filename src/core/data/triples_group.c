/*
 * triples_group.c
 *	  From triples in order of arrival to the rows of each user together.
 *
 * A counting sort by user writes to as many places as there are users.  Where these lie in more
 * memory than the caches and the processor's tables of pages reach, every row is waited for.  So
 * users are shared out among blocks by their numbers: each chunk is put in order of the blocks,
 * where it is, and then the rows of one block after the other are sorted by user, into memory that
 * stays in a cache.  Chunks in the first step and blocks in the second do not depend on each
 * other, so threads share them out; both steps keep the order of arrival, so the result is that of
 * one sort, whatever the blocks and threads.
 *
 * Cost: O(rows + users + chunks x blocks).
 * Memory: a copy of a chunk for each thread, and 4 bytes for each chunk and block.
 */
#include "core/data/triples_group.h"

#include "core/data/parts.h"
#include "core/data/sorting.h"

#include <omp.h>
#include <string.h>

/* Rows that a block should have: some megabytes. */
#define BLOCK_ROWS 262144
#define MOST_BLOCKS 1024

/* A block of more rows, or as many users, is left to the main thread, which polls. */
#define SHARE_ROWS (2 * BLOCK_ROWS)

/* A chunk in another order. */
typedef struct copy
{
	uint32_t *place; /* of each block: where its next row goes */
	int32_t *user;
	int32_t *item;
	float *value;
	uint8_t *code;
	int64_t *time;
} copy;

typedef struct grouping
{
	reco_triples *t;
	const int32_t *user_rank;
	const int32_t *item_rank;
	int32_t users;
	int shift; /* user u is in block u >> shift */
	int blocks;
	uint32_t *first; /* chunks x (blocks + 1): where the rows of a block begin in the chunk */
	int64_t *begin;  /* blocks + 1: where they begin in the result */
	copy *copies;    /* of each thread */
	reco_grouped *out;
} grouping;

static int
rows_in_chunk(const reco_triples *t, int64_t c)
{
	return c == t->chunks - 1 ? t->used : RECO_CHUNK_ROWS;
}

/* How users are shared out; *shift as in grouping. */
static int
blocks_of(const reco_triples *t, int32_t users, int *shift)
{
	int64_t most = reco_triples_rows(t) / BLOCK_ROWS;

	most = most > MOST_BLOCKS ? MOST_BLOCKS : most;
	*shift = 0;
	while (*shift < 31 && ((int64_t) users - 1) >> *shift > most)
		(*shift)++;
	return users > 0 ? (int) ((users - 1) >> *shift) + 1 : 1;
}

/* Bytes of a copy of a chunk. */
static size_t
copy_bytes(const reco_triples *t, int blocks)
{
	size_t row = 2 * sizeof(int32_t) + (t->has_value ? sizeof(float) + 1 : 0) +
				 (t->has_time ? sizeof(int64_t) : 0);

	return row * RECO_CHUNK_ROWS + (size_t) blocks * sizeof(uint32_t);
}

size_t
reco_triples_group_memory(const reco_triples *t, int32_t users)
{
	int shift;
	size_t blocks = (size_t) blocks_of(t, users, &shift);
	size_t copies = 0;

	if (blocks > 1)
		copies = (size_t) t->env->threads * (copy_bytes(t, (int) blocks) + sizeof(copy));
	return (size_t) t->chunks * (blocks + 1) * sizeof(uint32_t) + (blocks + 1) * sizeof(int64_t) +
		   copies + 1024;
}

/* Parts of one block of memory, which begins with the widest numbers. */
static bool
copy_alloc(const reco_triples *t, int blocks, copy *out)
{
	char *at = t->env->alloc(t->env->arg, copy_bytes(t, blocks));

	if (at == NULL)
		return false;
	if (t->has_time)
	{
		out->time = (int64_t *) at;
		at += sizeof(int64_t) * RECO_CHUNK_ROWS;
	}
	out->user = (int32_t *) at;
	out->item = out->user + RECO_CHUNK_ROWS;
	at = (char *) (out->item + RECO_CHUNK_ROWS);
	if (t->has_value)
	{
		out->value = (float *) at;
		at += sizeof(float) * RECO_CHUNK_ROWS;
	}
	out->place = (uint32_t *) at;
	out->code = (uint8_t *) (out->place + blocks);
	return true;
}

static void
copy_free(const reco_triples *t, copy *copy)
{
	release(t->env, t->has_time ? (void *) copy->time : (void *) copy->user);
}

/* Any thread: where the rows of each block begin in a chunk whose users have their numbers. */
static void
count_blocks(const grouping *g, const int32_t *user, int rows, uint32_t *first)
{
	memset(first, 0, ((size_t) g->blocks + 1) * sizeof(uint32_t));
	for (int i = 0; i < rows; i++)
		first[(user[i] >> g->shift) + 1]++;
	for (int k = 0; k < g->blocks; k++)
		first[k + 1] += first[k];
}

/* Any thread: puts the chunk in order of blocks, through a copy. */
static void
order_chunk(const grouping *g, reco_chunk *chunk, int rows, const uint32_t *first, copy *to)
{
	int64_t *time = reco_chunk_time(g->t, chunk);
	size_t n = (size_t) rows;

	memcpy(to->place, first, (size_t) g->blocks * sizeof(uint32_t));
	for (int i = 0; i < rows; i++)
	{
		uint32_t at = to->place[chunk->user[i] >> g->shift]++;

		to->user[at] = chunk->user[i];
		to->item[at] = chunk->item[i];
		if (chunk->code)
			to->code[at] = chunk->code[i];
		else if (chunk->value)
			to->value[at] = chunk->value[i];
		if (time)
			to->time[at] = time[i];
	}
	memcpy(chunk->user, to->user, n * sizeof(int32_t));
	memcpy(chunk->item, to->item, n * sizeof(int32_t));
	if (chunk->code)
		memcpy(chunk->code, to->code, n);
	else if (chunk->value)
		memcpy(chunk->value, to->value, n * sizeof(float));
	if (time)
		memcpy(time, to->time, n * sizeof(int64_t));
}

/* Any thread: chunks with final numbers, in order of blocks. */
static void
order_chunks(void *arg, int64_t from, int64_t end)
{
	grouping *g = arg;

	for (int64_t c = from; c < end; c++)
	{
		reco_chunk *chunk = g->t->chunk[c];
		uint32_t *first = g->first + c * (g->blocks + 1);
		int rows = rows_in_chunk(g->t, c);

		for (int i = 0; i < rows; i++)
		{
			chunk->user[i] = g->user_rank[chunk->user[i]];
			chunk->item[i] = g->item_rank[chunk->item[i]];
		}
		count_blocks(g, chunk->user, rows, first);
		if (g->blocks > 1)
			order_chunk(g, chunk, rows, first, &g->copies[omp_get_thread_num()]);
	}
}

/* Where the rows of each block begin in the result.  False to stop. */
static bool
place_blocks(grouping *g)
{
	int64_t done = 0;

	memset(g->begin, 0, ((size_t) g->blocks + 1) * sizeof(int64_t));
	for (int64_t c = 0; c < g->t->chunks; c++)
	{
		const uint32_t *first = g->first + c * (g->blocks + 1);

		for (int k = 0; k < g->blocks; k++)
			g->begin[k + 1] += first[k + 1] - first[k];
		if (stop_after(g->t->env, g->blocks, &done))
			return false;
	}
	for (int k = 0; k < g->blocks; k++)
		g->begin[k + 1] += g->begin[k];
	return true;
}

/* The rows of a chunk that are of block k, each to the next place of its user. */
static void
write_rows(grouping *g, int64_t c, int k)
{
	const uint32_t *first = g->first + c * (g->blocks + 1);
	reco_chunk *chunk = g->t->chunk[c];
	const int64_t *time = reco_chunk_time(g->t, chunk);

	for (uint32_t i = first[k]; i < first[k + 1]; i++)
	{
		int64_t at = g->out->start[chunk->user[i]]++;

		g->out->entry[at] = (reco_entry){chunk->item[i], reco_chunk_value(g->t, chunk, (int) i)};
		if (time)
			g->out->time[at] = time[i];
	}
}

/* Of a chunk's rows of block k, to each user's. */
static void
count_rows(grouping *g, int64_t c, int k)
{
	const uint32_t *first = g->first + c * (g->blocks + 1);
	const int32_t *user = g->t->chunk[c]->user;

	for (uint32_t i = first[k]; i < first[k + 1]; i++)
		g->out->start[user[i]]++;
}

/*
 * Sorts the rows of block k, whose users are no other block's; start[u] of these is 0 before.
 * False to stop, which only a call that polls does.
 */
static bool
sort_block(grouping *g, int k, bool polls)
{
	const reco_env *env = g->t->env;
	int64_t low = (int64_t) k << g->shift;
	int64_t high = (int64_t) (k + 1) << g->shift;
	int64_t *start = g->out->start;
	int64_t at = g->begin[k];
	int64_t done = 0;

	high = high < g->users ? high : g->users;
	for (int64_t c = 0; c < g->t->chunks; c++)
	{
		count_rows(g, c, k);
		if (polls && stop_after(env, RECO_CHUNK_ROWS, &done))
			return false;
	}
	for (int64_t u = low; u < high; u++)
	{
		int64_t n = start[u];

		start[u] = at;
		at += n;
		if (polls && stop_after(env, 1, &done))
			return false;
	}
	for (int64_t c = 0; c < g->t->chunks; c++)
	{
		write_rows(g, c, k);
		if (polls && stop_after(env, RECO_CHUNK_ROWS, &done))
			return false;
	}
	/* each user's end is where the next one begins */
	for (int64_t end = high, from; end > low + 1; end = from + 1)
	{
		from = end - low > POLL_ROWS ? end - POLL_ROWS : low;
		memmove(start + from + 1, start + from, (size_t) (end - from - 1) * sizeof(int64_t));
		if (polls && env->poll(env->arg))
			return false;
	}
	start[low] = g->begin[k];
	return true;
}

static bool
is_long(const grouping *g, int k)
{
	return g->begin[k + 1] - g->begin[k] > SHARE_ROWS || (int64_t) 1 << g->shift > SHARE_ROWS;
}

/* Any thread. */
static void
sort_blocks(void *arg, int64_t from, int64_t end)
{
	grouping *g = arg;

	for (int64_t k = from; k < end; k++)
		if (!is_long(g, (int) k))
			(void) sort_block(g, (int) k, false);
}

static reco_status
group(grouping *g)
{
	const reco_env *env = g->t->env;
	reco_status status = reco_share(env, g->t->chunks, 1, order_chunks, g);

	if (status != RECO_OK)
		return status;
	if (!place_blocks(g))
		return RECO_STOPPED;
	if (g->users == 0)
		return RECO_OK;
	status = reco_share(env, g->blocks, 1, sort_blocks, g);
	for (int k = 0; k < g->blocks && status == RECO_OK; k++)
		if (is_long(g, k) && !sort_block(g, k, true))
			status = RECO_STOPPED;
	g->out->start[g->users] = g->begin[g->blocks];
	return status;
}

static bool
grouping_alloc(grouping *g)
{
	const reco_triples *t = g->t;
	const reco_env *env = t->env;

	g->first = env->alloc(env->arg,
						  ((size_t) t->chunks * ((size_t) g->blocks + 1) + 1) * sizeof(uint32_t));
	g->begin = env->alloc(env->arg, ((size_t) g->blocks + 1) * sizeof(int64_t));
	if (g->first == NULL || g->begin == NULL)
		return false;
	if (g->blocks == 1)
		return true;
	g->copies = zeroed(env, (size_t) env->threads * sizeof(copy));
	if (g->copies == NULL)
		return false;
	for (int k = 0; k < env->threads; k++)
		if (!copy_alloc(t, g->blocks, &g->copies[k]))
			return false;
	return true;
}

static void
grouping_free(grouping *g)
{
	const reco_env *env = g->t->env;

	for (int k = 0; g->copies && k < env->threads; k++)
		copy_free(g->t, &g->copies[k]);
	release(env, g->copies);
	release(env, g->first);
	release(env, g->begin);
}

reco_status
reco_triples_group(reco_triples *t, int32_t users, const int32_t *user_rank,
				   const int32_t *item_rank, reco_grouped *out)
{
	const reco_env *env = t->env;
	size_t rows = (size_t) reco_triples_rows(t);
	grouping g = {
		.t = t, .user_rank = user_rank, .item_rank = item_rank, .users = users, .out = out};
	reco_status status = RECO_NO_MEMORY;

	g.blocks = blocks_of(t, users, &g.shift);
	out->start = zeroed(env, ((size_t) users + 1) * sizeof(int64_t));
	out->entry = env->alloc(env->arg, (rows + 1) * sizeof(reco_entry));
	if (t->has_time)
		out->time = env->alloc(env->arg, (rows + 1) * sizeof(int64_t));
	if (out->start && out->entry && (out->time || !t->has_time) && grouping_alloc(&g))
		status = group(&g);
	grouping_free(&g);
	reco_triples_free(t);
	return status;
}

void
reco_grouped_free(const reco_env *env, reco_grouped *g)
{
	release(env, g->start);
	release(env, g->entry);
	release(env, g->time);
	memset(g, 0, sizeof(*g));
}
