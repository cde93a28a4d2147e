/*
 * fold_in_read.h
 *	  What reco.fold_in() reads of a source.
 */
#ifndef RECO_LIFECYCLE_FOLD_IN_READ_H
#define RECO_LIFECYCLE_FOLD_IN_READ_H

#include "lifecycle/train.h"

#include "store/image/serving.h"
#include "store/source/source.h"

/*
 * The interactions of the users who are asked for (NULL: all), and perhaps of others, as the source
 * is read as a whole where it does not answer by user.
 */
extern RecoData *reco_fold_in_read(RecoRun *run, const Serving *serving, const RecoQuery *source,
								   const RecoKnown *known, IdDict *asked);

#endif /* RECO_LIFECYCLE_FOLD_IN_READ_H */
