/*
 * pruned.h
 *	  The n best items for one user without scoring them all: exactly what
 *	  reco_score and reco_top_n give, from an index of the items' factors.
 *
 * The index is one block of memory that means the same wherever it lies: a
 * header, and arrays at offsets from it.  It may be written to a file and mapped
 * at a multiple of RECO_ALIGN.  It belongs to the machine's byte order.
 */
#ifndef RECO_CORE_RANKING_PRUNED_H
#define RECO_CORE_RANKING_PRUNED_H

#include "core/data/topn.h"
#include "core/isa/isa.h"

/* Components an index can have. */
#define RECO_PRUNED_MAX_D 4096

/*
 * Items are known here by their position in the order of falling norms, 64
 * positions a block.  Offsets are in bytes from the header.
 */
typedef struct reco_pruned
{
	uint64_t magic;
	uint64_t check; /* of the header's other members */
	uint64_t bytes; /* of the whole */
	int32_t items;
	int32_t d;
	uint32_t biased;
	float largest;     /* the largest norm; infinity: the index is of no use */
	float most_bias;   /* the largest absolute value */
	float unused;      /* 0 */
	uint64_t item_at;  /* int32_t by position: the item's number, or -1 past the last */
	uint64_t code_at;  /* int8_t, blocks as in isa.h at code_scan */
	uint64_t scale_at; /* float by position: of the codes */
	uint64_t error_at; /* float by position: what the codes miss, by norm of p */
	uint64_t bias_at;  /* float by position */
	uint64_t reach_at; /* float by block: the largest norm */
	uint64_t high_at;  /* float by block: the largest bias */
	uint64_t later_at; /* float by block: the largest bias in it and after it */
} reco_pruned;

/*
 * Bytes of the index of so many items, a multiple of RECO_ALIGN; 0 when items or
 * d is out of range.
 */
extern size_t reco_pruned_size(int32_t items, int d);

/*
 * Builds the index of items rows of stride floats, of which d count and the rest
 * is 0, and of their biases (NULL: none) in index, reco_pruned_size bytes at a
 * multiple of RECO_ALIGN.  Allocates 16 bytes an item for the time being.  Any
 * values will do, but those that are not finite make the index useless.
 * Cost: three passes over the items and a sort; half a second for a million times 64.
 */
extern reco_status reco_pruned_build(const reco_env *env, const float *item, int32_t items, int d,
									 int stride, const float *bias, void *index);

/* The same of rows that are made one by one: of d numbers, in room for as many, or elsewhere. */
typedef const float *(*reco_pruned_row)(const void *arg, int32_t item, float *room);
extern reco_status reco_pruned_build_rows(const reco_env *env, reco_pruned_row row, const void *arg,
										  int32_t items, int d, const float *bias, void *index);

/*
 * Whether bytes from a file begin with the header of an index of that shape and
 * are as long as it says.  Looks at the header only.
 */
extern bool reco_pruned_valid(const void *index, size_t bytes, int32_t items, int d);

/*
 * The n best items: what reco_score with these arguments and then reco_top_n
 * write to out, in every bit.  item, stride and bias are those the index was
 * built from (or copies).  Allocates nothing.  Returns how many were written, or
 * -1 when poll asked for an end; env NULL: no polls.
 */
extern int32_t reco_pruned_top(const reco_env *env, const void *index, const float *item,
							   int stride, const float *p, const float *bias, float base,
							   const uint64_t *skip, int32_t n, reco_ranked *out);

/* Blocks of an index. */
static inline int32_t
reco_pruned_blocks(int32_t items)
{
	return (int32_t) (((int64_t) items + RECO_CODE_BLOCK - 1) / RECO_CODE_BLOCK);
}

/* The item at each position. */
static inline const int32_t *
reco_pruned_items(const reco_pruned *index)
{
	return (const int32_t *) ((const char *) index + index->item_at);
}

/* Scores that are nearly sums: no score is above p.q + extra + base. */
typedef struct reco_pruned_query
{
	const float *p; /* d */
	float base;
	const float *extra; /* by position, at least 0; on a cache line */
	const float *high;  /* by block: the largest extra in it */
	const float *later; /* by block: the largest in it and after it */
	float most;         /* of all */
	/* the scores of n items, at most RECO_CODE_BLOCK */
	reco_status (*score)(void *arg, const int32_t *item, int32_t n, float *score);
	void *arg;
} reco_pruned_query;

/* The index is of no use: all have to be scored. */
#define RECO_PRUNED_NONE (-2)

/*
 * The n best items by score, as reco_top_n gives them, where none is NaN or -infinity, from an
 * index without biases.  Returns how many were written to out, -1: stopped, or RECO_PRUNED_NONE.
 */
extern int32_t reco_pruned_search(const reco_env *env, const void *index,
								  const reco_pruned_query *query, const uint64_t *skip, int32_t n,
								  reco_ranked *out);

#endif /* RECO_CORE_RANKING_PRUNED_H */
