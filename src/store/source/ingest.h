/*
 * ingest.h
 *	  From the executor's rows to matrices.
 */
#ifndef RECO_STORE_SOURCE_INGEST_H
#define RECO_STORE_SOURCE_INGEST_H

#include "store/source/data.h"
#include "tcop/dest.h"

typedef struct Ingest Ingest;

/*
 * Checks the columns of a source, by position, and makes ready to receive its
 * rows.  times: those of interactions are kept, where there are any.  Everything lives in the
 * budget's context.
 */
extern Ingest *ingest_begin(TupleDesc columns, bool times, const RecoDataOptions *options,
							RecoBudget *budget);
extern DestReceiver *ingest_receiver(Ingest *ingest);

/* After the last row of the source: receives the rows of the query of items. */
extern DestReceiver *ingest_items_receiver(Ingest *ingest, TupleDesc columns, bool join);

/* After the last row: numbers the ids, sorts and merges the rows. */
extern RecoData *ingest_finish(Ingest *ingest);

/*
 * The conventions about values and times, for whoever else reads rows of a source.
 */

/* Errors unless columns of these base types can be values and times. */
extern void ingest_check_value(Oid type);
extern void ingest_check_time(Oid type);

/*
 * The value and the time of a row, in its third and fourth column; types InvalidOid where
 * it has none (1, and 0).  Only the order of times matters; a NULL is the earliest.
 * False when the value is none that can be counted: see ingest_invalid_value.  The third
 * column is not NULL.
 */
extern bool ingest_row(Oid value_type, Oid time_type, TupleTableSlot *slot, double *value,
					   int64 *time);

extern pg_attribute_noreturn() void ingest_invalid_value(IdType *user_type, IdType *item_type,
														 TupleTableSlot *slot, double value);

#endif /* RECO_STORE_SOURCE_INGEST_H */
