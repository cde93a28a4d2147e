/*
 * growth.h
 *	  What grows: items by the users of a recent time against those of a longer one before it.
 *
 * Time is cut into periods as long as the recent time, backwards from the end; the latest is the
 * recent time, and the baseline goes from there so far back as it is long, the last of its periods
 * being the shorter where it is no multiple.  r users took an item in the recent time R, b in the
 * baseline B, a user once in each period, so that whoever comes again in each counts alike on both
 * sides.  With no growth each of the r + b is of the recent time with a probability of R / (R + B),
 * and
 *
 *	 growth = (r / R) / (b / B)
 *
 * has an interval by that of a binomial share (Clopper and Pearson 1934), which holds with a
 * probability of `share` at least:
 *
 *	 low = q / (1 - q) B / R,	q the quantile (1 - share) / 2 of Beta(r, b + 1)
 *	 high likewise,				q the quantile (1 + share) / 2 of Beta(r + 1, b)
 *
 * Ordered by low, an item of a few users is below one of many that grew as much: 2 users after
 * nobody have low .75 at share .95 and B = 4 R, which is no growth.
 *
 * Cost: a pass over the rows, and some microseconds an item that anybody took in either.  Memory:
 * 12 bytes an item.
 */
#ifndef RECO_CORE_DEMAND_GROWTH_H
#define RECO_CORE_DEMAND_GROWTH_H

#include "core/data/triples.h"

typedef struct reco_growth_params
{
	int64_t end; /* of the recent time; later rows do not count */
	/* in units of times, above 0 */
	int64_t recent;
	int64_t baseline;
	double share; /* that the interval is to hold, within 0 and 1 */
} reco_growth_params;

typedef struct reco_growth
{
	int32_t recent; /* r */
	int32_t baseline;
	double growth; /* INFINITY: nobody in the baseline; NAN: nobody at all, nor an interval */
	double low;
	double high;
} reco_growth;

/* Of the items of x.  Errors: RECO_NO_MEMORY, RECO_STOPPED. */
extern reco_status reco_growth_find(const reco_env *env, const reco_interactions *x,
									const reco_growth_params *params, reco_growth *out);

#endif /* RECO_CORE_DEMAND_GROWTH_H */
