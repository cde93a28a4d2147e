/*
 * neighbors_gram.h
 *	  The k nearest neighbors of every row, by products that are known already.
 *
 * Where X'X is given, but not X: sums that come from elsewhere, or have noise in them.  Rows are
 * sets, so an element of the diagonal is how many columns a row has, and each other one how many
 * two have in common.
 */
#ifndef RECO_CORE_NEIGHBORS_NEIGHBORS_GRAM_H
#define RECO_CORE_NEIGHBORS_NEIGHBORS_GRAM_H

#include "core/linear/packed.h"
#include "core/neighbors/measure.h"

/* Whether a measure with these parameters needs nothing but such products. */
extern bool reco_neighbors_gram_takes(const reco_neighbors_params *params);

/* Upper bound of what reco_neighbors_gram allocates, result included. */
extern size_t reco_neighbors_gram_memory(const reco_neighbors_params *params, int32_t rows);

/*
 * As reco_neighbors_find, of pairs of at least `least` common columns; a row has at least 1, and
 * at most as many in common with another as the shorter has.  The same bits for any number of
 * threads.  Cost: rows^2 light steps.  RECO_INVALID, RECO_NO_MEMORY, RECO_STOPPED; nothing is left
 * allocated then.
 */
extern reco_status reco_neighbors_gram(const reco_env *env, const reco_neighbors_params *params,
									   const reco_packed *gram, double least, reco_neighbors *out);

#endif /* RECO_CORE_NEIGHBORS_NEIGHBORS_GRAM_H */
