/*
 * retune.h
 *	  How long a choice is kept, and what versions record of it.
 */
#ifndef RECO_EVALUATION_RETUNE_H
#define RECO_EVALUATION_RETUNE_H

#include "evaluation/choice.h"

#include "datatype/timestamp.h"

/* What a choice is made for. */
typedef struct RecoChoiceFor
{
	const RecoSpec *asked;
	const char *items_query; /* NULL: none */
	int32 users;
	int32 items;
	int64 interactions;
} RecoChoiceFor;

/*
 * Why one must be made anew: palloc'd; NULL: what is recorded still holds.  recorded: by the
 * version before, NULL when that has none.  Whatever it says is no error.
 */
extern char *reco_choice_stale(const Jsonb *recorded, const RecoChoiceFor *now,
							   const Interval *retune);

/* What a version records: a choice that was made, and why. */
extern Jsonb *reco_choice_record(const RecoChoice *choice, const RecoChoiceFor *now, int32 version,
								 const char *why, Jsonb *metrics);
/* Or one that is kept. */
extern Jsonb *reco_choice_keep(const Jsonb *recorded);

/* The metrics that were recorded when it was made. */
extern const JsonbContainer *reco_choice_metrics(const Jsonb *recorded);

#endif /* RECO_EVALUATION_RETUNE_H */
