/*
 * tiers_build.c
 *	  The index of rows for tiers.c: its layout and how it is made.
 *
 * First the rows are turned round, which gives the rows that each item is in; then, tier by tier,
 * their entries are counted and laid out, in the order of ranks.
 *
 * Invariants:
 *	  - the same rows give the same bytes;
 *	  - the header is written before the index is complete: only RECO_OK makes it one.
 *
 * Cost: three passes over the entries, two of them in the order of ranks, and a sort of the items.
 */
#include "core/ranking/tiers.h"

#include "core/base/slab.h"
#include "core/data/sorting.h"
#include "core/ranking/tiers_parts.h"

#include <math.h>

#define MAGIC UINT64_C(0x3152454954524f43) /* changes with the layout */

/* Where arrays of those lengths are; the check is not set. */
static void
lay_out(reco_tiers *h)
{
	uint64_t items = (uint64_t) h->items;

	h->magic = MAGIC;
	h->bytes = 0;
	reco_place(&h->bytes, sizeof(*h));
	h->item_at = reco_place(&h->bytes, items * sizeof(int32_t));
	h->bound_at = reco_place(&h->bytes, items * sizeof(float));
	h->part_at =
		reco_place(&h->bytes, (items * (uint64_t) tiers_of(h->items) + 1) * sizeof(uint32_t));
	h->word_at = reco_place(&h->bytes, (uint64_t) h->words * sizeof(uint32_t));
	h->dense_at = reco_place(&h->bytes, (uint64_t) h->lines * RECO_ALIGN);
	h->own_at = reco_place(&h->bytes, (items + 1) * sizeof(int64_t));
	h->row_at = reco_place(&h->bytes, h->entries * sizeof(int32_t));
	h->weight_at = reco_place(&h->bytes, h->entries * sizeof(float));
}

/* Of the header without its check. */
static uint64_t
checksum(reco_tiers h)
{
	h.check = 0;
	return reco_checksum(&h, sizeof(h));
}

static bool
in_range(int32_t items, uint64_t entries)
{
	return items > 0 && items <= RECO_TIERS_MOST_ITEMS && entries <= RECO_TIERS_MOST_ENTRIES;
}

bool
reco_tiers_valid(const void *index, size_t bytes, int32_t items)
{
	reco_tiers h;
	reco_tiers wanted;

	if (bytes < sizeof(h))
		return false;
	memcpy(&h, index, sizeof(h));
	wanted = h;
	wanted.items = items;
	if (!in_range(items, h.entries))
		return false;
	lay_out(&wanted);
	wanted.check = checksum(wanted);
	return bytes >= wanted.bytes && memcmp(&h, &wanted, sizeof(h)) == 0;
}

/* What is known before there is an index, by item's number. */
typedef struct making
{
	const reco_env *env;
	const reco_csr *rows;
	reco_tiers h;
	float *bound;
	reco_ranked *order;
	int64_t *own; /* items + 1 */
	/* by tier and row, and one more: entries, then parts */
	uint32_t *part;
	int32_t *row; /* entries: of each item */
	float *weight;
} making;

/* Sums of each item's weights, and how many there are. */
static reco_status
measure(making *m, double *positive, double *absolute)
{
	const reco_csr *rows = m->rows;
	int64_t done = 0;

	for (int32_t j = 0; j < rows->rows; j++)
	{
		for (int64_t e = rows->start[j]; e < rows->start[j + 1]; e++)
		{
			double w = (double) rows->value[e];
			int32_t i = rows->col[e];

			m->own[i + 1]++;
			absolute[i] += fabs(w);
			positive[i] += w > 0 ? w : 0;
		}
		if (stop_after(m->env, 4 * (rows->start[j + 1] - rows->start[j]) + 1, &done))
			return RECO_STOPPED;
	}
	for (int32_t i = 0; i < m->h.items; i++)
	{
		float bound = nextafterf((float) (positive[i] * (1 + 1e-10)), INFINITY);
		float largest = nextafterf((float) (absolute[i] * (1 + 1e-10)), INFINITY);

		/* a NaN counts as infinite */
		if (!(largest <= (float) TIERS_LIMIT))
			m->h.largest = INFINITY;
		m->bound[i] = bound;
		m->h.largest = largest > m->h.largest ? largest : m->h.largest;
		m->h.longest = m->own[i + 1] > m->h.longest ? (int32_t) m->own[i + 1] : m->h.longest;
		if (stop_after(m->env, 8, &done))
			return RECO_STOPPED;
	}
	counts_to_places(m->own, m->h.items);
	return RECO_OK;
}

