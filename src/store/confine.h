/*
 * confine.h
 *	  What a query of an owner's could find in the session of whoever calls.
 */
#ifndef RECO_STORE_CONFINE_H
#define RECO_STORE_CONFINE_H

#include "pg/pg.h"

#include "nodes/parsenodes.h"

/*
 * Whether a query, as the rewriter leaves it, runs code that looks names up itself:
 * functions, aggregates and checks of domains outside of pg_catalog that are not in C.
 */
extern bool reco_runs_code(Query *query);

/* Whether this session has a temporary schema with anything in it. */
extern bool reco_has_temporary_objects(void);

#endif /* RECO_STORE_CONFINE_H */
