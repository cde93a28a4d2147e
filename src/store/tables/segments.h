/*
 * segments.h
 *	  The segment that a user of a model is in.
 */
#ifndef RECO_STORE_TABLES_SEGMENTS_H
#define RECO_STORE_TABLES_SEGMENTS_H

#include "store/ids/ident.h"
#include "utils/timestamp.h"

typedef struct RecoUserSegment
{
	int32 segment;
	double distance;
	/* recency in days, frequency and monetary value, scored from 1 to 5; recency NaN: not known */
	double recency;
	int64 frequency;
	double monetary;
	int32 score[3];
	/* of the segment */
	char *name;
	char *made_of;
	int32 users;
	double share;
} RecoUserSegment;

/*
 * By the active snapshot, read by nobody's rights: whoever calls has asked for them.  False where
 * there are no segments or the user is in none.  palloc'd.
 */
extern bool reco_segment_of(Oid schema, const IdType *type, Datum user, RecoUserSegment *found);

#endif /* RECO_STORE_TABLES_SEGMENTS_H */
