/*
 * bpr_step.c
 *	  A sample, and users folded in by samples.
 *
 * Cost of a fold-in: STEPS samples for each interaction, up to MOST_STEPS; on any thread.
 */
#include "core/bpr/bpr_parts.h"

#include "core/base/dispatch.h"
#include "core/base/team.h"
#include "core/base/work.h"
#include "core/data/sorting.h"
#include "core/isa/bpr.h"

#include <math.h>
#include <string.h>

/* Samples for each interaction of a user who is folded in, and altogether. */
#define STEPS 40
#define LEAST_STEPS 200
#define MOST_STEPS 40000
/* A fold-in's numbers come from rows that no iteration of a training draws from. */
#define FOLD_IN_ROW (UINT64_C(1) << 62)

reco_bpr_loops
reco_bpr_loops_best(void)
{
#ifdef __x86_64__
	const char *level = reco_kernels_best()->name;

	if (strcmp(level, "v4") == 0)
		return (reco_bpr_loops){reco_bpr_margin_v4, reco_bpr_move_v4, reco_bpr_move_user_v4};
	if (strcmp(level, "v3") == 0)
		return (reco_bpr_loops){reco_bpr_margin_v3, reco_bpr_move_v3, reco_bpr_move_user_v3};
#endif
	return (reco_bpr_loops){reco_bpr_margin_base, reco_bpr_move_base, reco_bpr_move_user_base};
}

static inline float
margin_of(const reco_bpr_loops *loops, const reco_bpr *model, const float *p, int32_t i, int32_t j)
{
	return loops->margin(p, model->item + (size_t) i * (size_t) model->stride,
						 model->item + (size_t) j * (size_t) model->stride, model->stride) +
		   (model->bias[i] - model->bias[j]);
}

/* The first of the draws that is not well behind i. */
static reco_bpr_sample
take_warp(const reco_bpr_loops *loops, const reco_bpr_params *params, const reco_bpr *model,
		  const reco_bpr_urn *urn, const float *p, int32_t i, int64_t n, const int32_t *has,
		  uint64_t key, uint64_t number)
{
	reco_bpr_sample s = {i, i, 0, 0};
	uint64_t draws = reco_rng_bits(key, number);

	for (int trial = 1; trial <= params->max_sampled; trial++)
	{
		int32_t j = reco_bpr_draw(urn, (uint32_t) reco_rng_bits(draws, (uint64_t) trial));
		double behind;

		if (j == i)
			continue;
		behind = margin_of(loops, model, p, i, j);
		if (behind >= 1 || reco_find(has, 0, n, j) >= 0)
			continue;
		s.j = j;
		s.weight = (float) (fmin(RECO_WARP_MOST,
								 log(fmax(1, floor((double) (model->items - 1) / trial)))) /
							RECO_WARP_MOST);
		s.loss = (float) (s.weight * (1 - behind));
		break;
	}
	return s;
}

reco_bpr_sample
reco_bpr_take(const reco_bpr_loops *loops, const reco_bpr_params *params, const reco_bpr *model,
			  const reco_bpr_urn *urn, const float *p, int32_t i, int64_t n, const int32_t *has,
			  uint64_t key, uint64_t number)
{
	reco_bpr_sample s = {i, i, 0, 0};
	float x;

	if (params->loss == RECO_WARP)
		return take_warp(loops, params, model, urn, p, i, n, has, key, number);
	s.j = reco_bpr_draw(urn, (uint32_t) reco_rng_bits(key, number));
	if (s.j == i || reco_find(has, 0, n, s.j) >= 0)
		return s;
	x = margin_of(loops, model, p, i, s.j);
	s.weight = 1 / (1 + expf(x));
	s.loss = x;
	return s;
}

float
reco_bpr_loss_of(const reco_bpr_params *params, const reco_bpr_sample *s)
{
	if (params->loss == RECO_WARP)
		return s->loss;
	/* ln (1 + e^-x) without overflow */
	return s->loss < 0 ? -s->loss + log1pf(expf(s->loss)) : log1pf(expf(-s->loss));
}

