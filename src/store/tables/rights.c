/*
 * rights.c
 *	  Who may call the functions of a model.
 *
 * The right to be served is EXECUTE on the model's function: its tables, which say who
 * had what, need no grant then.  What serves can be called directly, so it asks for that
 * right itself, of the caller.  It counts on a function of the model's owner that calls
 * what serves, so a function of that name that somebody else put into the schema opens
 * nothing.  Nor does the right that everybody has where nothing was granted (no ACL):
 * that is how functions are restored without their rights.
 *
 * Cost: two look-ups of rights in the catalogs' caches.  Which functions are the model's
 * is kept in the session until any function is changed.
 */
#include "store/tables/rights.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "store/tables/layout.h"
#include "store/tables/template.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

typedef struct FunctionKey
{
	Oid schema;
	NameData function;
} FunctionKey;

typedef struct FunctionEntry
{
	FunctionKey key; /* first */
	List *functions; /* that call what serves, whoever they belong to */
} FunctionEntry;

static HTAB *entries;
static MemoryContext lists;
static bool stale;

static void
function_changed(Datum arg, int cache, uint32 hash)
{
	stale = true;
}

void
reco_rights_init(void)
{
	CacheRegisterSyscacheCallback(PROCOID, function_changed, (Datum) 0);
}

/* The function of the extension that a model's function of that name calls. */
static Oid
server_of(const char *function)
{
	Oid arguments[] = {REGNAMESPACEOID, ANYELEMENTOID, JSONBOID};
	Oid reco = get_namespace_oid("reco", true);

	return GetSysCacheOid3(
		PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(psprintf("serve_%s", function)),
		PointerGetDatum(buildoidvector(arguments, lengthof(arguments))), ObjectIdGetDatum(reco));
}

static bool
calls(Relation pg_depend, Oid function, Oid server)
{
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple tuple;
	bool found = false;

	ScanKeyInit(&key[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(ProcedureRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(function));
	scan = systable_beginscan(pg_depend, DependDependerIndexId, true, NULL, 2, key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		found = depend->refclassid == ProcedureRelationId && depend->refobjid == server;
	}
	systable_endscan(scan);
	return found;
}

/* In the current memory context. */
static List *
find_functions(Oid schema, const char *function)
{
	Oid server = server_of(function);
	Relation pg_depend = table_open(DependRelationId, AccessShareLock);
	CatCList *named = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(function));
	List *found = NIL;

	for (int i = 0; i < named->n_members; i++)
	{
		Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(&named->members[i]->tuple);

		if (proc->pronamespace == schema && OidIsValid(server) &&
			calls(pg_depend, proc->oid, server))
			found = lappend_oid(found, proc->oid);
	}
	ReleaseSysCacheList(named);
	table_close(pg_depend, AccessShareLock);
	return found;
}

static void
forget_all(void)
{
	HASHCTL control = {.keysize = sizeof(FunctionKey), .entrysize = sizeof(FunctionEntry)};

	if (lists)
		MemoryContextDelete(lists);
	lists = NULL;
	entries = NULL;
	control.hcxt = AllocSetContextCreate(CacheMemoryContext, "reco rights", ALLOCSET_SMALL_SIZES);
	entries = hash_create("reco rights", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	lists = control.hcxt;
	stale = false;
}

static const List *
functions_of(Oid schema, const char *function)
{
	FunctionKey key = {schema};
	FunctionEntry *entry;
	bool found;
	MemoryContext old;
	List *functions;

	if (entries == NULL || stale)
		forget_all();
	namestrcpy(&key.function, function);
	entry = hash_search(entries, &key, HASH_FIND, NULL);
	if (entry)
		return entry->functions;
	functions = find_functions(schema, function);
	/* what has changed meanwhile may not be in it: the next call looks again */
	old = MemoryContextSwitchTo(lists);
	functions = list_copy(functions);
	entry = hash_search(entries, &key, HASH_ENTER, &found);
	entry->functions = functions;
	MemoryContextSwitchTo(old);
	return entry->functions;
}

/* Whether the user may call the function, by a right that was granted. */
static bool
is_granted(Oid function, Oid owner)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool granted;

	if (!HeapTupleIsValid(tuple))
		return false;
	granted = ((Form_pg_proc) GETSTRUCT(tuple))->proowner == owner &&
			  !heap_attisnull(tuple, Anum_pg_proc_proacl, NULL) &&
			  reco_function_aclcheck(function, GetUserId(), ACL_EXECUTE) == ACLCHECK_OK;
	ReleaseSysCache(tuple);
	return granted;
}

static List *
own_functions(const ModelRow *model, const char *function)
{
	const List *functions = functions_of(model->schema, function);
	List *own = NIL;
	ListCell *cell;

	foreach (cell, functions)
	{
		Oid oid = lfirst_oid(cell);
		HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(oid));

		if (!HeapTupleIsValid(tuple))
			continue;
		if (((Form_pg_proc) GETSTRUCT(tuple))->proowner == model->owner)
			own = lappend_oid(own, oid);
		ReleaseSysCache(tuple);
	}
	return own;
}

List *
reco_rights_functions(const ModelRow *model, const char *function)
{
	List *own = NIL;
	ListCell *cell;

	if (function)
		return own_functions(model, function);
	foreach (cell, reco_names_in(reco_model_functions))
		own = list_concat(own, own_functions(model, lfirst(cell)));
	return own;
}

/* Whether the current user may, who has USAGE on the schema. */
static bool
may_call(const ModelRow *model, const char *function)
{
	const List *functions;
	ListCell *cell;

	if (reco_table_owned(model->table, GetUserId()))
		return true;
	functions = functions_of(model->schema, function);
	foreach (cell, functions)
		if (is_granted(lfirst_oid(cell), model->owner))
			return true;
	return false;
}

bool
reco_rights_granted(const ModelRow *model, const char *function)
{
	return reco_schema_aclcheck(model->schema, GetUserId(), ACL_USAGE) == ACLCHECK_OK &&
		   may_call(model, function);
}

void
reco_rights_check(const ModelRow *model, const char *function)
{
	AclResult result = reco_schema_aclcheck(model->schema, GetUserId(), ACL_USAGE);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_SCHEMA, model->name);
	if (may_call(model, function))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for function \"%s\" of model \"%s\"", function, model->name),
			 errhint("The model's owner grants it with CALL reco.grant_use().")));
}

void
reco_rights_check_users(const ModelRow *model, const char *function)
{
	Oid table = get_relname_relid("model_user", model->schema);

	if (OidIsValid(table) && pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for function \"%s\" of model \"%s\"", function, model->name),
			 errdetail("What it tells is made of what users have, without the noise of the model."),
			 errhint("It takes SELECT on the model's tables: CALL reco.grant_use(..., tables => "
					 "true).")));
}
