/*
 * weights.h
 *	  The largest weights of each item, as linear models between items keep them.
 */
#ifndef RECO_CORE_REGRESSION_WEIGHTS_H
#define RECO_CORE_REGRESSION_WEIGHTS_H

#include "core/base/env.h"
#include "core/neighbors/measure.h"

#include <math.h>

typedef struct reco_weight
{
	float weight;
	int32_t item;
} reco_weight;

/* The order of a list: falling sizes, equal ones by item. */
static inline bool
reco_weight_after(reco_weight a, reco_weight b)
{
	float x = fabsf(a.weight);
	float y = fabsf(b.weight);

	return x < y || (x == y && a.item > b.item);
}

/* A list an item, with room for some entries; each is written by one thread. */
typedef struct reco_weights
{
	int32_t items;
	int64_t *start;     /* of lists; items + 1 */
	reco_weight *entry; /* start[items] */
	int32_t *length;    /* entries of a list, at most its room */
} reco_weights;

/* Bytes of these with room for n entries, and of the lists that are made of them. */
extern size_t reco_weights_memory(int32_t items, int64_t n);
extern size_t reco_weights_lists_memory(int32_t items, int64_t n);

/*
 * room: of each item's list; or NULL, and each has `most`.  RECO_NO_MEMORY leaves what free takes
 * back.
 */
extern reco_status reco_weights_init(const reco_env *env, int32_t items, const int32_t *room,
									 int32_t most, reco_weights *out);
extern void reco_weights_free(const reco_env *env, reco_weights *w);

/*
 * The list of an item: as many as there is room for, of n weights along the items, or of items
 * `item` when that is not NULL; none of 0.  On any thread.
 */
extern void reco_weights_fill(reco_weights *w, int32_t of, const float *weight, const int32_t *item,
							  int32_t n);

/* The lists one after the other, as models have them. */
extern reco_status reco_weights_lists(const reco_env *env, const reco_weights *w,
									  reco_neighbors *out);

#endif /* RECO_CORE_REGRESSION_WEIGHTS_H */
