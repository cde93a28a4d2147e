/*
 * test_neighbors_index.c
 *	  The nearest rows of a new row, against the lists of the search among all rows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/neighbors/neighbors.h"
#include "core/neighbors/neighbors_index.h"
#include "mimic_neighbors.h"

#define COUNT(a) ((int) (sizeof(a) / sizeof((a)[0])))

/* The row as one that the index does not have; arrays are the matrix's. */
static reco_csr
row_of(const reco_csr *a, int32_t r, int64_t *start)
{
	start[0] = 0;
	start[1] = a->start[r + 1] - a->start[r];
	return (reco_csr){1, a->cols, start, a->col + a->start[r],
					  a->value ? a->value + a->start[r] : NULL};
}

static void
differs(const char *name, const reco_neighbors_params *p, int32_t row, int64_t k, const char *what)
{
	fail_msg("%s, measure %d weighting %d shrinkage %g support %d, row %d, neighbor %d: %s", name,
			 p->measure, p->weighting, p->shrinkage, p->min_support, row, (int) k, what);
}

/* A list has the entries of another's row, but for one row that may come in between. */
static void
check_same(const char *name, const reco_neighbors_params *p, const reco_neighbors *all, int32_t r,
		   const reco_neighbors *found, int32_t besides)
{
	int64_t at = all->start[r];
	int64_t n = found->start[1];
	int64_t own = 0;

	assert_int_equal(found->start[0], 0);
	for (int64_t k = 0; k < n; k++)
	{
		if (found->row[k] == besides)
		{
			own++;
			continue;
		}
		if (at == all->start[r + 1])
		{
			differs(name, p, r, k, "there is one more");
			return;
		}
		if (found->row[k] != all->row[at])
			differs(name, p, r, k, "another row");
		if (found->similarity[k] != all->similarity[at])
			differs(name, p, r, k, "another similarity");
		at++;
	}
	if (at != all->start[r + 1] && n < p->neighbors)
		differs(name, p, r, n, "some are missing");
	assert_true(own <= 1);
}

/* Every row, as a stored one and as a new one, has its list. */
static void
check_rows(const char *name, const reco_csr *a, const reco_neighbors_params *p)
{
	reco_neighbors_params wide = *p;
	reco_neighbors all;
	reco_row_index index;
	mimic_env m;

	mimic_env_init(&m);
	assert_int_equal(reco_neighbors_find(&m.env, p, a, &all), RECO_OK);
	assert_int_equal(reco_row_index_build(&m.env, p, a, &index), RECO_OK);
	assert_int_equal(index.by_column.rows, a->cols);
	assert_int_equal(index.by_column.cols, a->rows);
	for (int32_t r = 0; r < a->rows; r += 1 + a->rows / 12)
	{
		int64_t start[2];
		reco_csr row = row_of(a, r, start);
		reco_neighbors found;

		assert_int_equal(reco_row_index_find(&m.env, p, &index, &row, r, &found), RECO_OK);
		check_same(name, p, &all, r, &found, -1);
		reco_neighbors_free(&m.env, &found);
		/* as a new one it is its own neighbor */
		wide.neighbors = p->neighbors + 1;
		assert_int_equal(reco_row_index_find(&m.env, &wide, &index, &row, -1, &found), RECO_OK);
		if (p->neighbors >= a->rows)
			check_same(name, &wide, &all, r, &found, r);
		reco_neighbors_free(&m.env, &found);
	}
	reco_row_index_free(&m.env, &index);
	reco_neighbors_free(&m.env, &all);
	assert_int_equal(m.live, 0);
}

static const mimic_shape shapes[] = {
	{"even", 45, 33, 0.2, 1},   {"skewed", 160, 50, 0.1, 4}, {"few of many", 400, 300, 0.003, 1},
	{"no columns", 6, 0, 0, 1}, {"one row", 1, 9, 0.7, 1},   {"nobody", 0, 4, 0, 1},
};

