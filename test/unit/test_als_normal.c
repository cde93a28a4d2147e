/*
 * test_als_normal.c
 *	  Unit tests of normal equations built up row by row (core/als/als_normal.h).
 *
 * Solutions are compared with the naive mimic and with reco_als_fold_in, biases
 * as an appended 1 included; any division into parts, through bytes and back,
 * against the whole; every allocation failing and every poll stopping in turn;
 * bytes that were cut or altered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/als/als_normal.h"
#include "mimic_als.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One row of a half step: n entries of distinct columns, and the columns. */
typedef struct problem
{
	reco_als_params params;
	int columns;
	int n;
	float *y;      /* columns x d */
	float *y_bias; /* columns */
	int32_t *idx;
	float *value;
	double *packed; /* Y'Y */
} problem;

static float
uniform(void)
{
	return (float) mimic_random() / (1 << 23) - 1;
}

static problem
make_problem(int d, int n, bool implicit, bool weighted, bool biases)
{
	problem p = {
		.params = {.implicit = implicit,
				   .factors = d,
				   .regularization = 0.1,
				   .alpha = 2,
				   .weighted_regularization = weighted,
				   .biases = biases,
				   .iterations = 1,
				   .solver = RECO_ALS_CHOLESKY},
		.columns = n + 20,
		.n = n,
	};

	p.y = malloc((size_t) p.columns * d * sizeof(float));
	p.y_bias = malloc(p.columns * sizeof(float));
	p.idx = malloc((n + 1) * sizeof(int32_t));
	p.value = malloc((n + 1) * sizeof(float));
	p.packed = calloc(reco_normal_packed(d), sizeof(double));
	for (int i = 0; i < p.columns * d; i++)
		p.y[i] = uniform();
	for (int i = 0; i < p.columns; i++)
	{
		double *to = p.packed;

		p.y_bias[i] = biases ? uniform() : 0;
		for (int s = 0; s < d; s++)
			for (int t = s; t < d; t++)
				*to++ += (double) p.y[i * d + s] * p.y[i * d + t];
	}
	for (int k = 0; k < n; k++)
	{
		p.idx[k] = k + 10;
		p.value[k] = k % 7 == 3 ? 0 : 3 * uniform();
	}
	return p;
}

static void
free_problem(problem *p)
{
	free(p->y);
	free(p->y_bias);
	free(p->idx);
	free(p->value);
	free(p->packed);
}

/* Adds entries first .. last - 1; with biases as a factor of 1. */
static reco_status
add(const reco_env *env, const problem *p, reco_normal *q, int first, int last)
{
	int d = p->params.factors;
	float row[RECO_NORMAL_MAX_FACTORS];

	for (int k = first; k < last; k++)
	{
		reco_status status;

		memcpy(row, p->y + (size_t) p->idx[k] * d, d * sizeof(float));
		row[d] = 1;
		status = reco_normal_add(env, q, row, p->value[k] - (double) p->y_bias[p->idx[k]]);
		if (status != RECO_OK)
			return status;
	}
	return RECO_OK;
}

static reco_normal
start(const problem *p)
{
	reco_als_params params = p->params;
	reco_normal q;

	params.factors += p->params.biases ? 1 : 0;
	assert_int_equal(reco_normal_init(&q, &params), RECO_OK);
	assert_true(reco_normal_valid(&q));
	if (params.implicit)
		q.gram = p->packed;
	q.columns = params.weighted_regularization ? p->columns : 0;
	return q;
}

/* Within `tolerance` of the largest element. */
static void
assert_close(const float *a, const float *b, int n, double tolerance)
{
	double size = 1e-3;

	for (int i = 0; i < n; i++)
		size = fmax(size, fabs(b[i]));
	for (int i = 0; i < n; i++)
		if (!(fabs(a[i] - b[i]) <= tolerance * size))
			fail_msg("element %d of %d: %.9g, not %.9g", i, n, a[i], b[i]);
}

