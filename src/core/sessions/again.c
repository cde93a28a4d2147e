/*
 * again.c
 *	  What users are due to buy again: purchases of an item by a user as Gamma-Poisson.
 *
 * See again.h.  Sums over users are of integers, in int64: in no order.
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
	int64_t recent;  /* baskets with it in the last days */
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

/*
 * Adds what one user did, recent from a time on; false when poll asked for an end.
 */
static bool
add_user(const reco_env *env, const reco_baskets *of, const double *time, double from, int32_t user,
		 ItemSums *sums, int64_t *done)
{
	int32_t baskets = count_baskets(env, of, done);
	int32_t basket = 0;

	if (baskets < 0)
		return false;
	for (int64_t e = 0; e < of->events; e++)
	{
		ItemSums *s = &sums[of->item[e]];

		basket += begins(of, e);
		if (s->user != user + 1 || s->basket != basket)
			s->recent += reco_is_time(time[e]) && time[e] > from;
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

/* The latest of n times; -RECO_NO_TIME where there is none.  False when poll asked for an end. */
static bool
find_latest(const reco_env *env, const double *time, int64_t n, double *latest)
{
	int64_t done = 0;

	*latest = -RECO_NO_TIME;
	for (int64_t e = 0; e < n; e++)
	{
		if (reco_is_time(time[e]) && time[e] > *latest)
			*latest = time[e];
		if (stop_after(env, 1, &done))
			return false;
	}
	return true;
}

/* What the means of items are drawn to: exp(level + slope x), with x the log of users - center. */
typedef struct Expected
{
	double center;
	double level;
	double slope;
} Expected;

/* The slope is looked for within these bounds. */
#define STEEPEST 4.0
#define SLOPE_DIGITS 1e-9
#define MOST_STEPS 60

static double
log_users(const ItemSums *s)
{
	return log(s->users > 1 ? s->users : 1);
}

/*
 * The Poisson likelihood with the best level for a slope, by the slope: its first and second
 * derivative, which is negative.  The level is that by which as many are expected as came.
 */
static bool
derive(const reco_env *env, const ItemSums *sums, int32_t items, double times, Expected *expected,
	   double *first, double *second)
{
	double c = expected->slope;
	double all = 1; /* the item with one chance, at 0 */
	double x_all = 0;
	double xx_all = 0;
	double x_times = 0;
	int64_t done = 0;

	for (int32_t i = 0; i < items; i++)
	{
		double x = log_users(&sums[i]) - expected->center;
		double v = (double) sums[i].chances * exp(c * x);

		all += v;
		x_all += v * x;
		xx_all += v * x * x;
		x_times += (double) sums[i].times * x;
		if (stop_after(env, 1, &done))
			return false;
	}
	expected->level = log(times / all);
	*first = x_times - times * (x_all / all) - c;
	*second = -times * (xx_all / all - x_all / all * (x_all / all)) - 1;
	return true;
}

/* Newton's steps, halving where one leaves the bounds; false when poll asked for an end. */
static bool
expect(const reco_env *env, const ItemSums *sums, int32_t items, const ItemSums *all,
	   Expected *expected)
{
	double low = -STEEPEST;
	double high = STEEPEST;
	double times = (double) all->times + 0.5;
	double step = high;
	double sum = 0;
	int64_t done = 0;

	for (int32_t i = 0; i < items; i++)
	{
		sum += (double) sums[i].chances * log_users(&sums[i]);
		if (stop_after(env, 1, &done))
			return false;
	}
	expected->center = all->chances > 0 ? sum / (double) all->chances : 0;
	expected->slope = 0;
	for (int k = 0; k < MOST_STEPS && fabs(step) > SLOPE_DIGITS; k++)
	{
		double c = expected->slope;
		double first;
		double second;
		double next;

		if (!derive(env, sums, items, times, expected, &first, &second))
			return false;
		if (first > 0)
			low = c;
		else
			high = c;
		next = c - first / second;
		if (!(next > low && next < high))
			next = low + (high - low) / 2;
		step = next - c;
		expected->slope = next;
	}
	/* the level is that of the slope before, less than the digits away */
	return true;
}

/* What is known of all items from what was added up. */
static reco_status
conclude(const reco_env *env, const ItemSums *sums, int32_t items, reco_again_item *out)
{
	ItemSums all = {0};
	Expected expected;
	int64_t pairs = 0;
	int64_t done = 0;
	double share;
	double chances;

	for (int32_t i = 0; i < items; i++)
	{
		all.times += sums[i].times;
		all.chances += sums[i].chances;
		all.recent += sums[i].recent;
		pairs += sums[i].users;
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
	}
	if (!expect(env, sums, items, &all, &expected))
		return RECO_STOPPED;
	share = (double) all.recent / (double) (all.times + pairs > 0 ? all.times + pairs : 1);
	chances = RECO_AGAIN_SHRINKAGE * ((double) all.chances + 1) / ((double) pairs + 1);
	for (int32_t i = 0; i < items; i++)
	{
		const ItemSums *s = &sums[i];
		double mean =
			exp(expected.level + expected.slope * (log_users(s) - expected.center)) * chances;
		double baskets = (double) (s->times + s->users);

		out[i].rate = (float) (RECO_AGAIN_SHAPE * ((double) s->chances + chances) /
							   ((double) s->times + mean));
		out[i].growth = (float) (((double) s->recent + RECO_AGAIN_STEADY) /
								 (baskets * share + RECO_AGAIN_STEADY));
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

reco_status
reco_again_learn(const reco_env *env, const reco_ordered *events, const double *time, int32_t users,
				 int32_t items, reco_again_item *out)
{
	ItemSums *sums = zeroed(env, reco_again_memory(items));
	reco_status status = sums ? RECO_OK : RECO_NO_MEMORY;
	int64_t done = 0;
	double latest;

	if (status == RECO_OK && !find_latest(env, time, events->start[users], &latest))
		status = RECO_STOPPED;
	for (int32_t u = 0; u < users && status == RECO_OK; u++)
	{
		reco_baskets of = reco_baskets_of(events, u);

		if (!add_user(env, &of, time + events->start[u], latest - RECO_AGAIN_RECENT, u, sums,
					  &done) ||
			stop_after(env, 1, &done))
			status = RECO_STOPPED;
	}
	if (status == RECO_OK)
		status = conclude(env, sums, items, out);
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
judge(const ByItem *a, int64_t n, int32_t baskets, const reco_again_item *known)
{
	reco_again out = {.last = a[n - 1].event, .item = a[0].item, .baskets = 1};
	double chances = (double) (baskets - a[0].basket) + (double) known[a[0].item].rate;
	double growth = known[a[0].item].growth;
	double times;

	for (int64_t k = 1; k < n; k++)
		out.baskets += a[k].basket != a[k - 1].basket;
	times = out.baskets - 1 + RECO_AGAIN_SHAPE;
	out.score = -expm1(-times * log1p(growth / chances));
	out.due = chances / times / growth;
	return out;
}

static reco_status
find_items(const reco_env *env, const reco_baskets *of, const reco_again_item *known, ByItem *a,
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
		heap_offer(out, n, INT32_MAX, judge(a + from, to - from, basket, known));
		if (stop_after(env, to - from, &done))
			status = RECO_STOPPED;
	}
	if (status == RECO_OK && !heap_sort(env, out, *n))
		status = RECO_STOPPED;
	return status;
}

reco_status
reco_again_items(const reco_env *env, const reco_baskets *of, const reco_again_item *known,
				 reco_again *out, int32_t *n)
{
	size_t bytes = ((size_t) of->events + 1) * sizeof(ByItem);
	ByItem *a = env->alloc(env->arg, bytes);
	ByItem *scratch = env->alloc(env->arg, bytes);
	reco_status status = RECO_NO_MEMORY;

	*n = 0;
	if (a && scratch)
		status = find_items(env, of, known, a, scratch, out, n);
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
