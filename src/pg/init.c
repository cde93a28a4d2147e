/*
 * init.c
 *	  Loading the library: its settings.
 */
#include "pg/pg.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "postmaster/bgworker_internals.h"
#include "store/cache.h"
#include "store/image.h"
#include "store/live.h"
#include "store/rights.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include <unistd.h>

PG_MODULE_MAGIC;

int reco_threads_setting;
int reco_max_memory_setting;

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	DefineCustomIntVariable("reco.threads", "Sets the number of threads that train a model.",
							"0 means one more than max_parallel_maintenance_workers, at most the "
							"number of processors.",
							&reco_threads_setting, 0, 0, 1024, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"reco.max_memory", "Sets the most memory that training a model may use.",
		"0 means half of the memory that there is for the server, or "
		"maintenance_work_mem where that is more.",
		&reco_max_memory_setting, 0, 0, MAX_KILOBYTES, PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);
	reco_faults_init();
	MarkGUCPrefixReserved("reco");
	reco_image_init();
	reco_cache_init();
	reco_live_init();
	reco_rights_init();
}

/*
 * The number of threads that a kernel may use now.
 */
int
reco_threads(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	int threads = reco_threads_setting;

	if (threads == 0)
		threads = Min(max_parallel_maintenance_workers + 1, (int) Max(processors, 1));
	return Max(threads, 1);
}

/*
 * The memory that one training may use, in bytes.
 */
size_t
reco_max_memory(void)
{
	if (reco_max_memory_setting > 0)
		return (size_t) reco_max_memory_setting * 1024;
	return Max(reco_machine_memory() / 2, (size_t) maintenance_work_mem * 1024);
}

char *
reco_installed_version(void)
{
	Relation rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	char *version = NULL;
	bool isnull;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("reco"));
	scan = systable_beginscan(rel, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Datum value =
			heap_getattr(tuple, Anum_pg_extension_extversion, RelationGetDescr(rel), &isnull);

		if (!isnull)
			version = TextDatumGetCString(value);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return version;
}

void
reco_check_version(void)
{
	char *version = reco_installed_version();

	if (version && strcmp(version, RECO_VERSION) != 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the library of extension \"reco\" is version %s, but the extension in this "
					"database is version %s",
					RECO_VERSION, version),
			 errhint("ALTER EXTENSION reco UPDATE, and connect anew; or install the files of "
					 "version %s.",
					 version)));
}
