/*
 * tiers.h
 *	  The n best of sums over rows without adding up whole rows: exactly what adding them up
 *	  gives, from an index of the rows.
 *
 * The score of an item is the sum of x_j w_ji over a user's rows j, every x_j at least 0; weights
 * w are of either sign.
 *
 * The index is one block of memory that means the same wherever it lies, as that of pruned.h: it
 * may be written to a file and mapped at a multiple of RECO_ALIGN.
 */
#ifndef RECO_CORE_RANKING_TIERS_H
#define RECO_CORE_RANKING_TIERS_H

#include "core/data/csr.h"
#include "core/data/topn.h"

/* Of more items no index is made, nor one of more entries: there rows are sparse. */
#define RECO_TIERS_MOST_ITEMS 131072
#define RECO_TIERS_MOST_ENTRIES (INT64_C(1) << 29)

/*
 * Items are known here by their rank, from 0, in the order of falling bounds.  Offsets are in
 * bytes from the header.
 */
typedef struct reco_tiers
{
	uint64_t magic;
	uint64_t check; /* of the header's other members */
	uint64_t bytes; /* of the whole */
	uint64_t entries;
	uint32_t words;
	uint32_t lines; /* of RECO_ALIGN bytes: of dense parts of rows */
	int32_t items;
	int32_t longest;    /* the most rows that an item is in */
	float largest;      /* the largest sum of the absolute weights of an item; not finite: no use */
	float unused;       /* 0 */
	uint64_t item_at;   /* int32_t by rank: the item's number */
	uint64_t bound_at;  /* float by rank: the sum of its weights above 0 */
	uint64_t part_at;   /* uint32_t by tier and row: where the row's entries of the tier are */
	uint64_t word_at;   /* uint32_t: entries */
	uint64_t dense_at;  /* float by place in the tier */
	uint64_t own_at;    /* int64_t by item's number, and one more: the rows that it is in */
	uint64_t row_at;    /* int32_t, entries: their numbers, rising */
	uint64_t weight_at; /* float, entries */
} reco_tiers;

/*
 * Builds the index of a square matrix with values.  *index is from env, and the caller's; NULL:
 * there can be none.  Allocates twice as much as it is for the time being.
 * Cost: three passes over the entries and a sort of the items; some 20 ns an entry.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_tiers_build(const reco_env *env, const reco_csr *rows, reco_tiers **index);

/* Whether bytes from a file begin with the header of such an index, and are as long as it says. */
extern bool reco_tiers_valid(const void *index, size_t bytes, int32_t items);

/* Bytes that whoever asks provides on a cache line, zeros before and after. */
extern size_t reco_tiers_scratch(int32_t items);

/* A user's rows. */
typedef struct reco_tiers_user
{
	int64_t n;
	const int32_t *row; /* n, rising */
	const float *value; /* n; NULL: ones */
} reco_tiers_user;

/* There is no answer: the index is of no use for this user, or too many places are asked for. */
#define RECO_TIERS_NONE (-2)

/*
 * The n best items that are not in skip (NULL: all count), of those that have any weight: what
 * reco_top_n gives of the sums, made in double by rising rows and then rounded, in every bit.
 * Allocates nothing.  Returns how many were written to out, which has room for n, -1: stopped, or
 * RECO_TIERS_NONE, with out in any state.
 */
extern int32_t reco_tiers_top(const reco_env *env, const reco_tiers *index, void *scratch,
							  const reco_tiers_user *user, const uint64_t *skip, int32_t n,
							  reco_ranked *out);

#endif /* RECO_CORE_RANKING_TIERS_H */
