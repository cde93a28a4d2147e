/*
 * test_content.c
 *	  Scores by what is known about items, against the formulas of content.h
 *	  written out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mimic_content.h"

/* What a prepared catalogue has besides its content. */
typedef struct prepared
{
	reco_content content;
	float *idf;
	double mean[RECO_MAX_FIELDS];
	double deviation[RECO_MAX_FIELDS];
} prepared;

static double
score_one(const reco_content *content, const reco_content_profile *profile, int32_t item)
{
	mimic_env m;
	double score;

	mimic_env_init(&m);
	assert_int_equal(reco_content_score_one(&m.env, content, profile, item, &score), RECO_OK);
	return score;
}

static reco_status
prepare(mimic_env *m, const mimic_catalogue *c, prepared *p)
{
	reco_status status;

	if (!mimic_content_make(m, c, &p->content))
		return RECO_NO_MEMORY;
	p->idf = malloc(((size_t) c->terms + 1) * sizeof(float));
	status = reco_content_prepare(&m->env, &p->content, p->idf, p->mean, p->deviation);
	if (status == RECO_OK)
		return status;
	mimic_content_free(m, &p->content);
	free(p->idf);
	return status;
}

static void
prepared_free(mimic_env *m, prepared *p)
{
	mimic_content_free(m, &p->content);
	free(p->idf);
}

/* Interactions of a user with up to n items; style: what their values are. */
typedef struct test_user
{
	reco_content_user user;
	int32_t *item;
	float *value;
} test_user;

enum
{
	ONES,
	ABOVE_0,
	MIXED, /* also 0 and below */
	BELOW_0,
	EXTREME,
	STYLES
};

static test_user
make_user(int32_t items, int32_t n, int style, uint64_t *seed)
{
	test_user u = {.item = malloc(((size_t) items + 1) * sizeof(int32_t)),
				   .value = malloc(((size_t) items + 1) * sizeof(float))};
	int64_t have = 0;

	for (int32_t i = 0; i < items; i++)
	{
		double x = mimic_uniform(seed);

		if (mimic_below(seed, items) >= n)
			continue;
		u.item[have] = i;
		switch (style)
		{
			case MIXED:
				x = (double) mimic_below(seed, 5) - 2;
				break;
			case BELOW_0:
				x = -x;
				break;
			case EXTREME:
				x = mimic_below(seed, 2) == 0 ? 1e18 : 1e-3;
				break;
		}
		u.value[have++] = (float) x;
	}
	u.user = (reco_content_user){have, u.item, style == ONES ? NULL : u.value};
	return u;
}

static void
free_user(test_user *u)
{
	free(u->item);
	free(u->value);
}

static void
assert_near(const char *name, long double value, long double wanted, long double tolerance)
{
	if (!(fabsl(value - wanted) <= tolerance * (1 + fabsl(wanted))))
		fail_msg("%s: %.12Lg instead of %.12Lg", name, value, wanted);
}

static void
test_prepare(void **state)
{
	(void) state;
	for (int s = 0; s < MIMIC_SHAPES; s++)
	{
		const mimic_shape *shape = &mimic_shapes[s];
		mimic_catalogue c;
		mimic_env m;
		prepared p;
		reco_csr back;

		mimic_catalogue_make(&c, shape, (uint64_t) s);
		mimic_env_init(&m);
		assert_int_equal(prepare(&m, &c, &p), RECO_OK);
		for (int32_t i = 0; i < shape->items; i++)
		{
			const reco_csr *a = &p.content.by_item;

			for (int64_t e = a->start[i]; e < a->start[i + 1]; e++)
				assert_near(shape->name, a->value[e], c.weight[(size_t) i * c.terms + a->col[e]],
							1e-7L);
			for (int32_t k = 0; k < c.columns; k++)
			{
				float x = p.content.dense[(size_t) i * p.content.stride + k];
				long double wanted = c.dense[(size_t) i * c.columns + k];

				assert_int_equal(isnan(x) != 0, isnan(wanted) != 0);
				if (!isnan(x))
					assert_near(shape->name, x, wanted, 1e-7L);
			}
		}
		for (int f = 0; f < shape->fields; f++)
			if (shape->field[f].kind == RECO_NUMBER)
			{
				assert_near(shape->name, p.mean[f], c.mean[f], 1e-12L);
				assert_near(shape->name, p.deviation[f] / c.deviation[f], 1, 1e-12L);
			}
		/* the lists by term are the lists by item turned round */
		assert_int_equal(
			reco_csr_transpose(&m.env, &p.content.by_term, p.content.by_term.value, &back),
			RECO_OK);
		assert_memory_equal(back.start, p.content.by_item.start,
							((size_t) shape->items + 1) * sizeof(int64_t));
		if (back.start[shape->items] > 0)
		{
			assert_memory_equal(back.col, p.content.by_item.col,
								(size_t) back.start[shape->items] * sizeof(int32_t));
			assert_memory_equal(back.value, p.content.by_item.value,
								(size_t) back.start[shape->items] * sizeof(float));
		}
		reco_csr_free(&m.env, &back);
		prepared_free(&m, &p);
		assert_int_equal(m.live, 0);
		mimic_catalogue_free(&c);
	}
}

