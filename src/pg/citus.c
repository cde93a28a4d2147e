/*
 * citus.c
 *	  Tables whose rows Citus keeps on other servers.
 *
 * Its catalog pg_dist_partition names them.
 *
 * Cost: a look-up by an index.
 */
#include "pg/citus.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_namespace.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

/* The first column of pg_dist_partition is the table. */
#define CITUS_TABLE 1

bool
reco_citus_has(Oid table)
{
	Oid catalog;
	Oid index;
	Relation partitions;
	SysScanDesc scan;
	ScanKeyData key;
	bool found;

	catalog = get_relname_relid("pg_dist_partition", PG_CATALOG_NAMESPACE);
	index = get_relname_relid("pg_dist_partition_logical_relid_index", PG_CATALOG_NAMESPACE);
	if (!OidIsValid(catalog))
		return false;
	ScanKeyInit(&key, CITUS_TABLE, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
	partitions = table_open(catalog, AccessShareLock);
	scan = systable_beginscan(partitions, index, OidIsValid(index), NULL, 1, &key);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(partitions, AccessShareLock);
	return found;
}
