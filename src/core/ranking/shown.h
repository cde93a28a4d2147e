/*
 * shown.h
 *	  Which items lists show, and how evenly.
 *
 * Coverage is the share of items that are in anybody's list.  Gini's coefficient is of how often
 * each item is shown: 0, all alike; towards 1, ever the same few.  Both are of all lists
 * together, so their errors come from leaving out a group of users at a time.
 */
#ifndef RECO_CORE_RANKING_SHOWN_H
#define RECO_CORE_RANKING_SHOWN_H

#include "core/ranking/scores.h"

/* How often each item is shown, by group of users and length of lists. */
typedef struct reco_shown
{
	int32_t items;
	int groups;
	const reco_columns *columns;
	int32_t *count; /* groups x cutoffs x items */
} reco_shown;

/* The groups that the errors come from: 20, fewer where there are millions of items. */
extern int reco_shown_groups(int32_t items, int cutoffs);

/* Bytes that it takes, with what reco_shown_finish takes for so many users. */
extern size_t reco_shown_bytes(int32_t items, int cutoffs, int32_t users);

/* Errors: RECO_NO_MEMORY, RECO_STOPPED. */
extern reco_status reco_shown_make(const reco_env *env, const reco_columns *columns, int32_t items,
								   reco_shown *shown);
extern void reco_shown_free(const reco_env *env, reco_shown *shown);

/* A user's list, each item once; a group of users has every reco_shown_groups-th number. */
extern void reco_shown_add(reco_shown *shown, int32_t user, const reco_ranked *list, int32_t n);

/*
 * Coverage and gini, of all and without each group, to scores, which has as many users.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_shown_finish(const reco_env *env, const reco_shown *shown,
									 reco_scores *scores);

#endif /* RECO_CORE_RANKING_SHOWN_H */
