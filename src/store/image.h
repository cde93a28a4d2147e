/*
 * image.h
 *	  Versions in files that backends map.
 */
#ifndef RECO_STORE_IMAGE_H
#define RECO_STORE_IMAGE_H

#include "store/cache.h"

/* Whether there is a file of that version's items. */
extern bool reco_image_exists(Oid schema, int32 version, int64 nonce);

/*
 * Maps the file of a serving that was described: its arrays then lie in the map.
 * False when there is no such file or it does not fit.
 */
extern bool reco_image_map(Serving *serving, RecoImageKind kind);
extern void reco_image_unmap(RecoImage *image);

/*
 * Writes a serving that was loaded to its file and removes the files of older
 * versions, and of models that are gone.  False when it could not be written.
 */
extern bool reco_image_write(Serving *serving, RecoImageKind kind);

/* The files of a model go when the transaction that drops it commits. */
extern void reco_image_init(void);

#endif /* RECO_STORE_IMAGE_H */
