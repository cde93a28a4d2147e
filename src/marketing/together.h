/*
 * together.h
 *	  What the functions share that tell what is bought together.
 */
#ifndef RECO_MARKETING_TOGETHER_H
#define RECO_MARKETING_TOGETHER_H

#include "pg/pg.h"

#include "core/neighbors/together.h"

/* A measure by its name; an error when there is no such. */
extern reco_together_measure reco_together_measure_named(const char *name);

/* An error unless pairs may have to meet that often. */
extern void reco_together_check_support(int64 support);

/* How often pairs must meet where nobody says: in a thousandth of the baskets, and twice. */
static inline int32
reco_together_support(int32 baskets)
{
	return Max(2, baskets / 1000 + (baskets % 1000 > 0));
}

#endif /* RECO_MARKETING_TOGETHER_H */
