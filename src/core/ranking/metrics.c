/*
 * metrics.c
 *	  How good a ranked list is, and which interactions are hidden to find out.
 *
 * Definitions (metrics.h) follow the usual full-ranking protocol.  A list is walked once: what
 * has been found so far is noted wherever a length ends.
 */
#include "core/ranking/metrics.h"

#include "core/data/csr.h"
#include "core/data/sorting.h"

#include <math.h>

void
reco_columns_of(unsigned metrics, const int32_t *cutoff, int cutoffs, reco_columns *columns)
{
	*columns = (reco_columns){.metrics = metrics, .cutoffs = cutoffs};
	for (int c = 0; c < cutoffs; c++)
	{
		columns->cutoff[c] = cutoff[c];
		if (cutoff[c] > columns->largest)
			columns->largest = cutoff[c];
	}
	for (int m = 0; m < RECO_METRICS; m++)
	{
		columns->first[m] = -1;
		if (!(metrics & RECO_METRIC_BIT(m)) || m == RECO_METRIC_COVERAGE || m == RECO_METRIC_GINI)
			continue;
		columns->first[m] = columns->n;
		if (m == RECO_METRIC_MAE && columns->first[RECO_METRIC_RMSE] >= 0)
			columns->first[m] = columns->first[RECO_METRIC_RMSE];
		else
			columns->n += m == RECO_METRIC_AUC                         ? 1
						  : RECO_METRIC_BIT(m) & RECO_METRICS_OF_LISTS ? cutoffs
																	   : 3;
	}
}

reco_status
reco_judge_make(const reco_env *env, const reco_columns *columns, reco_judge *judge)
{
	*judge = (reco_judge){.columns = columns};
	for (int c = 0; c < columns->cutoffs; c++)
	{
		int at = c;

		for (; at > 0 && columns->cutoff[judge->order[at - 1]] > columns->cutoff[c]; at--)
			judge->order[at] = judge->order[at - 1];
		judge->order[at] = c;
	}
	judge->discount = env->alloc(env->arg, ((size_t) columns->largest + 1) * sizeof(double));
	judge->ideal = env->alloc(env->arg, ((size_t) columns->largest + 1) * sizeof(double));
	if (judge->discount == NULL || judge->ideal == NULL)
	{
		reco_judge_free(env, judge);
		return RECO_NO_MEMORY;
	}
	judge->ideal[0] = 0;
	for (int32_t r = 0; r < columns->largest; r++)
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

/* What the first places of a list have come to. */
typedef struct tally
{
	int32_t hits;
	int32_t first; /* the rank of the first hit, from 1; 0: none yet */
	double gain;
	double graded;
	double graded_ideal; /* of the first `graded_places` of the best gains */
	int32_t graded_places;
	double precisions; /* sum over hits */
	double have;
	double information;
} tally;

static inline void
put(const reco_columns *columns, double *row, reco_metric metric, int c, double value)
{
	if (columns->first[metric] >= 0)
		row[columns->first[metric] + c] = value;
}

/* Notes what the first places say of lists of length c; n: how many items are in these. */
static void
note(const reco_judge *judge, tally *t, int c, int32_t n, const reco_wanted *wanted, double *row)
{
	const reco_columns *columns = judge->columns;
	int32_t k = columns->cutoff[c];
	int32_t possible = wanted->n < k ? (int32_t) wanted->n : k;

	put(columns, row, RECO_METRIC_PRECISION, c, (double) t->hits / k);
	put(columns, row, RECO_METRIC_RECALL, c, t->hits / (double) wanted->n);
	put(columns, row, RECO_METRIC_NDCG, c, t->gain / judge->ideal[possible]);
	put(columns, row, RECO_METRIC_HIT_RATE, c, t->hits > 0);
	put(columns, row, RECO_METRIC_MAP, c, t->precisions / possible);
	put(columns, row, RECO_METRIC_MRR, c, t->first > 0 ? 1.0 / t->first : 0);
	put(columns, row, RECO_METRIC_NOVELTY, c, n > 0 ? t->information / n : (double) NAN);
	put(columns, row, RECO_METRIC_POPULARITY, c, n > 0 ? t->have / judge->users / n : (double) NAN);
	if (columns->first[RECO_METRIC_NDCG_GRADED] < 0)
		return;
	for (; t->graded_places < possible; t->graded_places++)
		t->graded_ideal += judge->discount[t->graded_places] *
						   (wanted->gain ? (double) wanted->best[t->graded_places].score : 1);
	put(columns, row, RECO_METRIC_NDCG_GRADED, c, t->graded / t->graded_ideal);
}

void
reco_judge_list(const reco_judge *judge, const reco_ranked *list, int32_t n,
				const reco_wanted *wanted, double *row)
{
	const reco_columns *columns = judge->columns;
	tally t = {0};
	int next = 0;

	for (int32_t r = 0; r < n && next < columns->cutoffs; r++)
	{
		int64_t at = reco_find(wanted->item, 0, wanted->n, list[r].item);

		if (at >= 0)
		{
			t.hits++;
			t.first = t.first > 0 ? t.first : r + 1;
			t.gain += judge->discount[r];
			t.graded += judge->discount[r] * (wanted->gain ? (double) wanted->gain[at] : 1);
			t.precisions += (double) t.hits / (r + 1);
		}
		if (judge->have)
		{
			t.have += judge->have[list[r].item];
			t.information += judge->information[list[r].item];
		}
		while (next < columns->cutoffs && columns->cutoff[judge->order[next]] == r + 1)
			note(judge, &t, judge->order[next++], r + 1, wanted, row);
	}
	while (next < columns->cutoffs)
		note(judge, &t, judge->order[next++], n, wanted, row);
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
