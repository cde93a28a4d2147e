/*
 * choice_search.h
 *	  Candidates on trial, and the one that does best.
 */
#ifndef RECO_EVALUATION_CHOICE_SEARCH_H
#define RECO_EVALUATION_CHOICE_SEARCH_H

#include "evaluation/worth.h"

/* For whom is chosen. */
typedef struct RecoChooser
{
	const RecoData *data; /* the interactions, all of which the choice may see */
	RecoTrainingSet *set; /* the same: what is left open of the choice goes by it */
	RecoBudget *budget;
	const char *model;       /* for messages; NULL: nothing is told */
	const RecoMetric *guard; /* is measured, too; or NULL */
	/* before each candidate; NULL: nobody is told */
	void (*progress)(void *arg, int candidate, int candidates);
	void *progress_arg;
} RecoChooser;

/* One that was tried. */
typedef struct RecoTried
{
	const RecoSpec *spec; /* as given, or as its algorithm has it for the training part */
	int place;            /* among the portfolio of its algorithm; -1: it was given */
	int order;            /* of equal ones the first is taken */
	const struct RecoTried *fused[2]; /* it is a hybrid of these; or NULL */
	RecoScores *scores;               /* NULL: it could not be */
	char *call;                       /* with nothing open: what was trained */
	const RecoSpec *weighed;          /* with the weights that were found; NULL: none were open */
	reco_estimate own;
	reco_estimate gain; /* over popularity */
	bool counts;        /* better than that by more than a standard error */
	double seconds;
	char *message; /* why it could not be */
} RecoTried;

typedef struct RecoSearch
{
	const RecoChooser *chooser;
	const RecoAutoParams *params;
	bool weighing; /* for weights: what is tried is taken in any case */
	RecoMetric metric;
	RecoBudget budget;
	RecoMeasurement e;
	bool features; /* candidates may give what is known about items weights */
	List *tried;   /* of RecoTried */
	RecoTried *baseline;
	int planned;
	RecoTried *chosen;
	char *why;
	bool begun;   /* there is something to measure on */
	bool next;    /* it is what comes next in a session */
	char *hidden; /* how what is to be found is hidden */
} RecoSearch;

/*
 * Hides what is to be found.  False where there is too little to measure on, or no memory for the
 * parts: *why says so.
 */
extern bool reco_search_begin(RecoSearch *search);
/* Tries and picks.  False: there are too few users who could find something; *why says so. */
extern bool reco_search_all(RecoSearch *search, bool fuse);

/* One that is taken without a trial. */
extern RecoTried *reco_tried_of(const RecoSpec *spec, int place);
/* What it was tried as, given for all of the data. */
extern const RecoSpec *reco_tried_for_all(const RecoSearch *search, const RecoTried *tried);
/* Whether something smaller was tried than is trained in the end, of which less is known. */
extern bool reco_tried_smaller(const RecoSearch *search, const RecoTried *tried);

/* An object with what was tried and taken is added to an array that is begun with the first. */
extern void reco_search_record(const RecoSearch *search, const RecoSpec *chosen,
							   StringInfo choices);

extern RecoTraining reco_choice_training(const RecoSpec *spec, RecoTrainingSet *set,
										 RecoBudget *budget, const RecoData *data);

#endif /* RECO_EVALUATION_CHOICE_SEARCH_H */
