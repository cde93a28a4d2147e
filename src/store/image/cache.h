/*
 * cache.h
 *	  The versions that a backend serves from.
 */
#ifndef RECO_STORE_IMAGE_CACHE_H
#define RECO_STORE_IMAGE_CACHE_H

#include "store/image/users.h"

/*
 * The version that is active in the caller's snapshot, and the row that says so, in the
 * current memory context.  The caller needs the right to call the model's function of that
 * name (NULL: to own the model).  An error when the model has not been trained.
 */
extern Serving *reco_serving_open(Oid schema, const char *function, ModelRow *row);

extern void reco_cache_init(void);

/* All users. */
extern const ServingUsers *reco_serving_load_users(Serving *serving);

/* What the version says of items; loads all users where the algorithm looks at them. */
extern const reco_scorer *reco_serving_scorer(Serving *serving);

#endif /* RECO_STORE_IMAGE_CACHE_H */
