/*
 * scorer.h
 *	  What a trained model says about items, behind one interface.
 *
 * A scorer is one family's arrays with the functions that read them: factors, lists of
 * similar items, lists of similar users, what is known about items, popularity.  It is only
 * read, so threads share it.  Each has a seat of its own: the memory in which one user at a
 * time is scored.
 *
 *	 reco_seat_make(env, scorer, &seat)		main thread: allocates
 *	 reco_seat_for_thread(seat)				when another thread will use it
 *	 reco_seat_open(seat, &profile)			what is made once for a user
 *	 reco_seat_is_personal, _score, _some, _top	any thread: allocate nothing
 *	 reco_seat_close(seat)
 *	 reco_seat_free(env, seat)				main thread
 *
 * Scores of all items, of some and of the best have the same bits.  A score of -infinity:
 * the profile says nothing about the item.  Scores are never NaN as long as a model's numbers
 * are finite.
 *
 * What a seat keeps between open and close is zeroed again by close, which touches what the
 * user touched: a user costs that and not the catalogue.  After RECO_STOPPED a seat may be
 * closed, and used again.
 *
 * A family's struct begins with a reco_scorer and follows it with its arrays, which belong to
 * whoever made them.  It gives a reco_scorer_type with those methods that it has; the others
 * have defaults.
 */
#ifndef RECO_CORE_SCORING_SCORER_H
#define RECO_CORE_SCORING_SCORER_H

#include "core/data/topn.h"
#include "core/isa/isa.h"

/*
 * A user, stored or folded in, or a basket.  Arrays belong to whoever made them and must not
 * change while a seat is open for them.
 */
typedef struct reco_profile
{
	const float *factors; /* the model's stride long, zeros after the factors; NULL: none */
	float bias;
	int64_t n;           /* interactions */
	const int32_t *item; /* n item numbers, rising */
	const float *value;  /* n; NULL: ones */
	int32_t neighbors;   /* similar users */
	const int32_t *neighbor;
	const double *similarity;
	/* n: the latest of repeated values where value has their sums; NULL: they are the same */
	const float *latest;
	/* of a scorer that is made of others: a profile for each, with the same items */
	int members;
	const struct reco_profile *member;
	/* what counts as seen where that is not item: more, less, or other items; NULL: it is item */
	const int32_t *has;
	int64_t n_has;
	/*
	 * What the user did in order of time, as core/data/ordered.h has it: items, of which one may
	 * come again, and moments; NULL: the model does not look at it.
	 */
	int64_t events;
	const int32_t *event;
	const float *moment;
	const double *time; /* and their times, as reco_event_time has them; NULL: not looked at */
	/*
	 * Of a stored user what the model draws the factors to, with the bias's at the end where it has
	 * biases; NULL: 0.  Of a scorer that is made of others each member's profile has its own.
	 */
	const float *center;
	int32_t user; /* of a stored user one more than their number; 0: nobody who is stored */
} reco_profile;

/* The items that a list leaves out for a user: *n of them. */
static inline const int32_t *
reco_profile_seen(const reco_profile *profile, int64_t *n)
{
	*n = profile->has ? profile->n_has : profile->n;
	return profile->has ? profile->has : profile->item;
}

/* An item that is similar to another. */
typedef struct reco_similar
{
	double similarity;
	int32_t item;
} reco_similar;

/* The order of a list: falling similarities, equal ones by number. */
static inline bool
reco_similar_after(reco_similar a, reco_similar b)
{
	return a.similarity < b.similarity || (a.similarity == b.similarity && a.item > b.item);
}

typedef struct reco_scorer reco_scorer;
typedef struct reco_seat reco_seat;

