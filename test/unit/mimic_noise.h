/*
 * mimic_noise.h
 *	  Sources of random words for tests of noise: one with a seed, and one that has no more.
 */
#ifndef RECO_MIMIC_NOISE_H
#define RECO_MIMIC_NOISE_H

#include <stdbool.h>
#include <stddef.h>

/* Words that follow from how many were drawn before, in this program; arg is not looked at. */
extern bool mimic_noise(void *arg, void *to, size_t bytes);

extern bool mimic_no_noise(void *arg, void *to, size_t bytes);

#endif /* RECO_MIMIC_NOISE_H */
