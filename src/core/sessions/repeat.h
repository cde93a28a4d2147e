/*
 * repeat.h
 *	  Users by what is in their baskets, and the nearest of these.
 *
 * With the T baskets of a user, b = 0 .. T - 1 from the oldest on, shared out in that order to
 * g = min(T, groups) groups of equal size, of which the last ones have one more where T is no
 * multiple of g:
 *
 *	 weight of b		w_b = decay^(T - 1 - b) group_decay^(g - 1 - k) / (g size_k)
 *	 vector of a user	x_i = group_decay^(groups - g) sum of w_b over the baskets with item i
 *
 * where k is the group of b from 0 on.  With one group it is the mean of the decayed baskets; who
 * has fewer baskets than there are groups has a shorter vector.
 * Users are compared by the Euclidean distance of their vectors, as Hu and others 2020 (TIFUKNN)
 * do, whose program decays baskets by their age among all.
 *
 * Cost of the nearest users: the entries of the lists of the user's items, and a pass over the
 * users.
 */
#ifndef RECO_CORE_SESSIONS_REPEAT_H
#define RECO_CORE_SESSIONS_REPEAT_H

#include "core/data/ordered.h"

typedef struct reco_repeat_weights
{
	double decay;       /* from 0 to 1, as is */
	double group_decay; /* this */
	int32_t groups;     /* at least 1 */
} reco_repeat_weights;

/* A user's events in order of time, as reco_ordered has them: those of one moment are a basket. */
typedef struct reco_baskets
{
	int64_t events;
	const int32_t *item;
	const float *moment;
} reco_baskets;

static inline reco_baskets
reco_baskets_of(const reco_ordered *events, int32_t user)
{
	int64_t from = events->start[user];

	return (reco_baskets){events->start[user + 1] - from, events->item + from,
						  events->moment + from};
}

/* What a user has of an item, while it is added up. */
typedef struct reco_repeat_sum
{
	double sum;
	int64_t basket; /* the last one that counted, from 1; 0: none has the item */
} reco_repeat_sum;

/* What the sums of a user are multiplied with: to be those of weights that add up to 1, */
typedef struct reco_repeat_scale
{
	double share;
	double vector; /* and to be the vector */
} reco_repeat_scale;

/*
 * Adds the weights of the baskets with an item to sum[item], which is zeros.  False: poll asked for
 * an end.  reco_repeat_clear makes it zeros again, from any state.
 */
extern bool reco_repeat_add(const reco_env *env, const reco_repeat_weights *weights,
							const reco_baskets *of, reco_repeat_sum *sum, reco_repeat_scale *scale);
extern void reco_repeat_clear(const reco_baskets *of, reco_repeat_sum *sum);

/* The vectors of all users. */
typedef struct reco_repeat_index
{
	reco_csr by_user; /* no zeros */
	reco_csr by_item;
	double *square; /* of a vector's length, by user */
} reco_repeat_index;

/*
 * The arrays belong to the caller: reco_repeat_index_free.
 * Cost: three passes over the events.  Memory: reco_repeat_index_memory.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_repeat_index_build(const reco_env *env, const reco_repeat_weights *weights,
										   const reco_ordered *events, int32_t users, int32_t items,
										   reco_repeat_index *out);
/* For so many events. */
extern size_t reco_repeat_index_memory(int64_t events, int32_t users, int32_t items);
extern void reco_repeat_index_free(const reco_env *env, reco_repeat_index *index);

typedef struct reco_repeat_near
{
	double distance; /* its square */
	int32_t user;
} reco_repeat_near;

/*
 * The n users, or fewer, that are nearest to a user whose sums are given, in an order that depends
 * on nothing else; of equal ones those of the smaller numbers.  Users whose vector is zeros do not
 * count, nor does `self`; -1: all do.  Of the sums the baskets are lost.  product: zeros for each
 * user, which they are not after RECO_STOPPED.
 */
extern reco_status reco_repeat_nearest(const reco_env *env, const reco_repeat_index *index,
									   const reco_baskets *of, reco_repeat_sum *sum, double scale,
									   int32_t self, int32_t n, double *product,
									   reco_repeat_near *out, int32_t *found);

/*
 * How much more, or less, an item comes again than items do: with m_i the sum over users of what
 * they have of it before their last basket, normalized, and r_i how many of those who have it
 * before have it in the last one as well:
 *
 *	 rate of i = (r_i + shrinkage r) / (m_i + shrinkage) / r,	r = sum of r_i / sum of m_i
 *
 * and 1 where nothing came again.  Cost: two passes over the events.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_repeat_rates(const reco_env *env, const reco_repeat_weights *weights,
									 const reco_ordered *events, int32_t users, int32_t items,
									 double shrinkage, float *rate);

#endif /* RECO_CORE_SESSIONS_REPEAT_H */