/* The methods of a family.  NULL where it says so: the default does. */
typedef struct reco_scorer_type
{
	const char *name;
	bool by_factors; /* its struct begins with a reco_factor_scorer (score_factors.h) */

	/* Bytes that a seat needs of its own; NULL: none.  They are zeros when a user is opened. */
	size_t (*scratch)(const reco_scorer *scorer);
	/* What is made once for a user; NULL: nothing.  RECO_STOPPED leaves it to close. */
	reco_status (*open)(reco_seat *seat);
	/* Makes the scratch zeros again, from any state that the other methods leave it in. */
	void (*close)(reco_seat *seat);

	/* Whether lists do without the scores of all items: a seat has no room for these then. */
	bool (*has_index)(const reco_scorer *scorer);

	/* Whether the profile says anything about taste.  NULL: always. */
	bool (*is_personal)(const reco_seat *seat);
	/* The scores of all items, to items floats. */
	reco_status (*score)(reco_seat *seat, float *score);
	/* Those of n items, in any order, to n floats. */
	reco_status (*score_some)(reco_seat *seat, const int32_t *item, int32_t n, float *score);
	/* As reco_seat_top.  NULL: by the scores of all. */
	int32_t (*top)(reco_seat *seat, const uint64_t *skip, int32_t n, reco_ranked *out);
	/*
	 * Of a scorer whose users have scores for few items: whether it is one.  NULL: it is none.
	 *
	 * mark: sets to 1 the marks of all lines of RECO_LINE items in which one has a score.
	 * take: the scores of n lines, rising, with all that mark marks among them: RECO_LINE for each,
	 * on a cache line, -infinity where there is none, and behind the last item.  After mark, once.
	 */
	bool (*is_sparse)(const reco_scorer *scorer);
	reco_status (*mark)(reco_seat *seat, uint16_t *line);
	reco_status (*take)(reco_seat *seat, const int32_t *line, int32_t n, float *score);
	/* As reco_seat_explain.  NULL: scores are no sums over interactions. */
	reco_status (*explain)(reco_seat *seat, int32_t item, double *contribution, double *baseline,
						   bool *additive);

	/* As reco_scorer_alike.  NULL: no two items are alike. */
	double (*alike)(const reco_scorer *scorer, int32_t a, int32_t b);
	/* As reco_scorer_similar.  NULL: none are known. */
	reco_status (*similar)(const reco_env *env, const reco_scorer *scorer, int32_t item, int32_t n,
						   reco_similar *out, int32_t *count);
	/* As reco_scorer_fold_in.  NULL: there is nothing to find. */
	reco_status (*fold_in)(const reco_env *env, const reco_scorer *scorer, reco_profile *profile);
} reco_scorer_type;

/* The head of a family's struct. */
struct reco_scorer
{
	const reco_scorer_type *type;
	int32_t items;
	/* a score that predicts a value is kept within these; -infinity and infinity: as it is */
	float least;
	float most;
};

/* A user opened by one thread. */
struct reco_seat
{
	reco_env env; /* of the thread */
	const reco_scorer *scorer;
	const reco_profile *profile; /* NULL: closed */
	bool scored;                 /* score holds those of all items */
	float *score;                /* items; NULL: no room has been asked for yet */
	bool apart;                  /* these are a block of their own */
	void *scratch;               /* the type's; NULL: it needs none */
};

/* Bytes that a seat with room for scores takes. */
extern size_t reco_seat_bytes(const reco_scorer *scorer);

/* A closed seat in so many bytes of zeros on a cache line, for a scorer that is made of others. */
extern reco_seat *reco_seat_place(const reco_env *env, const reco_scorer *scorer, void *memory);

/*
 * A seat, closed.  env is copied; what its arg points to must live as long.  On the main
 * thread, as is reco_seat_free, which takes NULL and an open seat as well.
 * Errors: RECO_NO_MEMORY.
 */
extern reco_status reco_seat_make(const reco_env *env, const reco_scorer *scorer, reco_seat **seat);
/*
 * The same for lists of a scorer with an index: it has no room for scores, and takes it if need be.
 */
extern reco_status reco_seat_make_for_lists(const reco_env *env, const reco_scorer *scorer,
											reco_seat **seat);
extern void reco_seat_free(const reco_env *env, reco_seat *seat);

/*
 * From here on the seat is for threads, one at a time: what was a poll looks at `stopping`
 * only, and whatever needs memory is refused with RECO_NO_MEMORY.
 */
extern void reco_seat_for_thread(reco_seat *seat);

/*
 * Opens a closed seat for a user.  profile is kept, not copied, until close; item numbers in it
 * are the model's.  On an error the seat is closed.  Errors: RECO_STOPPED.
 */
extern reco_status reco_seat_open(reco_seat *seat, const reco_profile *profile);
/* Nothing when it is closed. */
extern void reco_seat_close(reco_seat *seat);

