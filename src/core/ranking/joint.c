/*
 * joint.c
 *	  The n best items by a weighted sum of several inner products of factors, and of what few items
 *	  have besides, without scoring them all.
 *
 * The bound of pruned.c is one of P.Q, of vectors in float4: P of a user's vectors times their
 * weights over the parts' scales, Q of an item's times these.  A score is made in another way, of
 * the parts' own inner products, so it may be above P.Q + extra + base by roundings: in units of
 * u = 2^-24, those of the parts' products, as many as a product of d numbers has, which pruned.c
 * counts in; 3 |P| |Q| for the numbers of P and Q, that are rounded once or twice each; two for
 * each bias, base and mean that is added in float4, and one for the score, of `size` + |P| |Q|.  So
 * the base grows by 32 u (|P| |Q| + size), for the largest |Q|.
 *
 * Invariants:
 *	  - an index that was damaged in a file gives wrong lists, and no access outside of it;
 *	  - the scratch is zeros but for what reco_joint_add put there.
 *
 * Cost: that of pruned.c, a look at each block, and for each item that has something besides, two
 * reads and two writes.
 */
#include "core/ranking/joint.h"

#include "core/base/slab.h"
#include "core/data/sorting.h"

#include <math.h>

#define MAGIC UINT64_C(0x31544e494f4a4552) /* changes with the layout */

/* Below it numbers might leave the normal ones on the way. */
#define LEAST 0x1p-90f

static int
numbers_of(const reco_joint_part *part, int parts)
{
	int64_t d = 0;

	for (int k = 0; k < parts; k++)
		d += part[k].d + (part[k].bias ? 1 : 0);
	return d <= RECO_PRUNED_MAX_D ? (int) d : 0;
}

static bool
in_range(int32_t items, int d)
{
	return items > 0 && d >= 1 && d <= RECO_PRUNED_MAX_D;
}

static reco_joint
layout(int32_t items, int d)
{
	reco_joint h = {.magic = MAGIC, .items = items, .d = d, .blocks = reco_pruned_blocks(items)};

	(void) reco_place(&h.bytes, sizeof(h));
	h.place_at = reco_place(&h.bytes, (uint64_t) items * sizeof(int32_t));
	h.index_at = reco_place(&h.bytes, reco_pruned_size(items, d));
	h.check = 0;
	h.check = reco_checksum(&h, sizeof(h));
	return h;
}

size_t
reco_joint_size(int32_t items, const reco_joint_part *part, int parts)
{
	int d = numbers_of(part, parts);

	return in_range(items, d) ? (size_t) layout(items, d).bytes : 0;
}

static int32_t *
places_of(const reco_joint *index)
{
	return (int32_t *) ((char *) (uintptr_t) index + index->place_at);
}

static void *
pruned_of(const reco_joint *index)
{
	return (char *) (uintptr_t) index + index->index_at;
}

bool
reco_joint_valid(const void *index, size_t bytes, int32_t items)
{
	reco_joint is;
	reco_joint wanted;

	if (bytes < sizeof(is))
		return false;
	memcpy(&is, index, sizeof(is));
	if (!in_range(items, is.d))
		return false;
	wanted = layout(items, is.d);
	return bytes >= wanted.bytes && memcmp(&is, &wanted, sizeof(wanted)) == 0 &&
		   reco_pruned_valid((const char *) index + wanted.index_at, wanted.bytes - wanted.index_at,
							 items, is.d);
}

typedef struct sources
{
	const reco_joint_part *part;
	int parts;
} sources;

static const float *
row_of(const void *arg, int32_t item, float *room)
{
	const sources *from = arg;
	int at = 0;

	for (int k = 0; k < from->parts; k++)
	{
		const reco_joint_part *p = &from->part[k];
		const float *row = p->item + (size_t) item * (size_t) p->stride;

		for (int j = 0; j < p->d; j++)
			room[at++] = (float) (row[j] * p->scale);
		if (p->bias)
			room[at++] = (float) (p->bias[item] * p->scale);
	}
	return room;
}

