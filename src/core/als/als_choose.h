/*
 * als_choose.h
 *	  The weight of an interaction and the regularization that suit a matrix.
 */
#ifndef RECO_CORE_ALS_ALS_CHOOSE_H
#define RECO_CORE_ALS_ALS_CHOOSE_H

#include "core/als/als.h"
#include "core/data/shape.h"

/*
 * Of the implicit model: fills in alpha and regularization where they are NaN.  With t the
 * structure of the matrix (shape.h), m the mean of |v|, n_u and n_i the mean numbers of
 * interactions of a user and of an item:
 *
 *	 alpha			a / m with a = (0.04 / density, kept within 1 and 40)^t
 *	 regularization	(3 - 2 t) sqrt(1 + alpha m) (sqrt(n_u) + sqrt(n_i));
 *					weighted: that over sqrt((columns + alpha m n_u) (rows + alpha m n_i)), which
 *					is as much for a user and an item of mean size
 *
 * n_u and n_i say where the spectrum of what is noise ends: a random matrix with entries of
 * variance s^2 has singular values up to s (sqrt(rows) + sqrt(columns)), and only what is above
 * should become factors.  sqrt(1 + alpha m) is how an entry of the weighted matrix varies.  Where
 * there is no structure, three times as much leaves popularity and little else.
 *
 * Both are within their limits.
 */
extern void reco_als_choose(const reco_shape *shape, reco_als_params *params);

/* The alpha at which an interaction weighs s times as much as what is missing. */
extern double reco_als_alpha(const reco_shape *shape, double s);

/* Some times the edge of what is noise, with that alpha and without weights. */
extern double reco_als_regularization(const reco_shape *shape, double alpha, double times);

#endif /* RECO_CORE_ALS_ALS_CHOOSE_H */
