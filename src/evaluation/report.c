/*
 * report.c
 *	  What was measured, as rows.
 *
 * Cost: for each row a few passes over the numbers of the users.
 */
#include "evaluation/report.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include <math.h>

const Oid reco_report_types[RECO_REPORT_COLUMNS] = {TEXTOID,   TEXTOID,   INT4OID,  FLOAT8OID,
													FLOAT8OID, INT4OID,   TEXTOID,  FLOAT8OID,
													FLOAT8OID, FLOAT8OID, FLOAT8OID};

const unsigned reco_report_metrics = RECO_METRIC_BIT(RECO_METRICS) - 1;

/* In the order of rows: what has no lengths of lists, and what has, by length. */
static const reco_metric without_cutoff[] = {RECO_METRIC_RMSE, RECO_METRIC_MAE, RECO_METRIC_AUC};
static const reco_metric with_cutoff[] = {
	RECO_METRIC_PRECISION,  RECO_METRIC_RECALL,     RECO_METRIC_RECALL_REPEATED,
	RECO_METRIC_RECALL_NEW, RECO_METRIC_NDCG,       RECO_METRIC_NDCG_GRADED,
	RECO_METRIC_HIT_RATE,   RECO_METRIC_MAP,        RECO_METRIC_MRR,
	RECO_METRIC_COVERAGE,   RECO_METRIC_DIVERSITY,  RECO_METRIC_NOVELTY,
	RECO_METRIC_GINI,       RECO_METRIC_POPULARITY,
};

static const char *const activities[] = {NULL, "light", "middle", "heavy", "new"};

typedef struct Report
{
	const List *scores;
	const RecoScores *popular;
	void (*add)(void *arg, Datum *values, bool *nulls);
	void *arg;
} Report;

/* The first of those that are best by a metric; NULL: it was not measured. */
static const RecoScores *
best_by(const Report *r, const RecoMetric *metric, reco_activity activity)
{
	const RecoScores *best = NULL;
	double most = 0;
	ListCell *cell;

	foreach (cell, r->scores)
	{
		const RecoScores *scores = lfirst(cell);
		double value;

		if (!reco_scores_value(&scores->kept, metric->kind, metric->k, activity, &value))
			continue;
		if (best == NULL ||
			(reco_metric_more_is_better(metric->kind) ? value > most : value < most))
		{
			best = scores;
			most = value;
		}
	}
	return best;
}

static void
put(double value, int column, Datum *values, bool *nulls)
{
	nulls[column] = isnan(value);
	values[column] = Float8GetDatum(value);
}

/* The difference to another, and its error, to the column and the next. */
static void
put_over(const RecoScores *scores, const RecoScores *other, const RecoMetric *metric,
		 reco_activity activity, int column, Datum *values, bool *nulls)
{
	reco_estimate over;

	nulls[column] = nulls[column + 1] = true;
	if (other == NULL || !reco_scores_difference(&scores->kept, &other->kept, metric->kind,
												 metric->k, activity, &over))
		return;
	put(over.value, column, values, nulls);
	put(over.error, column + 1, values, nulls);
}

static void
report_one(const Report *r, const RecoScores *scores, const RecoMetric *metric,
		   reco_activity activity)
{
	Datum values[RECO_REPORT_COLUMNS];
	bool nulls[RECO_REPORT_COLUMNS] = {false};
	reco_estimate estimate;

	reco_poll();
	if (!reco_scores_mean(scores, metric, activity, &estimate))
		return;
	values[0] = CStringGetTextDatum(scores->label);
	values[1] = CStringGetTextDatum(reco_metric_name(metric->kind));
	values[2] = Int32GetDatum(metric->k);
	nulls[2] = metric->k == 0;
	put(estimate.value, 3, values, nulls);
	put(estimate.error, 4, values, nulls);
	values[5] = Int32GetDatum(estimate.users);
	nulls[6] = activity == RECO_ACTIVITY_ALL;
	values[6] = nulls[6] ? (Datum) 0 : CStringGetTextDatum(activities[activity]);
	put_over(scores, r->popular, metric, activity, 7, values, nulls);
	put_over(scores, best_by(r, metric, activity), metric, activity, 9, values, nulls);
	r->add(r->arg, values, nulls);
}

void
reco_report(const RecoMeasurement *e, const List *scores, const RecoScores *popular,
			bool by_activity, void (*add)(void *arg, Datum *values, bool *nulls), void *arg)
{
	Report r = {scores, popular, add, arg};
	int groups = by_activity ? RECO_ACTIVITIES : 1;
	ListCell *cell;

	foreach (cell, scores)
		for (int activity = 0; activity < groups; activity++)
		{
			for (int m = 0; m < lengthof(without_cutoff); m++)
				report_one(&r, lfirst(cell), &(RecoMetric){without_cutoff[m], 0},
						   (reco_activity) activity);
			for (int c = 0; c < e->cutoffs; c++)
				for (int m = 0; m < lengthof(with_cutoff); m++)
					report_one(&r, lfirst(cell), &(RecoMetric){with_cutoff[m], e->cutoff[c]},
							   (reco_activity) activity);
		}
}
