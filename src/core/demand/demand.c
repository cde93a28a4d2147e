/*
 * demand.c
 *	  Demand by a Gamma prior over items and discounted periods.
 */
#include "core/demand/demand.h"

#include <math.h>
#include <string.h>

/* Half-lives and certainties that are tried. */
static const double half_lives[] = {1, 2, 4, 8, 16, INFINITY};
static const double certainties[] = {1, .5, .25, .125, .0625, .03125};

#define HALF_LIVES ((int) (sizeof(half_lives) / sizeof(half_lives[0])))
#define CERTAINTIES ((int) (sizeof(certainties) / sizeof(certainties[0])))
/* How many of the latest periods are predicted, and of how many items. */
#define PREDICTED 3
#define PREDICTED_ITEMS 20000

#define ROWS_OF_A_POLL 4096

typedef struct counts
{
	const reco_env *env;
	int32_t items;
	int periods;
	int32_t *users;                           /* periods x items, the latest period first */
	double activity[RECO_DEMAND_MAX_PERIODS]; /* their sums over items */
} counts;

/* What periods from one on say. */
typedef struct belief
{
	double shape; /* of an item without users */
	double rate;
	double weight[RECO_DEMAND_MAX_PERIODS];
	int from;
} belief;

static bool
polled(const reco_env *env, int64_t i)
{
	return i % ROWS_OF_A_POLL == 0 && env->poll(env->arg);
}

/* How many whole periods there are between a time and the end. */
static int64_t
period_of(const reco_demand_params *params, int64_t time)
{
	return (int64_t) (((uint64_t) params->end - (uint64_t) time) / (uint64_t) params->length);
}

static bool
is_counted(const reco_demand_params *params, int64_t time)
{
	return time != INT64_MIN && time <= params->end;
}

static reco_status
find_periods(const reco_env *env, const reco_ordered *events, int64_t n,
			 const reco_demand_params *params, int *periods)
{
	int64_t most = 0;

	for (int64_t e = 0; e < n; e++)
	{
		if (polled(env, e))
			return RECO_STOPPED;
		if (is_counted(params, events->time[e]) && period_of(params, events->time[e]) > most)
			most = period_of(params, events->time[e]);
	}
	*periods = most < RECO_DEMAND_MAX_PERIODS ? (int) most : RECO_DEMAND_MAX_PERIODS;
	return RECO_OK;
}

static reco_status
clear(counts *c, int64_t *last)
{
	for (int32_t i = 0; i < c->items; i++)
	{
		if (polled(c->env, i))
			return RECO_STOPPED;
		last[i] = -1;
		for (int k = 0; k < c->periods; k++)
			c->users[(size_t) k * c->items + i] = 0;
	}
	return RECO_OK;
}

/* A user's events are in order of time: those of one period are together. */
static reco_status
count_users(counts *c, const reco_ordered *events, int32_t users, const reco_demand_params *params)
{
	/* of items: the user and the period that had them last */
	int64_t *last = c->env->alloc(c->env->arg, ((size_t) c->items + 1) * sizeof(int64_t));
	reco_status status = last ? clear(c, last) : RECO_NO_MEMORY;

	for (int32_t u = 0; u < users && status == RECO_OK; u++)
		for (int64_t e = events->start[u]; e < events->start[u + 1]; e++)
		{
			int64_t period;
			int64_t now;
			int32_t i = events->item[e];

			if (polled(c->env, e))
			{
				status = RECO_STOPPED;
				break;
			}
			if (!is_counted(params, events->time[e]))
				continue;
			period = period_of(params, events->time[e]);
			now = (int64_t) u * RECO_DEMAND_MAX_PERIODS + period;
			if (period >= c->periods || last[i] == now)
				continue;
			last[i] = now;
			c->users[(size_t) period * c->items + i]++;
			c->activity[period]++;
		}
	if (last)
		c->env->release(c->env->arg, last);
	return status;
}

