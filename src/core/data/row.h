/*
 * row.h
 *	  What one user has: the rules of a user.
 *
 * A user's rows of a source come together here, whether all are read for a training or those
 * of one user to serve them: the same function makes the same bits of them.  A rule that
 * looks at more than one row of a user is a part of reco_row_reduce.
 */
#ifndef RECO_CORE_DATA_ROW_H
#define RECO_CORE_DATA_ROW_H

#include "core/base/env.h"

/* A row: its item, and what it is worth. */
typedef struct reco_entry
{
	int32_t item;
	float value;
} reco_entry;

/* How the worth of a row fades with its age. */
typedef struct reco_decay
{
	double half_life;  /* in units of times; 0: nothing fades */
	int64_t reference; /* the time that ages are counted from */
} reco_decay;

/* What the rules of a user are given. */
typedef struct reco_row_rules
{
	int64_t max;      /* pairs that a user keeps; 0: all */
	reco_decay decay; /* of rows */
} reco_row_rules;

/* What decides which of a user's pairs are kept. */
typedef struct reco_kept
{
	int64_t time;
	float value;
	int32_t item;
} reco_kept;

/* What becomes of a user's rows. */
typedef struct reco_row
{
	int32_t *item;   /* rising */
	float *sum;      /* of the values of the item's rows; NULL: not wanted */
	float *latest;   /* likewise: the mean of those of its latest time, of all without times */
	int32_t *all;    /* the items before any is left out; NULL: not wanted */
	reco_kept *kept; /* memory for reco_row_kept of them */
	int64_t pairs;   /* out: the items before any is left out */
} reco_row;

/* Whether a user of n rows, no two of the same item, may be other than these rows. */
static inline bool
reco_row_applies(const reco_row_rules *rules, int64_t n)
{
	return rules->max > 0 && n > rules->max;
}

/* How many reco_kept the rules take for a user of n rows. */
static inline int64_t
reco_row_kept(const reco_row_rules *rules, int64_t n)
{
	return reco_row_applies(rules, n) ? rules->max : 0;
}

/*
 * Multiplies the values of n rows, in whatever order, by what their ages leave of them:
 * 2 ^ (-age / half_life), 1 for a time that is not before the reference, 0 for one that is not
 * known, INT64_MIN.  Nothing without a half life or without times.  False when poll asked for an
 * end.
 */
extern bool reco_row_decay(const reco_env *env, const reco_decay *decay, reco_entry *entry,
						   const int64_t *time, int64_t n);

/*
 * Sorts a user's n rows by item, time and value; time NULL: the source has none.  False when
 * poll asked for an end.
 * Cost: n log n, also when one pair repeats a million times.
 */
extern bool reco_row_sort(const reco_env *env, reco_entry *entry, int64_t *time, int64_t n);

/* Whether sorted rows repeat an item.  False when poll asked for an end. */
extern bool reco_row_repeats(const reco_env *env, const reco_entry *entry, int64_t n,
							 bool *repeats);

/*
 * Sum and latest value of the n rows of one pair, sorted: the latest is the mean of those of
 * its latest time, of all without times.  *done counts steps since the last poll.  False when
 * poll asked for an end.
 */
extern bool reco_row_pair(const reco_env *env, const reco_entry *entry, const int64_t *time,
						  int64_t n, int64_t *done, float *sum, float *latest);

/*
 * Sorted rows through the rules of a user, in their order:
 *
 *	 merge	rows of one item become a pair;
 *	 cap	of the pairs rules->max are kept: the latest, of those of one time the ones with the
 *			largest sums, of those of one sum the first items.
 *
 * time begins with the latest times of the items in the end.  Returns how many items there are in
 * the end, or -1 when poll asked for an end. Cost: n log max.
 */
extern int64_t reco_row_reduce(const reco_env *env, const reco_row_rules *rules,
							   const reco_entry *entry, int64_t *time, int64_t n, reco_row *out);

#endif /* RECO_CORE_DATA_ROW_H */
