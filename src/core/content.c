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
#include "core/content.h"
#include "core/sorting.h"

#include <math.h>
#include <stdlib.h>

/* A few milliseconds' worth of embeddings. */
#define ITEMS_PER_POLL 4096
/* Terms added up, and parts sorted, between two polls. */
#define TERMS_PER_POLL 262144
#define PARTS_PER_POLL 16384

static inline bool
polled(const reco_env *env, int32_t item)
{
	return item % ITEMS_PER_POLL == 0 && env->poll(env->arg);
}

static inline bool
sparse(const reco_field *f)
{
	return f->kind == RECO_KEYWORDS || f->kind == RECO_ATTRIBUTES;
}

static inline const float *
dense_of(const reco_content *c, int32_t item)
{
	return c->dense + (size_t) item * (size_t) c->stride;
}

static inline double
value_of(const reco_content_user *user, int64_t j)
{
	double x = user->value ? user->value[j] : 1;

	return x > 0 ? x : 0;
}

/* An item's entries of a field: *from .. the returned end. */
static int64_t
terms_of(const reco_content *c, const reco_field *f, int32_t item, int64_t *from)
{
	int64_t low = c->by_item.start[item];
	int64_t end = c->by_item.start[item + 1];

	while (low < end && c->by_item.col[low] < f->from)
		low++;
	*from = low;
	while (low < end && c->by_item.col[low] < f->to)
		low++;
	return low;
}

static bool
has_dense(const reco_content *c, const reco_field *f, int32_t item)
{
	const float *x = dense_of(c, item);

	if (f->kind == RECO_NUMBER)
		return !isnan(x[f->from]);
	for (int32_t k = f->from; k < f->to; k++)
		if (x[k] != 0)
			return true;
	return false;
}

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

	for (int32_t i = 0; i < c->items; i++)
	{
		float *x = c->dense + (size_t) i * (size_t) c->stride;
		double norm = 0;

		if (polled(env, i))
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

		if (polled(env, i))
			return RECO_STOPPED;
		if (!isnan(off))
			square += off * off;
	}
	if (n > 0 && square > 0)
		*deviation = sqrt(square / (double) n);
	for (int32_t i = 0; i < c->items; i++)
	{
		float *x = c->dense + (size_t) i * (size_t) c->stride + f->from;

		if (polled(env, i))
			return RECO_STOPPED;
		*x = (float) ((*x - *mean) / *deviation);
	}
	return RECO_OK;
}

