/*
 * test_selftest.c
 *	  The library passes, and one that errs in one number does not; and the function
 *	  that is there for it in place of Fortran's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/linear/fortran.h"
#include "core/linear/selftest.h"
#include "mimic_env.h"

extern void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda,
					double *w, double *work, const int *lwork, int *iwork, const int *liwork,
					int *info);

static int fault;

static void
wrong(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w,
	  double *work, const int *lwork, int *iwork, const int *liwork, int *info)
{
	dsyevd_(jobz, uplo, n, a, lda, w, work, lwork, iwork, liwork, info);
	switch (fault)
	{
		case 1:
			w[17] *= 1 + 1e-6;
			break;
		case 2:
			a[*n * 80 + 3] += 1e-5;
			break;
		case 3:
			a[*n * *n - 1] = NAN;
			break;
		case 4:
			*info = 1;
			break;
		case 5:
			/* an eigenvalue and its vector lost, another twice */
			for (int k = 0; k < *n; k++)
				a[*n * 5 + k] = a[*n * 6 + k];
			w[5] = w[6];
			break;
	}
}

static void
test_selftest(void **state)
{
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	assert_int_equal(reco_selftest(&m.env, NULL), RECO_OK);
	assert_int_equal(m.live, 0);
	for (fault = 0; fault <= 5; fault++)
		assert_int_equal(reco_selftest(&m.env, wrong), fault == 0 ? RECO_OK : RECO_INVALID);
	mimic_env_init(&m);
	m.fail_at = 1;
	assert_int_equal(reco_selftest(&m.env, NULL), RECO_NO_MEMORY);
}

/* CHARACTER(5) :: r;  r = a // b, for a and b of every length. */
static void
test_concat(void **state)
{
	static const char *const wanted[4][4] = {{"     ", "x    ", "xy   ", "xyz  "},
											 {"a    ", "ax   ", "axy  ", "axyz "},
											 {"ab   ", "abx  ", "abxy ", "abxyz"},
											 {"abc  ", "abcx ", "abcxy", "abcxy"}};
	char to[7];

	(void) state;
	for (size_t n_a = 0; n_a < 4; n_a++)
		for (size_t n_b = 0; n_b < 4; n_b++)
		{
			memset(to, '?', sizeof(to));
			_gfortran_concat_string(5, to, n_a, "abc", n_b, "xyz");
			assert_memory_equal(to, wanted[n_a][n_b], 5);
			assert_int_equal(to[5], '?');
		}
	_gfortran_concat_string(0, to, 3, "abc", 3, "xyz");
	assert_int_equal(to[0], 'a');
	_gfortran_concat_string(2, to, 3, "abc", 3, "xyz");
	assert_memory_equal(to, "abc", 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_selftest),
									   cmocka_unit_test(test_concat)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
