/*
 * again.c
 *	  What users are due to buy again: purchases of an item by a user as Gamma-Poisson.
 *
 * See again.h.  Sums are of integers, in int64: in no order.
 */
#include "core/sessions/again.h"

#include "core/base/slab.h"
#include "core/data/sorting.h"

#include <math.h>

#define HEAP_ENTRY reco_again
#define HEAP_WORSE(a, b) reco_again_after(&(a), &(b))
#include "core/base/heap.h"

/* What all users did with an item. */
typedef struct ItemSums
{
	int64_t times;   /* it came again */
	int64_t chances; /* that it had */
	int32_t users;
	int32_t user;   /* the last who had it, from 1 on */
	int32_t basket; /* and in which basket of theirs last */
} ItemSums;

size_t
reco_again_memory(int32_t items)
{
	return ((size_t) items + 1) * sizeof(ItemSums);
}

/* Whether event e begins a basket. */
static inline bool
begins(const reco_baskets *of, int64_t e)
{
	return e == 0 || of->moment[e] != of->moment[e - 1];
}

/* How many baskets a user has, at most 2^24; -1: poll asked for an end. */
static int32_t
count_baskets(const reco_env *env, const reco_baskets *of, int64_t *done)
{
	int32_t n = 0;

	for (int64_t e = 0; e < of->events; e++)
	{
		n += begins(of, e);
		if (stop_after(env, 1, done))
			return -1;
	}
	return n;
}

/* Adds what one user did; false when poll asked for an end. */
static bool
add_user(const reco_env *env, const reco_baskets *of, int32_t user, ItemSums *sums, int64_t *done)
{
	int32_t baskets = count_baskets(env, of, done);
	int32_t basket = 0;

	if (baskets < 0)
		return false;
	for (int64_t e = 0; e < of->events; e++)
	{
		ItemSums *s = &sums[of->item[e]];

		basket += begins(of, e);
		if (s->user != user + 1)
		{
			s->user = user + 1;
			s->users++;
			s->chances += baskets - basket;
		}
		else
			s->times += s->basket != basket;
		s->basket = basket;
		if (stop_after(env, 1, done))
			return false;
	}
	return true;
}

