/*
 * metric.h
 *	  Metrics by their names: "ndcg@10", "rmse".
 */
#ifndef RECO_MODEL_METRIC_H
#define RECO_MODEL_METRIC_H

#include "core/ranking/metrics.h"
#include "model/model.h"

typedef struct RecoMetric
{
	reco_metric kind;
	int32 k; /* length of lists; 0: the metric has none */
} RecoMetric;

/* The largest length of lists. */
#define RECO_MAX_CUTOFF 100000

/*
 * Reads a metric where *text begins, after white space, and moves *text behind it.  False: there
 * is none.
 */
extern bool reco_metric_scan(const char **text, RecoMetric *metric);
/* The whole text is one, or an error that says which there are; what: "metric". */
extern RecoMetric reco_metric_parse(const char *text, const char *what);
/* Names of all, for messages: "ndcg@10, ..., rmse". */
extern char *reco_metric_names(void);

extern const char *reco_metric_name(reco_metric kind);
/* With its length, as it is parsed: palloc'd. */
extern char *reco_metric_text(const RecoMetric *metric);

extern bool reco_metric_has_cutoff(reco_metric kind);
extern bool reco_metric_more_is_better(reco_metric kind);
/* Whether an algorithm must predict values to have it. */
extern bool reco_metric_of_values(reco_metric kind);

/* An error when it tells what comes again from what is new, and nothing comes again. */
extern void reco_metric_check_repeats(const RecoMetric *metric, bool repeats);
/* An error when the algorithm has nothing that the metric measures; what: "a guard". */
extern void reco_metric_check(const RecoMetric *metric, const RecoSpec *spec, const char *what);

#endif /* RECO_MODEL_METRIC_H */
