/*
 * ingest.h
 *	  From the executor's rows to matrices.
 */
#ifndef RECO_STORE_INGEST_H
#define RECO_STORE_INGEST_H

#include "store/source.h"
#include "tcop/dest.h"

typedef struct Ingest Ingest;

/*
 * Checks the columns of a source, by position, and makes ready to receive its
 * rows.  Everything lives in the budget's context.
 */
extern Ingest *ingest_begin(TupleDesc columns, const RecoDataOptions *options, RecoBudget *budget);
extern DestReceiver *ingest_receiver(Ingest *ingest);

/* After the last row of the source: receives the rows of the query of items. */
extern DestReceiver *ingest_items_receiver(Ingest *ingest, TupleDesc columns, bool join);

/* After the last row: numbers the ids, sorts and merges the rows. */
extern RecoData *ingest_finish(Ingest *ingest);

/*
 * The conventions about values and times, for whoever else reads rows of a source.
 */

/* Squares of confidences stay within float8, and float4 sums within float4. */
#define INGEST_MAX_VALUE 1e18

/* Errors unless columns of these base types can be values and times. */
extern void ingest_check_value(Oid type);
extern void ingest_check_time(Oid type);

extern double ingest_value_of(Oid type, Datum value);
/* Only the order of times matters; a NULL is the earliest, PG_INT64_MIN. */
extern int64 ingest_time_of(Oid type, Datum value);

extern pg_attribute_noreturn() void ingest_invalid_value(IdType *user_type, IdType *item_type,
														 TupleTableSlot *slot, double value);

#endif /* RECO_STORE_INGEST_H */
