/*
 * stages.h
 *	  A list as stages, which take its places one after the other, under filters.
 *
 * A stage names its candidates and how many places it takes at most; what must not be in the
 * list is the filters' business alone.  A new kind of candidates is a function that finds the
 * best of them that are not in a set.
 */
#ifndef RECO_CORE_SCORING_STAGES_H
#define RECO_CORE_SCORING_STAGES_H

#include "core/scoring/scorer.h"

/*
 * The best n candidates that are not in skip, best first, to out, which has room for n;
 * *found receives how many, fewer than n where no more are left.
 */
typedef reco_status (*reco_candidates)(void *arg, const uint64_t *skip, int32_t n, reco_ranked *out,
									   int32_t *found);

typedef struct reco_stage
{
	reco_candidates candidates;
	void *arg;          /* of candidates */
	const char *source; /* the name of the stage in the list */
	int32_t quota;      /* places that it takes at most */
	/* above 0: by reco_diversify, with the likeness that a scorer knows */
	double diversity;
	const reco_scorer *alike;
} reco_stage;

typedef struct reco_filters
{
	int32_t items; /* that there are */
	uint64_t *skip;
	/* which of n items are available; NULL: all are */
	reco_status (*available)(void *arg, const int32_t *item, int32_t n, bool *available);
	void *arg;
} reco_filters;

typedef struct reco_list
{
	int32_t n; /* places, not more than there are items */
	int32_t count;
	reco_ranked *best;   /* n */
	const char **source; /* n: by which stage */
} reco_list;

/*
 * Fills the free places of a list, stage by stage.  What is put into it, and what was found not
 * to be available, is in skip afterwards.  Candidates that are not available are replaced by
 * the next best: larger and larger batches are asked for.
 * Cost: that of the candidates; of each batch a question to available.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED, and those of candidates and available.
 */
extern reco_status reco_list_fill(const reco_env *env, const reco_stage *stage, int stages,
								  const reco_filters *filters, reco_list *list);

/* Candidates by an array of scores, of at least `least`. */
typedef struct reco_by_score
{
	reco_env env; /* polled */
	const float *score;
	int32_t items;
	float least;
} reco_by_score;

extern reco_status reco_best_by_score(void *arg, const uint64_t *skip, int32_t n, reco_ranked *out,
									  int32_t *found);

/* Candidates in an order that is given, with a score for each item. */
typedef struct reco_by_order
{
	reco_env env; /* polled */
	const int32_t *order;
	const float *score;
	int32_t items;
} reco_by_order;

extern reco_status reco_best_by_order(void *arg, const uint64_t *skip, int32_t n, reco_ranked *out,
									  int32_t *found);

/*
 * Candidates that are similar to an item, in the order of reco_scorer_similar: scores are
 * similarities.  As long as too many of them are in skip, it is made anew, twice as long or more.
 */
typedef struct reco_by_similarity
{
	reco_env env; /* allocates */
	const reco_scorer *scorer;
	int32_t item;
	/* found so far, the longest list that was made; all zeros at first */
	reco_similar *similar;
	int32_t most;
	int32_t count;
} reco_by_similarity;

extern reco_status reco_best_by_similarity(void *arg, const uint64_t *skip, int32_t n,
										   reco_ranked *out, int32_t *found);
extern void reco_by_similarity_free(reco_by_similarity *by);

#endif /* RECO_CORE_SCORING_STAGES_H */