static reco_status
weigh_terms(const reco_env *env, reco_content *c, const reco_field *f, float *idf)
{
	for (int32_t t = f->from; t < f->to; t++)
	{
		double with = (double) (c->by_term.start[t + 1] - c->by_term.start[t]);

		idf[t] = f->kind == RECO_KEYWORDS ? (float) (log((1.0 + c->items) / (1.0 + with)) + 1) : 1;
	}
	for (int32_t i = 0; i < c->items; i++)
	{
		int64_t from;
		int64_t end = terms_of(c, f, i, &from);
		double norm = 0;

		if (polled(env, i))
			return RECO_STOPPED;
		for (int64_t e = from; e < end; e++)
		{
			float *w = &c->by_item.value[e];

			*w = f->kind == RECO_KEYWORDS ? *w * idf[c->by_item.col[e]] : 1;
			norm += (double) *w * *w;
		}
		norm = sqrt(norm);
		for (int64_t e = from; f->kind == RECO_KEYWORDS && norm > 0 && e < end; e++)
			c->by_item.value[e] = (float) (c->by_item.value[e] / norm);
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

typedef struct Part
{
	int32_t term;
	int32_t place; /* of the interaction: keeps sums in one order */
	double weight;
} Part;

static int
compare_parts(const void *a, const void *b)
{
	const Part *x = a;
	const Part *y = b;

	if (x->term != y->term)
		return x->term > y->term ? 1 : -1;
	return (x->place > y->place) - (x->place < y->place);
}

/*
 * Sorts n parts, of which other is a second copy's room: blocks that are merged, with polls
 * in between.  Returns which of the two holds them, or NULL to stop.
 */
static Part *
sort_parts(const reco_env *env, Part *part, Part *other, int64_t n)
{
	for (int64_t from = 0; from < n; from += PARTS_PER_POLL)
	{
		int64_t left = n - from;

		qsort(part + from, (size_t) (left < PARTS_PER_POLL ? left : PARTS_PER_POLL), sizeof(Part),
			  compare_parts);
		if (left > PARTS_PER_POLL && env->poll(env->arg))
			return NULL;
	}
	for (int64_t size = PARTS_PER_POLL; size < n; size *= 2)
	{
		Part *sorted = other;

		for (int64_t from = 0; from < n; from += 2 * size)
		{
			int64_t middle = from + size < n ? from + size : n;
			int64_t end = middle + size < n ? middle + size : n;
			int64_t a = from;
			int64_t b = middle;

			for (int64_t to = from; to < end; to++)
			{
				bool first = a < middle && (b == end || compare_parts(&part[a], &part[b]) < 0);

				sorted[to] = first ? part[a++] : part[b++];
				if (to % TERMS_PER_POLL == TERMS_PER_POLL - 1 && env->poll(env->arg))
					return NULL;
			}
		}
		other = part;
		part = sorted;
	}
	return part;
}

/* Adds up the sorted parts of equal terms. */
static void
merge_parts(const Part *part, int64_t n, reco_content_profile *p)
{
	for (int64_t k = 0; k < n; k++)
		if (p->terms > 0 && p->term[p->terms - 1] == part[k].term)
			p->weight[p->terms - 1] += part[k].weight;
		else
		{
			p->term[p->terms] = part[k].term;
			p->weight[p->terms++] = part[k].weight;
		}
}

/* The size of each sparse field, and the shares of attributes. */
static void
finish_sparse(const reco_content *c, reco_content_profile *p)
{
	int32_t k = 0;

	for (int f = 0; f < c->fields; f++)
	{
		const reco_field *field = &c->field[f];

		for (; sparse(field) && k < p->terms && p->term[k] < field->to; k++)
		{
			if (field->kind == RECO_ATTRIBUTES && p->amount[f] > 0)
				p->weight[k] /= p->amount[f];
			p->size[f] +=
				field->kind == RECO_ATTRIBUTES ? p->weight[k] : p->weight[k] * p->weight[k];
		}
		if (field->kind == RECO_KEYWORDS)
			p->size[f] = sqrt(p->size[f]);
	}
}

static void
add_dense(const reco_content *c, int f, int32_t item, double x, reco_content_profile *p)
{
	const reco_field *field = &c->field[f];
	const float *from = dense_of(c, item);

	if (!has_dense(c, field, item))
		return;
	p->amount[f] += x;
	for (int32_t k = field->from; k < field->to; k++)
		p->dense[k] += x * from[k];
}

static void
finish_dense(const reco_content *c, int f, reco_content_profile *p)
{
	const reco_field *field = &c->field[f];

	if (field->kind == RECO_NUMBER)
	{
		p->size[f] = p->amount[f];
		if (p->amount[f] > 0)
			p->dense[field->from] /= p->amount[f];
		return;
	}
	for (int32_t k = field->from; k < field->to; k++)
		p->size[f] += p->dense[k] * p->dense[k];
	p->size[f] = sqrt(p->size[f]);
}

reco_status
reco_content_profile_make(const reco_env *env, const reco_content *c, const reco_content_user *user,
						  reco_content_profile *p)
{
	size_t room = 1;
	int64_t n = 0;
	int64_t polled_at = 0;
	Part *part;
	Part *other = NULL;
	Part *sorted;
	bool stop = false;

	memset(p, 0, sizeof(*p));
	for (int64_t j = 0; j < user->n; j++)
		room += (size_t) (c->by_item.start[user->item[j] + 1] - c->by_item.start[user->item[j]]);
	part = env->alloc(env->arg, room * sizeof(Part));
	if (room > PARTS_PER_POLL)
		other = env->alloc(env->arg, room * sizeof(Part));
	p->term = env->alloc(env->arg, room * sizeof(int32_t));
	p->weight = env->alloc(env->arg, room * sizeof(double));
	p->dense = zeroed(env, ((size_t) c->stride + 1) * sizeof(double));
	if (!part || (room > PARTS_PER_POLL && !other) || !p->term || !p->weight || !p->dense)
	{
		release(env, part);
		release(env, other);
		reco_content_profile_free(env, p);
		return RECO_NO_MEMORY;
	}
	for (int64_t j = 0; j < user->n && !stop; j++)
	{
		double x = value_of(user, j);

		if (n - polled_at > TERMS_PER_POLL || j % ITEMS_PER_POLL == ITEMS_PER_POLL - 1)
		{
			polled_at = n;
			stop = env->poll(env->arg);
		}
		for (int f = 0; f < c->fields && x > 0; f++)
		{
			int64_t from;
			int64_t end;

			if (!sparse(&c->field[f]))
			{
				add_dense(c, f, user->item[j], x, p);
				continue;
			}
			end = terms_of(c, &c->field[f], user->item[j], &from);
			if (end > from)
				p->amount[f] += x;
			for (int64_t e = from; e < end; e++)
				part[n++] = (Part){c->by_item.col[e], (int32_t) j, x * c->by_item.value[e]};
		}
	}
	sorted = stop ? NULL : sort_parts(env, part, other, n);
	if (sorted)
		merge_parts(sorted, n, p);
	release(env, part);
	release(env, other);
	if (sorted == NULL)
	{
		reco_content_profile_free(env, p);
		return RECO_STOPPED;
	}
	finish_sparse(c, p);
	for (int f = 0; f < c->fields; f++)
		if (!sparse(&c->field[f]))
			finish_dense(c, f, p);
	return RECO_OK;
}

void
reco_content_profile_free(const reco_env *env, reco_content_profile *p)
{
	release(env, p->term);
	release(env, p->weight);
	release(env, p->dense);
	memset(p, 0, sizeof(*p));
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
reco_content_knows(const reco_content *c, const reco_content_profile *p)
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
	int64_t added = 0;

	memset(common, 0, (size_t) c->items * sizeof(double));
	for (int32_t k = 0; k < p->terms; k++)
	{
		int32_t t = p->term[k];

		if (t < f->from || t >= f->to)
			continue;
		for (int64_t e = c->by_term.start[t]; e < c->by_term.start[t + 1]; e++)
			common[c->by_term.col[e]] += p->weight[k] * c->by_term.value[e];
		added += c->by_term.start[t + 1] - c->by_term.start[t];
		if (added > TERMS_PER_POLL)
		{
			added = 0;
			if (env->poll(env->arg))
				return false;
		}
	}
	for (int32_t i = 0; i < c->items; i++)
	{
		if (polled(env, i + 1))
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

reco_status
reco_content_score(const reco_env *env, const reco_content *c, const reco_content_profile *p,
				   double *scratch, float *score)
{
	double *total = zeroed(env, ((size_t) c->items + 1) * sizeof(double));
	double weight = total_weight(c);

	if (total == NULL)
		return RECO_NO_MEMORY;
	for (int f = 0; f < c->fields; f++)
	{
		if (env->poll(env->arg))
		{
			release(env, total);
			return RECO_STOPPED;
		}
		if (!(p->size[f] > 0) || !(c->field[f].weight > 0))
			continue;
		if (sparse(&c->field[f]))
		{
			if (!add_sparse_field(env, c, f, p, scratch, total))
			{
				release(env, total);
				return RECO_STOPPED;
			}
		}
		else
			for (int32_t i = 0; i < c->items; i++)
			{
				if (polled(env, i))
				{
					release(env, total);
					return RECO_STOPPED;
				}
				total[i] += c->field[f].weight * dense_similarity(c, f, p, i);
			}
	}
	for (int32_t i = 0; i < c->items; i++)
		score[i] = total[i] != 0 ? (float) (total[i] / weight) : -INFINITY;
	release(env, total);
	return RECO_OK;
}

/* The sum over the terms that an item has in common with a profile. */
static double
common_of(const reco_content *c, const reco_content_profile *p, int64_t from, int64_t end)
{
	double common = 0;
	int32_t k = 0;

	for (int64_t e = from; e < end; e++)
	{
		while (k < p->terms && p->term[k] < c->by_item.col[e])
			k++;
		if (k < p->terms && p->term[k] == c->by_item.col[e])
			common += p->weight[k] * c->by_item.value[e];
	}
	return common;
}

/* One field's similarity of an item. */
static double
similarity_of(const reco_content *c, int f, const reco_content_profile *p, int32_t item)
{
	int64_t from;
	int64_t end;

	if (!(p->size[f] > 0))
		return 0;
	if (!sparse(&c->field[f]))
		return dense_similarity(c, f, p, item);
	end = terms_of(c, &c->field[f], item, &from);
	return sparse_similarity(&c->field[f], p, f, common_of(c, p, from, end), (double) (end - from));
}

double
reco_content_score_one(const reco_content *c, const reco_content_profile *p, int32_t item)
{
	double total = 0;

	for (int f = 0; f < c->fields; f++)
		if (c->field[f].weight > 0)
			total += c->field[f].weight * similarity_of(c, f, p, item);
	return total != 0 ? total / total_weight(c) : -INFINITY;
}

/* What an interaction with item j adds to the numerator of a field. */
static double
numerator_of(const reco_content *c, const reco_field *f, int32_t j, int32_t item)
{
	double sum = 0;
	int64_t a;
	int64_t b;
	int64_t end_a;
	int64_t end_b;

	if (!sparse(f))
	{
		const float *x = dense_of(c, j);
		const float *y = dense_of(c, item);

		if (!has_dense(c, f, j))
			return 0;
		/* a number's similarity is shared out by the interactions' values alone */
		if (f->kind == RECO_NUMBER)
			return 1;
		for (int32_t k = f->from; k < f->to; k++)
			sum += (double) x[k] * y[k];
		return sum;
	}
	end_a = terms_of(c, f, j, &a);
	end_b = terms_of(c, f, item, &b);
	while (a < end_a && b < end_b)
	{
		if (c->by_item.col[a] == c->by_item.col[b])
			sum += (double) c->by_item.value[a++] * c->by_item.value[b++];
		else if (c->by_item.col[a] < c->by_item.col[b])
			a++;
		else
			b++;
	}
	return sum;
}

void
reco_content_explain(const reco_content *c, const reco_content_user *user,
					 const reco_content_profile *p, int32_t item, double *contribution)
{
	double weight = total_weight(c);

	memset(contribution, 0, (size_t) user->n * sizeof(double));
	for (int f = 0; f < c->fields; f++)
	{
		double similarity = c->field[f].weight > 0 ? similarity_of(c, f, p, item) : 0;
		double all = 0;

		if (similarity == 0)
			continue;
		for (int64_t j = 0; j < user->n; j++)
			all += value_of(user, j) * numerator_of(c, &c->field[f], user->item[j], item);
		for (int64_t j = 0; all != 0 && j < user->n; j++)
			contribution[j] += c->field[f].weight / weight * similarity * value_of(user, j) *
							   numerator_of(c, &c->field[f], user->item[j], item) / all;
	}
}
