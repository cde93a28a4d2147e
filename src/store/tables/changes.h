/*
 * changes.h
 *	  Users whose rows in a model's source have changed since they were read.
 */
#ifndef RECO_STORE_TABLES_CHANGES_H
#define RECO_STORE_TABLES_CHANGES_H

#include "store/ids/ident.h"
#include "store/tables/layout.h"

/* The table, opened for notes of this transaction. */
typedef struct RecoChanges
{
	Relation heap;
	IdType type;  /* of its ids */
	IdDict *dict; /* of those that are noted; NULL: nobody */
	MemoryContext context;
	bool all; /* whoever it may be */
} RecoChanges;

/*
 * Opens it for whoever may, a role that has INSERT on it; why: what is wrong where that cannot be
 * (false).  Nobody waits for anybody who does.
 */
extern bool reco_changes_begin(RecoChanges *changes, Oid schema, Oid role, const char **why);
/* Whether such a role could. */
extern bool reco_changes_may(Oid schema, Oid role);
/* Roles to which the model's owner has granted to write notes. */
extern List *reco_changes_writers(Oid schema, Oid owner);
/* A user; one that no id of the model's can equal is passed over. */
extern void reco_changes_note(RecoChanges *changes, Datum user, Oid type);
/* The same of the only one, at once. */
extern void reco_changes_note_one(RecoChanges *changes, Datum user, Oid type);
/* Whoever it may be. */
extern void reco_changes_note_all(RecoChanges *changes);
extern void reco_changes_end(RecoChanges *changes);

/*
 * Those who are noted, by the active snapshot, each once, in the current memory context; NULL: all,
 * or so many of the model's users that looking at all is no dearer.
 */
extern IdDict *reco_changes_read(Oid schema, const IdType *type, int32 users);
/* How long the notes have become: bytes of the table, with what is no longer needed of it. */
extern uint64 reco_changes_bytes(Relation heap);

/* The active snapshot, palloc'd, by which notes and the source are read. */
extern Datum reco_changes_snapshot(void);

/* As the current user, through SPI: removes the notes that were visible to such a snapshot. */
extern void reco_changes_done(Oid schema, Datum snapshot);

#endif /* RECO_STORE_TABLES_CHANGES_H */
