/*
 * test_als_basis.c
 *	  Unit tests of the basis that the rows of a half step of als share (core/als/als_half.h):
 *	  what it promises of its directions, by plain loops.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/als/als_half.h"
#include "core/base/team.h"
#include "core/linear/gram.h"
#include "mimic_env.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Columns of which those with many entries lie another way, and a basis of them. */
typedef struct basis_case
{
	mimic_env m;
	reco_als_params params;
	als_system s;
	als_basis b;
	int32_t columns;
	int d;
	float *y;
	int64_t *start;
	double *gram;
	double *spread; /* sum of y y' over all entries */
	void *slab;
	void *scratch;
} basis_case;

static void
make_case(basis_case *t, int d, int32_t columns, double mean_entries, bool weighted)
{
	uint64_t seed = 7 + (uint64_t) d + (uint64_t) columns;
	int stride = (d + 15) / 16 * 16;
	int ld = (d + 31) / 32 * 32;

	memset(t, 0, sizeof(*t));
	mimic_env_init(&t->m);
	reco_team_prepare(t->m.env.threads);
	t->columns = columns;
	t->d = d;
	t->params = (reco_als_params){.factors = d,
								  .implicit = true,
								  .alpha = 1,
								  .regularization = 0.1,
								  .weighted_regularization = weighted};
	t->y = aligned_alloc(64, ((size_t) columns * stride + 16) * sizeof(float));
	memset(t->y, 0, ((size_t) columns * stride + 16) * sizeof(float));
	t->start = calloc((size_t) columns + 1, sizeof(int64_t));
	t->gram = calloc((size_t) d * d, sizeof(double));
	t->spread = calloc((size_t) d * d, sizeof(double));
	for (int32_t c = 0; c < columns; c++)
	{
		bool busy = mimic_below(&seed, 5) == 0;
		int64_t n = (int64_t) (mean_entries * (busy ? 4 : 0.25));
		float *y = t->y + (size_t) c * stride;

		t->start[c + 1] = t->start[c] + n;
		for (int k = 0; k < d; k++)
			y[k] = (float) (mimic_uniform(&seed) - (busy && k % 2 ? 0.1 : 0.5)) / (float) (1 + k);
		for (int i = 0; i < d; i++)
			for (int j = 0; j < d; j++)
			{
				t->gram[i * d + j] += (double) y[i] * y[j];
				t->spread[i * d + j] += (double) n * y[i] * y[j];
			}
	}
	als_system_init(&t->s, &t->params, columns, 1, t->y, stride, NULL, t->gram);
	t->slab = aligned_alloc(64, als_basis_bytes(columns, ld) / 64 * 64 + 64);
	t->scratch = aligned_alloc(64, reco_gram_bytes(stride, t->m.env.threads) / 64 * 64 + 64);
	als_basis_layout(&t->b, t->slab, columns, ld);
}

static void
free_case(basis_case *t)
{
	free(t->y);
	free(t->start);
	free(t->gram);
	free(t->spread);
	free(t->slab);
	free(t->scratch);
}

/* left (d x d) of direction a along direction b, both rows of back */
static double
along(const basis_case *t, const double *left, double shift, int a, int b)
{
	double sum = 0;

	for (int i = 0; i < t->d; i++)
		for (int j = 0; j < t->d; j++)
			sum += t->b.back[a * t->b.ld + i] * (left[i * t->d + j] + (i == j ? shift : 0)) *
				   t->b.back[b * t->b.ld + j];
	return sum;
}

/* The start of x, taken back, is x; and z'u is y'x. */
static void
check_inverse(const basis_case *t)
{
	const als_basis *b = &t->b;

	for (int i = 0; i < t->d; i++)
		for (int j = 0; j < t->d; j++)
		{
			double sum = 0;

			for (int c = 0; c < t->d; c++)
				sum += (double) b->start[i * b->ld + c] * b->back[c * b->ld + j];
			assert_float_equal(sum, i == j ? 1 : 0, 1e-4);
			assert_true(b->to[i * b->ld + j] == b->back[j * b->ld + i]);
		}
}

