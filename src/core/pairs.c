/*
 * pairs.c
 *	  A sparse matrix made ready for the search of neighbors: rows in order of
 *	  length, weights, and the statistics of the similarity formula.
 *
 * Weights are computed in float8 and kept as float4, which values are to begin
 * with; when every one is 1 none are kept.  Centered values, small differences
 * that may cancel out, stay float8.  Those of a row (or column) whose values are
 * all equal are exactly 0, so that what varies by rounding alone correlates with
 * nothing.
 *
 * Cost: a few passes over the entries.
 */
#include "core/pairs.h"
#include "core/sorting.h"

#include <math.h>

/* Ranks that are also kept as bits; below HEAD_MIN it is not worth it. */
#define HEAD_MAX 2048
#define HEAD_MIN 512

/* Logarithms and powers between two polls: about 2 ms. */
#define ROWS_PER_POLL 65536

/* Whole weights up to this are counted by their binary digits, four at most. */
#define MAX_DIGIT_WEIGHT 15

/* Sums over rows and columns of what counts. */
typedef struct Sums
{
	double *row_sum; /* of |x|, by original row */
	double *row_mean;
	double *column_sum; /* of |x|; for adjusted cosine the mean */
	int32_t *row_count;
	int32_t *column_count;
	double mean_length;
	double largest; /* |x| */
} Sums;

bool
reco_measure_symmetric(const reco_neighbors_params *params)
{
	switch (params->measure)
	{
		case RECO_ASYMMETRIC:
			return params->exponent == 0.5;
		case RECO_TVERSKY:
			return params->tversky_alpha == params->tversky_beta;
		case RECO_CONDITIONAL:
		case RECO_WALK:
			return false;
		default:
			return true;
	}
}

bool
reco_measure_of_sets(reco_measure measure)
{
	switch (measure)
	{
		case RECO_JACCARD:
		case RECO_DICE:
		case RECO_TVERSKY:
		case RECO_LLR:
		case RECO_CONDITIONAL:
		case RECO_LIFT:
			return true;
		default:
			return false;
	}
}

/* A 0 is no member of a set, and only what is above 0 can be walked along. */
static inline bool
counts(const reco_neighbors_params *params, float x)
{
	if (params->measure == RECO_WALK)
		return x > 0;
	return x != 0 || !reco_measure_of_sets(params->measure);
}

static inline float
value_of(const reco_csr *a, int64_t e)
{
	return a->value ? a->value[e] : 1;
}

static bool
centered(const reco_neighbors_params *params)
{
	return params->measure == RECO_PEARSON || params->measure == RECO_ADJUSTED_COSINE;
}

static bool
weighted(const reco_neighbors_params *params, const reco_csr *a)
{
	if (reco_measure_of_sets(params->measure))
		return false;
	return a->value != NULL || params->weighting != RECO_WEIGHTING_NONE ||
		   params->measure == RECO_WALK || centered(params);
}

static void
free_sums(const reco_env *env, Sums *s)
{
	release(env, s->row_sum);
	release(env, s->row_mean);
	release(env, s->column_sum);
	release(env, s->row_count);
	release(env, s->column_count);
}

/* The mean of the values of each column, NaN where they are all equal. */
static reco_status
column_means(const reco_env *env, const reco_csr *a, Sums *s)
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
		if (stop_at(env, e, &polled))
			status = RECO_STOPPED;
	}
	for (int32_t c = 0; c < a->cols; c++)
		s->column_sum[c] = isnan(first[c]) ? s->column_sum[c] / s->column_count[c] : NAN;
	env->release(env->arg, first);
	return status;
}

