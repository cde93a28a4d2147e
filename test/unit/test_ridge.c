/*
 * test_ridge.c
 *	  Factors from features, against normal equations written out in full.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/rng.h"
#include "core/content/ridge.h"
#include "mimic_content.h"

#define COLUMNS 35 /* more than a block */
#define STRIDE 48

/* A prepared catalogue, with interactions and factors of its items. */
typedef struct world
{
	mimic_catalogue c;
	reco_content content;
	float *idf;
	int64_t *start;
	float *y;
} world;

static bool
is_cold(const world *w, int32_t i)
{
	return w->start[i + 1] == w->start[i];
}

static float *
row_of(const world *w, float *y, int32_t i)
{
	(void) w;
	return y + (size_t) i * STRIDE;
}

/* cold: so many of ten items have no interactions. */
static void
world_make(mimic_env *m, world *w, const mimic_shape *shape, int cold, double size)
{
	double mean[RECO_MAX_FIELDS];
	double deviation[RECO_MAX_FIELDS];
	uint64_t seed = 3;
	size_t items = (size_t) shape->items;

	mimic_catalogue_make(&w->c, shape, 5);
	assert_true(mimic_content_make(m, &w->c, &w->content));
	w->idf = malloc(((size_t) w->c.terms + 1) * sizeof(float));
	assert_int_equal(reco_content_prepare(&m->env, &w->content, w->idf, mean, deviation), RECO_OK);
	w->start = calloc(items + 1, sizeof(int64_t));
	w->y = calloc((items + 1) * STRIDE, sizeof(float));
	for (int32_t i = 0; i < shape->items; i++)
	{
		bool none = mimic_below(&seed, 10) < cold;

		w->start[i + 1] = w->start[i] + (none ? 0 : 1 + mimic_below(&seed, 40));
		for (int k = 0; k < COLUMNS; k++)
		{
			/* the first columns follow a term or a number, the others chance */
			double x = mimic_uniform(&seed) - 0.5;

			if (k % 2 == 0 && w->c.terms > 0)
				x += w->c.count[(size_t) i * (size_t) w->c.terms + (size_t) (k % w->c.terms)];
			row_of(w, w->y, i)[k] = k == 1 ? 2.5f : none ? 77 : (float) (size * x);
		}
		for (int k = COLUMNS; k < STRIDE; k++)
			row_of(w, w->y, i)[k] = -1;
	}
}

static void
world_free(mimic_env *m, world *w)
{
	free(w->y);
	free(w->start);
	free(w->idf);
	mimic_content_free(m, &w->content);
	mimic_catalogue_free(&w->c);
	assert_int_equal(m->live, 0);
}

/*
 * The features of all items as numbers, each field scaled, and which of them say something;
 * columns: terms, then numbers.
 */
typedef struct matrix
{
	int n;
	double *x;
	bool *known;
	bool *has; /* items: something is known of them */
	double *weight;
} matrix;

static double
cell_of(const world *w, int32_t i, int j)
{
	const mimic_catalogue *c = &w->c;
	long double x;

	if (j < c->terms)
		return (double) c->weight[(size_t) i * (size_t) c->terms + (size_t) j];
	x = c->dense[(size_t) i * (size_t) c->columns + (size_t) (j - c->terms)];
	return isnan((double) x) ? 0 : (double) x;
}

static matrix
matrix_of(const world *w)
{
	const mimic_catalogue *c = &w->c;
	int32_t items = c->shape->items;
	matrix a = {.n = c->terms + c->columns};

	a.x = calloc((size_t) items * (size_t) a.n + 1, sizeof(double));
	a.known = calloc((size_t) a.n + 1, sizeof(bool));
	a.has = calloc((size_t) items + 1, sizeof(bool));
	a.weight = calloc((size_t) items + 1, sizeof(double));
	for (int f = 0; f < c->shape->fields; f++)
	{
		const mimic_field *field = &c->shape->field[f];
		bool terms = field->kind == RECO_KEYWORDS || field->kind == RECO_ATTRIBUTES;
		int from = c->from[f] + (terms ? 0 : c->terms);
		double squares = 0;
		double total = 0;

		for (int32_t i = 0; i < items; i++)
		{
			double n = (double) (w->start[i + 1] - w->start[i]);
			double weight = n / (n + RECO_RIDGE_SHRINKAGE);

			for (int j = from; j < from + field->size && n > 0; j++)
			{
				squares += weight * cell_of(w, i, j) * cell_of(w, i, j);
				a.known[j] = a.known[j] || (terms ? cell_of(w, i, j) != 0 : mimic_has(c, f, i));
			}
			total += weight;
		}
		for (int32_t i = 0; i < items; i++)
			for (int j = from; j < from + field->size; j++)
			{
				bool there = terms ? cell_of(w, i, j) != 0 : mimic_has(c, f, i);

				if (!a.known[j] || squares == 0)
					continue;
				a.x[(size_t) i * (size_t) a.n + (size_t) j] =
					cell_of(w, i, j) * sqrt(total / squares);
				a.has[i] = a.has[i] || there;
			}
	}
	return a;
}