/* The rates of all items from what was added up. */
static reco_status
make_rates(const reco_env *env, const ItemSums *sums, int32_t items, float *rate)
{
	ItemSums all = {0};
	int64_t pairs = 0;
	int64_t done = 0;
	double mean;
	double chances;

	for (int32_t i = 0; i < items; i++)
	{
		all.times += sums[i].times;
		all.chances += sums[i].chances;
		pairs += sums[i].users;
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
	}
	mean = ((double) all.times + 0.5) / ((double) all.chances + 1);
	chances = RECO_AGAIN_SHRINKAGE * ((double) all.chances + 1) / ((double) pairs + 1);
	for (int32_t i = 0; i < items; i++)
	{
		double of_item =
			((double) sums[i].times + mean * chances) / ((double) sums[i].chances + chances);

		rate[i] = (float) (RECO_AGAIN_SHAPE / of_item);
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

reco_status
reco_again_rates(const reco_env *env, const reco_ordered *events, int32_t users, int32_t items,
				 float *rate)
{
	ItemSums *sums = zeroed(env, reco_again_memory(items));
	reco_status status = sums ? RECO_OK : RECO_NO_MEMORY;
	int64_t done = 0;

	for (int32_t u = 0; u < users && status == RECO_OK; u++)
	{
		reco_baskets of = reco_baskets_of(events, u);

		if (!add_user(env, &of, u, sums, &done) || stop_after(env, 1, &done))
			status = RECO_STOPPED;
	}
	if (status == RECO_OK)
		status = make_rates(env, sums, items, rate);
	release(env, sums);
	return status;
}

/* An event of a user, to be in order of items. */
typedef struct ByItem
{
	int32_t item;
	int32_t basket;
	int64_t event;
} ByItem;

/* A merge sort of events, which come in order of time: those of an item stay in that order. */
static reco_status
sort_by_item(const reco_env *env, ByItem *a, ByItem *scratch, int64_t n, ByItem **sorted)
{
	int64_t done = 0;

	for (int64_t width = 1; width < n; width *= 2)
	{
		ByItem *swap = a;

		for (int64_t from = 0; from < n; from += 2 * width)
		{
			int64_t middle = from + width < n ? from + width : n;
			int64_t end = from + 2 * width < n ? from + 2 * width : n;
			int64_t left = from;
			int64_t right = middle;

			for (int64_t k = from; k < end; k++)
			{
				bool take = left < middle && (right == end || a[left].item <= a[right].item);

				scratch[k] = a[take ? left++ : right++];
				if (stop_after(env, 1, &done))
					return RECO_STOPPED;
			}
		}
		a = scratch;
		scratch = swap;
	}
	*sorted = a;
	return RECO_OK;
}

/* What is known of an item: its events, from a[0] on, of which there are n, of a user. */
static reco_again
judge(const ByItem *a, int64_t n, int32_t baskets, const float *rate)
{
	reco_again out = {.last = a[n - 1].event, .item = a[0].item, .baskets = 1};
	double chances = (double) (baskets - a[0].basket) + (double) rate[a[0].item];
	double times;

	for (int64_t k = 1; k < n; k++)
		out.baskets += a[k].basket != a[k - 1].basket;
	times = out.baskets - 1 + RECO_AGAIN_SHAPE;
	out.score = -expm1(-times * log1p(1 / chances));
	out.due = chances / times;
	return out;
}

static reco_status
find_items(const reco_env *env, const reco_baskets *of, const float *rate, ByItem *a,
		   ByItem *scratch, reco_again *out, int32_t *n)
{
	int32_t basket = 0;
	int64_t done = 0;
	reco_status status;

	for (int64_t e = 0; e < of->events; e++)
	{
		basket += begins(of, e);
		a[e] = (ByItem){of->item[e], basket, e};
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
	}
	status = sort_by_item(env, a, scratch, of->events, &a);
	for (int64_t from = 0, to; from < of->events && status == RECO_OK; from = to)
	{
		for (to = from + 1; to < of->events && a[to].item == a[from].item; to++)
			;
		heap_offer(out, n, INT32_MAX, judge(a + from, to - from, basket, rate));
		if (stop_after(env, to - from, &done))
			status = RECO_STOPPED;
	}
	if (status == RECO_OK && !heap_sort(env, out, *n))
		status = RECO_STOPPED;
	return status;
}

reco_status
reco_again_items(const reco_env *env, const reco_baskets *of, const float *rate, reco_again *out,
				 int32_t *n)
{
	size_t bytes = ((size_t) of->events + 1) * sizeof(ByItem);
	ByItem *a = env->alloc(env->arg, bytes);
	ByItem *scratch = env->alloc(env->arg, bytes);
	reco_status status = RECO_NO_MEMORY;

	*n = 0;
	if (a && scratch)
		status = find_items(env, of, rate, a, scratch, out, n);
	release(env, a);
	release(env, scratch);
	return status;
}

/* The time from a user's first basket to the last, and how many intervals that are. */
static double
span_of(const reco_baskets *of, const double *time, int64_t *intervals)
{
	int64_t first = -1;
	int64_t last = -1;

	*intervals = 0;
	for (int64_t e = 0; e < of->events; e++)
	{
		if (!reco_is_time(time[e]))
			continue;
		if (first < 0)
			first = e;
		else
			*intervals += of->moment[e] != of->moment[last];
		last = e;
	}
	return *intervals > 0 ? time[last] - time[first] : 0;
}

reco_status
reco_again_interval(const reco_env *env, const reco_ordered *events, const double *time,
					int32_t users, double *interval)
{
	double span = 0;
	int64_t all = 0;
	int64_t done = 0;

	for (int32_t u = 0; u < users; u++)
	{
		reco_baskets of = reco_baskets_of(events, u);
		int64_t n;

		span += span_of(&of, time + events->start[u], &n);
		all += n;
		if (stop_after(env, of.events + 1, &done))
			return RECO_STOPPED;
	}
	*interval = all > 0 ? span / (double) all : 0;
	return RECO_OK;
}

double
reco_again_interval_of(const reco_baskets *of, const double *time, double interval)
{
	int64_t n;
	double span = span_of(of, time, &n);

	return (span + interval) / (double) (n + 1);
}