/* The factor that a keyword's count is multiplied by; attributes have none. */
static void
test_idf(void **state)
{
	static const mimic_shape shape = {
		"idf", 3, 2, {{RECO_KEYWORDS, 3, 1, 0, 0}, {RECO_ATTRIBUTES, 2, 1, 0, 0}}};
	mimic_catalogue c;
	mimic_env m;
	prepared p;

	(void) state;
	mimic_catalogue_make(&c, &shape, 1);
	/* the first term is of all items, the second of one, the third of none */
	c.count[0] = c.count[5] = c.count[10] = 1;
	c.count[6] = 2;
	c.count[3] = 1;
	mimic_env_init(&m);
	assert_int_equal(prepare(&m, &c, &p), RECO_OK);
	assert_near("of all", p.idf[0], 1, 1e-7L);
	assert_near("of one", p.idf[1], logl(2) + 1, 1e-7L);
	assert_near("of none", p.idf[2], logl(4) + 1, 1e-7L);
	assert_true(p.idf[3] == 1 && p.idf[4] == 1);
	prepared_free(&m, &p);
	mimic_catalogue_free(&c);
}

/*
 * All items for one user: the formulas, the same bits one by one, and explanations
 * that are the formulas' parts.
 */
static void
check_user(mimic_env *m, const mimic_catalogue *c, const reco_content *content,
		   const reco_content_user *user)
{
	int32_t items = content->items;
	float *score = malloc(((size_t) items + 1) * sizeof(float));
	double *scratch = malloc(((size_t) items + 1) * 2 * sizeof(double));
	double *contribution = malloc(((size_t) user->n + 1) * sizeof(double));
	long double *part = malloc(((size_t) user->n + 1) * sizeof(long double));
	reco_content_profile p;
	bool any = false;

	assert_int_equal(reco_content_profile_make(&m->env, content, user, &p), RECO_OK);
	assert_int_equal(reco_content_score(&m->env, content, &p, scratch, score), RECO_OK);
	for (int32_t i = 0; i<items; i += items> 1000 ? 97 : 1)
	{
		long double wanted = mimic_score(c, user, i, part);
		float one = (float) score_one(content, &p, i);
		long double sum = 0;

		assert_memory_equal(&one, &score[i], sizeof(float));
		assert_false(isnan(one));
		assert_int_equal(one == -INFINITY, wanted == 0);
		any = any || wanted != 0;
		assert_int_equal(reco_content_explain(&m->env, content, user, &p, i, contribution),
						 RECO_OK);
		for (int64_t j = 0; j < user->n; j++)
		{
			assert_near(c->shape->name, contribution[j], part[j], 3e-6L);
			if (user->value && !(user->value[j] > 0))
				assert_true(contribution[j] == 0);
			sum += contribution[j];
		}
		if (wanted == 0)
		{
			assert_true(sum == 0);
			continue;
		}
		assert_near(c->shape->name, one, wanted, 3e-6L);
		assert_near(c->shape->name, sum, one, 1e-6L);
	}
	if (any)
		assert_true(reco_content_is_personal(content, &p));
	reco_content_profile_free(&m->env, &p);
	free(score);
	free(scratch);
	free(contribution);
	free(part);
}

