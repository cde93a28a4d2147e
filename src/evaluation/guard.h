/*
 * guard.h
 *	  What a new version must be worth to be made the active one.
 */
#ifndef RECO_EVALUATION_GUARD_H
#define RECO_EVALUATION_GUARD_H

#include "model/metric.h"
#include "store/source/source.h"
#include "store/tables/definition.h"

/* "ndcg@10 >= 0.95 * current", taken apart. */
typedef struct RecoGuard
{
	RecoMetric metric;
	bool at_least;
	double bound;
	bool relative; /* to what the active version was worth */
} RecoGuard;

/* An error unless the text is a guard. */
extern void reco_guard_parse(const char *text, RecoGuard *guard);

/* An error when the algorithm has nothing that the metric measures. */
extern void reco_guard_check(const RecoGuard *guard, const RecoSpec *spec);

/* What is made of a new version. */
typedef struct RecoVerdict
{
	bool held_back;      /* kept, but not made the active one */
	const char *message; /* NULL: there is nothing to say */
} RecoVerdict;

/* Whether what was measured of a new version passes, beside the metrics of the active one. */
extern RecoVerdict reco_guard_judge(const RecoGuard *guard, Jsonb *measured, const ModelRow *model);

#endif /* RECO_EVALUATION_GUARD_H */
