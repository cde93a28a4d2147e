/*
 * tables.c
 *	  Reading the tables of a model.
 *
 * A model's tables belong to its owner, who may alter them in any way: whatever
 * is read here is checked (columns and types when a table is opened, NULLs and
 * array shapes row by row), and what does not fit is an error that names the
 * model.  Nothing here runs code of the owner: rows are read by the table and
 * index access methods, not by queries, and only ordinary tables count.
 */
#include "store/tables.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/nbtree.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "model/model.h"
#include "storage/bufmgr.h"
#include "store/schema.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include <math.h>

static Oid
typed_table(Oid schema, const char *table_name, const char *type_name)
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
	return typed_table(schema, RECO_TABLE_MODEL, "model");
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

/* Rows that policies hide from the current user must neither be shown nor be left behind. */
static void
check_policies(Relation table)
{
	if (check_enable_rls(RelationGetRelid(table), InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("row-level security on table \"%s\" of a model is not supported",
							   RelationGetRelationName(table))));
}

static void
check_select(Relation table)
{
	Oid relid = RelationGetRelid(table);

	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied for table \"%s\" of model \"%s\"",
							   RelationGetRelationName(table),
							   get_namespace_name(RelationGetNamespace(table)))));
	check_policies(table);
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
 * any), in a slot that the caller drops; NULL when there is none.
 */
static TupleTableSlot *
find_row(Relation table, Snapshot snapshot, const int32 *value)
{
	TupleTableSlot *slot = table_slot_create(table, NULL);
	Oid index = value ? first_column_index(table) : InvalidOid;
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
	TupleTableSlot *slot = find_row(table, snapshot, NULL);
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
	check_select(table);
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
	check_select(table);
	table_close(table, AccessShareLock);
}

bool
reco_version_read(Oid schema, int32 version, Snapshot snapshot, bool missing_ok, VersionRow *row)
{
	Oid table_oid = typed_table(schema, RECO_TABLE_VERSION, "version");
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
		check_select(table);
	slot = may_select(table) ? find_row(table, snapshot, &version) : NULL;
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

void
reco_table_open(ModelTable *table, Oid schema, bool is_user, LOCKMODE lock, bool as_reader)
{
	const char *name = is_user ? RECO_TABLE_USER : RECO_TABLE_ITEM;
	const struct
	{
		const char *name;
		Oid type;
	} expected[ITEM_COLUMNS] = {
		{"version", INT4OID},
		{is_user ? "user_id" : "item_id", InvalidOid},
		{"factors", FLOAT4ARRAYOID},
		{"bias", FLOAT4OID},
		{"interactions", INT4OID},
		{"number", INT4OID},
		{"neighbors", INT4ARRAYOID},
		{"similarities", FLOAT8ARRAYOID},
		{is_user ? "history" : "features", BYTEAOID},
		{"trend", FLOAT4OID},
		{"numbers", FLOAT4ARRAYOID},
	};
	int columns = is_user ? COLUMNS : ITEM_COLUMNS;
	Oid relid = get_relname_relid(name, schema);
	TupleDesc desc;

	memset(table, 0, sizeof(*table));
	table->is_user = is_user;
	if (!OidIsValid(relid) || get_rel_relkind(relid) != RELKIND_RELATION)
		reco_table_damaged(schema, psprintf("Its table \"%s\" is missing.", name));
	table->heap = try_relation_open(relid, lock);
	if (table->heap == NULL)
		reco_table_damaged(schema, psprintf("Its table \"%s\" was dropped.", name));
	if (as_reader)
		check_select(table->heap);
	else
		check_policies(table->heap);
	desc = RelationGetDescr(table->heap);
	for (int i = 0; i < columns; i++)
	{
		Form_pg_attribute attribute = i < desc->natts ? TupleDescAttr(desc, i) : NULL;

		if (attribute == NULL || desc->natts != columns || attribute->attisdropped ||
			strcmp(NameStr(attribute->attname), expected[i].name) != 0 ||
			(OidIsValid(expected[i].type) && attribute->atttypid != expected[i].type))
			reco_table_damaged(schema,
							   psprintf("The columns of its table \"%s\" were altered.", name));
	}
}

void
reco_table_close(ModelTable *table, LOCKMODE lock)
{
	if (table->index)
		index_close(table->index, AccessShareLock);
	table_close(table->heap, lock);
}

bool
reco_table_id_is(const ModelTable *table, const IdType *type)
{
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table->heap), COLUMN_ID);

	return attribute->atttypid == type->type && attribute->attcollation == type->collation;
}

