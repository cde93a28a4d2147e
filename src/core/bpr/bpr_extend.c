/*
 * bpr_extend.c
 *	  More items in a model of pairs, without a training.
 *
 * See bpr.h for the method.
 *
 * Memory: the result, and four bytes for each interaction.
 */
#include "core/bpr/bpr_parts.h"

#include "core/base/team.h"
#include "core/base/work.h"
#include "core/data/sorting.h"

#include <math.h>
#include <string.h>

/* Passes over what there is of an item, and samples altogether at least. */
#define PASSES 40
#define LEAST_STEPS 200
/* An item's numbers come from rows that neither a training nor a user who is folded in draws from.
 */
#define EXTEND_ROW ((UINT64_C(1) << 62) + (UINT64_C(1) << 61))

typedef struct bpr_extension
{
	const reco_env *env;
	const reco_bpr_params *params;
	const reco_csr *by_user;
	const reco_bpr *base;
	const int32_t *number; /* by item: that in the base; -1: it is new */
	reco_bpr *out;
	reco_bpr_loops loops;
	reco_csr known; /* interactions with known items, by their numbers in the base */
	int32_t *here;  /* by item of the base: which it is now; -1: it is gone */
	int64_t *start; /* by item, those that are new: where its users begin, items + 1 */
	int32_t *user;  /* these */
	int32_t *item;  /* known items, which others are drawn from */
	double *chance; /* along these, summed up; NULL: evenly */
	double *weight; /* items: n^popularity; NULL likewise */
	int32_t items;  /* how many are known */
	double share;   /* how many interactions there are for each unit of weight */
	reco_flag stop;
} bpr_extension;

static const float zeros[RECO_BPR_MAX_FACTORS] __attribute__((aligned(RECO_ALIGN)));

size_t
reco_bpr_extend_memory(const reco_bpr_params *params, const reco_csr *by_user, int32_t base_items)
{
	size_t stride = ((size_t) params->factors + 15) / 16 * 16;
	size_t users = (size_t) by_user->rows + 1;
	size_t items = (size_t) by_user->cols + 1;
	size_t entries = (size_t) by_user->start[by_user->rows] + 1;

	return (users + items) * stride * sizeof(float) +
		   items * (sizeof(float) + sizeof(int64_t) + sizeof(int32_t) + 3 * sizeof(double)) +
		   users * sizeof(int64_t) + 2 * entries * sizeof(int32_t) +
		   ((size_t) base_items + 1) * sizeof(int32_t) + 64 * 1024;
}

static reco_status
allocate(bpr_extension *x)
{
	const reco_env *env = x->env;
	reco_bpr *out = x->out;
	size_t items = (size_t) out->items + 1;
	size_t entries = (size_t) x->by_user->start[x->by_user->rows] + 1;
	bool popular = x->params->popularity > 0;

	out->user = env->alloc(env->arg, ((size_t) out->users + 1) * out->stride * sizeof(float));
	out->item = zeroed(env, items * out->stride * sizeof(float));
	out->bias = zeroed(env, items * sizeof(float));
	out->chance = popular ? env->alloc(env->arg, items * sizeof(double)) : NULL;
	x->weight = popular ? env->alloc(env->arg, items * sizeof(double)) : NULL;
	x->chance = popular ? env->alloc(env->arg, items * sizeof(double)) : NULL;
	x->known = (reco_csr){.rows = x->by_user->rows, .cols = x->base->items};
	x->known.start = env->alloc(env->arg, ((size_t) out->users + 1) * sizeof(int64_t));
	x->known.col = env->alloc(env->arg, entries * sizeof(int32_t));
	x->here = env->alloc(env->arg, ((size_t) x->base->items + 1) * sizeof(int32_t));
	x->start = zeroed(env, (items + 1) * sizeof(int64_t));
	x->user = env->alloc(env->arg, entries * sizeof(int32_t));
	x->item = env->alloc(env->arg, items * sizeof(int32_t));
	return out->user && out->item && out->bias && x->known.start && x->known.col && x->here &&
				   x->start && x->user && x->item &&
				   (!popular || (out->chance && x->weight && x->chance))
			   ? RECO_OK
			   : RECO_NO_MEMORY;
}

static void
free_extension(bpr_extension *x)
{
	void *all[] = {x->weight, x->chance, x->known.start, x->known.col,
				   x->here,   x->start,  x->user,        x->item};

	for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
		release(x->env, all[k]);
}

