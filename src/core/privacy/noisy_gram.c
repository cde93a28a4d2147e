/*
 * noisy_gram.c
 *	  For how many users items, and pairs of items, count, with noise.  See noisy_gram.h.
 *
 * Sums are whole numbers of units as long as there is no noise in them, and float8 has them
 * exactly: a unit is at least 1 / 4096, and users are fewer than 2^31.
 */
#include "core/privacy/noisy_gram.h"

#include "core/data/parts.h"
#include "core/data/sorting.h"
#include "core/linear/cross.h"

#include <math.h>
#include <stdlib.h>

/* Of what is to be kept, for counts, in hundredths: they are few, and choose well with less. */
#define COUNT_PARTS 10

/* Draws between two polls: a few milliseconds. */
#define DRAWS 4096

static int64_t
pairs_of(int64_t n)
{
	return n * (n + 1) / 2;
}

reco_status
reco_noisy_mechanisms(const reco_noisy_params *params, reco_mechanism *counts,
					  reco_mechanism *pairs)
{
	reco_status status = reco_mechanism_init(&params->privacy, COUNT_PARTS, params->most, counts);

	if (status == RECO_OK)
		status =
			reco_mechanism_init(&params->privacy, 100 - COUNT_PARTS, pairs_of(params->most), pairs);
	return status;
}

static int32_t
chosen_of(const reco_noisy_params *params, int32_t items)
{
	return params->items < items ? params->items : items;
}

size_t
reco_noisy_gram_memory(const reco_noisy_params *params, const reco_csr *by_user, int threads)
{
	int32_t items = chosen_of(params, by_user->cols);
	size_t entries = (size_t) by_user->start[by_user->rows];

	return ((size_t) by_user->cols + 1) * (sizeof(double) + 3 * sizeof(int32_t)) +
		   (reco_packed_size(items) + 1) * sizeof(double) +
		   ((size_t) by_user->rows + (size_t) items + 2) * sizeof(int64_t) + entries * 16 +
		   reco_parts_memory(items, (int64_t) entries, threads) +
		   reco_cross_memory(items, threads) + 16 * 128;
}

/* A user's items that count. */
static int64_t
length_of(const reco_csr *a, int32_t u)
{
	int64_t n = a->start[u + 1] - a->start[u];

	if (a->value)
		for (int64_t e = a->start[u]; e < a->start[u + 1]; e++)
			n -= !(a->value[e] > 0);
	return n;
}

