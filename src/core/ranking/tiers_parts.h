/*
 * tiers_parts.h
 *	  What building an index of rows and asking it must agree on: its tiers and its arrays.  For
 *	  tiers.c and tiers_build.c only; tiers.c says what the numbers mean.
 */
#ifndef RECO_CORE_RANKING_TIERS_PARTS_H
#define RECO_CORE_RANKING_TIERS_PARTS_H

#include "core/ranking/tiers.h"

/* Items of the first tier; each later one is as long as all before it, up to the largest. */
#define FIRST_TIER 512
#define LARGEST_TIER 8176

/* The low bits of a word, its place in the tier; the place of the word after a part's last. */
#define PLACE_BITS 13
#define PLACES (1 << PLACE_BITS)
#define NO_PLACE (PLACES - 1)

/* Floats of a line of a dense part. */
#define LINE ((int32_t) (RECO_ALIGN / sizeof(float)))

/* A part is dense where one in so many of the tier's places has an entry. */
#define DENSE_SHARE 8
#define DENSE UINT32_C(0x80000000)

/* Of what is summed up, below FLT_MAX. */
#define TIERS_LIMIT 1e37

/* The rank after the last of the tier that begins at `first`. */
static inline int32_t
tier_end(int32_t first, int32_t items)
{
	int32_t size = first < FIRST_TIER ? FIRST_TIER : first < LARGEST_TIER ? first : LARGEST_TIER;

	return items - first < size ? items : first + size;
}

static inline int32_t
tiers_of(int32_t items)
{
	int32_t tiers = 0;

	for (int32_t first = 0; first < items; first = tier_end(first, items))
		tiers++;
	return tiers;
}

static inline int32_t
lines_of(int32_t places)
{
	return (places + LINE - 1) / LINE;
}

typedef struct tier_parts
{
	int32_t *item;
	float *bound;
	uint32_t *part;
	uint32_t *word;
	float *dense;
	int64_t *own;
	int32_t *row;
	float *weight;
} tier_parts;

static inline tier_parts
tier_parts_of(const reco_tiers *h)
{
	char *at = (char *) (uintptr_t) h;

	return (tier_parts){(int32_t *) (at + h->item_at),  (float *) (at + h->bound_at),
						(uint32_t *) (at + h->part_at), (uint32_t *) (at + h->word_at),
						(float *) (at + h->dense_at),   (int64_t *) (at + h->own_at),
						(int32_t *) (at + h->row_at),   (float *) (at + h->weight_at)};
}

#endif /* RECO_CORE_RANKING_TIERS_PARTS_H */
