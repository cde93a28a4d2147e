/*
 * again.h
 *	  What users are due to buy again: purchases of an item by a user as Gamma-Poisson.
 *
 * Time is counted in the user's own baskets (ordered.h).  Of a user with L baskets who has an item
 * in basket x, from 1 on, first, and in k later ones, the item had V = L - x chances to come again,
 * and came k times.  How often it comes in a basket is drawn for each user from a gamma
 * distribution of the item's own, of shape alpha and mean m_i, so of rate b_i = alpha / m_i, and
 * now it comes g_i times as often as it did; then
 *
 *	 rate		 g_i (k + alpha) / (V + b_i), the mean of what is known now
 *	 score		 1 - ((V + b_i) / (V + b_i + g_i))^(k + alpha), that the next basket has it
 *	 due			 (V + b_i) / (k + alpha) / g_i, so many baskets after the last one with the item
 *
 * The mean of an item is estimated from all who have it, and drawn to that of items which as many
 * users have:
 *
 *	 m_i = (sum of k + m(u_i) e) / (sum of V + e),	m(u) = exp(a + c log u)
 *
 * with u_i the users who have the item, e the chances of `shrinkage` mean pairs of a user and an
 * item, and a and c the Poisson regression of the sums of k on those of V, with one more item of
 * mean log u that had one chance and came half a time, and -c^2 / 2: what many have comes again
 * more often.
 *
 * The growth g_i is gamma-Poisson, too: of n_i baskets with the item r_i were in the last days; of
 * all pairs of a basket and an item the share R was:
 *
 *	 g_i = (r_i + s) / (n_i R + s)
 *
 * Without times, or where all is as recent, it is 1.
 *
 * Baskets and not days: who comes once a month and who comes once a week run out of the same
 * things after as many baskets.  Source: Bhagat and others 2018 (Poisson-gamma), whose time is in
 * days, and whose items are drawn to nothing.
 */
#ifndef RECO_CORE_SESSIONS_AGAIN_H
#define RECO_CORE_SESSIONS_AGAIN_H

#include "core/data/ordered.h"
#include "core/sessions/repeat.h"

#define RECO_AGAIN_SHAPE 1.0
#define RECO_AGAIN_SHRINKAGE 20.0
/* What growth is of, in microseconds, and s. */
#define RECO_AGAIN_RECENT (14 * 86400e6)
#define RECO_AGAIN_STEADY 20.0

/* What is known of an item by what all users did. */
typedef struct reco_again_item
{
	float rate;   /* b_i */
	float growth; /* g_i */
} reco_again_item;

/* Numbers of an item. */
#define RECO_AGAIN_WIDTH 2

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
 * What is known of all items, from what all users did.  time: of events, by reco_event_time.
 * The same bits whatever the number of threads.  Cost: two passes over the events, and some ten
 * over the items.  Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_again_learn(const reco_env *env, const reco_ordered *events,
									const double *time, int32_t users, int32_t items,
									reco_again_item *out);

/* Bytes that reco_again_learn allocates. */
extern size_t reco_again_memory(int32_t items);

/*
 * The items that a user has, each once, best first, to out, which has room for as many as there are
 * events; *n receives how many.  Cost: n log n.  Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_again_items(const reco_env *env, const reco_baskets *of,
									const reco_again_item *known, reco_again *out, int32_t *n);

/*
 * The mean time from a user's basket to the next, over all users; 0: nobody has two at different
 * times.  time: of events, by reco_event_time.
 */
extern reco_status reco_again_interval(const reco_env *env, const reco_ordered *events,
									   const double *time, int32_t users, double *interval);

/* The same of one user of n events, drawn to that of all as if there had been one such more. */
extern double reco_again_interval_of(const reco_baskets *of, const double *time, double interval);

#endif /* RECO_CORE_SESSIONS_AGAIN_H */
