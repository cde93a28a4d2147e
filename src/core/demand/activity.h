/*
 * activity.h
 *	  How likely each user is to take anything within a time to come, from their own periods.
 *
 * Time is cut into periods as in demand.h.  From the period after the one in which a user began, a
 * period in which they took anything is a success, one in which they did not a failure; old ones
 * count less, w_k = 2^(-k / half_life).  The chance is Beta with the mean of all users, m, and a
 * strength of s periods:
 *
 *	 (s m + sum of w_k over successes) / (s + sum of w_k)
 *
 * half_life and s are those under which the latest period is likeliest, predicted from those
 * before. Whoever took nothing in the periods that are looked at has 0.
 *
 * Cost: a pass over the rows, and one over users and periods for each half-life.  Memory: 8 bytes a
 * user.
 */
#ifndef RECO_CORE_DEMAND_ACTIVITY_H
#define RECO_CORE_DEMAND_ACTIVITY_H

#include "core/data/triples.h"

typedef struct reco_activity_found
{
	double half_life; /* periods; INFINITY: all count alike */
	double strength;
	double expected; /* users who take something: the sum of chances */
} reco_activity_found;

/*
 * The users of x, whose rows after end do not count; chance: by user.  Errors: RECO_NO_MEMORY,
 * RECO_STOPPED.
 */
extern reco_status reco_activity_find(const reco_env *env, const reco_interactions *x, int64_t end,
									  int64_t length, double *chance, reco_activity_found *out);

#endif /* RECO_CORE_DEMAND_ACTIVITY_H */
