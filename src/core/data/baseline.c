/*
 * baseline.c
 *	  What a rating owes to its user and its item alone.
 *
 *	 b_i = sum over users (r - mean - b_u) / (10 + n_i)
 *	 b_u = sum over items (r - mean - b_i) / (15 + n_u)
 *
 * in ten sweeps, users last, so that a stored user's bias is what
 * reco_baseline_user gives for the same ratings.
 *
 * Source: Koren 2010, "Factor in the neighbors", with the usual damping.
 * Cost: twenty passes over the entries.
 */
#include "core/data/baseline.h"
#include "core/data/sorting.h"

#define SWEEPS 10
#define DAMPING_ITEM 10
#define DAMPING_USER 15

reco_status
reco_baseline_user(const reco_env *env, double mean, const float *item_bias, int64_t n,
				   const int32_t *item, const float *value, float *bias)
{
	double sum = 0;
	int64_t polled = 0;

	for (int64_t k = 0, end; k < n;)
	{
		end = piece_end(k, n);
		for (; k < end; k++)
			sum += (value ? value[k] : 1) - mean - item_bias[item[k]];
		if (stop_at_entry(env, k, &polled))
			return RECO_STOPPED;
	}
	*bias = (float) (sum / (DAMPING_USER + (double) n));
	return RECO_OK;
}

static reco_status
sweep(const reco_env *env, const reco_csr *a, double mean, float *user_bias, float *item_bias,
	  double *sum, int64_t *count)
{
	int64_t polled = 0;

	memset(sum, 0, ((size_t) a->cols + 1) * sizeof(double));
	memset(count, 0, ((size_t) a->cols + 1) * sizeof(int64_t));
	for (int32_t u = 0; u < a->rows; u++)
	{
		for (int64_t e = a->start[u], end; e < a->start[u + 1];)
		{
			end = piece_end(e, a->start[u + 1]);
			for (; e < end; e++)
			{
				sum[a->col[e]] += (a->value ? a->value[e] : 1) - mean - user_bias[u];
				count[a->col[e]]++;
			}
			if (stop_at_entry(env, e, &polled))
				return RECO_STOPPED;
		}
	}
	for (int32_t i = 0; i < a->cols; i++)
		item_bias[i] = (float) (sum[i] / (DAMPING_ITEM + (double) count[i]));
	polled = 0;
	for (int32_t u = 0; u < a->rows; u++)
	{
		int64_t from = a->start[u];

		if (reco_baseline_user(env, mean, item_bias, a->start[u + 1] - from, a->col + from,
							   a->value ? a->value + from : NULL, &user_bias[u]) != RECO_OK ||
			stop_at_entry(env, a->start[u + 1], &polled))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

reco_status
reco_baseline_fit(const reco_env *env, const reco_csr *by_user, double *mean, float *user_bias,
				  float *item_bias)
{
	int64_t entries = by_user->start[by_user->rows];
	double *sum = env->alloc(env->arg, ((size_t) by_user->cols + 1) * sizeof(double));
	int64_t *count = env->alloc(env->arg, ((size_t) by_user->cols + 1) * sizeof(int64_t));
	reco_status status = sum && count ? RECO_OK : RECO_NO_MEMORY;
	double total = 0;
	int64_t polled = 0;

	for (int64_t e = 0; e < entries && status == RECO_OK; e++)
	{
		total += by_user->value ? by_user->value[e] : 1;
		if (stop_at_entry(env, e, &polled))
			status = RECO_STOPPED;
	}
	*mean = entries > 0 ? total / (double) entries : 0;
	memset(user_bias, 0, (size_t) by_user->rows * sizeof(float));
	for (int s = 0; s < SWEEPS && status == RECO_OK; s++)
		status = sweep(env, by_user, *mean, user_bias, item_bias, sum, count);
	release(env, sum);
	release(env, count);
	return status;
}