/* x, and the bias behind it, as the mimic solves the same row. */
static void
mimic_solution(const problem *p, float *x)
{
	int d = p->params.factors;
	reco_csr row = mimic_csr(1, p->columns, p->n, true);
	mimic_model m;

	row.start[1] = p->n;
	memcpy(row.col, p->idx, p->n * sizeof(int32_t));
	memcpy(row.value, p->value, p->n * sizeof(float));
	mimic_init(&m, &p->params, &row);
	m.mean = 0;
	for (int i = 0; i < p->columns; i++)
	{
		for (int c = 0; c < d; c++)
			m.item[i * (d + 1) + c] = p->y[i * d + c];
		m.item[i * (d + 1) + d] = p->y_bias[i];
	}
	mimic_half_step(&m, &p->params, &row, 0);
	for (int c = 0; c <= d; c++)
		x[c] = (float) m.user[c];
	mimic_free(&m);
	mimic_free_csr(&row);
}

static void
fold_in(const reco_env *env, const problem *p, float *x)
{
	int d = p->params.factors;
	double *gram = malloc((size_t) d * d * sizeof(double));
	const double *from = p->packed;

	for (int s = 0; s < d; s++)
		for (int t = s; t < d; t++)
			gram[s * d + t] = gram[t * d + s] = *from++;
	assert_int_equal(reco_als_fold_in(env, &p->params, p->y, d, p->params.biases ? p->y_bias : NULL,
									  p->columns, 0, gram, p->n, p->idx, p->value, NULL, x, x + d,
									  0, NULL, NULL),
					 RECO_OK);
	free(gram);
}

static void
test_solutions(void **state)
{
	static const int factors[] = {1, 2, 5, 15, 16, 17, 33, 63, 64, 65, 100};
	static const int rows[] = {1, 3, 4, 5, 40, 63, 64, 65, 128, 150, 333};

	(void) state;
	for (int k = 0; k < 11 * 11; k++)
	{
		bool implicit = k % 4 < 2;
		problem p = make_problem(factors[k / 11], rows[k % 11], implicit, k % 4 == 1, k % 4 == 3);
		int d = p.params.factors;
		int order = d + (p.params.biases ? 1 : 0);
		float x[RECO_NORMAL_MAX_FACTORS + 1];
		float expected[RECO_NORMAL_MAX_FACTORS + 1];
		mimic_world w;
		reco_env env = mimic_als_env(&w, 1);
		reco_normal q = start(&p);

		assert_int_equal(add(&env, &p, &q, 0, p.n), RECO_OK);
		assert_int_equal(q.n, p.n);
		/* the bound of the header file, but for rounding up to bytes of a cache line */
		assert_true(w.peak <= (size_t) 4 * order * (order + 3) +
								  (order > 64 ? order : 64) * ((size_t) 4 * order + 16) * 3 / 2 +
								  8 * ((size_t) order + 16) * (order + 16 + 64 + 4) + 1024);
		assert_int_equal(reco_normal_solve(&env, &q, x), RECO_OK);
		mimic_solution(&p, expected);
		assert_close(x, expected, order, 1e-5);
		fold_in(&env, &p, expected);
		assert_close(x, expected, order, 1e-6);
		/* one tile: the same arithmetic, unless zeros were left out of it */
		if (p.n <= 4 || (!implicit && p.n <= 64))
			assert_memory_equal(x, expected, order * sizeof(float));
		reco_normal_release(&env, &q);
		assert_int_equal(w.live, 0);
		free_problem(&p);
	}
}

