/*
 * neighbors.h
 *	  The k nearest neighbors of every row of a sparse matrix.
 *
 * Rows are the entities that are compared (items, or users), columns what they
 * are described by.  A pair's similarity depends on its dot product over the
 * common columns and on a few statistics of either row:
 *
 *	 s(a | b) = scale dot / (x_a y_b + u_a + w_b - v dot + shrinkage)
 *
 * is the form of all but one of the measures below: s(a | b) is the weight that
 * b, being in a history, gives to a.  In the symmetric ones s(a | b) = s(b | a).
 * c counts common columns, n_a those of a, N all columns, |a| is the Euclidean
 * norm; "dot" of the set measures is c.
 *
 *	 cosine			dot / (|a| |b| + h)
 *	 asymmetric		dot / (|a|^2e |b|^2(1-e) + h)
 *	 jaccard		c / (n_a + n_b - c + h)
 *	 dice			2 c / (n_a + n_b + h)
 *	 tversky		c / (c + alpha (n_a - c) + beta (n_b - c) + h)
 *	 conditional	c / (n_b + h), the share of b's columns that a has
 *	 lift			c N / (n_a n_b + h)
 *	 llr			Dunning's log-likelihood ratio of the 2 x 2 table of a and b, where they
 *					meet more often than by chance, c N > n_a n_b; else 0
 *	 walk			two steps of a random walk from a to b, over n_b^beta (RP3beta):
 *					sum over columns (x_a / |a|_1)^alpha (x_b / |column|_1)^alpha / n_b^beta
 *
 * Only pairs with a similarity above 0 and at least min_support common columns
 * are neighbors.  Ties go by row number.
 *
 * Sources: Sarwar et al. 2001 (item-based), Aiolli 2013 (asymmetric cosine),
 * Dunning 1993 (LLR), Christoffel et al. 2015 and Paudel et al. 2017 (RP3beta),
 * Dacrema et al. 2021 for shrinkage and weighting as they are used together.
 */
#ifndef RECO_CORE_NEIGHBORS_NEIGHBORS_H
#define RECO_CORE_NEIGHBORS_NEIGHBORS_H

#include "core/neighbors/measure.h"

/*
 * Upper bound of what reco_neighbors_find allocates at once, result included.
 */
extern size_t reco_neighbors_memory(const reco_neighbors_params *params, int32_t rows,
									int32_t columns, int64_t entries, int threads);

/*
 * For each row a, the k rows b of the largest s(a | b); for conditional, whose
 * question is "who has a, has also", the k rows b of the largest s(b | a).
 * The result has the same bits for any number of threads; its arrays belong to the caller (nothing
 * is left allocated on failure). Cost: half of the sum over columns of (entries in it)^2, plus
 * rows^2 / 2 light steps where the pairs are dense. Errors: RECO_INVALID, RECO_NO_MEMORY,
 * RECO_STOPPED.
 */
extern reco_status reco_neighbors_find(const reco_env *env, const reco_neighbors_params *params,
									   const reco_csr *by_row, reco_neighbors *out);

/*
 * The lists reversed: out's list of b holds all a in whose list b
 * is, the most similar first.
 */
extern reco_status reco_neighbors_reverse(const reco_env *env, const reco_neighbors *n,
										  reco_neighbors *out);

/*
 * RP3beta's last steps: scales each list to a sum of 1 (when normalize), reverses
 * the lists and keeps the k largest of each.  n is freed.
 */
extern reco_status reco_neighbors_walk_end(const reco_env *env, reco_neighbors *n, bool normalize,
										   int k, reco_neighbors *out);

#endif /* RECO_CORE_NEIGHBORS_NEIGHBORS_H */
