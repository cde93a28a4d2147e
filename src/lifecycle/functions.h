/*
 * functions.h
 *	  The typed functions of a model.
 */
#ifndef RECO_LIFECYCLE_FUNCTIONS_H
#define RECO_LIFECYCLE_FUNCTIONS_H

#include "store/tables/definition.h"
#include "store/ids/ident.h"

/*
 * Makes them in the model's schema, as the current user, through SPI, under the settings
 * of schema.c.  Those that are there already are replaced, and what the model has under
 * their names with other arguments is dropped.
 */
extern void reco_functions_make(const ModelRow *model, const IdType *user, const IdType *item);

/* The type of a column of ids, qualified. */
extern char *reco_exact_type(const IdType *type);

#endif /* RECO_LIFECYCLE_FUNCTIONS_H */
