/*
 * triples_group.h
 *	  The rows of each user together.
 */
#ifndef RECO_CORE_DATA_TRIPLES_GROUP_H
#define RECO_CORE_DATA_TRIPLES_GROUP_H

#include "core/data/triples.h"

/* The rows of user u from start[u] to start[u + 1] - 1, in order of arrival. */
typedef struct reco_grouped
{
	int64_t *start; /* users + 1 */
	reco_entry *entry;
	int64_t *time; /* NULL without times */
} reco_grouped;

/*
 * user_rank and item_rank give the final numbers of the provisional ones.  The chunks are
 * reordered, and released before it returns, whatever it returns.  What is in out, which is to be
 * zeros before, is for the caller to free, after an error as well.
 */
extern reco_status reco_triples_group(reco_triples *t, int32_t users, const int32_t *user_rank,
									  const int32_t *item_rank, reco_grouped *out);
extern void reco_grouped_free(const reco_env *env, reco_grouped *g);
/* Upper bound of what it allocates beside the result. */
extern size_t reco_triples_group_memory(const reco_triples *t, int32_t users);

#endif /* RECO_CORE_DATA_TRIPLES_GROUP_H */
