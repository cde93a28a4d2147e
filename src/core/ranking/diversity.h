/*
 * diversity.h
 *	  How different the items of a list are from each other.
 *
 * One less the mean, over the pairs of items in a list, of the cosine of the two sets of users
 * who have them.  With a vector of length 1 for each item, that mean comes from the length of
 * their sum: no pair is looked at, only the users of each item.
 */
#ifndef RECO_CORE_RANKING_DIVERSITY_H
#define RECO_CORE_RANKING_DIVERSITY_H

#include "core/data/csr.h"
#include "core/ranking/metrics.h"

/* Of longer lists it is not measured. */
#define RECO_DIVERSITY_MOST 100

/* Lists of the same room, one after the other. */
typedef struct reco_lists
{
	int32_t lists;
	int32_t length;
	int32_t *n;    /* lists: how many items are there */
	int32_t *item; /* lists x length */
} reco_lists;

/* Bytes that it takes at most. */
extern size_t reco_diversity_bytes(const reco_csr *by_user);

/*
 * The diversity of each list by each cutoff, to out, lists x cutoffs: NAN where fewer than two
 * items are in it, and where that is above RECO_DIVERSITY_MOST.  Entries of by_user with a value of
 * 0 or below do not count; have: how many others there are of each item.  One that nobody has is
 * like no other.  Single-threaded.
 * Cost: a pass over by_user, and three steps for each user of each item of a list.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_diversity(const reco_env *env, const reco_csr *by_user, const int32_t *have,
								  const reco_lists *lists, const reco_columns *columns,
								  double *out);

#endif /* RECO_CORE_RANKING_DIVERSITY_H */
