/*
 * mimic_neighbors.c
 *	  Similarities by the formulas of neighbors.h, one pair at a time.
 *
 * Nothing is shared with the kernels: no ranks, no symmetry, no sums over more
 * than one pair, and long double throughout.
 */
#include "mimic_neighbors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const reco_neighbors_params mimic_params = {
	.measure = RECO_COSINE,
	.neighbors = 1000,
	.min_support = 1,
	.k1 = 1.2,
	.b = 0.75,
	.exponent = 0.5,
	.tversky_alpha = 1,
	.tversky_beta = 1,
	.walk_alpha = 1,
	.walk_beta = 0.6,
};

int
mimic_variants(reco_neighbors_params *out)
{
	int n = 0;

	for (int measure = RECO_COSINE; measure <= RECO_WALK; measure++)
	{
		out[n] = mimic_params;
		out[n++].measure = (reco_measure) measure;
	}
	for (int weighting = RECO_WEIGHTING_TF_IDF; weighting <= RECO_WEIGHTING_BM25; weighting++)
	{
		out[n] = mimic_params;
		out[n++].weighting = (reco_weighting) weighting;
		out[n] = mimic_params;
		out[n].measure = RECO_ASYMMETRIC;
		out[n].exponent = 0.8;
		out[n].b = 0.2;
		out[n].k1 = 4;
		out[n++].weighting = (reco_weighting) weighting;
	}
	out[n] = mimic_params;
	out[n].weighting = RECO_WEIGHTING_BM25;
	out[n++].k1 = 0;
	out[n] = mimic_params;
	out[n].measure = RECO_ASYMMETRIC;
	out[n++].exponent = 0;
	out[n] = mimic_params;
	out[n].measure = RECO_TVERSKY;
	out[n].tversky_alpha = 0.3;
	out[n++].tversky_beta = 1.7;
	out[n] = mimic_params;
	out[n].measure = RECO_TVERSKY;
	out[n].tversky_alpha = 0;
	out[n++].tversky_beta = 0;
	out[n] = mimic_params;
	out[n].measure = RECO_WALK;
	out[n].walk_alpha = 1.081;
	out[n++].walk_beta = 0.703;
	out[n] = mimic_params;
	out[n].measure = RECO_WALK;
	out[n].walk_alpha = 0;
	out[n++].walk_beta = 0;
	return n;
}

static float
random_value(mimic_values values, bool alike, uint64_t *seed)
{
	if (values == MIMIC_RATINGS)
		return (float) (1 + mimic_below(seed, 5));
	if (alike)
		return 2.5f;
	if (mimic_below(seed, 6) == 0)
		return 0;
	return (float) (8 * mimic_uniform(seed) - 3);
}

reco_csr
mimic_matrix(const mimic_shape *shape, mimic_values values, uint64_t seed)
{
	reco_csr a = {shape->rows, shape->cols, NULL, NULL, NULL};
	size_t cells = (size_t) shape->rows * (size_t) shape->cols;
	double *of_col = malloc(((size_t) shape->cols + 1) * sizeof(double));
	int64_t n = 0;

	a.start = malloc(((size_t) shape->rows + 1) * sizeof(int64_t));
	a.col = malloc((cells + 1) * sizeof(int32_t));
	a.value = values == MIMIC_ONES ? NULL : malloc((cells + 1) * sizeof(float));
	for (int32_t c = 0; c < shape->cols; c++)
		of_col[c] = shape->skew * pow(mimic_uniform(&seed), shape->skew - 1);
	for (int32_t r = 0; r < shape->rows; r++)
	{
		double of_row = shape->skew * pow(mimic_uniform(&seed), shape->skew - 1);
		bool alike = mimic_below(&seed, 7) == 0;

		a.start[r] = n;
		for (int32_t c = 0; c < shape->cols; c++)
			if (mimic_uniform(&seed) < shape->density * of_row * of_col[c])
			{
				if (a.value)
					a.value[n] = random_value(values, alike, &seed);
				a.col[n++] = c;
			}
	}
	a.start[shape->rows] = n;
	/* to size, so that ASan sees what is read beyond */
	a.col = realloc(a.col, ((size_t) n + 1) * sizeof(int32_t));
	if (a.value)
		a.value = realloc(a.value, ((size_t) n + 1) * sizeof(float));
	free(of_col);
	return a;
}

