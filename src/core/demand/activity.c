/*
 * activity.c
 *	  How likely each user is to take anything within a time to come.
 */
#include "core/demand/activity.h"

#include "core/demand/periods.h"

#include <math.h>

static const double half_lives[] = {2, 4, 8, 16, INFINITY};
static const double strengths[] = {.5, 1, 2, 4, 8, 16};

#define HALF_LIVES ((int) (sizeof(half_lives) / sizeof(half_lives[0])))
#define STRENGTHS ((int) (sizeof(strengths) / sizeof(strengths[0])))

/* A bit each. */
#define PERIODS 60

#define ROWS_OF_A_POLL 4096
#define USERS_OF_A_POLL 512

static reco_status
find_periods(const reco_env *env, const reco_interactions *x, int64_t end, int64_t length,
			 uint64_t *active)
{
	int64_t rows = 0;

	for (int32_t u = 0; u < x->by_user.rows; u++)
	{
		reco_taken taken = reco_taken_begin(x, u);

		active[u] = 0;
		for (int64_t time; reco_taken_next(&taken, &time); rows++)
		{
			int64_t period;

			if (rows % ROWS_OF_A_POLL == 0 && env->poll(env->arg))
				return RECO_STOPPED;
			if (!reco_period_counts(end, time))
				continue;
			period = reco_period_of(end, length, time);
			if (period < PERIODS)
				active[u] |= UINT64_C(1) << period;
		}
		if (u % ROWS_OF_A_POLL == 0 && env->poll(env->arg))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* What a user's periods from one on weigh, and those of them with something; the first is left out.
 */
static void
weigh(uint64_t active, int from, const double *weight, double *successes, double *all)
{
	*successes = *all = 0;
	for (int k = from; k < PERIODS && active >> (k + 1); k++)
	{
		*all += weight[k - from];
		*successes += active >> k & 1 ? weight[k - from] : 0;
	}
}

static void
set_weights(double half_life, double *weight)
{
	for (int k = 0; k < PERIODS; k++)
		weight[k] = exp2(-k / half_life);
}

static reco_status
mean_of(const reco_env *env, const uint64_t *active, int32_t users, int from, const double *weight,
		double *mean)
{
	double successes = 0, all = 0;

	for (int32_t u = 0; u < users; u++)
	{
		double s, a;

		if (u % USERS_OF_A_POLL == 0 && env->poll(env->arg))
			return RECO_STOPPED;
		weigh(active[u], from, weight, &s, &a);
		successes += s;
		all += a;
	}
	/* so that no chance is 0 or 1 */
	*mean = (successes + .5) / (all + 1);
	return RECO_OK;
}

/* How likely the latest period is of those who began before it, for each strength. */
static reco_status
predict(const reco_env *env, const uint64_t *active, int32_t users, const double *weight,
		double *likelihood)
{
	double mean;
	reco_status status = mean_of(env, active, users, 1, weight, &mean);

	for (int32_t u = 0; u < users && status == RECO_OK; u++)
	{
		double successes, all;

		if (u % USERS_OF_A_POLL == 0 && env->poll(env->arg))
			return RECO_STOPPED;
		if (!(active[u] >> 1))
			continue;
		weigh(active[u], 1, weight, &successes, &all);
		for (int s = 0; s < STRENGTHS; s++)
		{
			double chance = (strengths[s] * mean + successes) / (strengths[s] + all);

			likelihood[s] += log(active[u] & 1 ? chance : 1 - chance);
		}
	}
	return status;
}

static reco_status
choose(const reco_env *env, const uint64_t *active, int32_t users, reco_activity_found *out)
{
	double most = -INFINITY;

	for (int h = 0; h < HALF_LIVES; h++)
	{
		double weight[PERIODS];
		double likelihood[STRENGTHS] = {0};
		reco_status status;

		set_weights(half_lives[h], weight);
		status = predict(env, active, users, weight, likelihood);
		if (status != RECO_OK)
			return status;
		for (int s = 0; s < STRENGTHS; s++)
			if (likelihood[s] > most)
			{
				most = likelihood[s];
				out->half_life = half_lives[h];
				out->strength = strengths[s];
			}
	}
	return RECO_OK;
}

static reco_status
find(const reco_env *env, const uint64_t *active, int32_t users, double *chance,
	 reco_activity_found *out)
{
	double weight[PERIODS];
	double mean;
	reco_status status = choose(env, active, users, out);

	set_weights(out->half_life, weight);
	if (status == RECO_OK)
		status = mean_of(env, active, users, 0, weight, &mean);
	for (int32_t u = 0; u < users && status == RECO_OK; u++)
	{
		double successes, all;

		if (u % USERS_OF_A_POLL == 0 && env->poll(env->arg))
			return RECO_STOPPED;
		weigh(active[u], 0, weight, &successes, &all);
		chance[u] = active[u] ? (out->strength * mean + successes) / (out->strength + all) : 0;
		out->expected += chance[u];
	}
	return status;
}

reco_status
reco_activity_find(const reco_env *env, const reco_interactions *x, int64_t end, int64_t length,
				   double *chance, reco_activity_found *out)
{
	int32_t users = x->by_user.rows;
	uint64_t *active = env->alloc(env->arg, ((size_t) users + 1) * sizeof(uint64_t));
	reco_status status = active ? find_periods(env, x, end, length, active) : RECO_NO_MEMORY;

	*out = (reco_activity_found){.half_life = INFINITY, .strength = 1};
	if (status == RECO_OK)
		status = find(env, active, users, chance, out);
	if (active)
		env->release(env->arg, active);
	return status;
}