static void
test_scores(void **state)
{
	(void) state;
	for (int s = 0; s < MIMIC_SHAPES; s++)
	{
		const mimic_shape *shape = &mimic_shapes[s];
		uint64_t seed = (uint64_t) s + 100;
		mimic_catalogue c;
		mimic_env m;
		prepared p;

		mimic_catalogue_make(&c, shape, (uint64_t) s);
		mimic_env_init(&m);
		assert_int_equal(prepare(&m, &c, &p), RECO_OK);
		for (int style = 0; style < STYLES; style++)
			for (int n = 0; n < (shape->items > 1000 ? 2 : 6); n++)
			{
				test_user u = make_user(shape->items, n * n, style, &seed);
				long before = m.live;

				check_user(&m, &c, &p.content, &u.user);
				assert_int_equal(m.live, before);
				free_user(&u);
			}
		prepared_free(&m, &p);
		assert_int_equal(m.live, 0);
		mimic_catalogue_free(&c);
	}
}

/* A profile's sizes and amounts, and whether it says anything. */
static void
test_profile(void **state)
{
	static const mimic_shape shape = {"profile",
									  4,
									  4,
									  {{RECO_KEYWORDS, 2, 1, 0, 0},
									   {RECO_ATTRIBUTES, 2, 1, 0, 0},
									   {RECO_EMBEDDING, 2, 1, 0, 0},
									   {RECO_NUMBER, 1, 1, 0, 0}}};
	/* an item with all, one without anything, one whose embedding is the opposite */
	static const float counts[] = {3, 4, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};
	static const float numbers[] = {3, 4, 10, 0, 0, NAN, -3, -4, NAN, 0, 0, 20};
	mimic_catalogue c;
	mimic_env m;
	prepared p;
	reco_content_profile made;

	(void) state;
	mimic_catalogue_make(&c, &shape, 1);
	memcpy(c.count, counts, sizeof(counts));
	memcpy(c.number, numbers, sizeof(numbers));
	mimic_env_init(&m);
	assert_int_equal(prepare(&m, &c, &p), RECO_OK);

	/* everything from the first item */
	assert_int_equal(
		reco_content_profile_make(
			&m.env, &p.content, &(reco_content_user){2, (int32_t[]){0, 1}, (float[]){2, 5}}, &made),
		RECO_OK);
	assert_true(reco_content_is_personal(&p.content, &made));
	assert_int_equal(made.terms, 4);
	assert_near("keyword", made.weight[0], 2 * 0.6L, 1e-6L);
	assert_near("keyword", made.weight[1], 2 * 0.8L, 1e-6L);
	assert_true(made.weight[2] == 1 && made.weight[3] == 1);
	assert_near("keywords", made.size[0], 2, 1e-6L);
	assert_true(made.size[1] == 2);
	assert_near("embedding", made.size[2], 2, 1e-6L);
	assert_near("number", made.dense[2], -1, 1e-6L);
	for (int f = 0; f < 4; f++)
		assert_true(made.amount[f] == 2);
	/* what it shares with itself alone is everything */
	assert_near("itself", score_one(&p.content, &made, 0), 1, 1e-6L);
	assert_true(score_one(&p.content, &made, 1) == -INFINITY);
	assert_near("the number of the last", score_one(&p.content, &made, 3), 1 / 12.0L, 1e-6L);
	reco_content_profile_free(&m.env, &made);
	assert_null(made.term);

	/* opposite embeddings say nothing together, shares remain */
	assert_int_equal(
		reco_content_profile_make(
			&m.env, &p.content, &(reco_content_user){2, (int32_t[]){0, 2}, (float[]){3, 3}}, &made),
		RECO_OK);
	assert_true(made.size[2] == 0);
	assert_true(made.weight[2] == 0.5 && made.weight[3] == 1);
	assert_true(made.size[1] == 1.5);
	/* 1 in common of 1 + 1.5 - 1, and nothing else */
	assert_near("jaccard", score_one(&p.content, &made, 2), 1 / 1.5L / 4, 1e-6L);
	reco_content_profile_free(&m.env, &made);

	/* no interactions, none above 0, and an item of which nothing is known */
	for (int n = 0; n < 3; n++)
	{
		assert_int_equal(
			reco_content_profile_make(&m.env, &p.content,
									  &(reco_content_user){n > 0, (int32_t[]){n == 2 ? 1 : 0},
														   (float[]){n == 2 ? 1 : -1}},
									  &made),
			RECO_OK);
		assert_false(reco_content_is_personal(&p.content, &made));
		assert_int_equal(made.terms, 0);
		assert_true(score_one(&p.content, &made, 0) == -INFINITY);
		reco_content_profile_free(&m.env, &made);
	}
	prepared_free(&m, &p);
	assert_int_equal(m.live, 0);
	mimic_catalogue_free(&c);
}

