/*
 * ingest.h
 *	  From the executor's rows to matrices.
 */
#ifndef RECO_STORE_SOURCE_INGEST_H
#define RECO_STORE_SOURCE_INGEST_H

#include "store/ids/pseudonym.h"
#include "store/source/data.h"
#include "store/source/query.h"
#include "tcop/dest.h"

typedef struct Ingest Ingest;

/*
 * Checks the columns of a source, or of what has the same, by position, and makes ready to
 * receive its rows.  keep: RECO_KEEP_...  Everything lives in the budget's context.
 */
extern Ingest *ingest_begin(const RecoQueryKind *kind, TupleDesc columns, unsigned keep,
							const RecoDataOptions *options, RecoBudget *budget);
/*
 * Before the first row: these items alone count, under their numbers, and ages from that time; ids
 * are of the type of the source's.  Rows of others are counted and left out, and of those items the
 * dictionary is.
 */
extern void ingest_only(Ingest *ingest, const IdDict *items, TimestampTz reference);
/*
 * Before the first row, too: of users the data has pseudonyms, made as others are, and no other id.
 */
extern void ingest_pseudonyms(Ingest *ingest, const IdPseudonyms *like);
extern DestReceiver *ingest_receiver(Ingest *ingest);
/* What is being read, whose types are known. */
extern const RecoData *ingest_data(const Ingest *ingest);

/* After the last row of the source: receives the rows of the query of items. */
extern DestReceiver *ingest_users_receiver(Ingest *ingest, TupleDesc columns);
extern DestReceiver *ingest_items_receiver(Ingest *ingest, TupleDesc columns, bool join);

/* After the last row: numbers the ids, sorts and merges the rows. */
extern RecoData *ingest_finish(Ingest *ingest);

#endif /* RECO_STORE_SOURCE_INGEST_H */
