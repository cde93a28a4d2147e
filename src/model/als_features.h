/*
 * als_features.h
 *	  Factors of items and users of which a training knows features and nothing else.
 */
#ifndef RECO_MODEL_ALS_FEATURES_H
#define RECO_MODEL_ALS_FEATURES_H

#include "model/factors.h"

/* Whether features give factors to items and users without interactions. */
typedef enum RecoAlsFeatures
{
	RECO_ALS_FEATURES_AUTO, /* where there are any */
	RECO_ALS_FEATURES_NONE,
	RECO_ALS_FEATURES_RIDGE
} RecoAlsFeatures;

extern const char *const reco_als_features_names[];

extern RecoFeatureUse reco_als_features_use(RecoAlsFeatures features);
extern size_t reco_als_features_memory(const RecoTraining *training, RecoAlsFeatures features);

/* Fills in the factors, and biases, of such items and users; while the interactions by item are
 * there. */
extern void reco_als_features_fit(const RecoTraining *training, RecoAlsFeatures features,
								  const reco_csr *by_item, reco_factors *factors);

/*
 * The Gram matrix of the items that were trained on: others' factors do not count where a user is
 * folded in, as they did not in the training.
 */
extern void reco_als_features_gram(const RecoModel *model, const RecoMember *member, double *gram,
								   RecoBudget *budget);

#endif /* RECO_MODEL_ALS_FEATURES_H */
