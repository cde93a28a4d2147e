/*
 * metrics.c
 *	  How good a ranked list is, and which interactions are hidden to find out.
 *
 * Definitions follow the usual full-ranking protocol: precision divides by k,
 * recall by the number of relevant items, nDCG has binary gains, a log2
 * discount and the best possible list of min(k, relevant) items as its ideal.
 */
#include "core/ranking/metrics.h"

#include "core/data/csr.h"
#include "core/data/sorting.h"

#include <math.h>

reco_status
reco_judge_make(const reco_env *env, const int32_t *cutoff, int cutoffs, reco_judge *judge)
{
	*judge = (reco_judge){cutoffs, cutoff, 0, NULL, NULL};
	for (int c = 0; c < cutoffs; c++)
		if (cutoff[c] > judge->largest)
			judge->largest = cutoff[c];
	judge->discount = env->alloc(env->arg, ((size_t) judge->largest + 1) * sizeof(double));
	judge->ideal = env->alloc(env->arg, ((size_t) judge->largest + 1) * sizeof(double));
	if (judge->discount == NULL || judge->ideal == NULL)
	{
		reco_judge_free(env, judge);
		return RECO_NO_MEMORY;
	}
	judge->ideal[0] = 0;
	for (int32_t r = 0; r < judge->largest; r++)
	{
		judge->discount[r] = 1 / log2(r + 2.0);
		judge->ideal[r + 1] = judge->ideal[r] + judge->discount[r];
	}
	return RECO_OK;
}

void
reco_judge_free(const reco_env *env, reco_judge *judge)
{
	release(env, judge->discount);
	release(env, judge->ideal);
	judge->discount = NULL;
	judge->ideal = NULL;
}

void
reco_judge_list(const reco_judge *judge, const reco_ranked *list, int32_t n, const int32_t *wanted,
				int64_t relevant, reco_rank_metrics *out)
{
	/* hits are counted in precision, and gains summed up in ndcg, until all are known */
	memset(out, 0, (size_t) judge->cutoffs * sizeof(*out));
	for (int32_t r = 0; r < n && r < judge->largest; r++)
	{
		if (reco_find(wanted, 0, relevant, list[r].item) < 0)
			continue;
		for (int c = 0; c < judge->cutoffs; c++)
			if (r < judge->cutoff[c])
			{
				out[c].precision += 1;
				out[c].ndcg += judge->discount[r];
			}
	}
	for (int c = 0; c < judge->cutoffs; c++)
	{
		double hits = out[c].precision;
		int32_t k = judge->cutoff[c];

		out[c].precision = hits / k;
		out[c].recall = hits / (double) relevant;
		out[c].ndcg /= judge->ideal[relevant < k ? relevant : k];
		out[c].hit = hits > 0;
	}
}

static uint64_t
mix(uint64_t x)
{
	/* the finalizer of splitmix64 */
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* At most so many are left to be sorted by insertion. */
#define FEW 24

/*
 * The number of rank `rank`, from 0 in rising order, of n different ones; changes x.  By
 * the highest byte that they differ in: those that share it with the one that is looked
 * for are moved to the front, and so on with the next byte.  False to stop.
 */
static bool
select_number(const reco_env *env, uint64_t *x, int64_t n, int64_t rank, uint64_t *out)
{
	int64_t done = 0;

	for (int shift = 56; n > FEW; shift -= 8)
	{
		int64_t count[256] = {0};
		int64_t kept = 0;
		uint64_t digit = 0;

		for (int64_t e = 0; e < n; e++)
		{
			if (stop_after(env, 1, &done))
				return false;
			count[(x[e] >> shift) & 0xFF]++;
		}
		while (rank >= count[digit])
			rank -= count[digit++];
		for (int64_t e = 0; e < n; e++)
		{
			if (stop_after(env, 1, &done))
				return false;
			if (((x[e] >> shift) & 0xFF) == digit)
				x[kept++] = x[e];
		}
		n = kept;
	}
	for (int64_t e = 1; e < n; e++)
	{
		uint64_t number = x[e];
		int64_t at = e;

		for (; at > 0 && x[at - 1] > number; at--)
			x[at] = x[at - 1];
		x[at] = number;
	}
	*out = x[rank];
	return true;
}

reco_status
reco_hold_out(const reco_env *env, uint64_t seed, int32_t row, const int32_t *col, int64_t n,
			  int64_t held, uint64_t *scratch, bool *out)
{
	uint64_t key = mix(seed + UINT64_C(0x9e3779b97f4a7c15) * ((uint64_t) row + 1));
	uint64_t limit;
	int64_t done = 0;

	if (held <= 0 || held >= n)
	{
		memset(out, held >= n, (size_t) n);
		return RECO_OK;
	}
	/* mix is a bijection and columns differ, so no two hashes are equal */
	for (int64_t e = 0; e < n; e++)
	{
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
		scratch[e] = mix(key + UINT64_C(0x9e3779b97f4a7c15) * ((uint64_t) col[e] + 1));
	}
	if (!select_number(env, scratch, n, held, &limit))
		return RECO_STOPPED;
	for (int64_t e = 0; e < n; e++)
	{
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
		out[e] = mix(key + UINT64_C(0x9e3779b97f4a7c15) * ((uint64_t) col[e] + 1)) < limit;
	}
	return RECO_OK;
}
