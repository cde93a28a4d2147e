/*
 * laplace.h
 *	  Noise of a discrete Laplace distribution, exactly.
 *
 *	 P(y) proportional to exp(-|y| s / t)	for whole numbers y
 *
 * Drawn with whole numbers alone: a sampler that rounds, as those of the continuous distribution
 * do, gives away by its least bits what the noise was added to (Mironov 2012).
 *
 * Source: Canonne, Kamath, Steinke 2020, "The discrete Gaussian for differential privacy",
 * algorithms 1 and 2.
 */
#ifndef RECO_CORE_PRIVACY_LAPLACE_H
#define RECO_CORE_PRIVACY_LAPLACE_H

#include "core/base/env.h"

#define RECO_RANDOM_WORDS 512

__extension__ typedef unsigned __int128 reco_wide;

/* A source of random bits that nobody can foresee, with some of them in store. */
typedef struct reco_random
{
	bool (*fill)(void *arg, void *to, size_t bytes); /* false: it has none */
	void *arg;
	int left;    /* of the words */
	bool failed; /* then what is drawn is of no use */
	uint64_t word[RECO_RANDOM_WORDS];
} reco_random;

/* Uniform from 0 to n - 1; n above 0. */
extern uint64_t reco_random_below(reco_random *random, uint64_t n);

/*
 * Whether an event of probability exp(-n / d) happened; n at most d, d from 1 to 2^118: the
 * number of draws, which d is multiplied with, passes a thousand never.
 */
extern bool reco_random_exp(reco_random *random, reco_wide n, reco_wide d);

/* s and t from 1 to 2^50.  Cost: some tens of random words, in the mean. */
extern int64_t reco_discrete_laplace(reco_random *random, uint64_t s, uint64_t t);

#endif /* RECO_CORE_PRIVACY_LAPLACE_H */
