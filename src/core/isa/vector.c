/*
 * vector.c
 *	  Products, differences and moments of two vectors, at one level.
 *
 * Everything accumulates in double lanes; a product of two floats is exact in a
 * double.  Vectors may begin at any address: loads go through memcpy.  The last
 * elements are copied into a register's worth of zeros (of the shift, where
 * there is one), which add nothing.
 *
 * Cost: n multiply-adds a sum; callers pass blocks that fit the first cache.
 */
#include "core/isa/kernels.h"

#ifdef __AVX__
#include <immintrin.h>
#endif
#include <string.h>

static inline vd
load(const void *p)
{
	vd v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline vd
load_floats(const void *p)
{
	vh v;

	memcpy(&v, p, sizeof(v));
	/* gcc 12 converts by parts of a register where one instruction does it */
#if defined(__AVX512F__)
	return (vd) _mm512_cvtps_pd((__m256) v);
#elif defined(__AVX__)
	return (vd) _mm256_cvtps_pd((__m128) v);
#else
	return __builtin_convertvector(v, vd);
#endif
}

typedef double v4d __attribute__((vector_size(32)));
typedef double v2d __attribute__((vector_size(16)));

static inline double
lanes_sum(vd v)
{
#if VD == 8
	v4d four =
		__builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
#elif VD == 4
	v4d four = v;
#endif
#if VD >= 4
	v2d two = __builtin_shufflevector(four, four, 0, 1) + __builtin_shufflevector(four, four, 2, 3);
#else
	v2d two = v;
#endif

	return two[0] + two[1];
}

/* The last n floats, fewer than a register takes, and zeros. */
static __attribute__((noinline)) vd
load_last_floats(const reco_any_float *p, int n)
{
	float last[VD] = {0};

	memcpy(last, p, (size_t) n * sizeof(float));
	return load_floats(last);
}

void
RECO_NAME(reco_products_float)(const reco_any_float *a, const reco_any_float *b, int n, double *sum)
{
	vd xy[2] = {{0}, {0}};
	vd xx[2] = {{0}, {0}};
	vd yy[2] = {{0}, {0}};
	int i = 0;

	for (; i + 2 * VD <= n; i += 2 * VD)
		for (int k = 0; k < 2; k++)
		{
			vd x = load_floats(a + i + k * VD);
			vd y = load_floats(b + i + k * VD);

			xy[k] += x * y;
			xx[k] += x * x;
			yy[k] += y * y;
		}
	for (; i < n; i += VD)
	{
		bool whole = n - i >= VD;
		vd x = whole ? load_floats(a + i) : load_last_floats(a + i, n - i);
		vd y = whole ? load_floats(b + i) : load_last_floats(b + i, n - i);

		xy[0] += x * y;
		xx[0] += x * x;
		yy[0] += y * y;
	}
	sum[0] = lanes_sum(xy[0] + xy[1]);
	sum[1] = lanes_sum(xx[0] + xx[1]);
	sum[2] = lanes_sum(yy[0] + yy[1]);
}

void
RECO_NAME(reco_moments)(const reco_any_double *a, const reco_any_double *b, int n,
						const double *shift, double *sum)
{
	vd sx = (vd){0} + shift[0];
	vd sy = (vd){0} + shift[1];
	vd xy = {0};
	vd xx = {0};
	vd yy = {0};
	vd x1 = {0};
	vd y1 = {0};
	double last[2][VD];

	for (int i = 0; i < n; i += VD)
	{
		const reco_any_double *pa = a + i;
		const reco_any_double *pb = b + i;
		vd x;
		vd y;

		if (n - i < VD)
		{
			memcpy(last[0], &sx, sizeof(sx));
			memcpy(last[1], &sy, sizeof(sy));
			memcpy(last[0], pa, (size_t) (n - i) * sizeof(double));
			memcpy(last[1], pb, (size_t) (n - i) * sizeof(double));
			pa = last[0];
			pb = last[1];
		}
		x = load(pa) - sx;
		y = load(pb) - sy;
		xy += x * y;
		xx += x * x;
		yy += y * y;
		x1 += x;
		y1 += y;
	}
	sum[0] = lanes_sum(xy);
	sum[1] = lanes_sum(xx);
	sum[2] = lanes_sum(yy);
	sum[3] = lanes_sum(x1);
	sum[4] = lanes_sum(y1);
}

double
RECO_NAME(reco_distance)(const reco_any_double *a, const reco_any_double *b, int n)
{
	vd sum = {0};
	double last[2][VD] = {{0}};
	int i = 0;

	for (; i + VD <= n; i += VD)
	{
		vd d = load(a + i) - load(b + i);

		sum += d * d;
	}
	if (i < n)
	{
		vd d;

		memcpy(last[0], a + i, (size_t) (n - i) * sizeof(double));
		memcpy(last[1], b + i, (size_t) (n - i) * sizeof(double));
		d = load(last[0]) - load(last[1]);
		sum += d * d;
	}
	return lanes_sum(sum);
}
