/*
 * metrics.c
 *	  How good a ranked list is, and which interactions are hidden to find out.
 *
 * Definitions follow the usual full-ranking protocol: precision divides by k,
 * recall by the number of relevant items, nDCG has binary gains, a log2
 * discount and the best possible list of min(k, relevant) items as its ideal.
 */
#include "core/metrics.h"

#include <math.h>
#include <stdlib.h>

static bool
is_wanted(const int32_t *wanted, int64_t n, int32_t item)
{
	int64_t low = 0;

	while (low < n)
	{
		int64_t middle = low + (n - low) / 2;

		if (wanted[middle] == item)
			return true;
		if (wanted[middle] < item)
			low = middle + 1;
		else
			n = middle;
	}
	return false;
}

reco_rank_metrics
reco_rank_judge(const reco_ranked *list, int32_t n, int32_t k, const int32_t *wanted,
				int64_t relevant)
{
	reco_rank_metrics metrics = {0};
	double gain = 0;
	double ideal = 0;
	int32_t hits = 0;

	for (int32_t r = 0; r < n && r < k; r++)
		if (is_wanted(wanted, relevant, list[r].item))
		{
			hits++;
			gain += 1 / log2(r + 2.0);
		}
	for (int64_t r = 0; r < k && r < relevant; r++)
		ideal += 1 / log2(r + 2.0);
	metrics.precision = (double) hits / k;
	metrics.recall = (double) hits / (double) relevant;
	metrics.ndcg = gain / ideal;
	metrics.hit = hits > 0;
	return metrics;
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

static int
compare_hashes(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *) a;
	uint64_t y = *(const uint64_t *) b;

	return (x > y) - (x < y);
}

void
reco_hold_out(uint64_t seed, int32_t row, const int32_t *col, int64_t n, int64_t held,
			  uint64_t *scratch, bool *out)
{
	uint64_t key = mix(seed + UINT64_C(0x9e3779b97f4a7c15) * ((uint64_t) row + 1));
	uint64_t limit;

	/* mix is a bijection and columns differ, so no two hashes are equal */
	for (int64_t e = 0; e < n; e++)
		scratch[e] = mix(key + UINT64_C(0x9e3779b97f4a7c15) * ((uint64_t) col[e] + 1));
	if (held <= 0 || held >= n)
	{
		for (int64_t e = 0; e < n; e++)
			out[e] = held >= n;
		return;
	}
	qsort(scratch, (size_t) n, sizeof(uint64_t), compare_hashes);
	limit = scratch[held];
	for (int64_t e = 0; e < n; e++)
		out[e] = mix(key + UINT64_C(0x9e3779b97f4a7c15) * ((uint64_t) col[e] + 1)) < limit;
}
