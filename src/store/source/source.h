/*
 * source.h
 *	  A model's source: any query whose columns are user, item [, value [, time [, kind]]].
 */
#ifndef RECO_STORE_SOURCE_SOURCE_H
#define RECO_STORE_SOURCE_SOURCE_H

#include "model/model.h"
#include "store/source/baskets.h"
#include "store/source/data.h"
#include "store/source/lookup.h"
#include "store/source/query.h"

/*
 * Reads a source, and what is known about items (without a text: nothing), into memory: the
 * result lives in the budget's context.  use: of what is known about items; where it is used,
 * what only `items` has are items, too, and if it must be, saying nothing is an error.  users
 * (NULL: nothing) likewise; they join.  keep: RECO_KEEP_...
 * Needs an active snapshot and an SPI connection.  Errors of the source come
 * through as they are.
 */
extern RecoData *reco_read_source(const RecoQuery *source, const RecoQuery *items,
								  RecoFeatureUse use, const RecoQuery *users, unsigned keep,
								  const RecoDataOptions *options, RecoBudget *budget);

/*
 * What a source is like without reading its rows: types and names of its columns, whether policies
 * filter them, and whether items say what is available.  The dictionaries are empty.
 */
extern RecoData *reco_source_columns(const RecoQuery *source, const RecoQuery *items,
									 const RecoDataOptions *options, RecoBudget *budget);

/*
 * Reads the pairs that an evaluation is to find, columns as those of a source, and all of
 * them: of the options only what is an error counts.
 */
extern RecoData *reco_read_test(const RecoQuery *test, const RecoDataOptions *options,
								RecoBudget *budget);

/*
 * Reads lists, whose columns are user, item, rank: ranks are in the place of times, and pairs
 * that are listed twice in that of repeats.
 */
extern RecoData *reco_read_lists(const RecoQuery *lists, RecoBudget *budget);

/* Reads baskets, whose columns are basket, item. */
extern RecoBaskets *reco_read_baskets(const RecoQuery *baskets, RecoBudget *budget);

/* A version to compare a source with. */
typedef struct RecoKnown
{
	const IdType *user_type;
	const IdType *item_type;
	IdDict *items;
	TimestampTz reference_time; /* that ages are counted from; RECO_NO_REFERENCE_TIME */
	const char *model;          /* its name */
} RecoKnown;

/*
 * The same for a version that is there, whose items alone count, under their numbers; nobody
 * is dropped for having few of them.  An error when the ids have other types.
 */
extern RecoData *reco_read_interactions(const RecoQuery *source, const RecoKnown *known,
										unsigned keep, const RecoDataOptions *options,
										RecoBudget *budget);

/*
 * The same of some users only, whom the source is asked for by a look-up, which has been prepared
 * with RECO_ASK_ANY or RECO_ASK_MANY for ids as they are asked for (id_type_asked).
 */
extern RecoData *reco_read_users(RecoLookup *lookup, IdDict *users, const RecoKnown *known,
								 unsigned keep, const RecoDataOptions *options, RecoBudget *budget);

#endif /* RECO_STORE_SOURCE_SOURCE_H */