/* Case C16: item factors (1, 0), (1, 1), (0, 2), lambda 0.5. */
static void
test_golden(void **state)
{
	reco_als_params params = {.implicit = true, .factors = 2, .regularization = 0.5, .alpha = 1};
	double gram[3] = {2, 1, 5};
	float y1[2] = {1, 0};
	float y3[2] = {0, 2};
	float x[2];
	mimic_world w;
	reco_env env = mimic_als_env(&w, 1);
	reco_normal q;

	(void) state;
	assert_int_equal(reco_normal_init(&q, &params), RECO_OK);
	q.gram = gram;
	assert_int_equal(reco_normal_add(&env, &q, y1, 3), RECO_OK);
	assert_int_equal(reco_normal_add(&env, &q, y3, 1), RECO_OK);
	assert_int_equal(reco_normal_solve(&env, &q, x), RECO_OK);
	assert_true(fabs(x[0] - 0.6634146341) < 1e-7 && fabs(x[1] - 0.3512195122) < 1e-7);
	reco_normal_release(&env, &q);
	assert_int_equal(reco_normal_add(&env, &q, y1, 3), RECO_OK);
	assert_int_equal(reco_normal_add(&env, &q, y3, -1), RECO_OK);
	assert_int_equal(reco_normal_solve(&env, &q, x), RECO_OK);
	assert_true(fabs(x[0] - 0.7414634146) < 1e-7 && fabs(x[1] + 0.0780487805) < 1e-7);
	reco_normal_release(&env, &q);
	assert_int_equal(w.live, 0);
}

/* Through bytes at an odd address, and back. */
static reco_normal
through_bytes(const reco_env *env, const reco_normal *q, double **gram)
{
	size_t size = reco_normal_bytes(q);
	char *bytes = malloc(size + 1);
	char *again = malloc(size);
	reco_normal out;

	reco_normal_write(q, bytes + 1);
	assert_int_equal(reco_normal_read(env, bytes + 1, size, &out), RECO_OK);
	assert_int_equal(reco_normal_bytes(&out), size);
	reco_normal_write(&out, again);
	assert_memory_equal(bytes + 1, again, size);
	free(bytes);
	free(again);
	*gram = (double *) out.gram;
	return out;
}

static void
test_parts(void **state)
{
	(void) state;
	for (int k = 0; k < 60; k++)
	{
		problem p = make_problem(1 + k * 2, 1 + (int) (mimic_random() % 300), k % 2, k % 4 == 1,
								 k % 4 == 2);
		int order = p.params.factors + (p.params.biases ? 1 : 0);
		int parts = 1 + (int) (mimic_random() % 5);
		float whole[RECO_NORMAL_MAX_FACTORS];
		float sum[RECO_NORMAL_MAX_FACTORS];
		int first = 0;
		mimic_world w;
		reco_env env = mimic_als_env(&w, 1);
		reco_normal q = start(&p);
		reco_normal into = start(&p);

		assert_int_equal(add(&env, &p, &q, 0, p.n), RECO_OK);
		assert_int_equal(reco_normal_solve(&env, &q, whole), RECO_OK);
		for (int part = 0; part < parts; part++)
		{
			int last = part == parts - 1 ? p.n : first + (int) (mimic_random() % (p.n - first + 1));
			reco_normal from = start(&p);
			reco_normal read;
			double *gram;

			assert_int_equal(add(&env, &p, &from, first, last), RECO_OK);
			/* sums alone, as many bytes whatever the rows */
			if (part % 2 == 1)
			{
				assert_int_equal(reco_normal_close(&env, &from), RECO_OK);
				assert_int_equal(from.rows, 0);
				assert_null(from.waiting);
				assert_non_null(from.sums);
			}
			read = through_bytes(&env, &from, &gram);
			assert_int_equal(reco_normal_merge(&env, &into, &read), RECO_OK);
			reco_normal_release(&env, &from);
			reco_normal_release(&env, &read);
			if (gram)
				env.release(env.arg, gram);
			first = last;
		}
		assert_int_equal(into.n, q.n);
		assert_int_equal(reco_normal_solve(&env, &into, sum), RECO_OK);
		assert_close(sum, whole, order, 1e-6);
		reco_normal_release(&env, &q);
		reco_normal_release(&env, &into);
		assert_int_equal(w.live, 0);
		free_problem(&p);
	}
}

