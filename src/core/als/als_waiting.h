/*
 * als_waiting.h
 *	  The rows of an equation that wait, as als_normal.c and als_bytes.c have them.
 */
#ifndef RECO_CORE_ALS_ALS_WAITING_H
#define RECO_CORE_ALS_ALS_WAITING_H

#include "core/als/als_half.h"
#include "core/als/als_normal.h"

#define ALS_NORMAL_MAGIC UINT32_C(0x51454e41)

/* A row that waits: its weight and target; the factors follow all of these. */
typedef struct als_waiting_row
{
	double weight;
	double target;
} als_waiting_row;

static inline als_waiting_row *
als_entries(const reco_normal *q)
{
	return q->waiting;
}

/* Behind the entries; NULL when nothing waits. */
static inline float *
als_factors(const reco_normal *q)
{
	return q->waiting ? (float *) (als_entries(q) + q->room) : NULL;
}

static inline int
als_most_room(int d)
{
	return d > ALS_TILE ? d : ALS_TILE;
}

static inline size_t
als_row_bytes(int d)
{
	return sizeof(als_waiting_row) + (size_t) d * sizeof(float);
}

static inline size_t
als_sums_count(int d)
{
	return (size_t) d + reco_normal_packed(d);
}

#endif /* RECO_CORE_ALS_ALS_WAITING_H */
