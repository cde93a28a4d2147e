/*
 * ridge.h
 *	  Factors of items of which nothing but features is known: ridge regression.
 *
 * Items that have interactions have factors y_i; with x_i their features, standardized, weights
 * w_i = n_i / (n_i + RECO_RIDGE_SHRINKAGE) that sum up to W, and c and m the weighted means of
 * x and y,
 *
 *	 B = argmin  1/W sum_i w_i |y_i - m - B'(x_i - c)|^2 + lambda |B|^2
 *
 * and an item without interactions gets m + B'(x_i - c), what is to be expected of one of its
 * features.  A score is linear in the factors, so it becomes the expected score.  Where items are
 * ranked, the first of many known ones are such whose scores are too high, and expectations vary
 * less: by R, the root of the variance that they explain.  B'(x_i - c) / R^lift, lift 1, varies as
 * much as y_i - m does.
 *
 * Features are those of content.h: a column for each term and each number, each field scaled so
 * that the mean of |x|^2 in it is 1; a number that is missing is the mean.  Columns that no item
 * with interactions has say nothing; an item that has no others keeps what it has.  lambda is
 * chosen by the error on a fifth of the items, from a grid.
 *
 * Solved by conjugate gradients with the diagonal as preconditioner, RECO_RIDGE_BLOCK columns of
 * y at a time.  The same bits for any number of threads.
 *
 * Cost: two passes over the features' entries for each step and column, some tens of steps, for
 * lambda some hundreds of the first block alone.
 * Sources: Hoerl and Kennard 1970; Gantner et al. 2010, "Learning attribute-to-feature mappings
 * for cold-start recommendations".
 */
#ifndef RECO_CORE_CONTENT_RIDGE_H
#define RECO_CORE_CONTENT_RIDGE_H

#include "core/content/content.h"

/* An item of so many interactions counts half. */
#define RECO_RIDGE_SHRINKAGE 10

#define RECO_RIDGE_BLOCK 32

typedef struct reco_ridge
{
	int32_t known;     /* items with interactions and features, that it was learned from */
	int32_t predicted; /* items that got theirs by it */
	double lambda;
	double explained; /* share of the variance of those that were left out to choose lambda */
} reco_ridge;

/* Upper bound of what reco_ridge_predict allocates. */
extern size_t reco_ridge_memory(const reco_env *env, const reco_content *content);

/*
 * n_i: start[i + 1] - start[i].  y: items x stride, the first `columns` of each row; those of items
 * without interactions are replaced, none by more than the largest of its column.
 * lift: from 0, what is to be expected, to 1.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_ridge_predict(const reco_env *env, const reco_content *content,
									  const int64_t *start, float *y, int columns, int stride,
									  double lift, reco_ridge *out);

#endif /* RECO_CORE_CONTENT_RIDGE_H */
