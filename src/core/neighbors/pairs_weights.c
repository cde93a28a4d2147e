/*
 * pairs_weights.c
 *	  The weight of each entry in a search of neighbors, and the statistics of rows
 *	  and columns that it is computed from.
 *
 * Weights are computed in float8 and rounded to float4, which values are to begin
 * with.  Centered values, small differences that may cancel out, stay float8.  Those
 * of a row (or column) whose values are all equal are exactly 0, so that what varies
 * by rounding alone correlates with nothing.
 *
 * Rows are shared out among threads.  A sum is always added up in the order of rows
 * and columns by one thread, so it has the same bits for any number of them.
 *
 * Cost: two passes over the entries.
 */
#include "core/neighbors/pairs_build.h"
#include "core/data/parts.h"
#include "core/data/sorting.h"

/* Entries of a row that is left to the main thread, which may poll: some milliseconds. */
#define LONG_ROW POLL_STEPS

/* A pass over the rows, and what it works on. */
typedef struct Pass
{
	const reco_neighbors_params *params;
	const reco_csr *a;
	reco_pair_sums *s;
	double *weight;
	double *norm;
	int32_t rows; /* of the matrix, which for one row is another */
	/* one row; polls NULL: none, else false to stop */
	bool (*row)(const struct Pass *pass, const reco_env *polls, int32_t r);
} Pass;

static inline bool
is_long(const reco_csr *a, int64_t r)
{
	return a->start[r + 1] - a->start[r] > LONG_ROW;
}

static void
pass_rows(void *arg, int64_t from, int64_t to)
{
	const Pass *pass = arg;

	for (int64_t r = from; r < to; r++)
		if (!is_long(pass->a, r))
			(void) pass->row(pass, NULL, (int32_t) r);
}

/* All rows, the long ones last. */
static reco_status
each_row(const reco_env *env, Pass *pass)
{
	reco_status status = reco_share(env, pass->a->rows, ROWS_PER_PIECE, pass_rows, pass);
	int64_t polled = 0;

	for (int32_t r = 0; r < pass->a->rows && status == RECO_OK; r++)
		if ((is_long(pass->a, r) && !pass->row(pass, env, r)) || stop_at_entry(env, r, &polled))
			status = RECO_STOPPED;
	return status;
}

void
reco_pair_sums_free(const reco_env *env, reco_pair_sums *s)
{
	release(env, s->row_sum);
	release(env, s->row_mean);
	release(env, s->column_sum);
	release(env, s->row_count);
	release(env, s->column_count);
	memset(s, 0, sizeof(*s));
}

/* The mean of the values of each column, NaN where they are all equal. */
static reco_status
column_means(const reco_env *env, const reco_csr *a, reco_pair_sums *s)
{
	float *first = env->alloc(env->arg, ((size_t) a->cols + 1) * sizeof(float));
	int64_t polled = 0;
	reco_status status = RECO_OK;

	if (first == NULL)
		return RECO_NO_MEMORY;
	memset(s->column_sum, 0, (size_t) a->cols * sizeof(double));
	memset(s->column_count, 0, (size_t) a->cols * sizeof(int32_t));
	for (int64_t e = 0; e < a->start[a->rows] && status == RECO_OK; e++)
	{
		int32_t c = a->col[e];

		if (s->column_count[c]++ == 0)
			first[c] = value_of(a, e);
		else if (value_of(a, e) != first[c])
			first[c] = NAN;
		s->column_sum[c] += value_of(a, e);
		if (stop_at_entry(env, e, &polled))
			status = RECO_STOPPED;
	}
	for (int32_t c = 0; c < a->cols; c++)
		s->column_sum[c] = isnan(first[c]) ? s->column_sum[c] / s->column_count[c] : NAN;
	env->release(env->arg, first);
	return status;
}

