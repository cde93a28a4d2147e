/*
 * score_hybrid_members.h
 *	  What a hybrid is made of: members, how they are combined, and for whom.
 */
#ifndef RECO_CORE_SCORING_SCORE_HYBRID_MEMBERS_H
#define RECO_CORE_SCORING_SCORE_HYBRID_MEMBERS_H

#include "core/ranking/joint.h"
#include "core/scoring/score_factors.h"
#include "core/scoring/score_hybrid_scale.h"

/* So many members may be in one. */
#define RECO_HYBRID_MEMBERS 16

typedef struct reco_hybrid_member
{
	const reco_scorer *scorer; /* of the same items */
	double weight;             /* finite; 0 or below: only asked where a rule says so */
	bool latest;               /* it counts the latest of repeated values, not their sums */
} reco_hybrid_member;

/* Which users are scored by some of the members only. */
typedef struct reco_hybrid_rule
{
	int64_t least; /* interactions that the user has: from .. to */
	int64_t most;
	int known;        /* 1: users of the training alone; 0: others alone; -1: both */
	uint32_t members; /* a bit each, not 0 */
} reco_hybrid_rule;

typedef struct reco_hybrid_scorer
{
	reco_scorer head; /* .type: &reco_hybrid_scorer_type */
	reco_hybrid_scale scale;
	int members; /* 1 .. RECO_HYBRID_MEMBERS */
	const reco_hybrid_member *member;
	/* so many items the first member proposes, for the others to rank; 0: all rank all items */
	int32_t candidates;
	/* the first that is about a user says who scores them; of no other users do any */
	int rules;
	const reco_hybrid_rule *rule;
	/*
	 * Of a stored user whose profile comes without those of members: fills what a member's has
	 * besides interactions.  On any thread; NULL: every profile comes with them.
	 */
	void (*stored)(const void *arg, int member, const reco_profile *whole, reco_profile *out);
	const void *arg;
	/*
	 * Of the factors of all members whose moments are known, in their order: an index that spares
	 * scoring all items by them, with what it was built of; NULL: none.
	 */
	const reco_joint *joint;
	const reco_joint_part *joint_part;
	int joint_parts;
} reco_hybrid_scorer;

/* Whether a rule is about a user. */
static inline bool
reco_hybrid_is_about(const reco_hybrid_rule *rule, const reco_profile *profile)
{
	return profile->n >= rule->least && profile->n <= rule->most &&
		   (rule->known < 0 || (rule->known > 0) == (profile->user > 0));
}

static inline bool
reco_hybrid_has(uint32_t members, int member)
{
	return (members >> member) & 1;
}

/* Whether anybody may be scored by a member. */
static inline bool
reco_hybrid_is_asked(const reco_hybrid_scorer *h, int member)
{
	bool asked = h->member[member].weight > 0 || (h->candidates > 0 && member == 0);

	for (int r = 0; r < h->rules && !asked; r++)
		asked = reco_hybrid_has(h->rule[r].members, member);
	return asked;
}

/* Whether a member's scale follows from moments, without a look at its scores. */
static inline bool
reco_hybrid_has_moments(const reco_hybrid_scorer *h, int member)
{
	const reco_scorer *scorer = h->member[member].scorer;

	return h->scale == RECO_HYBRID_Z_SCORE && scorer->type->by_factors &&
		   ((const reco_factor_scorer *) scorer)->moments;
}

/* Whether somebody who is asked has moments: then all items need not be scored by them. */
static inline bool
reco_hybrid_is_mixed(const reco_hybrid_scorer *h)
{
	bool mixed = false;

	for (int m = 0; m < h->members && h->candidates == 0 && !mixed; m++)
		mixed = reco_hybrid_is_asked(h, m) && reco_hybrid_has_moments(h, m);
	return mixed;
}

#endif /* RECO_CORE_SCORING_SCORE_HYBRID_MEMBERS_H */
