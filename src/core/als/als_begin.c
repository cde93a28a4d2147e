/*
 * als_begin.c
 *	  The factors that a training begins with.
 *
 * Cost: users x factors random numbers.
 */
#include "core/als/als_half.h"
#include "core/base/rng.h"

#include <math.h>
#include <string.h>

/* Whether a user has a center, who is then put there. */
static bool
begin_at_center(const reco_als_params *p, const float *center, int64_t user, reco_factors *f)
{
	int width = reco_als_center_width(p) - 1;
	bool known = false;

	if (center == NULL)
		return false;
	center += (size_t) user * reco_als_center_stride(p);
	for (int c = 0; c < width && !known; c++)
		known = center[c] != 0;
	if (!known)
		return false;
	memcpy(f->user + (size_t) user * f->stride, center, p->factors * sizeof(float));
	if (f->user_bias)
		f->user_bias[user] = center[p->factors];
	return true;
}

void
reco_als_begin(const reco_als_params *params, int64_t user, float *x)
{
	float scale = (float) ((params->implicit ? 0.1 : 1.0) / sqrt(params->factors));
	uint64_t key = reco_rng_row(params->seed, (uint64_t) user);

	for (int c = 0; c < params->factors; c++)
		x[c] = scale * reco_rng_normal(key, (uint64_t) c);
}

/*
 * Users begin at their centers, or at random, items (and biases) at 0: the first half step makes
 * them.  A user without entries is 0 from the start.
 */
reco_status
als_begin(const reco_env *env, const reco_als_params *p, const reco_csr *by_user,
		  const float *center, reco_factors *f)
{
	int64_t step = 4000000 / f->stride + 1;

	memset(f->item, 0, (size_t) f->items * f->stride * sizeof(float));
	if (f->user_bias)
	{
		memset(f->user_bias, 0, (size_t) f->users * sizeof(float));
		memset(f->item_bias, 0, (size_t) f->items * sizeof(float));
	}
	for (int64_t first = 0; first < f->users; first += step)
	{
		int64_t last = first + step < f->users ? first + step : f->users;

#pragma omp parallel for schedule(static) num_threads(env->threads)
		for (int64_t r = first; r < last; r++)
		{
			float *x = f->user + (size_t) r * f->stride;
			int d = by_user->start[r + 1] > by_user->start[r] ? f->factors : 0;

			if (d > 0)
				reco_als_begin(p, r, x);
			for (int c = d; c < f->stride; c++)
				x[c] = 0;
			if (d > 0)
				(void) begin_at_center(p, center, r, f);
		}
		if (env->poll(env->arg))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

reco_status
reco_als_take_centers(const reco_env *env, const reco_als_params *params, const reco_csr *by_user,
					  const float *center, reco_factors *f)
{
	int64_t step = 4000000 / f->stride + 1;

	for (int64_t u = 0; center && u < f->users; u++)
	{
		if (u % step == step - 1 && env->poll(env->arg))
			return RECO_STOPPED;
		if (by_user->start[u + 1] == by_user->start[u])
			(void) begin_at_center(params, center, u, f);
	}
	return RECO_OK;
}
