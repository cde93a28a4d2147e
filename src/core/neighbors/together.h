/*
 * together.h
 *	  Which pairs of items meet in baskets more often than others.
 *
 * With N baskets, of which n_a hold item a and c hold both a and b:
 *
 *	 support		c / N
 *	 confidence		c / n_a, of those with a the share that has b; reverse: c / n_b
 *	 lift			c N / (n_a n_b), how often they meet for once that they would by chance
 *	 llr			Dunning's log-likelihood ratio, above 0 where they meet more often than by
 * chance
 *
 * Lift is largest for rare pairs that met a few times; llr for those of which it is most certain
 * that chance is not the reason.
 */
#ifndef RECO_CORE_NEIGHBORS_TOGETHER_H
#define RECO_CORE_NEIGHBORS_TOGETHER_H

#include "core/data/triples.h"

/* What pairs are in order of. */
typedef enum reco_together_measure
{
	RECO_TOGETHER_COUNT,
	RECO_TOGETHER_CONFIDENCE, /* the larger of both directions */
	RECO_TOGETHER_LIFT,
	RECO_TOGETHER_LLR
} reco_together_measure;

typedef struct reco_together_pair
{
	double score; /* by the measure */
	int32_t a;    /* the lower number */
	int32_t b;
	int32_t count;
} reco_together_pair;

typedef struct reco_together
{
	int32_t *baskets; /* of each item, how many hold it */
	int32_t pairs;
	reco_together_pair *pair;
} reco_together;

/*
 * The score of a pair that meets in c of n baskets.  Products of counts are exact below 2^53, and
 * then equal ratios are equal numbers.
 */
static inline double
reco_together_ratio(reco_together_measure measure, double n, double n_a, double n_b, double c)
{
	switch (measure)
	{
		case RECO_TOGETHER_CONFIDENCE:
			return c / (n_a < n_b ? n_a : n_b);
		case RECO_TOGETHER_LIFT:
			return c * n / (n_a * n_b);
		default:
			return c;
	}
}

/*
 * The same for the log-likelihood ratio: nine logarithms, or numbers of xlogx, which has x log x of
 * 0 to n by reco_together_xlogx; NULL: there are none.
 */
extern double reco_together_xlogx(int64_t x);
extern double reco_together_llr(const double *xlogx, int32_t n, int32_t n_a, int32_t n_b,
								int32_t c);

static inline double
reco_together_score(reco_together_measure measure, int32_t n, int32_t n_a, int32_t n_b, int32_t c)
{
	return measure == RECO_TOGETHER_LLR ? reco_together_llr(NULL, n, n_a, n_b, c)
										: reco_together_ratio(measure, n, n_a, n_b, c);
}

/* The order of pairs: falling scores, ties by number. */
static inline bool
reco_together_after(const reco_together_pair *x, const reco_together_pair *y)
{
	if (x->score != y->score)
		return x->score < y->score;
	return x->a != y->a ? x->a > y->a : x->b > y->b;
}

/*
 * The n best pairs of items, n at least 1, that meet in min_support baskets or more; by_item: which
 * baskets hold an item, no value 0.  The arrays belong to the caller: reco_together_free; on an
 * error nothing is left.  The same bits for any number of threads.
 * Cost: as reco_neighbors_find.  Memory: the entries twice, a few numbers for each item and thread,
 * for llr one for each basket, and up to three times 24 bytes for each pair that is returned.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED, RECO_INVALID.
 */
extern reco_status reco_together_find(const reco_env *env, const reco_csr *by_item,
									  reco_together_measure measure, int32_t min_support, int32_t n,
									  reco_together *out);
extern void reco_together_free(const reco_env *env, reco_together *together);

/*
 * Whether items and baskets are so few that reco_together_few is faster, and the same of
 * by_basket: which items a basket holds.  Any thread.  Cost: an addition for each pair of each
 * basket, and as many steps as there are pairs of items.  Memory: 4 bytes for each two items, and
 * 24 for each pair that is returned.  Errors: likewise.
 */
extern bool reco_together_are_few(const reco_csr *by_basket);
extern reco_status reco_together_few(const reco_env *env, const reco_csr *by_basket,
									 reco_together_measure measure, int32_t min_support, int32_t n,
									 reco_together *out);

/*
 * Which items a basket holds, of lines in any order, which may repeat: baskets are in the place of
 * users, items get the numbers item_rank[number].  Frees the lines, also on failure; the arrays
 * belong to the caller.  Cost: two scatters of the lines.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_together_lines(reco_triples *t, int32_t baskets, int32_t items,
									   const int32_t *item_rank, reco_csr *out);
/* Bytes that it allocates; what it returns has the half of it or less. */
extern size_t reco_together_lines_memory(const reco_triples *t, int32_t baskets, int32_t items);

/* One item and who is in baskets with it, counted basket by basket. */
typedef struct reco_meetings
{
	int32_t item;
	int32_t most;    /* of baskets, at most INT32_MAX */
	int32_t baskets; /* so many, not empty */
	int32_t *have;   /* by item: baskets with it; */
	int32_t *both;   /* with the item as well; */
	int32_t *last;   /* and the last that had it; all are zeros to begin with */
} reco_meetings;

/*
 * Counts a basket of n items, of which some may be there again and again; false where there are as
 * many baskets as may be.  Any thread.  Cost: two passes over them.
 */
extern bool reco_meetings_add(reco_meetings *meetings, const int32_t *item, int64_t n);

#endif /* RECO_CORE_NEIGHBORS_TOGETHER_H */
