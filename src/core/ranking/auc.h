/*
 * auc.h
 *	  How well scores tell what a user wants from all else.
 */
#ifndef RECO_CORE_RANKING_AUC_H
#define RECO_CORE_RANKING_AUC_H

#include "core/ranking/metrics.h"

/*
 * The area under the ROC curve: of the pairs of a wanted item and one that is neither wanted nor
 * the user's own, the share in which the wanted one has the higher score; equal scores count
 * half.  Of items that have no score, all with -infinity, none is higher than another; a wanted
 * item after the last is one of these.  own and wanted rise and share no item; sorted: room for the
 * scores of what is wanted.  NAN where there is nothing else.  Any thread; polls env.
 * Cost: a comparison of each item with each wanted one, or a binary search where these are many.
 */
extern reco_status reco_auc(const reco_env *env, const float *score, int32_t items,
							const int32_t *own, int64_t n_own, const int32_t *wanted,
							int64_t n_wanted, float *sorted, double *auc);

#endif /* RECO_CORE_RANKING_AUC_H */
