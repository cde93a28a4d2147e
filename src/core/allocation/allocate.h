/*
 * allocate.h
 *	  Users for campaigns, at most one campaign each, so that the total value is the highest.
 *
 * maximize	 sum of v_uk x_uk	 over x_uk in {0, 1} of the candidates (u, k)
 * such that	 sum over k of x_uk <= 1,  sum over u of x_uk <= budget_k
 *
 * This is the transportation problem.  Users come in one after the other, each along a shortest
 * augmenting path: they take a place in a campaign, whose user moves on to another campaign, and
 * so on until a place was free or somebody is left out.  Each campaign has a price p_k, 0 as long
 * as it has places; at the end
 *
 *	 v_uk - p_k >= v_ul - p_l and >= 0	 for u in k and all l,	<= 0 for who is left out,
 *
 * so sum of budget_k p_k + sum over u of max(0, max over k of v_uk - p_k), an upper bound of every
 * allocation, is what this one comes to (up to rounding).
 *
 * Sources: Edmonds, Karp 1972 (shortest paths by reduced costs); Ahuja, Magnanti, Orlin, Network
 * Flows, 1993, chapter 9.
 *
 * The same candidates give the same allocation in whatever order they come.
 *
 * Cost: a search over at most `campaigns` nodes and their edges for a user whose best campaign is
 * full, and log n for every candidate of a user who is placed or moves.  Memory: 16 bytes a
 * candidate, 16 to 64 for each candidate of a user who is placed, 28 a user, and 16 for each pair
 * of campaigns.
 */
#ifndef RECO_CORE_ALLOCATION_ALLOCATE_H
#define RECO_CORE_ALLOCATION_ALLOCATE_H

#include "core/base/env.h"

#define RECO_ALLOCATE_MAX_CAMPAIGNS 1000

/* n candidates as they come: a pair that is there twice counts with the higher value. */
typedef struct reco_candidates
{
	int64_t n;
	const int32_t *user;     /* 0 .. users - 1 */
	const int32_t *campaign; /* 0 .. campaigns - 1 */
	const double *value;     /* finite; one that is not above 0 is never chosen */
	int32_t users;
	int32_t campaigns;     /* at most RECO_ALLOCATE_MAX_CAMPAIGNS */
	const int64_t *budget; /* of each campaign: how many users, at least 0 */
} reco_candidates;

/*
 * chosen receives for each user the candidate, 0 .. n - 1, or -1; price one for each campaign
 * (NULL: not wanted).  Of equal candidates of one pair the first is meant.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_allocate(const reco_env *env, const reco_candidates *c, int64_t *chosen,
								 double *price);

#endif /* RECO_CORE_ALLOCATION_ALLOCATE_H */
