/*
 * test_neighbors_gram.c
 *	  Neighbors by products that are known already (core/neighbors/neighbors_gram.h), against the
 *	  search that makes them; and of products that no rows have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/neighbors/neighbors_gram.h"
#include "mimic_lists.h"
#include "mimic_neighbors.h"

static const mimic_shape shapes[] = {
	{"one row", 1, 40, 0.8, 1},
	{"even", 45, 33, 0.2, 1},
	{"dense", 40, 25, 0.9, 1},
	{"skewed", 120, 60, 0.1, 4},
};

/* Common columns of all pairs; a row without any has 0. */
static reco_packed
gram_of(const reco_csr *a)
{
	reco_packed gram = {a->rows, calloc(reco_packed_size(a->rows) + 1, sizeof(double))};

	for (int32_t x = 0; x < a->rows; x++)
		for (int32_t y = 0; y <= x; y++)
			for (int64_t e = a->start[x]; e < a->start[x + 1]; e++)
				reco_packed_row(&gram, x)[y] +=
					reco_find(a->col, a->start[y], a->start[y + 1], a->col[e]) >= 0;
	return gram;
}

static void
test_as_found(void **state)
{
	reco_neighbors_params variant[MIMIC_VARIANTS];
	int variants = mimic_variants(variant);
	int taken = 0;

	(void) state;
	for (int s = 0; s < 4; s++)
	{
		reco_csr a = mimic_matrix(&shapes[s], MIMIC_ONES, 3);
		reco_packed gram = gram_of(&a);

		for (int v = 0; v < variants; v++)
			for (int k = 3; k <= 300; k *= 10)
			{
				reco_neighbors_params params = variant[v];
				reco_neighbors found;
				reco_neighbors same;
				size_t held;
				mimic_env m;

				params.neighbors = k;
				if (!reco_neighbors_gram_takes(&params))
					continue;
				taken++;
				mimic_env_init(&m);
				m.env.threads = 1 + v % 3;
				assert_int_equal(reco_neighbors_find(&m.env, &params, &a, &found), RECO_OK);
				held = m.peak = m.bytes;
				assert_int_equal(reco_neighbors_gram(&m.env, &params, &gram, 0, &same), RECO_OK);
				assert_true(m.peak - held <= reco_neighbors_gram_memory(&params, a.rows));
				mimic_same_lists(&found, &same);
				reco_neighbors_free(&m.env, &found);
				reco_neighbors_free(&m.env, &same);
				assert_int_equal(m.live, 0);
			}
		free(gram.value);
		mimic_matrix_free(&a);
	}
	assert_true(taken > 20);
}

/* Noise: rows of less than nothing, more in common than either has, and the least that counts. */
static void
test_noise(void **state)
{
	double value[] = {100, 120, 90, 30, -20, -5, 9, 10, 11, 40};
	reco_packed gram = {4, value};
	reco_neighbors_params params = mimic_params;
	reco_neighbors lists;
	mimic_env m;

	(void) state;
	params.measure = RECO_COSINE;
	params.shrinkage = 0;
	params.neighbors = 10;
	mimic_env_init(&m);
	assert_int_equal(reco_neighbors_gram(&m.env, &params, &gram, 10, &lists), RECO_OK);
	/* 0: 1 with min(120, 90); of 2 all is cut to 1, 3 has 9 */
	assert_int_equal(lists.start[1], 1);
	assert_int_equal(lists.row[0], 1);
	assert_true(fabs(lists.similarity[0] - 90 / sqrt(9000)) < 1e-12);
	/* 1: 0, and 3 with 10 */
	assert_int_equal(lists.start[2] - lists.start[1], 2);
	assert_int_equal(lists.row[lists.start[1]], 0);
	assert_int_equal(lists.row[lists.start[1] + 1], 3);
	/* 2 has one column at least, in common with 3 only, and that is below the least */
	assert_int_equal(lists.start[3] - lists.start[2], 0);
	assert_int_equal(lists.start[4] - lists.start[3], 1);
	reco_neighbors_free(&m.env, &lists);
	assert_int_equal(reco_neighbors_gram(&m.env, &params, &gram, 1, &lists), RECO_OK);
	assert_int_equal(lists.start[3] - lists.start[2], 2);
	reco_neighbors_free(&m.env, &lists);
	params.measure = RECO_LIFT;
	assert_int_equal(reco_neighbors_gram(&m.env, &params, &gram, 1, &lists), RECO_INVALID);
	assert_int_equal(m.live, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_found),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