/* For whoever has one item, the weighted coefficient is Jaccard's. */
static void
test_plain_jaccard(void **state)
{
	static const mimic_shape shape = {"sets", 40, 1, {{RECO_ATTRIBUTES, 9, 1, 0.95, 0}}};
	mimic_catalogue c;
	mimic_env m;
	prepared p;

	(void) state;
	mimic_catalogue_make(&c, &shape, 5);
	mimic_env_init(&m);
	assert_int_equal(prepare(&m, &c, &p), RECO_OK);
	for (int32_t i = 0; i < 40; i++)
	{
		float value = 0.3f;
		reco_content_profile made;

		assert_int_equal(reco_content_profile_make(&m.env, &p.content,
												   &(reco_content_user){1, &i, &value}, &made),
						 RECO_OK);
		for (int32_t k = 0; k < 40; k++)
		{
			int both = 0;
			int either = 0;

			for (int32_t t = 0; t < 9; t++)
			{
				bool a = c.count[i * 9 + t] > 0;
				bool b = c.count[k * 9 + t] > 0;

				both += a && b;
				either += a || b;
			}
			assert_true(score_one(&p.content, &made, k) ==
						(both > 0 ? both / (double) either : -INFINITY));
		}
		reco_content_profile_free(&m.env, &made);
	}
	prepared_free(&m, &p);
	mimic_catalogue_free(&c);
}

static const mimic_shape long_shape = {
	"long", 12000, 2, {{RECO_KEYWORDS, 9, 1, 0.9, 0}, {RECO_ATTRIBUTES, 6, 1, 0.9, 0}}};

/*
 * A profile of very many parts: sums in the order of the interactions, to the bit; every allocation
 * failing and every way of stopping.
 */
static void
test_long_profile(void **state)
{
	mimic_catalogue c;
	uint64_t seed = 3;
	mimic_env m;
	prepared p;
	test_user u;
	reco_content_profile made;
	double *sum;
	int64_t parts = 0;
	int32_t k = 0;

	(void) state;
	mimic_env_init(&m);
	mimic_catalogue_make(&c, &long_shape, 1);
	assert_int_equal(prepare(&m, &c, &p), RECO_OK);
	u = make_user(long_shape.items, long_shape.items, ABOVE_0, &seed);
	assert_int_equal(reco_content_profile_make(&m.env, &p.content, &u.user, &made), RECO_OK);
	sum = calloc((size_t) c.terms + 1, sizeof(double));
	for (int64_t j = 0; j < u.user.n; j++)
		for (int64_t e = p.content.by_item.start[u.item[j]];
			 e < p.content.by_item.start[u.item[j] + 1]; e++, parts++)
			sum[p.content.by_item.col[e]] += (double) u.value[j] * p.content.by_item.value[e];
	assert_true(parts > 2 * 16384);
	for (int32_t t = 0; t < c.terms; t++)
	{
		int f = t >= p.content.field[1].from;

		if (sum[t] == 0)
			continue;
		assert_int_equal(made.term[k], t);
		assert_true(made.weight[k++] == (f == 0 ? sum[t] : sum[t] / made.amount[f]));
	}
	assert_int_equal(made.terms, k);
	free(sum);
	reco_content_profile_free(&m.env, &made);
	for (int stop = 0; stop <= 1; stop++)
	{
		long before = m.live;
		long n = 0;
		reco_status status;

		do
		{
			n++;
			m.fail_at = stop ? 0 : m.allocations + n;
			m.stop_at = stop ? m.polls + n : 0;
			status = reco_content_profile_make(&m.env, &p.content, &u.user, &made);
			assert_true(status == RECO_OK || status == (stop ? RECO_STOPPED : RECO_NO_MEMORY));
			if (status == RECO_OK)
				reco_content_profile_free(&m.env, &made);
			assert_int_equal(m.live, before);
		} while (status != RECO_OK);
		assert_true(n > 1);
	}
	free_user(&u);
	prepared_free(&m, &p);
	assert_int_equal(m.live, 0);
	mimic_catalogue_free(&c);
}

