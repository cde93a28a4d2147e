/*
 * query.h
 *	  The queries of a model: their texts, and as whom they run.
 */
#ifndef RECO_STORE_SOURCE_QUERY_H
#define RECO_STORE_SOURCE_QUERY_H

#include "pg/pg.h"

#include "executor/spi.h"

/*
 * Who reads the source.  The text of a model is run as its owner, under
 * SECURITY_RESTRICTED_OPERATION and a search_path of its own; the text that a
 * caller has just handed over, as in reco.evaluate, as the caller.
 */
typedef struct RecoRunAs
{
	bool restricted;
	Oid role;
	const char *search_path;
} RecoRunAs;

/* For statements of our own, which name all by its schema, as a model's owner. */
static inline RecoRunAs
reco_run_as(Oid owner)
{
	return (RecoRunAs){true, owner, "pg_catalog"};
}

/* search_path under which a resolved text is read: it names everything by its schema. */
#define RECO_RESOLVED_PATH "pg_catalog"

typedef struct RecoIdentity
{
	Oid user;
	int sec_context;
	int guc_level;
	bool restricted;
} RecoIdentity;

extern void reco_become(const RecoRunAs *as, RecoIdentity *before);
extern void reco_return(const RecoIdentity *before);

/* The queries of a model, as messages name them. */
typedef struct RecoQueryKind
{
	const char *name;
	const char *name_of; /* "source must ..." */
	const char *columns;
	bool ranked; /* the third column is a rank, and the last */
	bool pairs;  /* there is no third column */
} RecoQueryKind;

extern const RecoQueryKind reco_the_source;
extern const RecoQueryKind reco_the_items;
extern const RecoQueryKind reco_the_users;
/* of an evaluation, not of a model */
extern const RecoQueryKind reco_the_test;
extern const RecoQueryKind reco_the_training_part;
extern const RecoQueryKind reco_the_lists;
/* baskets, in the place of users */
extern const RecoQueryKind reco_the_baskets;

/* A query with what it takes to run it. */
typedef struct RecoQuery
{
	const RecoQueryKind *kind;
	const char *text; /* NULL: there is none */
	RecoRunAs as;
	bool stored;   /* of an earlier call */
	bool resolved; /* resolve.h; without it a stored text means what it did in its search_path */
	const char *calls; /* of a resolved one: what is not in pg_catalog */
} RecoQuery;

/* The names that make up the name of a table; NIL: the text is a query. */
extern List *reco_query_names(const RecoQueryKind *kind, const char *text);

/* A SELECT of what the text names, a table or a query. */
extern char *reco_query_select(const RecoQueryKind *kind, const char *source);

/*
 * The text of a query, given as such or as the name of a table, as it can stand in
 * parentheses: without a semicolon and what follows it.  It may end with a line
 * comment.
 */
extern char *reco_query_text(const RecoQueryKind *kind, const char *source);

/* The columns of a plan; an error unless it is one plain SELECT. */
extern TupleDesc reco_query_check(const RecoQueryKind *kind, SPIPlanPtr plan);
extern pg_attribute_noreturn() void reco_not_plain(const RecoQueryKind *kind);

/* Lets an error point into a query, its text, instead of the caller's (an error callback). */
extern void reco_point_into(void *text);

/* Tells with an error where the names of a stored query were looked for (an error callback). */
extern void reco_tell_names(void *query);

/*
 * An error unless a query that is run has the columns that its plan had: they were looked
 * at then, and a plan is made anew when a function that it calls was.
 */
extern void reco_query_same(const RecoQueryKind *kind, TupleDesc planned, TupleDesc run);

/* A table as a source names it; an error when there is none. */
extern char *reco_table_source(Oid table);

#endif /* RECO_STORE_SOURCE_QUERY_H */
