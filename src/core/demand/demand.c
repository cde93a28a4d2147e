/*
 * demand.c
 *	  Demand by a Gamma prior over items and discounted periods.
 */
#include "core/demand/demand.h"

#include "core/demand/counts.h"
#include "core/demand/periods.h"

#include <math.h>

/* Half-lives and certainties that are tried. */
static const double half_lives[] = {1, 2, 4, 8, 16, INFINITY};
static const double certainties[] = {1, .5, .25, .125, .0625, .03125};

#define HALF_LIVES ((int) (sizeof(half_lives) / sizeof(half_lives[0])))
#define CERTAINTIES ((int) (sizeof(certainties) / sizeof(certainties[0])))
/* What a model's expectations are tried with: their part in the prior, and how much it counts. */
static const double parts[] = {.5, 1};
static const double strengths[] = {1, 4, 16, 64};

#define PARTS ((int) (sizeof(parts) / sizeof(parts[0])))
#define STRENGTHS ((int) (sizeof(strengths) / sizeof(strengths[0])))
/* By so much the log likelihood must be larger with them: two numbers more are chosen. */
#define WORTH_IT 2
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
	double shape; /* of the prior */
	double rate;
	double exposure;
	double weight[RECO_DEMAND_MAX_PERIODS];
	int from;
	/* of the prior's mean the part that is a model's, and how much the prior counts */
	double part;
	double strength;
	const double *model; /* by item, or NULL */
	double scale;        /* of these, so that their mean is 1 */
} belief;

static bool
polled(const reco_env *env, int64_t i)
{
	return i % ROWS_OF_A_POLL == 0 && env->poll(env->arg);
}

static reco_status
find_periods(const reco_env *env, const reco_interactions *x, const reco_demand_params *params,
			 int64_t *periods)
{
	int64_t rows = 0;

	*periods = 0;
	for (int32_t u = 0; u < x->by_user.rows; u++)
	{
		reco_taken taken = reco_taken_begin(x, u);

		for (int64_t time; reco_taken_next(&taken, &time); rows++)
		{
			int64_t period;

			if (polled(env, rows))
				return RECO_STOPPED;
			if (!reco_period_counts(params->end, time))
				continue;
			period = reco_period_of(params->end, params->length, time);
			*periods = period > *periods ? period : *periods;
		}
	}
	return RECO_OK;
}

static reco_status
clear(counts *c)
{
	for (int32_t i = 0; i < c->items; i++)
	{
		if (polled(c->env, i))
			return RECO_STOPPED;
		for (int k = 0; k < c->periods; k++)
			c->users[(size_t) k * c->items + i] = 0;
	}
	return RECO_OK;
}

