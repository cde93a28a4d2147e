/*
 * grants.h
 *	  What stays granted when a model's functions and views are made anew.
 */
#ifndef RECO_LIFECYCLE_GRANTS_H
#define RECO_LIFECYCLE_GRANTS_H

#include "store/tables/definition.h"

/*
 * Who may call a model whose functions are to be made anew, and the same rights on the
 * new ones.  In the current memory context; as the owner, through SPI.
 */
extern List *reco_grants_note(const ModelRow *model);
extern void reco_grants_restore(const ModelRow *model, const List *noted);

/* The same of its views, as statements. */
extern List *reco_grants_note_views(const ModelRow *model);
extern void reco_grants_restore_views(const ModelRow *model, const List *noted);

#endif /* RECO_LIFECYCLE_GRANTS_H */
