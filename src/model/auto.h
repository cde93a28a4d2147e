/*
 * auto.h
 *	  What reco.auto() is asked for; who chooses reads it (evaluation/choice.h).
 */
#ifndef RECO_MODEL_AUTO_H
#define RECO_MODEL_AUTO_H

#include "model/model.h"

/* How the rows that candidates are measured on are hidden. */
typedef enum RecoAutoSplit
{
	/* by the next item where sessions are cut, by time where there are times, else at random */
	RECO_AUTO_SPLIT_AUTO,
	RECO_AUTO_SPLIT_RANDOM,
	RECO_AUTO_SPLIT_LAST,
	RECO_AUTO_SPLIT_TIME,
	RECO_AUTO_SPLIT_LAST_BASKET,
	RECO_AUTO_SPLIT_NEXT_ITEM
} RecoAutoSplit;

typedef struct RecoAutoParams
{
	const char *metric;
	int split;                     /* RecoAutoSplit */
	const reco_nested *candidates; /* NULL: the portfolio of each algorithm */
	bool fuse;
} RecoAutoParams;

#endif /* RECO_MODEL_AUTO_H */
