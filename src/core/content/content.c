/*
 * content.c
 *	  Items by what is known about them: profiles, scores and their parts.
 *
 * A field's similarity is a numerator, linear in the interactions, over a
 * denominator that they share; the score adds up over the fields, so each
 * interaction's part is its share of the numerators.  Sums run in order of term,
 * whether item by item or list by list, so both ways give the same bits.
 *
 * Source: Salton and Buckley 1988 for the weights; Lops et al. 2011 for profiles;
 * the weighted Jaccard coefficient is Ruzicka's.
 */
#include "core/content/content_parts.h"

reco_status
reco_content_index(const reco_env *env, reco_content *c)
{
	return reco_csr_transpose(env, &c->by_item, c->by_item.value, &c->by_term);
}

/* Standardizes a column, or scales a block of columns to norm 1. */
static reco_status
scale_dense(const reco_env *env, reco_content *c, const reco_field *f, double *mean,
			double *deviation)
{
	double sum = 0;
	double square = 0;
	int64_t n = 0;
	int64_t done = 0;

	for (int32_t i = 0; i < c->items; i++)
	{
		float *x = c->dense + (size_t) i * (size_t) c->stride;
		double norm = 0;

		if (stop_after(env, steps_of(f, 0), &done))
			return RECO_STOPPED;
		if (f->kind == RECO_NUMBER)
		{
			if (!isnan(x[f->from]))
			{
				n++;
				sum += x[f->from];
			}
			continue;
		}
		for (int32_t k = f->from; k < f->to; k++)
			norm += (double) x[k] * x[k];
		norm = sqrt(norm);
		for (int32_t k = f->from; norm > 0 && k < f->to; k++)
			x[k] = (float) (x[k] / norm);
	}
	*mean = n > 0 ? sum / (double) n : 0;
	*deviation = 1;
	if (f->kind != RECO_NUMBER)
		return RECO_OK;
	for (int32_t i = 0; i < c->items; i++)
	{
		double off = dense_of(c, i)[f->from] - *mean;

		if (stop_after(env, steps_of(f, 0), &done))
			return RECO_STOPPED;
		if (!isnan(off))
			square += off * off;
	}
	if (n > 0 && square > 0)
		*deviation = sqrt(square / (double) n);
	for (int32_t i = 0; i < c->items; i++)
	{
		float *x = c->dense + (size_t) i * (size_t) c->stride + f->from;

		if (stop_after(env, steps_of(f, 0), &done))
			return RECO_STOPPED;
		*x = (float) ((*x - *mean) / *deviation);
	}
	return RECO_OK;
}

static reco_status
weigh_terms(const reco_env *env, reco_content *c, const reco_field *f, float *idf)
{
	int64_t done = 0;

	for (int32_t t = f->from; t < f->to; t++)
	{
		double with = (double) (c->by_term.start[t + 1] - c->by_term.start[t]);

		if (stop_after(env, 8, &done))
			return RECO_STOPPED;
		idf[t] = f->kind == RECO_KEYWORDS ? (float) (log((1.0 + c->items) / (1.0 + with)) + 1) : 1;
	}
	for (int32_t i = 0; i < c->items; i++)
	{
		int64_t from;
		int64_t end = terms_of(c, f, i, &from);
		double norm = 0;

		if (stop_after(env, 8, &done))
			return RECO_STOPPED;
		for (int64_t e = from; e < end; e++)
		{
			float *w = &c->by_item.value[e];

			if (stop_after(env, 1, &done))
				return RECO_STOPPED;
			*w = f->kind == RECO_KEYWORDS ? *w * idf[c->by_item.col[e]] : 1;
			norm += (double) *w * *w;
		}
		norm = sqrt(norm);
		for (int64_t e = from; f->kind == RECO_KEYWORDS && norm > 0 && e < end; e++)
		{
			if (stop_after(env, 1, &done))
				return RECO_STOPPED;
			c->by_item.value[e] = (float) (c->by_item.value[e] / norm);
		}
	}
	return RECO_OK;
}

