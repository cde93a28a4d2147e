/*
 * baseline.h
 *	  What a rating owes to its user and its item alone.
 */
#ifndef RECO_CORE_DATA_BASELINE_H
#define RECO_CORE_DATA_BASELINE_H

#include "core/data/csr.h"

/*
 * Fits value = mean + user_bias + item_bias by alternating sweeps, with biases
 * damped towards 0 (baseline.c).  The arrays belong to the caller: rows and cols of by_user long.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_baseline_fit(const reco_env *env, const reco_csr *by_user, double *mean,
									 float *user_bias, float *item_bias);

/* The bias of one more user.  RECO_OK or RECO_STOPPED. */
extern reco_status reco_baseline_user(const reco_env *env, double mean, const float *item_bias,
									  int64_t n, const int32_t *item, const float *value,
									  float *bias);

#endif /* RECO_CORE_DATA_BASELINE_H */
