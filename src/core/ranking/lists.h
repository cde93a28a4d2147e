/*
 * lists.h
 *	  How good lists are, wherever they come from.
 */
#ifndef RECO_CORE_RANKING_LISTS_H
#define RECO_CORE_RANKING_LISTS_H

#include "core/data/csr.h"
#include "core/ranking/scores.h"

/* Arrays belong to whoever made them. */
typedef struct reco_lists
{
	int32_t users;         /* who are measured */
	const int32_t *number; /* of these, by which they go into groups (shown.h) */
	/* what a list should find of each, at least one item, rising; gains are above 0, NULL: ones */
	const int64_t *wanted_start; /* users + 1 */
	const int32_t *wanted;
	const float *gain;
	/* the lists: their ranks, of which the least is the best; equal ones go by their place */
	reco_csr list;
	const int64_t *rank;
	const int32_t *row;  /* users: the row of each in list; -1: there is no list */
	const int32_t *item; /* of the columns of list: the number that they have in all that follows */
	int32_t items;       /* of which coverage and gini are */
	/* of items, as reco_judge has them; NULL: not wanted */
	const int32_t *have;
	const double *information;
	double have_users;
	/* by number, what users had before that they may find again; NULL: it is not told apart */
	const reco_csr *had;
} reco_lists;

/* Bytes that it takes, beside the scores. */
extern size_t reco_lists_bytes(const reco_lists *lists, const reco_columns *columns);

/*
 * Measures what the columns of scores ask for, which are made for as many users; of auc,
 * diversity and values, which lists do not tell, nothing.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_lists_judge(const reco_env *env, const reco_lists *lists,
									reco_scores *scores);

#endif /* RECO_CORE_RANKING_LISTS_H */
