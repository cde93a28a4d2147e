/*
 * svd_gram.c
 *	  Factors of items by the eigenvectors of products of items that have noise in them.
 *
 * See svd_gram.h.  The singular vectors of a symmetric matrix are its eigenvectors, by falling size
 * of the eigenvalue; those of a negative one are left out.
 */
#include "core/svd/svd_gram.h"

#include "core/base/slab.h"
#include "core/data/sorting.h"
#include "core/linear/spmm.h"

#include <math.h>

/* So many times the largest eigenvalue of noise alone one is taken to be no noise. */
#define CLEAR 1.05

static int
rounded(int columns)
{
	return (columns + 15) / 16 * 16;
}

static size_t
rows_bytes(int32_t rows, int stride)
{
	return ((size_t) rows * (size_t) stride + 1) * sizeof(float);
}

size_t
reco_svd_gram_memory(const reco_svd_params *params, int32_t n, const reco_csr *by_user, int threads)
{
	size_t entries = (size_t) n * (size_t) n;
	int stride = rounded(params->factors);

	return ((size_t) n + 2) * sizeof(int64_t) + (entries + 1) * (sizeof(int32_t) + sizeof(float)) +
		   reco_svd_memory_of(params, n, n, (int64_t) entries, threads) +
		   rows_bytes(by_user->rows, stride) + rows_bytes(by_user->cols, stride) +
		   (size_t) params->factors * sizeof(double) + reco_spmm_bytes(by_user, stride) +
		   16 * RECO_ALIGN;
}

/* The matrix with all its elements. */
static reco_status
whole(const reco_env *env, const reco_packed *gram, reco_csr *out)
{
	int32_t n = gram->n;
	size_t entries = (size_t) n * (size_t) n + 1;
	int64_t done = 0;

	*out = (reco_csr){
		.rows = n,
		.cols = n,
		.start = env->alloc(env->arg, ((size_t) n + 1) * sizeof(int64_t)),
		.col = env->alloc(env->arg, entries * sizeof(int32_t)),
		.value = env->alloc(env->arg, entries * sizeof(float)),
	};
	if (!out->start || !out->col || !out->value)
		return RECO_NO_MEMORY;
	for (int32_t i = 0; i < n; i++)
	{
		int64_t at = (int64_t) i * n;

		out->start[i] = at;
		for (int32_t j = 0; j < n; j++)
		{
			out->col[at + j] = j;
			out->value[at + j] = (float) reco_packed_at(gram, i, j);
		}
		if (stop_after(env, n, &done))
			return RECO_STOPPED;
	}
	out->start[n] = (int64_t) n * n;
	return RECO_OK;
}

/* The eigenvalues with their signs, in the place of the singular values: v' (G v). */
static reco_status
add_signs(const reco_env *env, reco_svd *svd)
{
	double sum[RECO_SVD_MAX_FACTORS] = {0};
	int64_t done = 0;

	for (int32_t i = 0; i < svd->items; i++)
	{
		const float *v = svd->item + (size_t) i * (size_t) svd->stride;
		const float *of = svd->user + (size_t) i * (size_t) svd->stride;

		for (int j = 0; j < svd->rank; j++)
			sum[j] += (double) v[j] * of[j];
		if (stop_after(env, svd->rank, &done))
			return RECO_STOPPED;
	}
	for (int j = 0; j < svd->rank; j++)
		svd->singular[j] = copysign(svd->singular[j], sum[j]);
	return RECO_OK;
}

/*
 * Which factors are taken, in their order, and by what their vectors are multiplied; *rank: how
 * many.  svd->singular of these becomes what it is without noise.
 */
