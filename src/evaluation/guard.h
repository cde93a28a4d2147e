/*
 * guard.h
 *	  What a new version must be worth to be made the active one.
 */
#ifndef RECO_API_GUARD_H
#define RECO_API_GUARD_H

#include "model/model.h"
#include "store/source/source.h"
#include "store/tables/definition.h"

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

/* What is made of a new version. */
typedef struct RecoVerdict
{
	Jsonb *metrics;      /* to be recorded with it */
	bool held_back;      /* kept, but not made the active one */
	const char *message; /* NULL: there is nothing to say */
} RecoVerdict;

/* Whether what a new version is worth passes, beside what the active version was worth. */
extern RecoVerdict reco_guard_judge(const RecoGuard *guard, double worth, const ModelRow *model);

/* Whether the latest version is as old as the least interval between two; says when not. */
extern bool reco_refresh_is_due(const ModelRow *model, const Interval *min_interval);

#endif /* RECO_API_GUARD_H */
