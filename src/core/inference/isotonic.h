/*
 * isotonic.h
 *	  Means that do not fall, nearest to given ones.
 */
#ifndef RECO_CORE_INFERENCE_ISOTONIC_H
#define RECO_CORE_INFERENCE_ISOTONIC_H

#include <stdint.h>

/*
 * Replaces n means by those that do not fall from one to the next and are nearest to them in
 * squares, each as often as its weight, above 0, says: pool adjacent violators.  weight and size,
 * which has room for n, are overwritten.
 *
 * Cost: a pass.  Source: Ayer et al. 1955; of probabilities, Zadrozny and Elkan 2002.
 */
extern void reco_isotonic(double *mean, double *weight, int32_t *size, int32_t n);

#endif /* RECO_CORE_INFERENCE_ISOTONIC_H */
