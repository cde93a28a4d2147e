/*
 * als_prior.h
 *	  Users as another model knows them: the centers of their factors.
 */
#ifndef RECO_MODEL_ALS_PRIOR_H
#define RECO_MODEL_ALS_PRIOR_H

#include "core/als/als.h"
#include "model/factors.h"

/* The part that keeps them, for fold-ins. */
extern RecoPartType reco_als_prior_part_type(const reco_als_params *params);

/*
 * name: of the other model; NULL: there is none.  Memory: what reco_als_prior_centers takes; an
 * error where the other model's factors are not as many.
 */
extern size_t reco_als_prior_memory(const RecoTraining *training, const char *name,
									const reco_als_params *params);

/* Of one user of the data, zeros behind its numbers, to reco_als_center_stride floats. */
extern void reco_als_prior_center(const RecoSpec *spec, const reco_als_params *params,
								  const RecoPrior *prior, int32 user, float *to);

/* One for each user of the training, as reco_als_fit takes them, from the budget; or NULL. */
extern float *reco_als_prior_centers(const RecoTraining *training, const char *name,
									 const reco_als_params *params);

#endif /* RECO_MODEL_ALS_PRIOR_H */
