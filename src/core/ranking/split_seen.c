/*
 * split_seen.c
 *	  Splits where what counts as seen is not what is learnt from.
 *
 * Pairs that are seen are hidden, to be found.  What is learnt from is trained on as far as it is
 * before the cut, also of a pair that is hidden: who looked at something and bought it later is
 * known by the look.  At random there is no before, and a hidden pair goes with all its rows.
 *
 * Cost: a pass over either's pairs.
 */
#include "core/ranking/split.h"

#include "core/data/sorting.h"

/* By the flags of another matrix' pairs.  False to stop. */
static bool
leave_by_pair(const reco_env *env, const reco_csr *a, const reco_csr *b, const bool *picked,
			  int32_t u, bool *out, int64_t *done)
{
	int64_t k = b->start[u];

	for (int64_t e = a->start[u]; e < a->start[u + 1]; e++)
	{
		for (; k < b->start[u + 1] && b->col[k] < a->col[e]; k++)
			if (stop_after(env, 1, done))
				return false;
		out[e] = k < b->start[u + 1] && b->col[k] == a->col[e] && picked[k];
		if (stop_after(env, 1, done))
			return false;
	}
	return true;
}

reco_status
reco_split_leave_out(const reco_env *env, const reco_interactions *x, const bool *picked,
					 const int64_t *until, bool *out)
{
	const reco_csr *a = &x->by_user;
	int64_t longest = 0;
	int64_t *first = NULL;
	int64_t done = 0;
	reco_status status = RECO_OK;

	for (int32_t u = 0; u < a->rows; u++)
		longest = a->start[u + 1] - a->start[u] > longest ? a->start[u + 1] - a->start[u] : longest;
	if (until)
	{
		first = env->alloc(env->arg, ((size_t) longest + 1) * sizeof(int64_t));
		if (first == NULL)
			return RECO_NO_MEMORY;
	}
	for (int32_t u = 0; u < a->rows && status == RECO_OK; u++)
	{
		int64_t from = a->start[u];

		if (until == NULL)
		{
			if (!leave_by_pair(env, a, &x->seen->by_user, picked, u, out, &done))
				status = RECO_STOPPED;
			continue;
		}
		if (!reco_first_times(env, x, u, first, &done))
			status = RECO_STOPPED;
		for (int64_t e = from; e < a->start[u + 1] && status == RECO_OK; e++)
		{
			out[e] = first[e - from] > until[u];
			if (stop_after(env, 1, &done))
				status = RECO_STOPPED;
		}
	}
	release(env, first);
	return status;
}

reco_status
reco_split_seen(const reco_env *env, const reco_interactions *seen, const bool *picked,
				const int32_t *user, int32_t users, const int32_t *item, int32_t items,
				reco_interactions *train)
{
	const reco_csr *a = &seen->by_user;
	reco_csr *out;
	int64_t to = 0;
	int64_t done = 0;

	train->seen = zeroed(env, sizeof(reco_interactions));
	if (train->seen == NULL)
		return RECO_NO_MEMORY;
	out = &train->seen->by_user;
	out->rows = users;
	out->cols = items;
	out->start = env->alloc(env->arg, ((size_t) users + 1) * sizeof(int64_t));
	out->col = env->alloc(env->arg, ((size_t) a->start[a->rows] + 1) * sizeof(int32_t));
	if (out->start == NULL || out->col == NULL)
		return RECO_NO_MEMORY;
	for (int32_t u = 0; u < a->rows; u++)
	{
		if (user[u] < 0)
			continue;
		/* new numbers are in the order of the old ones */
		out->start[user[u]] = to;
		for (int64_t e = a->start[u]; e < a->start[u + 1]; e++)
		{
			if (item[a->col[e]] >= 0 && !(picked && picked[e]))
				out->col[to++] = item[a->col[e]];
			if (stop_after(env, 1, &done))
				return RECO_STOPPED;
		}
	}
	out->start[users] = to;
	return RECO_OK;
}
