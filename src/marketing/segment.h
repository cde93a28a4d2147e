/*
 * segment.h
 *	  Segments of a model's users: what reco.segment() makes, step by step.
 */
#ifndef RECO_MARKETING_SEGMENT_H
#define RECO_MARKETING_SEGMENT_H

#include "core/cluster/kmeans.h"
#include "store/image/cache.h"

/* Items and keywords that are kept of a segment. */
#define SEGMENT_TRAITS 10

/* Recency in days, NaN: not known; and the scores of all three, from 1 to 5. */
typedef struct RecoUserRfm
{
	double recency;
	int64 frequency;
	double monetary;
	int32 score[3];
} RecoUserRfm;

typedef struct RecoSegments
{
	Serving *serving;
	const ServingUsers *users; /* of the version */
	RecoBudget budget;
	reco_kmeans_params params; /* clusters 0: to be chosen */
	/* rows: users in the order of their ids */
	reco_kmeans_rows rows;
	IdDict *ids;
	int32 *id;      /* by row: its place in ids */
	int32 *number;  /* by row: the user of the version, or -1 */
	char *made_of;  /* of what, in words */
	char **feature; /* names of given features; NULL: none were given */
	double *mean;   /* of these, */
	double *deviation;
	int64 missing; /* NULLs among these */
	/* what became of them */
	reco_kmeans made;
	double silhouette; /* NaN: there is one segment */
	RecoUserRfm *rfm;  /* by row; NULL: the source does not say it, or was not asked */
} RecoSegments;

/* segment_rows.c: what the users are compared by. */
extern void reco_segment_users(RecoSegments *run);
extern void reco_segment_features(RecoSegments *run, const char *features);

/* segment_rfm.c: recency, frequency and monetary value, where the source has times and values. */
extern void reco_segment_rfm(RecoSegments *run, const ModelRow *model);

/* segment_profile.c: what a segment is like. */

/* An item or a keyword that a segment has more of than all users. */
typedef struct RecoSegmentTrait
{
	int32 number;
	float share; /* of the segment's users; of a keyword, of what they have, in the mean */
	float lift;  /* share / the same of all users */
} RecoSegmentTrait;

typedef struct RecoSegment
{
	int32 users;
	int items; /* of item[] */
	int keywords;
	RecoSegmentTrait item[SEGMENT_TRAITS];
	RecoSegmentTrait keyword[SEGMENT_TRAITS];
	double *mean; /* of given features; NULL: none were given */
} RecoSegment;

/* One for each segment, of the budget. */
extern RecoSegment *reco_segment_profiles(RecoSegments *run);

#endif /* RECO_MARKETING_SEGMENT_H */
