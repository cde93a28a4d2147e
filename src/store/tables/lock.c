/*
 * lock.c
 *	  The lock that keeps two trainings of a model apart.
 *
 * A training outside a transaction block is several transactions, so the lock must
 * outlive a commit: it is a session lock then, given back on every way out.  It is
 * on a part of the schema that does not exist, so nothing but this file asks for it:
 * no SQL function takes or releases it, and it shows in pg_locks as an object of
 * pg_namespace.
 */
#include "store/tables/lock.h"

#include "access/xlog.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "storage/lock.h"

/* Schemas have no parts; this is ours. */
#define PART 29285

static void
lock_tag(Oid schema, LOCKTAG *tag)
{
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId, NamespaceRelationId, schema, PART);
}

bool
reco_training_lock(Oid schema, bool for_session, bool dont_wait)
{
	LOCKTAG tag;

	lock_tag(schema, &tag);
	return LockAcquire(&tag, ExclusiveLock, for_session, dont_wait) != LOCKACQUIRE_NOT_AVAIL;
}

void
reco_training_unlock(Oid schema)
{
	LOCKTAG tag;

	lock_tag(schema, &tag);
	LockRelease(&tag, ExclusiveLock, true);
}

bool
reco_training_runs(Oid schema)
{
	LOCKTAG tag;
	int holders;

	if (RecoveryInProgress())
		return false;
	lock_tag(schema, &tag);
	/* without taking it, so that looking is in nobody's way */
	(void) GetLockConflicts(&tag, ShareLock, &holders);
	return holders > 0;
}

bool
reco_training_held(Oid schema)
{
	LOCKTAG tag;

	if (RecoveryInProgress())
		return false;
	lock_tag(schema, &tag);
	if (LockAcquire(&tag, ShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	LockRelease(&tag, ShareLock, false);
	return false;
}
