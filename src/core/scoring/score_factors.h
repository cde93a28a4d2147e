/*
 * score_factors.h
 *	  Scorers whose scores are inner products of factors.
 */
#ifndef RECO_CORE_SCORING_SCORE_FACTORS_H
#define RECO_CORE_SCORING_SCORE_FACTORS_H

#include "core/als/als.h"
#include "core/scoring/scorer.h"

/*
 * score = mean + b_u + b_i + p.q.  A family of factor models that finds users in another way
 * embeds this one and takes the methods below.
 */
typedef struct reco_factor_scorer
{
	reco_scorer head;
	int factors;
	int stride;             /* of item and of a profile's factors; a multiple of 16 */
	const float *item;      /* items x stride, rows on cache lines */
	const float *item_bias; /* items; NULL: none */
	double mean;
	const void *index; /* pruned.h, of item and item_bias; NULL: none */
	/* reco_factor_moments_find; NULL: not known */
	const double *moments;
} reco_factor_scorer;

/* Numbers that the moments of so many factors are, with biases or without. */
static inline int64_t
reco_factor_moments_size(int factors, bool biased)
{
	int64_t d = factors + (biased ? 1 : 0);

	return d * (d + 1);
}

/*
 * The means of the items' factors, with their bias behind them where they have one, and then the
 * means of their products: of all items' scores a user's factors make the mean and the standard
 * deviation of these, without a look at an item.
 * Cost: items factors^2 / 2 multiply-adds.  Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_factor_moments_find(const reco_env *env, const float *item, int32_t items,
											int factors, int stride, const float *bias,
											double *moments);

/*
 * For an open seat of a scorer with moments: those of the scores of all items.  *deviation 0: as
 * far as float4 tells, scores are all the same.
 */
extern void reco_factor_moments(const reco_seat *seat, double *mean, double *deviation);

/* score + bias, mean in float4, as every factor model's scores have them. */
static inline float
reco_factor_base(const reco_factor_scorer *f, const reco_profile *profile)
{
	return (float) (f->mean + profile->bias);
}

extern bool reco_factor_has_index(const reco_scorer *scorer);

/* Scores are the user's own where a factor of theirs is not 0. */
extern bool reco_factor_is_personal(const reco_seat *seat);
extern reco_status reco_factor_score(reco_seat *seat, float *score);
extern reco_status reco_factor_some(reco_seat *seat, const int32_t *item, int32_t n, float *score);
/* By the index where there is one: pruned.c says what it costs. */
extern int32_t reco_factor_top(reco_seat *seat, const uint64_t *skip, int32_t n, reco_ranked *out);
/* Cosines of the items' factors. */
extern double reco_factor_alike(const reco_scorer *scorer, int32_t a, int32_t b);
extern reco_status reco_factor_similar(const reco_env *env, const reco_scorer *scorer, int32_t item,
									   int32_t n, reco_similar *out, int32_t *count);
/*
 * Changes contributions so that they add up to `sum` exactly but for rounding: what they lack
 * goes to them by their size.  RECO_STOPPED.
 */
extern reco_status reco_factor_share_out(const reco_env *env, double sum, double *contribution,
										 int64_t n);

/* Alternating least squares, implicit and explicit. */
typedef struct reco_als_scorer
{
	reco_factor_scorer factor; /* .head.type: &reco_als_scorer_type */
	reco_als_params params;
	const double *gram; /* factors x factors, of the implicit model: reco_als_gram */
} reco_als_scorer;

/*
 * Folds in by the exact solve of one row, and explains with its contributions, shared out so
 * that they add up to the score that is shown.
 */
extern const reco_scorer_type reco_als_scorer_type;

#endif /* RECO_CORE_SCORING_SCORE_FACTORS_H */