void
reco_table_require_id(const ModelTable *table, const IdType *type)
{
	if (!reco_table_id_is(table, type))
		reco_table_damaged(RelationGetNamespace(table->heap),
						   psprintf("The ids of its table \"%s\" were altered.",
									RelationGetRelationName(table->heap)));
}

IdType *
reco_table_id_type(const ModelTable *table)
{
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table->heap), COLUMN_ID);
	IdType *type = palloc(sizeof(IdType));

	id_type_init(type, attribute->atttypid, attribute->atttypmod, attribute->attcollation,
				 table->is_user ? "user" : "item");
	return type;
}

/*
 * The index on (version, column), opened.
 */
static Relation
find_index(Relation heap, int column)
{
	List *indexes = RelationGetIndexList(heap);
	ListCell *cell;

	foreach (cell, indexes)
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);
		Form_pg_index form = index->rd_index;

		if (form->indisvalid && form->indislive && form->indnkeyatts == 2 &&
			index->rd_rel->relam == BTREE_AM_OID && form->indkey.values[0] == COLUMN_VERSION + 1 &&
			form->indkey.values[1] == column + 1 && RelationGetIndexExpressions(index) == NIL &&
			RelationGetIndexPredicate(index) == NIL)
		{
			list_free(indexes);
			return index;
		}
		index_close(index, AccessShareLock);
	}
	reco_table_damaged(RelationGetNamespace(heap),
					   psprintf("The index on %s of its table \"%s\" is missing.",
								column == COLUMN_ID ? "ids" : "numbers",
								RelationGetRelationName(heap)));
	return NULL;
}

static void
open_index(ModelTable *table, int column)
{
	if (table->index && table->index_column == column)
		return;
	if (table->index)
		index_close(table->index, AccessShareLock);
	table->index = NULL;
	table->index = find_index(table->heap, column);
	table->index_column = column;
}

static void
check_not_null(ModelTable *table, TupleTableSlot *slot)
{
	for (int i = 0; i < slot->tts_tupleDescriptor->natts; i++)
		if (slot->tts_isnull[i])
			reco_damaged(RelationGetNamespace(table->heap),
						 psprintf("Its table \"%s\" has a null where none can be.",
								  RelationGetRelationName(table->heap)));
}

/*
 * Rows by an index on (version, ...): of a version, or those of one key.
 */
