/*
 * ease.c
 *	  EASE: a linear model between items in closed form.
 *
 * See ease.h.  With s and M as in precision.h,
 *
 *	 B_ij = -s_i M_ij / (s_j M_jj)
 *
 * Of all weights the largest are kept.  How large these are is found by counting sizes, as bits of
 * numbers, by their upper and then by their lower half; each time B is made anew of M, since it is
 * twice as large.
 *
 * Cost: that of the inverse, then four passes over it.
 */
#include "core/regression/ease.h"

#include "core/base/slab.h"
#include "core/data/parts.h"
#include "core/data/sorting.h"
#include "core/regression/precision.h"
#include "core/regression/weights.h"

#include <omp.h>
#include <string.h>

/* Rows of B that a thread makes at a time: as many as a cache line has numbers. */
#define TOGETHER 16

/* Sizes are counted by the upper half of their bits, then by the lower half. */
#define BINS 65536

typedef struct Ease
{
	const reco_env *env;
	double lambda;
	int32_t items;
	int64_t most;   /* weights that are kept */
	double *factor; /* lambda, and then 1 / (s_j M_jj) */
	reco_precision p;
	char *seats;    /* of threads: TOGETHER rows of B, and counts of sizes */
	uint32_t upper; /* of the least size that is kept; while sizes are counted by the lower half */
	bool by_lower;
	uint32_t least;  /* size that is kept */
	int32_t *larger; /* of each row, and then those that are kept */
	int32_t *equal;  /* and then those of them that are kept */
	reco_weights weights;
} Ease;

static int64_t
kept(const reco_ease_params *params, int32_t items)
{
	return (int64_t) items * (params->neighbors < items ? params->neighbors : items);
}

static size_t
rows_room(int32_t items)
{
	return reco_room(((size_t) items + 1) * TOGETHER * sizeof(float));
}

static size_t
seat_bytes(int32_t items)
{
	return rows_room(items) + reco_room(BINS * sizeof(int64_t));
}

static size_t
largest(size_t a, size_t b)
{
	return a > b ? a : b;
}

size_t
reco_ease_memory(const reco_ease_params *params, int32_t items, int threads)
{
	int64_t most = kept(params, items);
	size_t lists = reco_weights_memory(items, most);
	size_t matrix = reco_precision_memory(items);
	size_t numbers = ((size_t) items + 1) * (sizeof(double) + 2 * sizeof(int32_t));
	size_t choosing = lists + (size_t) threads * seat_bytes(items);
	size_t beside = largest(choosing, reco_precision_make_memory(items, threads));

	/* and what env keeps of each block */
	return largest(matrix + beside, lists + reco_weights_lists_memory(items, most)) + numbers +
		   16 * 128;
}

/* Of a weight: larger ones have larger numbers. */
static inline uint32_t
size_of(float weight)
{
	uint32_t bits;

	memcpy(&bits, &weight, sizeof(bits));
	return bits & 0x7fffffff;
}

static inline float *
rows_of_thread(const Ease *e)
{
	return (float *) (e->seats + (size_t) omp_get_thread_num() * seat_bytes(e->items));
}

static int64_t *
counts_of(const Ease *e, int thread)
{
	return (int64_t *) (e->seats + (size_t) thread * seat_bytes(e->items) + rows_room(e->items));
}

/* Rows from .. to - 1 of B, at most TOGETHER, that begin at a multiple of it. */
static float *
make_rows(const Ease *e, int64_t from, int64_t to)
{
	float *rows = rows_of_thread(e);

	reco_symmetric_rows(&e->p.m, (int32_t) from, (int32_t) (to - from), rows, (size_t) e->items);
	for (int64_t i = from; i < to; i++)
	{
		float *row = rows + (size_t) (i - from) * (size_t) e->items;

		for (int32_t j = 0; j < e->items; j++)
			row[j] = (float) (-e->p.scale[i] * row[j] * e->factor[j]);
		row[i] = 0;
	}
	return rows;
}

static void
count_sizes(void *arg, int64_t from, int64_t to)
{
	const Ease *e = arg;
	const float *rows = make_rows(e, from, to);
	int64_t *count = counts_of(e, omp_get_thread_num());
	size_t n = (size_t) (to - from) * (size_t) e->items;

	for (size_t k = 0; k < n; k++)
	{
		uint32_t size = size_of(rows[k]);

		if (!e->by_lower)
			count[size >> 16]++;
		else if (size >> 16 == e->upper)
			count[size & (BINS - 1)]++;
	}
}

/* The bin that the n-th largest of what was counted is in; n becomes its number within it. */
static uint32_t
bin_of(const Ease *e, int64_t *n)
{
	for (uint32_t bin = BINS - 1;; bin--)
	{
		int64_t count = 0;

		for (int t = 0; t < e->env->threads; t++)
			count += counts_of(e, t)[bin];
		if (count >= *n || bin == 0)
			return bin;
		*n -= count;
	}
}

/* Counts all sizes anew. */
static reco_status
count_all(Ease *e)
{
	for (int t = 0; t < e->env->threads; t++)
		memset(counts_of(e, t), 0, BINS * sizeof(int64_t));
	return reco_share(e->env, e->items, TOGETHER, count_sizes, e);
}