/* Sums of |x| and counts of each column, those of them that are needed. */
static reco_status
column_sums(const reco_env *env, const reco_neighbors_params *params, const reco_csr *a,
			reco_pair_sums *s)
{
	int64_t polled = 0;

	for (int64_t e = 0; e < a->start[a->rows]; e++)
	{
		float x = value_of(a, e);

		if (counts(params, x))
		{
			s->column_count[a->col[e]]++;
			s->column_sum[a->col[e]] += fabsf(x);
		}
		if (stop_at_entry(env, e, &polled))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static inline bool
is_digit(float x)
{
	return x >= 0 && x <= MAX_DIGIT_WEIGHT && x == (float) (int) x;
}

#define load(value) atomic_load_explicit(value, memory_order_relaxed)

/* The sums of a row; false to stop. */
static bool
sum_row(const Pass *pass, const reco_env *polls, int32_t r)
{
	const reco_csr *a = pass->a;
	reco_pair_sums *s = pass->s;
	double sum = 0;
	double absolute = 0;
	float largest = 0;
	int32_t n = 0;
	bool equal = true;
	bool whole = true;

	for (int64_t from = a->start[r], to; from < a->start[r + 1]; from = to)
	{
		to = piece_end(from, a->start[r + 1]);
		for (int64_t e = from; e < to; e++)
		{
			float x = value_of(a, e);

			if (!counts(pass->params, x))
				continue;
			n++;
			absolute += fabsf(x);
			largest = fabsf(x) > largest ? fabsf(x) : largest;
			whole = whole && is_digit(x);
			sum += x;
			equal = equal && x == value_of(a, a->start[r]);
		}
		if (polls && polls->poll(polls->arg))
			return false;
	}
	s->row_count[r] = n;
	s->row_sum[r] = absolute;
	s->row_mean[r] = equal ? NAN : sum / n;
	/* the same in any order; few rows change anything */
	if (largest > load(&s->largest) || n > load(&s->longest) || (!whole && load(&s->whole)))
#pragma omp critical(reco_pair_sums)
	{
		s->largest = largest > s->largest ? largest : s->largest;
		s->longest = n > s->longest ? n : s->longest;
		s->whole = s->whole && whole;
	}
	return true;
}

reco_status
reco_pair_sums_compute(const reco_env *env, const reco_neighbors_params *params, const reco_csr *a,
					   reco_pair_sums *s)
{
	bool columns = params->weighting != RECO_WEIGHTING_NONE || params->measure == RECO_WALK;
	bool means = params->measure == RECO_ADJUSTED_COSINE;
	double all = 0;
	int64_t polled = 0;
	reco_status status;

	*s = (reco_pair_sums){.whole = true};
	s->row_sum = env->alloc(env->arg, ((size_t) a->rows + 1) * sizeof(double));
	s->row_mean = env->alloc(env->arg, ((size_t) a->rows + 1) * sizeof(double));
	s->row_count = env->alloc(env->arg, ((size_t) a->rows + 1) * sizeof(int32_t));
	if (columns || means)
	{
		s->column_sum = zeroed(env, ((size_t) a->cols + 1) * sizeof(double));
		s->column_count = zeroed(env, ((size_t) a->cols + 1) * sizeof(int32_t));
	}
	if (!s->row_sum || !s->row_mean || !s->row_count ||
		((columns || means) && (!s->column_sum || !s->column_count)))
		return RECO_NO_MEMORY;
	status = each_row(env, &(Pass){.params = params, .a = a, .s = s, .row = sum_row});
	if (status != RECO_OK)
		return status;
	for (int32_t r = 0; r < a->rows; r++)
	{
		all += s->row_sum[r];
		if (stop_at_entry(env, r, &polled))
			return RECO_STOPPED;
	}
	s->mean_length = a->rows > 0 ? all / a->rows : 0;
	if (means)
		return column_means(env, a, s);
	return columns ? column_sums(env, params, a, s) : RECO_OK;
}

/* The weight of an entry before rows are scaled. */
static double
weigh(const reco_neighbors_params *params, const reco_pair_sums *s, int32_t rows, int32_t r,
	  int32_t c, float value)
{
	double x = fabsf(value);
	double mean;

	switch (params->measure)
	{
		case RECO_PEARSON:
			mean = s->row_mean[r];
			return isnan(mean) ? 0 : value - mean;
		case RECO_ADJUSTED_COSINE:
			mean = s->column_sum[c];
			return isnan(mean) ? 0 : value - mean;
		case RECO_WALK:
			/* in parts of the largest value, so that no power is beyond a float */
			return pow(x / s->largest, params->walk_alpha) *
				   pow(s->column_sum[c] / s->largest, -params->walk_alpha / 2);
		default:
			break;
	}
	if (params->weighting == RECO_WEIGHTING_TF_IDF)
		x = sqrt(x);
	else if (params->weighting == RECO_WEIGHTING_BM25 && x > 0)
		x = x * (params->k1 + 1) /
			(params->k1 * (1 - params->b + params->b * s->row_sum[r] / s->mean_length) + x);
	if (params->weighting != RECO_WEIGHTING_NONE)
		x *= log((double) rows) - log1p((double) s->column_count[c]);
	return value < 0 ? -x : x;
}

/* The norm of a row's values; false to stop. */
static bool
norm_row(const Pass *pass, const reco_env *polls, int32_t r)
{
	const reco_csr *a = pass->a;
	double square = 0;
	int64_t done = 0;

	for (int64_t e = a->start[r]; e < a->start[r + 1]; e++)
	{
		square += (double) value_of(a, e) * (double) value_of(a, e);
		if (polls && stop_after(polls, 1, &done))
			return false;
	}
	pass->norm[r] = sqrt(square);
	return true;
}

/* The weights of a row and their norm; false to stop. */
static bool
weigh_row(const Pass *pass, const reco_env *polls, int32_t r)
{
	const reco_neighbors_params *params = pass->params;
	const reco_csr *a = pass->a;
	double *weight = pass->weight;
	double square = 0;
	double scaled = 0;
	int64_t done = 0;

	for (int64_t e = a->start[r]; e < a->start[r + 1]; e++)
	{
		double w = counts(params, value_of(a, e))
					   ? weigh(params, pass->s, pass->rows, r, a->col[e], value_of(a, e))
					   : 0;

		/* powers and logarithms */
		if (polls && stop_after(polls, POLL_STEPS / ROWS_PER_POLL, &done))
			return false;
		weight[e] = centered(params) ? w : (float) w;
		square += weight[e] * weight[e];
	}
	pass->norm[r] = sqrt(square);
	if (params->weighting != RECO_WEIGHTING_TF_IDF || square == 0)
		return true;
	for (int64_t e = a->start[r]; e < a->start[r + 1]; e++)
	{
		if (polls && stop_after(polls, 1, &done))
			return false;
		weight[e] = (float) (weight[e] / pass->norm[r]);
		scaled += weight[e] * weight[e];
	}
	pass->norm[r] = sqrt(scaled);
	return true;
}

reco_status
reco_pair_weights(const reco_env *env, const reco_neighbors_params *params, const reco_csr *a,
				  const reco_pair_sums *s, double *weight, double *norm)
{
	Pass pass = {params, a,       (reco_pair_sums *) s,         weight,
				 norm,   a->rows, weight ? weigh_row : norm_row};

	return each_row(env, &pass);
}

reco_status
reco_pair_weigh_one(const reco_env *env, const reco_neighbors_params *params, const reco_csr *row,
					int32_t rows, reco_pair_sums *s, double *weight, double *norm)
{
	Pass pass = {params, row, s, weight, norm, rows, NULL};
	double largest = s->largest;

	if (!sum_row(&pass, env, 0))
		return RECO_STOPPED;
	s->largest = largest;
	return weigh_row(&pass, env, 0) ? RECO_OK : RECO_STOPPED;
}
