/*
 * split.h
 *	  A part of every user's interactions is hidden: what is trained on, and what is to be found.
 */
#ifndef RECO_CORE_RANKING_SPLIT_H
#define RECO_CORE_RANKING_SPLIT_H

#include "core/data/triples.h"

/*
 * Hides of each user with n interactions the nearest whole number to fraction * n, but not all:
 * those that reco_hold_out (metrics.h) takes.  Both parts have the users and items of x, and of
 * each interaction its sum, latest value and time where x has them; their arrays belong to the
 * caller.  On an error nothing is left.
 * Memory: that of x, and 9 bytes for each interaction of the longest user.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_split(const reco_env *env, const reco_interactions *x, double fraction,
							  uint64_t seed, reco_interactions *train, reco_interactions *hidden);

#endif /* RECO_CORE_RANKING_SPLIT_H */
