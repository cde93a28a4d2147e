/*
 * ease.c
 *	  EASE: a linear model between items in closed form.
 *
 * See ease.h.  G + lambda I is scaled to a diagonal of ones before it is inverted in float4: with
 * s_i = (G_ii + lambda)^-1/2 and M minus the inverse of the scaled matrix, P_ij = -s_i M_ij s_j and
 *
 *	 B_ij = -s_i M_ij / (s_j M_jj)
 *
 * Without rounding that is the same; with it the error depends on how alike items are, not on how
 * popular they are or how large their values.
 *
 * Cost: that of the inverse, then one pass over it with a heap for each item.
 */
#include "core/regression/ease.h"

#include "core/base/slab.h"
#include "core/data/parts.h"
#include "core/data/sorting.h"
#include "core/linear/cross.h"
#include "core/linear/inverse.h"
#include "core/regression/weights.h"

#include <omp.h>

/* Items whose lists a thread makes at a time: as many as a cache line has numbers. */
#define TOGETHER 16

typedef struct Ease
{
	const reco_env *env;
	const reco_csr *by_item;
	double lambda;
	int32_t items;
	double *scale;    /* s */
	double *factor;   /* 1 / (s_j M_jj), of M, minus the inverse */
	reco_symmetric a; /* the scaled matrix, then M */
	float *rows;      /* of a thread: TOGETHER rows */
	reco_weights weights;
	reco_ease_progress progress;
	void *arg;
} Ease;

static int32_t
longest(const reco_ease_params *params, int32_t items)
{
	return params->neighbors < items ? params->neighbors : items;
}

static size_t
rows_room(int32_t items)
{
	return reco_room(((size_t) items + 1) * TOGETHER * sizeof(float));
}

size_t
reco_ease_memory(const reco_ease_params *params, int32_t items, int threads)
{
	int32_t most = longest(params, items);
	size_t lists = reco_weights_memory(items, most);
	size_t result = reco_weights_lists_memory(items, most);
	size_t beside = reco_cross_memory(items, threads);
	size_t matrix = reco_symmetric_memory(items);

	if (beside < reco_inverse_memory(items))
		beside = reco_inverse_memory(items);
	if (beside < lists + (size_t) threads * rows_room(items))
		beside = lists + (size_t) threads * rows_room(items);
	if (matrix + beside < lists + result)
		matrix = lists + result - beside;
	/* and what env keeps of each block */
	return matrix + beside + 2 * ((size_t) items + 1) * sizeof(double) + 16 * 128;
}

/* The scale of items. */
static void
scale_items(void *arg, int64_t from, int64_t to)
{
	Ease *e = arg;
	const reco_csr *a = e->by_item;

	for (int64_t i = from; i < to; i++)
	{
		double sum = e->lambda;

		for (int64_t k = a->start[i]; k < a->start[i + 1]; k++)
			sum += a->value ? (double) a->value[k] * a->value[k] : 1;
		e->scale[i] = 1 / sqrt(sum);
	}
}

/* A row of G, up to the diagonal, into the matrix. */
static void
place_row(void *arg, int32_t row, const double *sum)
{
	Ease *e = arg;

	for (int32_t first = 0; first <= row; first += RECO_TILE)
	{
		int32_t n = row + 1 - first < RECO_TILE ? row + 1 - first : RECO_TILE;
		float *to = reco_symmetric_at(&e->a, row, first);

		for (int32_t c = 0; c < n; c++)
			to[c] = (float) (sum[first + c] * e->scale[row] * e->scale[first + c]);
	}
	*reco_symmetric_at(&e->a, row, row) = 1;
}

static void
inverted(void *arg, int32_t step)
{
	Ease *e = arg;

	if (e->progress)
		e->progress(e->arg, step, e->a.blocks);
}

/* The lists of items from .. to - 1, at most TOGETHER, that begin at a multiple of it. */
static void
make_lists(void *arg, int64_t from, int64_t to)
{
	Ease *e = arg;
	float *rows =
		(float *) ((char *) e->rows + (size_t) omp_get_thread_num() * rows_room(e->items));

	reco_symmetric_rows(&e->a, (int32_t) from, (int32_t) (to - from), rows, (size_t) e->items);
	for (int64_t i = from; i < to; i++)
	{
		float *row = rows + (size_t) (i - from) * (size_t) e->items;

		for (int32_t j = 0; j < e->items; j++)
			row[j] = (float) (-e->scale[i] * row[j] * e->factor[j]);
		reco_weights_fill(&e->weights, (int32_t) i, row, NULL, e->items);
	}
}

/* M in place of the scaled matrix. */
static reco_status
invert(Ease *e, const reco_csr *by_user)
{
	reco_status status = reco_share(e->env, e->items, 1, scale_items, e);

	if (status == RECO_OK)
		status = reco_symmetric_zeros(e->env, e->items, &e->a);
	if (status == RECO_OK)
		status = reco_cross(e->env, e->by_item, by_user, true, place_row, e);
	if (status == RECO_OK)
		status = reco_inverse(e->env, &e->a, inverted, e);
	return status;
}

static reco_status
fill_lists(Ease *e, int32_t most)
{
	const reco_env *env = e->env;
	reco_status status = reco_weights_init(env, e->items, most, &e->weights);

	if (status != RECO_OK)
		return status;
	e->rows = env->alloc(env->arg, (size_t) env->threads * rows_room(e->items));
	if (e->rows == NULL)
		return RECO_NO_MEMORY;
	for (int32_t j = 0; j < e->items; j++)
		e->factor[j] = 1 / (e->scale[j] * *reco_symmetric_at(&e->a, j, j));
	status = reco_share(env, e->items, TOGETHER, make_lists, e);
	release(env, e->rows);
	e->rows = NULL;
	return status;
}

reco_status
reco_ease_fit(const reco_env *env, const reco_ease_params *params, const reco_csr *by_user,
			  const reco_csr *by_item, reco_ease_progress progress, void *arg, reco_neighbors *out)
{
	Ease e = {.env = env,
			  .by_item = by_item,
			  .lambda = params->regularization,
			  .items = by_item->rows,
			  .progress = progress,
			  .arg = arg};
	reco_status status;

	*out = (reco_neighbors){0};
	if (params->neighbors < 1 || !(params->regularization > 0) || !isfinite(params->regularization))
		return RECO_INVALID;
	e.scale = env->alloc(env->arg, 2 * ((size_t) e.items + 1) * sizeof(double));
	if (e.scale == NULL)
		return RECO_NO_MEMORY;
	e.factor = e.scale + e.items;
	status = invert(&e, by_user);
	if (status == RECO_OK)
		status = fill_lists(&e, longest(params, e.items));
	reco_symmetric_free(env, &e.a);
	if (status == RECO_OK)
		status = reco_weights_lists(env, &e.weights, out);
	if (status != RECO_OK)
		reco_neighbors_free(env, out);
	reco_weights_free(env, &e.weights);
	release(env, e.rows);
	release(env, e.scale);
	return status;
}
