/*
 * counts.h
 *	  What a count is likely to be whose rate is known by a Gamma distribution of a shape and a
 * rate: negative binomial, of an exposure of 1.
 *
 * Source: Gelman et al., Bayesian Data Analysis, 2013, 2.6.
 */
#ifndef RECO_CORE_DEMAND_COUNTS_H
#define RECO_CORE_DEMAND_COUNTS_H

#include "core/base/env.h"

extern double reco_count_log_probability(double shape, double rate, double count);

/* The smallest k for which the count is at most k with a probability of p. */
extern int32_t reco_count_quantile(double shape, double rate, double p);

typedef struct reco_count_interval
{
	int32_t low;
	int32_t high;
	double probability; /* that the count is from low to high */
} reco_count_interval;

/*
 * An interval made of the likeliest counts: it begins with the likeliest and takes the likelier of
 * its two neighbors, the higher of equal ones, until its probability is share, or is nearer to that
 * than it would be with one more.  So it is the shortest of its probability.  It is not left below
 * a half where share is above, so that the median is within.
 *
 * Of whole numbers few probabilities can be had: a count that is 0 with .9 has no interval of .8,
 * and gets 0 to 0.  Quantiles at both ends, which must each leave out less than their part, hold
 * for far more than they say where counts are small; to be as near as can be on either side holds
 * for about as much, of many counts together.
 *
 * Cost: a few steps for each number within.  Errors: RECO_STOPPED.
 */
extern reco_status reco_count_interval_find(const reco_env *env, double shape, double rate,
											double share, reco_count_interval *out);

#endif /* RECO_CORE_DEMAND_COUNTS_H */
