/*
 * split.h
 *	  What is trained on, and what is hidden from the training to be found.
 *
 * A pair of a user and an item is in one part, or in none, but for RECO_SPLIT_LAST_BASKET.  By time
 *it goes by its first row:
 *
 *	 first row hidden	the pair is hidden with all its rows;
 *	 first row trained	the pair is trained on with its rows before the cut, its sum, latest value
 *						and time made of these; later rows are repeats of what is known, in no
 *						part, and counted.
 *
 * So nothing in the training part is as late as the cut.  A time that is not known (INT64_MIN)
 * is before all others.
 *
 * Where what is seen is not what is learnt from (x->seen), pairs that are seen are hidden, by their
 * own rows, and the training part has what was learnt before the cut of hidden pairs, too; at
 *random hidden pairs are not learnt from.  Values of the hidden part are those of x->seen.  What is
 *seen of the training part is train->seen, of which only by_user's items are made.  With
 * RECO_SPLIT_NEXT_ITEM what is learnt from is hidden.
 *
 * Where users are hidden whole (RECO_SPLIT_NEXT_ITEM), the hidden part has a row for each of
 * the times at which something is to be found of them: a case.
 */
#ifndef RECO_CORE_RANKING_SPLIT_H
#define RECO_CORE_RANKING_SPLIT_H

#include "core/data/triples.h"

typedef enum reco_split_kind
{
	/*
	 * Of each user with n pairs round(fraction * n) are hidden, but not all: those that
	 * reco_hold_out takes.  Times do not matter.
	 */
	RECO_SPLIT_RANDOM,
	/*
	 * Of each user with n pairs the last round(fraction * n), but not all, with one the last one
	 * alone: by their first rows, those of one time by the number of the item.  The cut is the
	 * user's own: the first of those rows.  Of a pair of the training part that begins at the
	 * cut, too, the rows of that time stay.
	 */
	RECO_SPLIT_LAST,
	/*
	 * One cut over all: what begins at the cut or later is hidden.  It is given, or taken so that
	 * round(fraction * pairs), at least one, are hidden, and those of the same time with them;
	 * a time that is not known is no cut.
	 */
	RECO_SPLIT_TIME,
	/*
	 * Users whose last row is at one cut or later are hidden with all that they have.  The cut is
	 * given, or taken so that round(fraction * users), at least one, are hidden, and those who end
	 * at the same time with them; a time that is not known is no cut.  To be found is, after each
	 * of a user's times but the last, what is at the next one of the same session: for users of
	 * more than RECO_MOST_CASES + 1 times at their last RECO_MOST_CASES.
	 */
	RECO_SPLIT_NEXT_ITEM,
	/*
	 * Of each user with two baskets or more the last one is hidden: x->basket says how long one is,
	 * and where it is longer than a time x->session_gap what ends one before.  The cut is the user's
	 * own.  Unlike with the others, a pair that the user had before
	 * and has in the last basket is in both parts, with the rows of each.
	 */
	RECO_SPLIT_LAST_BASKET,
	/*
	 * All is trained on, and the pairs of another matrix are hidden but for those that are
	 * trained on.
	 */
	RECO_SPLIT_GIVEN
} reco_split_kind;

#define RECO_MOST_CASES 100

/*
 * What is to be found of users who are hidden whole, and what is known of them before: of items
 * of the training part, by its numbers.
 */
typedef struct reco_cases
{
	int32_t users;
	int32_t *origin;        /* users: which of x they are, rising */
	int64_t *start;         /* users + 1: */
	struct reco_entry *row; /* their rows, sorted by item, time and value */
	int64_t *time;
	int32_t *event; /* the same in order, as core/data/ordered.h has it */
	float *moment;
	int32_t cases;
	int32_t *user;  /* cases: whose, rising */
	int64_t *at;    /* the time of what is to be found: rows before it are known */
	int64_t *known; /* so many events */
} reco_cases;

extern void reco_cases_free(const reco_env *env, reco_cases *cases);

typedef struct reco_split_rule
{
	reco_split_kind kind;
	double fraction; /* between 0 and 1 */
	bool one;        /* last: one of each user, whatever the fraction */
	uint64_t seed;   /* random */
	bool has_cut;    /* time, next item */
	int64_t cut;
	/* given: the matrix, and for its users and items the numbers of x, rising, or -1 */
	const reco_interactions *test;
	const int32_t *test_user;
	const int32_t *test_item;
	/* items of which nothing is trained on are items of the training part, too */
	bool keep_items;
	/* what is hidden of users and items of which nothing is trained on stays hidden */
	bool keep_unknown;
	/* the training part has its rows of repeats, where x has them */
	bool keep_repeats;
	/* out, by user of the training part: which of x it is; as many as x has; NULL: not asked for */
	int32_t *origin;
	/* out, next item: the rows of the hidden part; NULL: they are only counted */
	reco_cases *cases;
} reco_split_rule;