void
mimic_matrix_free(reco_csr *a)
{
	free(a->start);
	free(a->col);
	free(a->value);
}

/* Multiples of a step, from least to most of them; in a few entries something else. */
static const struct domain
{
	const char *name;
	int least;
	int most;
	double step;
	double other; /* in one entry of a hundred, where it is not 0 */
} domains[MIMIC_DOMAINS] = {
	{"0 only", 0, 0, 1, 0},
	{"1 only", 1, 1, 1, 0},
	{"0 and 1", 0, 1, 1, 0},
	{"-1 and 1", -1, 1, 2, 0}, /* 0 is moved to 1 */
	{"0 to 2", 0, 2, 1, 0},
	{"0 to 15", 0, 15, 1, 0},
	{"0 to 16", 0, 16, 1, 0},
	{"halves", 1, 10, 0.5, 0},
	{"multiples", 1, 9, 10, 0},
	{"negative", -5, -1, 1, 0},
	{"-2 to 2", -2, 2, 1, 0},
	{"1e-30", 1, 5, 1e-30, 0},
	{"1e15", 1, 5, 1e15, 0},
	{"1e18", 1, 1, 1e18, 0},
	{"sevenths", 1, 14, 1.0 / 7, 0},
	{"one huge", 1, 5, 1, 1e15},
	{"huge and tiny", 1, 5, 1e-9, 1e9},
	{"cents", 1, 99999, 0.01, 0},
};

const char *
mimic_domain_name(int domain)
{
	return domains[domain].name;
}

void
mimic_domain_fill(int domain, reco_csr *a, uint64_t seed)
{
	const struct domain *d = &domains[domain];
	int64_t entries = a->start[a->rows];

	free(a->value);
	a->value = malloc(((size_t) entries + 1) * sizeof(float));
	for (int64_t e = 0; e < entries; e++)
	{
		int64_t n = d->least + mimic_below(&seed, d->most - d->least + 1);

		if (d->step == 2)
			a->value[e] = n < 0 ? -1 : 1;
		else if (d->other != 0 && mimic_below(&seed, 100) == 0)
			a->value[e] = (float) d->other;
		else
			a->value[e] = (float) ((double) n * d->step);
	}
}

static float
value_of(const reco_csr *a, int64_t e)
{
	return a->value ? a->value[e] : 1;
}

/* Fills mean with that of the entries where key is k, NAN where all are alike. */
static void
means(const reco_csr *a, bool of_rows, long double *mean)
{
	int32_t keys = of_rows ? a->rows : a->cols;
	int64_t *count = calloc((size_t) keys + 1, sizeof(int64_t));
	float *least = calloc((size_t) keys + 1, sizeof(float));
	float *most = calloc((size_t) keys + 1, sizeof(float));

	for (int32_t k = 0; k < keys; k++)
		mean[k] = 0;
	for (int32_t r = 0; r < a->rows; r++)
		for (int64_t e = a->start[r]; e < a->start[r + 1]; e++)
		{
			int32_t k = of_rows ? r : a->col[e];
			float x = value_of(a, e);

			if (count[k] == 0 || x < least[k])
				least[k] = x;
			if (count[k] == 0 || x > most[k])
				most[k] = x;
			count[k]++;
			mean[k] += x;
		}
	for (int32_t k = 0; k < keys; k++)
		mean[k] = least[k] < most[k] ? mean[k] / count[k] : NAN;
	free(count);
	free(least);
	free(most);
}

static void
center(mimic_stats *s, bool by_rows)
{
	const reco_csr *a = s->a;
	long double *mean = malloc(((size_t) (by_rows ? a->rows : a->cols) + 1) * sizeof(long double));

	means(a, by_rows, mean);
	for (int32_t r = 0; r < a->rows; r++)
		for (int64_t e = a->start[r]; e < a->start[r + 1]; e++)
		{
			long double m = mean[by_rows ? r : a->col[e]];

			s->weight[e] = isnan(m) ? 0 : value_of(a, e) - m;
			s->off[e] = isnan(m) ? 0 : (fabsl(m) + 1) * 1e-15L;
		}
	free(mean);
}