/* The rows that each item is in, rising. */
static reco_status
turn(making *m)
{
	const reco_csr *rows = m->rows;
	int64_t done = 0;

	for (int32_t j = 0; j < rows->rows; j++)
	{
		for (int64_t e = rows->start[j]; e < rows->start[j + 1]; e++)
		{
			int64_t to = m->own[rows->col[e]]++;

			m->row[to] = j;
			m->weight[to] = rows->value[e];
		}
		if (stop_after(m->env, 8 * (rows->start[j + 1] - rows->start[j]) + 1, &done))
			return RECO_STOPPED;
	}
	ends_to_starts(m->own, m->h.items);
	return RECO_OK;
}

/* The parts of one tier, whose counts are in part: from words and lines on. */
static void
place_parts(making *m, uint32_t *part, int32_t places)
{
	for (int32_t j = 0; j < m->h.items; j++)
	{
		uint32_t n = part[j];

		if ((int64_t) n * DENSE_SHARE >= places)
		{
			part[j] = m->h.lines | DENSE;
			m->h.lines += (uint32_t) lines_of(places);
		}
		else
		{
			/* one without entries is at the end of the one before */
			part[j] = m->h.words - (n == 0);
			m->h.words += n > 0 ? n + 1 : 0;
		}
	}
}

/* Counts and places all parts. */
static reco_status
count(making *m)
{
	int32_t tier = 0;
	int64_t done = 0;

	m->h.words = 1;
	for (int32_t first = 0, end; first < m->h.items; first = end, tier++)
	{
		uint32_t *part = m->part + (size_t) tier * (size_t) m->h.items;

		end = tier_end(first, m->h.items);
		for (int32_t rank = first; rank < end; rank++)
		{
			int32_t i = m->order[rank].item;

			for (int64_t e = m->own[i]; e < m->own[i + 1]; e++)
				part[m->row[e]]++;
			if (stop_after(m->env, 2 * (m->own[i + 1] - m->own[i]) + 1, &done))
				return RECO_STOPPED;
		}
		place_parts(m, part, end - first);
		if (stop_after(m->env, 2 * m->h.items, &done))
			return RECO_STOPPED;
	}
	m->part[(size_t) tier * (size_t) m->h.items] = m->h.words;
	return RECO_OK;
}

/* The nearest bits to a weight's that end with a place. */
static uint32_t
word_of(float weight, int32_t at)
{
	uint32_t sign;
	uint32_t bits;
	int32_t nearest;

	memcpy(&bits, &weight, sizeof(bits));
	sign = bits & UINT32_C(0x80000000);
	bits ^= sign;
	nearest = (int32_t) ((bits & ~(uint32_t) (PLACES - 1)) | (uint32_t) at);
	if (nearest - (int32_t) bits > PLACES / 2 && nearest >= PLACES)
		nearest -= PLACES;
	else if ((int32_t) bits - nearest > PLACES / 2)
		nearest += PLACES;
	return sign | (uint32_t) nearest;
}

/* Writes one tier's entries; next: by row, where its next entry goes. */
static reco_status
fill_tier(making *m, const tier_parts *to, const uint32_t *part, int32_t first, int32_t end,
		  uint32_t *next)
{
	int64_t done = 0;

	memcpy(next, part, (size_t) m->h.items * sizeof(uint32_t));
	for (int32_t rank = first; rank < end; rank++)
	{
		int32_t i = m->order[rank].item;

		to->item[rank] = i;
		to->bound[rank] = m->bound[i];
		for (int64_t e = m->own[i]; e < m->own[i + 1]; e++)
		{
			uint32_t *at = &next[m->row[e]];

			if (*at & DENSE)
				to->dense[(size_t) (*at & ~DENSE) * LINE + (size_t) (rank - first)] = m->weight[e];
			else
				to->word[(*at)++] = word_of(m->weight[e], rank - first);
		}
		if (stop_after(m->env, 4 * (m->own[i + 1] - m->own[i]) + 1, &done))
			return RECO_STOPPED;
	}
	for (int32_t j = 0; j < m->h.items; j++)
		if (next[j] != part[j])
			to->word[next[j]] = NO_PLACE;
	return RECO_OK;
}