/* Known items as they are, and what others are drawn from. */
static reco_status
take_known(bpr_extension *x)
{
	const reco_bpr *base = x->base;
	reco_bpr *out = x->out;
	double sum = 0;
	int64_t done = 0;

	for (int32_t b = 0; b < base->items; b++)
	{
		x->here[b] = -1;
		if (stop_after(x->env, 1, &done))
			return RECO_STOPPED;
	}
	for (int32_t i = 0; i < out->items; i++)
	{
		int32_t b = x->number[i];

		if (stop_after(x->env, out->stride, &done))
			return RECO_STOPPED;
		if (x->weight)
			x->share += x->weight[i];
		if (b < 0)
			continue;
		x->here[b] = i;
		memcpy(out->item + (size_t) i * out->stride, base->item + (size_t) b * base->stride,
			   (size_t) out->factors * sizeof(float));
		out->bias[i] = base->bias[b];
		if (x->chance)
			x->chance[x->items] = sum += x->weight[i];
		x->item[x->items++] = i;
	}
	return RECO_OK;
}

/* Interactions with known items by user, and the users of those that are new. */
static reco_status
share_out(bpr_extension *x)
{
	const reco_csr *a = x->by_user;
	int64_t at = 0;
	int64_t done = 0;

	for (int32_t u = 0; u < a->rows; u++)
	{
		x->known.start[u] = at;
		for (int64_t e = a->start[u]; e < a->start[u + 1]; e++)
		{
			if (reco_bpr_counts(a, e) && x->number[a->col[e]] >= 0)
				x->known.col[at++] = x->number[a->col[e]];
			else if (reco_bpr_counts(a, e))
				x->start[a->col[e] + 1]++;
			if (stop_after(x->env, 1, &done))
				return RECO_STOPPED;
		}
	}
	x->known.start[a->rows] = at;
	counts_to_places(x->start, a->cols);
	for (int32_t u = 0; u < a->rows; u++)
		for (int64_t e = a->start[u]; e < a->start[u + 1]; e++)
		{
			if (reco_bpr_counts(a, e) && x->number[a->col[e]] < 0)
				x->user[x->start[a->col[e]]++] = u;
			if (stop_after(x->env, 1, &done))
				return RECO_STOPPED;
		}
	ends_to_starts(x->start, a->cols);
	return RECO_OK;
}

/* How many of the interactions a pass draws an item against. */
static double
drawn_against(const bpr_extension *x, int32_t i)
{
	int64_t all = x->known.start[x->known.rows];

	return x->weight ? x->share * x->weight[i] : (double) all / x->out->items;
}

static int64_t
steps_of(const bpr_extension *x, int32_t i)
{
	double pass = (double) (x->start[i + 1] - x->start[i]) + drawn_against(x, i);

	return (int64_t) fmax(LEAST_STEPS, PASSES * pass);
}

static int64_t
work_of(const bpr_extension *x)
{
	return reco_bpr_sample_work(x->params, x->out) + 64;
}

static bool
is_long(const bpr_extension *x, int32_t i)
{
	return (double) steps_of(x, i) * (double) work_of(x) > RECO_BPR_LONG;
}

