/*
 * lock.h
 *	  The lock that keeps two trainings of a model apart.
 */
#ifndef RECO_STORE_TABLES_LOCK_H
#define RECO_STORE_TABLES_LOCK_H

#include "pg/pg.h"

/*
 * Takes the lock, for the session (which must give it back) or until the end of the
 * transaction.  False when another session has it and dont_wait.
 */
extern bool reco_training_lock(Oid schema, bool for_session, bool dont_wait);
extern void reco_training_unlock(Oid schema);

/*
 * Whether some session trains the model now; on a standby nobody does.  Looking is in nobody's
 * way, but one that is just between two transactions of its training is not seen.
 */
extern bool reco_training_runs(Oid schema);

/* The same, of any other session, for certain; the lock is taken for a moment. */
extern bool reco_training_held(Oid schema);

#endif /* RECO_STORE_TABLES_LOCK_H */