/* sqrt(x) or BM25's saturation, times the column's idf */
static void
weigh(mimic_stats *s)
{
	const reco_neighbors_params *p = s->params;
	const reco_csr *a = s->a;
	int64_t *in_column = calloc((size_t) a->cols + 1, sizeof(int64_t));
	long double all = 0;

	for (int64_t e = 0; e < a->start[a->rows]; e++)
		in_column[a->col[e]]++;
	for (int32_t r = 0; r < a->rows; r++)
		all += s->sum[r];
	for (int32_t r = 0; r < a->rows; r++)
	{
		long double square = 0;

		for (int64_t e = a->start[r]; e < a->start[r + 1]; e++)
		{
			long double x = fabsf(value_of(a, e));
			long double idf = logl(a->rows / (1.0L + in_column[a->col[e]]));
			long double w = 0;

			if (p->weighting == RECO_WEIGHTING_TF_IDF)
				w = sqrtl(x) * idf;
			else if (x > 0)
				w = idf * x * (p->k1 + 1) /
					(p->k1 * (1 - p->b + p->b * s->sum[r] / (all / a->rows)) + x);
			s->weight[e] = value_of(a, e) < 0 ? -w : w;
			square += w * w;
		}
		for (int64_t e = a->start[r]; e < a->start[r + 1]; e++)
		{
			if (p->weighting == RECO_WEIGHTING_TF_IDF && square > 0)
				s->weight[e] /= sqrtl(square);
			s->off[e] = fabsl(s->weight[e]) * 0x1p-22L;
		}
	}
	free(in_column);
}

/* (x / sum)^alpha is put together in mimic_row; here x^alpha / column^(alpha / 2) */
static void
walk(mimic_stats *s)
{
	const reco_csr *a = s->a;
	long double *column = calloc((size_t) a->cols + 1, sizeof(long double));

	for (int64_t e = 0; e < a->start[a->rows]; e++)
		if (s->counts[e])
			column[a->col[e]] += value_of(a, e);
	for (int64_t e = 0; e < a->start[a->rows]; e++)
		if (s->counts[e])
		{
			s->weight[e] = powl(value_of(a, e) / sqrtl(column[a->col[e]]), s->params->walk_alpha);
			s->off[e] = s->weight[e] * 0x1p-22L;
		}
	free(column);
}

static bool
of_sets(reco_measure measure)
{
	return measure >= RECO_JACCARD && measure <= RECO_LIFT;
}

void
mimic_stats_init(mimic_stats *s, const reco_neighbors_params *params, const reco_csr *a)
{
	size_t entries = (size_t) a->start[a->rows] + 1;
	size_t rows = (size_t) a->rows + 1;
	size_t cols = (size_t) a->cols + 1;

	s->params = params;
	s->a = a;
	s->weight = calloc(entries, sizeof(long double));
	s->off = calloc(entries, sizeof(long double));
	s->counts = calloc(entries, sizeof(bool));
	s->norm = calloc(rows, sizeof(long double));
	s->off_norm = calloc(rows, sizeof(long double));
	s->sum = calloc(rows, sizeof(long double));
	s->n = calloc(rows, sizeof(int64_t));
	s->dot = calloc(cols, sizeof(long double));
	s->off_dot = calloc(cols, sizeof(long double));
	s->has = calloc(cols, sizeof(bool));
	for (int32_t r = 0; r < a->rows; r++)
		for (int64_t e = a->start[r]; e < a->start[r + 1]; e++)
		{
			float x = value_of(a, e);

			s->counts[e] = params->measure == RECO_WALK ? x > 0
						   : of_sets(params->measure)   ? x != 0
														: true;
			s->weight[e] = of_sets(params->measure) ? (x != 0) : x;
			if (s->counts[e])
			{
				s->n[r]++;
				s->sum[r] += fabsf(x);
			}
		}
	if (params->measure == RECO_PEARSON || params->measure == RECO_ADJUSTED_COSINE)
		center(s, params->measure == RECO_PEARSON);
	else if (params->measure == RECO_WALK)
		walk(s);
	else if (params->weighting != RECO_WEIGHTING_NONE && !of_sets(params->measure))
		weigh(s);
	for (int32_t r = 0; r < a->rows; r++)
	{
		for (int64_t e = a->start[r]; e < a->start[r + 1]; e++)
		{
			s->norm[r] += s->weight[e] * s->weight[e];
			s->off_norm[r] += s->off[e] * s->off[e];
		}
		s->norm[r] = sqrtl(s->norm[r]);
		s->off_norm[r] = sqrtl(s->off_norm[r]);
	}
}

