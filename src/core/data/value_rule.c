/*
 * value_rule.c
 *	  What a value counts where lists are made: a function of one merged value.
 *
 * What is chosen depends on how often which values are there, so not on the order of rows.
 * Whole numbers of a scale are counted in a table, others are looked for among the few that a
 * scale may have.  A quantile is found exactly by counting the upper and then the lower halves
 * of the numbers' bits, which of positive ones have the order of the numbers.
 *
 * Cost: a pass or two over the values.  Memory: half a megabyte for a quantile.
 */
#include "core/data/value_rule.h"

#include "core/data/sorting.h"

/* Values between two polls: some milliseconds. */
#define BLOCK 262144

#define HALF 65536

/* How often which values are there, as long as they may be a scale. */
typedef struct Scale
{
	int64_t whole[RECO_SCALE_LARGEST + 1]; /* 0 to the largest */
	int others;
	float other[RECO_SCALE_VALUES];
	int64_t count[RECO_SCALE_VALUES];
} Scale;

/* False when it is none. */
static inline bool
scale_add(Scale *scale, float v)
{
	int place = 0;

	if (!(fabsf(v) <= RECO_SCALE_LARGEST))
		return false;
	if (v >= 0 && v == (float) (int) v)
	{
		scale->whole[(int) v]++;
		return true;
	}
	while (place < scale->others && scale->other[place] != v)
		place++;
	if (place == RECO_SCALE_VALUES)
		return false;
	if (place == scale->others)
	{
		scale->other[scale->others++] = v;
		scale->count[place] = 0;
	}
	scale->count[place]++;
	return true;
}

/* Few values, of which another than the smallest positive one is the most frequent. */
static bool
scale_is_one(const Scale *scale)
{
	int values = scale->others;
	int64_t of_smallest = 0;
	int64_t most = 0;
	float smallest = INFINITY;

	for (int v = 0; v <= RECO_SCALE_LARGEST; v++)
	{
		values += scale->whole[v] > 0;
		if (v > 0 && scale->whole[v] > 0 && (float) v < smallest)
		{
			smallest = (float) v;
			of_smallest = scale->whole[v];
		}
		if (v > 0 && scale->whole[v] > most)
			most = scale->whole[v];
	}
	for (int k = 0; k < scale->others; k++)
	{
		if (scale->other[k] < 0)
			continue;
		if (scale->other[k] < smallest)
		{
			smallest = scale->other[k];
			of_smallest = scale->count[k];
		}
		if (scale->count[k] > most)
			most = scale->count[k];
	}
	return values <= RECO_SCALE_VALUES && most > of_smallest;
}

/* Whether the sums are a scale. */
static reco_status
look_for_scale(const reco_env *env, const reco_interactions *x, bool *is_scale)
{
	const reco_csr *a = &x->by_user;
	int64_t n = a->start[a->rows];
	Scale scale = {.others = 0};
	int64_t repeated = 0;

	*is_scale = false;
	if (a->value == NULL)
		return RECO_OK;
	for (int64_t from = 0; from < n; from += BLOCK)
	{
		int64_t to = from + BLOCK < n ? from + BLOCK : n;

		for (int64_t e = from; e < to; e++)
			if (!scale_add(&scale, a->value[e]))
				return RECO_OK;
		for (int64_t e = from; x->latest && e < to; e++)
			repeated += x->latest[e] != a->value[e];
		if (repeated > n / 100)
			return RECO_OK;
		if (env->poll(env->arg))
			return RECO_STOPPED;
	}
	*is_scale = scale_is_one(&scale);
	return RECO_OK;
}

/* The bits of the size of a value. */
static inline uint32_t
size_bits(float v)
{
	uint32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits & 0x7FFFFFFF;
}

/*
 * Counts the sizes that are not 0: by their upper halves, or of those whose upper half is
 * `upper` by the lower ones.  False to stop.
 */
static bool
count_halves(const reco_env *env, const float *value, int64_t n, int64_t upper, int64_t *count)
{
	memset(count, 0, HALF * sizeof(int64_t));
	for (int64_t e = 0; e < n; e++)
	{
		uint32_t bits = size_bits(value[e]);

		if (upper < 0)
			count[bits >> 16] += bits > 0;
		else if (bits >> 16 == upper)
			count[bits & 0xFFFF] += bits > 0;
		if (e % BLOCK == BLOCK - 1 && env->poll(env->arg))
			return false;
	}
	return true;
}

/* The half in which the one of that rank is, from 1, and its rank in there. */
static int64_t
half_of(const int64_t *count, int64_t *rank)
{
	int64_t half = 0;

	for (; half < HALF - 1 && *rank > count[half]; half++)
		*rank -= count[half];
	return half;
}

static reco_status
find_cap(const reco_env *env, const float *value, int64_t n, float *cap)
{
	int64_t *count;
	int64_t values = 0;
	int64_t rank;
	int64_t upper;
	uint32_t bits;
	reco_status status = RECO_STOPPED;

	*cap = 1;
	if (value == NULL)
		return RECO_OK;
	count = env->alloc(env->arg, HALF * sizeof(int64_t));
	if (count == NULL)
		return RECO_NO_MEMORY;
	if (count_halves(env, value, n, -1, count))
	{
		for (int h = 0; h < HALF; h++)
			values += count[h];
		rank = values - values / 10;
		upper = half_of(count, &rank);
		if (values == 0 || count_halves(env, value, n, upper, count))
			status = RECO_OK;
		if (values > 0 && status == RECO_OK)
		{
			bits = (uint32_t) (upper << 16 | half_of(count, &rank));
			memcpy(cap, &bits, sizeof(bits));
		}
	}
	env->release(env->arg, count);
	return status;
}

reco_status
reco_value_rule_choose(const reco_env *env, const reco_interactions *x, reco_value_rule *rule)
{
	const reco_csr *a = &x->by_user;
	bool is_scale;
	reco_status status;

	if (rule->kind == RECO_VALUES_CAP && rule->cap == 0)
		return find_cap(env, a->value, a->start[a->rows], &rule->cap);
	if (rule->kind != RECO_VALUES_AUTO)
		return RECO_OK;
	status = look_for_scale(env, x, &is_scale);
	if (status == RECO_OK)
		rule->kind = is_scale ? RECO_VALUES_RAW : RECO_VALUES_BINARY;
	return status;
}

bool
reco_values_by(const reco_env *env, const reco_value_rule *rule, const float *value, int64_t n,
			   float *to)
{
	for (int64_t from = 0; from < n; from += BLOCK)
	{
		int64_t end = from + BLOCK < n ? from + BLOCK : n;

		for (int64_t e = from; e < end; e++)
			to[e] = reco_value_by(rule, value ? value[e] : 1);
		if (env->poll(env->arg))
			return false;
	}
	return true;
}

bool
reco_values_are_ones(const reco_env *env, const reco_value_rule *rule, const float *value,
					 int64_t n, bool *ones)
{
	*ones = value != NULL || n == 0 || reco_value_by(rule, 1) == 1;
	if (value == NULL)
		return true;
	for (int64_t e = 0; e < n && *ones; e++)
	{
		*ones = reco_value_by(rule, value[e]) == 1;
		if (e % BLOCK == BLOCK - 1 && env->poll(env->arg))
			return false;
	}
	return true;
}
