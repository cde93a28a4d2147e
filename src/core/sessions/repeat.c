/*
 * repeat.c
 *	  Users by what is in their baskets, and the nearest of these.
 *
 * Vectors are added up by item, one user after the other; turned round and turned round once more
 * their rows are in the order of the items.  A vector's products with all others are added up from
 * the lists of its items, and |x - y|^2 = |x|^2 + |y|^2 - 2 xy: users who have nothing of it are
 * near, too, where they have little.
 *
 * Cost: repeat.h.
 */
#include "core/sessions/repeat.h"

#include "core/data/parts.h"
#include "core/data/sorting.h"

#include <math.h>

static inline bool
is_farther(reco_repeat_near a, reco_repeat_near b)
{
	return a.distance > b.distance || (a.distance == b.distance && a.user > b.user);
}

#define HEAP_ENTRY reco_repeat_near
#define HEAP_WORSE(a, b) is_farther(a, b)
#include "core/base/heap.h"

static inline bool
begins_basket(const reco_baskets *of, int64_t e)
{
	return e == 0 || of->moment[e] != of->moment[e - 1];
}

/* How many groups n baskets make. */
static inline int64_t
groups_of(const reco_repeat_weights *w, int64_t n)
{
	return n < w->groups ? n : w->groups;
}

/* The weight of basket b of n. */
static double
weight_of(const reco_repeat_weights *w, int64_t n, int64_t b)
{
	int64_t groups = groups_of(w, n);
	int64_t size = n / groups;
	int64_t smaller = (groups - n % groups) * size; /* baskets of groups of that size */
	int64_t group = b / size;

	if (b >= smaller)
	{
		group = smaller / size + (b - smaller) / (size + 1);
		size++;
	}
	return pow(w->decay, (double) (n - 1 - b)) *
		   pow(w->group_decay, (double) (groups - 1 - group)) / ((double) groups * (double) size);
}

/* How many baskets there are; -1: poll asked for an end. */
static int64_t
count_baskets(const reco_env *env, const reco_baskets *of)
{
	int64_t n = 0;
	int64_t done = 0;

	for (int64_t e = 0; e < of->events; e++)
	{
		n += begins_basket(of, e);
		if (stop_after(env, 1, &done))
			return -1;
	}
	return n;
}

bool
reco_repeat_add(const reco_env *env, const reco_repeat_weights *weights, const reco_baskets *of,
				reco_repeat_sum *sum, reco_repeat_scale *scale)
{
	int64_t n = count_baskets(env, of);
	double all = 0;
	double weight = 0;
	int64_t basket = 0;
	int64_t done = 0;

	if (n < 0)
		return false;
	for (int64_t e = 0; e < of->events; e++)
	{
		bool begins = begins_basket(of, e);
		reco_repeat_sum *s = &sum[of->item[e]];

		if (begins)
		{
			weight = weight_of(weights, n, basket++);
			all += weight;
		}
		/* twice in a basket is once */
		if (s->basket != basket)
			*s = (reco_repeat_sum){s->sum + weight, basket};
		if (stop_after(env, begins ? 32 : 2, &done))
			return false;
	}
	/* the newest basket has a weight whatever the decays are */
	scale->share = all > 0 ? 1 / all : 0;
	scale->vector = pow(weights->group_decay, (double) (weights->groups - groups_of(weights, n)));
	return true;
}

void
reco_repeat_clear(const reco_baskets *of, reco_repeat_sum *sum)
{
	for (int64_t e = 0; e < of->events; e++)
		sum[of->item[e]] = (reco_repeat_sum){0};
}

size_t
reco_repeat_index_memory(int64_t events, int32_t users, int32_t items)
{
	size_t entries = (size_t) events + 2;

	/* three matrices at one time, and what a transposition takes */
	return 3 * entries * (sizeof(int32_t) + sizeof(float)) +
		   ((size_t) users + 2) * (3 * sizeof(int64_t) + sizeof(double)) +
		   ((size_t) items + 2) * (2 * sizeof(int64_t) + sizeof(reco_repeat_sum)) +
		   reco_parts_memory(users > items ? users : items, events, 1);
}

