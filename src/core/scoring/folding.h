/*
 * folding.h
 *	  Many users folded in at once, whom threads share out.
 *
 *	 reco_folding_make(env, scorer, &folding)
 *	 reco_folding_run(folding, profile, n)		as often as there are batches
 *	 reco_folding_free(folding)
 *
 * Each profile comes out as reco_scorer_fold_in makes it, to the bit, whatever the number of
 * threads.  All on the main thread.
 */
#ifndef RECO_CORE_SCORING_FOLDING_H
#define RECO_CORE_SCORING_FOLDING_H

#include "core/scoring/scorer.h"

typedef struct reco_folding reco_folding;

/*
 * Of env->threads threads.  env is copied; what its arg points to, and the scorer, must live as
 * long.  Errors: RECO_NO_MEMORY.
 */
extern reco_status reco_folding_make(const reco_env *env, const reco_scorer *scorer,
									 reco_folding **folding);
extern void reco_folding_free(reco_folding *folding);

/*
 * Folds in n users.  What the profiles then point to besides their interactions and centers
 * belongs to the folding, until it is run again or freed.
 * Errors: those of reco_scorer_fold_in for the first user who has one.
 */
extern reco_status reco_folding_run(reco_folding *folding, reco_profile *profile, int32_t n);

#endif /* RECO_CORE_SCORING_FOLDING_H */
