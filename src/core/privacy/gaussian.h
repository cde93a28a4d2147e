/*
 * gaussian.h
 *	  Noise of a discrete Gaussian distribution, exactly.
 *
 *	 P(y) proportional to exp(-y^2 / (2 variance))	for whole numbers y
 *
 * Drawn with whole numbers alone, as that of laplace.h is and for the same reason.
 *
 * Source: Canonne, Kamath, Steinke 2020, "The discrete Gaussian for differential privacy",
 * algorithm 3.
 */
#ifndef RECO_CORE_PRIVACY_GAUSSIAN_H
#define RECO_CORE_PRIVACY_GAUSSIAN_H

#include "core/privacy/laplace.h"

#define RECO_GAUSSIAN_MOST (UINT64_C(1) << 56)

/* variance from 1 to RECO_GAUSSIAN_MOST.  Cost: some tens of random words, in the mean. */
extern int64_t reco_discrete_gaussian(reco_random *random, uint64_t variance);

#endif /* RECO_CORE_PRIVACY_GAUSSIAN_H */
