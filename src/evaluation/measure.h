/*
 * measure.h
 *	  What an algorithm would have recommended, against what was hidden from it.
 *
 *	 RecoMeasurement e = {.budget = &budget, .data = data};
 *	 reco_measurement_want(&e, &metric);			as often as there are metrics
 *	 reco_measure_split(&e, &split)				what is hidden, and who is measured
 *	 reco_measure_expect(&e, spec)					trainings that are to come: what they share is
 *													kept for so long
 *	 scores = reco_measure_one(&e, spec)			a training, and its measures
 *	 reco_scores_mean(scores, &metric, RECO_ACTIVITY_ALL, &estimate)
 *	 reco_scores_gain(scores, others, &metric, RECO_ACTIVITY_ALL, &estimate)
 *	 reco_scores_release(&e, scores)
 *
 * All scores of a measurement are of the same users, so that their differences can be paired.
 * Where the split has several parts, each is hidden in its turn, and what is found is told from
 * all of them (parts.c).
 */
#ifndef RECO_EVALUATION_MEASURE_H
#define RECO_EVALUATION_MEASURE_H

#include "core/ranking/scores.h"
#include "evaluation/split.h"
#include "model/metric.h"
#include "nodes/pg_list.h"
#include "store/source/source.h"

/* All items in the order of how popular they are, and how popular each is. */
typedef struct RecoPopularity
{
	reco_ranked *ranked;
	float *users;
} RecoPopularity;

typedef struct RecoMeasurement
{
	/* To be filled in. */
	RecoBudget *budget; /* scores are of its context */
	const RecoData *data;
	unsigned metrics; /* RECO_METRIC_BIT each: every one is measured for every cutoff */
	int cutoffs;
	int32 cutoff[RECO_MAX_CUTOFFS];
	/* weights that are left open are found by what is hidden: for who chooses by it */
	bool weigh;
	int32 most_users; /* measure no more, a sample that depends on their numbers; 0: all */
	bool said;        /* scores keep what is said of users' items, and what came of it */

	/* how the interactions were shared out */
	const RecoSplit *split;
	reco_split_counts counts;
	int32 measured;   /* users, in whatever part */
	reco_cases cases; /* who the hidden rows are of, by the next item */
	/* what is hidden in its turn, where a split has several parts, or NULL */
	struct RecoMeasurement *next;

	/* for measure.c */
	reco_interactions train;
	reco_interactions hidden;
	RecoTrainingSet set;     /* of train */
	int32 *origin;           /* of its users: who they are in the data */
	RecoPopularity by_have;  /* by how many users of the training part have them */
	RecoPopularity by_rated; /* or rated them, whatever the value, as models of ratings go by */
	int32 *have;             /* of items: how many of these have it */
	double *information;     /* and -log2 of that share */
	double have_users;       /* who have anything in the training part */
	double readers;          /* mean users of an item, weighed by these */
	int32 users;             /* who are measured */
	int32 *user;
	int32 *who;      /* who they are in the data; NULL: each is one user of one part */
	uint8 *activity; /* of these: a reco_activity */
	uint8 *sampled;  /* of these: RECO_SAMPLED_..., for what is too dear to measure of all */
} RecoMeasurement;

/* What one algorithm came to. */
typedef struct RecoScores
{
	const RecoSpec *spec; /* NULL: it is none of the algorithms */
	/*
	 * The same with what was left open, as the (first) training part decided, and weights as
	 * above.
	 */
	const RecoSpec *trained;
	bool weighed;      /* by weights that these very users found */
	const char *label; /* what it is called: reco_spec_describe until somebody knows better */
	reco_scores kept;
	double train_seconds;
	double measure_seconds;
} RecoScores;

/* One metric more; an error where there are too many cutoffs. */
extern void reco_measurement_want(RecoMeasurement *measurement, const RecoMetric *metric);

/*
 * Shares out the interactions; the split must stay.  False when there is nothing to train on
 * or nothing to be found.
 */
extern bool reco_measure_split(RecoMeasurement *measurement, const RecoSplit *split);

/* Says before the first training that one of this spec is to come. */
extern void reco_measure_expect(RecoMeasurement *measurement, const RecoSpec *spec);

/* Trains on what is not hidden and measures; on as many threads as the setting says. */
extern RecoScores *reco_measure_one(RecoMeasurement *measurement, const RecoSpec *spec);
/* The same of values that are predicted without taste, by their mean and with biases. */
extern List *reco_measure_baselines(RecoMeasurement *measurement);
/*
 * Whether an error of that says that the data is nothing for the algorithm, or reco.max_memory too
 * little: others can be tried all the same.  Anything else, a cancel above all, ends the work.
 */
extern bool reco_error_is_of_algorithm(const ErrorData *error);

/* For parts.c: the same of one part. */
extern bool reco_part_split(RecoMeasurement *part, const RecoSplit *split);
extern RecoScores *reco_part_measure(RecoMeasurement *part, const RecoSpec *spec);
extern List *reco_part_baselines(RecoMeasurement *part);

extern void reco_scores_release(RecoMeasurement *measurement, RecoScores *scores);

/*
 * A metric of the users of an activity, or of all, with its standard error.  False: there is
 * nothing that it could be told from.
 */
extern bool reco_scores_mean(const RecoScores *scores, const RecoMetric *metric,
							 reco_activity activity, reco_estimate *out);
/*
 * By how much a is better than b, below 0 where it is worse, with the standard error of the
 * paired difference.  Of rmse, mae, gini and popularity less is better.
 */
extern bool reco_scores_gain(const RecoScores *a, const RecoScores *b, const RecoMetric *metric,
							 reco_activity activity, reco_estimate *out);

#endif /* RECO_EVALUATION_MEASURE_H */
