/*
 * pca.c
 *	  Principal components of rows of numbers.
 */
#include "core/linear/pca.h"

#include "core/base/slab.h"
#include "core/linear/eigen.h"

#include <math.h>
#include <string.h>

/* Multiply-adds between two polls. */
#define BETWEEN_POLLS 4000000

/* A variance below this part of the whole cannot be told from rounding. */
#define LEAST 1e-12

size_t
reco_pca_memory(int d)
{
	return reco_room((size_t) d * sizeof(double)) * 3 + reco_room((size_t) d * d * sizeof(double)) +
		   reco_eigen_bytes(d);
}

/* To sum the covariance times n, its upper triangle mirrored. */
static reco_status
covariance(const reco_env *env, const float *x, int32_t n, int d, size_t stride, const double *mean,
		   double *row, double *sum)
{
	int32_t each = (int32_t) (BETWEEN_POLLS / ((size_t) d * d + 1)) + 1;

	memset(sum, 0, (size_t) d * d * sizeof(double));
	for (int32_t r = 0; r < n; r++)
	{
		for (int f = 0; f < d; f++)
			row[f] = x[(size_t) r * stride + f] - mean[f];
		for (int f = 0; f < d; f++)
			for (int g = f; g < d; g++)
				sum[(size_t) f * d + g] += row[f] * row[g];
		if (r % each == 0 && env->poll(env->arg))
			return RECO_STOPPED;
	}
	for (int f = 0; f < d; f++)
		for (int g = 0; g < f; g++)
			sum[(size_t) f * d + g] = sum[(size_t) g * d + f];
	return RECO_OK;
}

/* The rows along one direction, turned so that the largest coordinate is positive. */
static void
project(const float *x, int32_t n, int d, size_t stride, const double *mean, const double *along,
		int step, double *place)
{
	double largest = 0;

	for (int32_t r = 0; r < n; r++)
	{
		double sum = 0;

		for (int f = 0; f < d; f++)
			sum += (x[(size_t) r * stride + f] - mean[f]) * along[f];
		place[(size_t) r * step] = sum;
		/* equal sizes differ by rounding: the first of them decides */
		if (fabs(sum) > fabs(largest) * (1 + 1e-6))
			largest = sum;
	}
	for (int32_t r = 0; r < n && largest < 0; r++)
		place[(size_t) r * step] = -place[(size_t) r * step];
}

static reco_status
components_of(const reco_env *env, const float *x, int32_t n, int d, size_t stride, int components,
			  double *place, double *share, char *slab)
{
	double *mean = reco_take(&slab, (size_t) d * sizeof(double));
	double *row = reco_take(&slab, (size_t) d * sizeof(double));
	double *value = reco_take(&slab, (size_t) d * sizeof(double));
	double *vector = reco_take(&slab, (size_t) d * d * sizeof(double));
	double all = 0;
	reco_status status;

	memset(mean, 0, (size_t) d * sizeof(double));
	for (int32_t r = 0; r < n; r++)
		for (int f = 0; f < d; f++)
			mean[f] += (double) x[(size_t) r * stride + f] / n;
	for (int f = 0; f < d; f++)
		if (!isfinite(mean[f]))
			return RECO_SINGULAR;
	status = covariance(env, x, n, d, stride, mean, row, vector);
	for (int f = 0; f < d && status == RECO_OK; f++)
		all += vector[(size_t) f * d + f];
	if (status == RECO_OK)
		status = reco_eigen(env, d, vector, value, slab);
	for (int c = 0; c < components && status == RECO_OK; c++)
	{
		double *along = vector + (size_t) (d - 1 - c) * d;

		share[c] = all > 0 && value[d - 1 - c] > LEAST * all ? value[d - 1 - c] / all : 0;
		if (share[c] == 0)
			memset(along, 0, (size_t) d * sizeof(double));
		project(x, n, d, stride, mean, along, components, place + c);
		if (env->poll(env->arg))
			status = RECO_STOPPED;
	}
	return status;
}

reco_status
reco_pca(const reco_env *env, const float *x, int32_t n, int d, size_t stride, int components,
		 double *place, double *share)
{
	char *slab = env->alloc(env->arg, reco_pca_memory(d));
	reco_status status;

	if (slab == NULL)
		return RECO_NO_MEMORY;
	status = components_of(env, x, n, d, stride, components, place, share, slab);
	env->release(env->arg, slab);
	return status;
}
