/*
 * split.h
 *	  How an evaluation shares out interactions between training and test.
 */
#ifndef RECO_EVALUATION_SPLIT_H
#define RECO_EVALUATION_SPLIT_H

#include "core/ranking/split.h"
#include "pg/pg.h"
#include "store/source/data.h"

/* What becomes of hidden pairs of users and items of which nothing is trained on. */
typedef enum RecoUnknown
{
	RECO_UNKNOWN_SKIP,   /* they are left out */
	RECO_UNKNOWN_MISS,   /* they count, and are not found */
	RECO_UNKNOWN_POPULAR /* they count, and users get the popular list */
} RecoUnknown;

/* With fewer to measure a split says nothing. */
#define RECO_SPLIT_USERS 20

typedef struct RecoSplit
{
	reco_split_rule rule; /* kind and fraction, seed or cut; the rest is filled in */
	RecoUnknown unknown;
	const RecoData *test; /* of RECO_SPLIT_GIVEN: the pairs to be found */
	/*
	 * More than 1: as many parts are hidden, each in its turn: at random with other seeds, by
	 * time and by what came last half as much, half as much again, and so on.
	 */
	int parts;
} RecoSplit;

/* "random", "last", "time", "next_item", "test", with "x 3" after it where there are so many parts.
 */
extern const char *reco_split_name(const RecoSplit *split);

/* Whether what users had before is to be found when it comes again. */
static inline bool
reco_split_repeats(const RecoSplit *split)
{
	return split->rule.kind == RECO_SPLIT_NEXT_ITEM || split->rule.kind == RECO_SPLIT_LAST_BASKET;
}

/* What of the source it needs, RECO_KEEP_... */
extern unsigned reco_split_keep(const RecoSplit *split);

/*
 * A cut in the units of a source's times: as PostgreSQL compares the two, so a time without a
 * zone is one of the session's.  An error where times are numbers.
 */
extern int64 reco_split_cut(const RecoData *data, TimestampTz cut);

/*
 * Shares out: as reco_split, whose parts and numbers these are, from the budget.  Items that
 * are described stay items of the training part.
 */
extern void reco_split_data(const RecoSplit *split, const RecoData *data, RecoBudget *budget,
							reco_interactions *train, reco_interactions *hidden, reco_cases *cases,
							reco_split_counts *counts);

/* An error when one of the parts is empty; says what it means. */
extern void reco_split_require(const RecoSplit *split, const RecoData *data,
							   const reco_split_counts *counts);

/* A NOTICE when something was left out. */
extern void reco_split_tell(const RecoSplit *split, const RecoData *data,
							const reco_split_counts *counts);

/* In words, after it was made: "by time at ...", "at random". */
extern char *reco_split_described(const RecoSplit *split, const RecoData *data,
								  const reco_split_counts *counts);
/* By time, the cut. */
extern char *reco_split_cut_text(const RecoData *data, const reco_split_counts *counts);

/*
 * The split that says most about the data: the last fifth by time, where the data has times
 * (kept, with the repeats) and at least RECO_SPLIT_USERS users could be measured; else a fifth
 * of each user's pairs at random.  *reason: why not by time, palloc'd: "the source has no times".
 */
extern RecoSplit reco_split_auto(const RecoData *data, RecoBudget *budget, char **reason);

/*
 * Gives a split, which is not a test of one's own, several parts where it would measure few users
 * and the data is small: what is told from few is uncertain, and what is small costs little.
 */
extern void reco_split_repeat(RecoSplit *split, const RecoData *data, RecoBudget *budget);

#endif /* RECO_EVALUATION_SPLIT_H */
