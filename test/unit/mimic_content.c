/*
 * mimic_content.c
 *	  Catalogues for tests, and the formulas of core/content/content.h item by item.
 */
#include "mimic_content.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How the numbers of a field are filled. */
enum
{
	EVEN,     /* around 0 */
	CONSTANT, /* one number */
	HUGE_ONE, /* mostly small, one beyond 1e16 */
	TINY,     /* close to the smallest floats */
	ZEROS,    /* of an embedding: half of them all zeros */
	PRICES    /* whole cents above 0 */
};

const mimic_shape mimic_shapes[MIMIC_SHAPES] = {
	{"no items", 0, 2, {{RECO_KEYWORDS, 0, 1, 1, EVEN}, {RECO_NUMBER, 1, 1, 1, EVEN}}},
	{"one item", 1, 2, {{RECO_ATTRIBUTES, 3, 1, 1, EVEN}, {RECO_NUMBER, 1, 1, 1, EVEN}}},
	{"keywords", 60, 1, {{RECO_KEYWORDS, 40, 1, 0.9, EVEN}}},
	{"attributes", 60, 1, {{RECO_ATTRIBUTES, 12, 1, 0.9, EVEN}}},
	{"embedding", 60, 1, {{RECO_EMBEDDING, 7, 1, 0.9, EVEN}}},
	{"number", 60, 1, {{RECO_NUMBER, 1, 1, 0.9, PRICES}}},
	{"no terms", 20, 2, {{RECO_KEYWORDS, 0, 1, 0, EVEN}, {RECO_ATTRIBUTES, 5, 2, 0, EVEN}}},
	{"nothing known",
	 20,
	 3,
	 {{RECO_KEYWORDS, 5, 1, 0, EVEN},
	  {RECO_EMBEDDING, 4, 1, 0, EVEN},
	  {RECO_NUMBER, 1, 1, 0, EVEN}}},
	{"degenerate numbers",
	 50,
	 5,
	 {{RECO_NUMBER, 1, 1, 0.8, CONSTANT},
	  {RECO_NUMBER, 1, 1, 0.8, HUGE_ONE},
	  {RECO_NUMBER, 1, 1, 0.8, TINY},
	  {RECO_EMBEDDING, 3, 1, 0.8, ZEROS},
	  {RECO_EMBEDDING, 0, 1, 1, EVEN}}},
	{"weights of 0",
	 40,
	 4,
	 {{RECO_KEYWORDS, 9, 0, 0.8, EVEN},
	  {RECO_EMBEDDING, 4, 0, 0.8, EVEN},
	  {RECO_ATTRIBUTES, 6, 0.25, 0.8, EVEN},
	  {RECO_NUMBER, 1, 0, 0.8, EVEN}}},
	{"only weights of 0", 10, 1, {{RECO_ATTRIBUTES, 6, 0, 1, EVEN}}},
	{"everything",
	 80,
	 6,
	 {{RECO_NUMBER, 1, 0.5, 0.7, PRICES},
	  {RECO_KEYWORDS, 30, 1, 0.8, EVEN},
	  {RECO_EMBEDDING, 8, 2, 0.7, EVEN},
	  {RECO_ATTRIBUTES, 10, 1, 0.8, EVEN},
	  {RECO_EMBEDDING, 1, 1e-3, 0.5, TINY},
	  {RECO_KEYWORDS, 20, 100, 0.3, EVEN}}},
	{"large numbers",
	 50,
	 2,
	 {{RECO_EMBEDDING, 5, 1, 1, HUGE_ONE}, {RECO_NUMBER, 1, 1e6, 1, HUGE_ONE}}},
	{"many items",
	 9000,
	 3,
	 {{RECO_ATTRIBUTES, 6, 1, 0.9, EVEN},
	  {RECO_EMBEDDING, 2, 1, 0.9, EVEN},
	  {RECO_NUMBER, 1, 1, 0.9, EVEN}}},
};

static bool
sparse(const mimic_catalogue *c, int f)
{
	return c->shape->field[f].kind == RECO_KEYWORDS || c->shape->field[f].kind == RECO_ATTRIBUTES;
}

static float
number_of(int style, uint64_t *seed)
{
	double u = mimic_uniform(seed);

	switch (style)
	{
		case CONSTANT:
			return 19.9f;
		case HUGE_ONE:
			return (float) (mimic_below(seed, 20) == 0 ? 5e16 * (1 + u) : u);
		case TINY:
			return (float) ((u - 0.5) * 1e-37);
		case PRICES:
			return (float) ((double) mimic_below(seed, 10000) / 100);
		default:
			return (float) (u - 0.5);
	}
}