void
mimic_stats_free(mimic_stats *s)
{
	free(s->weight);
	free(s->off);
	free(s->counts);
	free(s->norm);
	free(s->off_norm);
	free(s->sum);
	free(s->n);
	free(s->dot);
	free(s->off_dot);
	free(s->has);
}

static long double
xlogx(long double x)
{
	return x > 0 ? x * logl(x) : 0;
}

/* What a pair's dot product is divided by, but for the log-likelihood ratio. */
static long double
divisor(const mimic_stats *s, int32_t a, int32_t b, long double c)
{
	const reco_neighbors_params *p = s->params;
	long double na = s->n[a];
	long double nb = s->n[b];

	switch (p->measure)
	{
		case RECO_ASYMMETRIC:
			return powl(s->norm[a], 2 * p->exponent) * powl(s->norm[b], 2 - 2 * p->exponent);
		case RECO_JACCARD:
			return na + nb - c;
		case RECO_DICE:
			return (na + nb) / 2;
		case RECO_TVERSKY:
			return c + p->tversky_alpha * (na - c) + p->tversky_beta * (nb - c);
		case RECO_CONDITIONAL:
			return na;
		case RECO_LIFT:
			return na * nb / s->a->cols;
		case RECO_WALK:
			return powl(s->sum[a], p->walk_alpha) * powl(nb, p->walk_beta);
		default:
			return s->norm[a] * s->norm[b];
	}
}

/* h, in units of divisor() */
static long double
shrinkage(const mimic_stats *s)
{
	switch (s->params->measure)
	{
		case RECO_DICE:
			return s->params->shrinkage / 2;
		case RECO_LIFT:
			return (long double) s->params->shrinkage / s->a->cols;
		default:
			return s->params->shrinkage;
	}
}

static mimic_pair
pair(const mimic_stats *s, int32_t a, int32_t b, long double dot, long double off, int32_t common)
{
	long double by;
	long double relative = 1e-13L;
	mimic_pair out = {0, 0, common};

	if (common == 0 || common < s->params->min_support)
		return out;
	if (s->params->measure == RECO_LLR)
	{
		long double all = s->a->cols;
		long double k11 = common;
		long double k12 = s->n[a] - k11;
		long double k21 = s->n[b] - k11;
		long double k22 = all - k11 - k12 - k21;
		long double rows = xlogx(all) - xlogx(k11 + k12) - xlogx(k21 + k22);
		long double cols = xlogx(all) - xlogx(k11 + k21) - xlogx(k12 + k22);
		long double both = xlogx(all) - xlogx(k11) - xlogx(k12) - xlogx(k21) - xlogx(k22);

		/* what meets no more often than by chance is not alike, however far it keeps apart */
		if (k11 * all <= (k11 + k12) * (k11 + k21))
			return out;
		out.similarity = (double) fmaxl(0, 2 * (rows + cols - both));
		out.slack = (double) (xlogx(all) * 1e-14L) + 2e-8;
		return out;
	}
	by = divisor(s, a, b, common) + shrinkage(s);
	if (!(by > 0))
		return out;
	if (!of_sets(s->params->measure) && s->norm[a] > 0 && s->norm[b] > 0)
		relative += 2 * (s->off_norm[a] / s->norm[a] + s->off_norm[b] / s->norm[b]);
	out.similarity = (double) (dot / by);
	out.slack = (double) (off / by + fabsl(dot / by) * relative);
	return out;
}

