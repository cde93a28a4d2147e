/*
 * svd_extend.c
 *	  More items in a singular value decomposition, without a training.
 *
 * See svd.h for the method.
 *
 * Cost: two products of A and what is new of A', 2 entries d flops each.
 */
#include "core/svd/svd.h"

#include "core/base/team.h"
#include "core/data/sorting.h"
#include "core/linear/spmm.h"

/* Known rows of V; those of items that are new, or have no entries, are 0. */
static reco_status
take_known(const reco_env *env, const reco_csr *by_item, const float *v, const int32_t *item,
		   reco_svd *out)
{
	int64_t done = 0;

	for (int32_t i = 0; i < out->items; i++)
	{
		float *row = out->item + (size_t) i * (size_t) out->stride;

		memset(row, 0, (size_t) out->stride * sizeof(float));
		if (item[i] >= 0 && by_item->start[i + 1] > by_item->start[i])
			memcpy(row, v + (size_t) item[i] * (size_t) out->stride,
				   (size_t) out->factors * sizeof(float));
		if (stop_after(env, out->stride, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Users by the items as they are. */
static reco_status
make_users(const reco_env *env, const reco_csr *by_user, void *scratch, reco_svd *out)
{
	int64_t done = 0;

	/* the product leaves those without entries as they are */
	for (int32_t u = 0; u < out->users; u++)
	{
		memset(out->user + (size_t) u * (size_t) out->stride, 0,
			   (size_t) out->stride * sizeof(float));
		if (stop_after(env, out->stride, &done))
			return RECO_STOPPED;
	}
	return reco_spmm(env, by_user, 1, out->item, out->stride, 0, NULL, scratch, out->user);
}

/* The squared lengths of the columns of the users' factors. */
static reco_status
measure(const reco_env *env, const reco_svd *out, double *square)
{
	int64_t done = 0;

	memset(square, 0, (size_t) out->factors * sizeof(double));
	for (int32_t u = 0; u < out->users; u++)
	{
		const float *p = out->user + (size_t) u * (size_t) out->stride;

		for (int k = 0; k < out->factors; k++)
			square[k] += (double) p[k] * p[k];
		if (stop_after(env, out->stride, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static reco_status
project(const reco_env *env, const reco_csr *by_item, const int32_t *item, const double *square,
		reco_svd *out)
{
	double all = 0;
	int64_t done = 0;

	for (int k = 0; k < out->factors; k++)
		all += square[k];
	for (int32_t i = 0; i < out->items; i++)
	{
		float *row = out->item + (size_t) i * (size_t) out->stride;
		int64_t from = by_item->start[i];
		int64_t n = by_item->start[i + 1] - from;
		reco_status status;

		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
		if (item[i] >= 0 || n == 0)
			continue;
		status = reco_spmm_row(env, 1, out->user, out->stride, n, by_item->col + from,
							   by_item->value ? by_item->value + from : NULL, row);
		if (status != RECO_OK)
			return status;
		for (int k = 0; k < out->factors; k++)
			row[k] = square[k] > RECO_SVD_NOISE * RECO_SVD_NOISE * all
						 ? (float) (row[k] / square[k])
						 : 0;
		if (stop_after(env, n * out->stride, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

reco_status
reco_svd_extend(const reco_env *env, const reco_svd_params *params, const reco_csr *by_user,
				const reco_csr *by_item, const float *v, const int32_t *item, reco_svd *out)
{
	double square[RECO_SVD_MAX_FACTORS];
	void *scratch;
	reco_status status;

	memset(out, 0, sizeof(*out));
	if (params->factors < 1 || params->factors > RECO_SVD_MAX_FACTORS || env->threads < 1 ||
		by_user->rows != by_item->cols || by_user->cols != by_item->rows)
		return RECO_INVALID;
	reco_team_prepare(env->threads);
	out->users = by_user->rows;
	out->items = by_user->cols;
	out->factors = params->factors;
	out->stride = (params->factors + 15) / 16 * 16;
	out->user = env->alloc(env->arg, ((size_t) out->users * out->stride + 1) * sizeof(float));
	out->item = env->alloc(env->arg, ((size_t) out->items * out->stride + 1) * sizeof(float));
	scratch = env->alloc(env->arg, reco_spmm_bytes(by_user, out->stride));
	status = out->user && out->item && scratch ? RECO_OK : RECO_NO_MEMORY;
	if (status == RECO_OK)
		status = take_known(env, by_item, v, item, out);
	if (status == RECO_OK)
		status = make_users(env, by_user, scratch, out);
	if (status == RECO_OK)
		status = measure(env, out, square);
	if (status == RECO_OK)
		status = project(env, by_item, item, square, out);
	if (status == RECO_OK)
		status = make_users(env, by_user, scratch, out);
	release(env, scratch);
	if (status != RECO_OK)
		reco_svd_free(env, out);
	return status;
}