static void
test_rows_of_the_matrix(void **state)
{
	reco_neighbors_params variant[MIMIC_VARIANTS];
	int n = mimic_variants(variant);

	(void) state;
	for (int i = 0; i < COUNT(shapes); i++)
		for (int v = 0; v < n; v++)
			for (int k = 0; k < 6; k++)
			{
				reco_csr a = mimic_matrix(&shapes[i], (mimic_values) (k % 3), (uint64_t) (v + k));

				variant[v].neighbors = k % 2 ? 1000 : 7;
				variant[v].min_support = 1 + (k + v) % 2;
				variant[v].shrinkage = k < 3 || variant[v].measure == RECO_LLR ? 0 : 2.5;
				check_rows(shapes[i].name, &a, &variant[v]);
				mimic_matrix_free(&a);
			}
}

static void
test_domains(void **state)
{
	reco_neighbors_params variant[MIMIC_VARIANTS];
	int n = mimic_variants(variant);

	(void) state;
	for (int d = 0; d < MIMIC_DOMAINS; d++)
		for (int v = 0; v < n; v++)
		{
			reco_csr a = mimic_matrix(&shapes[v % 2], MIMIC_RATINGS, (uint64_t) d);

			mimic_domain_fill(d, &a, (uint64_t) (d * 100 + v));
			variant[v].neighbors = (d + v) % 2 ? 1000 : 9;
			variant[v].min_support = 1 + d % 2;
			check_rows(mimic_domain_name(d), &a, &variant[v]);
			mimic_matrix_free(&a);
		}
}

/* Whether the formula looks at no statistic that the new row would change. */
static bool
alone(const reco_neighbors_params *p)
{
	return p->weighting == RECO_WEIGHTING_NONE && p->measure != RECO_ADJUSTED_COSINE &&
		   p->measure != RECO_WALK;
}

/* A row that is nobody's has the list that it has as a row of the matrix. */
static void
test_new_rows(void **state)
{
	reco_neighbors_params variant[MIMIC_VARIANTS];
	int n = mimic_variants(variant);
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	for (int i = 0; i < 3; i++)
		for (int v = 0; v < n; v++)
		{
			reco_csr joined = mimic_matrix(&shapes[i], (mimic_values) (v % 3), (uint64_t) v);
			reco_csr a = joined;
			int32_t own = --a.rows;
			int64_t start[2];
			reco_csr row = row_of(&joined, own, start);
			reco_row_index index;
			reco_neighbors found;
			reco_neighbors all;

			variant[v].neighbors = v % 2 ? 1000 : 7;
			assert_int_equal(reco_row_index_build(&m.env, &variant[v], &a, &index), RECO_OK);
			assert_int_equal(reco_neighbors_find(&m.env, &variant[v], &joined, &all), RECO_OK);
			assert_int_equal(reco_row_index_find(&m.env, &variant[v], &index, &row, -1, &found),
							 RECO_OK);
			if (alone(&variant[v]))
				check_same(shapes[i].name, &variant[v], &all, own, &found, -1);
			for (int64_t k = 0; k < found.start[1]; k++)
				assert_true(found.similarity[k] > 0 && isfinite(found.similarity[k]));
			reco_neighbors_free(&m.env, &found);
			reco_neighbors_free(&m.env, &all);
			reco_row_index_free(&m.env, &index);
			mimic_matrix_free(&joined);
		}
	assert_int_equal(m.live, 0);
}

/* Making an index and asking it, when an allocation fails or a poll asks for an end. */
static reco_status
whole_way(const reco_csr *a, const reco_neighbors_params *p, int32_t r, long fail_at, long stop_at,
		  long *polls)
{
	int64_t start[2];
	reco_csr row = row_of(a, r, start);
	reco_row_index index;
	reco_neighbors found;
	reco_status status;
	mimic_env m;

	mimic_env_init(&m);
	m.fail_at = fail_at;
	m.stop_at = stop_at;
	status = reco_row_index_build(&m.env, p, a, &index);
	if (status == RECO_OK)
	{
		*polls = m.polls;
		status = reco_row_index_find(&m.env, p, &index, &row, r, &found);
		if (status == RECO_OK)
		{
			*polls = m.polls - *polls;
			reco_neighbors_free(&m.env, &found);
		}
		reco_row_index_free(&m.env, &index);
	}
	assert_int_equal(m.live, 0);
	return status;
}

