/*
 * transaction.h
 *	  Procedures that commit on the way.
 */
#ifndef RECO_PG_TRANSACTION_H
#define RECO_PG_TRANSACTION_H

#include "pg/pg.h"

/* Whether all that a procedure does happens in its caller's transaction. */
extern bool reco_is_atomic(FunctionCallInfo fcinfo);

/* Commits and begins the next transaction; within an SPI connection that is not atomic. */
extern void reco_commit(void);

#endif /* RECO_PG_TRANSACTION_H */
