/*
 * test_spmm.c
 *	  Unit tests of the product of a sparse matrix with dense columns (core/spmm.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/linear/spmm.h"
#include "core/base/team.h"
#include "mimic_als.h"

#include <math.h>
#include <stdlib.h>

static void
assert_near(double got, double expected, double tolerance)
{
	if (!(fabs(got - expected) <= tolerance))
		fail_msg("%.10g, not %.10g within %g", got, expected, tolerance);
}

/* Products against plain sums: rows over several pieces, rows without entries. */
static void
test_product(void **state)
{
	enum
	{
		STRIDE = 32,
		COLS = 150000
	};
	reco_csr m = mimic_csr(9, COLS, 3 * COLS + 13, true);
	float *y = aligned_alloc(64, (size_t) COLS * STRIDE * sizeof(float));
	float *minus = aligned_alloc(64, 9 * STRIDE * sizeof(float));
	float *out = aligned_alloc(64, 9 * STRIDE * sizeof(float));
	float *row = aligned_alloc(64, STRIDE * sizeof(float));
	int64_t n = 0;
	mimic_world w;
	reco_env env = mimic_als_env(&w, 2);
	size_t bytes;
	void *scratch;

	(void) state;
	for (size_t i = 0; i < (size_t) COLS * STRIDE; i++)
		y[i] = (float) mimic_random() / 8388608.0f - 1;
	for (int i = 0; i < 9 * STRIDE; i++)
		minus[i] = (float) i;
	for (int r = 0; r < 9; r++)
	{
		/* empty first, last and in between; three are whole, the others short */
		int length = r == 0 || r == 4 || r == 8 ? 0 : r % 3 == 1 || r == 5 ? r : COLS;

		for (int c = 0; c < length; c++)
		{
			m.col[n] = c;
			m.value[n++] = (float) (c % 5);
		}
		m.start[r + 1] = n;
	}
	bytes = reco_spmm_bytes(&m, STRIDE);
	/* else nothing here crosses the end of a piece */
	assert_true(bytes >= 6 * 2 * STRIDE * sizeof(double));
	scratch = aligned_alloc(64, (bytes + 63) / 64 * 64);
	reco_team_prepare(2);
	for (int i = 0; i < 9 * STRIDE; i++)
		out[i] = 7;
	assert_int_equal(reco_spmm(&env, &m, 2, y, STRIDE, 0.5f, minus, scratch, out), RECO_OK);
	for (int r = 0; r < 9; r++)
	{
		int64_t from = m.start[r];

		assert_int_equal(reco_spmm_row(&env, 2, y, STRIDE, m.start[r + 1] - from, m.col + from,
									   m.value + from, row),
						 RECO_OK);
		for (int c = 0; c < STRIDE; c++)
		{
			double sum = 0;
			double size = 1;

			for (int64_t e = from; e < m.start[r + 1]; e++)
			{
				sum += 2.0 * m.value[e] * y[(size_t) m.col[e] * STRIDE + c];
				size += fabs(2.0 * m.value[e] * y[(size_t) m.col[e] * STRIDE + c]);
			}
			assert_near(row[c], sum, 1e-6 * size);
			assert_near(out[r * STRIDE + c],
						m.start[r + 1] > from ? sum - 0.5 * minus[r * STRIDE + c] : 7,
						1e-6 * (size + 300));
		}
	}
	free(scratch);
	free(row);
	free(out);
	free(minus);
	free(y);
	mimic_free_csr(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_product),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