reco_status
reco_content_prepare(const reco_env *env, reco_content *c, float *idf, double *mean,
					 double *deviation)
{
	reco_status status = reco_content_index(env, c);

	for (int f = 0; f < c->fields && status == RECO_OK; f++)
	{
		mean[f] = 0;
		deviation[f] = 1;
		if (sparse(&c->field[f]))
			status = weigh_terms(env, c, &c->field[f], idf);
		else
			status = scale_dense(env, c, &c->field[f], &mean[f], &deviation[f]);
	}
	reco_csr_free(env, &c->by_term);
	return status == RECO_OK ? reco_content_index(env, c) : status;
}

int
reco_content_numbers(const reco_content *content)
{
	int columns = 0;

	for (int f = 0; f < content->fields; f++)
	{
		const reco_field *field = &content->field[f];

		if ((field->kind == RECO_EMBEDDING || field->kind == RECO_NUMBER) && field->to > columns)
			columns = field->to;
	}
	return columns;
}

bool
reco_content_is_personal(const reco_content *c, const reco_content_profile *p)
{
	for (int f = 0; f < c->fields; f++)
		if (p->size[f] > 0 && c->field[f].weight > 0)
			return true;
	return false;
}

static double
total_weight(const reco_content *c)
{
	double total = 0;

	for (int f = 0; f < c->fields; f++)
		total += c->field[f].weight;
	return total;
}

/* A sparse field's similarity from the sum over common terms. */
static double
sparse_similarity(const reco_field *f, const reco_content_profile *p, int at, double common,
				  double own)
{
	if (!(common > 0))
		return 0;
	if (f->kind == RECO_KEYWORDS)
		return common / p->size[at];
	return common / (own + p->size[at] - common);
}

static double
dense_similarity(const reco_content *c, int at, const reco_content_profile *p, int32_t item)
{
	const reco_field *f = &c->field[at];
	const float *x = dense_of(c, item);
	double dot = 0;

	if (!(p->size[at] > 0))
		return 0;
	if (f->kind == RECO_NUMBER)
		return isnan(x[f->from]) ? 0 : 1 / (1 + fabs(x[f->from] - p->dense[f->from]));
	for (int32_t k = f->from; k < f->to; k++)
		dot += p->dense[k] * x[k];
	return dot / p->size[at];
}

/* Adds a sparse field's weighted similarities to total[]; false to stop. */
static bool
add_sparse_field(const reco_env *env, const reco_content *c, int at, const reco_content_profile *p,
				 double *common, double *total)
{
	const reco_field *f = &c->field[at];
	int64_t done = 0;
	int32_t first;
	int32_t last = reco_content_terms(p, f, &first);

	memset(common, 0, (size_t) c->items * sizeof(double));
	for (int32_t k = first; k < last; k++)
	{
		int32_t t = p->term[k];
		double weight = p->weight[k];

		/* a term of very many items is added in pieces */
		for (int64_t from = c->by_term.start[t], end; from < c->by_term.start[t + 1]; from = end)
		{
			end = c->by_term.start[t + 1];
			end = end - from < POLL_STEPS ? end : from + POLL_STEPS;
			for (int64_t e = from; e < end; e++)
				common[c->by_term.col[e]] += weight * c->by_term.value[e];
			if (stop_after(env, end - from, &done))
				return false;
		}
		if (stop_after(env, 1, &done))
			return false;
	}
	for (int32_t i = 0; i < c->items; i++)
	{
		if (stop_after(env, common[i] > 0 ? 16 : 1, &done))
			return false;
		if (common[i] > 0)
		{
			int64_t from = 0;
			int64_t end = f->kind == RECO_ATTRIBUTES ? terms_of(c, f, i, &from) : 0;

			total[i] += f->weight * sparse_similarity(f, p, at, common[i], (double) (end - from));
		}
	}
	return true;
}