/* Noise on n sums in units, which become counts. */
static reco_status
add_noise(const reco_env *env, const reco_mechanism *m, reco_random *random, size_t n, double *sum)
{
	for (size_t k = 0; k < n; k++)
	{
		/* added as whole numbers: what is rounded after that is of the sum with its noise alone */
		int64_t noisy = (int64_t) sum[k] + reco_mechanism_noise(m, random);

		sum[k] = (double) noisy / (double) m->unit;
		if (k % DRAWS == 0 && env->poll(env->arg))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

reco_status
reco_noisy_counts(const reco_env *env, const reco_mechanism *m, const reco_csr *a,
				  int64_t threshold, reco_random *random, double *count)
{
	int64_t done = 0;
	reco_status status;

	memset(count, 0, (size_t) a->cols * sizeof(double));
	for (int32_t u = 0; u < a->rows; u++)
	{
		int64_t n = length_of(a, u);
		double share = n > 0 ? (double) reco_mechanism_share(m, n) : 0;

		for (int64_t e = a->start[u]; e < a->start[u + 1]; e++)
			if (a->value == NULL || a->value[e] > 0)
				count[a->col[e]] += share;
		if (stop_after(env, a->start[u + 1] - a->start[u] + 1, &done))
			return RECO_STOPPED;
	}
	status = add_noise(env, m, random, (size_t) a->cols, count);
	for (int32_t i = 0; i < a->cols && status == RECO_OK && threshold > 0; i++)
	{
		if (count[i] < (double) threshold)
			count[i] = 0;
		if (stop_after(env, 1, &done))
			status = RECO_STOPPED;
	}
	return status;
}

typedef struct Counted
{
	double count;
	int32_t item;
} Counted;

#define HEAP_ENTRY Counted
#define HEAP_WORSE(a, b) ((a).count < (b).count || ((a).count == (b).count && (a).item > (b).item))
#include "core/base/heap.h"

/*
 * The items of the largest counts, none below `least`, in order, and the place of each; -1: it is
 * none of them.  *n, the most that there may be, becomes how many there are.
 */
static reco_status
choose_items(const reco_env *env, const double *count, int32_t cols, double least, int32_t *n,
			 int32_t *item, int32_t *place)
{
	int32_t most = *n;
	Counted *heap = env->alloc(env->arg, ((size_t) most + 1) * sizeof(Counted));
	int32_t have = 0;
	int64_t done = 0;

	if (heap == NULL)
		return RECO_NO_MEMORY;
	for (int32_t i = 0; i < cols; i++)
	{
		Counted entry = {count[i], i};

		if (most > 0 && count[i] >= least)
			heap_offer(heap, &have, most, entry);
		place[i] = -1;
		if (stop_after(env, 16, &done))
		{
			release(env, heap);
			return RECO_STOPPED;
		}
	}
	for (int32_t k = 0; k < have; k++)
		place[heap[k].item] = 0;
	release(env, heap);
	*n = 0;
	for (int32_t i = 0; i < cols; i++)
		if (place[i] == 0)
		{
			place[i] = *n;
			item[(*n)++] = i;
		}
	return RECO_OK;
}

/* What users have of the chosen items, with what each counts as values. */
static reco_status
restrict_rows(const reco_env *env, const reco_csr *a, const reco_mechanism *m, const int32_t *place,
			  reco_csr *out)
{
	int64_t at = 0;
	int64_t done = 0;

	for (int32_t u = 0; u < a->rows; u++)
	{
		float share;

		out->start[u] = at;
		for (int64_t e = a->start[u]; e < a->start[u + 1]; e++)
			if (place[a->col[e]] >= 0 && (a->value == NULL || a->value[e] > 0))
				out->col[at++] = place[a->col[e]];
		share =
			at > out->start[u] ? (float) reco_mechanism_share(m, pairs_of(at - out->start[u])) : 0;
		for (int64_t e = out->start[u]; e < at; e++)
			out->value[e] = share;
		if (stop_after(env, 2 * (a->start[u + 1] - a->start[u]) + 1, &done))
			return RECO_STOPPED;
	}
	out->start[a->rows] = at;
	return RECO_OK;
}

static void
place_row(void *arg, int32_t row, const double *sum)
{
	const reco_packed *gram = arg;

	memcpy(reco_packed_row(gram, row), sum, ((size_t) row + 1) * sizeof(double));
}

static reco_status
add_pairs(const reco_env *env, const reco_csr *a, const reco_mechanism *m, const int32_t *place,
		  reco_packed *gram)
{
	size_t entries = (size_t) a->start[a->rows] + 1;
	reco_csr by_item = {0};
	reco_csr rows = {
		.rows = a->rows,
		.cols = gram->n,
		.start = env->alloc(env->arg, ((size_t) a->rows + 1) * sizeof(int64_t)),
		.col = env->alloc(env->arg, entries * sizeof(int32_t)),
		.value = env->alloc(env->arg, entries * sizeof(float)),
	};
	reco_status status = RECO_NO_MEMORY;

	if (rows.start && rows.col && rows.value)
		status = restrict_rows(env, a, m, place, &rows);
	if (status == RECO_OK)
		status = reco_csr_transpose(env, &rows, rows.value, &by_item);
	if (status == RECO_OK)
	{
		/* what a user counts comes from one of the two, so that shares are not multiplied */
		reco_csr ones = {rows.rows, rows.cols, rows.start, rows.col, NULL};

		status = reco_cross(env, &by_item, &ones, true, place_row, gram);
		reco_csr_free(env, &by_item);
	}
	reco_csr_free(env, &rows);
	return status;
}

reco_status
reco_noisy_gram_make(const reco_env *env, const reco_noisy_params *params, const reco_csr *by_user,
					 reco_random *random, reco_noisy_gram *out)
{
	size_t items = (size_t) by_user->cols + 1;
	int32_t *place = NULL;
	int64_t threshold = 0;
	double least;
	reco_mechanism counts;
	reco_mechanism pairs;
	reco_status status = reco_noisy_mechanisms(params, &counts, &pairs);

	*out = (reco_noisy_gram){.gram = {.n = chosen_of(params, by_user->cols)}};
	if (status != RECO_OK)
		return status;
	out->count_noise = counts.deviation;
	out->noise = pairs.deviation;
	least = params->least * out->noise;
	if (params->unseen > 0)
	{
		threshold = reco_mechanism_threshold(&counts, params->unseen);
		least = fmax(least, (double) threshold);
	}
	out->count = env->alloc(env->arg, items * sizeof(double));
	out->item = env->alloc(env->arg, items * sizeof(int32_t));
	place = env->alloc(env->arg, items * sizeof(int32_t));
	if (!out->count || !out->item || !place)
		status = RECO_NO_MEMORY;
	if (status == RECO_OK)
		status = reco_noisy_counts(env, &counts, by_user, threshold, random, out->count);
	if (status == RECO_OK)
		status =
			choose_items(env, out->count, by_user->cols, least, &out->gram.n, out->item, place);
	if (status == RECO_OK)
	{
		out->gram.value =
			env->alloc(env->arg, (reco_packed_size(out->gram.n) + 1) * sizeof(double));
		if (out->gram.value == NULL)
			status = RECO_NO_MEMORY;
	}
	if (status == RECO_OK)
		status = add_pairs(env, by_user, &pairs, place, &out->gram);
	if (status == RECO_OK)
		status = add_noise(env, &pairs, random, reco_packed_size(out->gram.n), out->gram.value);
	release(env, place);
	return status;
}

void
reco_noisy_gram_free(const reco_env *env, reco_noisy_gram *g)
{
	release(env, g->count);
	release(env, g->item);
	release(env, g->gram.value);
	*g = (reco_noisy_gram){0};
}
