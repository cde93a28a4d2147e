/*
 * evaluation.h
 *	  How well a scorer finds what was hidden from it.
 */
#ifndef RECO_CORE_SCORING_EVALUATION_H
#define RECO_CORE_SCORING_EVALUATION_H

#include "core/data/csr.h"
#include "core/ranking/metrics.h"
#include "core/scoring/scorer.h"

#define RECO_MAX_CUTOFFS 16

/* What is measured.  Arrays belong to whoever made them. */
typedef struct reco_evaluation
{
	const reco_scorer *scorer;
	/* a user as the scorer was trained on them; any thread */
	void (*profile)(void *arg, int64_t user, reco_profile *profile);
	void *arg;
	/* what was hidden of each user: they are measured who have anything here */
	reco_csr hidden;
	/* of hidden: what is 0 or below is nothing to be found; NULL: all is */
	const float *worth;
	/* whether scores predict values, and of hidden the true ones; NULL: ones */
	bool predicts;
	const float *truth;
	/* items, best first, for the places that the scorer leaves in a list */
	const reco_ranked *filler;
	int32_t fillers;
	int cutoffs; /* at most RECO_MAX_CUTOFFS; lengths of lists, in any order */
	const int32_t *cutoff;
} reco_evaluation;

/* Sums over users, in their order. */
typedef struct reco_evaluation_sums
{
	int32_t users; /* who had something to be found */
	reco_rank_metrics at[RECO_MAX_CUTOFFS];
	int32_t shown[RECO_MAX_CUTOFFS]; /* items in anybody's list */
	int32_t predicted_users;
	int64_t predicted; /* hidden values that there was a score for */
	double squared;    /* their errors' */
	double absolute;
} reco_evaluation_sums;

/* Bytes that it takes with so many threads. */
extern size_t reco_evaluation_bytes(const reco_evaluation *evaluation, int threads);

/*
 * Measures, on env->threads threads with the same result for any number.  A list is of all
 * items but the user's own, as reco_worker_list.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_evaluation_run(const reco_env *env, const reco_evaluation *evaluation,
									   reco_evaluation_sums *sums);

#endif /* RECO_CORE_SCORING_EVALUATION_H */