static reco_status
count_users(counts *c, const reco_interactions *x, const reco_demand_params *params)
{
	reco_status status = clear(c);
	int64_t rows = 0;

	for (int32_t u = 0; u < x->by_user.rows && status == RECO_OK; u++)
	{
		reco_taken taken = reco_taken_begin(x, u);
		int32_t item = -1;
		int64_t last = -1;

		/* rows of an item come in order of time: those of one period are together */
		for (int64_t time; reco_taken_next(&taken, &time); rows++)
		{
			int64_t period;

			if (polled(c->env, rows))
				return RECO_STOPPED;
			if (taken.item != item)
				last = -1;
			item = taken.item;
			if (!reco_period_counts(params->end, time))
				continue;
			period = reco_period_of(params->end, params->length, time);
			if (period >= c->periods || period == last)
				continue;
			last = period;
			c->users[(size_t) period * c->items + taken.item]++;
			c->activity[period]++;
		}
	}
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

/* The Gamma distribution of an item's rate; had: what its periods weigh. */
static void
rate_of(const belief *b, int32_t item, double had, double *shape, double *rate)
{
	double level = b->part > 0 ? 1 - b->part + b->part * b->scale * b->model[item] : 1;

	*shape = b->strength * b->shape * level + had;
	*rate = b->strength * b->rate + b->exposure;
}

/*
 * The prior by the moments of the rates of those items that anybody had, less what a Poisson
 * number with such a mean varies by itself.
 */
static reco_status
learn(const counts *c, int from, double half_life, belief *b)
{
	double weights = 0, of_all = 0, squares = 0;
	double sum = 0, sum2 = 0, mean, variance;
	int64_t known = 0;

	*b = (belief){.from = from, .strength = 1};
	for (int k = from; k < c->periods; k++)
	{
		b->weight[k] = exp2(-(k - from) / half_life);
		weights += b->weight[k];
		of_all += b->weight[k] * c->activity[k];
	}
	for (int k = from; k < c->periods && of_all > 0; k++)
	{
		double e = c->activity[k] * weights / of_all;

		b->exposure += b->weight[k] * e;
		squares += b->weight[k] * b->weight[k] * e;
	}
	for (int32_t i = 0; i < c->items && b->exposure > 0; i++)
	{
		double rate = weighted(c, b, i) / b->exposure;

		if (polled(c->env, i))
			return RECO_STOPPED;
		known += rate > 0;
		sum += rate;
		sum2 += rate * rate;
	}
	if (known == 0)
		return RECO_OK;
	mean = sum / (double) known;
	variance = sum2 / (double) known - mean * mean - mean * squares / (b->exposure * b->exposure);
	variance = fmax(variance, 1e-6 * mean * mean);
	b->rate = mean / variance;
	b->shape = mean * b->rate;
	return RECO_OK;
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
		double shape, rate;

		if (i % (step * 1024) == 0 && c->env->poll(c->env->arg))
			return RECO_STOPPED;
		if (!(had > 0))
			continue;
		rate_of(b, i, had, &shape, &rate);
		for (int s = 0; s < CERTAINTIES; s++)
			likelihood[s] +=
				reco_count_log_probability(shape * certainties[s], rate * certainties[s], came[i]);
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

/* Of the items that anybody had before a belief's first period a model's numbers have mean 1. */
static reco_status
take_model(const counts *c, const double *model, belief *b)
{
	double sum = 0;
	int64_t known = 0;

	for (int32_t i = 0; i < c->items; i++)
	{
		if (polled(c->env, i))
			return RECO_STOPPED;
		if (!(weighted(c, b, i) > 0))
			continue;
		sum += model[i];
		known++;
	}
	b->model = sum > 0 ? model : NULL;
	b->scale = sum > 0 ? (double) known / sum : 0;
	return RECO_OK;
}

/* Of likelihoods by certainty the largest. */
static int
likeliest(const double *likelihood)
{
	int best = 0;

	for (int s = 1; s < CERTAINTIES; s++)
		best = likelihood[s] > likelihood[best] ? s : best;
	return best;
}

/* The best of what is tried with a model. */
typedef struct trial
{
	double most; /* log likelihood */
	double half_life;
	double certainty;
	double part;
	double strength;
} trial;

static void
take_best(trial *best, const double *likelihood, double half_life, const belief *b)
{
	int s = likeliest(likelihood);

	if (likelihood[s] > best->most)
		*best = (trial){likelihood[s], half_life, certainties[s], b->part, b->strength};
}

static reco_status
try_model(const counts *c, const double *model, double half_life, trial *alone, trial *with)
{
	double likelihood[CERTAINTIES] = {0};
	belief b;
	reco_status status = learn(c, 1, half_life, &b);

	if (status == RECO_OK)
		status = take_model(c, model, &b);
	if (status == RECO_OK)
		status = predict(c, &b, likelihood);
	if (status == RECO_OK)
		take_best(alone, likelihood, half_life, &b);
	for (int k = 0; k < PARTS * STRENGTHS && status == RECO_OK && b.model; k++)
	{
		double of_model[CERTAINTIES] = {0};

		b.part = parts[k % PARTS];
		b.strength = strengths[k / PARTS];
		status = predict(c, &b, of_model);
		if (status == RECO_OK)
			take_best(with, of_model, half_life, &b);
	}
	return status;
}

/* How much of the prior is the model's, by the latest period, predicted from those before it. */
static reco_status
choose_model(const counts *c, const reco_demand_params *params, reco_demand *out)
{
	trial alone = {.most = -INFINITY};
	trial with = {.most = -INFINITY};
	reco_status status = RECO_OK;

	for (int h = 0; h < HALF_LIVES && status == RECO_OK; h++)
		status = try_model(c, params->model_before, half_lives[h], &alone, &with);
	if (status == RECO_OK && with.most > alone.most + WORTH_IT)
	{
		out->half_life = with.half_life;
		out->certainty = with.certainty;
		out->part = with.part;
		out->strength = with.strength;
	}
	return status;
}

static reco_status
tell_items(const counts *c, const belief *b, double share, reco_demand *out)
{
	for (int32_t i = 0; i < c->items; i++)
	{
		reco_demand_item *item = &out->item[i];
		double shape, rate;

		rate_of(b, i, weighted(c, b, i), &shape, &rate);
		shape *= out->certainty;
		rate *= out->certainty;
		/* a quantile takes some microseconds, of many users some ten */
		if (i % 64 == 0 && c->env->poll(c->env->arg))
			return RECO_STOPPED;
		*item = (reco_demand_item){.latest = c->users[i], .within.probability = 1};
		for (int k = 0; k < c->periods; k++)
			item->total += c->users[(size_t) k * c->items + i];
		/* nobody ever had anything, or a model says that nobody will have this */
		if (!(rate > 0 && shape > 0))
			continue;
		item->expected = shape / rate;
		item->median = reco_count_quantile(shape, rate, .5);
		if (reco_count_interval_find(c->env, shape, rate, share, &item->within) != RECO_OK)
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static reco_status
find(counts *c, const reco_interactions *x, const reco_demand_params *params, reco_demand *out)
{
	belief b;
	reco_status status = count_users(c, x, params);

	out->strength = 1;
	if (status == RECO_OK)
		status = choose(c, out);
	if (status == RECO_OK && params->model_before)
		status = choose_model(c, params, out);
	if (status == RECO_OK)
		status = learn(c, 0, out->half_life, &b);
	if (status == RECO_OK && out->part > 0)
		status = take_model(c, params->model, &b);
	if (status != RECO_OK)
		return status;
	/* a model that says nothing of what is to come has no part in it */
	out->part = b.model ? out->part : 0;
	b.part = out->part;
	b.strength = out->strength;
	return tell_items(c, &b, params->share, out);
}

reco_status
reco_demand_find(const reco_env *env, const reco_interactions *x, const reco_demand_params *params,
				 reco_demand *out)
{
	counts c = {.env = env, .items = x->by_user.cols};
	size_t items = (size_t) c.items + 1;
	reco_status status;

	*out = (reco_demand){0};
	status = find_periods(env, x, params, &out->whole);
	if (status != RECO_OK)
		return status;
	c.periods = out->whole < RECO_DEMAND_MAX_PERIODS ? (int) out->whole : RECO_DEMAND_MAX_PERIODS;
	out->periods = c.periods;
	if (c.periods < RECO_DEMAND_MIN_PERIODS)
		return RECO_INVALID;
	c.users = env->alloc(env->arg, (size_t) c.periods * items * sizeof(int32_t));
	out->item = c.users ? env->alloc(env->arg, items * sizeof(reco_demand_item)) : NULL;
	status = out->item ? find(&c, x, params, out) : RECO_NO_MEMORY;
	if (c.users)
		env->release(env->arg, c.users);
	if (status != RECO_OK && out->item)
	{
		env->release(env->arg, out->item);
		out->item = NULL;
	}
	return status;
}
