/*
 * together_few.c
 *	  Which pairs of items meet in baskets, where items are few: all pairs are counted at once.
 *
 * A counter for each pair, in rows of the lower item: one addition for each pair of each basket,
 * in memory that stays in the cache.  Renumbering items and starting threads would take longer.
 */
#include "core/neighbors/together.h"

#include "core/data/sorting.h"

#define HEAP_ENTRY reco_together_pair
#define HEAP_WORSE(a, b) reco_together_after(&(a), &(b))
#include "core/base/heap.h"

/* Counters take 4 MB at most; additions some 10 ms. */
#define MOST_ITEMS 1024
#define MOST_ADDITIONS 8388608

typedef struct Few
{
	const reco_env *env;
	const reco_csr *by_basket;
	reco_together_measure measure;
	int32_t min_support;
	int64_t done;
	int32_t *count; /* of items a < b at row_of(a) + b */
	reco_together *out;
} Few;

bool
reco_together_are_few(const reco_csr *by_basket)
{
	int64_t additions = 0;

	if (by_basket->cols > MOST_ITEMS)
		return false;
	for (int32_t b = 0; b < by_basket->rows && additions <= MOST_ADDITIONS; b++)
	{
		int64_t n = by_basket->start[b + 1] - by_basket->start[b];

		additions += n * n / 2 + 1;
	}
	return additions <= MOST_ADDITIONS;
}

static inline int32_t *
row_of(const Few *few, int32_t a)
{
	return few->count + (int64_t) a * few->by_basket->cols;
}

static reco_status
count_all(Few *few)
{
	const reco_csr *x = few->by_basket;

	for (int32_t b = 0; b < x->rows; b++)
	{
		for (int64_t e = x->start[b]; e < x->start[b + 1]; e++)
		{
			int32_t *row = row_of(few, x->col[e]);

			few->out->baskets[x->col[e]]++;
			for (int64_t f = e + 1; f < x->start[b + 1]; f++)
				row[x->col[f]]++;
			if (stop_after(few->env, x->start[b + 1] - e, &few->done))
				return RECO_STOPPED;
		}
	}
	return RECO_OK;
}

/* How many pairs meet often enough; -1: poll asked for an end. */
static int32_t
count_pairs(Few *few)
{
	int32_t n = 0;

	for (int32_t a = 0; a < few->by_basket->cols; a++)
	{
		const int32_t *row = row_of(few, a);

		for (int32_t b = a + 1; b < few->by_basket->cols; b++)
			n += row[b] >= few->min_support;
		if (stop_after(few->env, few->by_basket->cols, &few->done))
			return -1;
	}
	return n;
}

static reco_status
take_pairs(Few *few, int32_t n)
{
	reco_together *out = few->out;

	for (int32_t a = 0; a < few->by_basket->cols; a++)
	{
		const int32_t *row = row_of(few, a);

		for (int32_t b = a + 1; b < few->by_basket->cols; b++)
		{
			reco_together_pair pair = {.a = a, .b = b, .count = row[b]};

			if (row[b] < few->min_support)
				continue;
			pair.score = reco_together_score(few->measure, few->by_basket->rows, out->baskets[a],
											 out->baskets[b], row[b]);
			heap_offer(out->pair, &out->pairs, n, pair);
			/* with its logarithms as long as some more additions */
			if (stop_after(few->env, 64, &few->done))
				return RECO_STOPPED;
		}
	}
	return heap_sort(few->env, out->pair, out->pairs) ? RECO_OK : RECO_STOPPED;
}

static reco_status
find(Few *few, int32_t n)
{
	const reco_env *env = few->env;
	reco_status status = count_all(few);
	int32_t pairs;

	if (status != RECO_OK)
		return status;
	pairs = count_pairs(few);
	if (pairs < 0)
		return RECO_STOPPED;
	n = n < pairs ? n : pairs;
	few->out->pair = env->alloc(env->arg, ((size_t) n + 1) * sizeof(reco_together_pair));
	if (few->out->pair == NULL)
		return RECO_NO_MEMORY;
	return n > 0 ? take_pairs(few, n) : RECO_OK;
}

reco_status
reco_together_few(const reco_env *env, const reco_csr *by_basket, reco_together_measure measure,
				  int32_t min_support, int32_t n, reco_together *out)
{
	size_t items = (size_t) by_basket->cols;
	Few few = {.env = env, .by_basket = by_basket, .measure = measure, .out = out};
	reco_status status = RECO_NO_MEMORY;

	*out = (reco_together){0};
	if (n < 1)
		return RECO_INVALID;
	few.min_support = min_support > 1 ? min_support : 1;
	few.count = zeroed(env, (items * items + 1) * sizeof(int32_t));
	out->baskets = zeroed(env, (items + 1) * sizeof(int32_t));
	if (few.count && out->baskets)
		status = find(&few, n);
	release(env, few.count);
	if (status != RECO_OK)
		reco_together_free(env, out);
	return status;
}
