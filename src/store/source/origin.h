/*
 * origin.h
 *	  The tables that the users of a source come from.
 */
#ifndef RECO_STORE_SOURCE_ORIGIN_H
#define RECO_STORE_SOURCE_ORIGIN_H

#include "pg/pg.h"

#include "nodes/parsenodes.h"

/* A table, of which one column is the first column of a query. */
typedef struct RecoOrigin
{
	Oid table;
	AttrNumber column;
	int tables; /* where the query names it: with those whose rows are read with its own; else 0 */
} RecoOrigin;

/*
 * Of an analyzed and rewritten query, views replaced: RecoOrigins, each table once with the tables
 * that inherit from it or are its partitions, locked for reading; by OID.  NIL where a change of a
 * row does not tell by itself whose it is, and *why says why, as it follows "the source".
 */
extern List *reco_origins(Query *query, const char **why);

/* The column itself, through subqueries and views; false where there is no such column. */
extern bool reco_first_column(Query *query, RecoOrigin *origin);

#endif /* RECO_STORE_SOURCE_ORIGIN_H */
