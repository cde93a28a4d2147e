/*
 * bpr.h
 *	  Factors that rank what users have before what they have not: Bayesian personalized ranking
 *	  and WARP, by stochastic gradient descent.
 *
 * score = b_i + p_u.q_i, where b_i may be left out.  A sample is an interaction (u, i) and an item
 * j that u has not; with x = score_i - score_j its loss is
 *
 *	 bpr	-ln s(x),	s(x) = 1 / (1 + e^-x)
 *	 warp	w max(0, 1 - x)
 *
 * and each number in it has regularization / 2 times its square besides.  For warp j is the first
 * of up to max_sampled draws with x < 1; found at the s-th, it says that about (items - 1) / s
 * items are as wrong, and w = min(1, ln of that / 10).  Items are drawn evenly, or by
 * n_i^popularity.
 *
 * An iteration takes as many samples as there are interactions.  Users and items are dealt into
 * blocks, users once and items anew for each iteration; in a cell, a block of users and one of
 * items, samples have both of their items from there.  Cells that share no block go side by side,
 * so that threads never meet, and every number comes from a counter, not from who asks: the result
 * has the same bits for any number of threads.
 *
 * Steps fall from the learning rate in the first iteration to near 0 in the last.
 *
 * In the end each user is folded in: p_u is found anew from 0 with the items as they are, by a
 * number of samples with falling steps.  A new user is found in the same way.
 *
 * Values above 0 are interactions, whatever their size; others are not.
 *
 * Sources: Rendle et al. 2009; Weston, Bengio, Usunier 2011; blocks as in Gemulla et al. 2011.
 *
 * Cost: an iteration takes n samples of some 10 d operations, for warp up to max_sampled times
 * 2 d more.
 */
#ifndef RECO_CORE_BPR_BPR_H
#define RECO_CORE_BPR_BPR_H

#include "core/base/env.h"
#include "core/data/csr.h"

#define RECO_BPR_MAX_FACTORS 1024
#define RECO_BPR_MAX_SAMPLED 1000
/* The largest number of a model. */
#define RECO_BPR_LARGEST 1e16

typedef enum reco_bpr_loss
{
	RECO_BPR,
	RECO_WARP
} reco_bpr_loss;

typedef struct reco_bpr_params
{
	reco_bpr_loss loss;
	int factors;           /* 1 .. RECO_BPR_MAX_FACTORS */
	int iterations;        /* >= 1 */
	double learning_rate;  /* above 0, at most 1 */
	double regularization; /* 0 .. 1 */
	int max_sampled;       /* 1 .. RECO_BPR_MAX_SAMPLED */
	double popularity;     /* 0: draw evenly */
	bool biases;
	uint64_t seed;
} reco_bpr_params;

/* Row r of a side is factors + (size_t) r * stride; what is past the factors is 0. */
typedef struct reco_bpr
{
	int32_t users;
	int32_t items;
	int factors;
	int stride; /* factors rounded up to a multiple of 16 */
	float *user;
	float *item;
	float *bias;    /* items */
	double *chance; /* items: how much of all draws goes to it and those before; NULL: evenly */
} reco_bpr;

/* After each iteration; loss: the mean of a part of the samples, before they moved. */
typedef void (*reco_bpr_progress)(void *arg, int iteration, double loss);

/* Upper bound of what reco_bpr_fit allocates, result included, in bytes. */
extern size_t reco_bpr_memory(const reco_bpr_params *params, const reco_csr *by_user);

/*
 * out's arrays are allocated through env and belong to the caller (on failure nothing is left
 * allocated).  RECO_SINGULAR: numbers grew beyond all bounds, the learning rate being too large.
 * Errors: RECO_INVALID (params), RECO_NO_MEMORY, RECO_STOPPED, RECO_SINGULAR.
 */
extern reco_status reco_bpr_fit(const reco_env *env, const reco_bpr_params *params,
								const reco_csr *by_user, reco_bpr_progress progress,
								void *progress_arg, reco_bpr *out);

/*
 * More items without a training: `base` is a model, of its items, and item says, by item of the
 * new one, which it is there; -1: it is new.  Items that are known keep their numbers.  Users are
 * folded in with these alone.  An item that is new is then found from 0 by samples: its
 * interactions against known items that are drawn as ever, and as often as it would be drawn
 * itself, known interactions of users who have it not against it; with the users and the known
 * items as they are, and steps that fall from the learning rate to near 0.  In the end all users
 * are folded in with all items.  Items are found each by itself: the same bits for any number of
 * threads.  An item without interactions is at 0.  Errors as of reco_bpr_fit.
 */
extern reco_status reco_bpr_extend(const reco_env *env, const reco_bpr_params *params,
								   const reco_csr *by_user, const reco_bpr *base,
								   const int32_t *item, reco_bpr *out);

extern size_t reco_bpr_extend_memory(const reco_bpr_params *params, const reco_csr *by_user,
									 int32_t base_items);

extern void reco_bpr_free(const reco_env *env, reco_bpr *bpr);

/*
 * A user by n interactions with rising items, against the items of a model: model->item, bias and
 * chance.  p receives stride floats, on a cache line.  Any thread; env is asked by poll.
 * RECO_STOPPED.
 */
extern reco_status reco_bpr_fold_in(const reco_env *env, const reco_bpr_params *params,
									const reco_bpr *model, int64_t n, const int32_t *item,
									const float *value, float *p);

#endif /* RECO_CORE_BPR_BPR_H */
