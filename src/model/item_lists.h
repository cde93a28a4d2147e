/*
 * item_lists.h
 *	  What the models share whose weights are between items.
 *
 * An item's list holds what speaks for it, or against it, or, where lists are `given`, what it
 * speaks for or against: that is what is stored, and what the view item_neighbors shows.  Scores
 * are added up by interaction: each is a row of the followers, what its item speaks for.
 * core/scoring/score_lists.c does the scoring.
 */
#ifndef RECO_MODEL_ITEM_LISTS_H
#define RECO_MODEL_ITEM_LISTS_H

#include "core/scoring/score_lists.h"
#include "model/model.h"

/* The parts of such a model; others may come after them. */
enum
{
	ITEM_LISTS,
	ITEM_FOLLOWERS,
	ITEM_SIMILAR, /* what is shown as similar to an item */
	ITEM_INDEX,
	ITEM_LIST_PARTS
};

/* Their declaration, the first of type. */
extern void item_list_parts(RecoPartType *type);

/* Makes the followers of the lists. */
extern void item_lists_followers(RecoModel *model, RecoMember *member, bool given,
								 RecoBudget *budget);

/*
 * What is similar to an item: its own list, or the lists the other way round, without what is of
 * a weight below 0 and the item itself.
 */
extern void item_lists_similar(RecoMember *member, bool own, RecoBudget *budget);

/* RecoAlgorithm.index: the followers' (core/ranking/tiers.h). */
extern void item_lists_index(RecoModel *model, RecoMember *member, RecoBudget *budget);

/* The scorer of a prepared member with sums of a kind. */
extern reco_scorer *item_lists_scorer(const RecoModel *model, const RecoMember *member,
									  reco_sum_scorer sums);

#endif /* RECO_MODEL_ITEM_LISTS_H */
