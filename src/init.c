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
#include "store/image/cache.h"
#include "store/image/image.h"
#include "serving/live.h"
#include "store/tables/rights.h"
#include "store/tables/statement.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include <unistd.h>

PG_MODULE_MAGIC;

int reco_threads_setting;
int reco_max_memory_setting;
static int max_threads_setting;
static int max_memory_limit_setting;

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	DefineCustomIntVariable("reco.threads", "Sets the number of threads that train a model.",
							"0 means one more than max_parallel_maintenance_workers, at most the "
							"number of processors.",
							&reco_threads_setting, 0, 0, 1024, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("reco.max_threads",
							"Sets the most threads that reco.threads may ask for.",
							"0 means the number of processors.", &max_threads_setting, 0, 0, 1024,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"reco.max_memory", "Sets the most memory that training a model may use.",
		"0 means a third of the memory that there is for the server beside shared_buffers.",
		&reco_max_memory_setting, 0, 0, MAX_KILOBYTES, PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"reco.max_memory_limit", "Sets the most that reco.max_memory may allow.",
		"0 means a third of the memory that there is for the server beside shared_buffers.",
		&max_memory_limit_setting, 0, 0, MAX_KILOBYTES, PGC_SUSET, GUC_UNIT_KB, NULL, NULL, NULL);
	reco_faults_init();
	MarkGUCPrefixReserved("reco");
	reco_image_init();
	reco_cache_init();
	reco_live_init();
	reco_rights_init();
	reco_statement_init();
}

/*
 * The number of threads that a kernel may use now.
 */
int
reco_threads(void)
{
	int processors = (int) Max(sysconf(_SC_NPROCESSORS_ONLN), 1);
	int most = max_threads_setting > 0 ? max_threads_setting : processors;
	int threads = reco_threads_setting;

	if (threads == 0)
		threads = Min(max_parallel_maintenance_workers + 1, processors);
	return Max(Min(threads, most), 1);
}

/*
 * A third of what shared_buffers leaves: two trainings at once fit, and the rest of the
 * server beside them.
 */
static size_t
memory_share(void)
{
	size_t memory = reco_machine_memory();
	size_t shared = (size_t) NBuffers * BLCKSZ;

	return Max(memory > shared ? memory - shared : 0, memory / 4) / 3;
}

size_t
reco_max_memory_limit(void)
{
	return max_memory_limit_setting > 0 ? (size_t) max_memory_limit_setting * 1024 : memory_share();
}

/*
 * The memory that one training may use, in bytes.
 */
size_t
reco_max_memory(void)
{
	size_t memory =
		reco_max_memory_setting > 0 ? (size_t) reco_max_memory_setting * 1024 : memory_share();

	return Min(memory, reco_max_memory_limit());
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