static void
fill_numbers(mimic_catalogue *c, int f, int32_t item, uint64_t *seed)
{
	const mimic_field *field = &c->shape->field[f];
	float *to = c->number + (size_t) item * (size_t) c->columns + c->from[f];
	bool zeros = field->style == ZEROS && mimic_below(seed, 2) == 0;

	for (int32_t k = 0; k < field->size; k++)
		to[k] = zeros ? 0 : number_of(field->style, seed);
}

static void
fill_terms(mimic_catalogue *c, int f, int32_t item, uint64_t *seed)
{
	const mimic_field *field = &c->shape->field[f];
	float *to = c->count + (size_t) item * (size_t) c->terms + c->from[f];

	for (int k = 0; field->size > 0 && k < 4; k++)
	{
		/* the first terms are those of many items */
		double u = mimic_uniform(seed);
		int32_t t = (int32_t) (u * u * field->size);

		to[t] =
			field->kind == RECO_KEYWORDS ? (float) (to[t] + 1 + (double) mimic_below(seed, 2)) : 1;
	}
}

/* The weights of a field of terms, norm 1 for keywords. */
static void
prepare_terms(mimic_catalogue *c, int f)
{
	const mimic_field *field = &c->shape->field[f];
	int32_t items = c->shape->items;

	for (int32_t t = c->from[f]; t < c->from[f] + field->size; t++)
	{
		int32_t with = 0;

		for (int32_t i = 0; i < items; i++)
			with += c->count[(size_t) i * c->terms + t] > 0;
		for (int32_t i = 0; i < items; i++)
		{
			float count = c->count[(size_t) i * c->terms + t];

			c->weight[(size_t) i * c->terms + t] =
				field->kind == RECO_KEYWORDS ? count * (logl((1.0L + items) / (1.0L + with)) + 1)
											 : (long double) (count > 0);
		}
	}
	for (int32_t i = 0; i < items && field->kind == RECO_KEYWORDS; i++)
	{
		long double *w = c->weight + (size_t) i * c->terms + c->from[f];
		long double square = 0;

		for (int32_t t = 0; t < field->size; t++)
			square += w[t] * w[t];
		for (int32_t t = 0; t < field->size && square > 0; t++)
			w[t] /= sqrtl(square);
	}
}

static void
prepare_numbers(mimic_catalogue *c, int f)
{
	const mimic_field *field = &c->shape->field[f];
	int32_t n = 0;
	long double sum = 0;
	long double square = 0;

	for (int32_t i = 0; i < c->shape->items; i++)
	{
		const float *from = c->number + (size_t) i * c->columns + c->from[f];
		long double *to = c->dense + (size_t) i * c->columns + c->from[f];
		long double norm = 0;

		for (int32_t k = 0; k < field->size; k++)
		{
			to[k] = from[k];
			norm += to[k] * to[k];
		}
		if (field->kind == RECO_EMBEDDING)
			for (int32_t k = 0; k < field->size && norm > 0; k++)
				to[k] /= sqrtl(norm);
		else if (!isnan(*from))
		{
			n++;
			sum += *from;
		}
	}
	c->mean[f] = n > 0 ? sum / n : 0;
	for (int32_t i = 0; field->kind == RECO_NUMBER && i < c->shape->items; i++)
	{
		long double off = c->dense[(size_t) i * c->columns + c->from[f]] - c->mean[f];

		square += isnan(off) ? 0 : off * off;
	}
	c->deviation[f] = square > 0 ? sqrtl(square / n) : 1;
	for (int32_t i = 0; field->kind == RECO_NUMBER && i < c->shape->items; i++)
	{
		long double *x = c->dense + (size_t) i * c->columns + c->from[f];

		*x = (*x - c->mean[f]) / c->deviation[f];
	}
}

