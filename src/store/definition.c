/*
 * definition.c
 *	  Which schemas are models: the row that defines one, and those of its versions.
 *
 * What holds for all tables of a model (tables.c) holds for these two, whose types are
 * the extension's: whatever an owner writes into them is a value or an error, and only
 * a table "model OF reco.model" makes a schema a model.
 *
 * Cost: a few catalog look-ups and a row each.
 */
#include "store/definition.h"

#include "access/genam.h"
#include "access/nbtree.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "store/schema.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

Oid
reco_typed_table(Oid schema, const char *table_name, const char *type_name)
{
	Oid reco = get_namespace_oid("reco", true);
	Oid table = get_relname_relid(table_name, schema);
	Oid type;
	HeapTuple tuple;
	Form_pg_class form;
	bool fits;

	if (!OidIsValid(table) || !OidIsValid(reco))
		return InvalidOid;
	type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, PointerGetDatum(type_name),
						   ObjectIdGetDatum(reco));
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	form = (Form_pg_class) GETSTRUCT(tuple);
	/* those of other sessions cannot be read */
	fits = OidIsValid(type) && form->reloftype == type && form->relkind == RELKIND_RELATION &&
		   form->relpersistence != RELPERSISTENCE_TEMP;
	ReleaseSysCache(tuple);
	return fits ? table : InvalidOid;
}

Oid
reco_model_table(Oid schema)
{
	return reco_typed_table(schema, RECO_TABLE_MODEL, "model");
}

Oid
reco_model_schema(const char *name)
{
	Oid schema = get_namespace_oid(name, true);

	if (!OidIsValid(schema) || !OidIsValid(reco_model_table(schema)))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						OidIsValid(schema) ? errmsg("schema \"%s\" is not a model", name)
										   : errmsg("model \"%s\" does not exist", name),
						errhint("reco.models lists the models you may read.")));
	return schema;
}

static pg_attribute_noreturn() void damaged(Oid schema, const char *detail, const char *hint)
{
	const char *name = get_namespace_name(schema);

	/* what looks like damage may be a model that another session drops */
	if (name == NULL || !OidIsValid(reco_model_table(schema)))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("model \"%s\" was dropped", name ? name : "")));
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("model \"%s\" is damaged", name), errdetail_internal("%s", detail),
					errhint("%s", hint)));
}

void
reco_damaged(Oid schema, const char *detail)
{
	damaged(schema, detail,
			"Train it again with CALL reco.refresh(), or drop it and create it anew.");
}

void
reco_table_damaged(Oid schema, const char *detail)
{
	damaged(schema, detail, "Make the table what it was, or drop the model and create it anew.");
}

static bool
may_select(Relation table)
{
	Oid relid = RelationGetRelid(table);

	return pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		   check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED;
}

void
reco_check_policies(Relation table)
{
	if (check_enable_rls(RelationGetRelid(table), InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("row-level security on table \"%s\" of a model is not supported",
							   RelationGetRelationName(table))));
}

void
reco_check_select(Relation table)
{
	Oid relid = RelationGetRelid(table);

	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied for table \"%s\" of model \"%s\"",
							   RelationGetRelationName(table),
							   get_namespace_name(RelationGetNamespace(table)))));
	reco_check_policies(table);
}

/* The index of a typed table on its first column alone, or 0. */
static Oid
first_column_index(Relation table)
{
	Oid primary;

	RelationGetIndexList(table);
	primary = table->rd_pkindex;
	if (OidIsValid(primary))
	{
		Relation index = index_open(primary, AccessShareLock);
		bool fits = index->rd_index->indnkeyatts == 1 && index->rd_index->indkey.values[0] == 1 &&
					index->rd_rel->relam == BTREE_AM_OID;

		index_close(index, AccessShareLock);
		if (fits)
			return primary;
	}
	return InvalidOid;
}

/*
 * The first row of a typed table whose first column, an int4, equals *value (NULL:
 * any), in a slot that the caller drops; NULL when there is none.  By its index only where
 * it may be waited for: a REINDEX locks that, and not the table.
 */
static TupleTableSlot *
find_row(Relation table, Snapshot snapshot, const int32 *value, bool by_index)
{
	TupleTableSlot *slot = table_slot_create(table, NULL);
	Oid index = value && by_index ? first_column_index(table) : InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(value ? *value : 0));
	scan = systable_beginscan(table, index, OidIsValid(index), snapshot, value ? 1 : 0, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		ExecForceStoreHeapTuple(heap_copytuple(tuple), slot, true);
	systable_endscan(scan);
	if (HeapTupleIsValid(tuple))
	{
		slot_getallattrs(slot);
		return slot;
	}
	ExecDropSingleTupleTableSlot(slot);
	return NULL;
}

/* The value of a named column, or false when it is NULL or missing. */
static bool
column(Relation table, TupleTableSlot *slot, const char *name, Oid type, Datum *value)
{
	TupleDesc desc = RelationGetDescr(table);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->attisdropped || strcmp(NameStr(attribute->attname), name) != 0)
			continue;
		*value = slot->tts_values[i];
		return !slot->tts_isnull[i] && getBaseType(attribute->atttypid) == type;
	}
	return false;
}

static int32
int_column(Relation table, TupleTableSlot *slot, const char *name)
{
	Datum value;

	return column(table, slot, name, INT4OID, &value) ? DatumGetInt32(value) : 0;
}