void
mimic_row(mimic_stats *s, int32_t row, mimic_pair *out)
{
	const reco_csr *a = s->a;

	for (int64_t e = a->start[row]; e < a->start[row + 1]; e++)
	{
		s->has[a->col[e]] = s->counts[e];
		s->dot[a->col[e]] = s->weight[e];
		s->off_dot[a->col[e]] = s->off[e];
	}
	for (int32_t b = 0; b < a->rows; b++)
	{
		long double dot = 0;
		long double off = 0;
		int32_t common = 0;

		for (int64_t e = a->start[b]; e < a->start[b + 1]; e++)
		{
			int32_t c = a->col[e];

			if (!s->counts[e] || !s->has[c])
				continue;
			common++;
			dot += s->weight[e] * s->dot[c];
			off += s->off[e] * fabsl(s->dot[c]) + s->off_dot[c] * fabsl(s->weight[e]) +
				   1e-14L * fabsl(s->weight[e] * s->dot[c]);
		}
		out[b] = b == row ? (mimic_pair){0, 0, 0} : pair(s, row, b, dot, off, common);
	}
	for (int64_t e = a->start[row]; e < a->start[row + 1]; e++)
		s->has[a->col[e]] = false;
}

/* Whether (x, row a) comes before (y, row b). */
static bool
before(double x, int32_t a, double y, int32_t b)
{
	return x > y || (x == y && a < b);
}

void
mimic_walk_end(const reco_neighbors *lists, bool normalize, int k, reco_neighbors *out)
{
	int32_t rows = lists->rows;
	size_t entries = (size_t) lists->start[rows];
	int64_t to = 0;

	out->rows = rows;
	out->start = calloc((size_t) rows + 1, sizeof(int64_t));
	out->row = calloc(entries + 1, sizeof(int32_t));
	out->similarity = calloc(entries + 1, sizeof(double));
	for (int32_t b = 0; b < rows; b++)
	{
		out->start[b] = to;
		for (int32_t a = 0; a < rows; a++)
		{
			double sum = 0;

			for (int64_t e = lists->start[a]; e < lists->start[a + 1]; e++)
				sum += lists->similarity[e];
			for (int64_t e = lists->start[a]; e < lists->start[a + 1]; e++)
				if (lists->row[e] == b)
				{
					double x = lists->similarity[e] / (normalize ? sum : 1);
					int64_t at = to++;

					for (; at > out->start[b] &&
						   before(x, a, out->similarity[at - 1], out->row[at - 1]);
						 at--)
					{
						out->similarity[at] = out->similarity[at - 1];
						out->row[at] = out->row[at - 1];
					}
					out->similarity[at] = x;
					out->row[at] = a;
				}
		}
		if (to > out->start[b] + k)
			to = out->start[b] + k;
	}
	out->start[rows] = to;
}

void
mimic_baseline(const reco_csr *by_user, double *mean, double *user_bias, double *item_bias)
{
	int64_t entries = by_user->start[by_user->rows];

	*mean = 0;
	for (int64_t e = 0; e < entries; e++)
		*mean += value_of(by_user, e) / (double) entries;
	memset(user_bias, 0, (size_t) by_user->rows * sizeof(double));
	for (int sweep = 0; sweep < 10; sweep++)
	{
		for (int32_t i = 0; i < by_user->cols; i++)
		{
			double sum = 0;
			int64_t n = 0;

			for (int32_t u = 0; u < by_user->rows; u++)
				for (int64_t e = by_user->start[u]; e < by_user->start[u + 1]; e++)
					if (by_user->col[e] == i)
					{
						sum += value_of(by_user, e) - *mean - user_bias[u];
						n++;
					}
			item_bias[i] = sum / (10 + (double) n);
		}
		for (int32_t u = 0; u < by_user->rows; u++)
		{
			double sum = 0;
			int64_t n = by_user->start[u + 1] - by_user->start[u];

			for (int64_t e = by_user->start[u]; e < by_user->start[u + 1]; e++)
				sum += value_of(by_user, e) - *mean - item_bias[by_user->col[e]];
			user_bias[u] = sum / (15 + (double) n);
		}
	}
}
