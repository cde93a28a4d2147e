/*
 * batch.h
 *	  The lists of many users at once.
 */
#ifndef RECO_CORE_BATCH_H
#define RECO_CORE_BATCH_H

#include "core/data/csr.h"
#include "core/data/topn.h"

/* What the lists are made from: a factor model's items. */
typedef struct reco_batch_items
{
	int32_t items;
	int stride;
	const float *factors;   /* items x stride, rows on cache lines */
	const float *bias;      /* items */
	const void *index;      /* pruned.h; NULL: none */
	const uint64_t *hidden; /* a set of items that are in no list; NULL: none */
} reco_batch_items;

/*
 * For each row u of `seen` (the user's own items, which are left out; all rows
 * empty: nothing is) the n best items by base[u] + bias + p_u.q, to
 * out + u * n; count[u] receives how many.  The users' factors are seen->rows x
 * stride.  Lists are what reco_score and reco_top_n would give.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_batch_top(const reco_env *env, const reco_batch_items *items,
								  const float *user, const float *base, const reco_csr *seen,
								  int32_t n, reco_ranked *out, int32_t *count);

#endif /* RECO_CORE_BATCH_H */
