/*
 * triples.c
 *	  Interactions in the order in which they arrive, in chunks of a fixed size.
 *
 * Values of the last chunk are kept as they are; a full chunk has their numbers, as long as a
 * source has no more than RECO_CODES that differ, as ratings, quantities and weights of kinds do.
 *
 * Memory: 8 bytes a row, 1 (4) for its value and 8 for its time where the source has them.
 */
#include "core/data/triples.h"

#include "core/data/sorting.h"

#include <string.h>

/* The number of a value; -1: it has none. */
static inline int
code_of(reco_codes *codes, float value)
{
	uint32_t bits;
	uint32_t at;

	memcpy(&bits, &value, sizeof(bits));
	at = (bits * UINT32_C(0x9E3779B1)) >> 22;
	for (int code; (code = codes->slot[at]) >= 0; at = (at + 1) % (4 * RECO_CODES))
		if (memcmp(&codes->value[code], &bits, sizeof(bits)) == 0)
			return code;
	if (codes->n == RECO_CODES)
		return -1;
	codes->value[codes->n] = value;
	codes->slot[at] = (int16_t) codes->n;
	return codes->n++;
}

static bool
encode(reco_codes *codes, const float *value, uint8_t *out)
{
	for (int k = 0; k < RECO_CHUNK_ROWS; k++)
	{
		int code = code_of(codes, value[k]);

		if (code < 0)
			return false;
		out[k] = (uint8_t) code;
	}
	return true;
}

/* The values of the last chunk, which is full, in memory of its own. */
static bool
keep_values(reco_triples *t)
{
	const reco_env *env = t->env;
	reco_chunk *chunk = t->chunk[t->chunks - 1];

	chunk->value = NULL;
	chunk->code = env->alloc(env->arg, RECO_CHUNK_ROWS);
	if (chunk->code == NULL)
		return false;
	if (encode(t->codes, t->value, chunk->code))
		return true;
	release(env, chunk->code);
	chunk->code = NULL;
	chunk->value = env->alloc(env->arg, sizeof(float) * RECO_CHUNK_ROWS);
	if (chunk->value == NULL)
		return false;
	memcpy(chunk->value, t->value, sizeof(float) * RECO_CHUNK_ROWS);
	return true;
}

/* Room for the values of the next chunk. */
static bool
ready_values(reco_triples *t)
{
	const reco_env *env = t->env;

	if (!t->has_value)
		return true;
	if (t->chunks > 0)
		return keep_values(t);
	if (t->value == NULL)
		t->value = env->alloc(env->arg, sizeof(float) * RECO_CHUNK_ROWS);
	if (t->codes == NULL)
		t->codes = env->alloc(env->arg, sizeof(reco_codes));
	if (t->value == NULL || t->codes == NULL)
		return false;
	t->codes->n = 0;
	memset(t->codes->slot, -1, sizeof(t->codes->slot));
	return true;
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
	if (!ready_values(t))
		return false;
	chunk = t->env->alloc(t->env->arg, sizeof(reco_chunk) +
										   (t->has_time ? sizeof(int64_t) * RECO_CHUNK_ROWS : 0));
	if (chunk == NULL)
		return false;
	chunk->value = t->value;
	chunk->code = NULL;
	t->chunk[t->chunks++] = chunk;
	t->used = 0;
	return true;
}

void
reco_triples_release(reco_triples *t, int64_t c)
{
	reco_chunk *chunk = t->chunk[c];

	if (chunk == NULL)
		return;
	if (chunk->value != t->value)
		release(t->env, chunk->value);
	release(t->env, chunk->code);
	release(t->env, chunk);
	t->chunk[c] = NULL;
}

void
reco_triples_free(reco_triples *t)
{
	for (int64_t c = 0; c < t->chunks; c++)
		reco_triples_release(t, c);
	release(t->env, t->chunk);
	release(t->env, t->value);
	release(t->env, t->codes);
	t->chunk = NULL;
	t->value = NULL;
	t->codes = NULL;
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
