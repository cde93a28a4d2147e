/*
 * scores.h
 *	  What was measured of users: means, how sure they are, and paired differences.
 */
#ifndef RECO_CORE_RANKING_SCORES_H
#define RECO_CORE_RANKING_SCORES_H

#include "core/ranking/metrics.h"

/* Users by how many interactions they have to be trained on. */
typedef enum reco_activity
{
	RECO_ACTIVITY_ALL, /* no group of users: all */
	RECO_ACTIVITY_LIGHT,
	RECO_ACTIVITY_MIDDLE,
	RECO_ACTIVITY_HEAVY,
	RECO_ACTIVITY_NEW, /* none */
	RECO_ACTIVITIES
} reco_activity;

/* Groups of users for errors of what is measured of all lists together. */
#define RECO_SHOWN_GROUPS 20

/*
 * What one algorithm came to, user by user.  Means are summed up in double, in the order of
 * users; each user's number is kept as a float, for errors and differences.
 */
typedef struct reco_scores
{
	reco_columns columns;
	int32_t users;           /* who are measured */
	const uint8_t *activity; /* users: a reco_activity; the giver's; NULL: not known */
	float *value;            /* columns.n x users; NAN: nothing could be measured */
	float *times;            /* likewise: of how many numbers that is the sum; NULL: each of one */
	double *sum;             /* columns.n x RECO_ACTIVITIES */
	int32_t *count;          /* the same: users with a number */
	int32_t listed;          /* users who had a list */
	int64_t unpredicted;     /* hidden values that there was no prediction for */
	/* coverage, and after it gini, cutoffs each: of all lists, and without each group of users */
	int groups;
	double (*shown)[RECO_SHOWN_GROUPS + 1];
	/*
	 * What was said of some items of each user, and what came of them, for reliability.h: places,
	 * RECO_SAID_EACH a user, NAN where there is nothing.  NULL: it is not kept.
	 */
	float *said;
	float *seen;
	int64_t places;
} reco_scores;

#define RECO_SAID_EACH 10

typedef struct reco_estimate
{
	double value;
	double error;  /* standard error; NAN: it cannot be told */
	int32_t users; /* with something to be measured */
} reco_estimate;

extern size_t reco_scores_bytes(const reco_columns *columns, int32_t users);
/* Errors: RECO_NO_MEMORY. */
extern reco_status reco_scores_make(const reco_env *env, const reco_columns *columns, int32_t users,
									const uint8_t *activity, reco_scores *scores);
extern void reco_scores_free(const reco_env *env, reco_scores *scores);

/* Room for what is said, which takes so many bytes.  Errors: RECO_NO_MEMORY. */
extern size_t reco_scores_said_bytes(int64_t places);
extern reco_status reco_scores_keep_said(const reco_env *env, reco_scores *scores, int64_t places);

/* The numbers of a user, columns.n, NAN where there is none; in the order of users. */
extern void reco_scores_add(reco_scores *scores, int32_t user, const double *row);
/* One number of a user who was added before, and had none there. */
extern void reco_scores_set(reco_scores *scores, int32_t user, int column, double value);

/*
 * Several measurements of one algorithm as one: means over the users of all parts, whose errors
 * take what is found of one user on several parts for one.  What was said is kept of all parts,
 * where all have kept it.  user[p] says who the users of part p are, rising, one as often as there
 * are cases of them.  Metrics of all lists are the means of the parts'; who has which activity is
 * not known.  Made as by reco_scores_make, in twice the memory. Errors: RECO_NO_MEMORY.
 */
extern reco_status reco_scores_pool(const reco_env *env, const reco_scores *const *part,
									const int32_t *const *user, int parts, reco_scores *scores);

/*
 * A metric, by lists of k (a cutoff of the columns) where it has lengths, of the users of an
 * activity.  The error of a mean over users is their sample deviation / sqrt(users); of rmse and
 * mae, that of a ratio of sums over users, whose values go together; of coverage and gini, the
 * delete-a-group jackknife's.  False: nothing of it was measured.
 */
extern bool reco_scores_estimate(const reco_scores *scores, reco_metric metric, int32_t k,
								 reco_activity activity, reco_estimate *out);

/* The value alone, without going over the users. */
extern bool reco_scores_value(const reco_scores *scores, reco_metric metric, int32_t k,
							  reco_activity activity, double *value);

/* The difference a - b on the same users, with the error of the paired difference. */
extern bool reco_scores_difference(const reco_scores *a, const reco_scores *b, reco_metric metric,
								   int32_t k, reco_activity activity, reco_estimate *out);

#endif /* RECO_CORE_RANKING_SCORES_H */
