/*
 * evaluation.h
 *	  How well a scorer finds what was hidden from it.
 */
#ifndef RECO_CORE_SCORING_EVALUATION_H
#define RECO_CORE_SCORING_EVALUATION_H

#include "core/data/csr.h"
#include "core/ranking/scores.h"
#include "core/scoring/prefixes.h"
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
	/*
	 * what was hidden of each user.  Items after the scorer's last are in no list, and nothing is
	 * predicted for them.
	 */
	reco_csr hidden;
	/*
	 * So many users at the end of hidden are not the scorer's: they get the filler or, with
	 * `misses`, nothing, and nothing is predicted for them.
	 */
	int32_t strangers;
	bool misses;
	/*
	 * Users are cases, and profiles what is known of each before; who has nothing then is a
	 * stranger. NULL: they are as above.
	 */
	reco_prefixes *prefixes;
	bool repeats; /* a user's own items are to be found, too, and stay in lists */
	/* of hidden: its gains; what is 0 or below is nothing to be found; NULL: ones */
	const float *worth;
	/* whether scores predict values, and of hidden the true ones; NULL: ones */
	bool predicts;
	const float *truth;
	/*
	 * items, best first, for the places that the scorer leaves in a list; and, for auc of whom it
	 * says nothing, a score for each
	 */
	const reco_ranked *filler;
	int32_t fillers;
	const float *fallback;
	/* of items and users, as reco_judge has them: who have them in the training part */
	const int32_t *have;
	const double *information;
	double have_users;
	/*
	 * Users: for whom diversity and auc are measured where they are asked for, RECO_SAMPLED_ each;
	 * NULL: for nobody.
	 */
	const uint8_t *sampled;
	const reco_csr *train; /* for diversity, with have: what the items' users are */
} reco_evaluation;

#define RECO_SAMPLED_LIST 1 /* diversity */
#define RECO_SAMPLED_AUC 2

/* Bytes that it takes with so many threads, beside the scores. */
extern size_t reco_evaluation_bytes(const reco_evaluation *evaluation, const reco_columns *columns,
									int threads);

/*
 * Measures what the columns of scores ask for, which are made for as many users; on env->threads
 * threads with the same result for any number.  A list is of all items but the user's own, as
 * reco_worker_list.  Where the scores keep what is said, that is of each user whom the scorer knows
 * up to RECO_SAID_EACH hidden values that are predicted, evenly by their items, or where none are
 * to be predicted the scores of the first places of the list, and whether each item was to be
 * found. Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_evaluation_run(const reco_env *env, const reco_evaluation *evaluation,
									   reco_scores *scores);

#endif /* RECO_CORE_SCORING_EVALUATION_H */
