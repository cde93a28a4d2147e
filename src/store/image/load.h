/*
 * load.h
 *	  Reading versions from a model's tables.  For the files of the serving cache.
 */
#ifndef RECO_STORE_IMAGE_LOAD_H
#define RECO_STORE_IMAGE_LOAD_H

#include "store/image/serving.h"

/*
 * Reads a version into a context of its own, a child of the current one: the caller
 * makes it permanent.
 */
extern Serving *reco_serving_load(const ModelRow *row);

/*
 * What is not in an image: the algorithm and the types of ids, checked against the
 * version's row, which is returned.
 */
extern Serving *reco_serving_describe(const ModelRow *row, VersionRow *version);

/* Zeroed memory of any size. */
extern void *serving_alloc(MemoryContext context, Size count, Size size);
/* An error where policies hide rows of the layer; false when its ids are of another type. */
extern bool serving_check_layer(const Serving *serving);
extern void serving_check_size(ModelTable *table, int32 rows);

#endif /* RECO_STORE_IMAGE_LOAD_H */