static void
matrix_free(matrix *a)
{
	free(a->x);
	free(a->known);
	free(a->has);
	free(a->weight);
}

/* Solves s x = x in place, n unknowns, by elimination. */
static void
eliminate(double *s, double *x, int n)
{
	for (int p = 0; p < n; p++)
		for (int r = p + 1; r < n; r++)
		{
			double by =
				s[(size_t) r * (size_t) n + (size_t) p] / s[(size_t) p * (size_t) n + (size_t) p];

			for (int k = p; k < n; k++)
				s[(size_t) r * (size_t) n + (size_t) k] -=
					by * s[(size_t) p * (size_t) n + (size_t) k];
			x[r] -= by * x[p];
		}
	for (int p = n - 1; p >= 0; p--)
	{
		for (int k = p + 1; k < n; k++)
			x[p] -= s[(size_t) p * (size_t) n + (size_t) k] * x[k];
		x[p] /= s[(size_t) p * (size_t) n + (size_t) p];
	}
}

/* What a regression on the items with weights predicts of column k, for all items. */
static void
mimic_predict(const world *w, const matrix *a, const double *weight, double lambda, int k,
			  double *out)
{
	int32_t items = w->c.shape->items;
	int n = a->n;
	double *s = calloc((size_t) n * (size_t) n + 1, sizeof(double));
	double *b = calloc((size_t) n + 1, sizeof(double));
	double *center = calloc((size_t) n + 1, sizeof(double));
	double total = 0;
	double mean = 0;

	for (int32_t i = 0; i < items; i++)
		total += weight[i];
	for (int32_t i = 0; i < items && total > 0; i++)
	{
		mean += weight[i] / total * row_of(w, w->y, i)[k];
		for (int j = 0; j < n; j++)
			center[j] += weight[i] / total * a->x[(size_t) i * (size_t) n + (size_t) j];
	}
	for (int32_t i = 0; i < items && total > 0; i++)
		for (int j = 0; j < n && weight[i] > 0; j++)
		{
			double x = a->x[(size_t) i * (size_t) n + (size_t) j] - center[j];

			for (int l = 0; l < n; l++)
				s[(size_t) j * (size_t) n + (size_t) l] +=
					weight[i] / total * x *
					(a->x[(size_t) i * (size_t) n + (size_t) l] - center[l]);
			b[j] += weight[i] / total * x * (row_of(w, w->y, i)[k] - mean);
		}
	for (int j = 0; j < n; j++)
		s[(size_t) j * (size_t) n + (size_t) j] += lambda;
	eliminate(s, b, n);
	for (int32_t i = 0; i < items; i++)
	{
		out[i] = mean;
		for (int j = 0; j < n; j++)
			out[i] += b[j] * (a->x[(size_t) i * (size_t) n + (size_t) j] - center[j]);
	}
	free(center);
	free(b);
	free(s);
}

/* The largest number that an item with interactions has in a column. */
static double
most_of(const world *w, int k)
{
	double most = 0;

	for (int32_t i = 0; i < w->c.shape->items; i++)
		if (!is_cold(w, i))
			most = fmax(most, fabs((double) row_of(w, w->y, i)[k]));
	return most;
}

/* Of those with weights. */
static double
mean_of(const world *w, const matrix *a, int k)
{
	double sum = 0;
	double total = 0;

	for (int32_t i = 0; i < w->c.shape->items && k < COLUMNS; i++)
	{
		sum += a->weight[i] * row_of(w, w->y, i)[k];
		total += a->weight[i];
	}
	return total > 0 ? sum / total : 0;
}