static char *
text_column(Relation table, TupleTableSlot *slot, const char *name)
{
	Datum value;

	return column(table, slot, name, TEXTOID, &value) ? TextDatumGetCString(value) : NULL;
}

static Jsonb *
jsonb_column(Relation table, TupleTableSlot *slot, const char *name)
{
	Datum value;

	return column(table, slot, name, JSONBOID, &value) ? DatumGetJsonbPCopy(value) : NULL;
}

/*
 * Copies the model's one row; false when there is none.
 */
static bool
read_model_row(Relation table, Snapshot snapshot, ModelRow *row)
{
	TupleTableSlot *slot = find_row(table, snapshot, NULL, false);
	Datum value;

	memset(row, 0, sizeof(*row));
	if (slot == NULL)
		return false;
	row->schema = RelationGetNamespace(table);
	row->table = RelationGetRelid(table);
	row->owner = table->rd_rel->relowner;
	row->name = get_namespace_name(row->schema);
	row->active_version = int_column(table, slot, "active_version");
	row->active_list = int_column(table, slot, "active_list");
	row->next_version = int_column(table, slot, "next_version");
	if (column(table, slot, "active_nonce", INT8OID, &value))
		row->active_nonce = DatumGetInt64(value);
	row->source = text_column(table, slot, "source");
	row->items = text_column(table, slot, "items");
	row->search_path = text_column(table, slot, "search_path");
	row->items_search_path = text_column(table, slot, "items_search_path");
	row->algorithm = jsonb_column(table, slot, "algorithm");
	row->options = jsonb_column(table, slot, "options");
	ExecDropSingleTupleTableSlot(slot);
	return true;
}

void
reco_model_read(Oid schema, Snapshot snapshot, ModelRow *row)
{
	Oid table_oid = reco_model_table(schema);
	const char *name = get_namespace_name(schema);
	Relation table;

	if (!OidIsValid(table_oid))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						name ? errmsg("schema \"%s\" is not a model", name)
							 : errmsg("schema with OID %u does not exist", schema)));
	table = try_relation_open(table_oid, AccessShareLock);
	if (table == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("model \"%s\" was dropped", name ? name : "")));
	reco_check_select(table);
	if (!read_model_row(table, snapshot, row))
		reco_damaged(schema, "Its definition is missing.");
	table_close(table, AccessShareLock);
}

bool
reco_model_try_read(Oid schema, Snapshot snapshot, ModelRow *row)
{
	Oid table_oid = reco_model_table(schema);
	Relation table = OidIsValid(table_oid) ? try_relation_open(table_oid, AccessShareLock) : NULL;
	bool found;

	if (table == NULL)
		return false;
	found = may_select(table) && read_model_row(table, snapshot, row);
	relation_close(table, AccessShareLock);
	return found;
}

static pg_attribute_noreturn() void versions_missing(Oid schema)
{
	reco_table_damaged(schema, "Its table \"" RECO_TABLE_VERSION "\" is missing.");
}

void
reco_version_check(Oid schema)
{
	Oid relid = get_relname_relid(RECO_TABLE_VERSION, schema);
	Relation table = OidIsValid(relid) ? try_relation_open(relid, AccessShareLock) : NULL;

	if (table == NULL)
		versions_missing(schema);
	reco_check_select(table);
	table_close(table, AccessShareLock);
}

bool
reco_version_read(Oid schema, int32 version, Snapshot snapshot, bool missing_ok, VersionRow *row)
{
	Oid table_oid = reco_typed_table(schema, RECO_TABLE_VERSION, "version");
	Relation table;
	TupleTableSlot *slot;
	Datum value;

	memset(row, 0, sizeof(*row));
	table = OidIsValid(table_oid) ? try_relation_open(table_oid, AccessShareLock) : NULL;
	if (table == NULL && !missing_ok)
		versions_missing(schema);
	if (table == NULL)
		return false;
	if (!missing_ok)
		reco_check_select(table);
	slot = may_select(table) ? find_row(table, snapshot, &version, !missing_ok) : NULL;
	if (slot != NULL)
	{
		row->algorithm = jsonb_column(table, slot, "algorithm");
		row->fields = jsonb_column(table, slot, "fields");
		row->status = text_column(table, slot, "status");
		row->users = int_column(table, slot, "users");
		row->items = int_column(table, slot, "items");
		row->factors = int_column(table, slot, "factors");
		if (column(table, slot, "interactions", INT8OID, &value))
			row->interactions = DatumGetInt64(value);
		if (column(table, slot, "mean", FLOAT8OID, &value))
			row->mean = DatumGetFloat8(value);
		if (column(table, slot, "min_value", FLOAT4OID, &value))
			row->min_value = DatumGetFloat4(value);
		if (column(table, slot, "max_value", FLOAT4OID, &value))
			row->max_value = DatumGetFloat4(value);
		row->metrics = jsonb_column(table, slot, "metrics");
		if (column(table, slot, "available", BOOLOID, &value))
			row->available = DatumGetBool(value);
		if (column(table, slot, "finished_at", TIMESTAMPTZOID, &value))
			row->finished_at = DatumGetTimestampTz(value);
		ExecDropSingleTupleTableSlot(slot);
	}
	table_close(table, AccessShareLock);
	if (slot == NULL && !missing_ok)
		reco_damaged(schema, psprintf("Its version %d is missing.", version));
	return slot != NULL;
}

void
reco_model_check_owner(const ModelRow *row)
{
	if (!reco_table_owned(row->table, GetUserId()))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("must be owner of model \"%s\"", row->name)));
}
