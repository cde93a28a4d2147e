/*
 * session_linear.h
 *	  SLIST: a linear model between the items of sessions in closed form.
 *
 *	 G = a X'X + (1 - a) S'S			X: a row a session, 1 / n for each of its n items
 *	 C = a X'X0 + (1 - a) S'T			X0: 1 for each of them
 *	 B = (G + lambda I)^-1 C			S: a row for each event, 1 for its item
 *										T: for each later event of the session e^(-(gap - 1) / d),
 *										gap being how many events later it is
 *
 * a, the blend, weighs what is in one session against what comes after what.  A session's scores
 * are the sum of the rows of B of its last events, each counting e^(-steps back / decay).  Of each
 * row the largest weights by size are kept, of either sign, that of the item itself among them.
 *
 * Source: Choi, Kim, Lee, Shim and Lee 2021, "Session-aware linear item-item models for
 * session-based recommendation", without its weights by the age of sessions.
 */
#ifndef RECO_CORE_REGRESSION_SESSION_LINEAR_H
#define RECO_CORE_REGRESSION_SESSION_LINEAR_H

#include "core/data/csr.h"
#include "core/data/ordered.h"
#include "core/neighbors/measure.h"

/* What counts less than this share of the nearest is left out; and so many events at most. */
#define RECO_SESSION_LEAST 1e-4
#define RECO_SESSION_STEPS 64

typedef struct reco_session_linear_params
{
	double blend;          /* 0 to 1 */
	double regularization; /* lambda, above 0 */
	double gap_decay;      /* d; 0: none */
	int neighbors;         /* weights that are kept of an item, at least 1 */
} reco_session_linear_params;

/* How many steps count with a decay (0: none), and how much the one after `steps` others does. */
extern int reco_session_steps(double decay);
extern double reco_session_weight(double decay, int steps);

/* Upper bound of what reco_session_linear_fit allocates at once, result included. */
extern size_t reco_session_linear_memory(const reco_session_linear_params *params,
										 const reco_csr *by_session, int64_t events, int threads);

/*
 * by_session: the items of each session, whatever their values; events: of as many sessions.  The
 * list of item i has the largest of B_i by size, the largest first, equal ones by number.  The
 * result has the same bits for any number of threads; its arrays belong to the caller (nothing is
 * left allocated on failure).  progress may be NULL.
 * Cost: 2 items^3 flops at most for the inverse, and items products of it with the entries of C.
 * RECO_SINGULAR: the regularization is too small (inverse.h).  RECO_INVALID, RECO_NO_MEMORY,
 * RECO_STOPPED.
 */
extern reco_status reco_session_linear_fit(const reco_env *env,
										   const reco_session_linear_params *params,
										   const reco_csr *by_session, const reco_ordered *events,
										   void (*progress)(void *arg, int32_t step, int32_t steps),
										   void *arg, reco_neighbors *out);

#endif /* RECO_CORE_REGRESSION_SESSION_LINEAR_H */