void
mimic_catalogue_make(mimic_catalogue *c, const mimic_shape *shape, uint64_t seed)
{
	memset(c, 0, sizeof(*c));
	c->shape = shape;
	for (int f = 0; f < shape->fields; f++)
	{
		c->from[f] = sparse(c, f) ? c->terms : c->columns;
		if (sparse(c, f))
			c->terms += shape->field[f].size;
		else
			c->columns += shape->field[f].size;
	}
	c->count = calloc((size_t) shape->items * c->terms + 1, sizeof(float));
	c->number = calloc((size_t) shape->items * c->columns + 1, sizeof(float));
	c->weight = calloc((size_t) shape->items * c->terms + 1, sizeof(long double));
	c->dense = calloc((size_t) shape->items * c->columns + 1, sizeof(long double));
	for (int32_t i = 0; i < shape->items; i++)
		for (int f = 0; f < shape->fields; f++)
		{
			bool has = mimic_uniform(&seed) < shape->field[f].filled;

			if (has && sparse(c, f))
				fill_terms(c, f, i, &seed);
			else if (has)
				fill_numbers(c, f, i, &seed);
			else if (shape->field[f].kind == RECO_NUMBER)
				c->number[(size_t) i * c->columns + c->from[f]] = NAN;
		}
	for (int f = 0; f < shape->fields; f++)
		if (sparse(c, f))
			prepare_terms(c, f);
		else
			prepare_numbers(c, f);
}

void
mimic_catalogue_free(mimic_catalogue *c)
{
	free(c->count);
	free(c->number);
	free(c->weight);
	free(c->dense);
}

bool
mimic_content_make(mimic_env *m, const mimic_catalogue *c, reco_content *out)
{
	const mimic_shape *shape = c->shape;
	size_t cells = (size_t) shape->items * c->terms;
	reco_csr *a = &out->by_item;
	int64_t n = 0;

	memset(out, 0, sizeof(*out));
	out->items = shape->items;
	out->fields = shape->fields;
	for (int f = 0; f < shape->fields; f++)
		out->field[f] = (reco_field){shape->field[f].kind, c->from[f],
									 c->from[f] + shape->field[f].size, shape->field[f].weight};
	out->stride = (c->columns + 15) / 16 * 16;
	a->rows = shape->items;
	a->cols = c->terms;
	a->start = m->env.alloc(m->env.arg, ((size_t) shape->items + 1) * sizeof(int64_t));
	a->col = m->env.alloc(m->env.arg, (cells + 1) * sizeof(int32_t));
	a->value = m->env.alloc(m->env.arg, (cells + 1) * sizeof(float));
	out->dense =
		m->env.alloc(m->env.arg, ((size_t) shape->items * out->stride + 1) * sizeof(float));
	if (!a->start || !a->col || !a->value || !out->dense)
	{
		mimic_content_free(m, out);
		return false;
	}
	memset(out->dense, 0, ((size_t) shape->items * out->stride + 1) * sizeof(float));
	a->start[0] = 0;
	for (int32_t i = 0; i < shape->items; i++)
	{
		for (int32_t t = 0; t < c->terms; t++)
			if (c->count[(size_t) i * c->terms + t] > 0)
			{
				a->col[n] = t;
				a->value[n++] = c->count[(size_t) i * c->terms + t];
			}
		a->start[i + 1] = n;
		if (c->columns > 0)
			memcpy(out->dense + (size_t) i * out->stride, c->number + (size_t) i * c->columns,
				   (size_t) c->columns * sizeof(float));
	}
	return true;
}

void
mimic_content_free(mimic_env *m, reco_content *content)
{
	reco_csr_free(&m->env, &content->by_item);
	reco_csr_free(&m->env, &content->by_term);
	if (content->dense)
		m->env.release(m->env.arg, content->dense);
	content->dense = NULL;
}

bool
mimic_has(const mimic_catalogue *c, int f, int32_t item)
{
	const mimic_field *field = &c->shape->field[f];
	bool has = false;

	for (int32_t k = c->from[f]; k < c->from[f] + field->size; k++)
		if (sparse(c, f))
			has = has || c->count[(size_t) item * c->terms + k] > 0;
		else if (field->kind == RECO_NUMBER)
			has = !isnan(c->number[(size_t) item * c->columns + k]);
		else
			has = has || c->number[(size_t) item * c->columns + k] != 0;
	return has;
}

static long double
value_of(const reco_content_user *user, int64_t j)
{
	float x = user->value ? user->value[j] : 1;

	return x > 0 ? x : 0;
}