/* The whole index, in memory that is as long as it is. */
static reco_status
fill(making *m, reco_tiers *index, uint32_t *next)
{
	tier_parts to;
	int32_t tier = 0;
	reco_status status = RECO_OK;

	m->h.check = checksum(m->h);
	memset(index, 0, m->h.own_at);
	memcpy(index, &m->h, sizeof(m->h));
	to = tier_parts_of(index);
	memcpy(to.own, m->own, ((size_t) m->h.items + 1) * sizeof(int64_t));
	memcpy(to.part, m->part,
		   ((size_t) m->h.items * (size_t) tiers_of(m->h.items) + 1) * sizeof(uint32_t));
	to.word[0] = NO_PLACE;
	for (int32_t first = 0, end; first < m->h.items && status == RECO_OK; first = end, tier++)
	{
		end = tier_end(first, m->h.items);
		status = fill_tier(m, &to, m->part + (size_t) tier * (size_t) m->h.items, first, end, next);
	}
	if (status == RECO_OK && m->env->poll(m->env->arg))
		status = RECO_STOPPED;
	if (status == RECO_OK)
		memcpy(to.row, m->row, (size_t) m->h.entries * sizeof(int32_t));
	if (status == RECO_OK && m->env->poll(m->env->arg))
		status = RECO_STOPPED;
	if (status == RECO_OK)
		memcpy(to.weight, m->weight, (size_t) m->h.entries * sizeof(float));
	return status;
}

/* Measures, turns, sorts and counts: then it is known how long the index is. */
static reco_status
make(making *m)
{
	size_t items = (size_t) m->h.items;
	double *sum = zeroed(m->env, 2 * items * sizeof(double));
	reco_status status = sum ? measure(m, sum, sum + items) : RECO_NO_MEMORY;

	release(m->env, sum);
	if (status == RECO_OK && isfinite(m->h.largest))
	{
		status = turn(m);
		if (status == RECO_OK &&
			reco_top_n(m->env, m->bound, m->h.items, NULL, m->h.items, m->order) < 0)
			status = RECO_STOPPED;
		if (status == RECO_OK)
			status = count(m);
	}
	return status;
}

static bool
making_alloc(making *m)
{
	const reco_env *env = m->env;
	size_t items = (size_t) m->h.items;
	size_t entries = (size_t) m->h.entries + 1;

	m->bound = env->alloc(env->arg, items * sizeof(float));
	m->order = env->alloc(env->arg, items * sizeof(reco_ranked));
	m->own = zeroed(env, (items + 1) * sizeof(int64_t));
	m->part = zeroed(env, (items * (size_t) tiers_of(m->h.items) + 1) * sizeof(uint32_t));
	m->row = env->alloc(env->arg, entries * sizeof(int32_t));
	m->weight = env->alloc(env->arg, entries * sizeof(float));
	return m->bound && m->order && m->own && m->part && m->row && m->weight;
}

static void
making_free(making *m)
{
	release(m->env, m->bound);
	release(m->env, m->order);
	release(m->env, m->own);
	release(m->env, m->part);
	release(m->env, m->row);
	release(m->env, m->weight);
}

reco_status
reco_tiers_build(const reco_env *env, const reco_csr *rows, reco_tiers **index)
{
	making m = {.env = env, .rows = rows};
	uint32_t *next = NULL;
	reco_status status;

	*index = NULL;
	m.h.items = rows->rows;
	m.h.entries = (uint64_t) rows->start[rows->rows];
	if (!in_range(m.h.items, m.h.entries) || rows->cols != rows->rows)
		return RECO_OK;
	status = making_alloc(&m) ? make(&m) : RECO_NO_MEMORY;
	if (status == RECO_OK && isfinite(m.h.largest))
	{
		lay_out(&m.h);
		next = env->alloc(env->arg, (size_t) m.h.items * sizeof(uint32_t));
		*index = env->alloc(env->arg, (size_t) m.h.bytes);
		status = next && *index ? fill(&m, *index, next) : RECO_NO_MEMORY;
		release(env, next);
	}
	if (status != RECO_OK)
	{
		release(env, *index);
		*index = NULL;
	}
	making_free(&m);
	return status;
}
