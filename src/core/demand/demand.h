/*
 * demand.h
 *	  How many users will have each item within a time to come, with how sure that is.
 *
 * Time is cut into periods as long as that time, backwards from the last row.  y_ik is how many
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
 * A model of what users like can say of each item how many users will have it (m_i, in any unit).
 * Then of the prior's mean a part p is the model's, and it counts s times as much:
 *
 *	 shape s a (1 - p + p m_i / mean of m)	and rate s b, in the place of a and b
 *
 * p and s, with the certainty, are those under which the latest period is likeliest, predicted from
 * those before it and from what a model said that was made before it; p is 0 where that is not
 * likelier than without by more than two numbers more explain by chance.
 *
 * An item of few events is drawn to what items have in the mean, or to what the model says of it,
 * and its interval is wide for what it sells; one of many stands by itself.
 *
 * Sources: Gelman et al., Bayesian Data Analysis, 2013, 2.6 (Gamma and Poisson); Harrison and West,
 * Bayesian Forecasting and Dynamic Models, 1997 (discounting).
 *
 * Cost: two passes over the rows; a pass over periods times items for each half-life tried, and for
 * each p and s.  Memory: 4 bytes for each period and item, at most RECO_DEMAND_MAX_PERIODS periods,
 * and 48 an item.
 */
#ifndef RECO_CORE_DEMAND_DEMAND_H
#define RECO_CORE_DEMAND_DEMAND_H

#include "core/data/triples.h"
#include "core/demand/counts.h"

#define RECO_DEMAND_MAX_PERIODS 60
#define RECO_DEMAND_MIN_PERIODS 4

typedef struct reco_demand_params
{
	int64_t end;    /* the time from which on demand is asked for; later rows do not count */
	int64_t length; /* of the time to come, in units of times, above 0 */
	double share;   /* that the intervals are to hold, within 0 and 1 */
	/* by item, of the time to come and of the latest period, as it was before that; or NULL, both
	 */
	const double *model;
	const double *model_before;
} reco_demand_params;

typedef struct reco_demand_item
{
	double expected;
	reco_count_interval within;
	int32_t median;
	int32_t latest; /* users in the latest period */
	int32_t total;  /* in all periods that are looked at, a user once in each */
} reco_demand_item;

typedef struct reco_demand
{
	reco_demand_item *item; /* items */
	int periods;            /* that are looked at, the latest ones */
	int64_t whole;          /* that there are */
	double half_life;       /* periods; INFINITY: all count alike */
	double certainty;
	double part; /* of the prior, the model's; 0: it has none */
	double strength;
} reco_demand;

/*
 * Of the rows of users, with their times and those of repeats where pairs repeat.  out->item is
 * allocated through env and belongs to the caller.  Errors: RECO_NO_MEMORY, RECO_STOPPED, and
 * RECO_INVALID where there are fewer than RECO_DEMAND_MIN_PERIODS; out->whole then says how many
 * there are.
 */
extern reco_status reco_demand_find(const reco_env *env, const reco_interactions *x,
									const reco_demand_params *params, reco_demand *out);

#endif /* RECO_CORE_DEMAND_DEMAND_H */