/* Rows in the order in which the items come first; sum is zeros again. */
static reco_status
fill_rows(const reco_env *env, const reco_repeat_weights *weights, const reco_ordered *events,
		  reco_repeat_sum *sum, reco_csr *rows)
{
	int64_t to = 0;
	int64_t done = 0;

	for (int32_t u = 0; u < rows->rows; u++)
	{
		reco_baskets of = reco_baskets_of(events, u);
		reco_repeat_scale scale;

		rows->start[u] = to;
		if (!reco_repeat_add(env, weights, &of, sum, &scale))
			return RECO_STOPPED;
		for (int64_t e = 0; e < of.events; e++)
		{
			float x = (float) (scale.vector * sum[of.item[e]].sum);

			if (x > 0)
			{
				rows->col[to] = of.item[e];
				rows->value[to++] = x;
			}
			sum[of.item[e]] = (reco_repeat_sum){0};
		}
		if (stop_after(env, 4 * of.events + 8, &done))
			return RECO_STOPPED;
	}
	rows->start[rows->rows] = to;
	return RECO_OK;
}

static reco_status
fill_squares(const reco_env *env, const reco_csr *by_user, double *square)
{
	int64_t done = 0;

	for (int32_t u = 0; u < by_user->rows; u++)
	{
		square[u] = 0;
		for (int64_t e = by_user->start[u]; e < by_user->start[u + 1]; e++)
		{
			square[u] += (double) by_user->value[e] * by_user->value[e];
			if (stop_after(env, 1, &done))
				return RECO_STOPPED;
		}
		if (stop_after(env, 2, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static reco_status
make_index(const reco_env *env, const reco_repeat_weights *weights, const reco_ordered *events,
		   reco_repeat_sum *sum, reco_csr *rows, reco_repeat_index *out)
{
	reco_status status = fill_rows(env, weights, events, sum, rows);

	if (status == RECO_OK)
		status = reco_csr_transpose(env, rows, rows->value, &out->by_item);
	if (status != RECO_OK)
		return status;
	reco_csr_free(env, rows);
	status = reco_csr_transpose(env, &out->by_item, out->by_item.value, &out->by_user);
	return status == RECO_OK ? fill_squares(env, &out->by_user, out->square) : status;
}

reco_status
reco_repeat_index_build(const reco_env *env, const reco_repeat_weights *weights,
						const reco_ordered *events, int32_t users, int32_t items,
						reco_repeat_index *out)
{
	size_t n = (size_t) events->start[users] + 1;
	reco_env one = *env;
	reco_repeat_sum *sum = zeroed(env, ((size_t) items + 1) * sizeof(reco_repeat_sum));
	reco_csr rows = {users, items, env->alloc(env->arg, ((size_t) users + 1) * sizeof(int64_t)),
					 env->alloc(env->arg, n * sizeof(int32_t)),
					 env->alloc(env->arg, n * sizeof(float))};
	reco_status status = RECO_NO_MEMORY;

	memset(out, 0, sizeof(*out));
	one.threads = 1;
	out->square = env->alloc(env->arg, ((size_t) users + 1) * sizeof(double));
	if (sum && rows.start && rows.col && rows.value && out->square)
		status = make_index(&one, weights, events, sum, &rows, out);
	release(env, sum);
	reco_csr_free(env, &rows);
	if (status != RECO_OK)
		reco_repeat_index_free(env, out);
	return status;
}

void
reco_repeat_index_free(const reco_env *env, reco_repeat_index *index)
{
	reco_csr_free(env, &index->by_user);
	reco_csr_free(env, &index->by_item);
	release(env, index->square);
	memset(index, 0, sizeof(*index));
}

/* Adds up the products with all users; *square: of the vector itself. */
static bool
multiply(const reco_env *env, const reco_csr *by_item, const reco_baskets *of, reco_repeat_sum *sum,
		 double scale, double *product, double *square)
{
	int64_t done = 0;

	*square = 0;
	for (int64_t e = 0; e < of->events; e++)
	{
		int32_t item = of->item[e];
		/* as it is in the index */
		double x = (float) (scale * sum[item].sum);

		/* an item that comes again is done, and has a mark for it until the end */
		if (sum[item].basket < 0)
			x = 0;
		sum[item].basket = -1;
		*square += x * x;
		for (int64_t k = by_item->start[item]; x > 0 && k < by_item->start[item + 1]; k++)
		{
			product[by_item->col[k]] += x * by_item->value[k];
			if (stop_after(env, 2, &done))
				return false;
		}
		if (stop_after(env, 4, &done))
			return false;
	}
	return true;
}

reco_status
reco_repeat_nearest(const reco_env *env, const reco_repeat_index *index, const reco_baskets *of,
					reco_repeat_sum *sum, double scale, int32_t self, int32_t n, double *product,
					reco_repeat_near *out, int32_t *found)
{
	double square;
	int64_t done = 0;

	*found = 0;
	if (!multiply(env, &index->by_item, of, sum, scale, product, &square))
		return RECO_STOPPED;
	for (int32_t u = 0; u < index->by_user.rows; u++)
	{
		double distance = square + index->square[u] - 2 * product[u];

		product[u] = 0;
		if (u != self && index->square[u] > 0)
			heap_offer(out, found, n, (reco_repeat_near){distance, u});
		if (stop_after(env, 2, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Adds a user's part to what items have before, and how often they come again. */
static bool
count_again(const reco_env *env, const reco_repeat_weights *weights, const reco_baskets *of,
			reco_repeat_sum *sum, double *before, double *again)
{
	int64_t last = of->events > 0 ? of->events - 1 : 0;
	reco_baskets earlier = *of;
	reco_repeat_scale scale;
	int64_t done = 0;

	for (; last > 0 && !begins_basket(of, last); last--)
		if (stop_after(env, 1, &done))
			return false;
	earlier.events = last;
	if (!reco_repeat_add(env, weights, &earlier, sum, &scale))
		return false;
	for (int64_t e = last; e < of->events; e++)
	{
		reco_repeat_sum *s = &sum[of->item[e]];

		/* twice in a basket is once */
		again[of->item[e]] += s->basket > 0 && s->sum > 0;
		s->basket = s->basket > 0 ? -s->basket : s->basket;
		if (stop_after(env, 2, &done))
			return false;
	}
	for (int64_t e = 0; e < last; e++)
	{
		before[of->item[e]] += scale.share * sum[of->item[e]].sum;
		sum[of->item[e]] = (reco_repeat_sum){0};
		if (stop_after(env, 2, &done))
			return false;
	}
	return true;
}

static reco_status
find_rates(const reco_env *env, const reco_repeat_weights *weights, const reco_ordered *events,
		   int32_t users, int32_t items, double shrinkage, reco_repeat_sum *sum, double *before,
		   double *again, float *rate)
{
	double all_before = 0;
	double all_again = 0;
	double mean;
	int64_t done = 0;

	for (int32_t u = 0; u < users; u++)
	{
		reco_baskets of = reco_baskets_of(events, u);

		if (!count_again(env, weights, &of, sum, before, again) || stop_after(env, 8, &done))
			return RECO_STOPPED;
	}
	for (int32_t i = 0; i < items; i++)
	{
		all_before += before[i];
		all_again += again[i];
		if (stop_after(env, 2, &done))
			return RECO_STOPPED;
	}
	mean = all_before > 0 ? all_again / all_before : 0;
	for (int32_t i = 0; i < items; i++)
	{
		double among = before[i] + shrinkage;

		rate[i] = 1;
		if (mean > 0 && among > 0)
			rate[i] = (float) ((again[i] + shrinkage * mean) / among / mean);
		if (stop_after(env, 8, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

reco_status
reco_repeat_rates(const reco_env *env, const reco_repeat_weights *weights,
				  const reco_ordered *events, int32_t users, int32_t items, double shrinkage,
				  float *rate)
{
	size_t n = (size_t) items + 1;
	reco_repeat_sum *sum = zeroed(env, n * sizeof(reco_repeat_sum));
	double *before = zeroed(env, n * sizeof(double));
	double *again = zeroed(env, n * sizeof(double));
	reco_status status = RECO_NO_MEMORY;

	if (sum && before && again)
		status =
			find_rates(env, weights, events, users, items, shrinkage, sum, before, again, rate);
	release(env, sum);
	release(env, before);
	release(env, again);
	return status;
}
