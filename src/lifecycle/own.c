/*
 * own.c
 *	  What in a model's schema is the model's own, and dropping that.
 *
 * An owner may keep other things in the schema, and things elsewhere may depend on the
 * model: columns of a type or a collation, views, foreign keys.  So a model is not dropped
 * by DROP SCHEMA ... CASCADE, but as DROP ... RESTRICT of all that is its own together
 * with the schema: the server finds what depends, of every class of objects, under locks.
 */
#include "lifecycle/own.h"

#include "catalog/dependency.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "storage/lmgr.h"
#include "store/tables/definition.h"
#include "store/source/source.h"
#include "store/tables/template.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

List *
reco_own_objects(Oid schema)
{
	static const char query[] =
		"SELECT 'pg_class'::regclass::oid, oid FROM pg_class"
		" WHERE relnamespace = $1 AND relname = ANY ($2::name[])"
		" UNION ALL "
		"SELECT 'pg_proc'::regclass::oid, p.oid FROM pg_proc p"
		" WHERE p.pronamespace = $1 AND p.proname = ANY ($3::name[])"
		"   AND EXISTS (SELECT FROM pg_depend d JOIN pg_proc s ON s.oid = d.refobjid"
		"                WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid"
		"                  AND d.refclassid = 'pg_proc'::regclass"
		"                  AND s.pronamespace = 'reco'::regnamespace)"
		" ORDER BY 1, 2";
	MemoryContext caller = CurrentMemoryContext;
	RecoRunAs as = reco_run_as(GetUserId());
	RecoIdentity before;
	Oid types[] = {OIDOID, TEXTOID, TEXTOID};
	Datum arguments[] = {ObjectIdGetDatum(schema), CStringGetTextDatum(reco_model_relations),
						 CStringGetTextDatum(reco_model_functions)};
	List *own = NIL;
	bool isnull;

	SPI_connect();
	reco_become(&as, &before);
	if (SPI_execute_with_args(query, lengthof(types), types, arguments, NULL, false, 0) !=
		SPI_OK_SELECT)
		elog(ERROR, "could not look for what belongs to a model");
	for (uint64 r = 0; r < SPI_processed; r++)
	{
		TupleDesc desc = SPI_tuptable->tupdesc;
		HeapTuple tuple = SPI_tuptable->vals[r];
		MemoryContext old = MemoryContextSwitchTo(caller);
		ObjectAddress *object = palloc(sizeof(ObjectAddress));

		*object = (ObjectAddress){DatumGetObjectId(SPI_getbinval(tuple, desc, 1, &isnull)),
								  DatumGetObjectId(SPI_getbinval(tuple, desc, 2, &isnull))};
		own = lappend(own, object);
		MemoryContextSwitchTo(old);
	}
	reco_return(&before);
	SPI_finish();
	return own;
}

/* Whether a function under one of the model's names is another role's. */
static bool
is_of_another(const ObjectAddress *object, Oid owner)
{
	HeapTuple tuple;
	bool of_another;

	if (object->classId != ProcedureRelationId || !OidIsValid(owner))
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(object->objectId));
	if (!HeapTupleIsValid(tuple))
		return false;
	of_another = ((Form_pg_proc) GETSTRUCT(tuple))->proowner != owner;
	ReleaseSysCache(tuple);
	return of_another;
}

void
reco_own_drop(Oid schema, const char *verb)
{
	Oid model = get_relname_relid("model", schema);
	Oid owner = reco_relation_owner(model);
	MemoryContext context = CurrentMemoryContext;
	char *name = get_namespace_name(schema);
	ObjectAddresses *objects = new_object_addresses();
	ObjectAddress address = {NamespaceRelationId, schema};
	ListCell *cell;

	/* which whoever reads several tables holds first: they have all that they need, or nothing */
	if (OidIsValid(model))
		LockRelationOid(model, AccessExclusiveLock);
	add_exact_object_address(&address, objects);
	foreach (cell, reco_own_objects(schema))
		if (!is_of_another(lfirst(cell), owner))
			add_exact_object_address(lfirst(cell), objects);
	PG_TRY();
	{
		performMultipleDeletions(objects, DROP_RESTRICT, PERFORM_DELETION_QUIETLY);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (error->sqlerrcode != ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST)
			PG_RE_THROW();
		FlushErrorState();
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot %s model \"%s\" because other objects depend on it", verb, name),
				 error->detail ? errdetail_internal("%s", error->detail) : 0,
				 errhint("Move or drop them first, or use DROP SCHEMA ... CASCADE.")));
	}
	PG_END_TRY();
	free_object_addresses(objects);
}