/* The diagonals that a row's operator is made of are those of the matrices in these directions. */
static void
check_diagonals(const basis_case *t)
{
	const als_basis *b = &t->b;
	double entries = (double) t->start[t->columns];
	double none[64 * 64] = {0};

	for (int a = 0; a < t->d; a++)
		for (int c = 0; c < t->d; c++)
		{
			double base = a == c ? b->base[a] : 0;
			double slope = a == c ? b->slope[a] : 0;

			assert_float_equal(along(t, t->gram, t->s.lambda0, a, c), base, 1e-4);
			if (t->s.lambda1 > 0)
				assert_float_equal(along(t, none, t->s.lambda1, a, c), slope, 1e-4 * (1 + slope));
			if (a == c && entries > 0)
				assert_float_equal(along(t, t->spread, 0, a, c) / entries, b->guess[a],
								   1e-4 * (b->guess[a] + 1e-3));
		}
}

/* The most that entries add off the diagonal, relative to it. */
static double
off_diagonal(const basis_case *t)
{
	double most = 0;

	for (int a = 0; a < t->d; a++)
		for (int c = 0; c < a; c++)
			most =
				fmax(most, fabs(along(t, t->spread, 0, a, c)) /
							   sqrt(along(t, t->spread, 0, a, a) * along(t, t->spread, 0, c, c)));
	return most;
}

static const struct
{
	int d;
	int32_t columns;
	double entries; /* of a column, on average */
	bool weighted;
	double most; /* off the diagonal */
	double least;
} shapes[] = {
	{1, 40, 100, false, 0, 0},       {7, 300, 400, false, 1e-4, 0}, /* turned, by all columns */
	{33, 2000, 400, false, 1e-4, 0}, /* likewise, with rows that are padded */
	{7, 70000, 4, false, 0.1, 0},    /* by some columns */
	{33, 300, 4, false, 1, 0.05},    /* too few entries: not turned */
	{7, 300, 400, true, 1, 0.05},    /* a row's own part is no multiple of the identity */
	{3, 20, 0, false, 0, 0},         /* no entries at all */
};

static void
test_directions(void **state)
{
	(void) state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		for (int packed = 0; packed < 2; packed++)
		{
			basis_case t;

			make_case(&t, shapes[i].d, shapes[i].columns, shapes[i].entries, shapes[i].weighted);
			assert_int_equal(
				als_basis_make(&t.m.env, &t.s, &t.b, t.columns, t.start, packed, t.scratch),
				RECO_OK);
			check_inverse(&t);
			check_diagonals(&t);
			if (shapes[i].entries > 0)
			{
				double off = off_diagonal(&t);

				assert_true(off <= shapes[i].most);
				assert_true(off >= shapes[i].least);
			}
			free_case(&t);
		}
}

/* Every poll may ask for an end; threads make no difference. */
static void
test_stopping(void **state)
{
	basis_case t;
	long polls;
	size_t size;
	float *first;

	(void) state;
	make_case(&t, 7, 70000, 4, false);
	assert_int_equal(als_basis_make(&t.m.env, &t.s, &t.b, t.columns, t.start, false, t.scratch),
					 RECO_OK);
	polls = t.m.polls;
	size = (size_t) t.columns * t.b.ld * sizeof(float);
	first = malloc(size);
	memcpy(first, t.b.z, size);
	for (int threads = 1; threads <= 3; threads += 2)
	{
		void *scratch = aligned_alloc(64, reco_gram_bytes(16, threads) / 64 * 64 + 64);

		t.m.env.threads = threads;
		reco_team_prepare(threads);
		assert_int_equal(als_basis_make(&t.m.env, &t.s, &t.b, t.columns, t.start, false, scratch),
						 RECO_OK);
		assert_memory_equal(first, t.b.z, size);
		free(scratch);
	}
	t.m.env.threads = 1;
	for (long at = 1; at <= polls; at++)
	{
		t.m.polls = 0;
		t.m.stop_at = at;
		assert_int_equal(als_basis_make(&t.m.env, &t.s, &t.b, t.columns, t.start, false, t.scratch),
						 RECO_STOPPED);
	}
	free(first);
	free_case(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directions),
		cmocka_unit_test(test_stopping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
