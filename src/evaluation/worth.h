/*
 * worth.h
 *	  What a new version is worth, beside what costs nothing.
 *
 * It is measured on a part of the data that is hidden from a second training, of at most
 * RECO_WORTH_USERS users, and only said where there are RECO_WORTH_LEAST_USERS.
 */
#ifndef RECO_EVALUATION_WORTH_H
#define RECO_EVALUATION_WORTH_H

#include "evaluation/measure.h"
#include "model/auto.h"

#define RECO_WORTH_USERS 10000
#define RECO_WORTH_LEAST_USERS 20

typedef struct RecoWorth
{
	RecoMetric metric;
	reco_estimate own;
	const char *baseline; /* what it is compared with, as versions record it */
	reco_estimate other;  /* the baseline's */
	reco_estimate gain;   /* over that; less is worse, whatever the metric */
	char *split;          /* its name, as versions record it */
	char *hidden;         /* how, for messages: "by time at ..." */
	Jsonb *metrics;       /* as versions record it */
	Jsonb *calibration;   /* likewise whether what it says comes true; NULL: it cannot be told */
} RecoWorth;

/*
 * Hides what is to be found, by a kind of split or, with auto, by time where the data has times.
 * False: there is nothing to hide.  *hidden says how, for messages.
 */
extern bool reco_worth_split(RecoMeasurement *measurement, RecoAutoSplit kind, char **hidden);
/* The kind that auto stands for, where candidates are chosen: by what comes next in sessions. */
extern RecoAutoSplit reco_worth_split_of(const RecoData *data, RecoAutoSplit asked,
										 RecoBudget *budget);
/* The metric that speaks for an algorithm. */
extern RecoMetric reco_worth_metric(const RecoSpec *spec);

/*
 * Asks for a metric before the split, and after it turns one that is graded on values into the
 * plain one where there are none: they are the same then.
 */
extern void reco_worth_want(RecoMeasurement *measurement, const RecoMetric *metric);
extern void reco_worth_metric_of(const RecoMeasurement *measurement, RecoMetric *metric);

/* What it is measured beside: popularity, or of predicted values their mean with biases. */
extern const RecoScores *reco_worth_baseline(RecoMeasurement *measurement,
											 const RecoMetric *metric);

/*
 * The measure of a version, with a guard's metric (NULL: none): of spec, by the metric and the
 * split of what was asked for where that says some, as reco.auto() does.  Without a metric what can
 * be told is left out of `metrics`.  False: there is nothing to measure on.  What it gives is of
 * the memory context `result`; what it works with is of the current one.
 */
extern bool reco_worth_measure(const RecoData *data, const RecoSpec *spec, const RecoSpec *asked,
							   const RecoMetric *guard, RecoBudget *budget, MemoryContext result,
							   RecoWorth *worth);

/* The same of scores that are there. */
extern void reco_worth_of(const RecoMeasurement *measurement, const RecoScores *scores,
						  const RecoScores *baseline, const RecoMetric *metric,
						  const RecoMetric *guard, const char *hidden, RecoWorth *worth);

/* Whether it is said: there are enough users. */
extern bool reco_worth_is_told(const RecoWorth *worth);
/* A NOTICE, or a WARNING when it is below the baseline. */
extern void reco_worth_tell(const RecoWorth *worth, const RecoSpec *asked, const char *model,
							int32 version);

/*
 * Whether it is less than what was recorded before, by more than a tenth and by more than
 * twice the standard error of the difference; on another kind of split nothing can be said.
 */
extern bool reco_worth_fell(const RecoWorth *worth, const JsonbContainer *before);

#endif /* RECO_EVALUATION_WORTH_H */
