/*
 * assignment.h
 *	  Which of several gets a user, by hashes.
 */
#ifndef RECO_CORE_INFERENCE_ASSIGNMENT_H
#define RECO_CORE_INFERENCE_ASSIGNMENT_H

#include <stdint.h>

/*
 * The one of n with the least -ln(x) / weight, x in (0, 1) made of its hash: each has its share
 * of the weights (NULL: all 1), and where one gains weight, is added or taken away, only users
 * that come to it or leave it move (weighted rendezvous hashing).  A weight of 0 gets nobody;
 * weights are finite, none is negative and one is above 0.  The same on every IEEE machine: no
 * function of a mathematical library is called.
 */
extern int reco_assignment(const uint64_t *hash, const double *weight, int n);

/* The hash's upper 52 bits and a half, as a fraction: exact, above 0 and below 1. */
extern double reco_hash_fraction(uint64_t hash);
/* -ln(x) of an x above 0 and at most 1, good to a few units in the last place. */
extern double reco_minus_log(double x);

#endif /* RECO_CORE_INFERENCE_ASSIGNMENT_H */
