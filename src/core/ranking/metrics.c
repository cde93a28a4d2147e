/*
 * metrics.c
 *	  How good a ranked list is.
 *
 * Definitions (metrics.h) follow the usual full-ranking protocol.  A list is walked once: what
 * has been found so far is noted wherever a length ends.
 */
#include "core/ranking/metrics.h"

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
	int32_t repeated; /* of these, that the user had before */
	int64_t had;      /* so many of the relevant items are such */
	int32_t first;    /* the rank of the first hit, from 1; 0: none yet */
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

static inline double
share(int32_t hits, int64_t relevant)
{
	return relevant > 0 ? hits / (double) relevant : (double) NAN;
}

static inline bool
was_had(const reco_wanted *wanted, int32_t item)
{
	return reco_find(wanted->had, 0, wanted->had_n, item) >= 0;
}

/* How many of the relevant items the user had before. */
static int64_t
count_had(const reco_wanted *wanted)
{
	int64_t n = 0;

	for (int64_t k = 0; k < wanted->n && wanted->had_n > 0; k++)
		n += was_had(wanted, wanted->item[k]);
	return n;
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
	put(columns, row, RECO_METRIC_RECALL_REPEATED, c, share(t->repeated, t->had));
	put(columns, row, RECO_METRIC_RECALL_NEW, c, share(t->hits - t->repeated, wanted->n - t->had));
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
	bool repeats = columns->metrics & RECO_METRICS_OF_REPEATS;
	tally t = {.had = repeats ? count_had(wanted) : 0};
	int next = 0;

	for (int32_t r = 0; r < n && next < columns->cutoffs; r++)
	{
		int64_t at = reco_find(wanted->item, 0, wanted->n, list[r].item);

		if (at >= 0)
		{
			t.hits++;
			t.repeated += repeats && was_had(wanted, list[r].item);
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

reco_status
reco_readers(const reco_env *env, const reco_csr *a, int32_t items, int32_t *have,
			 double *information, double *users)
{
	int64_t done = 0;

	*users = 0;
	for (int32_t i = 0; i < items; i++)
	{
		have[i] = 0;
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
	}
	for (int32_t u = 0; u < a->rows; u++)
	{
		*users += a->start[u + 1] > a->start[u];
		for (int64_t e = a->start[u]; e < a->start[u + 1]; e++)
		{
			if (a->value == NULL || a->value[e] > 0)
				have[a->col[e]]++;
			if (stop_after(env, 1, &done))
				return RECO_STOPPED;
		}
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
	}
	for (int32_t i = 0; i < items; i++)
	{
		information[i] = -log2((have[i] > 1 ? (double) have[i] : 1) / (*users > 1 ? *users : 1));
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}
