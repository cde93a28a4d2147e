/*
 * choice.h
 *	  What reco.auto() is replaced by: the candidate that does best on a part of the data that
 *	  is hidden from it.
 */
#ifndef RECO_EVALUATION_CHOICE_H
#define RECO_EVALUATION_CHOICE_H

#include "evaluation/choice_search.h"

/* What was chosen; of the memory context that was current. */
typedef struct RecoChoice
{
	const RecoSpec *spec; /* nothing is open or to be chosen in it */
	/* an array of objects, one for each that was replaced: what was tried, and what was taken */
	char *choices;
	bool fallback;   /* of at least one nothing could be measured */
	RecoWorth worth; /* where the whole was chosen; else metrics is NULL */
	bool has_worth;
} RecoChoice;

/*
 * Replaces what reco_spec_is_replaced says, members included, and finds the weights that are left
 * open (reco_spec_is_unweighed).  Candidates that the data is
 * nothing for are passed over; other errors are errors.
 */
extern void reco_choose(const RecoChooser *chooser, const RecoSpec *spec, RecoChoice *choice);

/*
 * The same within the training part of a measurement: nothing of what is hidden is seen.  Says
 * what was chosen.
 */
extern const RecoSpec *reco_choose_within(RecoMeasurement *measurement, const RecoSpec *spec);

#endif /* RECO_EVALUATION_CHOICE_H */
