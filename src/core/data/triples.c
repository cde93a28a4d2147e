/*
 * triples.c
 *	  Interactions in the order in which they arrive, in chunks of a fixed size.
 *
 * Memory: 8 bytes a row, 4 for its value and 8 for its time where the source has them.
 */
#include "core/data/triples.h"

#include "core/data/sorting.h"

#include <string.h>

static size_t
chunk_bytes(bool has_value, bool has_time)
{
	return sizeof(reco_chunk) + (has_value ? sizeof(float) * RECO_CHUNK_ROWS : 0) +
		   (has_time ? sizeof(int64_t) * RECO_CHUNK_ROWS : 0);
}

void
reco_triples_init(reco_triples *t, const reco_env *env, bool has_value, bool has_time)
{
	memset(t, 0, sizeof(*t));
	t->env = env;
	t->has_value = has_value;
	t->has_time = has_time;
	t->used = RECO_CHUNK_ROWS;
}

/*
 * Adds an empty chunk.
 */
bool
reco_triples_grow(reco_triples *t)
{
	reco_chunk *chunk;

	if (t->chunks == t->chunk_slots)
	{
		int64_t slots = t->chunk_slots == 0 ? 64 : t->chunk_slots * 2;
		reco_chunk **larger = t->env->alloc(t->env->arg, slots * sizeof(reco_chunk *));

		if (larger == NULL)
			return false;
		if (t->chunk != NULL)
		{
			memcpy(larger, t->chunk, t->chunks * sizeof(reco_chunk *));
			t->env->release(t->env->arg, t->chunk);
		}
		t->chunk = larger;
		t->chunk_slots = slots;
	}
	chunk = t->env->alloc(t->env->arg, chunk_bytes(t->has_value, t->has_time));
	if (chunk == NULL)
		return false;
	t->chunk[t->chunks++] = chunk;
	t->used = 0;
	return true;
}

void
reco_triples_free(reco_triples *t)
{
	for (int64_t c = 0; c < t->chunks; c++)
		if (t->chunk[c] != NULL)
			t->env->release(t->env->arg, t->chunk[c]);
	if (t->chunk != NULL)
		t->env->release(t->env->arg, t->chunk);
	t->chunk = NULL;
	t->chunks = t->chunk_slots = 0;
	t->used = RECO_CHUNK_ROWS;
}

void
reco_repeats_free(const reco_env *env, reco_repeats *repeats)
{
	release(env, repeats->start);
	release(env, repeats->row);
	release(env, repeats->time);
	memset(repeats, 0, sizeof(*repeats));
}

void
reco_interactions_free(const reco_env *env, reco_interactions *x)
{
	reco_csr_free(env, &x->by_user);
	release(env, x->latest);
	release(env, x->time);
	reco_repeats_free(env, &x->repeats);
	if (x->seen != NULL)
		reco_interactions_free(env, x->seen);
	release(env, x->seen);
	x->latest = NULL;
	x->time = NULL;
	x->seen = NULL;
}

/*
 * The most that reco_triples_build holds at one time beside the triples
 * themselves, in bytes.
 */
size_t
reco_triples_build_memory(const reco_triples *t, int32_t users, int32_t items)
{
	size_t rows = (size_t) reco_triples_rows(t);
	size_t sorting = sizeof(reco_entry) + (t->has_time ? sizeof(int64_t) : 0);
	size_t result = sizeof(int32_t) + 2 * sizeof(float); /* sums and latest values */
	size_t by_item = sizeof(float) + 1 + (t->has_time && t->keep_time ? sizeof(int64_t) : 0);
	size_t kept = (size_t) reco_row_kept(&t->rules, (int64_t) rows);

	/* times of repeats, and an array of what is kept in the place of one for all rows */
	if (t->keep_repeats)
		result += sizeof(reco_entry) + (t->has_time ? sizeof(int64_t) : 0);
	/* four counts of an item's users, before the result is made */
	if (t->trend != NULL)
		by_item += 4 * sizeof(int32_t);
	/* the triples are gone by the time the result is made */
	return rows * (sorting + result) +
		   ((size_t) users + 2) * (t->keep_repeats ? 3 : 2) * sizeof(int64_t) +
		   ((size_t) items + 1) * by_item + kept * sizeof(reco_kept);
}