reco_status
reco_joint_build(const reco_env *env, int32_t items, const reco_joint_part *part, int parts,
				 void *memory)
{
	sources from = {part, parts};
	reco_joint *index = memory;
	int d = numbers_of(part, parts);
	const int32_t *item;
	int32_t *place;
	int64_t done = 0;
	reco_status status;

	if (!in_range(items, d))
		return RECO_INVALID;
	*index = layout(items, d);
	/* the rest of its cache line */
	memset(index + 1, 0, index->place_at - sizeof(*index));
	status = reco_pruned_build_rows(env, row_of, &from, items, d, NULL, pruned_of(index));
	if (status != RECO_OK)
		return status;
	item = reco_pruned_items(pruned_of(index));
	place = places_of(index);
	memset(place, 0, index->index_at - index->place_at);
	/* where numbers are too large there are no positions, and the index is of no use */
	for (int32_t at = 0; at < items; at++)
	{
		if (item[at] >= 0 && item[at] < items)
			place[item[at]] = at;
		if (stop_after(env, 4, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* The scratch. */
typedef struct extras
{
	int32_t *placed; /* how many positions have something, and which */
	float *extra;    /* by position */
	float *high;     /* by block: the largest in it */
	float *later;    /* by block: the largest in it and after it */
	float *p;
} extras;

static size_t
lay_out(int32_t items, int d, char *memory, extras *out)
{
	size_t blocks = (size_t) reco_pruned_blocks(items);
	char *at = memory;
	extras e;

	e.placed = reco_take((void *) &at, ((size_t) items + 1) * sizeof(int32_t));
	e.extra = reco_take((void *) &at, blocks * RECO_CODE_BLOCK * sizeof(float));
	e.high = reco_take((void *) &at, blocks * sizeof(float));
	e.later = reco_take((void *) &at, blocks * sizeof(float));
	e.p = reco_take((void *) &at, (size_t) d * sizeof(float));
	if (out)
		*out = e;
	return (size_t) (at - memory);
}

size_t
reco_joint_scratch(int32_t items, int d)
{
	return lay_out(items, d, NULL, NULL);
}

void
reco_joint_add(const reco_joint *index, void *scratch, const int32_t *item, const float *extra,
			   int32_t n)
{
	const int32_t *places = places_of(index);
	extras e;
	int32_t placed;

	(void) lay_out(index->items, index->d, scratch, &e);
	placed = e.placed[0];
	for (int32_t k = 0; k < n && placed < index->items; k++)
	{
		int32_t place = places[item[k]];
		float *high;

		/* only a damaged index says so */
		if ((uint32_t) place >= (uint32_t) index->items)
			continue;
		high = &e.high[place / RECO_CODE_BLOCK];
		e.placed[++placed] = place;
		e.extra[place] = extra[k];
		*high = extra[k] > *high ? extra[k] : *high;
	}
	e.placed[0] = placed;
}

void
reco_joint_clear(const reco_joint *index, void *scratch)
{
	extras e;

	(void) lay_out(index->items, index->d, scratch, &e);
	for (int32_t k = 1; k <= e.placed[0]; k++)
		e.extra[e.placed[k]] = 0;
	memset(e.placed, 0, ((size_t) e.placed[0] + 1) * sizeof(int32_t));
	memset(e.high, 0, (size_t) index->blocks * sizeof(float));
	memset(e.later, 0, (size_t) index->blocks * sizeof(float));
	memset(e.p, 0, (size_t) index->d * sizeof(float));
}

/* The user's vectors, each times its weight, behind one another. */
static void
make_p(const reco_joint_query *q, float *p)
{
	int at = 0;

	for (int k = 0; k < q->parts; k++)
	{
		const reco_joint_part *part = &q->part[k];
		double times = q->factors[k] ? q->times[k] / part->scale : 0;

		for (int j = 0; j < part->d; j++)
			p[at++] = times > 0 ? (float) (q->factors[k][j] * times) : 0;
		if (part->bias)
			p[at++] = (float) times;
	}
}

int32_t
reco_joint_top(const reco_env *env, const reco_joint *index, void *scratch,
			   const reco_joint_query *q, const uint64_t *skip, int32_t n, reco_ranked *out)
{
	const reco_pruned *h = pruned_of(index);
	reco_pruned_query query = {.score = q->score, .arg = q->arg};
	double norm = 0;
	extras e;

	if (numbers_of(q->part, q->parts) != index->d || !(h->largest >= LEAST))
		return RECO_PRUNED_NONE;
	(void) lay_out(index->items, index->d, scratch, &e);
	make_p(q, e.p);
	for (int j = 0; j < index->d; j++)
		norm += (double) e.p[j] * e.p[j];
	norm = sqrt(norm);
	for (int32_t b = index->blocks - 1; b >= 0; b--)
	{
		query.most = e.high[b] > query.most ? e.high[b] : query.most;
		e.later[b] = query.most;
	}
	query.p = e.p;
	query.base = (float) (q->base + 0x1p-19 * (norm * h->largest + q->size + query.most));
	query.extra = e.extra;
	query.high = e.high;
	query.later = e.later;
	return reco_pruned_search(env, h, &query, skip, n, out);
}
