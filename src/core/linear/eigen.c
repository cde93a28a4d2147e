/*
 * eigen.c
 *	  Eigenvalues and eigenvectors of a symmetric matrix, by LAPACK, and products by BLAS.
 *
 * The three parts of dsyevd, with a poll after each.  To BLAS a matrix by rows is its transpose.
 */
#include "core/linear/eigen.h"

#include "core/base/slab.h"

#include <string.h>

/* To tridiagonal form, its eigenvectors, and back. */
extern void dsytrd_(const char *uplo, const int *n, double *a, const int *lda, double *d, double *e,
					double *tau, double *work, const int *lwork, int *info);
extern void dstedc_(const char *compz, const int *n, double *d, double *e, double *z,
					const int *ldz, double *work, const int *lwork, int *iwork, const int *liwork,
					int *info);
extern void dormtr_(const char *side, const char *uplo, const char *trans, const int *m,
					const int *n, const double *a, const int *lda, const double *tau, double *c,
					const int *ldc, double *work, const int *lwork, int *info);
extern void dgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *k,
				   const double *alpha, const double *a, const int *lda, const double *b,
				   const int *ldb, const double *beta, double *c, const int *ldc);

static size_t
workspace(int n)
{
	return 1 + 4 * (size_t) n + (size_t) n * n;
}

static size_t
doubles(int n)
{
	return workspace(n) + 2 * (size_t) n + (size_t) n * n;
}

size_t
reco_eigen_bytes(int n)
{
	return reco_room(doubles(n) * sizeof(double)) + reco_room((3 + 5 * (size_t) n) * sizeof(int));
}

reco_status
reco_eigen(const reco_env *env, int n, double *a, double *value, void *scratch)
{
	double *e = scratch;
	double *tau = e + n;
	double *z = tau + n;
	double *work = z + (size_t) n * n;
	int *iwork = (int *) ((char *) scratch + reco_room(doubles(n) * sizeof(double)));
	int lwork = (int) workspace(n);
	int liwork = 3 + 5 * n;
	int info;

	dsytrd_("U", &n, a, &n, value, e, tau, work, &lwork, &info);
	if (env->poll(env->arg))
		return RECO_STOPPED;
	if (info == 0)
		dstedc_("I", &n, value, e, z, &n, work, &lwork, iwork, &liwork, &info);
	if (env->poll(env->arg))
		return RECO_STOPPED;
	if (info == 0)
		dormtr_("L", "U", "N", &n, &n, a, &n, tau, z, &n, work, &lwork, &info);
	if (env->poll(env->arg))
		return RECO_STOPPED;
	memcpy(a, z, (size_t) n * n * sizeof(double));
	return info == 0 ? RECO_OK : RECO_SINGULAR;
}

void
reco_product(int n, const double *a, const double *b, bool transposed, double *c)
{
	const double one = 1.0;
	const double zero = 0.0;

	dgemm_(transposed ? "T" : "N", "N", &n, &n, &n, &one, b, &n, a, &n, &zero, c, &n);
}
