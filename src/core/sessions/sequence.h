/*
 * sequence.h
 *	  Sequential rules: what comes after an item.
 *
 *	 w(a, b) = sum over events on b that come d events after one on a, d <= steps, of 1 / d^exponent
 *
 * over the events of all users.  With one step it is a Markov chain.  Source: Ludewig and Jannach
 * 2018 ("SR").
 */
#ifndef RECO_CORE_SESSIONS_SEQUENCE_H
#define RECO_CORE_SESSIONS_SEQUENCE_H

#include "core/data/ordered.h"
#include "core/neighbors/measure.h"

#define RECO_SEQUENCE_STEPS 100

typedef struct reco_sequence_params
{
	int32_t steps; /* from 1 to RECO_SEQUENCE_STEPS */
	double exponent;
	int32_t neighbors; /* the rules of an item that are kept: those of the largest weight */
} reco_sequence_params;

/* What 1 / d^exponent comes to, for d from 1 on, to n floats. */
extern void reco_sequence_weights(double exponent, int32_t n, float *out);

/*
 * The items that come after each, the heaviest first, ties by number; an item may come after
 * itself.  The arrays belong to the caller.
 * Cost: events times steps.  Memory: reco_sequence_memory, result included.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_sequence_find(const reco_env *env, const reco_ordered *events,
									  int32_t users, int32_t items,
									  const reco_sequence_params *params, reco_neighbors *out);
/* For so many events. */
extern size_t reco_sequence_memory(int64_t events, int32_t items,
								   const reco_sequence_params *params);

#endif /* RECO_CORE_SESSIONS_SEQUENCE_H */