static void
visit_rows(Relation heap, Relation index, int32 version, const Datum *value, Snapshot snapshot,
		   RowVisitor visit, void *arg)
{
	ScanKeyData key[2];
	IndexScanDesc scan;
	TupleTableSlot *slot;
	int keys = 1;

	ScanKeyInit(&key[0], 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(version));
	if (value != NULL)
	{
		Oid opcintype = index->rd_opcintype[1];
		Oid operator=
			get_opfamily_member(index->rd_opfamily[1], opcintype, opcintype, BTEqualStrategyNumber);

		if (!OidIsValid(operator))
			reco_table_damaged(RelationGetNamespace(heap), "The index on its ids has no equality.");
		ScanKeyEntryInitialize(&key[1], 0, 2, BTEqualStrategyNumber, InvalidOid,
							   index->rd_indcollation[1], get_opcode(operator), *value);
		keys = 2;
	}
	slot = table_slot_create(heap, NULL);
	scan = reco_index_beginscan(heap, index, snapshot, keys);
	index_rescan(scan, key, keys, NULL, 0);
	while (index_getnext_slot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		if (!visit(arg, slot))
			break;
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
}

typedef struct CheckedVisit
{
	ModelTable *table;
	RowVisitor visit;
	void *arg;
} CheckedVisit;

static bool
visit_checked(void *arg, TupleTableSlot *slot)
{
	CheckedVisit *checked = arg;

	check_not_null(checked->table, slot);
	return checked->visit(checked->arg, slot);
}

void
reco_table_scan(ModelTable *table, int32 version, int column, const Datum *value, Snapshot snapshot,
				RowVisitor visit, void *arg)
{
	CheckedVisit checked = {table, visit, arg};

	open_index(table, column);
	visit_rows(table->heap, table->index, version, value, snapshot, visit_checked, &checked);
}

static bool
read_term(void *arg, TupleTableSlot *slot)
{
	/* version, number, field, term, weight: the attributes of the type */
	if (!slot->tts_isnull[3])
		*(char **) arg = TextDatumGetCString(slot->tts_values[3]);
	return false;
}

static Relation
open_terms(Oid schema)
{
	Oid table_oid = typed_table(schema, RECO_TABLE_TERM, "term");
	Relation table = OidIsValid(table_oid) ? try_relation_open(table_oid, AccessShareLock) : NULL;

	if (table == NULL)
		reco_table_damaged(schema, "Its table \"" RECO_TABLE_TERM "\" is missing.");
	return table;
}

void
reco_terms_check(Oid schema, int32 n)
{
	Relation table;

	if (n == 0)
		return;
	table = open_terms(schema);
	if ((uint64) n > (uint64) RelationGetNumberOfBlocks(table) * MaxHeapTuplesPerPage)
		reco_damaged(schema, psprintf("Its table \"%s\" cannot hold %d rows.",
									  RelationGetRelationName(table), n));
	table_close(table, AccessShareLock);
}

char **
reco_terms_read(Oid schema, int32 version, const int32 *number, int32 n)
{
	Relation table = open_terms(schema);
	char **term = palloc0(((Size) n + 1) * sizeof(char *));
	Relation index;

	check_select(table);
	index = find_index(table, COLUMN_ID);
	for (int32 k = 0; k < n; k++)
	{
		Datum key = Int32GetDatum(number[k]);

		visit_rows(table, index, version, &key, GetActiveSnapshot(), read_term, &term[k]);
	}
	index_close(index, AccessShareLock);
	table_close(table, AccessShareLock);
	return term;
}

/*
 * The elements of a real[] of exactly d numbers within range, or NULL when it is not
 * one; with nan_ok they may be NaN.  *copy is what to pfree, when *must_free.
 */
const float *
reco_factors_of(Datum value, int d, bool nan_ok, bool *must_free, void **copy)
{
	ArrayType *array = DatumGetArrayTypeP(value);
	const float *factors;

	*copy = array;
	*must_free = (Pointer) array != DatumGetPointer(value);
	if (ARR_HASNULL(array) || ARR_ELEMTYPE(array) != FLOAT4OID ||
		ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) != d || ARR_NDIM(array) > 1)
		return NULL;
	factors = (const float *) ARR_DATA_PTR(array);
	for (int i = 0; i < d; i++)
		if (!(fabsf(factors[i]) <= RECO_MAX_FACTOR) && !(nan_ok && isnan(factors[i])))
			return NULL;
	return factors;
}

int32
reco_neighbors_of(ModelTable *table, TupleTableSlot *slot, int32 rows, int32 **neighbor,
				  double **similarity)
{
	ArrayType *numbers = DatumGetArrayTypeP(slot->tts_values[COLUMN_NEIGHBORS]);
	ArrayType *similarities = DatumGetArrayTypeP(slot->tts_values[COLUMN_SIMILARITIES]);
	int n = ArrayGetNItems(ARR_NDIM(numbers), ARR_DIMS(numbers));
	bool fits = n == ArrayGetNItems(ARR_NDIM(similarities), ARR_DIMS(similarities)) &&
				!ARR_HASNULL(numbers) && !ARR_HASNULL(similarities) &&
				ARR_ELEMTYPE(numbers) == INT4OID && ARR_ELEMTYPE(similarities) == FLOAT8OID;

	*neighbor = palloc(((Size) n + 1) * sizeof(int32));
	*similarity = palloc(((Size) n + 1) * sizeof(double));
	if (fits)
	{
		memcpy(*neighbor, ARR_DATA_PTR(numbers), n * sizeof(int32));
		memcpy(*similarity, ARR_DATA_PTR(similarities), n * sizeof(double));
	}
	for (int k = 0; fits && k < n; k++)
		fits = (*neighbor)[k] >= 0 && (*neighbor)[k] < rows &&
			   fabs((*similarity)[k]) <= RECO_MAX_FACTOR;
	if (!fits)
		reco_damaged(RelationGetNamespace(table->heap),
					 psprintf("A list of neighbors in its table \"%s\" is not readable.",
							  RelationGetRelationName(table->heap)));
	return n;
}
