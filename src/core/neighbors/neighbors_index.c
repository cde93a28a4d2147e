/*
 * neighbors_index.c
 *	  An index of the columns of a matrix, for the nearest rows of new ones: made here.
 *
 * Weights and statistics are those of the search among all rows (pairs_weights.c, pairs.c).
 * Values are kept as they came where a mean is to be taken off, which would make them float8.
 */
#include "core/neighbors/neighbors_index.h"

#include "core/data/sorting.h"
#include "core/neighbors/pairs_build.h"

typedef struct Building
{
	const reco_env *env;
	const reco_neighbors_params *params;
	const reco_csr *a;
	reco_pair_sums sums;
	double *weight; /* NULL: the values are the weights */
	double *norm;   /* NULL: all weights are 1 */
} Building;

static reco_status
weigh(Building *b)
{
	const reco_env *env = b->env;
	const reco_neighbors_params *params = b->params;
	bool derived = params->weighting != RECO_WEIGHTING_NONE || params->measure == RECO_WALK ||
				   centered(params);
	reco_status status = reco_pair_sums_compute(env, params, b->a, &b->sums);

	if (status != RECO_OK || !reco_pair_weighted(params, b->a))
		return status;
	b->norm = env->alloc(env->arg, ((size_t) b->a->rows + 1) * sizeof(double));
	if (derived)
		b->weight = env->alloc(env->arg, ((size_t) b->a->start[b->a->rows] + 1) * sizeof(double));
	if (b->norm == NULL || (derived && b->weight == NULL))
		return RECO_NO_MEMORY;
	return reco_pair_weights(env, params, b->a, &b->sums, b->weight, b->norm);
}

static reco_status
fill_numbers(const Building *b, const reco_row_index *index)
{
	const reco_pair_sums *s = &b->sums;
	reco_row_numbers to = reco_row_numbers_of(index);
	reco_pair_formula f = {.xlogx = b->params->measure == RECO_LLR ? to.column : NULL};
	reco_status status;
	int64_t done = 0;

	*to.mean_length = s->mean_length;
	*to.largest = s->largest;
	memset(to.column, 0, ((size_t) b->a->cols + 1) * sizeof(double));
	if (s->column_sum)
		memcpy(to.column, s->column_sum, (size_t) b->a->cols * sizeof(double));
	status = reco_pair_formula_init(b->env, b->params, s->largest, b->a->cols, &f);
	for (int32_t r = 0; r < b->a->rows && status == RECO_OK; r++)
	{
		int32_t n = s->row_count[r];
		reco_pair_part part = reco_pair_part_of(b->params, &f, n, b->norm ? b->norm[r] : sqrt(n),
												s->row_sum[r] / s->largest);

		to.y[r] = f.xlogx ? n : part.y;
		to.w[r] = f.xlogx ? part.u : part.w;
		to.mean[r] = s->row_mean[r];
		if (stop_after(b->env, POLL_STEPS / ROWS_PER_POLL, &done))
			status = RECO_STOPPED;
	}
	return status;
}

/* Whether the index needs no values: what all count for is 1. */
static reco_status
find_ones(const Building *b, bool *ones)
{
	const reco_csr *a = b->a;
	bool sets = reco_measure_of_sets(b->params->measure);
	int64_t polled = 0;

	*ones = a->value == NULL || !centered(b->params);
	for (int64_t e = 0; e < a->start[a->rows] && a->value && *ones; e++)
	{
		*ones = sets ? a->value[e] != 0 : a->value[e] == 1;
		if (stop_at_entry(b->env, e, &polled))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Weights as floats, which they have been rounded to, at the beginning of their own array. */
static reco_status
narrow(const Building *b, const float **value)
{
	char *to = (char *) b->weight;
	int64_t polled = 0;

	for (int64_t e = 0; e < b->a->start[b->a->rows]; e++)
	{
		float weight = (float) b->weight[e];

		memcpy(to + (size_t) e * sizeof(float), &weight, sizeof(float));
		if (stop_at_entry(b->env, e, &polled))
			return RECO_STOPPED;
	}
	*value = (const float *) b->weight;
	return RECO_OK;
}

static reco_status
transpose(Building *b, reco_csr *out)
{
	const float *value = b->a->value;
	bool ones = false;
	reco_status status = RECO_OK;

	if (centered(b->params))
	{
		release(b->env, b->weight);
		b->weight = NULL;
	}
	if (b->weight)
		status = narrow(b, &value);
	else
		status = find_ones(b, &ones);
	return status == RECO_OK ? reco_csr_transpose(b->env, b->a, ones ? NULL : value, out) : status;
}

reco_status
reco_row_index_build(const reco_env *env, const reco_neighbors_params *params,
					 const reco_csr *by_row, reco_row_index *out)
{
	Building b = {.env = env, .params = params, .a = by_row};
	reco_status status;

	*out = (reco_row_index){.by_column = {.rows = by_row->cols, .cols = by_row->rows}};
	if (!reco_neighbors_params_valid(params))
		return RECO_INVALID;
	out->numbers =
		env->alloc(env->arg, reco_row_index_numbers(by_row->rows, by_row->cols) * sizeof(double));
	status = out->numbers ? weigh(&b) : RECO_NO_MEMORY;
	if (status == RECO_OK)
		status = fill_numbers(&b, out);
	release(env, b.norm);
	reco_pair_sums_free(env, &b.sums);
	if (status == RECO_OK)
		status = transpose(&b, &out->by_column);
	release(env, b.weight);
	if (status != RECO_OK)
	{
		release(env, out->numbers);
		*out = (reco_row_index){0};
	}
	return status;
}

void
reco_row_index_free(const reco_env *env, reco_row_index *index)
{
	reco_csr_free(env, &index->by_column);
	release(env, index->numbers);
	index->numbers = NULL;
}
