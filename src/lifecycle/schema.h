/*
 * schema.h
 *	  The schema of a model: its tables, views and typed functions.
 */
#ifndef RECO_LIFECYCLE_SCHEMA_H
#define RECO_LIFECYCLE_SCHEMA_H

#include "store/tables/definition.h"
#include "store/ids/ident.h"

/*
 * Makes the schema with everything in it, as the current user, through SPI.
 * Returns the schema's OID.
 */
extern Oid reco_schema_create(const char *name, const IdType *user, const IdType *item);

/*
 * Makes the views and functions of an existing model anew, as this version of the
 * extension has them.  Who could call the functions can still call them, and nobody else.
 *
 * wider: its tables are for ids of other types, which all of theirs fit, and are given
 * these.  Nobody else may train the model.  Its versions are told apart from what sessions
 * have of them.
 */
extern void reco_schema_renew(const ModelRow *model, const IdType *user, const IdType *item,
							  bool wider);

#endif /* RECO_LIFECYCLE_SCHEMA_H */
