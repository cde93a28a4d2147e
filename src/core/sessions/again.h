/*
 * again.h
 *	  What users are due to buy again: purchases of an item by a user as Gamma-Poisson.
 *
 * Time is counted in the user's own baskets (ordered.h).  Of a user with L baskets who has an item
 * in basket x, from 1 on, first, and in k later ones, the item had V = L - x chances to come again,
 * and came k times.  How often it comes in a basket is drawn for each user from a gamma
 * distribution of the item's own, of shape alpha and mean m_i, so of rate b_i = alpha / m_i; then
 *
 *	 rate		 (k + alpha) / (V + b_i), the mean of what is known now
 *	 score		 1 - ((V + b_i) / (V + b_i + 1))^(k + alpha), that the next basket has it
 *	 due			 (V + b_i) / (k + alpha), so many baskets after the last one with the item
 *
 * The mean of an item is estimated from all who have it, and drawn to that of all items:
 *
 *	 m_i = (sum of k + m e) / (sum of V + e),	m = (sum of all k + 1/2) / (sum of all V + 1)
 *
 * with e the chances of `shrinkage` mean pairs of a user and an item.  Baskets and not days: who
 * comes once a month and who comes once a week run out of the same things after as many baskets.
 * Source: Bhagat and others 2018 (Poisson-gamma), whose time is in days.
 */
#ifndef RECO_CORE_SESSIONS_AGAIN_H
#define RECO_CORE_SESSIONS_AGAIN_H

#include "core/data/ordered.h"
#include "core/sessions/repeat.h"

#define RECO_AGAIN_SHAPE 1.0
#define RECO_AGAIN_SHRINKAGE 20.0

/* An item that a user has. */
typedef struct reco_again
{
	double score;
	double due;   /* baskets after the last with it */
	int64_t last; /* the user's last event with it */
	int32_t item;
	int32_t baskets; /* with it */
} reco_again;

/* The order of a list: falling scores, ties by number. */
static inline bool
reco_again_after(const reco_again *x, const reco_again *y)
{
	return x->score != y->score ? x->score < y->score : x->item > y->item;
}

/*
 * The rates b_i of all items, from what all users did; items floats.  The same bits whatever the
 * number of threads.  Cost: a pass over the events.  Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_again_rates(const reco_env *env, const reco_ordered *events, int32_t users,
									int32_t items, float *rate);

/* Bytes that reco_again_rates allocates. */
extern size_t reco_again_memory(int32_t items);

/*
 * The items that a user has, each once, best first, to out, which has room for as many as there are
 * events; *n receives how many.  Cost: n log n.  Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_again_items(const reco_env *env, const reco_baskets *of, const float *rate,
									reco_again *out, int32_t *n);

/*
 * The mean time from a user's basket to the next, over all users; 0: nobody has two at different
 * times.  time: of events, by reco_event_time.
 */
extern reco_status reco_again_interval(const reco_env *env, const reco_ordered *events,
									   const double *time, int32_t users, double *interval);

/* The same of one user of n events, drawn to that of all as if there had been one such more. */
extern double reco_again_interval_of(const reco_baskets *of, const double *time, double interval);

#endif /* RECO_CORE_SESSIONS_AGAIN_H */
