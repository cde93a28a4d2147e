/*
 * auc.c
 *	  How well scores tell what a user wants from all else.
 *
 * Each item counts the wanted ones above it, and half of those beside it; what the user's own
 * and the wanted items count is taken off again, which is exact: all are halves.  Few wanted
 * ones are compared with every item, many are looked for among them.
 */
#include "core/ranking/auc.h"

#include "core/data/sorting.h"

#include <math.h>
#include <stdlib.h>

static int
by_score(const void *a, const void *b)
{
	float x = *(const float *) a;
	float y = *(const float *) b;

	return (x > y) - (x < y);
}

/* How many scores are below x, or equal to it as well. */
static inline int64_t
first_above(const float *sorted, int64_t n, float x, bool or_equal)
{
	int64_t from = 0;

	while (n > 0)
	{
		int64_t half = n / 2;
		bool below = or_equal ? sorted[from + half] <= x : sorted[from + half] < x;

		from += below ? half + 1 : 0;
		n = below ? n - half - 1 : half;
	}
	return from;
}

/* Twice the wanted scores above x, and once those that equal it. */
static inline int64_t
above(const float *sorted, int64_t n, float x)
{
	return 2 * n - first_above(sorted, n, x, true) - first_above(sorted, n, x, false);
}

/* The same of few wanted scores, for so many items at a time: a loop of vectors. */
#define ITEMS 1024
#define FEW 64

static int64_t
above_block(const float *wanted, int64_t n, const float *score, int32_t items)
{
	int64_t sum = 0;

	for (int64_t k = 0; k < n; k++)
	{
		float x = wanted[k];
		int32_t above = 0;

		for (int32_t i = 0; i < items; i++)
			above += (score[i] < x) + (score[i] <= x);
		sum += above;
	}
	return sum;
}

static reco_status
above_all(const reco_env *env, const float *sorted, int64_t n, const float *score, int32_t items,
		  int64_t *sum)
{
	int64_t done = 0;

	*sum = 0;
	for (int32_t from = 0, to; from < items; from = to)
	{
		to = items - from < ITEMS ? items : from + ITEMS;
		if (n <= FEW)
			*sum += above_block(sorted, n, score + from, to - from);
		for (int32_t i = from; n > FEW && i < to; i++)
			*sum += above(sorted, n, score[i]);
		if (stop_after(env, 8 * ITEMS, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static int64_t
above_some(const float *sorted, int64_t n, const float *score, const int32_t *item, int64_t items)
{
	int64_t sum = 0;

	for (int64_t k = 0; k < items; k++)
		sum += above(sorted, n, score[item[k]]);
	return sum;
}

reco_status
reco_auc(const reco_env *env, const float *score, int32_t items, const int32_t *own, int64_t n_own,
		 const int32_t *wanted, int64_t n_wanted, float *sorted, double *auc)
{
	int64_t known = n_wanted;
	int64_t others;
	int64_t sum;

	while (known > 0 && wanted[known - 1] >= items)
		known--;
	others = items - n_own - known;
	*auc = (double) NAN;
	if (n_wanted == 0 || others <= 0)
		return RECO_OK;
	for (int64_t k = 0; k < n_wanted; k++)
		sorted[k] = k < known ? score[wanted[k]] : -INFINITY;
	qsort(sorted, (size_t) n_wanted, sizeof(float), by_score);
	if (above_all(env, sorted, n_wanted, score, items, &sum) != RECO_OK)
		return RECO_STOPPED;
	sum -= above_some(sorted, n_wanted, score, own, n_own);
	sum -= above_some(sorted, n_wanted, score, wanted, known);
	*auc = (double) sum / (2 * (double) n_wanted * (double) others);
	return RECO_OK;
}
