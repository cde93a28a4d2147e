/*
 * confine.h
 *	  What a query of an owner's could find in the session of whoever calls.
 */
#ifndef RECO_STORE_SOURCE_CONFINE_H
#define RECO_STORE_SOURCE_CONFINE_H

#include "pg/pg.h"

#include "nodes/parsenodes.h"

/* Code outside of pg_catalog that looks up names itself: not in C. */
typedef struct RecoCode
{
	bool any;  /* functions, aggregates and checks of domains that a query calls */
	Oid unset; /* one of a procedural language, without a search_path of its own; or 0 */
} RecoCode;

/* Of a query as the rewriter leaves it. */
extern RecoCode reco_code_of(Query *query);

/* Adds that of a function. */
extern void reco_code_add_function(RecoCode *code, Oid function);

/*
 * Adds what planning a query of a table may call: in expressions and conditions of its indexes and
 * statistics, in its checks, and in what it is partitioned by.
 */
extern void reco_code_add_table(RecoCode *code, Oid table);

/* Of the checks of domains that a type is made of. */
extern RecoCode reco_code_of_type(Oid type);

/*
 * An error when a query of an owner's could find something of the session's.  caller: the
 * current user before the owner.  Nothing is found in a session of the owner's own, or of
 * somebody who may do what the owner may.
 */
extern void reco_confine(const char *what, const RecoCode *code, Oid owner, Oid caller);
extern bool reco_is_owners_session(Oid owner, Oid caller);

#endif /* RECO_STORE_SOURCE_CONFINE_H */
