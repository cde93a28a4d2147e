/*
 * purchases.h
 *	  How likely users are to take items, from scores: calibrated on what they took.
 *
 * A score orders a user's items, and means nothing by itself.  Of users who took anything in a time
 * that the model was not trained on, the share of pairs in which the item was taken, by score, is
 * a probability: made not to fall as scores rise (isotonic regression), apart for items that the
 * user had before, which a model has been fitted to, and for those that they had not, and for items
 * of which it says nothing.
 *
 * What is expected of an item is not to be told by what came of this very item, or a model would
 * seem better than it is where that is compared.  So items are in two halves by their numbers, each
 * with a calibration of its own, for the items of the other one, beside the one that is of all.
 *
 * Scores are told apart by their first 16 bits, so to within 1/128 of their size, whatever their
 * range is.  Counts are whole, and probabilities are added as multiples of 2^-31, so that what is
 * found has the same bits for any number of threads.
 *
 * Cost: the scores of all items of all users that are looked at, and a few nanoseconds each.
 * Memory: for each thread 4 MB to calibrate, 8 bytes an item to add up.
 *
 * Source: Zadrozny and Elkan 2002, transforming scores into probabilities.
 */
#ifndef RECO_CORE_SCORING_PURCHASES_H
#define RECO_CORE_SCORING_PURCHASES_H

#include "core/base/rng.h"
#include "core/scoring/engine.h"

#define RECO_SCORE_BINS 65536

/* The half of an item. */
static inline int
reco_half_of(int32_t item)
{
	return (int) (reco_rng_mix((uint64_t) item + UINT64_C(0x9e3779b97f4a7c15)) >> 63);
}

/* By bin of the score, in the order of scores: probabilities times 2^31. */
typedef struct reco_probabilities
{
	uint32_t of[2][RECO_SCORE_BINS]; /* of what users had not, and of what they had */
} reco_probabilities;

typedef struct reco_calibration
{
	reco_probabilities half[2]; /* by the items of either half */
	reco_probabilities all;
} reco_calibration;

/* What is asked of a model. */
typedef struct reco_purchases
{
	const reco_scorer *scorer;
	/* as in reco_pass */
	bool (*profile)(void *arg, int64_t user, reco_profile *profile);
	void *arg;
	int64_t users; /* who are looked at, and which of the scorer's users they are */
	const int32_t *user;
} reco_purchases;

/* Bytes that the two take. */
extern size_t reco_purchases_bytes(const reco_scorer *scorer, int threads);

/*
 * Calibrates on users who took something: the k-th of those who are looked at took
 * item[start[k]] .. item[start[k + 1] - 1], each once.  Where there are none all is 0.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_purchases_calibrate(const reco_env *env, const reco_purchases *purchases,
											const int64_t *start, const int32_t *item,
											reco_calibration *out);

/*
 * For each item the sum over users of how likely they take it, the k-th user's times chance[k],
 * from 0 to 1.  Errors: as above.
 */
extern reco_status reco_purchases_expect(const reco_env *env, const reco_purchases *purchases,
										 const double *chance, const reco_calibration *calibration,
										 bool across, double *expected);

#endif /* RECO_CORE_SCORING_PURCHASES_H */
