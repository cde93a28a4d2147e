/*
 * mimic_scorer.h
 *	  What must hold for the seats of any scorer, whatever its scores are.
 */
#ifndef RECO_MIMIC_SCORER_H
#define RECO_MIMIC_SCORER_H

#include "core/scoring/scorer.h"
#include "mimic_env.h"

/*
 * For each of n profiles: scores of all, of some and of the best have the same bits, in any
 * order of asking, on two threads at once as on one; a closed seat's scratch is zeros, also after
 * any poll that asked for an end.  Fails the test otherwise.
 */
extern void mimic_check_scorer(const reco_scorer *scorer, const reco_profile *profile, int n);

/* score[i] within tolerance of wanted[i], or both -infinity. */
extern void mimic_check_scores(const float *score, const long double *wanted, int32_t n,
							   double tolerance);

#endif /* RECO_MIMIC_SCORER_H */
