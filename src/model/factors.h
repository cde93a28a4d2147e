/*
 * factors.h
 *	  What algorithms whose scores are inner products of factors share.
 */
#ifndef RECO_MODEL_FACTORS_H
#define RECO_MODEL_FACTORS_H

#include "model/model.h"

#include "core/scoring/score_factors.h"
#include "core/svd/svd.h"

/* 2^53: up to here a float8 keeps every whole number */
#define FACTOR_MAX_SEED 9007199254740992.0

/*
 * Threads are worth their waking up from a few milliseconds of work an iteration
 * on; the result is the same.
 */
extern bool factor_worth_threads(const RecoTraining *training, int factors);

/* An error when the linear algebra library computes wrong; looked at once a session. */
extern void factor_check_library(RecoBudget *budget);

/* svd.c: the options of such a spec, and how far a training of it is. */
extern reco_svd_params factor_svd_params(const RecoSpec *spec);
extern void factor_svd_iterated(void *training, int iteration);

/* The parts of every such model, in this order; an algorithm's own follow. */
enum
{
	FACTOR_ITEM,
	FACTOR_USER,
	FACTOR_INDEX,
	FACTOR_PARTS
};

extern void factor_parts(RecoPartType *type, int factors);

/* Makes FACTOR_INDEX; bias: of the items, NULL: none. */
extern void factor_index(RecoModel *model, RecoMember *member, const float *bias,
						 RecoBudget *budget);

/* What a scorer's struct begins with; bias likewise. */
extern reco_factor_scorer factor_scorer_of(const reco_scorer_type *type, const RecoModel *model,
										   const RecoMember *member, const float *bias,
										   bool clipped);

#endif /* RECO_MODEL_FACTORS_H */
