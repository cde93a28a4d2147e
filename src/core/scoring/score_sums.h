/*
 * score_sums.h
 *	  Scores that are sums over neighbors: what lists of similar items and lists of similar
 *	  users have in common.
 */
#ifndef RECO_CORE_SCORING_SCORE_SUMS_H
#define RECO_CORE_SCORING_SCORE_SUMS_H

#include "core/scoring/scorer.h"

/*
 * How sums become scores, with x the value of an interaction and s a similarity, over the
 * interactions that count for an item:
 *
 *	 sum		sum x s
 *	 averaged	sum x s / sum s
 *	 biases		b_ui + sum (x - b) s / sum s,	b_ui = mean + b_u + b_i
 *
 * The last two predict values.  Similarities above 0 make a weighted mean, which is within the
 * range of what it is a mean of.
 */
typedef struct reco_sum_scorer
{
	reco_scorer head;
	bool averaged;
	const float *item_bias; /* items; NULL: no biases */
	double mean;
} reco_sum_scorer;

/* mean + b_u + b_i where the model has biases, else 0. */
static inline double
reco_sum_baseline(const reco_sum_scorer *s, double user_bias, int32_t item)
{
	return s->item_bias ? s->mean + user_bias + s->item_bias[item] : 0;
}

/* The score of an item from its sums; -infinity when nothing is known. */
extern float reco_sum_final(const reco_sum_scorer *s, double user_bias, int32_t item, double sum,
							double weight);

/*
 * The scratch of a seat: sums by item, and which lines of them, of RECO_LINE items, were
 * added to.  A family's gather method adds, once for a user; everything else is here.
 */
typedef struct reco_sum_scratch
{
	bool gathered;
	/*
	 * 1 each: a store, where a bit would have to be read first; of a type that nothing else here
	 * has, so that it cannot be of what is read
	 */
	uint16_t *line;
	double *sum;    /* items, to whole lines */
	double *weight; /* the same; NULL: the score is the sum */
} reco_sum_scratch;

/* Adds a part of an item's score. */
static inline void
reco_sum_add(const reco_sum_scratch *t, int32_t item, double part, double weight)
{
	t->line[(uint32_t) item / RECO_LINE] = 1;
	t->sum[item] += part;
	if (t->weight)
		t->weight[item] += weight;
}

/*
 * What a family adds up: everything of a user, or one item's sums (NULL: some scores are taken from
 * all sums), which it looks for in so many rows of so many entries.  RECO_STOPPED, or fine.
 */
typedef struct reco_sum_methods
{
	reco_status (*gather)(reco_seat *seat, const reco_sum_scratch *scratch);
	void (*of_item)(const reco_seat *seat, int32_t item, double *sum, double *weight);
	void (*rows)(const reco_seat *seat, int64_t *rows, int64_t *entries);
} reco_sum_methods;

/* For a family's methods of the same names: these with their reco_sum_methods. */
extern size_t reco_sum_scratch_bytes(const reco_scorer *scorer);
/* Whether the sums of an open seat have been gathered. */
extern bool reco_sum_gathered(const reco_seat *seat);
extern void reco_sum_close(reco_seat *seat);
extern reco_status reco_sum_score(reco_seat *seat, const reco_sum_methods *methods, float *score);
extern reco_status reco_sum_some(reco_seat *seat, const reco_sum_methods *methods,
								 const int32_t *item, int32_t n, float *score);
extern int32_t reco_sum_top(reco_seat *seat, const reco_sum_methods *methods, const uint64_t *skip,
							int32_t n, reco_ranked *out);

/* Without biases nothing but what was added to has a score. */
extern bool reco_sum_is_sparse(const reco_scorer *scorer);
extern reco_status reco_sum_mark(reco_seat *seat, const reco_sum_methods *methods, uint16_t *line);
/* Makes the sums zeros again. */
extern reco_status reco_sum_take(reco_seat *seat, const int32_t *line, int32_t n, float *score);

/* The user's bias, where the model has biases. */
extern reco_status reco_sum_fold_in(const reco_env *env, const reco_scorer *scorer,
									reco_profile *profile);

#endif /* RECO_CORE_SCORING_SCORE_SUMS_H */
