/*
 * als_tiled.c
 *	  Passes of long rows over columns that are more than a cache holds.
 *
 * A row of many entries reads factors from all over the columns, and each is waited for where
 * these are in no cache.  So the columns are cut into tiles of TILE_BYTES, and all long rows read
 * their entries of one tile before any reads one of the next: a tile comes from the memory once,
 * and not once for every entry.  What a row keeps from tile to tile is its place and its sums.
 *
 * The passes of conjugate gradients follow from each other.  So als.c has all long rows plan the
 * next one, by what is known of those before, and all that do make it together, until
 * ALS_TILED_PASSES are made; then rows are solved in turn with what is given.  What a row computes
 * between passes is computed again each time: it is nothing beside its entries.
 *
 * The tiles depend on the matrix alone and each row is summed up in the order of its entries, so
 * the sums have the same bits for any number of threads.
 *
 * Cost of a pass: that of its entries, and two rows of ld numbers for each row and tile.
 */
#include "core/als/als_half.h"
#include "core/data/parts.h"

#include <string.h>

/* From so many bytes of columns on there are tiles, and of one. */
#define TILED_FROM (32 * 1024 * 1024)
#define TILE_BYTES (2 * 1024 * 1024)

/* Entries that a row has in a tile, on average, where it is worth it; and at least in all. */
#define TILE_ENTRIES 16
#define LONG_ENTRIES 1024

/* Rows of a tile between two looks. */
#define SHARE_ROWS 16

/* Entries at a time, on the way to the last one in the tile. */
#define SKIP 16

static int64_t
column_bytes(int ld, bool packed)
{
	return ld * (packed ? 2 : 4);
}

/* The entries from which on a row is long. */
static int64_t
long_from(int32_t columns, int ld, bool packed)
{
	int64_t n = columns * column_bytes(ld, packed) / TILE_BYTES * TILE_ENTRIES;

	return n > LONG_ENTRIES ? n : LONG_ENTRIES;
}

/* Bytes for a matrix of so many rows, of which some are long. */
static size_t
room(int32_t rows, size_t longs, int ld)
{
	size_t vectors = longs * (size_t) ld * sizeof(float);

	return reco_room((size_t) rows * sizeof(int32_t)) + reco_room(longs * sizeof(int64_t)) +
		   reco_room(vectors) + reco_room(ALS_TILED_PASSES * vectors) +
		   reco_room(longs * sizeof(als_given));
}

size_t
als_tiled_bytes(int32_t rows, int64_t entries, int32_t columns, int ld, int32_t tile)
{
	size_t longs = (size_t) (entries / long_from(columns, ld, true));

	if (tile > 0)
		return room(rows, (size_t) rows, ld);
	if (columns * column_bytes(ld, false) < TILED_FROM)
		return 0;
	longs = longs < (size_t) rows ? longs : (size_t) rows;
	return room(rows, longs, ld);
}

/* How many rows, the first of the schedule, have tiles. */
static int32_t
count_rows(const als_schedule *sch, const reco_csr *m, const als_basis *b, int32_t tile)
{
	int64_t least = long_from(m->cols, b->ld, b->packed);
	int32_t rows = 0;

	if (tile > 0)
		return sch->unit[sch->units];
	if (m->cols * column_bytes(b->ld, b->packed) < TILED_FROM)
		return 0;
	/* they fall in length by classes: one that is too short may come before one that is not */
	while (rows < sch->longs &&
		   m->start[sch->order[rows] + 1] - m->start[sch->order[rows]] >= least)
		rows++;
	return rows;
}

void
als_tiled_init(const als_schedule *sch, const reco_csr *m, const als_basis *b, int32_t tile,
			   char *slab, als_tiled *t)
{
	int32_t rows = count_rows(sch, m, b, tile);
	size_t n = (size_t) rows;
	char *at = slab;
	float *p;
	float *sum;

	memset(t, 0, sizeof(*t));
	if (rows == 0)
		return;
	t->rows = rows;
	t->columns = tile > 0 ? tile : (int32_t) (TILE_BYTES / column_bytes(b->ld, b->packed)) + 1;
	t->ld = b->ld;
	t->place = reco_take(&at, (size_t) m->rows * sizeof(int32_t));
	t->at = reco_take(&at, n * sizeof(int64_t));
	p = reco_take(&at, n * b->ld * sizeof(float));
	sum = reco_take(&at, ALS_TILED_PASSES * n * b->ld * sizeof(float));
	t->given = reco_take(&at, n * sizeof(als_given));
	memset(t->place, -1, (size_t) m->rows * sizeof(int32_t));
	for (int32_t k = 0; k < rows; k++)
	{
		t->place[sch->order[k]] = k;
		t->given[k] = (als_given){.p = p + (size_t) k * b->ld,
								  .sum = sum + (size_t) k * b->ld,
								  .room = n * b->ld,
								  .planned = true,
								  .kind = RECO_PASS_RESIDUAL};
	}
}

