/*
 * transaction.h
 *	  Procedures that commit on the way; work in subtransactions.
 */
#ifndef RECO_PG_TRANSACTION_H
#define RECO_PG_TRANSACTION_H

#include "pg/pg.h"

/* Whether all that a procedure does happens in its caller's transaction. */
extern bool reco_is_atomic(FunctionCallInfo fcinfo);

/* Commits and begins the next transaction; within an SPI connection that is not atomic. */
extern void reco_commit(void);

/*
 * Runs work in a subtransaction, which a parallel query cannot have.  NULL, or the
 * error that it ended with, rolled back.
 */
extern ErrorData *reco_try(void (*work)(void *arg), void *arg);

/* The same, rolled back in either case: locks and settings go, what it allocated stays. */
extern ErrorData *reco_peek(void (*work)(void *arg), void *arg);

#endif /* RECO_PG_TRANSACTION_H */
