/*
 * manage.c
 *	  reco.alter_model(), reco.drop_model() and the list of models.
 */
#include "api/api.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "store/schema.h"
#include "store/versions.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

RECO_FUNCTION(reco_alter_model);
RECO_FUNCTION(reco_drop_model);
RECO_FUNCTION(reco_list_models);

static Oid
owned_model(FunctionCallInfo fcinfo, bool missing_ok, ModelRow *row)
{
	char *name;
	Oid schema;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("model name must not be null")));
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (missing_ok && !OidIsValid(get_namespace_oid(name, true)))
		return InvalidOid;
	schema = reco_model_schema(name);
	reco_model_read(schema, GetActiveSnapshot(), row);
	reco_model_check_owner(row);
	return schema;
}

Datum
reco_alter_model(PG_FUNCTION_ARGS)
{
	RecoTrainingRecord record = {0};
	ModelRow row;
	char *source = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));
	char *items = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));

	PreventCommandIfReadOnly("CALL reco.alter_model()");
	record.schema = owned_model(fcinfo, false, &row);
	record.owner = (RecoRunAs){true, row.owner, "pg_catalog"};
	record.algorithm = PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2);
	record.options = PG_ARGISNULL(4) ? NULL : PG_GETARG_JSONB_P(4);
	SPI_connect();
	reco_version_redefine(&record, source, items, GetConfigOption("search_path", false, false));
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * What else would go with the schema: something in it that is not the model's
 * own, or something elsewhere that depends on it.  NULL when there is nothing.
 */
char *
reco_model_bystander(Oid schema)
{
	static const char query[] =
		"WITH own AS ("
		"  SELECT 'pg_class'::regclass AS class, oid, relname AS name,"
		"         relname = ANY ('" RECO_SCHEMA_RELATIONS "') OR relkind IN ('i', 't') AS ours"
		"    FROM pg_class WHERE relnamespace = $1"
		"  UNION ALL SELECT 'pg_proc'::regclass, oid, proname,"
		"         proname = ANY ('" RECO_SCHEMA_FUNCTIONS "')"
		"    FROM pg_proc WHERE pronamespace = $1"
		"  UNION ALL SELECT 'pg_type'::regclass, oid, typname, typrelid <> 0 OR typelem <> 0"
		"    FROM pg_type WHERE typnamespace = $1),"
		" inner_parts AS ("
		"  SELECT class, oid FROM own"
		"  UNION ALL SELECT 'pg_rewrite'::regclass, r.oid FROM pg_rewrite r JOIN own o"
		"    ON o.class = 'pg_class'::regclass AND o.oid = r.ev_class"
		"  UNION ALL SELECT 'pg_constraint'::regclass, c.oid FROM pg_constraint c JOIN own o"
		"    ON o.class = 'pg_class'::regclass AND o.oid = c.conrelid"
		"  UNION ALL SELECT 'pg_attrdef'::regclass, d.oid FROM pg_attrdef d JOIN own o"
		"    ON o.class = 'pg_class'::regclass AND o.oid = d.adrelid"
		"  UNION ALL SELECT 'pg_trigger'::regclass, t.oid FROM pg_trigger t JOIN own o"
		"    ON o.class = 'pg_class'::regclass AND o.oid = t.tgrelid"
		"  UNION ALL SELECT 'pg_policy'::regclass, p.oid FROM pg_policy p JOIN own o"
		"    ON o.class = 'pg_class'::regclass AND o.oid = p.polrelid)"
		" SELECT pg_describe_object(class, oid, 0) FROM own WHERE NOT ours"
		" UNION ALL"
		" SELECT pg_describe_object(d.classid, d.objid, d.objsubid)"
		"   FROM pg_depend d JOIN own o ON d.refclassid = o.class AND d.refobjid = o.oid"
		"  WHERE d.deptype IN ('n', 'a')"
		"    AND NOT EXISTS (SELECT FROM inner_parts i WHERE i.class = d.classid AND i.oid = "
		"d.objid)"
		"    AND NOT EXISTS (SELECT FROM pg_class t WHERE d.classid = 'pg_class'::regclass"
		"                     AND t.oid = d.objid AND t.relnamespace = 'pg_toast'::regnamespace)"
		" LIMIT 1";
	RecoIdentity before;
	RecoRunAs as = {true, GetUserId(), "pg_catalog"};
	Datum argument = ObjectIdGetDatum(schema);
	char *found = NULL;
	MemoryContext caller = CurrentMemoryContext;

	SPI_connect();
	reco_become(&as, &before);
	if (SPI_execute_with_args(query, 1, (Oid[]){OIDOID}, &argument, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look for what depends on the model");
	if (SPI_processed > 0)
		found = MemoryContextStrdup(caller,
									SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1));
	reco_return(&before);
	SPI_finish();
	return found;
}

Datum
reco_drop_model(PG_FUNCTION_ARGS)
{
	ModelRow row;
	ObjectAddress address = {NamespaceRelationId};
	char *other;

	PreventCommandIfReadOnly("CALL reco.drop_model()");
	address.objectId = owned_model(fcinfo, !PG_ARGISNULL(1) && PG_GETARG_BOOL(1), &row);
	if (!OidIsValid(address.objectId))
	{
		ereport(NOTICE, (errmsg("model \"%s\" does not exist, skipping",
								text_to_cstring(PG_GETARG_TEXT_PP(0)))));
		PG_RETURN_VOID();
	}
	if (!reco_schema_owned(address.objectId, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_SCHEMA, row.name);
	other = reco_model_bystander(address.objectId);
	if (other)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot drop model \"%s\" because %s would go with it", row.name, other),
				 errhint("Move or drop it first, or use DROP SCHEMA ... CASCADE.")));
	performDeletion(&address, DROP_CASCADE, PERFORM_DELETION_QUIETLY);
	PG_RETURN_VOID();
}

