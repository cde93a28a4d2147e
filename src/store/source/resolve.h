/*
 * resolve.h
 *	  What a query of a definition says, whatever the search_path of who runs it.
 */
#ifndef RECO_STORE_SOURCE_RESOLVE_H
#define RECO_STORE_SOURCE_RESOLVE_H

#include "store/tables/definition.h"
#include "store/source/query.h"

/*
 * Analyzes the queries of a definition that are not resolved, as its owner under their
 * search_path, and says what they mean in one that holds nothing but pg_catalog: an object
 * to be merged into `resolved`, or NULL when nothing is missing.  An error when that cannot
 * be said, or when a query is no plain SELECT.  Executes nothing but what PostgreSQL
 * evaluates on the way: input of constants.
 */
extern Jsonb *reco_resolve_missing(const ModelRow *row);

/* Adds what was missing. */
extern void reco_resolved_add(ModelRow *row, Jsonb *missing);

/*
 * The query of a definition as it is to be run: what it was resolved to, or, where that is
 * missing or belongs to another text, the text under its search_path.  Without a text when
 * the definition has none.
 */
extern RecoQuery reco_definition_query(const ModelRow *row, const RecoQueryKind *kind);

/*
 * An error when a resolved text, which keeps its meaning by its names, now calls another
 * function or operator than when it was resolved.  As the owner.
 */
extern void reco_check_calls(const RecoQuery *query);

/* Whether a query names a type in a session's own schema (a walker). */
extern bool reco_names_temporary_type(Node *node, void *context);

#endif /* RECO_STORE_SOURCE_RESOLVE_H */