static void
choose(reco_svd *svd, double noise, int *factor, float *times, int *rank)
{
	double variance = noise * noise * svd->items;

	*rank = 0;
	for (int j = 0; j < svd->rank; j++)
	{
		double e = svd->singular[j];
		double t;

		if (!(e > 0) || !(e > CLEAR * 2 * sqrt(variance)))
			continue;
		t = (e + sqrt(e * e - 4 * variance)) / 2;
		factor[*rank] = j;
		times[*rank] = (float) sqrt(1 - variance / (t * t));
		svd->singular[(*rank)++] = sqrt(t);
	}
}

static reco_status
clear(const reco_env *env, float *rows, int32_t n, int stride)
{
	int64_t done = 0;

	for (int32_t r = 0; r < n; r++)
	{
		memset(rows + (size_t) r * (size_t) stride, 0, (size_t) stride * sizeof(float));
		if (stop_after(env, stride, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static reco_status
make_items(const reco_env *env, const reco_svd_products *products, reco_svd *svd, reco_svd *out)
{
	int factor[RECO_SVD_MAX_FACTORS];
	float times[RECO_SVD_MAX_FACTORS];
	int64_t done = 0;
	reco_status status = clear(env, out->item, out->items, out->stride);

	if (status == RECO_OK)
		status = add_signs(env, svd);
	if (status != RECO_OK)
		return status;
	choose(svd, products->noise, factor, times, &out->rank);
	for (int j = 0; j < out->factors; j++)
		out->singular[j] = j < out->rank ? svd->singular[j] : 0;
	for (int32_t i = 0; i < svd->items; i++)
	{
		const float *v = svd->item + (size_t) i * (size_t) svd->stride;
		float *row = out->item + (size_t) products->item[i] * (size_t) out->stride;

		for (int j = 0; j < out->rank; j++)
			row[j] = v[factor[j]] * times[j];
		if (stop_after(env, out->rank, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static reco_status
make_users(const reco_env *env, const reco_csr *by_user, reco_svd *out)
{
	void *scratch = env->alloc(env->arg, reco_spmm_bytes(by_user, out->stride));
	reco_status status = scratch ? RECO_OK : RECO_NO_MEMORY;

	if (status == RECO_OK)
		status = clear(env, out->user, out->users, out->stride);
	if (status == RECO_OK)
		status = reco_spmm(env, by_user, 1, out->item, out->stride, 0, NULL, scratch, out->user);
	release(env, scratch);
	return status;
}

static bool
alloc_result(const reco_env *env, const reco_svd_params *params, const reco_csr *by_user,
			 reco_svd *out)
{
	*out = (reco_svd){
		.users = by_user->rows,
		.items = by_user->cols,
		.factors = params->factors,
		.stride = rounded(params->factors),
		.residual = NAN,
	};
	out->user = env->alloc(env->arg, rows_bytes(out->users, out->stride));
	out->item = env->alloc(env->arg, rows_bytes(out->items, out->stride));
	out->singular = env->alloc(env->arg, (size_t) params->factors * sizeof(double));
	return out->user && out->item && out->singular;
}

reco_status
reco_svd_gram(const reco_env *env, const reco_svd_params *params, const reco_svd_products *products,
			  const reco_csr *by_user, reco_svd_progress progress, void *progress_arg,
			  reco_svd *out)
{
	reco_csr matrix = {0};
	reco_svd svd = {0};
	reco_status status = RECO_INVALID;

	*out = (reco_svd){0};
	if (params->factors >= 1 && params->factors <= RECO_SVD_MAX_FACTORS)
		status = alloc_result(env, params, by_user, out) ? RECO_OK : RECO_NO_MEMORY;
	if (status == RECO_OK)
		status = whole(env, products->gram, &matrix);
	if (status == RECO_OK)
		status = reco_svd_fit(env, params, &matrix, &matrix, progress, progress_arg, &svd);
	reco_csr_free(env, &matrix);
	if (status == RECO_OK)
		status = make_items(env, products, &svd, out);
	reco_svd_free(env, &svd);
	if (status == RECO_OK)
		status = make_users(env, by_user, out);
	if (status != RECO_OK)
		reco_svd_free(env, out);
	return status;
}
