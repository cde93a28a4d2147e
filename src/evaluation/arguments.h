/*
 * arguments.h
 *	  What the functions that evaluate share: their arguments, and reading what these name.
 */
#ifndef RECO_EVALUATION_ARGUMENTS_H
#define RECO_EVALUATION_ARGUMENTS_H

#include "evaluation/measure.h"
#include "utils/array.h"

/*
 * What algorithms are compared on.  It must stay where it is, and all of it is in its memory
 * context.
 */
typedef struct RecoTrial
{
	MemoryContext context;
	RecoBudget budget;
	const char *source; /* the texts are the caller's own, and run as the caller */
	const char *items;  /* NULL: none */
	const char *test;   /* NULL: none */
	RecoDataOptions options;
	TimestampTz cut; /* where the split has one */
	RecoSplit split;
	RecoMeasurement e;
} RecoTrial;

extern RecoTrial *reco_trial_make(MemoryContext parent);

/* Arguments from the place of the source on, in the order of these. */
enum
{
	RECO_ARG_SOURCE,
	RECO_ARG_ALGORITHMS,
	RECO_ARG_SPLIT,
	RECO_ARG_FRACTION,
	RECO_ARG_LENGTHS, /* cutoffs, or a metric: these and the algorithms are read by the caller */
	RECO_ARG_ITEMS,
	RECO_ARG_OPTIONS,
	RECO_ARG_SEED,
	RECO_ARG_CUT,
	RECO_ARG_TEST,
	RECO_ARG_UNKNOWN,
	RECO_ARG_OTHERS
};

/* first: the place of the source.  An error where the arguments do not go together. */
extern void reco_trial_arguments(FunctionCallInfo fcinfo, int first, RecoTrial *trial);

/* One algorithm, or an array of them: whether it was one.  name: of the argument. */
extern List *reco_read_algorithms(FunctionCallInfo fcinfo, int argument, const char *name,
								  bool *one);

/* A query, or the name of a table: an argument of type text or regclass. */
extern char *reco_read_source_argument(FunctionCallInfo fcinfo, int argument,
									   const RecoQueryKind *kind);

/* Lengths of lists to out, which takes RECO_MAX_CUTOFFS; returns how many, or an error. */
extern int reco_read_cutoffs(ArrayType *array, int32 *out);

/* With popularity at the end unless it is among them. */
extern List *reco_with_popularity(List *specs);

/*
 * Reads what the algorithms need, or with all whatever any could, under the active snapshot, and
 * shares it out.  An error where there is nothing to be measured.
 */
extern void reco_trial_read(RecoTrial *trial, const List *specs, bool all);
extern void reco_trial_split(RecoTrial *trial);

#endif /* RECO_EVALUATION_ARGUMENTS_H */