/* For an open seat.  Whether the profile says anything; otherwise a fallback should serve. */
extern bool reco_seat_is_personal(const reco_seat *seat);

/* The scores of all items to score; of n of them in any order.  Errors: RECO_STOPPED. */
extern reco_status reco_seat_score(reco_seat *seat, float *score);
extern reco_status reco_seat_some(reco_seat *seat, const int32_t *item, int32_t n, float *score);

/* Whether it tells which lines have scores, by mark and take. */
static inline bool
reco_scorer_is_sparse(const reco_scorer *scorer)
{
	return scorer->type->is_sparse && scorer->type->is_sparse(scorer);
}

/* Marks of all lines, which are looked at in groups. */
#define RECO_LINE_GROUP (sizeof(uint64_t) / sizeof(uint16_t))

static inline size_t
reco_line_groups(int32_t items)
{
	return ((size_t) items + RECO_LINE_GROUP * RECO_LINE - 1) / (RECO_LINE_GROUP * RECO_LINE);
}

/*
 * The scores of all items in seat->score, where they stay until close; made once.
 * Errors: RECO_NO_MEMORY, where there is no room for them yet, and RECO_STOPPED.
 */
extern reco_status reco_seat_score_all(reco_seat *seat);

/*
 * The n best items that are not in skip (NULL: all count), as reco_top_n gives them from the
 * scores of all; out has room for n.  Returns how many there are, or -1: stopped.
 */
extern int32_t reco_seat_top(reco_seat *seat, const uint64_t *skip, int32_t n, reco_ranked *out);

/*
 * Splits the score of an item among the profile's interactions: baseline + the sum of
 * contribution[0 .. n - 1] = score, up to rounding.  *additive false: there are no such parts,
 * or the score is none; the parts are then zeros.  On the main thread: may allocate.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED, RECO_SINGULAR.
 */
extern reco_status reco_seat_explain(reco_seat *seat, int32_t item, double *contribution,
									 double *baseline, bool *additive);

/* A score as a prediction of a value: kept within the values of the training. */
static inline float
reco_scorer_predict(const reco_scorer *scorer, float score)
{
	return score < scorer->least ? scorer->least : score > scorer->most ? scorer->most : score;
}

/*
 * How alike two items are, by whatever the family compares them; larger: more alike; 0:
 * nothing is known.  For diversity; need not be symmetric.  Any thread.
 */
extern double reco_scorer_alike(const reco_scorer *scorer, int32_t a, int32_t b);

/*
 * The items most similar to one, in the order of reco_similar_after unless lists are stored in
 * another, at most n to out; *count receives how many.  On the main thread: allocates.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_scorer_similar(const reco_env *env, const reco_scorer *scorer, int32_t item,
									   int32_t n, reco_similar *out, int32_t *count);

/*
 * Finds what a new user's profile lacks - factors, bias, neighbors or members - from its
 * interactions, n, item, value and latest, and from its center; of members that it comes with the
 * centers alone are looked at.  What it then points to besides those comes from env and
 * belongs to the caller: reco_profile_free.  On the main thread.  On an error nothing is left
 * allocated. Errors: RECO_NO_MEMORY, RECO_STOPPED, RECO_SINGULAR, RECO_INVALID.
 */
extern reco_status reco_scorer_fold_in(const reco_env *env, const reco_scorer *scorer,
									   reco_profile *profile);
/* Releases factors, neighbors and their similarities, and members. */
extern void reco_profile_free(const reco_env *env, reco_profile *profile);

/* The profile itself, or of its members the first, that has events; NULL: none has. */
extern const reco_profile *reco_profile_ordered(const reco_profile *profile);

/*
 * Maximal marginal relevance: takes the next item for its score, from 0 to 1 over the
 * candidates, less its likeness to what was taken before it:
 *
 *	 (1 - diversity) score - diversity max alike,	diversity in [0, 1]
 *
 * Reorders the m candidates, best first, so that the first n are the list.
 * Cost: n m likenesses.  Errors: RECO_NO_MEMORY, RECO_STOPPED.
 * Source: Carbonell and Goldstein 1998.
 */
extern reco_status reco_diversify(const reco_env *env, const reco_scorer *scorer, double diversity,
								  reco_ranked *candidate, int32_t m, int32_t n);

#endif /* RECO_CORE_SCORING_SCORER_H */