static void
count_rows(void *arg, int64_t from, int64_t to)
{
	Ease *e = arg;
	const float *row = make_rows(e, from, to);

	for (int64_t i = from; i < to; i++, row += e->items)
	{
		int32_t larger = 0;
		int32_t equal = 0;

		for (int32_t j = 0; j < e->items; j++)
		{
			larger += size_of(row[j]) > e->least;
			equal += size_of(row[j]) == e->least && e->least > 0;
		}
		e->larger[i] = larger;
		e->equal[i] = equal;
	}
}

/* The lists, of what is large enough. */
static void
make_lists(void *arg, int64_t from, int64_t to)
{
	Ease *e = arg;
	float *row = make_rows(e, from, to);

	for (int64_t i = from; i < to; i++, row += e->items)
	{
		int32_t equal = e->equal[i];

		for (int32_t j = 0; j < e->items; j++)
			if (size_of(row[j]) < e->least || (size_of(row[j]) == e->least && equal-- <= 0))
				row[j] = 0;
		reco_weights_fill(&e->weights, (int32_t) i, row, NULL, e->items);
	}
}

/* The least size that is kept, and how many of each row are. */
static reco_status
choose_sizes(Ease *e)
{
	int64_t n = e->most;
	reco_status status = count_all(e);

	if (status != RECO_OK)
		return status;
	e->upper = bin_of(e, &n);
	e->by_lower = true;
	status = count_all(e);
	if (status != RECO_OK)
		return status;
	e->least = e->upper << 16 | bin_of(e, &n);
	status = reco_share(e->env, e->items, TOGETHER, count_rows, e);
	n = e->most;
	for (int32_t i = 0; i < e->items; i++)
		n -= e->larger[i];
	/* of those that are as large as the least the first ones */
	for (int32_t i = 0; status == RECO_OK && i < e->items; i++)
	{
		if (e->equal[i] > n)
			e->equal[i] = (int32_t) n;
		n -= e->equal[i];
		e->larger[i] += e->equal[i];
	}
	return status;
}

/* What is inverted: X'X of interactions, or a matrix in its place. */
typedef struct Source
{
	const reco_csr *by_user;
	const reco_csr *by_item;
	const reco_packed *gram;
} Source;

/* M and what it is scaled by. */
static reco_status
invert(Ease *e, const Source *source, reco_ease_progress progress, void *arg)
{
	const reco_env *env = e->env;

	e->factor = env->alloc(env->arg, ((size_t) e->items + 1) * sizeof(double));
	if (e->factor == NULL)
		return RECO_NO_MEMORY;
	for (int32_t i = 0; i < e->items; i++)
		e->factor[i] = e->lambda;
	if (source->gram)
		return reco_precision_of(env, source->gram, e->factor, progress, arg, &e->p);
	return reco_precision_make(env, source->by_user, source->by_item, e->factor, progress, arg,
							   &e->p);
}

static reco_status
fill_lists(Ease *e)
{
	const reco_env *env = e->env;
	reco_status status;

	e->seats = env->alloc(env->arg, (size_t) env->threads * seat_bytes(e->items));
	e->larger = env->alloc(env->arg, 2 * ((size_t) e->items + 1) * sizeof(int32_t));
	if (!e->seats || !e->larger)
		return RECO_NO_MEMORY;
	e->equal = e->larger + e->items;
	for (int32_t j = 0; j < e->items; j++)
		e->factor[j] = 1 / (e->p.scale[j] * *reco_symmetric_at(&e->p.m, j, j));
	status = choose_sizes(e);
	if (status == RECO_OK)
		status = reco_weights_init(env, e->items, e->larger, 0, &e->weights);
	if (status == RECO_OK)
		status = reco_share(env, e->items, TOGETHER, make_lists, e);
	release(env, e->seats);
	e->seats = NULL;
	return status;
}

static reco_status
fit(const reco_env *env, const reco_ease_params *params, const Source *source, int32_t items,
	reco_ease_progress progress, void *arg, reco_neighbors *out)
{
	Ease e = {
		.env = env, .lambda = params->regularization, .items = items, .most = kept(params, items)};
	reco_status status;

	*out = (reco_neighbors){0};
	if (params->neighbors < 1 || !(params->regularization > 0) || !isfinite(params->regularization))
		return RECO_INVALID;
	status = invert(&e, source, progress, arg);
	if (status == RECO_OK)
		status = fill_lists(&e);
	reco_precision_free(env, &e.p);
	if (status == RECO_OK)
		status = reco_weights_lists(env, &e.weights, out);
	if (status != RECO_OK)
		reco_neighbors_free(env, out);
	reco_weights_free(env, &e.weights);
	release(env, e.larger);
	release(env, e.seats);
	release(env, e.factor);
	return status;
}

reco_status
reco_ease_fit(const reco_env *env, const reco_ease_params *params, const reco_csr *by_user,
			  const reco_csr *by_item, reco_ease_progress progress, void *arg, reco_neighbors *out)
{
	Source source = {by_user, by_item, NULL};

	return fit(env, params, &source, by_item->rows, progress, arg, out);
}

reco_status
reco_ease_of(const reco_env *env, const reco_ease_params *params, const reco_packed *gram,
			 reco_ease_progress progress, void *arg, reco_neighbors *out)
{
	Source source = {NULL, NULL, gram};

	return fit(env, params, &source, gram->n, progress, arg, out);
}
