/*
 * ease.c
 *	  The inverse that reco.ease() rests on beside OpenBLAS' own: seconds, and the difference.
 *
 * usage: ease [items [threads [double]]]
 *
 * Built and run by ease.sh.  The matrix is X'X + lambda, scaled to a diagonal of ones, of made-up
 * baskets of 20 items, some of which are in far more baskets than others.  Both take it in float4
 * and give its inverse: reco_inverse on `threads` threads, then spotrf and spotri of the library
 * that the extension links, on as many as that has.  "double": dpotrf and dpotri as well.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

#include "core/base/dispatch.h"
#include "core/linear/inverse.h"

#define BASKET 20
#define LAMBDA 50

extern void spotrf_(const char *, const int *, float *, const int *, int *);
extern void spotri_(const char *, const int *, float *, const int *, int *);
extern void dpotrf_(const char *, const int *, double *, const int *, int *);
extern void dpotri_(const char *, const int *, double *, const int *, int *);
extern char *openblas_get_config(void);

static double
uniform(void)
{
	static unsigned long long state = 1;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (double) (state >> 11) * 0x1p-53;
}

/* The lower triangle, column by column as LAPACK has it. */
static float *
matrix_of(int n)
{
	float *a = calloc((size_t) n * n, sizeof(float));
	double *scale = malloc((size_t) n * sizeof(double));

	for (int basket = 0; basket < 4 * n; basket++)
	{
		int at[BASKET];

		for (int i = 0; i < BASKET; i++)
			at[i] = (int) (n * pow(uniform(), 2));
		for (int i = 0; i < BASKET; i++)
			for (int j = 0; j < BASKET; j++)
				if (at[i] >= at[j])
					a[(size_t) at[j] * n + at[i]] += 1;
	}
	for (int i = 0; i < n; i++)
		scale[i] = 1 / sqrt(a[(size_t) i * n + i] += LAMBDA);
	for (int j = 0; j < n; j++)
		for (int i = j; i < n; i++)
			a[(size_t) j * n + i] *= (float) (scale[i] * scale[j]);
	free(scale);
	return a;
}

int
main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 20000;
	int threads = argc > 2 ? atoi(argv[2]) : 1;
	reco_env env = bench_env(threads);
	float *a = matrix_of(n);
	double *d = argc > 3 ? malloc((size_t) n * n * sizeof(double)) : NULL;
	reco_symmetric s;
	double start;
	double reco;
	double peer;
	double off = 0;
	int info;

	if (reco_symmetric_zeros(&env, n, &s) != RECO_OK)
		return 1;
	for (int i = 0; i < n; i++)
		for (int j = 0; j <= i; j++)
			*reco_symmetric_at(&s, i, j) = a[(size_t) j * n + i];
	for (size_t i = 0; d && i < (size_t) n * n; i++)
		d[i] = a[i];
	start = bench_now();
	if (reco_inverse(&env, &s, NULL, NULL) != RECO_OK)
		return 1;
	reco = bench_now() - start;
	printf("%d items, level %s; %s\n", n, reco_kernels_best()->name, openblas_get_config());
	printf("reco, float4, %d threads: %.2f s, %.0f Gflop/s\n", threads, reco,
		   (double) n * n * n / reco / 1e9);
	start = bench_now();
	spotrf_("L", &n, a, &n, &info);
	spotri_("L", &n, a, &n, &info);
	peer = bench_now() - start;
	for (int i = 0; i < n; i++)
		for (int j = 0; j <= i; j++)
			off = fmax(off, fabs(a[(size_t) j * n + i] + *reco_symmetric_at(&s, i, j)));
	printf("spotrf + spotri: %.2f s, %.0f Gflop/s; %.2f times reco's time; they differ by %.1e\n",
		   peer, (double) n * n * n / peer / 1e9, peer / reco, off);
	if (d == NULL)
		return 0;
	start = bench_now();
	dpotrf_("L", &n, d, &n, &info);
	dpotri_("L", &n, d, &n, &info);
	peer = bench_now() - start;
	off = 0;
	for (int i = 0; i < n; i++)
		for (int j = 0; j <= i; j++)
			off = fmax(off, fabs(d[(size_t) j * n + i] + *reco_symmetric_at(&s, i, j)));
	printf("dpotrf + dpotri: %.2f s; %.2f times reco's time; reco differs by %.1e\n", peer,
		   peer / reco, off);
	return 0;
}
