/*
 * features.h
 *	  What is known about items, or users: the rows of a model's query `items`, or `users`.
 *
 * What is said of items here holds for users as well.
 */
#ifndef RECO_STORE_SOURCE_FEATURES_H
#define RECO_STORE_SOURCE_FEATURES_H

#include "model/model.h"
#include "store/source/confine.h"
#include "store/source/data.h"
#include "store/source/query.h"
#include "tcop/dest.h"

typedef struct FeatureReader FeatureReader;

/* A boolean of this name says what may be shown, not what an item is like. */
extern bool features_is_available(Form_pg_attribute attribute);

extern bool features_say_available(TupleDesc columns);

/* Whether there is anything among the columns that an item is like. */
extern bool features_any(TupleDesc columns);

/* Adds what is called to make real[] of columns, which the query does not say. */
extern void features_add_code(TupleDesc columns, RecoCode *code);

/*
 * Checks the columns (id, then one or more features) and makes ready to receive
 * rows.  Items that are new join the dictionary, or are passed over.  Everything lives in
 * the budget's context.
 */
extern FeatureReader *features_begin(const RecoQueryKind *kind, TupleDesc columns,
									 IdType *item_type, IdDict *items, bool join,
									 const RecoDataOptions *options, RecoBudget *budget);
extern DestReceiver *features_receiver(FeatureReader *reader);

/*
 * After the last row: rank[] gives each item of the dictionary its number; map,
 * when not NULL, the number that it has kept after a filter, or -1.  *skipped: rows whose
 * item has an id that is too long.
 */
extern RecoFeatures *features_finish(FeatureReader *reader, const int32 *rank, int32 items,
									 const int32 *map, int32 kept, int64 *skipped);

#endif /* RECO_STORE_SOURCE_FEATURES_H */
