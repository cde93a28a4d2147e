/*
 * image.h
 *	  Versions in files that backends map.
 */
#ifndef RECO_STORE_IMAGE_IMAGE_H
#define RECO_STORE_IMAGE_IMAGE_H

#include "store/image/serving.h"

/* PG_TEMP_FILES_DIR is in one of these, by version */
#include "common/file_utils.h"
#include "storage/fd.h"

/* The server's temporary files: it removes what begins so at its start. */
#define RECO_IMAGE_DIRECTORY "base/" PG_TEMP_FILES_DIR
#define RECO_IMAGE_PREFIX PG_TEMP_FILE_PREFIX "_reco"

/* Whether there is a file of that version's items. */
extern bool reco_image_exists(Oid schema, int32 version, int64 nonce);

/*
 * Maps the file of a serving that was described: its arrays, or its users, then lie in the
 * map.  False when there is no such file or it does not fit; the serving's users are then
 * what they were.
 */
extern bool reco_image_map(Serving *serving, RecoImageKind kind);
extern void reco_image_unmap(RecoImage *image);

/*
 * Writes a serving that was loaded, or its users (NULL: the items), to its file and removes
 * the files of older versions, and of models that are gone.  False when it could not be
 * written.
 */
extern bool reco_image_write(const Serving *serving, const ServingUsers *users, MemoryContext held);

/* Of the layer that a file of that kind holds; 0: none, whatever was folded in. */
static inline int64
reco_image_epoch(const Serving *serving, RecoImageKind kind)
{
	return kind == RECO_IMAGE_USERS ? serving->epoch : 0;
}

/* image_files.c: the name of a version's file, palloc'd. */
extern char *reco_image_path(const Serving *serving, RecoImageKind kind);

/* Writes to an open file.  False on an error of the system, which errno tells. */
extern bool reco_image_write_bytes(int file, const void *data, Size bytes);

/*
 * Removes files of older versions of a model, of one of this number that came to nothing, of
 * its users with an older layer, and of models that are gone.
 */
extern void reco_image_remove_old(const Serving *serving);

/* The files of a model's users go when the current transaction commits, whatever is in them. */
extern void reco_image_forget_users(Oid schema);

/* Removes the file of a serving's users where the version has another layer by now, or is gone. */
extern void reco_image_remove_stale(const Serving *serving);

/* The files of a model go when the transaction that drops it commits. */
extern void reco_image_init(void);

#endif /* RECO_STORE_IMAGE_IMAGE_H */
