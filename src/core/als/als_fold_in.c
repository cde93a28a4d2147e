/*
 * als_fold_in.c
 *	  One row by itself: users and items that are folded in, and what explains their scores.
 *
 * The same arithmetic as a half step of a training by the exact solver (als_exact.c).
 */
#include "core/als/als_half.h"
#include "core/linear/gram.h"
#include "core/base/team.h"

#include <math.h>
#include <string.h>

bool
als_valid_params(const reco_als_params *p)
{
	return p->factors >= 1 && p->factors <= RECO_ALS_MAX_FACTORS && p->iterations >= 1 &&
		   isfinite(p->regularization) && p->regularization > 0 &&
		   (!p->implicit || (isfinite(p->alpha) && p->alpha > 0)) &&
		   (int) p->solver >= RECO_ALS_AUTO && p->solver <= RECO_ALS_CG;
}

reco_status
als_no_target(const reco_env *env, const als_system *s, const reco_als_row *row, bool *none)
{
	*none = false;
	if (als_has_center(s, row))
		return RECO_OK;
	for (int64_t j = 0; j < row->n; j++)
	{
		double a;
		double t;

		if (j % ALS_LOOK == ALS_LOOK - 1 && env->stopping(env->arg))
			return RECO_STOPPED;
		als_entry(s, row, j, &a, &t);
		if (t != 0)
			return RECO_OK;
	}
	*none = true;
	return RECO_OK;
}

reco_status
reco_als_gram(const reco_env *env, const float *y, int32_t rows, int d, int stride, double *gram)
{
	void *slab;
	reco_status status;

	if (d < 1 || d > RECO_ALS_MAX_FACTORS || env->threads < 1)
		return RECO_INVALID;
	reco_team_prepare(env->threads);
	slab = env->alloc(env->arg, reco_gram_bytes((d + 15) / 16 * 16, env->threads));
	if (slab == NULL)
		return RECO_NO_MEMORY;
	status = reco_gram(env, reco_kernels_best(), y, rows, d, false, stride, NULL, slab, gram, d);
	env->release(env->arg, slab);
	return status;
}

/*
 * contribution[j] = y_target' A^-1 y_j t_j, and of the center likewise, from the factor that the
 * solve left
 */
static reco_status
contributions(const reco_env *env, const als_system *s, als_exact *e, const reco_als_row *row,
			  int32_t target, double *contribution, double *from_center)
{
	s->k->gather(e->tile, s->ld, s->y, s->stride, &target, NULL, 1, s->d, s->biases);
	memcpy(e->r, e->tile, s->ld * sizeof(double));
	s->k->potrs(e->a, s->ld, s->D, e->r);
	for (int64_t j = 0; j < row->n; j++)
	{
		double a;
		double t;

		if (j % ALS_TILE == 0 && env->stopping(env->arg))
			return RECO_STOPPED;
		als_entry(s, row, j, &a, &t);
		s->k->gather(e->tile, s->ld, s->y, s->stride, row->idx + j, NULL, 1, s->d, s->biases);
		contribution[j] = t * s->k->dot(e->r, e->tile, s->D);
	}
	if (from_center == NULL)
		return RECO_OK;
	*from_center = 0;
	for (int k = 0; row->center && k < s->D; k++)
		*from_center += e->lambda * row->center[k] * e->r[k];
	return RECO_OK;
}

/* Of a row without entries nothing is known but its center. */
static void
store_center(const reco_als_params *params, const als_system *s, const float *center, float *x,
			 float *bias)
{
	if (center == NULL)
		return;
	memcpy(x, center, params->factors * sizeof(float));
	if (bias && s->biases)
		*bias = center[params->factors];
}

reco_status
reco_als_fold_in(const reco_env *env, const reco_als_params *params, const float *y, int stride,
				 const float *y_bias, int32_t columns, double mean, const double *gram, int64_t n,
				 const int32_t *idx, const float *value, const float *center, float *x, float *bias,
				 int32_t target, double *contribution, double *from_center)
{
	als_system s;
	als_exact e;
	reco_als_row row = {n, idx, value, center};
	reco_env alone = *env;
	void *slab;
	bool none;
	reco_status status;

	if (!als_valid_params(params) || n < 0 || (params->implicit && gram == NULL) ||
		(contribution && (target < 0 || target >= columns)))
		return RECO_INVALID;
	als_system_init(&s, params, columns, mean, y, stride, y_bias, gram);
	memset(x, 0, params->factors * sizeof(float));
	if (bias)
		*bias = 0;
	/* on the calling thread alone: it polls where a team's threads only look */
	alone.stopping = env->poll;
	status = als_no_target(&alone, &s, &row, &none);
	if (status != RECO_OK)
		return status;
	if (none || n == 0)
	{
		store_center(params, &s, center, x, bias);
		if (contribution)
			memset(contribution, 0, (size_t) n * sizeof(double));
		if (contribution && from_center)
			*from_center = 0;
		return RECO_OK;
	}
	slab = env->alloc(env->arg, als_exact_bytes(s.ld));
	if (slab == NULL)
		return RECO_NO_MEMORY;
	als_exact_layout(&e, slab, s.ld);
	status = als_exact_row(&alone, &s, &e, &row, x, bias, NULL);
	if (status == RECO_OK && contribution)
		status = contributions(&alone, &s, &e, &row, target, contribution, from_center);
	env->release(env->arg, slab);
	return status;
}
