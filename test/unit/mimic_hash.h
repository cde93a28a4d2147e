/*
 * mimic_hash.h
 *	  A scorer that can be understood at a glance.
 */
#ifndef RECO_MIMIC_HASH_H
#define RECO_MIMIC_HASH_H

#include "core/scoring/scorer.h"
#include "mimic_env.h"

/* A profile's bias is the user's number.  Predictions are within -1 .. 4. */
extern reco_scorer mimic_hash_scorer(int32_t items);

/* Its score, -2 .. 4 or -infinity, and whether scores are personal. */
extern float mimic_hash_score(int64_t user, int32_t item);
extern bool mimic_hash_is_personal(int64_t user);

/* How often a seat was used as it must not be, since the last time this was asked. */
extern long mimic_hash_errors(void);

#endif /* RECO_MIMIC_HASH_H */
