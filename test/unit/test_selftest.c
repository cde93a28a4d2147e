/*
 * test_selftest.c
 *	  The library passes, and one that errs in one number does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdint.h>

#include "core/selftest.h"
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

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_selftest)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
