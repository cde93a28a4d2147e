/*
 * waiting.c
 *	  Rows that wait until all are read, for what others say of them.
 *
 * Few pairs of a user and an item have a row that takes back.  These pairs are found by hashing,
 * and only their rows are sorted; all others go on as they came.
 */
#include "core/data/waiting.h"

#include "core/data/sorting.h"

#include <string.h>

void
reco_waiting_init(reco_waiting *w, const reco_env *env)
{
	memset(w, 0, sizeof(*w));
	w->env = env;
}

bool
reco_waiting_grow(reco_waiting *w)
{
	reco_deed *chunk;

	if (w->chunks == w->slots)
	{
		int64_t slots = w->slots == 0 ? 64 : w->slots * 2;
		reco_deed **larger = w->env->alloc(w->env->arg, (size_t) slots * sizeof(reco_deed *));

		if (larger == NULL)
			return false;
		if (w->chunk != NULL)
			memcpy(larger, w->chunk, (size_t) w->chunks * sizeof(reco_deed *));
		release(w->env, w->chunk);
		w->chunk = larger;
		w->slots = slots;
	}
	chunk = w->env->alloc(w->env->arg, RECO_CHUNK_ROWS * sizeof(reco_deed));
	if (chunk == NULL)
		return false;
	w->chunk[w->chunks++] = chunk;
	return true;
}

void
reco_waiting_free(reco_waiting *w)
{
	for (int64_t c = 0; c < w->chunks; c++)
		release(w->env, w->chunk[c]);
	release(w->env, w->chunk);
	reco_waiting_init(w, w->env);
}

static inline int64_t
rows_in(const reco_waiting *w, int64_t c)
{
	return c == w->chunks - 1 ? w->rows - c * RECO_CHUNK_ROWS : RECO_CHUNK_ROWS;
}

bool
reco_waiting_latest(const reco_waiting *w, int64_t last, int64_t *latest)
{
	*latest = INT64_MIN;
	for (int64_t c = 0; c < w->chunks; c++)
	{
		for (int64_t k = 0; k < rows_in(w, c); k++)
		{
			int64_t time = w->chunk[c][k].time;

			if (time <= last && time > *latest)
				*latest = time;
		}
		if (w->env->poll(w->env->arg))
			return false;
	}
	return true;
}

/* Pairs of a user and an item: a table of their keys, half of it empty. */
typedef struct pairs
{
	uint64_t *key; /* 0: empty; NULL: no row takes back */
	uint64_t mask;
} pairs;

/* Never 0: users and items are below 2^31. */
static inline uint64_t
key_of(const reco_deed *row)
{
	return ((uint64_t) row->user << 32 | (uint32_t) row->item) + 1;
}

/* Where a key is, or would be. */
static inline uint64_t
place_of(const pairs *p, uint64_t key)
{
	uint64_t at = (key * UINT64_C(0x9e3779b97f4a7c15)) >> 20 & p->mask;

	while (p->key[at] != 0 && p->key[at] != key)
		at = (at + 1) & p->mask;
	return at;
}

static inline bool
has_pair(const pairs *p, const reco_deed *row)
{
	uint64_t key = key_of(row);

	return p->key && p->key[place_of(p, key)] == key;
}

/* The pairs that have a row that takes back. */
static reco_status
find_pairs(const reco_waiting *w, pairs *out)
{
	uint64_t size = 16;

	*out = (pairs){0};
	if (w->cancelling == 0)
		return RECO_OK;
	while (size < 2 * (uint64_t) w->cancelling)
		size *= 2;
	out->mask = size - 1;
	out->key = zeroed(w->env, size * sizeof(uint64_t));
	if (out->key == NULL)
		return RECO_NO_MEMORY;
	for (int64_t c = 0; c < w->chunks; c++)
	{
		for (int64_t k = 0; k < rows_in(w, c); k++)
		{
			const reco_deed *row = &w->chunk[c][k];

			if (row->cancels)
				out->key[place_of(out, key_of(row))] = key_of(row);
		}
		if (w->env->poll(w->env->arg))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* The rows of pairs, in one array. */
typedef struct gathered
{
	reco_deed *row;
	int64_t n;
} gathered;

static reco_status
alloc_gathered(const reco_waiting *w, const pairs *p, int64_t oldest, gathered *out)
{
	int64_t n = 0;

	if (p->key == NULL)
		return RECO_OK;
	for (int64_t c = 0; c < w->chunks; c++)
	{
		for (int64_t k = 0; k < rows_in(w, c); k++)
			n += w->chunk[c][k].time >= oldest && has_pair(p, &w->chunk[c][k]);
		if (w->env->poll(w->env->arg))
			return RECO_STOPPED;
	}
	out->row = w->env->alloc(w->env->arg, ((size_t) n + 1) * sizeof(reco_deed));
	return out->row ? RECO_OK : RECO_NO_MEMORY;
}

static bool
give(const reco_deed *row, reco_triples *learnt, reco_triples *seen, reco_waited *out)
{
	out->not_learnt += !row->learnt;
	return (!row->learnt ||
			reco_triples_add(learnt, row->user, row->item, row->value, row->time)) &&
		   (seen == NULL || !row->seen ||
			reco_triples_add(seen, row->user, row->item, row->plain, row->time));
}

/* Gives the rows of other pairs, and gathers those of the pairs. */
static reco_status
give_others(reco_waiting *w, const pairs *p, int64_t oldest, reco_triples *learnt,
			reco_triples *seen, gathered *of_pairs, reco_waited *out)
{
	for (int64_t c = 0; c < w->chunks; c++)
	{
		for (int64_t k = 0; k < rows_in(w, c); k++)
		{
			const reco_deed *row = &w->chunk[c][k];

			if (row->time < oldest)
				out->too_old++;
			else if (has_pair(p, row))
				of_pairs->row[of_pairs->n++] = *row;
			else if (!give(row, learnt, seen, out))
				return RECO_NO_MEMORY;
		}
		release(w->env, w->chunk[c]);
		w->chunk[c] = NULL;
		if (w->env->poll(w->env->arg))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Takes back, and gives what is left. */
static reco_status
give_gathered(const reco_waiting *w, gathered *of_pairs, reco_triples *learnt, reco_triples *seen,
			  reco_waited *out)
{
	int64_t done = 0;
	int64_t left = reco_cancel(w->env, of_pairs->row, of_pairs->n, &out->cancelled);

	for (int64_t k = 0; k < left; k++)
	{
		if (!give(&of_pairs->row[k], learnt, seen, out))
			return RECO_NO_MEMORY;
		if (stop_after(w->env, 2, &done))
			return RECO_STOPPED;
	}
	return left < 0 ? RECO_STOPPED : RECO_OK;
}

reco_status
reco_waiting_finish(reco_waiting *w, int64_t oldest, reco_triples *learnt, reco_triples *seen,
					reco_waited *out)
{
	pairs p;
	gathered of_pairs = {0};
	reco_status status = find_pairs(w, &p);

	if (status == RECO_OK)
		status = alloc_gathered(w, &p, oldest, &of_pairs);
	if (status == RECO_OK)
		status = give_others(w, &p, oldest, learnt, seen, &of_pairs, out);
	if (status == RECO_OK && of_pairs.n > 0)
		status = give_gathered(w, &of_pairs, learnt, seen, out);
	release(w->env, of_pairs.row);
	release(w->env, p.key);
	reco_waiting_free(w);
	return status;
}
