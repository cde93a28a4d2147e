/*
 * compare.h
 *	  Algorithms measured beside one another, and beside popularity.
 */
#ifndef RECO_EVALUATION_COMPARE_H
#define RECO_EVALUATION_COMPARE_H

#include "evaluation/arguments.h"
#include "evaluation/report.h"

typedef struct RecoComparison
{
	RecoTrial *trial; /* read, and not shared out yet */
	List *specs;      /* popularity among them */
	bool by_activity;
	/* called when one of several has been measured, from 1; may be NULL */
	void (*measured)(const RecoScores *scores, int number, int of);
	/* called for each row of the report */
	void (*add)(void *arg, Datum *values, bool *nulls);
	void *arg;
} RecoComparison;

/* The arguments of reco.evaluate() from the place of the source on; what is not read is not set. */
extern void reco_comparison_arguments(FunctionCallInfo fcinfo, int first,
									  RecoComparison *comparison);

/* Shares out, trains and measures; needs no snapshot.  What there is to report stays with it. */
typedef struct RecoCompared
{
	List *scores;
	RecoScores *popular;
} RecoCompared;

extern RecoCompared reco_compare(const RecoComparison *comparison);

extern void reco_compared_report(const RecoComparison *comparison, const RecoCompared *compared);

#endif /* RECO_EVALUATION_COMPARE_H */
