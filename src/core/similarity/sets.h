/*
 * sets.h
 *	  Members of sets, sorted.
 */
#ifndef RECO_CORE_SIMILARITY_SETS_H
#define RECO_CORE_SIMILARITY_SETS_H

#include "core/base/env.h"

/* A member: the key stands for its value, or is its hash. */
typedef struct reco_member
{
	uint64_t key;
	uint32_t item;
} reco_member;

/* Sizes of two sets and of what they have in common. */
typedef struct reco_overlap
{
	int64_t a;
	int64_t b;
	int64_t both;
} reco_overlap;

/* Up to this many members are sorted without scratch memory. */
#define RECO_SORT_SMALL 48

/*
 * Sorts by key; members of one key stay in their order.  scratch: room for n
 * more, may be NULL when n <= RECO_SORT_SMALL.  RECO_OK or RECO_STOPPED.
 */
extern reco_status reco_sort_members(reco_member *members, reco_member *scratch, int64_t n,
									 const reco_env *env);

/* Counts distinct keys of two sorted lists. */
extern reco_status reco_overlap_count(const reco_member *a, int64_t n_a, const reco_member *b,
									  int64_t n_b, const reco_env *env, reco_overlap *overlap);

#endif /* RECO_CORE_SIMILARITY_SETS_H */
