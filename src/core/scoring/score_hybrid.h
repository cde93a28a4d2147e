/*
 * score_hybrid.h
 *	  Scorers made of others: a weighted mean of their scores, brought to one scale.
 */
#ifndef RECO_CORE_SCORING_SCORE_HYBRID_H
#define RECO_CORE_SCORING_SCORE_HYBRID_H

#include "core/scoring/score_hybrid_members.h"

/*
 * Who scores a user: the members of the rule that is about them, else all with a weight.  Where a
 * rule names none with a weight, they weigh the same.
 *
 * A score is the mean of the members' scaled scores, by weight.  A member that knows nothing of
 * the user's taste, or whose scores are all the same, has no part in the mean, and its weight
 * does not count.  An item that a member does not score is no better there than the worst one
 * that it scores (with ranks: worse); one that none of those with a part scores has no score.
 * Where nobody has a part, the items are alike that a member scores which leaves others without
 * a score; where there are none of these either, nothing has a score.
 *
 * The mean and the standard deviation of a member of factors are those that its moments say, where
 * it has them, whatever is asked.
 *
 * Without a scale every member that knows the user has a part, and an item's score is the mean
 * over those that score it.
 *
 * Of a cascade the first member that knows the user proposes: its best items but for the user's
 * own, and of these what is at least as good.  The others' scores, scaled over what is proposed,
 * make the mean, and the first one's by its weight; where nobody has a part, its own order does.
 * Nothing else has a score.  A user whom one member alone scores has all its items.
 *
 * A profile has one for each member, with the same items, or is of a stored user.  Members are
 * folded in one by one.
 * Parts of a score are the members' own, scaled: there are none with ranks, nor where a member
 * with a part has none.  What is similar to an item comes from the first member that knows
 * any; how alike two are from the first that compares items.  Members that nobody is scored by
 * are asked for nothing.
 */
extern const reco_scorer_type reco_hybrid_scorer_type;

/*
 * For an open seat of a hybrid that is no cascade: scaled receives a scaled score for each member,
 * NAN where it has no part in it, of n items in turn: scaled[k * members + m] of item[k].  On any
 * thread.  Errors: RECO_STOPPED.
 */
extern reco_status reco_hybrid_scaled(reco_seat *seat, const int32_t *item, int32_t n,
									  double *scaled);
/* The n best items of one member alone as reco_seat_top has them; 0 where it has no part. */
extern int32_t reco_hybrid_member_top(reco_seat *seat, int member, const uint64_t *skip, int32_t n,
									  reco_ranked *out);

#endif /* RECO_CORE_SCORING_SCORE_HYBRID_H */