static void
check(const mimic_shape *shape, int cold, double size, double lift)
{
	mimic_env m;
	world w;
	matrix a;
	reco_ridge out;
	int32_t items = shape->items;
	double *predicted = calloc((size_t) items + 1, sizeof(double));
	float *y = calloc(((size_t) items + 1) * STRIDE, sizeof(float));
	int32_t known = 0;
	int32_t news = 0;

	mimic_env_init(&m);
	world_make(&m, &w, shape, cold, size);
	a = matrix_of(&w);
	memcpy(y, w.y, (size_t) items * STRIDE * sizeof(float));
	assert_int_equal(
		reco_ridge_predict(&m.env, &w.content, w.start, y, COLUMNS, STRIDE, lift, &out), RECO_OK);
	for (int32_t i = 0; i < items; i++)
	{
		double n = (double) (w.start[i + 1] - w.start[i]);

		known += a.has[i] && !is_cold(&w, i);
		news += a.has[i] && is_cold(&w, i);
		a.weight[i] = a.has[i] ? n / (n + RECO_RIDGE_SHRINKAGE) : 0;
	}
	assert_int_equal(out.known, known);
	assert_int_equal(out.predicted, known > 0 ? news : 0);
	for (int k = 0; k < STRIDE; k++)
	{
		double most = k < COLUMNS ? most_of(&w, k) : 0;
		double mean;

		if (k < COLUMNS && out.predicted > 0)
			mimic_predict(&w, &a, a.weight, out.lambda, k, predicted);
		mean = mean_of(&w, &a, k);
		for (int32_t i = 0; i < items; i++)
		{
			double by = out.explained > 0 ? pow(sqrt(out.explained), -lift) : 1;
			double got = row_of(&w, y, i)[k];
			double expected = fmax(-most, fmin(most, mean + by * (predicted[i] - mean)));

			if (k < COLUMNS && is_cold(&w, i) && a.has[i] && out.predicted > 0)
			{
				if (!(fabs(got - expected) <= 2e-3 * by * most))
					fail_msg("%s: item %d column %d is %g, not %g (largest %g)", shape->name, i, k,
							 got, expected, most);
			}
			else if (got != (double) row_of(&w, w.y, i)[k])
				fail_msg("%s: item %d column %d has changed", shape->name, i, k);
		}
	}
	matrix_free(&a);
	world_free(&m, &w);
	free(y);
	free(predicted);
}

static void
test_predictions(void **state)
{
	(void) state;
	for (int s = 0; s < MIMIC_SHAPES; s++)
		if (mimic_shapes[s].items <= 1000)
			for (int cold = 0; cold <= 10; cold += cold == 3 ? 7 : 3)
			{
				check(&mimic_shapes[s], cold, 1, 0);
				check(&mimic_shapes[s], cold, 1e15, 0.5);
				check(&mimic_shapes[s], cold, 1e-30, 1);
			}
}