static reco_status
take_sums(const reco_env *env, const reco_neighbors_params *params, const reco_csr *a, Sums *s)
{
	int64_t polled = 0;
	double all = 0;

	memset(s, 0, sizeof(*s));
	s->row_sum = zeroed(env, ((size_t) a->rows + 1) * sizeof(double));
	s->row_mean = zeroed(env, ((size_t) a->rows + 1) * sizeof(double));
	s->column_sum = zeroed(env, ((size_t) a->cols + 1) * sizeof(double));
	s->row_count = zeroed(env, ((size_t) a->rows + 1) * sizeof(int32_t));
	s->column_count = zeroed(env, ((size_t) a->cols + 1) * sizeof(int32_t));
	if (!s->row_sum || !s->row_mean || !s->column_sum || !s->row_count || !s->column_count)
		return RECO_NO_MEMORY;
	for (int32_t r = 0; r < a->rows; r++)
	{
		double sum = 0;
		bool equal = true;

		for (int64_t e = a->start[r]; e < a->start[r + 1]; e++)
		{
			float x = value_of(a, e);

			if (stop_at(env, e, &polled))
				return RECO_STOPPED;
			if (!counts(params, x))
				continue;
			s->row_count[r]++;
			s->column_count[a->col[e]]++;
			s->row_sum[r] += fabsf(x);
			s->column_sum[a->col[e]] += fabsf(x);
			s->largest = fabsf(x) > s->largest ? fabsf(x) : s->largest;
			sum += x;
			equal = equal && x == value_of(a, a->start[r]);
		}
		s->row_mean[r] = equal ? NAN : sum / s->row_count[r];
		all += s->row_sum[r];
		if (stop_at(env, a->start[r + 1], &polled))
			return RECO_STOPPED;
	}
	s->mean_length = a->rows > 0 ? all / a->rows : 0;
	if (params->measure == RECO_ADJUSTED_COSINE)
		return column_means(env, a, s);
	return RECO_OK;
}

/* The weight of an entry before rows are scaled. */
static double
weigh(const reco_neighbors_params *params, const Sums *s, int32_t rows, int32_t r, int32_t c,
	  float value)
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

/*
 * Fills weight (by original entry) and returns in norm each row's Euclidean
 * norm.
 */
