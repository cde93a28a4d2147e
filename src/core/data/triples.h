/*
 * triples.h
 *	  Interactions as they arrive, and the matrix that is made of them.
 */
#ifndef RECO_CORE_DATA_TRIPLES_H
#define RECO_CORE_DATA_TRIPLES_H

#include "core/data/csr.h"
#include "core/data/row.h"

/*
 * Interactions in the order in which they arrive.  user and item are
 * provisional numbers, given out in order of arrival; they get their final
 * order in reco_triples_build.
 */
#define RECO_CHUNK_ROWS 65536

/* The first values that differ, by number. */
#define RECO_CODES 256

typedef struct reco_codes
{
	int n;
	float value[RECO_CODES];
	int16_t slot[4 * RECO_CODES]; /* of a hash table of the numbers; -1: empty */
} reco_codes;

typedef struct reco_chunk
{
	float *value;  /* NULL: the numbers of the values, or there are none */
	uint8_t *code; /* of a full chunk whose values have numbers */
	int32_t user[RECO_CHUNK_ROWS];
	int32_t item[RECO_CHUNK_ROWS];
	/* then int64_t time[] where the source has them */
} reco_chunk;

struct reco_trend;

typedef struct reco_triples
{
	const reco_env *env;
	bool has_value;
	bool has_time;
	bool keep_time;           /* where there are times, the matrix has them */
	bool keep_repeats;        /* the matrix has the rows of pairs that repeat */
	reco_row_rules rules;     /* of a user; none until they are set */
	struct reco_trend *trend; /* is counted while the matrix is built (trend.h); or NULL */
	float *value;             /* those of the last chunk; NULL: there are none, or no chunk */
	reco_codes *codes;        /* of the full ones */
	int used;                 /* rows in the last chunk */
	int64_t chunks;
	int64_t chunk_slots;
	reco_chunk **chunk;
} reco_triples;

/*
 * The rows of those pairs that have more than one, of user u from start[u] to start[u + 1] - 1,
 * sorted by item, time and value.
 */
typedef struct reco_repeats
{
	int64_t *start; /* users + 1; NULL: no pair repeats, or they are not kept */
	reco_entry *row;
	int64_t *time; /* NULL: there are none */
} reco_repeats;

/*
 * The matrix of a source: what every algorithm trains on.  A repeated pair
 * keeps both its sum and its latest value (the mean of the values that share
 * the latest time; without times the mean of all).
 */
typedef struct reco_interactions
{
	reco_csr by_user; /* value: the sum over repeats */
	float *latest;    /* like by_user.value; NULL: no pair repeats */
	int64_t *time;    /* the latest of each pair; NULL: there are none, or they are not kept */
	reco_repeats repeats;
	/* so much later, in units of times, begins another session of the user; 0: nothing does */
	int64_t session_gap;
	int64_t basket; /* so many units of time are one basket; 0: each time is (ordered.h) */
	int64_t unit;   /* of times, in microseconds; 0: they are numbers, or there are none */
	/*
	 * What counts as seen where that is not what is learnt from: the same users and items, the sums
	 * of what its rows were worth by themselves; NULL: it is the same.
	 */
	struct reco_interactions *seen;
	int64_t merged; /* rows that went into another row's entry */
	int64_t capped; /* pairs that rules.max left out */
	int32_t capped_users;
} reco_interactions;

extern void reco_triples_init(reco_triples *t, const reco_env *env, bool has_value, bool has_time);
extern bool reco_triples_grow(reco_triples *t);
extern void reco_triples_free(reco_triples *t);
/* Of the one chunk. */
extern void reco_triples_release(reco_triples *t, int64_t c);
extern size_t reco_triples_build_memory(const reco_triples *t, int32_t users, int32_t items);

/* The value of a chunk's row; 1 where the source has none. */
static inline float
reco_chunk_value(const reco_triples *t, const reco_chunk *chunk, int row)
{
	if (chunk->code)
		return t->codes->value[chunk->code[row]];
	return chunk->value ? chunk->value[row] : 1;
}

static inline int64_t *
reco_chunk_time(const reco_triples *t, reco_chunk *chunk)
{
	return t->has_time ? (int64_t *) (chunk + 1) : NULL;
}

/*
 * Appends a row; false when memory is exhausted.
 */
static inline bool
reco_triples_add(reco_triples *t, int32_t user, int32_t item, float value, int64_t time)
{
	reco_chunk *chunk;

	if (t->used == RECO_CHUNK_ROWS && !reco_triples_grow(t))
		return false;
	chunk = t->chunk[t->chunks - 1];
	chunk->user[t->used] = user;
	chunk->item[t->used] = item;
	if (t->has_value)
		t->value[t->used] = value;
	if (t->has_time)
		reco_chunk_time(t, chunk)[t->used] = time;
	t->used++;
	return true;
}

static inline int64_t
reco_triples_rows(const reco_triples *t)
{
	return t->chunks == 0 ? 0 : (t->chunks - 1) * RECO_CHUNK_ROWS + t->used;
}

/*
 * Sorts and merges the rows into a matrix and frees the triples, also on
 * failure.  user_rank[provisional] is the final number of a user, a permutation
 * of 0 .. users - 1; item_rank likewise.  The result does not depend on the
 * order of the rows.  out's arrays belong to the caller; out->by_user.value is
 * NULL when no pair repeats and every value is 1.
 * Cost: three passes over the rows.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_triples_build(reco_triples *t, int32_t users, int32_t items,
									  const int32_t *user_rank, const int32_t *item_rank,
									  reco_interactions *out);

/*
 * Drops users with fewer than min_user entries and items with fewer than
 * min_item, again and again until all who are left have as many of each other, and whoever has
 * no entry left; with min_item 0 all items stay.  What is seen goes with its user or item.
 * user_map[r] becomes the new number of user r, or -1; item_map likewise (both given by the caller,
 * by_user.rows and by_user.cols long).  In place.
 */
extern reco_status reco_interactions_filter(const reco_env *env, reco_interactions *x,
											int32_t min_user, int32_t min_item, int32_t *user_map,
											int32_t *item_map);

/* Releases the arrays of a matrix. */
extern void reco_repeats_free(const reco_env *env, reco_repeats *repeats);
extern void reco_interactions_free(const reco_env *env, reco_interactions *x);

#endif /* RECO_CORE_DATA_TRIPLES_H */
