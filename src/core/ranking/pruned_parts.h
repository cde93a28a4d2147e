/*
 * pruned_parts.h
 *	  What building an index and asking it must agree on: its arrays, and the
 *	  numbers of the bound.  For pruned.c and pruned_build.c only; pruned.c says
 *	  what the numbers mean.
 *
 * Invariant: whatever is rounded here is not below the true value.
 */
#ifndef RECO_CORE_RANKING_PRUNED_PARTS_H
#define RECO_CORE_RANKING_PRUNED_PARTS_H

#include "core/isa/isa.h"
#include "core/ranking/pruned.h"

#include <math.h>

#define BLOCK RECO_CODE_BLOCK
#define LIMIT 1e38 /* of what is summed up, below FLT_MAX */

static inline int32_t
blocks_of(int32_t items)
{
	return (int32_t) (((int64_t) items + BLOCK - 1) / BLOCK);
}

static inline int
quads_of(int d)
{
	return (d + 3) / 4;
}

/* The largest component of P: P.c fits in 32 bits. */
static inline int32_t
most_p(int d)
{
	int32_t fits = INT32_MAX / (127 * 4 * quads_of(d));

	return fits < INT16_MAX ? fits : INT16_MAX;
}

/* The same that is two signed bytes; by less than 0.4 % smaller, for which eta_of has room. */
static inline int32_t
most_code(int d)
{
	return most_p(d) < RECO_CODE_MOST ? most_p(d) : RECO_CODE_MOST;
}

static inline double
eta_of(int d)
{
	return 0.52 * sqrt(d) / most_p(d);
}

/* Roundings of an exact score's dot product, and of its bound, as a share. */
static inline double
rounding_of(int d)
{
	return 1.01 * 0x1p-24 * ((d + 15) / 16 + 16);
}

static inline float
round_up(double x)
{
	float f = (float) x;

	return (double) f < x ? nextafterf(f, INFINITY) : f;
}

/* Not less than the norm, by a hair. */
static inline double
norm_of(const float *x, int d)
{
	double sum[8] = {0};
	double all = 0;
	int k = 0;

	for (; k + 8 <= d; k += 8)
		for (int l = 0; l < 8; l++)
			sum[l] += (double) x[k + l] * x[k + l];
	for (; k < d; k++)
		all += (double) x[k] * x[k];
	for (int l = 0; l < 8; l++)
		all += sum[l];
	return sqrt(all) * (1 + 1e-12);
}

/* The parts of an index, by position or by block. */
typedef struct parts
{
	int32_t *item;
	int8_t *code;
	float *scale;
	float *error;
	float *bias;
	float *reach;
	float *high;
	float *later;
} parts;

static inline parts
parts_of(const void *index)
{
	const reco_pruned *h = index;
	char *at = (char *) (uintptr_t) index;

	return (parts){(int32_t *) (at + h->item_at), (int8_t *) (at + h->code_at),
				   (float *) (at + h->scale_at),  (float *) (at + h->error_at),
				   (float *) (at + h->bias_at),   (float *) (at + h->reach_at),
				   (float *) (at + h->high_at),   (float *) (at + h->later_at)};
}

#endif /* RECO_CORE_RANKING_PRUNED_PARTS_H */
