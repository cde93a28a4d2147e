/*
 * withhold.h
 *	  Items that fall below min_users_per_item as a user leaves.
 */
#ifndef RECO_LIFECYCLE_WITHHOLD_H
#define RECO_LIFECYCLE_WITHHOLD_H

#include "pg/pg.h"

/*
 * In a version that leaves out items of few, those of the user of that number have one user less:
 * served are they that still have enough (reco_serving_withholds).  Called as the model's owner,
 * while the user is there.  The version has another nonce then, for what is mapped of it holds the
 * numbers as they were.
 */
extern void reco_withhold(Oid schema, int32 version, int32 number);

/*
 * How many items of the active version have too few users; they go from the lists and the profiles
 * of segments that are stored.  Likewise.
 */
extern int64 reco_withhold_stored(Oid schema);

#endif /* RECO_LIFECYCLE_WITHHOLD_H */