/* Solving between additions changes nothing. */
static void
test_solve_leaves_state(void **state)
{
	problem p = make_problem(20, 200, true, false, false);
	mimic_world w;
	reco_env env = mimic_als_env(&w, 1);
	reco_normal a = start(&p);
	reco_normal b = start(&p);
	float x[20];
	float y[20];
	double matrix[400];

	(void) state;
	for (int k = 0; k < p.n; k++)
	{
		assert_int_equal(add(&env, &p, &a, k, k + 1), RECO_OK);
		assert_int_equal(add(&env, &p, &b, k, k + 1), RECO_OK);
		assert_int_equal(reco_normal_solve(&env, &a, x), RECO_OK);
		assert_int_equal(reco_normal_matrix(&env, &a, matrix), RECO_OK);
	}
	assert_int_equal(reco_normal_solve(&env, &b, y), RECO_OK);
	assert_memory_equal(x, y, sizeof(x));
	reco_normal_release(&env, &a);
	reco_normal_release(&env, &b);
	assert_int_equal(w.live, 0);
	free_problem(&p);
}

/* With weight 1 the matrix is Y'Y; the largest order, too. */
static void
test_matrix(void **state)
{
	static const int factors[] = {1, 7, 16, 50, RECO_NORMAL_MAX_FACTORS};

	(void) state;
	for (int k = 0; k < 5; k++)
	{
		int d = factors[k];
		problem p = make_problem(d, d > 100 ? 3 : 150, false, false, false);
		double *matrix = malloc((size_t) d * d * sizeof(double));
		double *expected = p.packed;
		mimic_world w;
		reco_env env = mimic_als_env(&w, 1);
		reco_normal q = start(&p);

		for (int i = 0; i < p.columns; i++)
			assert_int_equal(reco_normal_add(&env, &q, p.y + (size_t) i * d, 0), RECO_OK);
		assert_int_equal(reco_normal_matrix(&env, &q, matrix), RECO_OK);
		for (int s = 0; s < d; s++)
			for (int t = s; t < d; t++)
			{
				assert_true(fabs(matrix[s * d + t] - *expected) <= 1e-12 * p.columns);
				assert_true(matrix[s * d + t] == matrix[t * d + s]);
				expected++;
			}
		reco_normal_release(&env, &q);
		assert_int_equal(w.live, 0);
		free(matrix);
		free_problem(&p);
	}
}

/* Adds, merges, writes, reads and solves; nothing may be left behind. */
static reco_status
whole_life(const reco_env *env, const problem *p)
{
	reco_normal a = start(p);
	reco_normal b = start(p);
	reco_normal c = {0};
	size_t size;
	char *bytes;
	float x[RECO_NORMAL_MAX_FACTORS];
	reco_status status = add(env, p, &a, 0, p->n / 2);

	if (status == RECO_OK)
		status = add(env, p, &b, p->n / 2, p->n);
	size = reco_normal_bytes(&b);
	bytes = malloc(size);
	reco_normal_write(&b, bytes);
	if (status == RECO_OK)
		status = reco_normal_read(env, bytes, size, &c);
	free(bytes);
	if (status == RECO_OK)
		status = reco_normal_merge(env, &a, &c);
	if (status == RECO_OK)
		status = reco_normal_solve(env, &a, x);
	reco_normal_release(env, &a);
	reco_normal_release(env, &b);
	reco_normal_release(env, &c);
	if (c.gram)
		env->release(env->arg, (double *) c.gram);
	return status;
}

static void
test_failures(void **state)
{
	problem p = make_problem(10, 300, true, true, false);
	mimic_world w;
	reco_env env = mimic_als_env(&w, 1);
	int allocs;
	int polls;

	(void) state;
	assert_int_equal(whole_life(&env, &p), RECO_OK);
	allocs = w.allocs;
	polls = w.polls;
	assert_true(allocs > 10 && polls > 4);
	for (int k = 1; k <= allocs; k++)
	{
		env = mimic_als_env(&w, 1);
		w.fail_at = k;
		assert_int_equal(whole_life(&env, &p), RECO_NO_MEMORY);
		assert_int_equal(w.live, 0);
	}
	for (int k = 1; k <= polls; k++)
	{
		env = mimic_als_env(&w, 1);
		w.stop_at = k;
		assert_int_equal(whole_life(&env, &p), RECO_STOPPED);
		assert_int_equal(w.live, 0);
	}
	free_problem(&p);
}