static void
test_ends_early(void **state)
{
	static const mimic_shape large = {"large", 3000, 100, 1, 1};
	reco_neighbors_params variant[MIMIC_VARIANTS];
	int n = mimic_variants(variant);
	reco_csr many = mimic_matrix(&large, MIMIC_RATINGS, 1);
	long polls;

	(void) state;
	for (int v = 0; v < n; v++)
		for (int i = 1; i < 3; i++)
		{
			reco_csr a = mimic_matrix(&shapes[i], (mimic_values) (v % 3), 7);
			reco_status status;

			for (long at = 1; (status = whole_way(&a, &variant[v], 3, at, 0, &polls)) != RECO_OK;
				 at++)
				assert_int_equal(status, RECO_NO_MEMORY);
			mimic_matrix_free(&a);
		}
	for (int v = 0; v < n; v += 8)
	{
		reco_status status;

		assert_int_equal(whole_way(&many, &variant[v], 9, 0, 0, &polls), RECO_OK);
		/* 300000 entries */
		assert_true(polls >= 1);
		for (long at = 1; (status = whole_way(&many, &variant[v], 9, 0, at, &polls)) != RECO_OK;
			 at++)
			assert_int_equal(status, RECO_STOPPED);
	}
	mimic_matrix_free(&many);
}

/* What a damaged file may hold in place of users and numbers: any list, no crash. */
static void
test_damaged(void **state)
{
	reco_neighbors_params variant[MIMIC_VARIANTS];
	int n = mimic_variants(variant);
	uint64_t seed = 5;

	(void) state;
	for (int v = 0; v < n; v++)
		for (int i = 0; i < 3; i++)
			for (int support = 1; support <= 2; support++)
			{
				reco_csr a = mimic_matrix(&shapes[i], (mimic_values) (v % 3), 3);
				reco_row_index index;
				mimic_env m;

				mimic_env_init(&m);
				variant[v].min_support = support;
				assert_int_equal(reco_row_index_build(&m.env, &variant[v], &a, &index), RECO_OK);
				for (int64_t e = 0; e < a.start[a.rows]; e++)
					if (mimic_below(&seed, 3) == 0)
						index.by_column.col[e] = (int32_t) mimic_bits(&seed);
				for (size_t k = 0; k < reco_row_index_numbers(a.rows, a.cols); k++)
					if (mimic_below(&seed, 3) == 0)
					{
						uint64_t bits = mimic_bits(&seed);

						memcpy(&index.numbers[k], &bits, sizeof(bits));
					}
				for (int32_t r = 0; r < a.rows; r += 9)
				{
					int64_t start[2];
					reco_csr row = row_of(&a, r, start);
					reco_neighbors found;

					assert_int_equal(
						reco_row_index_find(&m.env, &variant[v], &index, &row, r, &found), RECO_OK);
					for (int64_t k = 0; k < found.start[1]; k++)
						assert_true(found.row[k] >= 0 && found.row[k] < a.rows);
					reco_neighbors_free(&m.env, &found);
				}
				reco_row_index_free(&m.env, &index);
				assert_int_equal(m.live, 0);
				mimic_matrix_free(&a);
			}
}

static void
test_invalid(void **state)
{
	reco_csr a = mimic_matrix(&shapes[0], MIMIC_ONES, 1);
	reco_neighbors_params p = mimic_params;
	int64_t start[2];
	reco_csr row = row_of(&a, 1, start);
	reco_row_index index;
	reco_neighbors found;
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	p.neighbors = 0;
	assert_int_equal(reco_row_index_build(&m.env, &p, &a, &index), RECO_INVALID);
	p.neighbors = 1;
	assert_int_equal(reco_row_index_find(&m.env, &p, &(reco_row_index){0}, &row, -1, &found),
					 RECO_INVALID);
	assert_int_equal(m.live, 0);
	mimic_matrix_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_of_the_matrix),
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_new_rows),
		cmocka_unit_test(test_ends_early),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_invalid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
