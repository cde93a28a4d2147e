/*
 * growth.c
 *	  What grows: items by the users of a recent time against those of a longer one before it.
 */
#include "core/demand/growth.h"

#include "core/demand/periods.h"
#include "core/inference/beta.h"

#include <math.h>

#define ROWS_OF_A_POLL 4096

static reco_status
count(const reco_env *env, const reco_interactions *x, const reco_growth_params *params,
	  reco_growth *out)
{
	uint64_t whole = (uint64_t) params->recent + (uint64_t) params->baseline;
	int64_t rows = 0;

	for (int32_t u = 0; u < x->by_user.rows; u++)
	{
		reco_taken taken = reco_taken_begin(x, u);
		int32_t item = -1;
		int64_t last = -1;

		/* rows of an item come in order of time: those of one period are together */
		for (int64_t time; reco_taken_next(&taken, &time); rows++)
		{
			int64_t period;

			if (rows % ROWS_OF_A_POLL == 0 && env->poll(env->arg))
				return RECO_STOPPED;
			if (taken.item != item)
				last = -1;
			item = taken.item;
			if (!reco_period_counts(params->end, time) ||
				(uint64_t) params->end - (uint64_t) time >= whole)
				continue;
			period = reco_period_of(params->end, params->recent, time);
			if (period == last)
				continue;
			last = period;
			if (period == 0)
				out[item].recent++;
			else
				out[item].baseline++;
		}
	}
	return RECO_OK;
}

static double
ratio(double share, double by)
{
	return share < 1 ? share / (1 - share) * by : INFINITY;
}

static void
tell(const reco_growth_params *params, reco_growth *g)
{
	double r = g->recent, b = g->baseline;
	double by = (double) params->baseline / (double) params->recent;

	if (g->recent == 0 && g->baseline == 0)
	{
		g->growth = g->low = g->high = NAN;
		return;
	}
	g->growth = b > 0 ? r / b * by : INFINITY;
	g->low = r > 0 ? ratio(reco_beta_quantile((1 - params->share) / 2, r, b + 1), by) : 0;
	g->high = b > 0 ? ratio(reco_beta_quantile((1 + params->share) / 2, r + 1, b), by) : INFINITY;
}

reco_status
reco_growth_find(const reco_env *env, const reco_interactions *x, const reco_growth_params *params,
				 reco_growth *out)
{
	reco_status status;

	for (int32_t i = 0; i < x->by_user.cols; i++)
	{
		if (i % ROWS_OF_A_POLL == 0 && env->poll(env->arg))
			return RECO_STOPPED;
		out[i] = (reco_growth){0};
	}
	status = count(env, x, params, out);
	for (int32_t i = 0; i < x->by_user.cols && status == RECO_OK; i++)
	{
		/* quantiles take some microseconds, of millions of users some milliseconds */
		if (env->poll(env->arg))
			status = RECO_STOPPED;
		tell(params, &out[i]);
	}
	return status;
}