static void
test_invalid(void **state)
{
	reco_als_params good = {.implicit = true, .factors = 2, .regularization = 0.1, .alpha = 1};
	reco_als_params p;
	reco_normal q;
	reco_normal other;
	float y[2] = {1, 2};
	float x[2];
	double gram[3] = {1, 0, 1};
	mimic_world w;
	reco_env env = mimic_als_env(&w, 1);

	(void) state;
	for (int k = 0; k < 7; k++)
	{
		p = good;
		p.factors = k == 0 ? 0 : k == 1 ? RECO_NORMAL_MAX_FACTORS + 1 : 2;
		p.regularization = k == 2 ? 0 : k == 3 ? NAN : k == 4 ? INFINITY : 0.1;
		p.alpha = k == 5 ? 0 : k == 6 ? NAN : 1;
		assert_int_equal(reco_normal_init(&q, &p), RECO_INVALID);
		assert_false(reco_normal_valid(&q));
	}
	assert_int_equal(reco_normal_init(&q, &good), RECO_OK);
	/* no rows: zeros, whatever else is missing */
	x[0] = x[1] = 7;
	assert_int_equal(reco_normal_solve(&env, &q, x), RECO_OK);
	assert_true(x[0] == 0 && x[1] == 0);
	assert_int_equal(reco_normal_add(&env, &q, y, NAN), RECO_INVALID);
	assert_int_equal(reco_normal_add(&env, &q, y, INFINITY), RECO_INVALID);
	assert_int_equal(q.n, 0);
	/* an implicit 0 counts, and says nothing */
	assert_int_equal(reco_normal_add(&env, &q, y, 0), RECO_OK);
	assert_int_equal(q.n, 1);
	assert_int_equal(reco_normal_solve(&env, &q, x), RECO_INVALID); /* no gram */
	q.gram = gram;
	assert_int_equal(reco_normal_solve(&env, &q, x), RECO_OK);
	assert_true(x[0] == 0 && x[1] == 0);
	/* the number of columns */
	p = good;
	p.weighted_regularization = true;
	assert_int_equal(reco_normal_init(&other, &p), RECO_OK);
	assert_int_equal(reco_normal_merge(&env, &q, &other), RECO_INVALID);
	other.gram = gram;
	assert_int_equal(reco_normal_add(&env, &other, y, 1), RECO_OK);
	assert_int_equal(reco_normal_solve(&env, &other, x), RECO_INVALID);
	other.columns = 1;
	assert_int_equal(reco_normal_solve(&env, &other, x), RECO_OK);
	reco_normal_release(&env, &other);
	/* a gram that is none has no solution */
	gram[0] = -1e9;
	gram[2] = 1;
	assert_int_equal(reco_normal_solve(&env, &q, x), RECO_SINGULAR);
	reco_normal_release(&env, &q);
	assert_int_equal(w.live, 0);
}

/* Singular systems have a finite solution (C09), huge ones an error or one. */
static void
test_extremes(void **state)
{
	mimic_world w;
	reco_env env = mimic_als_env(&w, 1);

	(void) state;
	for (int k = 0; k < 4; k++)
	{
		reco_als_params params = {.factors = 3, .regularization = 1e-9};
		float y[3] = {0, 0, 0};
		float x[3];
		reco_normal q;
		reco_status status;

		assert_int_equal(reco_normal_init(&q, &params), RECO_OK);
		for (int r = 0; r < 100; r++)
		{
			for (int c = 0; c < 3 && k > 0; c++)
				y[c] = k == 1 ? 1 : k == 2 ? 1e17f * uniform() : 1e-17f * uniform();
			assert_int_equal(reco_normal_add(&env, &q, y, 1e18), RECO_OK);
		}
		status = reco_normal_solve(&env, &q, x);
		assert_true(status == RECO_OK || (k == 3 && status == RECO_SINGULAR));
		for (int c = 0; c < 3 && status == RECO_OK; c++)
			assert_true(isfinite(x[c]));
		reco_normal_release(&env, &q);
	}
	assert_int_equal(w.live, 0);
}

