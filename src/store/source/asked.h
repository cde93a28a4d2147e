/*
 * asked.h
 *	  Users whom a query names.
 */
#ifndef RECO_STORE_SOURCE_ASKED_H
#define RECO_STORE_SOURCE_ASKED_H

#include "store/ids/ident.h"
#include "store/source/query.h"

/*
 * The ids in the one column of a query, each once, as ids of a type; NULLs, and what cannot be one
 * of these, are left out.  The query runs as the caller.  In the current memory context.  An error
 * where an id is too long for a model's tables.
 */
extern IdDict *reco_asked_users(const char *query, IdType *type);

#endif /* RECO_STORE_SOURCE_ASKED_H */
