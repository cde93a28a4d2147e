/*
 * ingest_state.h
 *	  What is kept while a source is read.
 */
#ifndef RECO_STORE_SOURCE_INGEST_STATE_H
#define RECO_STORE_SOURCE_INGEST_STATE_H

#include "core/data/waiting.h"
#include "store/source/events.h"
#include "store/source/features.h"
#include "store/source/ingest.h"

/* Rows whose ids are looked up together. */
#define INGEST_AHEAD 32

struct Ingest
{
	DestReceiver receiver; /* first, so that a receiver is an ingest */
	const RecoQueryKind *kind;
	RecoBudget *budget;
	const RecoDataOptions *options;
	RecoData *data;
	/* users as the rows have them: those of the data, unless that has pseudonyms */
	IdType *user_type;
	IdDict *users;
	MemoryContext users_context; /* of these; NULL: that of the data */
	IdDict *known;               /* items that count; NULL: all */
	IdDict *excluded;            /* items that do not; NULL: none */
	reco_triples triples;
	reco_triples seen; /* where that is not the same */
	bool keeps_seen;
	reco_waiting waiting; /* rows, until all are read */
	bool waits;           /* they do: some may be too old, or are taken back */
	TupleDesc planned;    /* the columns that were looked at */
	int columns;
	RecoEvents events;
	MemoryContext row_context; /* what functions of the ids' types leave behind */
	bool leaves_garbage;
	bool looks_ahead; /* rows wait in the next */
	int rows_ahead;
	RecoEvent ahead[INGEST_AHEAD];
	Size unchecked;               /* bytes of long ids since memory was looked at */
	FeatureReader *features;      /* NULL: no query of items */
	bool items_join;              /* those that only `items` has are items of the model */
	FeatureReader *user_features; /* likewise of users, who join */
};

/*
 * Memory of the dictionaries is not the budget's own: look at it once a chunk, and where
 * ids are long more often.
 */
extern void ingest_check_memory(Ingest *ingest);

#endif /* RECO_STORE_SOURCE_INGEST_STATE_H */
