/*
 * grants.h
 *	  Grants on what a model's schema holds.
 */
#ifndef RECO_STORE_GRANTS_H
#define RECO_STORE_GRANTS_H

#include "store/tables/definition.h"

/*
 * As the current user, through SPI: the schema, the model's own functions and, if asked,
 * its own tables and views.  role: quoted, or "public".
 */
extern void reco_grants_give(const ModelRow *model, const char *role, bool tables);
extern void reco_grants_take(const ModelRow *model, const char *role);

/*
 * Who may call a model whose functions are to be made anew, and the same rights on the
 * new ones.  In the current memory context; as the owner, through SPI.
 */
extern List *reco_grants_note(const ModelRow *model);
extern void reco_grants_restore(const ModelRow *model, const List *noted);

/* The same of its views, as statements. */
extern List *reco_grants_note_views(const ModelRow *model);
extern void reco_grants_restore_views(const ModelRow *model, const List *noted);

#endif /* RECO_STORE_GRANTS_H */