static double
weighted(const counts *c, const belief *b, int32_t item)
{
	double sum = 0;

	for (int k = b->from; k < c->periods; k++)
		sum += b->weight[k] * c->users[(size_t) k * c->items + item];
	return sum;
}

/*
 * The prior by the moments of the rates of those items that anybody had, less what a Poisson
 * number with such a mean varies by itself.
 */
static reco_status
learn(const counts *c, int from, double half_life, belief *b)
{
	double weights = 0, of_all = 0, exposure = 0, squares = 0;
	double sum = 0, sum2 = 0, mean, variance;
	int64_t known = 0;

	b->from = from;
	for (int k = from; k < c->periods; k++)
	{
		b->weight[k] = exp2(-(k - from) / half_life);
		weights += b->weight[k];
		of_all += b->weight[k] * c->activity[k];
	}
	for (int k = from; k < c->periods && of_all > 0; k++)
	{
		double e = c->activity[k] * weights / of_all;

		exposure += b->weight[k] * e;
		squares += b->weight[k] * b->weight[k] * e;
	}
	for (int32_t i = 0; i < c->items && exposure > 0; i++)
	{
		double rate = weighted(c, b, i) / exposure;

		if (polled(c->env, i))
			return RECO_STOPPED;
		known += rate > 0;
		sum += rate;
		sum2 += rate * rate;
	}
	b->shape = b->rate = 0;
	if (known == 0)
		return RECO_OK;
	mean = sum / (double) known;
	variance = sum2 / (double) known - mean * mean - mean * squares / (exposure * exposure);
	variance = fmax(variance, 1e-6 * mean * mean);
	b->rate = mean / variance;
	b->shape = mean * b->rate;
	b->rate += exposure;
	return RECO_OK;
}

/* Of a negative binomial number with a Gamma rate, for an exposure of 1. */
static double
log_probability(double shape, double rate, double y)
{
	return lgamma(shape + y) - lgamma(shape) - lgamma(y + 1) + shape * log(rate / (rate + 1)) -
		   y * log1p(rate);
}

/* How likely the period before a belief's first is, for each certainty. */
static reco_status
predict(const counts *c, const belief *b, double *likelihood)
{
	int32_t step = c->items / PREDICTED_ITEMS + 1;
	const int32_t *came = c->users + (size_t) (b->from - 1) * c->items;

	for (int32_t i = 0; i < c->items && b->rate > 0; i += step)
	{
		double had = weighted(c, b, i);

		if (i % (step * 1024) == 0 && c->env->poll(c->env->arg))
			return RECO_STOPPED;
		for (int s = 0; s < CERTAINTIES && had > 0; s++)
			likelihood[s] += log_probability((b->shape + had) * certainties[s],
											 b->rate * certainties[s], came[i]);
	}
	return RECO_OK;
}

/* Periods from the latest on, each predicted from those before it. */
static reco_status
choose(const counts *c, reco_demand *out)
{
	double most = -INFINITY;

	out->half_life = INFINITY;
	out->certainty = 1;
	for (int h = 0; h < HALF_LIVES; h++)
	{
		double likelihood[CERTAINTIES] = {0};
		reco_status status = RECO_OK;

		for (int p = 0; p < PREDICTED && status == RECO_OK; p++)
		{
			belief b;

			status = learn(c, p + 1, half_lives[h], &b);
			if (status == RECO_OK)
				status = predict(c, &b, likelihood);
		}
		if (status != RECO_OK)
			return status;
		for (int s = 0; s < CERTAINTIES; s++)
			if (likelihood[s] > most)
			{
				most = likelihood[s];
				out->half_life = half_lives[h];
				out->certainty = certainties[s];
			}
	}
	return RECO_OK;
}