/* lambda is that of the least error on the items that are left out. */
static void
test_lambda(void **state)
{
	static const double grid[] = {3, 1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 3e-4, 1e-4, 3e-5, 1e-5};
	const mimic_shape shape = {
		"to learn", 400, 2, {{RECO_ATTRIBUTES, 12, 1, 1, 0}, {RECO_NUMBER, 1, 1, 1, 0}}};
	mimic_env m;
	world w;
	matrix a;
	reco_ridge out;
	double *predicted = calloc((size_t) shape.items, sizeof(double));
	double least = INFINITY;
	double at_chosen = 0;
	double without = 0;

	(void) state;
	mimic_env_init(&m);
	world_make(&m, &w, &shape, 2, 1);
	a = matrix_of(&w);
	for (size_t l = 0; l < sizeof(grid) / sizeof(grid[0]); l++)
	{
		double error = 0;
		float *y = malloc((size_t) shape.items * STRIDE * sizeof(float));

		memcpy(y, w.y, (size_t) shape.items * STRIDE * sizeof(float));
		assert_int_equal(
			reco_ridge_predict(&m.env, &w.content, w.start, y, RECO_RIDGE_BLOCK, STRIDE, 0, &out),
			RECO_OK);
		free(y);
		without = 0;
		for (int k = 0; k < RECO_RIDGE_BLOCK; k++)
		{
			double mean = 0;
			double square = 0;
			double total = 0;
			double scale;

			for (int32_t i = 0; i < shape.items; i++)
			{
				double n = (double) (w.start[i + 1] - w.start[i]);
				bool held = reco_rng_uniform(reco_rng_row(20, 0), (uint64_t) i) < 0.2;

				a.weight[i] = a.has[i] && !held ? n / (n + RECO_RIDGE_SHRINKAGE) : 0;
				mean += a.weight[i] * row_of(&w, w.y, i)[k];
				square += a.weight[i] * row_of(&w, w.y, i)[k] * row_of(&w, w.y, i)[k];
				total += a.weight[i];
			}
			mean /= total;
			scale = square / total - mean * mean;
			mimic_predict(&w, &a, a.weight, grid[l], k, predicted);
			for (int32_t i = 0; i < shape.items && scale > 1e-9; i++)
			{
				double n = (double) (w.start[i + 1] - w.start[i]);
				double y_i = row_of(&w, w.y, i)[k];

				if (a.has[i] && n > 0 && reco_rng_uniform(reco_rng_row(20, 0), (uint64_t) i) < 0.2)
				{
					error += n / (n + RECO_RIDGE_SHRINKAGE) * pow(y_i - predicted[i], 2) / scale;
					without += n / (n + RECO_RIDGE_SHRINKAGE) * pow(y_i - mean, 2) / scale;
				}
			}
		}
		least = fmin(least, error);
		if (grid[l] == out.lambda)
			at_chosen = error;
	}
	assert_true(at_chosen <= 1.001 * least);
	assert_true(out.lambda < grid[0]);
	assert_true(out.explained > 0.05);
	assert_true(fabs(out.explained - (1 - at_chosen / without)) < 0.01);
	matrix_free(&a);
	world_free(&m, &w);
	free(predicted);
}

/* The same bits whatever the threads, and whenever the main thread is wanted. */
static void
test_threads(void **state)
{
	mimic_env m;
	world w;
	reco_ridge out;
	float *y[3];

	(void) state;
	mimic_env_init(&m);
	world_make(&m, &w, &mimic_shapes[MIMIC_SHAPES - 1], 3, 1);
	for (int t = 0; t < 3; t++)
	{
		size_t bytes = (size_t) w.c.shape->items * STRIDE * sizeof(float);

		y[t] = memcpy(malloc(bytes), w.y, bytes);
		m.env.threads = t + 1;
		assert_int_equal(
			reco_ridge_predict(&m.env, &w.content, w.start, y[t], COLUMNS, STRIDE, 0, &out),
			RECO_OK);
		assert_memory_equal(y[t], y[0], bytes);
	}
	assert_true(out.predicted > 1000);
	for (int t = 0; t < 3; t++)
		free(y[t]);
	world_free(&m, &w);
}

/* Every allocation that fails, every poll that stops; and no more memory than was told. */
static void
test_failures(void **state)
{
	mimic_env m;
	world w;
	reco_ridge out;
	size_t bytes;
	size_t before;
	long allocations;
	long polls;
	float *y;

	(void) state;
	mimic_env_init(&m);
	world_make(&m, &w, &mimic_shapes[11], 3, 1);
	bytes = (size_t) w.c.shape->items * STRIDE * sizeof(float);
	y = memcpy(malloc(bytes), w.y, bytes);
	before = m.peak = m.bytes;
	m.allocations = m.polls = 0;
	assert_int_equal(reco_ridge_predict(&m.env, &w.content, w.start, y, COLUMNS, STRIDE, 0, &out),
					 RECO_OK);
	assert_true(m.peak - before <= reco_ridge_memory(&m.env, &w.content));
	allocations = m.allocations;
	polls = m.polls;
	assert_true(polls > 0);
	for (long n = 1; n <= allocations; n++)
	{
		m.allocations = 0;
		m.fail_at = n;
		assert_int_equal(
			reco_ridge_predict(&m.env, &w.content, w.start, y, COLUMNS, STRIDE, 0, &out),
			RECO_NO_MEMORY);
		assert_int_equal(m.bytes, before);
	}
	m.fail_at = 0;
	for (long n = 1; n <= polls; n += polls / 50 + 1)
	{
		m.polls = 0;
		m.stop_at = n;
		assert_int_equal(
			reco_ridge_predict(&m.env, &w.content, w.start, y, COLUMNS, STRIDE, 0, &out),
			RECO_STOPPED);
		assert_int_equal(m.bytes, before);
	}
	free(y);
	world_free(&m, &w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_predictions),
		cmocka_unit_test(test_lambda),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
