/*
 * ordered.h
 *	  What users did, in order of time.
 *
 * An event is a row of a source, before those of one item are merged.  A user's events are in
 * order of time, the oldest first; those of one time by the number of their item, so that the
 * order in which rows arrived does not matter.  A time that is not known (INT64_MIN) is before all
 * others; without times there is but one time.
 *
 * Where sessions are cut, an event that comes the gap or more after the one before begins
 * another session of the user: it is two moments later, so that whoever has the moments knows.
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
	/*
	 * the number of the event's basket among those of its user, from 0 to RECO_LAST_MOMENT; one is
	 * left out before each session but the first
	 */
	float *moment;
	int64_t *time; /* of events; NULL: they are not asked for */
} reco_ordered;

/* Times that come after so many others are one: beyond it not every number is a float. */
#define RECO_LAST_MOMENT 16777215.0f

/* Whether event e, which is not the user's first, begins a session. */
static inline bool
reco_begins_session(const float *moment, int64_t e)
{
	return moment[e] > moment[e - 1] + 1;
}

/* Whether so much lies between two times; what is not known is before all.  gap 0: never. */
static inline bool
reco_is_gap(int64_t before, int64_t after, int64_t gap)
{
	return gap > 0 && before != INT64_MIN && (uint64_t) after - (uint64_t) before >= (uint64_t) gap;
}

/*
 * A time of an event in microseconds; unit: of times, likewise, 0: they are no times but numbers.
 * One that is not known, or is infinite, or 317 years and more from the beginning of 2000, is
 * -RECO_NO_TIME or RECO_NO_TIME: what is nearer is a float8 to a microsecond or two.
 */
#define RECO_NO_TIME 1e16

static inline double
reco_event_time(int64_t time, int64_t unit)
{
	double x = (double) time * (double) unit;

	if (unit == 0 || time == INT64_MIN || x <= -RECO_NO_TIME)
		return -RECO_NO_TIME;
	return x < RECO_NO_TIME ? x : RECO_NO_TIME;
}

static inline bool
reco_is_time(double time)
{
	return time > -RECO_NO_TIME && time < RECO_NO_TIME;
}

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
 * rise (kept NULL: all are), to item and moment, and leaves them in order in event.  gap: between
 * sessions; 0: they are not cut.  Returns how many there are, or -1 when poll
 * asked for an end.
 * Cost: n log n.
 */
extern int64_t reco_ordered_user(const reco_env *env, reco_timed *event, int64_t n,
								 const int32_t *kept, int64_t n_kept, int64_t gap, int32_t *item,
								 float *moment);

/* The events of user u as they lie in the matrix: how many, or -1 when poll asked for an end. */
extern int64_t reco_ordered_rows(const reco_env *env, const reco_interactions *x, int32_t u,
								 reco_timed *event);
/* So many events the user has who has most; a pass over the users.  -1 to stop. */
extern int64_t reco_ordered_longest(const reco_env *env, const reco_interactions *x);

/*
 * Gives n events, ordered as above, the moments of baskets of that length; 0: they have them.
 * Moments that are further apart than one stay so.  False when poll asked for an end.
 */
extern bool reco_ordered_baskets(const reco_env *env, const reco_timed *event, int64_t n,
								 int64_t basket, float *moment);

/*
 * The events of all users, with their times if these are asked for, cut by x->session_gap.  Where
 * pairs repeat, x has the rows of repeats.  The arrays belong to the caller: reco_ordered_free.
 * Cost: a pass over the rows, and n log n for a user of n.  Memory: reco_ordered_memory.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_ordered_make(const reco_env *env, const reco_interactions *x, bool times,
									 reco_ordered *out);

/* A pass over the users.  0 when poll asked for an end. */
extern size_t reco_ordered_memory(const reco_env *env, const reco_interactions *x, bool times);
/*
 * The times by reco_event_time, in the place of those of events, which are no times any
 * more; NULL when poll asked for an end.
 */
extern double *reco_ordered_times(const reco_env *env, reco_ordered *ordered, int32_t users,
								  int64_t unit);
extern void reco_ordered_free(const reco_env *env, reco_ordered *ordered);

/*
 * The sessions of events, in the order of users: events whose rows are these, the arrays of
 * `ordered` but for start.  A user without events has one that is empty.  first: users + 1: each
 * user's first session; NULL: not asked for.  Errors: RECO_NO_MEMORY, RECO_STOPPED, and
 * RECO_INVALID where there are more than `most`, which is RECO_MOST_SESSIONS or less.
 */
#define RECO_MOST_SESSIONS (INT32_MAX - 1)

extern reco_status reco_ordered_sessions(const reco_env *env, const reco_ordered *ordered,
										 int32_t users, int32_t most, int32_t *first,
										 int32_t *sessions, reco_ordered *out);

#endif /* RECO_CORE_DATA_ORDERED_H */