/* 1 / (1 + d_1 / (1 + d_2 / ...)), by Lentz's method. */
static double
beta_fraction(double x, double a, double b)
{
	const double tiny = 1e-300;
	double f = 1, c = 1, d = 0;

	for (int j = 1; j < 100000; j++)
	{
		int m = j / 2;
		double t = j % 2 ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
						 : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));

		d = 1 + t * d;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = 1 + t / c;
		c = fabs(c) < tiny ? tiny : c;
		f *= c * d;
		if (fabs(c * d - 1) < 1e-14)
			break;
	}
	return 1 / f;
}

/* I_x(a, b) */
static double
incomplete_beta(double x, double a, double b)
{
	double front;

	if (x <= 0 || x >= 1)
		return x >= 1;
	front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
	/* where it converges fast */
	return x < (a + 1) / (a + b + 2) ? front * beta_fraction(x, a, b) / a
									 : 1 - front * beta_fraction(1 - x, b, a) / b;
}

int32_t
reco_demand_quantile(double shape, double rate, double p)
{
	double x = rate / (rate + 1);
	int64_t low = -1, high = 1;

	/* at most k with a probability of I_x(shape, k + 1) */
	while (high < INT32_MAX && incomplete_beta(x, shape, (double) high + 1) < p)
		high = high < INT32_MAX / 2 ? 2 * high : INT32_MAX;
	while (high - low > 1)
	{
		int64_t middle = low + (high - low) / 2;

		if (incomplete_beta(x, shape, (double) middle + 1) < p)
			low = middle;
		else
			high = middle;
	}
	return (int32_t) high;
}

static reco_status
tell_items(const counts *c, const belief *b, double share, reco_demand *out)
{
	for (int32_t i = 0; i < c->items; i++)
	{
		reco_demand_item *item = &out->item[i];
		double shape = (b->shape + weighted(c, b, i)) * out->certainty;
		double rate = b->rate * out->certainty;

		/* a quantile takes some microseconds, of many users some ten */
		if (i % 64 == 0 && c->env->poll(c->env->arg))
			return RECO_STOPPED;
		*item = (reco_demand_item){.latest = c->users[i]};
		for (int k = 0; k < c->periods; k++)
			item->total += c->users[(size_t) k * c->items + i];
		if (!(rate > 0))
			continue;
		item->expected = shape / rate;
		item->median = reco_demand_quantile(shape, rate, .5);
		item->low = reco_demand_quantile(shape, rate, (1 - share) / 2);
		item->high = reco_demand_quantile(shape, rate, (1 + share) / 2);
	}
	return RECO_OK;
}

static reco_status
find(counts *c, const reco_ordered *events, int32_t users, const reco_demand_params *params,
	 reco_demand *out)
{
	belief b;
	reco_status status = count_users(c, events, users, params);

	if (status == RECO_OK)
		status = choose(c, out);
	if (status == RECO_OK)
		status = learn(c, 0, out->half_life, &b);
	if (status == RECO_OK)
		status = tell_items(c, &b, params->share, out);
	return status;
}

reco_status
reco_demand_find(const reco_env *env, const reco_ordered *events, int32_t users, int32_t items,
				 const reco_demand_params *params, reco_demand *out)
{
	counts c = {.env = env, .items = items};
	reco_status status = find_periods(env, events, events->start[users], params, &c.periods);

	*out = (reco_demand){.periods = c.periods};
	if (status != RECO_OK)
		return status;
	if (c.periods < RECO_DEMAND_MIN_PERIODS)
		return RECO_INVALID;
	c.users = env->alloc(env->arg, (size_t) c.periods * items * sizeof(int32_t) + 1);
	out->item = c.users ? env->alloc(env->arg, items * sizeof(reco_demand_item) + 1) : NULL;
	status = out->item ? find(&c, events, users, params, out) : RECO_NO_MEMORY;
	if (c.users)
		env->release(env->arg, c.users);
	if (status != RECO_OK && out->item)
	{
		env->release(env->arg, out->item);
		out->item = NULL;
	}
	return status;
}