static reco_status
weigh_all(const reco_env *env, const reco_neighbors_params *params, const reco_csr *a,
		  const Sums *s, double *weight, double *norm)
{
	int64_t done = 0;

	for (int32_t r = 0; r < a->rows; r++)
	{
		double square = 0;

		for (int64_t e = a->start[r]; e < a->start[r + 1]; e++)
		{
			double w = counts(params, value_of(a, e))
						   ? weigh(params, s, a->rows, r, a->col[e], value_of(a, e))
						   : 0;

			/* powers and logarithms */
			if (stop_after(env, POLL_STEPS / ROWS_PER_POLL, &done))
				return RECO_STOPPED;
			weight[e] = centered(params) ? w : (float) w;
			square += weight[e] * weight[e];
		}
		norm[r] = sqrt(square);
		if (params->weighting == RECO_WEIGHTING_TF_IDF && square > 0)
		{
			double scaled = 0;

			for (int64_t e = a->start[r]; e < a->start[r + 1]; e++)
			{
				if (stop_after(env, 1, &done))
					return RECO_STOPPED;
				weight[e] = (float) (weight[e] / norm[r]);
				scaled += weight[e] * weight[e];
			}
			norm[r] = sqrt(scaled);
		}
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Ranks rows by falling length, ties by number: a counting sort. */
static reco_status
rank_rows(const reco_env *env, const int32_t *length, reco_pairs *p, int32_t *rank)
{
	int64_t *place;
	int64_t polled = 0;
	int32_t longest = 0;
	bool stopped = false;

	for (int32_t r = 0; r < p->rows; r++)
		longest = length[r] > longest ? length[r] : longest;
	place = zeroed(env, ((size_t) longest + 2) * sizeof(int64_t));
	if (place == NULL)
		return RECO_NO_MEMORY;
	for (int32_t r = 0; r < p->rows; r++)
	{
		place[longest - length[r] + 1]++;
		if (stop_at(env, r, &polled))
		{
			env->release(env->arg, place);
			return RECO_STOPPED;
		}
	}
	polled = 0;
	counts_to_places(place, longest + 1);
	for (int32_t r = 0; r < p->rows && !stopped; r++)
	{
		rank[r] = (int32_t) place[longest - length[r]]++;
		p->row_of[rank[r]] = r;
		p->length[rank[r]] = length[r];
		stopped = stop_at(env, r, &polled);
	}
	env->release(env->arg, place);
	return stopped ? RECO_STOPPED : RECO_OK;
}

/* The two sparse forms, entries that do not count left out. */
static reco_status
fill_entries(const reco_env *env, const reco_neighbors_params *params, const reco_csr *a,
			 const double *weight, reco_pairs *p)
{
	int64_t at = 0;
	int64_t polled = 0;

	for (int64_t e = 0; e < a->start[a->rows]; e++)
	{
		p->column_start[a->col[e] + 1] += counts(params, value_of(a, e));
		if (stop_at(env, e, &polled))
			return RECO_STOPPED;
	}
	polled = 0;
	counts_to_places(p->column_start, p->columns);
	for (int32_t k = 0; k < p->rows; k++)
	{
		int32_t r = p->row_of[k];

		p->row_start[k] = at;
		for (int64_t e = a->start[r]; e < a->start[r + 1]; e++)
		{
			int64_t place;

			if (!counts(params, value_of(a, e)))
				continue;
			place = p->column_start[a->col[e]]++;
			if (p->rank16)
				p->rank16[place] = (uint16_t) k;
			else
				p->rank32[place] = k;
			if (p->centered)
				p->row_centered[at] = p->centered[place] = weight[e];
			else if (weight)
				p->row_weight[at] = p->weight[place] = (float) weight[e];
			p->column[at] = a->col[e];
			p->place[at++] = 0;
			if (stop_at(env, at, &polled))
				return RECO_STOPPED;
		}
	}
	p->row_start[p->rows] = at;
	ends_to_starts(p->column_start, p->columns);
	return RECO_OK;
}

/* place[]: how many entries of the column come before this one. */
static reco_status
fill_places(const reco_env *env, reco_pairs *p)
{
	int32_t *met = zeroed(env, ((size_t) p->columns + 1) * sizeof(int32_t));
	int64_t polled = 0;
	reco_status status = met ? RECO_OK : RECO_NO_MEMORY;

	for (int64_t e = 0; e < p->row_start[p->rows] && status == RECO_OK; e++)
	{
		p->place[e] = met[p->column[e]]++;
		if (stop_at(env, e, &polled))
			status = RECO_STOPPED;
	}
	release(env, met);
	return status;
}

/*
 * Counting in bits pays where a column has many of the long rows; it takes no more
 * memory than the matrix.
 */
static int32_t
head_of(const reco_pairs *p)
{
	int64_t head = p->columns > 0 && p->digits > 0 ? 64 * p->entries / p->columns / p->digits : 0;

	head = head < HEAD_MAX ? head : HEAD_MAX;
	head = head < p->rows ? head : p->rows;
	return head < HEAD_MIN ? 0 : (int32_t) (head / 512 * 512);
}

/* The binary digits of the weights; 0 where they cannot be counted in bits; -1 to stop. */
static int
digits_of(const reco_env *env, const reco_neighbors_params *params, const reco_pairs *p)
{
	float largest = 1;
	int digits = 0;
	int64_t polled = 0;

	if (p->weight == NULL)
		return p->centered ? 0 : 1;
	/* support is counted entry by entry */
	if (params->weighting != RECO_WEIGHTING_NONE || params->measure == RECO_WALK ||
		params->min_support > 1)
		return 0;
	for (int64_t e = 0; e < p->row_start[p->rows]; e++)
	{
		float w = p->weight[e];

		if (!(w >= 0 && w <= MAX_DIGIT_WEIGHT) || w != (float) (int) w)
			return 0;
		largest = w > largest ? w : largest;
		if (stop_at(env, e, &polled))
			return -1;
	}
	while (largest >= (float) (1 << digits))
		digits++;
	return digits;
}

static reco_status
fill_head(const reco_env *env, const reco_neighbors_params *params, reco_pairs *p)
{
	int64_t polled = 0;
	size_t words;
	size_t plane;

	p->digits = digits_of(env, params, p);
	if (p->digits < 0)
		return RECO_STOPPED;
	p->head = head_of(p);
	if (p->head == 0)
		return RECO_OK;
	words = (size_t) p->head / 64;
	plane = ((size_t) p->columns + 1) * words;
	p->bits = zeroed(env, (size_t) p->digits * plane * sizeof(uint64_t));
	p->head_size = env->alloc(env->arg, ((size_t) p->columns + 1) * sizeof(int32_t));
	if (p->bits == NULL || p->head_size == NULL)
		return RECO_NO_MEMORY;
	for (int32_t c = 0; c < p->columns; c++)
	{
		uint64_t *bits = p->bits + (size_t) c * words;
		int64_t e = p->column_start[c];

		for (; e < p->column_start[c + 1]; e++)
		{
			int32_t k = p->rank16 ? p->rank16[e] : p->rank32[e];
			int w = p->weight ? (int) p->weight[e] : 1;

			if (k >= p->head)
				break;
			for (int d = 0; d < p->digits; d++)
				bits[(size_t) d * plane + (size_t) (k >> 6)] |= (uint64_t) ((w >> d) & 1)
																<< (k & 63);
		}
		p->head_size[c] = (int32_t) (e - p->column_start[c]);
		if (stop_at(env, p->column_start[c], &polled))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* The statistics of the formula, by rank; norm by original row. */
static reco_status
fill_formula(const reco_env *env, const reco_neighbors_params *params, const Sums *s,
			 const double *norm, reco_pairs *p)
{
	reco_pair_formula *f = &p->formula;

	f->scale = 1;
	f->shrinkage = params->shrinkage;
	if (params->measure == RECO_WALK && s->largest > 0)
		f->shrinkage *= pow(s->largest, -params->walk_alpha);
	f->min_support = (uint32_t) (params->min_support > 1 ? params->min_support : 1);
	f->symmetric = reco_measure_symmetric(params);
	f->columns = p->columns;
	for (int32_t n = 0; f->xlogx && n <= p->columns; n++)
	{
		f->xlogx[n] = n > 0 ? n * log((double) n) : 0;
		if (n % ROWS_PER_POLL == 0 && env->poll(env->arg))
			return RECO_STOPPED;
	}
	f->llr_all = f->xlogx ? f->xlogx[p->columns] : 0;
	for (int32_t k = 0; k < p->rows; k++)
	{
		int32_t r = p->row_of[k];
		double n = s->row_count[r];

		if (k % ROWS_PER_POLL == 0 && env->poll(env->arg))
			return RECO_STOPPED;
		f->x[k] = f->y[k] = f->u[k] = f->w[k] = 0;
		switch (params->measure)
		{
			case RECO_COSINE:
			case RECO_ADJUSTED_COSINE:
			case RECO_PEARSON:
				f->x[k] = f->y[k] = norm ? norm[r] : sqrt(n);
				break;
			case RECO_ASYMMETRIC:
				f->x[k] = pow(norm ? norm[r] : sqrt(n), 2 * params->exponent);
				f->y[k] = pow(norm ? norm[r] : sqrt(n), 2 * (1 - params->exponent));
				break;
			case RECO_JACCARD:
				f->u[k] = f->w[k] = n;
				f->v = 1;
				break;
			case RECO_DICE:
				f->u[k] = f->w[k] = n;
				f->scale = 2;
				break;
			case RECO_TVERSKY:
				f->u[k] = params->tversky_alpha * n;
				f->w[k] = params->tversky_beta * n;
				f->v = params->tversky_alpha + params->tversky_beta - 1;
				break;
			case RECO_CONDITIONAL:
				/* the list of a is of what is likely given a: the roles change */
				f->u[k] = n;
				break;
			case RECO_LIFT:
				f->x[k] = f->y[k] = n;
				f->scale = p->columns;
				break;
			case RECO_LLR:
				f->u[k] = -f->xlogx[(int32_t) n] - f->xlogx[p->columns - (int32_t) n];
				break;
			case RECO_WALK:
				f->x[k] = n > 0 ? pow(s->row_sum[r] / s->largest, params->walk_alpha) : 0;
				f->y[k] = pow(n, params->walk_beta);
				break;
		}
	}
	return RECO_OK;
}

static reco_status
allocate(const reco_env *env, const reco_neighbors_params *params, bool has_weights, reco_pairs *p)
{
	size_t rows = (size_t) p->rows + 1;
	size_t entries = (size_t) p->entries + 1;
	reco_pair_formula *f = &p->formula;

	p->row_of = env->alloc(env->arg, rows * sizeof(int32_t));
	p->length = env->alloc(env->arg, rows * sizeof(int32_t));
	p->row_start = env->alloc(env->arg, rows * sizeof(int64_t));
	p->column_start = zeroed(env, ((size_t) p->columns + 1) * sizeof(int64_t));
	p->column = env->alloc(env->arg, entries * sizeof(int32_t));
	p->place = env->alloc(env->arg, entries * sizeof(int32_t));
	if (p->rows <= 65536)
		p->rank16 = env->alloc(env->arg, entries * sizeof(uint16_t));
	else
		p->rank32 = env->alloc(env->arg, entries * sizeof(int32_t));
	if (has_weights && centered(params))
	{
		p->row_centered = env->alloc(env->arg, entries * sizeof(double));
		p->centered = env->alloc(env->arg, entries * sizeof(double));
	}
	else if (has_weights)
	{
		p->row_weight = env->alloc(env->arg, entries * sizeof(float));
		p->weight = env->alloc(env->arg, entries * sizeof(float));
	}
	/* one block for the four statistics */
	f->x = env->alloc(env->arg, 4 * rows * sizeof(double));
	if (f->x)
	{
		f->y = f->x + rows;
		f->u = f->y + rows;
		f->w = f->u + rows;
	}
	if (params->measure == RECO_LLR)
		f->xlogx = env->alloc(env->arg, ((size_t) p->columns + 1) * sizeof(double));
	if (!p->row_of || !p->length || !p->row_start || !p->column_start || !p->column || !p->place ||
		(!p->rank16 && !p->rank32) ||
		(has_weights && (!p->row_weight || !p->weight) && (!p->row_centered || !p->centered)) ||
		!f->x || (params->measure == RECO_LLR && !f->xlogx))
		return RECO_NO_MEMORY;
	return RECO_OK;
}

reco_status
reco_pairs_build(const reco_env *env, const reco_neighbors_params *params, const reco_csr *by_row,
				 reco_pairs *p)
{
	bool has_weights = weighted(params, by_row);
	Sums s;
	double *weight = NULL;
	double *norm = NULL;
	int32_t *rank = NULL;
	reco_status status;

	*p = (reco_pairs){
		.rows = by_row->rows, .columns = by_row->cols, .entries = by_row->start[by_row->rows]};
	status = take_sums(env, params, by_row, &s);
	if (status == RECO_OK)
		status = allocate(env, params, has_weights, p);
	rank = env->alloc(env->arg, ((size_t) p->rows + 1) * sizeof(int32_t));
	if (has_weights)
	{
		weight = env->alloc(env->arg, ((size_t) p->entries + 1) * sizeof(double));
		norm = env->alloc(env->arg, ((size_t) p->rows + 1) * sizeof(double));
	}
	if (status == RECO_OK && (!rank || (has_weights && (!weight || !norm))))
		status = RECO_NO_MEMORY;
	if (status == RECO_OK && has_weights)
		status = weigh_all(env, params, by_row, &s, weight, norm);
	if (status == RECO_OK)
		status = rank_rows(env, s.row_count, p, rank);
	if (status == RECO_OK)
		status = fill_entries(env, params, by_row, weight, p);
	if (status == RECO_OK)
		status = fill_places(env, p);
	if (status == RECO_OK)
		status = fill_head(env, params, p);
	if (status == RECO_OK)
		status = fill_formula(env, params, &s, norm, p);
	release(env, rank);
	release(env, norm);
	release(env, weight);
	free_sums(env, &s);
	if (status != RECO_OK)
		reco_pairs_free(env, p);
	return status;
}

void
reco_pairs_free(const reco_env *env, reco_pairs *p)
{
	release(env, p->row_of);
	release(env, p->length);
	release(env, p->row_start);
	release(env, p->column_start);
	release(env, p->column);
	release(env, p->place);
	release(env, p->rank16);
	release(env, p->rank32);
	release(env, p->row_weight);
	release(env, p->weight);
	release(env, p->row_centered);
	release(env, p->centered);
	release(env, p->bits);
	release(env, p->head_size);
	release(env, p->formula.x);
	release(env, p->formula.xlogx);
	memset(p, 0, sizeof(*p));
}
