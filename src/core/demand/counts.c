/*
 * counts.c
 *	  Counts of a rate that is known by a Gamma distribution.
 */
#include "core/demand/counts.h"

#include "core/inference/beta.h"

#include <math.h>

#define STEPS_OF_A_POLL 65536

/* What is less likely adds nothing to a sum. */
#define NOTHING 1e-18

double
reco_count_log_probability(double shape, double rate, double count)
{
	return lgamma(shape + count) - lgamma(shape) - lgamma(count + 1) +
		   shape * log(rate / (rate + 1)) - count * log1p(rate);
}

int32_t
reco_count_quantile(double shape, double rate, double p)
{
	double x = rate / (rate + 1);
	int64_t low = -1, high = 1;

	/* at most k with a probability of I_x(shape, k + 1) */
	while (high < INT32_MAX && reco_beta_below(x, shape, (double) high + 1) < p)
		high = high < INT32_MAX / 2 ? 2 * high : INT32_MAX;
	while (high - low > 1)
	{
		int64_t middle = low + (high - low) / 2;

		if (reco_beta_below(x, shape, (double) middle + 1) < p)
			low = middle;
		else
			high = middle;
	}
	return (int32_t) high;
}

reco_status
reco_count_interval_find(const reco_env *env, double shape, double rate, double share,
						 reco_count_interval *out)
{
	double mode = shape > 1 ? fmin(floor((shape - 1) / rate), INT32_MAX) : 0;
	double low = mode, high = mode;
	double at_low = exp(reco_count_log_probability(shape, rate, mode));
	double at_high = at_low;
	double sum = at_low;

	for (int64_t step = 1;; step++)
	{
		double lower = low > 0 ? at_low * low * (rate + 1) / (shape + low - 1) : 0;
		double higher = high < INT32_MAX ? at_high * (shape + high) / ((high + 1) * (rate + 1)) : 0;
		double next = higher >= lower ? higher : lower;

		if (step % STEPS_OF_A_POLL == 0 && env->poll(env->arg))
			return RECO_STOPPED;
		if (sum >= share || (sum >= .5 && sum + next - share > share - sum) || next < NOTHING)
			break;
		sum += next;
		if (higher >= lower)
		{
			high++;
			at_high = higher;
		}
		else
		{
			low--;
			at_low = lower;
		}
	}
	*out = (reco_count_interval){(int32_t) low, (int32_t) high, fmin(sum, 1)};
	return RECO_OK;
}
