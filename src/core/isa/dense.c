/*
 * dense.c
 *	  Dense double precision: symmetric updates, Cholesky, gathering of tiles.
 *
 * Systems here are d x d with d from 1 to about a thousand, solved by the
 * thousands and on several threads at once.  A serial OpenBLAS, the one that a
 * backend can link, may not be called from more than one thread unless it was
 * built with USE_LOCKING, which distributions do not promise; so OpenBLAS does
 * what is done once a half step, on the main thread (als_cg.c), and rows are
 * solved here.  The symmetric update works on register tiles; the factorization
 * is right-looking over panels of 16 rows whose trailing update is that same
 * kernel, so it runs at its speed.
 *
 * Cost: syrk rows n^2, potrf n^3 / 3, potrs 2 n^2 flops.
 */
#include "core/isa/kernels.h"

#include <math.h>
#include <string.h>

#define PANEL 16
#define MAX_ORDER 1040

/* A register tile of the symmetric update; both divide 16. */
#define TILE_I (VW == 16 ? 8 : 4)
#define TILE_J (2 * VD)

static inline vd
load(const double *p)
{
	vd v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void
store(double *p, vd v)
{
	memcpy(p, &v, sizeof(v));
}

/* One tile: c[i][j] += sign * sum_k ti[k][i] * tj[k][j] */
static inline void
syrk_tile(double *c, int ldc, const double *ti, const double *tj, int ldt, int rows, double sign)
{
	vd acc[TILE_I][2];

#pragma GCC unroll 8
	for (int i = 0; i < TILE_I; i++)
		acc[i][0] = acc[i][1] = (vd){0};
	for (int k = 0; k < rows; k++)
	{
		const double *a = ti + (size_t) k * ldt;
		vd b0 = load(tj + (size_t) k * ldt);
		vd b1 = load(tj + (size_t) k * ldt + VD);

#pragma GCC unroll 8
		for (int i = 0; i < TILE_I; i++)
		{
			acc[i][0] += a[i] * b0;
			acc[i][1] += a[i] * b1;
		}
	}
#pragma GCC unroll 8
	for (int i = 0; i < TILE_I; i++)
	{
		double *row = c + (size_t) i * ldc;

		store(row, load(row) + sign * acc[i][0]);
		store(row + VD, load(row + VD) + sign * acc[i][1]);
	}
}

void
RECO_NAME(reco_syrk)(double *c, int ldc, const double *t, int ldt, int n, int rows, bool subtract)
{
	double sign = subtract ? -1.0 : 1.0;

	for (int j = 0; j < n; j += TILE_J)
		for (int i = 0; i < j + TILE_J; i += TILE_I)
			syrk_tile(c + (size_t) i * ldc + j, ldc, t + i, t + j, ldt, rows, sign);
}

/*
 * Factors rows k0 .. k1 - 1 against each other, over all columns to n.  The
 * columns past n stay 0, as syrk wants them.
 */
static bool
potrf_panel(double *a, int lda, int n, int k0, int k1, double tolerance, const double *diagonal)
{
	for (int k = k0; k < k1; k++)
	{
		double *uk = a + (size_t) k * lda;
		double pivot = uk[k];
		double inverse;

		if (!(pivot > tolerance * diagonal[k]) || !isfinite(pivot))
			return false;
		uk[k] = sqrt(pivot);
		inverse = 1.0 / uk[k];
		for (int j = k + 1; j < n; j++)
			uk[j] *= inverse;
		for (int i = k + 1; i < k1; i++)
			RECO_NAME(reco_axpy)(a + (size_t) i * lda + i, -uk[i], uk + i, n - i);
	}
	return true;
}

bool
RECO_NAME(reco_potrf)(double *a, int lda, int n, double tolerance)
{
	double diagonal[MAX_ORDER];

	for (int i = 0; i < n; i++)
		diagonal[i] = a[(size_t) i * lda + i];
	for (int k = 0; k < n; k += PANEL)
	{
		int end = k + PANEL < n ? k + PANEL : n;

		if (!potrf_panel(a, lda, n, k, end, tolerance, diagonal))
			return false;
		if (end < n)
			RECO_NAME(reco_syrk)
		(a + (size_t) end * lda + end, lda, a + (size_t) k * lda + end, lda, n - end, PANEL, true);
	}
	return true;
}

void
RECO_NAME(reco_potrs)(const double *u, int lda, int n, double *x)
{
	for (int k = 0; k < n; k++)
	{
		const double *uk = u + (size_t) k * lda;

		x[k] /= uk[k];
		RECO_NAME(reco_axpy)(x + k + 1, -x[k], uk + k + 1, n - k - 1);
	}
	for (int k = n - 1; k >= 0; k--)
	{
		const double *uk = u + (size_t) k * lda;

		x[k] = (x[k] - RECO_NAME(reco_dot)(uk + k + 1, x + k + 1, n - k - 1)) / uk[k];
	}
}

void
RECO_NAME(reco_gather)(double *tile, int ldt, const float *y, int stride, const int32_t *idx,
					   const double *scale, int rows, int d, bool one)
{
	for (int k = 0; k < rows; k++)
	{
		const float *src = y + (size_t) (idx ? idx[k] : k) * stride;
		double *dst = tile + (size_t) k * ldt;
		double f = scale ? scale[k] : 1.0;

		for (int c = 0; c < d; c++)
			dst[c] = f * src[c];
		for (int c = d; c < ldt; c++)
			dst[c] = 0;
		if (one)
			dst[d] = f;
	}
}

void
RECO_NAME(reco_axpy)(double *y, double a, const double *x, int n)
{
	for (int i = 0; i < n; i++)
		y[i] += a * x[i];
}

double
RECO_NAME(reco_dot)(const double *x, const double *y, int n)
{
	vd even = {0};
	vd odd = {0};
	double sum = 0;
	int i = 0;

	for (; i + 2 * VD <= n; i += 2 * VD)
	{
		even += load(x + i) * load(y + i);
		odd += load(x + i + VD) * load(y + i + VD);
	}
	for (; i < n; i++)
		sum += x[i] * y[i];
	even += odd;
	for (int k = 0; k < VD; k++)
		sum += even[k];
	return sum;
}
