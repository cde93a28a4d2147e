/*
 * guard.h
 *	  What a new version must be worth to be made the active one.
 */
#ifndef RECO_API_GUARD_H
#define RECO_API_GUARD_H

#include "pg/functions.h"
#include "lifecycle/versions.h"

/* "ndcg@10 >= 0.95 * current", taken apart. */
typedef struct RecoGuard
{
	char metric[16];
	int32 k; /* 0: the metric has no cutoff */
	bool at_least;
	double bound;
	bool relative; /* to what the active version was worth */
} RecoGuard;

/* An error unless the text is a guard. */
extern void reco_guard_parse(const char *text, RecoGuard *guard);

/* An error when the algorithm has nothing that the metric measures. */
extern void reco_guard_check(const RecoGuard *guard, const RecoSpec *spec);

/* The metric with its cutoff, as versions record it. */
extern char *reco_guard_name(const RecoGuard *guard);

/*
 * What the algorithm is worth on the data, measured on a fifth of each user's
 * interactions that is hidden; NaN when that cannot be told.
 */
extern double reco_guard_measure(const RecoGuard *guard, const RecoData *data, const RecoSpec *spec,
								 RecoBudget *budget);

/*
 * Records with a new version what it is worth, and holds it back unless that passes
 * beside what the active version was worth.  Says so.
 */
extern void reco_guard_judge(const RecoGuard *guard, double worth, const ModelRow *model,
							 RecoTrainingRecord *record);

/* Whether the latest version is as old as the least interval between two; says when not. */
extern bool reco_refresh_is_due(const ModelRow *model, const Interval *min_interval);

#endif /* RECO_API_GUARD_H */