/* The same of a dense field. */
static bool
add_dense_field(const reco_env *env, const reco_content *c, int at, const reco_content_profile *p,
				double *total)
{
	const reco_field *f = &c->field[at];
	int64_t done = 0;

	for (int32_t i = 0; i < c->items; i++)
	{
		if (stop_after(env, steps_of(f, 0), &done))
			return false;
		total[i] += f->weight * dense_similarity(c, at, p, i);
	}
	return true;
}

reco_status
reco_content_score(const reco_env *env, const reco_content *c, const reco_content_profile *p,
				   double *scratch, float *score)
{
	double *total = scratch + c->items;
	double weight = total_weight(c);
	int64_t done = 0;

	memset(total, 0, (size_t) c->items * sizeof(double));
	for (int f = 0; f < c->fields; f++)
	{
		if (env->poll(env->arg))
			return RECO_STOPPED;
		if (!(p->size[f] > 0) || !(c->field[f].weight > 0))
			continue;
		if (sparse(&c->field[f]) ? !add_sparse_field(env, c, f, p, scratch, total)
								 : !add_dense_field(env, c, f, p, total))
			return RECO_STOPPED;
	}
	for (int32_t i = 0; i < c->items; i++)
	{
		score[i] = total[i] != 0 ? (float) (total[i] / weight) : -INFINITY;
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/*
 * The sum over the terms that an item has in common with a profile, in *common; false to
 * stop.  Of a long profile, steps that double look for the next term.
 */
static bool
common_of(const reco_env *env, const reco_content *c, const reco_content_profile *p, int64_t from,
		  int64_t end, int64_t *done, double *common)
{
	int64_t k = 0;

	*common = 0;
	for (int64_t e = from; e < end && k < p->terms; e++)
	{
		int32_t term = c->by_item.col[e];
		int64_t step = 1;

		if (stop_after(env, 8, done))
			return false;
		while (k + step < p->terms && p->term[k + step] < term)
			step *= 2;
		k = lower_bound(p->term, k + step / 2, k + step < p->terms ? k + step : p->terms, term);
		if (k < p->terms && p->term[k] == term)
			*common += p->weight[k] * c->by_item.value[e];
	}
	return true;
}

/* One field's similarity of an item; false to stop. */
static bool
similarity_of(const reco_env *env, const reco_content *c, int f, const reco_content_profile *p,
			  int32_t item, int64_t *done, double *similarity)
{
	int64_t from;
	int64_t end;
	double common;

	*similarity = 0;
	if (!(p->size[f] > 0))
		return true;
	if (stop_after(env, steps_of(&c->field[f], 0), done))
		return false;
	if (!sparse(&c->field[f]))
	{
		*similarity = dense_similarity(c, f, p, item);
		return true;
	}
	end = terms_of(c, &c->field[f], item, &from);
	if (!common_of(env, c, p, from, end, done, &common))
		return false;
	*similarity = sparse_similarity(&c->field[f], p, f, common, (double) (end - from));
	return true;
}

reco_status
reco_content_score_one(const reco_env *env, const reco_content *c, const reco_content_profile *p,
					   int32_t item, double *score)
{
	double total = 0;
	int64_t done = 0;

	for (int f = 0; f < c->fields; f++)
	{
		double similarity;

		if (!(c->field[f].weight > 0))
			continue;
		if (!similarity_of(env, c, f, p, item, &done, &similarity))
			return RECO_STOPPED;
		total += c->field[f].weight * similarity;
	}
	*score = total != 0 ? total / total_weight(c) : -INFINITY;
	return RECO_OK;
}

/* What an interaction with item j adds to the numerator of a field; false to stop. */
static bool
numerator_of(const reco_env *env, const reco_content *c, const reco_field *f, int32_t j,
			 int32_t item, int64_t *done, double *numerator)
{
	double sum = 0;
	int64_t a;
	int64_t b;
	int64_t end_a;
	int64_t end_b;

	*numerator = 0;
	if (stop_after(env, steps_of(f, 0), done))
		return false;
	if (!sparse(f))
	{
		const float *x = dense_of(c, j);
		const float *y = dense_of(c, item);

		if (!has_dense(c, f, j))
			return true;
		/* a number's similarity is shared out by the interactions' values alone */
		if (f->kind == RECO_NUMBER)
			sum = 1;
		for (int32_t k = f->from; f->kind != RECO_NUMBER && k < f->to; k++)
			sum += (double) x[k] * y[k];
		*numerator = sum;
		return true;
	}
	end_a = terms_of(c, f, j, &a);
	end_b = terms_of(c, f, item, &b);
	while (a < end_a && b < end_b)
	{
		if (stop_after(env, 1, done))
			return false;
		if (c->by_item.col[a] == c->by_item.col[b])
			sum += (double) c->by_item.value[a++] * c->by_item.value[b++];
		else if (c->by_item.col[a] < c->by_item.col[b])
			a++;
		else
			b++;
	}
	*numerator = sum;
	return true;
}

reco_status
reco_content_explain(const reco_env *env, const reco_content *c, const reco_content_user *user,
					 const reco_content_profile *p, int32_t item, double *contribution)
{
	double weight = total_weight(c);
	int64_t done = 0;

	memset(contribution, 0, (size_t) user->n * sizeof(double));
	for (int f = 0; f < c->fields; f++)
	{
		const reco_field *field = &c->field[f];
		double similarity = 0;
		double numerator;
		double all = 0;

		if (field->weight > 0 && !similarity_of(env, c, f, p, item, &done, &similarity))
			return RECO_STOPPED;
		if (similarity == 0)
			continue;
		for (int64_t j = 0; j < user->n; j++)
		{
			if (!numerator_of(env, c, field, user->item[j], item, &done, &numerator))
				return RECO_STOPPED;
			all += value_of(user, j) * numerator;
		}
		for (int64_t j = 0; all != 0 && j < user->n; j++)
		{
			if (!numerator_of(env, c, field, user->item[j], item, &done, &numerator))
				return RECO_STOPPED;
			contribution[j] +=
				field->weight / weight * similarity * value_of(user, j) * numerator / all;
		}
	}
	return RECO_OK;
}

/* One field's similarity of item b for whoever has item a alone. */
static double
alike_by(const reco_content *c, const reco_field *f, int32_t a, int32_t b)
{
	const float *x = dense_of(c, a);
	const float *y = dense_of(c, b);
	double size = 0;
	double both = 0;
	int64_t from;
	int64_t end;
	int64_t at;
	int64_t end_b;

	if (!sparse(f))
	{
		if (!has_dense(c, f, a))
			return 0;
		if (f->kind == RECO_NUMBER)
			return isnan(y[f->from]) ? 0 : 1 / (1 + fabs(y[f->from] - (double) x[f->from]));
		for (int32_t k = f->from; k < f->to; k++)
		{
			size += (double) x[k] * x[k];
			both += (double) x[k] * y[k];
		}
		return both / sqrt(size);
	}
	end = terms_of(c, f, a, &from);
	end_b = terms_of(c, f, b, &at);
	for (int64_t e = from, k = at; e < end; e++)
	{
		double w = c->by_item.value[e];

		size += f->kind == RECO_KEYWORDS ? w * w : w;
		while (k < end_b && c->by_item.col[k] < c->by_item.col[e])
			k++;
		if (k < end_b && c->by_item.col[k] == c->by_item.col[e])
			both += w * c->by_item.value[k];
	}
	if (!(size > 0) || !(both > 0))
		return 0;
	return f->kind == RECO_KEYWORDS ? both / sqrt(size)
									: both / ((double) (end_b - at) + size - both);
}

double
reco_content_alike(const reco_content *c, int32_t a, int32_t b)
{
	double total = 0;

	for (int f = 0; f < c->fields; f++)
		if (c->field[f].weight > 0)
			total += c->field[f].weight * alike_by(c, &c->field[f], a, b);
	return total != 0 ? total / total_weight(c) : -INFINITY;
}
