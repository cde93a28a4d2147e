/*
 * als_loss.h
 *	  The objective of als.h, row by row, for trainings whose rows are not in memory.
 *
 * Users come one after the other, each whole; what the items' penalties go by is added up on the
 * way.  After the last user the objective is known, as reco_als_fit tells it after an iteration
 * (centers are not for here).
 *
 * Cost: n d a user and d^2 for the implicit model; 16 bytes an item.
 */
#ifndef RECO_CORE_ALS_ALS_LOSS_H
#define RECO_CORE_ALS_ALS_LOSS_H

#include "core/als/als.h"

typedef struct reco_als_loss
{
	const reco_als_params *params;
	int32_t items;
	int stride;             /* of item */
	const float *item;      /* items x stride */
	const float *item_bias; /* NULL: none */
	double mean;
	const double *gram; /* of the items, d x d; NULL in the explicit model */
	double *entries;    /* items: how many users have it, */
	double *weight;     /* and the sum of their weights */
	double users;       /* that were added */
	double sum;
} reco_als_loss;

/* entries and weight are allocated through env.  RECO_NO_MEMORY. */
extern reco_status reco_als_loss_init(const reco_env *env, reco_als_loss *loss);
extern void reco_als_loss_release(const reco_env *env, reco_als_loss *loss);

/* A user with n items, numbers below `items`; value NULL: ones.  bias: 0 without biases. */
extern void reco_als_loss_add(reco_als_loss *loss, int64_t n, const int32_t *idx,
							  const float *value, const float *x, float bias);

/* The objective of all users that were added, and of the items. */
extern double reco_als_loss_total(const reco_als_loss *loss);

#endif /* RECO_CORE_ALS_ALS_LOSS_H */
