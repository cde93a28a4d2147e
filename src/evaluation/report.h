/*
 * report.h
 *	  What was measured, as rows.
 */
#ifndef RECO_EVALUATION_REPORT_H
#define RECO_EVALUATION_REPORT_H

#include "evaluation/measure.h"

/* algorithm, metric, k, value, error, users, activity, and how far over popularity and the best */
#define RECO_REPORT_COLUMNS 11
extern const Oid reco_report_types[RECO_REPORT_COLUMNS];

/* The metrics that a report has; each is measured by the lengths of lists that there are. */
extern const unsigned reco_report_metrics;

/*
 * A row for each of the RecoScores and each metric that was measured of it, and with by_activity
 * more for the users of each activity.  popular: those that others are compared with; NULL:
 * there are none.
 */
extern void reco_report(const RecoMeasurement *measurement, const List *scores,
						const RecoScores *popular, bool by_activity,
						void (*add)(void *arg, Datum *values, bool *nulls), void *arg);

#endif /* RECO_EVALUATION_REPORT_H */
