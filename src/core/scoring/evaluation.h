/*
 * evaluation.h
 *	  How well a scorer finds what was hidden from it.
 */
#ifndef RECO_CORE_SCORING_EVALUATION_H
#define RECO_CORE_SCORING_EVALUATION_H

#include "core/data/csr.h"
#include "core/ranking/scores.h"
#include "core/scoring/scorer.h"

/* What is measured.  Arrays belong to whoever made them. */
typedef struct reco_evaluation
{
	const reco_scorer *scorer;
	/* a user as the scorer was trained on them; any thread */
	void (*profile)(void *arg, int64_t user, reco_profile *profile);
	void *arg;
	/* who is measured, rising: users, rows of hidden */
	int32_t users;
	const int32_t *user;
	/* what was hidden of each user */
	reco_csr hidden;
	/* of hidden: its gains; what is 0 or below is nothing to be found; NULL: ones */
	const float *worth;
	/* whether scores predict values, and of hidden the true ones; NULL: ones */
	bool predicts;
	const float *truth;
	/* items, best first, for the places that the scorer leaves in a list */
	const reco_ranked *filler;
	int32_t fillers;
	/* of items, as reco_judge has them; NULL: not wanted */
	const float *share;
	const float *information;
} reco_evaluation;

/* Bytes that it takes with so many threads, beside the scores. */
extern size_t reco_evaluation_bytes(const reco_evaluation *evaluation, const reco_columns *columns,
									int threads);

/*
 * Measures what the columns of scores ask for, which are made for as many users; on env->threads
 * threads with the same result for any number.  A list is of all items but the user's own, as
 * reco_worker_list.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_evaluation_run(const reco_env *env, const reco_evaluation *evaluation,
									   reco_scores *scores);

#endif /* RECO_CORE_SCORING_EVALUATION_H */