/* Vectors: keywords and embeddings.  Cosine with p, which has no norm of its own. */
static long double
cosine(const mimic_catalogue *c, int f, const reco_content_user *user, int32_t item,
	   long double *part)
{
	const long double *table = sparse(c, f) ? c->weight : c->dense;
	int32_t width = sparse(c, f) ? c->terms : c->columns;
	int32_t size = c->shape->field[f].size;
	const long double *y = table + (size_t) item * width + c->from[f];
	long double norm = 0;
	long double sum = 0;

	for (int32_t k = 0; k < size; k++)
	{
		long double p = 0;

		for (int64_t j = 0; j < user->n; j++)
			p += value_of(user, j) * table[(size_t) user->item[j] * width + c->from[f] + k];
		norm += p * p;
	}
	if (norm == 0)
		return 0;
	for (int64_t j = 0; j < user->n; j++)
	{
		long double dot = 0;

		for (int32_t k = 0; k < size; k++)
			dot += table[(size_t) user->item[j] * width + c->from[f] + k] * y[k];
		dot *= value_of(user, j) / sqrtl(norm);
		sum += dot;
		if (part)
			part[j] = dot;
	}
	return sum;
}

static long double
jaccard(const mimic_catalogue *c, int f, const reco_content_user *user, int32_t item,
		long double *part)
{
	int32_t size = c->shape->field[f].size;
	const long double *own = c->weight + (size_t) item * c->terms + c->from[f];
	long double amount = 0;
	long double common = 0;
	long double all = 0;
	long double mine = 0;

	for (int64_t j = 0; j < user->n; j++)
		if (mimic_has(c, f, user->item[j]))
			amount += value_of(user, j);
	if (amount == 0)
		return 0;
	for (int32_t k = 0; k < size; k++)
	{
		long double share = 0;

		for (int64_t j = 0; j < user->n; j++)
			share += value_of(user, j) / amount *
					 c->weight[(size_t) user->item[j] * c->terms + c->from[f] + k];
		all += share;
		mine += own[k];
		common += own[k] * share;
	}
	if (common == 0)
		return 0;
	for (int64_t j = 0; part && j < user->n; j++)
		for (int32_t k = 0; k < size; k++)
			part[j] += value_of(user, j) / amount * own[k] *
					   c->weight[(size_t) user->item[j] * c->terms + c->from[f] + k] /
					   (mine + all - common);
	return common / (mine + all - common);
}

static long double
nearness(const mimic_catalogue *c, int f, const reco_content_user *user, int32_t item,
		 long double *part)
{
	long double z = c->dense[(size_t) item * c->columns + c->from[f]];
	long double amount = 0;
	long double mean = 0;
	long double near;

	for (int64_t j = 0; j < user->n; j++)
		if (mimic_has(c, f, user->item[j]))
		{
			amount += value_of(user, j);
			mean += value_of(user, j) * c->dense[(size_t) user->item[j] * c->columns + c->from[f]];
		}
	if (amount == 0 || isnan(z))
		return 0;
	near = 1 / (1 + fabsl(z - mean / amount));
	for (int64_t j = 0; part && j < user->n; j++)
		part[j] = mimic_has(c, f, user->item[j]) ? near * value_of(user, j) / amount : 0;
	return near;
}

/*
 * A field's similarity of an item; the parts of the interactions in it where part
 * is not NULL.
 */
static long double
similarity(const mimic_catalogue *c, int f, const reco_content_user *user, int32_t item,
		   long double *part)
{
	for (int64_t j = 0; part && j < user->n; j++)
		part[j] = 0;
	switch (c->shape->field[f].kind)
	{
		case RECO_ATTRIBUTES:
			return jaccard(c, f, user, item, part);
		case RECO_NUMBER:
			return nearness(c, f, user, item, part);
		default:
			return cosine(c, f, user, item, part);
	}
}

long double
mimic_score(const mimic_catalogue *c, const reco_content_user *user, int32_t item,
			long double *part)
{
	long double *own = calloc((size_t) user->n + 1, sizeof(long double));
	long double total = 0;
	long double weights = 0;

	for (int f = 0; f < c->shape->fields; f++)
		weights += c->shape->field[f].weight;
	for (int64_t j = 0; part && j < user->n; j++)
		part[j] = 0;
	for (int f = 0; f < c->shape->fields && weights > 0; f++)
	{
		long double share = c->shape->field[f].weight / weights;

		total += share * similarity(c, f, user, item, own);
		for (int64_t j = 0; part && j < user->n; j++)
			part[j] += share * own[j];
	}
	free(own);
	return total;
}