/*
 * A user of many items with many fields: the profile, and what explains a score, are made
 * with looks at whether to stop, and stop at each.
 */
static void
test_many_fields(void **state)
{
	enum
	{
		ITEMS = 3000,
		FIELDS = RECO_MAX_FIELDS,
		STRIDE = 112
	};
	int64_t start[ITEMS + 1] = {0};
	int32_t item[ITEMS];
	double contribution[ITEMS];
	float *dense = malloc((size_t) ITEMS * STRIDE * sizeof(float));
	reco_content content = {.items = ITEMS, .fields = FIELDS, .stride = STRIDE, .dense = dense};
	reco_content_user user = {ITEMS, item, NULL};
	reco_content_profile made;
	mimic_env m;
	double sum = 0;

	(void) state;
	content.by_item = (reco_csr){.rows = ITEMS, .start = start};
	for (int f = 0; f < FIELDS; f++)
		content.field[f] = (reco_field){RECO_NUMBER, f, f + 1, 1};
	for (int32_t i = 0; i < ITEMS; i++)
	{
		item[i] = i;
		for (int k = 0; k < STRIDE; k++)
			dense[(size_t) i * STRIDE + (size_t) k] = (float) ((i * 7 + k) % 13);
	}
	mimic_env_init(&m);
	assert_int_equal(reco_content_profile_make(&m.env, &content, &user, &made), RECO_OK);
	assert_true(m.polls >= 10);
	for (long n = m.polls; n >= 1; n--)
	{
		reco_content_profile stopped;
		mimic_env e;

		mimic_env_init(&e);
		e.stop_at = n;
		assert_int_equal(reco_content_profile_make(&e.env, &content, &user, &stopped),
						 RECO_STOPPED);
		assert_int_equal(e.live, 0);
	}
	m.polls = 0;
	assert_int_equal(reco_content_explain(&m.env, &content, &user, &made, 5, contribution),
					 RECO_OK);
	assert_true(m.polls >= 20);
	for (int32_t i = 0; i < ITEMS; i++)
		sum += contribution[i];
	assert_near("sum", sum, score_one(&content, &made, 5), 1e-9L);
	for (long n = m.polls; n >= 1; n--)
	{
		m.polls = 0;
		m.stop_at = n;
		assert_int_equal(reco_content_explain(&m.env, &content, &user, &made, 5, contribution),
						 RECO_STOPPED);
	}
	reco_content_profile_free(&m.env, &made);
	assert_int_equal(m.live, 0);
	free(dense);
}

