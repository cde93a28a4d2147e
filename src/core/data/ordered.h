/*
 * ordered.h
 *	  What users did, in order of time.
 *
 * An event is a row of a source, before those of one item are merged.  A user's events are in
 * order of time, the oldest first; those of one time by the number of their item, so that the
 * order in which rows arrived does not matter.  A time that is not known (INT64_MIN) is before all
 * others; without times there is but one time.
 *
 * Where baskets are longer than a time, events of one basket have one moment, in the order of their
 * times.  Baskets begin at multiples of their length, so at midnight UTC where that is a day.
 */
#ifndef RECO_CORE_DATA_ORDERED_H
#define RECO_CORE_DATA_ORDERED_H

#include "core/data/triples.h"

typedef struct reco_ordered
{
	int64_t *start; /* users + 1 */
	int32_t *item;
	/* the number of the event's basket among those of its user, from 0 to RECO_LAST_MOMENT */
	float *moment;
} reco_ordered;

/* Times that come after so many others are one: beyond it not every number is a float. */
#define RECO_LAST_MOMENT 16777215.0f

/* An event on its way to its place. */
typedef struct reco_timed
{
	int64_t time;
	int32_t item;
} reco_timed;

/* The number of the basket of a time, which rises with it; what is not known has its own. */
static inline int64_t
reco_basket_of(int64_t time, int64_t basket)
{
	if (basket <= 1 || time == INT64_MIN)
		return time;
	return time >= 0 ? time / basket : -1 - (-1 - time) / basket;
}

/*
 * Orders the n events of a user, but for those of items that are not among the n_kept ones, which
 * rise (kept NULL: all are), to item and moment, and leaves them in order in event.  Returns how
 * many there are, or -1 when poll asked for an end.
 * Cost: n log n.
 */
extern int64_t reco_ordered_user(const reco_env *env, reco_timed *event, int64_t n,
								 const int32_t *kept, int64_t n_kept, int32_t *item, float *moment);

/*
 * Gives n events, ordered as above, the moments of baskets of that length; 0: they have them.
 * Moments that are further apart than one stay so.  False when poll asked for an end.
 */
extern bool reco_ordered_baskets(const reco_env *env, const reco_timed *event, int64_t n,
								 int64_t basket, float *moment);

/*
 * The events of all users.  Where pairs repeat, x has the rows of repeats.  The arrays belong to
 * the caller: reco_ordered_free.
 * Cost: a pass over the rows, and n log n for a user of n.  Memory: reco_ordered_memory.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_ordered_make(const reco_env *env, const reco_interactions *x,
									 reco_ordered *out);

/* A pass over the users.  0 when poll asked for an end. */
extern size_t reco_ordered_memory(const reco_env *env, const reco_interactions *x);
extern void reco_ordered_free(const reco_env *env, reco_ordered *ordered);

#endif /* RECO_CORE_DATA_ORDERED_H */