/*
 * One row of reco.models.
 */
static void
list_model(RecoRows *rows, const ModelRow *model)
{
	VersionRow version = {0};
	bool trained =
		model->active_version > 0 && reco_version_read(model->schema, model->active_version,
													   GetActiveSnapshot(), true, &version);
	const char *status = trained ? "ready" : model->active_version > 0 ? "damaged" : "not trained";
	Datum values[10];
	bool nulls[10] = {0};

	if (reco_model_is_training(model->schema))
		status = trained ? "ready, training" : "training";
	values[0] = CStringGetTextDatum(model->name);
	values[1] =
		DirectFunctionCall1(namein, CStringGetDatum(GetUserNameFromId(model->owner, true)
														? GetUserNameFromId(model->owner, true)
														: ""));
	nulls[2] = model->algorithm == NULL;
	if (!nulls[2])
		values[2] = CStringGetTextDatum(reco_spec_describe(reco_spec_parse(model->algorithm)));
	values[3] = Int32GetDatum(model->active_version);
	nulls[3] = model->active_version == 0;
	values[4] = CStringGetTextDatum(status);
	values[5] = Int32GetDatum(version.users);
	values[6] = Int32GetDatum(version.items);
	values[7] = Int64GetDatum(version.interactions);
	values[8] = TimestampTzGetDatum(version.finished_at);
	nulls[5] = nulls[6] = nulls[7] = nulls[8] = !trained;
	nulls[9] = model->source == NULL;
	if (!nulls[9])
		values[9] = CStringGetTextDatum(model->source);
	reco_rows_add(rows, values, nulls);
}

/*
 * Every schema that holds a table "model OF reco.model" which the caller may
 * read.  Looks at catalogs and rows only.
 */
Datum
reco_list_models(PG_FUNCTION_ARGS)
{
	RecoRows rows = reco_rows_begin(fcinfo,
									(Oid[]){TEXTOID, NAMEOID, TEXTOID, INT4OID, TEXTOID, INT4OID,
											INT4OID, INT8OID, TIMESTAMPTZOID, TEXTOID},
									10);
	Relation pg_namespace = table_open(NamespaceRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(pg_namespace, InvalidOid, false, NULL, 0, NULL);
	HeapTuple tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		ModelRow model;

		CHECK_FOR_INTERRUPTS();
		if (reco_model_try_read(((Form_pg_namespace) GETSTRUCT(tuple))->oid, GetActiveSnapshot(),
								&model))
			list_model(&rows, &model);
	}
	systable_endscan(scan);
	table_close(pg_namespace, AccessShareLock);
	return (Datum) 0;
}