reco_status
reco_bpr_check(const reco_env *env, const reco_bpr *out)
{
	int64_t done = 0;

	for (int32_t i = 0; i < out->items; i++)
	{
		const float *q = out->item + (size_t) i * (size_t) out->stride;

		for (int f = 0; f < out->factors; f++)
			if (!(fabsf(q[f]) <= RECO_BPR_LARGEST))
				return RECO_SINGULAR;
		if (!(fabsf(out->bias[i]) <= RECO_BPR_LARGEST))
			return RECO_SINGULAR;
		if (stop_after(env, out->stride, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

bool
reco_bpr_valid(const reco_bpr_params *p)
{
	return p->factors >= 1 && p->factors <= RECO_BPR_MAX_FACTORS && p->iterations >= 1 &&
		   p->learning_rate > 0 && p->learning_rate <= 1 && p->regularization >= 0 &&
		   p->regularization <= 1 && p->max_sampled >= 1 &&
		   p->max_sampled <= RECO_BPR_MAX_SAMPLED && p->popularity >= 0 && p->popularity <= 10;
}

/* Interactions are those above 0. */
static int64_t
place_of(const float *value, int64_t n, int64_t at)
{
	while (value && at < n && !(value[at] > 0))
		at++;
	return at;
}

int64_t
reco_bpr_sample_work(const reco_bpr_params *params, const reco_bpr *model)
{
	return (int64_t) model->stride * (params->loss == RECO_WARP ? params->max_sampled : 1);
}

reco_status
reco_bpr_fold_in(const reco_env *env, const reco_bpr_params *params, const reco_bpr *model,
				 int64_t n, const int32_t *item, const float *value, float *p)
{
	reco_bpr_loops loops = reco_bpr_loops_best();
	reco_bpr_urn urn = {model->items, NULL, model->chance};
	uint64_t key = reco_rng_row(params->seed, FOLD_IN_ROW);
	float keep = (float) (1 - params->learning_rate * params->regularization);
	int64_t steps = n < MOST_STEPS / STEPS ? n * STEPS : MOST_STEPS;
	int64_t work = reco_bpr_sample_work(params, model);
	int64_t done = 0;

	memset(p, 0, (size_t) model->stride * sizeof(float));
	steps = steps < LEAST_STEPS ? LEAST_STEPS : steps;
	for (int64_t t = 0, at = 0; t < steps && n > 0; t++, at++)
	{
		reco_bpr_sample s;
		float rate = (float) (params->learning_rate * (1 - (double) t / (double) steps));

		/* one after the other; those that are too many for the steps at even distances */
		at = place_of(value, n, steps >= n ? at : (int64_t) ((double) t / (double) steps * n));
		if (at >= n)
		{
			at = place_of(value, n, 0);
			if (at >= n)
				break;
		}
		s = reco_bpr_take(&loops, params, model, &urn, p, item[at], n, item, key, (uint64_t) t);
		if (s.weight > 0)
			loops.move_user(p, model->item + (size_t) s.i * (size_t) model->stride,
							model->item + (size_t) s.j * (size_t) model->stride, model->stride,
							rate * s.weight, keep);
		if (stop_after(env, work, &done))
			return RECO_STOPPED;
	}
	/* with items that no training gives, nothing is known of the user */
	for (int f = 0; f < model->stride; f++)
		if (!(fabsf(p[f]) <= RECO_BPR_LARGEST))
		{
			memset(p, 0, (size_t) model->stride * sizeof(float));
			break;
		}
	return RECO_OK;
}

int64_t
reco_bpr_fold_in_work(const reco_bpr_params *params, const reco_bpr *model, int64_t n)
{
	int64_t steps = n < MOST_STEPS / STEPS ? n * STEPS : MOST_STEPS;

	return (steps < LEAST_STEPS ? LEAST_STEPS : steps) * reco_bpr_sample_work(params, model);
}

reco_status
reco_bpr_weigh(const reco_env *env, const reco_bpr_params *params, const reco_csr *a,
			   double *weight, double *chance)
{
	double sum = 0;
	int64_t done = 0;

	memset(weight, 0, (size_t) a->cols * sizeof(double));
	for (int64_t e = 0; e < a->start[a->rows]; e++)
	{
		weight[a->col[e]] += reco_bpr_counts(a, e);
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
	}
	for (int32_t i = 0; i < a->cols; i++)
	{
		weight[i] = weight[i] > 0 ? pow(weight[i] / (double) a->rows, params->popularity) : 0;
		sum += weight[i];
		chance[i] = sum;
		if (stop_after(env, 16, &done))
			return RECO_STOPPED;
	}
	for (int32_t i = 0; i < a->cols; i++)
	{
		/* where nothing has a weight all are alike */
		chance[i] = sum > 0 ? chance[i] / sum : (double) (i + 1) / a->cols;
		if (sum <= 0)
			weight[i] = 1;
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Of a pass over all users. */
typedef struct fold_all
{
	const reco_bpr_params *params;
	const reco_csr *by_user;
	const reco_bpr *model;
	float *user;
	reco_flag stop;
} fold_all;

static reco_status
fold_in(const fold_all *all, const reco_env *env, int64_t u)
{
	const reco_csr *a = all->by_user;

	return reco_bpr_fold_in(env, all->params, all->model, a->start[u + 1] - a->start[u],
							a->col + a->start[u], a->value ? a->value + a->start[u] : NULL,
							all->user + (size_t) u * (size_t) all->model->stride);
}

/* Whether a user's fold-in takes so long that the main thread does it, which polls. */
static bool
is_long(const fold_all *all, int64_t u)
{
	const int64_t *start = all->by_user->start;

	return reco_bpr_fold_in_work(all->params, all->model, start[u + 1] - start[u]) > RECO_BPR_LONG;
}

reco_status
reco_bpr_fold_in_all(const reco_env *env, const reco_bpr_params *params, const reco_csr *by_user,
					 const reco_bpr *model, float *user)
{
	fold_all all = {.params = params, .by_user = by_user, .model = model, .user = user};
	int32_t users = by_user->rows;
	reco_env quiet = *env;
	reco_work work = reco_work_of(users, 4);
	int64_t done = 0;

	quiet.poll = env->stopping;
	while (reco_work_left(&work))
	{
#pragma omp parallel num_threads(env->threads)
		for (int64_t u, to; reco_work_take(&work, &u, &to);)
		{
			for (; u < to && !reco_flag_up(&all.stop); u++)
				if (!is_long(&all, u) && fold_in(&all, &quiet, u) != RECO_OK)
					reco_flag_raise(&all.stop);
			if (reco_flag_up(&all.stop) || reco_work_pause(env))
				break;
		}
		if (env->poll(env->arg) || reco_flag_up(&all.stop))
			return RECO_STOPPED;
	}
	for (int32_t u = 0; u < users; u++)
		if ((is_long(&all, u) && fold_in(&all, env, u) != RECO_OK) || stop_after(env, 1, &done))
			return RECO_STOPPED;
	return RECO_OK;
}
