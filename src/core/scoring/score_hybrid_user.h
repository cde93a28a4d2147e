/*
 * score_hybrid_user.h
 *	  What the members of a hybrid come to for the user in its seat.
 */
#ifndef RECO_CORE_SCORING_SCORE_HYBRID_USER_H
#define RECO_CORE_SCORING_SCORE_HYBRID_USER_H

#include "core/scoring/score_hybrid_members.h"

#include <float.h>
#include <math.h>

/* What a member adds to the scores of the user: share times its scaled score. */
typedef struct reco_hybrid_part
{
	int member;
	double share; /* of the mean; without a scale a weight */
	double shift; /* share times scaled = (score - shift) * times */
	double times;
	double none; /* the same of an item without a score; it is never less */
	bool listed; /* score is of what is listed */
	/* of all items, or of what is listed in its order, on a cache line; NULL: to be asked for */
	const float *score;
	reco_seat *seat;
} reco_hybrid_part;

/*
 * What has a score, where little has: items that a cascade proposes, or lines of items that sparse
 * members score.
 */
typedef struct reco_hybrid_listed
{
	bool by_line;
	int32_t n;     /* scores: of each item, or RECO_LINE of each line; of lines a multiple of 16 */
	int32_t *item; /* rising: items, or lines, the last of which may be none */
	float *score;  /* n, for each member in turn, `each` from one to the next; on cache lines */
	size_t each;
	uint64_t *set;       /* of a cascade: items */
	reco_ranked *ranked; /* as many as may be proposed */
	uint16_t *mark;      /* of sparse members: lines */
	void *joint;         /* room for joint.h, where the scorer has its index */
} reco_hybrid_listed;

/* The head of a seat's scratch; the members' seats are behind it, and what the kind needs. */
typedef struct reco_hybrid_user
{
	bool filled;   /* scores and rooms are not zeros */
	bool measured; /* parts are known */
	bool listed;   /* scores are of some items alone, in their order: what is proposed, or scored */
	bool by_line;
	bool mixed;     /* parts whose scores are NULL score all items besides */
	bool whole;     /* these have been asked for the scores of all */
	uint32_t asked; /* members, a bit each */
	int parts;
	reco_hybrid_part part[RECO_HYBRID_MEMBERS];
	int32_t n;                                 /* of what is listed */
	int32_t touched;                           /* of the rooms for that */
	reco_profile profile[RECO_HYBRID_MEMBERS]; /* of a stored user */
} reco_hybrid_user;

static inline const reco_hybrid_scorer *
reco_hybrid_of_seat(const reco_seat *seat)
{
	return (const reco_hybrid_scorer *) seat->scorer;
}

/* Whether all members are sparse, and it is no cascade. */
extern bool reco_hybrid_is_sparse(const reco_scorer *scorer);

/* Bytes of the scratch, and what lies in it. */
extern size_t reco_hybrid_user_bytes(const reco_hybrid_scorer *scorer);
extern reco_seat *reco_hybrid_member_seat(const reco_seat *seat, int member);
extern reco_hybrid_listed reco_hybrid_list(const reco_seat *seat);

/* The members that score a user, a bit each. */
extern uint32_t reco_hybrid_asked(const reco_hybrid_scorer *scorer, const reco_profile *profile);

/*
 * The user's parts, found once.  Errors: RECO_STOPPED.  Afterwards the room behind the scratch is
 * as reco_hybrid_user_clear makes it zeros again; scored: members that have scored all items.
 */
extern reco_status reco_hybrid_measure(reco_seat *seat);
extern void reco_hybrid_user_clear(reco_seat *seat, uint32_t scored);

/* The place of an item's scores among those that are listed; -1: it has none. */
extern int32_t reco_hybrid_place(const reco_hybrid_listed *listed, int32_t item);

/* The item whose scores are at a place. */
static inline int32_t
reco_hybrid_item_at(const reco_hybrid_listed *p, int32_t place)
{
	return p->by_line ? p->item[place / RECO_LINE] * RECO_LINE + place % RECO_LINE : p->item[place];
}

/* No member should say anything else but a number or -infinity. */
static inline bool
reco_hybrid_scored(float x)
{
	return fabsf(x) <= FLT_MAX;
}

/* The mean of the parts, whose members score the item at x, a score each. */
static inline float
reco_hybrid_mean(const reco_hybrid_user *user, bool scaled, const float *x)
{
	double sum = 0;
	double weight = 0;
	bool any = false;

	for (int k = 0; k < user->parts; k++)
	{
		const reco_hybrid_part *p = &user->part[k];
		bool scored = reco_hybrid_scored(x[k]);

		sum += scored ? (x[k] - p->shift) * p->times : p->none;
		weight += scored ? p->share : 0;
		any = any || scored;
	}
	return !any ? -INFINITY : (float) (scaled ? sum : sum / weight);
}

#endif /* RECO_CORE_SCORING_SCORE_HYBRID_USER_H */
