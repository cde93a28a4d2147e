/*
 * kind_reader.h
 *	  The kinds of rows, as they are read.
 */
#ifndef RECO_STORE_SOURCE_KIND_READER_H
#define RECO_STORE_SOURCE_KIND_READER_H

#include "store/source/events.h"

/* How the kinds of rows are read. */
typedef struct RecoKindReader RecoKindReader;

/*
 * Of the kinds of a query's fifth column, where the options ask for them: else NULL.  An error
 * where they do and there is none, or do not and there is one.  collect: kinds that are unknown are
 * kept for reco_kinds_finish to tell; otherwise the first one is an error.
 */
extern RecoKindReader *reco_kinds_reader(const RecoDataOptions *options, const RecoEvents *events,
										 bool collect);

/*
 * After the last row: an error that names what is unknown, a NOTICE of what was never there.  For
 * messages the rows of each kind; NULL: there are none.
 */
extern char *reco_kinds_finish(RecoKindReader *reader);

#endif /* RECO_STORE_SOURCE_KIND_READER_H */