typedef struct reco_split_counts
{
	bool has_cut; /* there is one cut over all */
	int64_t cut;
	int64_t trained;       /* pairs */
	int64_t hidden;        /* those that stay, of so many users */
	int32_t users;         /* of whom a hidden pair is worth something: its value is above 0 */
	int64_t rows_left_out; /* rows of trained pairs that are not before the cut */
	int64_t in_both;       /* given: pairs that are trained on */
	/* hidden pairs of users or items of which nothing is trained on, left out or not */
	int64_t unknown;
	int32_t unknown_users;
	int32_t unknown_items;
	/* next item: users who are hidden, times that are asked for, and earlier ones that are not */
	int32_t hidden_users;
	int64_t cases;
	int64_t cases_left_out;
} reco_split_counts;

/*
 * Splits x, or with neither train nor hidden counts what that would give.
 *
 * train has the users of x of whom something is trained on, and likewise its items (with
 * keep_items all), in their order and under new numbers.  In hidden these have the numbers that
 * they have in train; from train's number of users on there are the users that it does not
 * know, and from its number of items on such items.  Both have of each pair the sum, latest
 * value and time where x has them, or of hidden the test; rows of repeats only train has, with
 * keep_repeats.  By RECO_SPLIT_NEXT_ITEM a row of hidden is a case, whose sums and latest values
 * are of one time, and rule->cases says whose it is.
 * Their arrays belong to the caller.  On an error nothing is left.
 *
 * Cost: a few passes over the pairs.  Memory: the parts, which take no more than x, a byte a
 * pair, 16 bytes a user and 9 an item of x and of the test, and 16 bytes for each pair of the
 * user who has most, or 24 for each row where sessions cut baskets; by time without a cut 8 bytes a pair before there are parts.  The next item
 * takes 24 bytes a row of who is hidden, and 40 for the one who has most.
 * Errors: RECO_INVALID: all but random and given need times, and the rows of repeats where there
 * are repeats; RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_split(const reco_env *env, const reco_interactions *x,
							  const reco_split_rule *rule, reco_interactions *train,
							  reco_interactions *hidden, reco_split_counts *counts);

/*
 * Takes `held` of the n columns of a row out for testing: those with the
 * smallest hashes of (seed, row, column), so that the choice depends on nothing
 * else.  out[e] becomes true for them.  scratch: n numbers.  RECO_OK or RECO_STOPPED.
 * Cost: a few passes over the columns.
 */
extern reco_status reco_hold_out(const reco_env *env, uint64_t seed, int32_t row,
								 const int32_t *col, int64_t n, int64_t held, uint64_t *scratch,
								 bool *out);

/*
 * For split.c: which pairs of x are hidden, and, where times count, the last time of each user
 * before the cut.  As many as x has pairs and users.
 */
extern reco_status reco_split_choose(const reco_env *env, const reco_interactions *x,
									 const reco_split_rule *rule, bool *hidden, int64_t *until,
									 reco_split_counts *counts);

/* When the pairs of a user begin.  *done: steps since the last poll.  False to stop. */
extern bool reco_first_times(const reco_env *env, const reco_interactions *x, int32_t u,
							 int64_t *first, int64_t *done);

/*
 * For split.c, with x->seen: which pairs of x are not trained on, by which of x->seen are picked to
 * be hidden, or where times count by the last time of each user before the cut.  Errors:
 * RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_split_leave_out(const reco_env *env, const reco_interactions *x,
										const bool *picked, const int64_t *until, bool *out);

/*
 * For split.c: train->seen of what is seen and not picked, by the new numbers of users and items,
 * or -1.  Errors: RECO_NO_MEMORY, RECO_STOPPED; what was made is train's.
 */
extern reco_status reco_split_seen(const reco_env *env, const reco_interactions *seen,
								   const bool *picked, const int32_t *user, int32_t users,
								   const int32_t *item, int32_t items, reco_interactions *train);

/* For split.c: who is hidden by the next item, and what is to be found of them. */
typedef struct reco_next_split
{
	const reco_interactions *x;
	const reco_split_rule *rule;
	const int32_t *user; /* by user of x: the number in the training part; -1: hidden */
	const int32_t *item; /* by item of x: likewise; -1: nothing is trained on of it */
	const bool *item_trained;
	int32_t items; /* of the training part */
} reco_next_split;

/*
 * Counts, and with hidden makes it, and rule->cases.  Errors: RECO_NO_MEMORY, RECO_STOPPED, and
 * RECO_INVALID where there are INT32_MAX cases or more.
 */
extern reco_status reco_split_next(const reco_env *env, const reco_next_split *split,
								   reco_interactions *hidden, reco_split_counts *counts);

#endif /* RECO_CORE_RANKING_SPLIT_H */