/* The user of one of the interactions with known items. */
static int32_t
user_of(const reco_csr *a, int64_t e)
{
	int32_t low = 0;
	int32_t high = a->rows - 1;

	while (low < high)
	{
		int32_t middle = low + (high - low) / 2;

		if (a->start[middle + 1] > e)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static inline float *
row_of(float *side, int32_t r, int stride)
{
	return side + (size_t) r * (size_t) stride;
}

/* The item moves along a user, or away from one. */
static void
move(const bpr_extension *x, int32_t i, const float *p, float rate, float step)
{
	reco_bpr *out = x->out;
	float keep = (float) (1 - rate * x->params->regularization);
	float *q = row_of(out->item, i, out->stride);

	x->loops.move_user(q, p, zeros, out->stride, step, keep);
	if (x->params->biases)
		out->bias[i] = keep * out->bias[i] + step;
}

/* One who has the item, who should have it before another. */
static void
step_for(const bpr_extension *x, int32_t i, uint64_t key, uint64_t number, float rate)
{
	const reco_csr *a = x->by_user;
	reco_bpr_urn urn = {x->items, x->item, x->chance};
	int64_t n = x->start[i + 1] - x->start[i];
	uint64_t bits = reco_rng_bits(key, 2 * number + 1);
	int32_t u = x->user[x->start[i] + (int64_t) (((bits >> 32) * (uint64_t) n) >> 32)];
	const float *p = row_of(x->out->user, u, x->out->stride);
	reco_bpr_sample s =
		reco_bpr_take(&x->loops, x->params, x->out, &urn, p, i, a->start[u + 1] - a->start[u],
					  a->col + a->start[u], reco_rng_row(key, 0), number);

	if (s.weight > 0)
		move(x, i, p, rate, rate * s.weight);
}

/* One who has something else, and not the item, which should come after. */
static void
step_against(const bpr_extension *x, int32_t i, uint64_t key, uint64_t number, float rate)
{
	const reco_csr *a = x->by_user;
	const reco_bpr *out = x->out;
	int64_t n = x->known.start[x->known.rows];
	uint64_t bits = reco_rng_bits(key, 2 * number + 1);
	int64_t e = (int64_t) (((bits >> 32) * (uint64_t) n) >> 32);
	int32_t u = user_of(&x->known, e);
	int32_t other = x->here[x->known.col[e]];
	const float *p = row_of(out->user, u, out->stride);
	float weight;
	float behind;

	if (other < 0 || reco_find(a->col, a->start[u], a->start[u + 1], i) >= 0)
		return;
	behind = x->loops.margin(p, row_of(out->item, other, out->stride),
							 row_of(out->item, i, out->stride), out->stride) +
			 (out->bias[other] - out->bias[i]);
	if (x->params->loss == RECO_WARP)
		weight =
			behind >= 1
				? 0
				: (float) (fmin(RECO_WARP_MOST, log(fmax(1, out->items - 1))) / RECO_WARP_MOST);
	else
		weight = 1 / (1 + expf(behind));
	if (weight > 0)
		move(x, i, p, rate, -rate * weight);
}

static reco_status
find_item(const bpr_extension *x, const reco_env *env, int32_t i)
{
	int64_t n = x->start[i + 1] - x->start[i];
	uint64_t key = reco_rng_row(x->params->seed, EXTEND_ROW + (uint64_t) i);
	double forth = (double) n / ((double) n + drawn_against(x, i));
	int64_t steps = steps_of(x, i);
	int64_t work = work_of(x);
	int64_t done = 0;

	for (int64_t t = 0; t < steps && n > 0; t++)
	{
		float rate = (float) (x->params->learning_rate * (1 - (double) t / (double) steps));

		if (reco_rng_uniform(key, 2 * (uint64_t) t) < forth)
			step_for(x, i, key, (uint64_t) t, rate);
		else
			step_against(x, i, key, (uint64_t) t, rate);
		if (stop_after(env, work, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static reco_status
find_items(bpr_extension *x)
{
	const reco_env *env = x->env;
	int32_t items = x->out->items;
	reco_env quiet = *env;
	reco_work work = reco_work_of(items, 1);
	int64_t done = 0;

	quiet.poll = env->stopping;
	while (reco_work_left(&work))
	{
#pragma omp parallel num_threads(env->threads)
		for (int64_t i, to; reco_work_take(&work, &i, &to);)
		{
			if (x->number[i] < 0 && !is_long(x, (int32_t) i) &&
				find_item(x, &quiet, (int32_t) i) != RECO_OK)
				reco_flag_raise(&x->stop);
			if (reco_flag_up(&x->stop) || reco_work_pause(env))
				break;
		}
		if (env->poll(env->arg) || reco_flag_up(&x->stop))
			return RECO_STOPPED;
	}
	for (int32_t i = 0; i < items; i++)
		if ((x->number[i] < 0 && is_long(x, i) && find_item(x, env, i) != RECO_OK) ||
			stop_after(env, 1, &done))
			return RECO_STOPPED;
	return RECO_OK;
}

static reco_status
run(bpr_extension *x)
{
	reco_bpr *out = x->out;
	reco_status status = allocate(x);

	if (status == RECO_OK && out->chance)
		status = reco_bpr_weigh(x->env, x->params, x->by_user, x->weight, out->chance);
	if (status == RECO_OK)
		status = take_known(x);
	if (status == RECO_OK)
		status = share_out(x);
	if (status == RECO_OK && x->share > 0)
		x->share = (double) x->known.start[out->users] / x->share;
	if (status == RECO_OK)
		status = reco_bpr_fold_in_all(x->env, x->params, &x->known, x->base, out->user);
	/* without known items there is nothing to find others by */
	if (status == RECO_OK && x->items > 0)
		status = find_items(x);
	if (status == RECO_OK)
		status = reco_bpr_check(x->env, out);
	if (status == RECO_OK)
		status = reco_bpr_fold_in_all(x->env, x->params, x->by_user, out, out->user);
	return status;
}

reco_status
reco_bpr_extend(const reco_env *env, const reco_bpr_params *params, const reco_csr *by_user,
				const reco_bpr *base, const int32_t *item, reco_bpr *out)
{
	bpr_extension x = {
		.env = env, .params = params, .by_user = by_user, .base = base, .number = item, .out = out};
	reco_status status;

	*out = (reco_bpr){.users = by_user->rows, .items = by_user->cols};
	if (!reco_bpr_valid(params) || env->threads < 1 || base->factors != params->factors)
		return RECO_INVALID;
	out->factors = params->factors;
	out->stride = base->stride;
	x.loops = reco_bpr_loops_best();
	reco_team_prepare(env->threads);
	status = run(&x);
	free_extension(&x);
	if (status != RECO_OK)
		reco_bpr_free(env, out);
	return status;
}
