/*
 * measure.h
 *	  What an algorithm would have recommended, against what was hidden from it.
 */
#ifndef RECO_EVALUATION_MEASURE_H
#define RECO_EVALUATION_MEASURE_H

#include "core/scoring/evaluation.h"
#include "model/model.h"
#include "nodes/pg_list.h"
#include "pg/rows.h"
#include "store/source/source.h"

/*
 * To be filled in: the budget, the interactions, the lengths of lists, and who is told.
 * report is called with each measure, its cutoff (0: it has none), and the number of
 * users that it is a mean of.
 */
typedef struct RecoMeasurement
{
	RecoBudget *budget;
	const RecoData *data;
	int cutoffs;
	int32 cutoff[RECO_MAX_CUTOFFS];
	int32 largest;
	void (*report)(void *arg, const char *algorithm, const char *metric, int32 k, double value,
				   int32 users);
	void *report_arg;

	/* for measure.c */
	reco_interactions train;
	reco_interactions hidden;
	RecoTrainingSet set;  /* of train */
	reco_ranked *popular; /* all items, by how many users of the training part have them */
} RecoMeasurement;

/*
 * Hides a fraction of each user's interactions, drawn by the seed.  False when there is
 * nothing to hide.
 */
extern bool reco_measure_split(RecoMeasurement *measurement, double fraction, uint64 seed);

/* Trains each of the algorithms on the rest and reports how well it finds what was hidden. */
extern void reco_measure_all(RecoMeasurement *measurement, const List *specs);

#endif /* RECO_EVALUATION_MEASURE_H */