/* An item's many terms are compared with a profile's, and an item's, with looks, too. */
static void
test_many_terms(void **state)
{
	enum
	{
		TERMS = 600000
	};
	int64_t start[3] = {0, TERMS, 2 * TERMS};
	int32_t *col = malloc(2 * TERMS * sizeof(int32_t));
	float *value = malloc(2 * TERMS * sizeof(float));
	reco_content content = {.items = 2, .fields = 1};
	int32_t item = 0;
	reco_content_user user = {1, &item, NULL};
	reco_content_profile made;
	mimic_env m;
	double score;
	double contribution;
	long polls;

	(void) state;
	content.field[0] = (reco_field){RECO_ATTRIBUTES, 0, TERMS, 1};
	content.by_item = (reco_csr){2, TERMS, start, col, value};
	for (int32_t t = 0; t < 2 * TERMS; t++)
	{
		col[t] = t % TERMS;
		value[t] = 1;
	}
	mimic_env_init(&m);
	assert_int_equal(reco_content_profile_make(&m.env, &content, &user, &made), RECO_OK);
	/* added up, collected and summed up */
	assert_true(m.polls >= 3 * (TERMS / 262144));
	for (long n = m.polls; n >= 1; n--)
	{
		reco_content_profile stopped;
		mimic_env e;

		mimic_env_init(&e);
		e.stop_at = n;
		assert_int_equal(reco_content_profile_make(&e.env, &content, &user, &stopped),
						 RECO_STOPPED);
		assert_int_equal(e.live, 0);
	}
	m.polls = 0;
	assert_int_equal(reco_content_score_one(&m.env, &content, &made, 1, &score), RECO_OK);
	assert_true(score == 1);
	polls = m.polls;
	assert_true(polls >= TERMS / 262144);
	for (long n = 1; n <= polls; n++)
	{
		m.polls = 0;
		m.stop_at = n;
		assert_int_equal(reco_content_score_one(&m.env, &content, &made, 1, &score), RECO_STOPPED);
	}
	m.polls = m.stop_at = 0;
	assert_int_equal(reco_content_explain(&m.env, &content, &user, &made, 1, &contribution),
					 RECO_OK);
	assert_true(contribution == 1);
	assert_true(m.polls >= polls + 2 * (TERMS / 262144));
	reco_content_profile_free(&m.env, &made);
	free(col);
	free(value);
}

/*
 * The whole way, in which allocation fail_at fails or poll stop_at asks for an
 * end.  Whatever happens, nothing is left.
 */
static reco_status
whole_way(const mimic_catalogue *c, const reco_content_user *user, long fail_at, long stop_at)
{
	float *score = malloc(((size_t) c->shape->items + 1) * sizeof(float));
	double *scratch = malloc(((size_t) c->shape->items + 1) * 2 * sizeof(double));
	reco_content_profile made;
	reco_status status;
	mimic_env m;
	prepared p;

	mimic_env_init(&m);
	m.fail_at = fail_at;
	m.stop_at = stop_at;
	status = prepare(&m, c, &p);
	if (status == RECO_OK)
	{
		long before = m.live;

		status = reco_content_profile_make(&m.env, &p.content, user, &made);
		if (status == RECO_OK)
		{
			status = reco_content_score(&m.env, &p.content, &made, scratch, score);
			reco_content_profile_free(&m.env, &made);
		}
		assert_int_equal(m.live, before);
		prepared_free(&m, &p);
	}
	assert_int_equal(m.live, 0);
	free(score);
	free(scratch);
	return status;
}

static void
sweep(bool stop)
{
	for (int s = 0; s < MIMIC_SHAPES; s++)
	{
		uint64_t seed = 1;
		mimic_catalogue c;
		test_user u;
		reco_status status;
		long n = 1;

		mimic_catalogue_make(&c, &mimic_shapes[s], (uint64_t) s);
		u = make_user(mimic_shapes[s].items, 5, ONES, &seed);
		while ((status = whole_way(&c, &u.user, stop ? 0 : n, stop ? n : 0)) != RECO_OK)
		{
			assert_int_equal(status, stop ? RECO_STOPPED : RECO_NO_MEMORY);
			n++;
		}
		/* among many items, each field polls several times */
		assert_true(n > (stop && mimic_shapes[s].items > 8192 ? 3 : 1));
		free_user(&u);
		mimic_catalogue_free(&c);
	}
}

static void
test_allocations_fail(void **state)
{
	(void) state;
	sweep(false);
}

static void
test_polls_stop(void **state)
{
	(void) state;
	sweep(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prepare),       cmocka_unit_test(test_idf),
		cmocka_unit_test(test_scores),        cmocka_unit_test(test_profile),
		cmocka_unit_test(test_plain_jaccard), cmocka_unit_test(test_allocations_fail),
		cmocka_unit_test(test_polls_stop),    cmocka_unit_test(test_long_profile),
		cmocka_unit_test(test_many_fields),   cmocka_unit_test(test_many_terms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
