/*
 * policy.c
 *	  What another policy would have got, by a log of what was shown by chance.
 *
 * All estimates are ratios of sums over users, with the variance of the delta method.  Effective
 * numbers are Kish's, (sum w)^2 / sum w^2.
 *
 * Cost: some operations; sums are the caller's.
 */
#include "core/inference/policy.h"

#include <math.h>

/* Weights whose mean is off by less are near enough, and off by fewer errors may be chance. */
#define NEAR 0.02
#define CHANCE 3

static reco_measured
ratio(const reco_policy_log *log, reco_policy_sum x, reco_policy_sum y, double z)
{
	reco_ratio_sums sums = {log->users,         log->sum[x],        log->sum[y],
							log->product[x][x], log->product[x][y], log->product[y][y]};

	return reco_ratio_measured(&sums, z);
}

/* Where (value - x)^2 = z^2 variance x / value. */
static void
score_interval(reco_measured *m, double z)
{
	double each = m->variance / m->value;
	double middle = m->value + z * z * each / 2;
	double half = z * sqrt(m->variance + z * z * each * each / 4);

	if (!(m->value > 0))
		return;
	m->low = middle - half;
	m->high = middle + half;
}

static double
effective(double sum, double squares)
{
	return squares > 0 ? sum * sum / squares : 0;
}

static reco_policy_verdict
verdict(const reco_policy_answer *answer)
{
	double off = answer->weight.value - 1;
	/* without a variance no weight differs from another, and nothing is chance */
	double error = isnan(answer->weight.variance) ? 0 : sqrt(answer->weight.variance);

	if (!(fabs(off) <= NEAR || fabs(off) <= CHANCE * error))
		return off < 0 ? RECO_POLICY_NOT_SHOWN : RECO_POLICY_NOT_LIKELY;
	if (!(answer->effective >= RECO_POLICY_LEAST &&
		  answer->effective_gains >= RECO_POLICY_LEAST_GAINS))
		return RECO_POLICY_TOO_FEW;
	return RECO_POLICY_TOLD;
}

void
reco_policy_estimate(const reco_policy_log *log, double z, reco_policy_answer *answer)
{
	answer->logged = ratio(log, RECO_POLICY_R, RECO_POLICY_N, z);
	answer->weighted = ratio(log, RECO_POLICY_WR, RECO_POLICY_N, z);
	answer->normalized = ratio(log, RECO_POLICY_WR, RECO_POLICY_W, z);
	answer->robust = ratio(log, RECO_POLICY_D, RECO_POLICY_N, z);
	answer->weight = ratio(log, RECO_POLICY_W, RECO_POLICY_N, z);
	if (log->gains <= log->sum[RECO_POLICY_WR])
	{
		score_interval(&answer->weighted, z);
		score_interval(&answer->normalized, z);
		score_interval(&answer->robust, z);
	}
	answer->effective = effective(log->sum[RECO_POLICY_W], log->weights_squared);
	answer->effective_gains = effective(log->gains, log->gains_squared);
	answer->verdict = log->users > 0 ? verdict(answer) : RECO_POLICY_TOO_FEW;
}
