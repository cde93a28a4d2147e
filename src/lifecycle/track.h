/*
 * track.h
 *	  The triggers by which a model knows whose rows have changed.
 */
#ifndef RECO_LIFECYCLE_TRACK_H
#define RECO_LIFECYCLE_TRACK_H

#include "store/ids/ident.h"
#include "store/tables/definition.h"
#include "utils/reltrigger.h"

/* The function that they call, or InvalidOid (note.c). */
extern Oid reco_note_function(void);
/* The schema of the model that one is of, or InvalidOid. */
extern Oid reco_note_model(const Trigger *trigger);

/*
 * Whether all tables that the users of a model's source come from have their triggers; *some:
 * whether there is any.  Within an SPI connection.
 */
extern bool reco_is_tracked(const ModelRow *model, const IdType *user_type, bool *some);

/* Notes that all users may have changed, where a model has triggers. */
extern void reco_track_all(const ModelRow *model);

/* The same whatever it has, as its owner, within an SPI connection. */
extern void reco_track_note_all(const ModelRow *model);

/* Removes all triggers of a model, before it is dropped; as whoever may do that. */
extern void reco_track_end(Oid schema);

#endif /* RECO_LIFECYCLE_TRACK_H */
