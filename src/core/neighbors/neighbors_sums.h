/*
 * neighbors_sums.h
 *	  The sums of products of one row with all others: one thread's arrays, and what
 *	  adds to them.  For neighbors.c and neighbors_sums.c only.
 */
#ifndef RECO_CORE_NEIGHBORS_NEIGHBORS_SUMS_H
#define RECO_CORE_NEIGHBORS_NEIGHBORS_SUMS_H

#include "core/isa/isa.h"
#include "core/neighbors/pairs.h"
#include "core/base/team.h"

/*
 * One thread's sums.  Where nothing has a weight, or all weights are integers, `sum` is
 * the products; else it counts common columns, where they are asked for.
 */
typedef struct Sums
{
	double *dot;      /* NULL: `sum` is the products */
	int32_t *sum;     /* NULL: not needed */
	int32_t *touched; /* ranks whose sum is not 0, when they are listed */
	int32_t touches;
	int32_t *string;  /* a row's columns by binary digit of their weights; or NULL */
	int32_t strings;  /* room for each digit */
	double *floor;    /* what the lists required of row `least` and later ones */
	int32_t least;    /* the least row number among those being compared */
	int32_t floors;   /* ranks in floor; 0: it is to be read anew */
	reco_pair *found; /* of one scan */
	double *mine;     /* similarities of found */
} Sums;

/* What adding needs. */
typedef struct Adding
{
	const reco_env *stopping; /* whose `stopping` is asked */
	const reco_kernels *kernels;
	const reco_pairs *pairs;
	reco_flag *stop;
} Adding;

/* Room for the arrays that are added to; scans are the caller's. */
extern bool reco_sums_init(const reco_env *env, const reco_pairs *p, Sums *sums);
extern void reco_sums_free(const reco_env *env, Sums *sums);
/* Upper bound of what reco_sums_init allocates. */
extern size_t reco_sums_memory(int32_t rows, int32_t columns);

/*
 * Adds up the products of row a with the rows before it.  When touch, the ranks that get a sum are
 * listed.  Returns where the ranks end whose sum may have changed (a, or more; with touch of no
 * meaning), or -1: stopped.
 */
extern int32_t reco_sums_add(const Adding *adding, Sums *sums, int32_t a, bool touch);

#endif /* RECO_CORE_NEIGHBORS_NEIGHBORS_SUMS_H */