/* Bytes that were cut or altered: refused, or an equation that can be used. */
static void
test_bad_bytes(void **state)
{
	problem p = make_problem(5, 140, true, true, false);
	mimic_world w;
	reco_env env = mimic_als_env(&w, 1);
	reco_normal q = start(&p);
	size_t size;
	char *bytes;
	char *right;
	int refused = 0;

	(void) state;
	assert_int_equal(add(&env, &p, &q, 0, p.n), RECO_OK);
	size = reco_normal_bytes(&q);
	bytes = malloc(size);
	right = malloc(size);
	reco_normal_write(&q, right);
	for (size_t cut = 0; cut < size; cut++)
	{
		char *some = malloc(cut + 1); /* to the byte, for the address sanitizer */
		reco_normal out;

		reco_normal_write(&q, bytes);
		memcpy(some, bytes, cut);
		some = realloc(some, cut ? cut : 1);
		assert_int_equal(reco_normal_read(&env, some, cut, &out), RECO_INVALID);
		free(some);
	}
	for (int k = 0; k < 20000; k++)
	{
		reco_normal out;
		reco_normal sum = start(&p);
		float x[RECO_NORMAL_MAX_FACTORS];
		double *gram;
		size_t range = k % 2 ? 56 : size;
		bool sealed = k % 4 < 2;
		bool same;

		reco_normal_write(&q, bytes);
		for (int f = 0; f < 1 + k % 3; f++)
			bytes[mimic_random() % range] ^= (char) (1 << mimic_random() % 8);
		same = memcmp(bytes, right, size) == 0;
		if (sealed)
			reco_normal_seal(bytes, size);
		if (reco_normal_read(&env, bytes, size, &out) != RECO_OK)
		{
			assert_false(same);
			refused++;
			continue;
		}
		assert_true(sealed || same);
		gram = (double *) out.gram;
		(void) reco_normal_solve(&env, &out, x);
		(void) reco_normal_merge(&env, &sum, &out);
		(void) reco_normal_solve(&env, &sum, x);
		reco_normal_release(&env, &out);
		reco_normal_release(&env, &sum);
		if (gram)
			env.release(env.arg, gram);
	}
	assert_true(refused > 2000);
	free(bytes);
	free(right);
	reco_normal_release(&env, &q);
	assert_int_equal(w.live, 0);
	free_problem(&p);
}

/* Rows of values of 0 and below draw nowhere: the solution is 0, however many there are. */
static void
test_nothing_wanted(void **state)
{
	(void) state;
	for (int n = 1; n <= 300; n += 23)
	{
		mimic_world w;
		reco_env env = mimic_als_env(&w, 1);
		double gram[8 * 9 / 2];
		float y[8];
		float x[8];
		reco_normal q;

		assert_int_equal(reco_normal_init(&q, &(reco_als_params){.implicit = true,
																 .factors = 8,
																 .regularization = 0.01,
																 .alpha = 40}),
						 RECO_OK);
		for (int i = 0; i < 8 * 9 / 2; i++)
			gram[i] = 1;
		for (int i = 0, k = 0; i < 8; k += 8 - i, i++)
			gram[k] = 10;
		q.gram = gram;
		for (int r = 0; r < n; r++)
		{
			for (int c = 0; c < 8; c++)
				y[c] = (float) (mimic_random() % 100) / 50 - 1;
			assert_int_equal(reco_normal_add(&env, &q, y, r % 3 == 0 ? 0 : -(double) r), RECO_OK);
		}
		assert_int_equal(reco_normal_solve(&env, &q, x), RECO_OK);
		for (int c = 0; c < 8; c++)
			assert_true(x[c] == 0);
		reco_normal_release(&env, &q);
		assert_int_equal(w.live, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_solutions), cmocka_unit_test(test_golden),
		cmocka_unit_test(test_parts),     cmocka_unit_test(test_solve_leaves_state),
		cmocka_unit_test(test_matrix),    cmocka_unit_test(test_failures),
		cmocka_unit_test(test_invalid),   cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_bad_bytes), cmocka_unit_test(test_nothing_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
