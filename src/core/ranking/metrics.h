/*
 * metrics.h
 *	  What is measured, and how good a ranked list is.
 */
#ifndef RECO_CORE_RANKING_METRICS_H
#define RECO_CORE_RANKING_METRICS_H

#include "core/data/csr.h"
#include "core/data/topn.h"

#define RECO_MAX_CUTOFFS 16

/*
 * Relevant items are those that were hidden from a user and that a list should find; k is the
 * length of the list, n its items where it is shorter.
 */
typedef enum reco_metric
{
	/* of each user's list, by length */
	RECO_METRIC_PRECISION, /* hits / k, also when the list is shorter */
	RECO_METRIC_RECALL,    /* hits / relevant */
	/* the same of the relevant items that the user had before, and of those that are new to them */
	RECO_METRIC_RECALL_REPEATED,
	RECO_METRIC_RECALL_NEW,
	RECO_METRIC_NDCG,        /* gain 1, discount log2(rank + 1), ideal of min(k, relevant) items */
	RECO_METRIC_NDCG_GRADED, /* the same; gain: the value, 0 where that is below */
	RECO_METRIC_HIT_RATE,    /* 1 if there is any hit */
	RECO_METRIC_MAP,         /* sum over hits of the precision at their rank / min(k, relevant) */
	RECO_METRIC_MRR,         /* 1 / rank of the first hit, 0 without one */
	RECO_METRIC_NOVELTY,     /* mean over n of -log2(share of users who have the item) */
	RECO_METRIC_POPULARITY,  /* mean over n of that share */
	RECO_METRIC_DIVERSITY,   /* diversity.h */
	/* of each user, over all items */
	RECO_METRIC_AUC, /* auc.h */
	/* of all lists together, by length */
	RECO_METRIC_COVERAGE, /* shown.h */
	RECO_METRIC_GINI,
	/* of predicted values */
	RECO_METRIC_RMSE, /* root of the mean squared error, over values */
	RECO_METRIC_MAE,  /* mean absolute error */
	RECO_METRICS
} reco_metric;

#define RECO_METRIC_BIT(metric) (1u << (metric))

/* Those that need a user's list. */
#define RECO_METRICS_OF_LISTS                                                                      \
	((RECO_METRIC_BIT(RECO_METRIC_DIVERSITY + 1) - 1) | RECO_METRIC_BIT(RECO_METRIC_COVERAGE) |    \
	 RECO_METRIC_BIT(RECO_METRIC_GINI))
/* Those that tell what a user had before from what is new. */
#define RECO_METRICS_OF_REPEATS                                                                    \
	(RECO_METRIC_BIT(RECO_METRIC_RECALL_REPEATED) | RECO_METRIC_BIT(RECO_METRIC_RECALL_NEW))
#define RECO_METRICS_OF_VALUES                                                                     \
	(RECO_METRIC_BIT(RECO_METRIC_RMSE) | RECO_METRIC_BIT(RECO_METRIC_MAE))

/*
 * Numbers of one user, a column each: for each metric of lists that is asked for one a length,
 * for auc one, for values three: how many were predicted, and the sums of their squared and of
 * their absolute errors.  Metrics of all lists have none.
 */
typedef struct reco_columns
{
	unsigned metrics; /* RECO_METRIC_BIT each */
	int cutoffs;
	int32_t cutoff[RECO_MAX_CUTOFFS]; /* each at least 1, in any order */
	int32_t largest;
	int first[RECO_METRICS]; /* of the metric; -1: it has none */
	int n;
} reco_columns;

extern void reco_columns_of(unsigned metrics, const int32_t *cutoff, int cutoffs,
							reco_columns *columns);

/* What lists are judged by. */
typedef struct reco_judge
{
	const reco_columns *columns;
	/*
	 * items: how many of so many users have it, and -log2 of that share; NULL: neither novelty
	 * nor popularity is asked for
	 */
	const int32_t *have;
	const double *information;
	double users;
	int order[RECO_MAX_CUTOFFS]; /* cutoffs by length */
	double *discount;            /* largest: 1 / log2(rank + 1) */
	double *ideal;               /* largest + 1: the sums of the first discounts */
} reco_judge;

/* What a list should find of a user: at least one item. */
typedef struct reco_wanted
{
	int64_t n;
	const int32_t *item; /* n, rising */
	const float *gain;   /* n, above 0; NULL: ones */
	/* the largest of the gains, falling: min(n, largest); read where ndcg_graded is asked for */
	const reco_ranked *best;
	/* what the user had before: had_n, rising; read where RECO_METRICS_OF_REPEATS are asked for */
	int64_t had_n;
	const int32_t *had;
} reco_wanted;

/*
 * columns is kept, and the arrays of items are filled in by whoever wants them.
 * Errors: RECO_NO_MEMORY.  Takes 16 bytes a place.
 */
extern reco_status reco_judge_make(const reco_env *env, const reco_columns *columns,
								   reco_judge *judge);
extern void reco_judge_free(const reco_env *env, reco_judge *judge);

/*
 * Judges a list of n items, by each length, to row: the columns of metrics that a list alone
 * decides; others are left as they are.  What cannot be told, as novelty of an empty list or
 * recall of nothing, is NAN.  Any thread.
 */
extern void reco_judge_list(const reco_judge *judge, const reco_ranked *list, int32_t n,
							const reco_wanted *wanted, double *row);

/*
 * How many users of a have anything, and of the items, the first a->cols of which are those of a:
 * how many have it, with a value above 0, and -log2 of that share.  An item that nobody has says as
 * much as one that a single user has.  Errors: RECO_STOPPED.
 */
extern reco_status reco_readers(const reco_env *env, const reco_csr *a, int32_t items,
								int32_t *have, double *information, double *users);

#endif /* RECO_CORE_RANKING_METRICS_H */
