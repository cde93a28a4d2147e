/*
 * joint.h
 *	  The n best items by a weighted sum of several inner products of factors, and of what few items
 *	  have besides, without scoring them all.
 *
 * The vectors of an item behind one another are one vector, and so are those of a user, each with
 * its weight: their product is the sum.  The index is that of pruned.h over these, one block of
 * memory that means the same wherever it lies.
 */
#ifndef RECO_CORE_RANKING_JOINT_H
#define RECO_CORE_RANKING_JOINT_H

#include "core/ranking/pruned.h"

/* So many inner products may be in one sum. */
#define RECO_JOINT_PARTS 16

/* Offsets are in bytes from the header. */
typedef struct reco_joint
{
	uint64_t magic;
	uint64_t check; /* of the header's other members */
	uint64_t bytes; /* of the whole */
	int32_t items;
	int32_t d; /* numbers of all vectors, and one for each bias */
	int32_t blocks;
	int32_t unused;    /* 0 */
	uint64_t place_at; /* int32_t by item: its position in the index */
	uint64_t index_at; /* reco_pruned */
} reco_joint;

/* One inner product: p.q + bias. */
typedef struct reco_joint_part
{
	const float *item; /* rows of `stride` floats */
	int stride;
	int d;
	const float *bias; /* by item; NULL: none */
	double scale;      /* above 0: about what makes the parts of a sum alike in size */
} reco_joint_part;

/* Bytes of the index; 0: there can be none. */
extern size_t reco_joint_size(int32_t items, const reco_joint_part *part, int parts);

/* Builds it in memory of that size, on a cache line.  As reco_pruned_build. */
extern reco_status reco_joint_build(const reco_env *env, int32_t items, const reco_joint_part *part,
									int parts, void *index);

/* Whether bytes from a file begin with the header of such an index, and are as long as it says. */
extern bool reco_joint_valid(const void *index, size_t bytes, int32_t items);

/* Bytes that whoever asks provides on a cache line, zeros before, and after reco_joint_clear. */
extern size_t reco_joint_scratch(int32_t items, int d);

/* What n items have besides, above 0; each item once, and all together before reco_joint_top. */
extern void reco_joint_add(const reco_joint *index, void *scratch, const int32_t *item,
						   const float *extra, int32_t n);
/* Makes the scratch zeros again. */
extern void reco_joint_clear(const reco_joint *index, void *scratch);

/* A user's side. */
typedef struct reco_joint_query
{
	const reco_joint_part *part; /* as the index was built of */
	int parts;
	const float *const *factors; /* by part: d numbers; NULL: it does not count */
	const double *times;         /* by part: its weight, at least 0 */
	double base;                 /* of every sum */
	double size;                 /* the sum of all absolute values that are added to the products */
	/*
	 * The scores of n items: the sums as they come out in float8, of inner products that reco_score
	 * made, rounded to float4.
	 */
	reco_status (*score)(void *arg, const int32_t *item, int32_t n, float *score);
	void *arg;
} reco_joint_query;

/*
 * The n best items by score that are not in skip, as reco_top_n gives them.  Returns how many were
 * written to out, -1: stopped, or RECO_PRUNED_NONE: all have to be scored, as where the index was
 * built of other parts.
 */
extern int32_t reco_joint_top(const reco_env *env, const reco_joint *index, void *scratch,
							  const reco_joint_query *query, const uint64_t *skip, int32_t n,
							  reco_ranked *out);

#endif /* RECO_CORE_RANKING_JOINT_H */
