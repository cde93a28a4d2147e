/*
 * overlap.h
 *	  Whether users agree with each other more than chance and popularity explain.
 */
#ifndef RECO_CORE_DATA_OVERLAP_H
#define RECO_CORE_DATA_OVERLAP_H

#include "core/data/csr.h"

/*
 * What two users have in common, in pairs of items, over what they would have if each had drawn
 * as many items as they have by nothing but the popularity of the items:
 *
 *	 sum over users u, v != u of c_uv (c_uv - 1) / (n_u n_v)
 *	 -------------------------------------------------------		  p_i: the share of item i
 *	 sum over the same of (n_u - 1) (n_v - 1) q						  in all interactions,
 *	 q = (sum of p_i^2)^2 - sum of p_i^4							  c_uv: items in common
 *
 * About 1 where there is nothing to learn beyond popularity, and the larger the more there is.
 * 1 where no two users could have two items in common.
 *
 * u are all users, or a random part of them that costs a bounded number of steps, and where that
 * would be more than `most`, v are of this part as well; which is drawn by their numbers, so that
 * equal matrices give equal results.
 *
 * Cost: two passes over the entries and 3e7 steps more, with eight for each entry, on average, or
 * fewer, on all threads; four to twelve bytes for an entry of the users u, and 28 for an item
 * and a user.
 */
#define RECO_OVERLAP_STEPS 2e8

extern reco_status reco_overlap(const reco_env *env, const reco_csr *by_user, double most,
								double *excess);

#endif /* RECO_CORE_DATA_OVERLAP_H */
