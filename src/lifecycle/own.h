/*
 * own.h
 *	  What in a model's schema is the model's own.
 */
#ifndef RECO_LIFECYCLE_OWN_H
#define RECO_LIFECYCLE_OWN_H

#include "pg/pg.h"

#include "catalog/objectaddress.h"

/*
 * Its tables, views and functions, whoever they belong to: relations under the names that
 * sql/model gives, and functions that call what stands behind them.
 */
extern List *reco_own_objects(Oid schema);

/*
 * Drops a model with its schema, and nothing else: an error that names what is in the
 * schema besides, or depends on what goes, in words of "cannot VERB model".  Rights must
 * have been checked.
 */
extern void reco_own_drop(Oid schema, const char *verb);

#endif /* RECO_LIFECYCLE_OWN_H */
