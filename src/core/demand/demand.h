/*
 * demand.h
 *	  How many users will have each item within a time to come, with how sure that is.
 *
 * Time is cut into periods as long as that time, backwards from the last event.  y_ik is how many
 * users had item i in period k, the latest being 0, and e_k how much happened in it at all, on a
 * scale on which the time to come has 1.  Given an item's rate r_i, y_ik is Poisson with mean
 * r_i e_k; rates are Gamma with shape a and rate b, by the moments of the items.  Old periods count
 * less, w_k = 2^(-k / half_life), so that
 *
 *	 r_i | y	 is Gamma with shape a + sum of w_k y_ik and rate b + sum of w_k e_k
 *
 * and y_i of the time to come is negative binomial.  What the Poisson leaves out, such as
 * promotions, makes it wider: shape and rate are multiplied by a certainty of at most 1, which
 * leaves the mean.  half_life and certainty are those under which the latest periods, each
 * predicted from those before it, are likeliest.
 *
 * An item of few events is drawn to what items have in the mean, and its interval is wide for what
 * it sells.  Intervals are of whole numbers: for an item that mostly is had by nobody, 0 to 0 may
 * hold in more than the share that is asked for.
 *
 * Sources: Gelman et al., Bayesian Data Analysis, 2013, 2.6 (Gamma and Poisson); Harrison and West,
 * Bayesian Forecasting and Dynamic Models, 1997 (discounting); the incomplete beta function by its
 * continued fraction, DLMF 8.17.22.
 *
 * Cost: a pass over the events; a pass over periods times items for each half-life tried.  Memory:
 * 4 bytes for each period and item, at most RECO_DEMAND_MAX_PERIODS periods, and 36 an item.
 */
#ifndef RECO_CORE_DEMAND_DEMAND_H
#define RECO_CORE_DEMAND_DEMAND_H

#include "core/data/ordered.h"

#define RECO_DEMAND_MAX_PERIODS 60
#define RECO_DEMAND_MIN_PERIODS 4

typedef struct reco_demand_params
{
	int64_t end;    /* the time from which on demand is asked for; later events do not count */
	int64_t length; /* of the time to come, in units of times, above 0 */
	double share;   /* that the interval is to hold, within 0 and 1 */
} reco_demand_params;

typedef struct reco_demand_item
{
	double expected;
	int32_t median;
	int32_t low; /* the quantiles (1 - share) / 2 and (1 + share) / 2 */
	int32_t high;
	int32_t latest; /* users in the latest period */
	int32_t total;  /* in all periods, a user once in each */
} reco_demand_item;

typedef struct reco_demand
{
	reco_demand_item *item; /* items */
	int periods;
	double half_life; /* periods; INFINITY: all count alike */
	double certainty;
} reco_demand;

/*
 * Of the events of users, with their times (a time that is not known counts in no period).
 * out->item is allocated through env and belongs to the caller.  Errors: RECO_NO_MEMORY,
 * RECO_STOPPED, and RECO_INVALID where there are fewer than RECO_DEMAND_MIN_PERIODS;
 * out->periods then says how many there are.
 */
extern reco_status reco_demand_find(const reco_env *env, const reco_ordered *events, int32_t users,
									int32_t items, const reco_demand_params *params,
									reco_demand *out);

/* The smallest k for which a negative binomial number is at most k with a probability of p. */
extern int32_t reco_demand_quantile(double shape, double rate, double p);

#endif /* RECO_CORE_DEMAND_DEMAND_H */
