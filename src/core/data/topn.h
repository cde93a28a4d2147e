/*
 * topn.h
 *	  The n best of many scores.
 */
#ifndef RECO_CORE_DATA_TOPN_H
#define RECO_CORE_DATA_TOPN_H

#include "core/base/env.h"

typedef struct reco_ranked
{
	float score;
	int32_t item;
} reco_ranked;

/* The order of a list: falling scores, equal ones by item number. */
static inline bool
reco_ranked_after(reco_ranked a, reco_ranked b)
{
	return a.score < b.score || (a.score == b.score && a.item > b.item);
}

/* A set of item numbers, a bit each. */
#define RECO_SET_BYTES(items) ((((size_t) (items) + 63) / 64) * 8)

static inline void
reco_set_add(uint64_t *set, int32_t item)
{
	set[item >> 6] |= UINT64_C(1) << (item & 63);
}

static inline void
reco_set_remove(uint64_t *set, int32_t item)
{
	set[item >> 6] &= ~(UINT64_C(1) << (item & 63));
}

static inline bool
reco_set_has(const uint64_t *set, int32_t item)
{
	return (set[item >> 6] >> (item & 63)) & 1;
}

/*
 * Writes the best n (all when fewer are left) to out in order of falling score;
 * equal scores, -0 and 0 among them, in order of item number.  Items in skip
 * (NULL: none) do not count, nor those with a score of -infinity.  Scores are
 * not NaN.  Returns how many were written, or -1 when poll asked for an end; env NULL:
 * no polls.  Cost: one pass, plus log n for each item that enters the list.
 */
extern int32_t reco_top_n(const reco_env *env, const float *score, int32_t items,
						  const uint64_t *skip, int32_t n, reco_ranked *out);

#endif /* RECO_CORE_DATA_TOPN_H */
