/*
 * score_hybrid.h
 *	  Scorers made of others: a weighted mean of their scores, brought to one scale.
 */
#ifndef RECO_CORE_SCORING_SCORE_HYBRID_H
#define RECO_CORE_SCORING_SCORE_HYBRID_H

#include "core/scoring/scorer.h"

/* So many members may be in one. */
#define RECO_HYBRID_MEMBERS 16

/*
 * How a member's scores of one user are brought to a scale that all share, over the items that
 * it scores:
 *
 *	 Z_SCORE	(s - mean) / standard deviation
 *	 MIN_MAX	(s - least) / (most - least)
 *	 RANK		the place from the worst, 1 to n, over n; equal scores share the mean of theirs
 */
typedef enum reco_hybrid_scale
{
	RECO_HYBRID_Z_SCORE,
	RECO_HYBRID_MIN_MAX,
	RECO_HYBRID_RANK
} reco_hybrid_scale;

typedef struct reco_hybrid_member
{
	const reco_scorer *scorer; /* of the same items */
	double weight;             /* finite; 0 or below: the member is not asked */
	bool latest;               /* it counts the latest of repeated values, not their sums */
} reco_hybrid_member;

typedef struct reco_hybrid_scorer
{
	reco_scorer head; /* .type: &reco_hybrid_scorer_type */
	reco_hybrid_scale scale;
	int members; /* 1 .. RECO_HYBRID_MEMBERS */
	const reco_hybrid_member *member;
	/*
	 * Of a stored user whose profile comes without those of members: fills what a member's has
	 * besides interactions.  On any thread; NULL: every profile comes with them.
	 */
	void (*stored)(const void *arg, int member, const reco_profile *whole, reco_profile *out);
	const void *arg;
} reco_hybrid_scorer;

/*
 * A score is the mean of the members' scaled scores, by weight.  A member that knows nothing of
 * the user's taste, or whose scores are all the same, has no part in the mean, and its weight
 * does not count.  An item that a member does not score is no better there than the worst one
 * that it scores (with ranks: worse); one that none of those with a part scores has no score.
 * Where nobody has a part, nothing has a score.
 *
 * A profile has one for each member, with the same items, or is of a stored user.  Members are
 * folded in one by one.
 * Parts of a score are the members' own, scaled: there are none with ranks, nor where a member
 * with a part has none.  What is similar to an item comes from the first member that knows
 * any; how alike two are from the first that compares items.  Members without a weight are
 * asked for nothing.
 */
extern const reco_scorer_type reco_hybrid_scorer_type;

#endif /* RECO_CORE_SCORING_SCORE_HYBRID_H */
