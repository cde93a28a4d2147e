/*
 * policy.h
 *	  What another policy would have got, by a log of what was shown by chance.
 *
 * Of everything that was shown are known its reward r, its propensity p, how likely it was to be
 * shown, and q, how likely the other policy would show it: w = q / p.  Where all that the other
 * policy may show could be shown, the mean of w r is what it would get (inverse propensity
 * scoring, Horvitz and Thompson 1952), and that of w is 1.  Self-normalized, sum w r / sum w
 * (Hajek; Swaminathan and Joachims 2015), it varies less, and is off by less than it varies.
 * Doubly robust (Dudik, Langford and Li 2011), m + w (r - f) with a prediction f of r, and m of
 * what the other policy would get there, it varies less the better the prediction, and is right
 * whatever that is.  Users are independent, what is shown to one is not.
 */
#ifndef RECO_CORE_INFERENCE_POLICY_H
#define RECO_CORE_INFERENCE_POLICY_H

#include "core/inference/estimates.h"

/* Sums of a user: how much was shown, and of these r, w, w r and m + w (r - f). */
typedef enum reco_policy_sum
{
	RECO_POLICY_N,
	RECO_POLICY_R,
	RECO_POLICY_W,
	RECO_POLICY_WR,
	RECO_POLICY_D,
	RECO_POLICY_SUMS
} reco_policy_sum;

typedef struct reco_policy_log
{
	double users;
	double sum[RECO_POLICY_SUMS];
	double product[RECO_POLICY_SUMS][RECO_POLICY_SUMS]; /* of the sums of each user */
	/* of everything shown by itself: w^2, |w r|, (w r)^2 */
	double weights_squared;
	double gains;
	double gains_squared;
} reco_policy_log;

typedef enum reco_policy_verdict
{
	RECO_POLICY_TOLD,
	/* the other policy would show what could not be shown: weights are below 1 on average */
	RECO_POLICY_NOT_SHOWN,
	/* propensities are too low, or the other policy's probabilities too high */
	RECO_POLICY_NOT_LIKELY,
	/* what was shown by chance, and rewarded, is too little */
	RECO_POLICY_TOO_FEW
} reco_policy_verdict;

typedef struct reco_policy_answer
{
	reco_measured logged; /* the mean reward of what was shown */
	reco_measured weighted;
	reco_measured normalized;
	reco_measured robust;
	reco_measured weight;   /* the mean of w */
	double effective;       /* as much shown by the other policy would tell as much */
	double effective_gains; /* rewards that the estimate rests on, likewise */
	reco_policy_verdict verdict;
} reco_policy_answer;

/* Below this the answer is RECO_POLICY_TOO_FEW. */
#define RECO_POLICY_LEAST 100
#define RECO_POLICY_LEAST_GAINS 50

/*
 * Where no reward is below 0 the intervals are those of a score test, the variance in proportion
 * to what is estimated: few large gains make low estimates look surer than they are.
 */
extern void reco_policy_estimate(const reco_policy_log *log, double z, reco_policy_answer *answer);

#endif /* RECO_CORE_INFERENCE_POLICY_H */
