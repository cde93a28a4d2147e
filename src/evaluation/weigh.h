/*
 * weigh.h
 *	  Weights that were left open, found by what is hidden.
 */
#ifndef RECO_EVALUATION_WEIGH_H
#define RECO_EVALUATION_WEIGH_H

#include "core/scoring/stacking.h"
#include "model/model.h"

/*
 * Finds the weights that asked leaves open, of members first, with a prepared model that was
 * trained of it: the specs of the model and its members then have them.  by: all but the scorer,
 * what it predicts and the truth, which are latest or, where there are none, the values of what is
 * hidden.  True: some are found that are better than equal ones.
 */
extern bool reco_weigh(const reco_stacking *by, float *latest, const RecoSpec *asked,
					   RecoModel *model, RecoBudget *budget);

#endif /* RECO_EVALUATION_WEIGH_H */
