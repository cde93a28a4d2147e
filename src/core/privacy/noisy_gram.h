/*
 * noisy_gram.h
 *	  For how many users items, and pairs of items, count, with noise: of what linear models between
 *	  items and similarities are made, so that these tell little about any one user.
 *
 * A user has the items whose value is above 0; values count no further.  Of who has many each
 * counts less, as mechanism.h says: with n items against `most` by n : most in the counts, and by
 * n (n + 1) / 2 : most (most + 1) / 2 in the pairs with the diagonal, which are the elements of the
 * lower triangle of X'X.  These are told of some items only, chosen by the counts with their
 * noise: of the others there is nothing but noise.
 */
#ifndef RECO_CORE_PRIVACY_NOISY_GRAM_H
#define RECO_CORE_PRIVACY_NOISY_GRAM_H

#include "core/data/csr.h"
#include "core/linear/packed.h"
#include "core/privacy/mechanism.h"

typedef struct reco_noisy_params
{
	reco_privacy privacy;
	int32_t most;  /* items that a user counts for in full */
	int32_t items; /* that pairs are counted of, at most */
	double least;  /* of these items' counts, in deviations of the noise of pairs */
	/* delta of which items there are (reco_mechanism_threshold); 0: that is known */
	double unseen;
} reco_noisy_params;

typedef struct reco_noisy_gram
{
	double *count;      /* of all items, with noise; may be below 0; 0: it is not told of */
	int32_t *item;      /* those that are chosen, in order; gram.n, which may be 0 */
	reco_packed gram;   /* of these */
	double count_noise; /* the deviations of the noise */
	double noise;
} reco_noisy_gram;

/* The mechanisms of the counts and of the pairs, which share what is to be kept. */
extern reco_status reco_noisy_mechanisms(const reco_noisy_params *params, reco_mechanism *counts,
										 reco_mechanism *pairs);

/*
 * For how many users items count, with the noise of m; may be below 0.  threshold above 0: it is
 * 0 where it is less than that.  As below.
 */
extern reco_status reco_noisy_counts(const reco_env *env, const reco_mechanism *m,
									 const reco_csr *by_user, int64_t threshold,
									 reco_random *random, double *count);

extern size_t reco_noisy_gram_memory(const reco_noisy_params *params, const reco_csr *by_user,
									 int threads);

/*
 * random->failed afterwards: what was made is of no use.  RECO_INVALID: reco_mechanism_init.
 * RECO_NO_MEMORY, RECO_STOPPED; what has been made is left for reco_noisy_gram_free.
 * Cost: two draws and a pass over the interactions for the counts, one for each pair of items that
 * are chosen, on the calling thread; and reco_cross.
 */
extern reco_status reco_noisy_gram_make(const reco_env *env, const reco_noisy_params *params,
										const reco_csr *by_user, reco_random *random,
										reco_noisy_gram *out);
extern void reco_noisy_gram_free(const reco_env *env, reco_noisy_gram *g);

#endif /* RECO_CORE_PRIVACY_NOISY_GRAM_H */
