/*
 * selftest.c
 *	  Whether the LAPACK that was linked computes right.
 *
 * Some builds of OpenBLAS choose kernels at run time that are wrong on some
 * processors, and say nothing.  What the kernels here ask of it is the eigenvectors
 * of a symmetric matrix, A = V diag(w) V', and products.  For a matrix large enough to
 * reach the blocked code, with known entries, V diag(w) V' must be A and V'V the
 * identity, up to rounding; and products of both kinds must say so, too.
 *
 * Cost: about 25 n^3 flops, n = 130.
 */
#include "core/linear/selftest.h"

#include "core/linear/eigen.h"

#include <math.h>

extern void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda,
					double *w, double *work, const int *lwork, int *iwork, const int *liwork,
					int *info);

extern char *openblas_get_config(void);

enum
{
	N = 130, /* no multiple of any block size */
	WORK = 1 + 6 * N + 2 * N * N,
	IWORK = 3 + 5 * N
};

/* A Gram matrix's like: positive, dominated by its diagonal, nothing equal. */
static double
entry(int i, int j)
{
	double d = fabs((double) (i - j));

	return (i == j ? 3.0 + i / 16.0 : 0.0) + cos(0.7 * (i + 1) * (j + 1)) / (1 + d);
}

/* V diag(w) V' against the matrix, and V'V against the identity. */
static bool
adds_up(const double *v, const double *w)
{
	for (int i = 0; i < N; i++)
		for (int j = 0; j <= i; j++)
		{
			double a = 0;
			double unit = 0;

			for (int k = 0; k < N; k++)
			{
				a += v[k * N + i] * w[k] * v[k * N + j];
				unit += v[i * N + k] * v[j * N + k];
			}
			/* a NaN is not below the bound either */
			if (!(fabs(a - entry(i, j)) < 1e-9) || !(fabs(unit - (i == j)) < 1e-11))
				return false;
		}
	return true;
}

/* The same by products: the rows of v are the vectors.  work: 2 N^2. */
static bool
multiplies(const double *v, const double *w, double *work)
{
	double *matrix = work;
	double *product = work + N * N;

	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++)
			matrix[i * N + j] = entry(i, j);
	reco_product(N, v, matrix, false, product);
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++)
			if (!(fabs(product[i * N + j] - w[i] * v[i * N + j]) < 1e-9))
				return false;
	reco_product(N, v, v, true, product);
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++)
			if (!(fabs(product[i * N + j] - (i == j)) < 1e-11))
				return false;
	return true;
}

reco_status
reco_selftest(const reco_env *env, reco_eigen_solver solver)
{
	const int n = N;
	const int lwork = WORK;
	const int liwork = IWORK;
	double *memory =
		env->alloc(env->arg, (N * N + N + WORK) * sizeof(double) + IWORK * sizeof(int));
	double *a = memory;
	double *w = a + N * N;
	double *work = w + N;
	int info = 0;
	reco_status status;

	if (memory == NULL)
		return RECO_NO_MEMORY;
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++)
			a[j * N + i] = entry(i, j);
	(solver ? solver : dsyevd_)("V", "U", &n, a, &n, w, work, &lwork, (int *) (work + WORK),
								&liwork, &info);
	status = info == 0 && adds_up(a, w) && multiplies(a, w, work) ? RECO_OK : RECO_INVALID;
	env->release(env->arg, memory);
	return status;
}

const char *
reco_linear_algebra(void)
{
	return openblas_get_config();
}