/* A pass that runs. */
typedef struct tiling
{
	const als_system *s;
	const als_basis *b;
	const reco_csr *m;
	const als_schedule *sch;
	als_tiled *t;
	int64_t limit; /* the first column behind the tile */
} tiling;

/*
 * Asks for what the rows behind k read first: of the second its entries, of the first their
 * factors.
 */
static inline void
look_ahead(const tiling *run, int64_t k, int64_t end)
{
	const reco_csr *m = run->m;
	const als_tiled *t = run->t;
	size_t bytes = (size_t) t->ld * (run->b->packed ? 2 : 4);
	const als_given *given = &t->given[k + 1];
	int64_t last;

	if (k + 2 < end)
	{
		__builtin_prefetch(m->col + t->at[k + 2]);
		if (m->value)
			__builtin_prefetch(m->value + t->at[k + 2]);
	}
	if (k + 1 >= end)
		return;
	for (int c = 0; c < t->ld; c += 16)
	{
		__builtin_prefetch(given->p + c);
		__builtin_prefetch(given->sum + given->passes * given->room + c, 1);
	}
	last = m->start[run->sch->order[k + 1] + 1];
	if (last > t->at[k + 1] + ALS_AHEAD)
		last = t->at[k + 1] + ALS_AHEAD;
	for (int64_t j = t->at[k + 1]; j < last && m->col[j] < run->limit; j++)
		for (size_t line = 0; line < bytes && line < 256; line += 64)
			__builtin_prefetch((const char *) run->b->z + m->col[j] * bytes + line);
}

/* Any thread: what some rows have in the tile. */
static void
pass_tile(void *arg, int64_t from, int64_t end)
{
	const tiling *run = arg;
	const reco_csr *m = run->m;
	als_tiled *t = run->t;

	for (int64_t k = from; k < end; k++)
	{
		als_given *given = &t->given[k];
		int64_t first = t->at[k];
		int64_t last = first;
		int64_t n = m->start[run->sch->order[k] + 1];
		reco_als_sums sums = {0};
		reco_als_row piece;

		if (!given->planned)
			continue;
		look_ahead(run, k, end);
		while (last + SKIP < n && m->col[last + SKIP] < run->limit)
			last += SKIP;
		while (last < n && m->col[last] < run->limit)
			last++;
		t->at[k] = last;
		piece =
			(reco_als_row){last - first, m->col + first, m->value ? m->value + first : NULL, NULL};
		if (last > first)
			run->s->k->als_pass(given->kind, run->b->z, t->ld, run->b->packed, &run->s->weights,
								&piece, given->p, given->sum + given->passes * given->room,
								given->passes == 0 ? &given->sums : &sums);
		given->curvature[given->passes] += sums.curvature;
	}
}

reco_status
als_tiled_pass(const reco_env *env, const als_system *s, const als_basis *b, const reco_csr *m,
			   als_tiled *t, const als_schedule *sch)
{
	tiling run = {s, b, m, sch, t, 0};
	reco_status status = RECO_OK;

	for (int32_t k = 0; k < t->rows; k++)
		t->at[k] = m->start[sch->order[k]];
	for (int64_t tile = 0; tile < m->cols && status == RECO_OK; tile += t->columns)
	{
		/* whatever the order of the columns, the last tile takes what is left */
		run.limit = tile + t->columns < m->cols ? tile + t->columns : INT64_MAX;
		status = reco_share(env, t->rows, SHARE_ROWS, pass_tile, &run);
	}
	for (int32_t k = 0; k < t->rows; k++)
	{
		t->given[k].passes += t->given[k].planned;
		t->given[k].planned = false;
	}
	return status;
}
