/*
 * definition.c
 *	  Which schemas are models: the row that defines one, and those of its versions.
 *
 * What holds for all tables of a model (layout.c, tables.c) holds for these two, whose
 * types are the extension's: whatever an owner writes into them is a value or an error,
 * and only a table "model OF reco.model" makes a schema a model.
 *
 * Cost: a few catalog look-ups and a row each.
 */
#include "store/tables/definition.h"

#include "access/detoast.h"
#include "access/genam.h"
#include "access/nbtree.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "core/content/content.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

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
	if (table->rd_rel->relrowsecurity &&
		check_enable_rls(RelationGetRelid(table), InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("row-level security on table \"%s\" of a model is not supported",
							   RelationGetRelationName(table))));
}

void
reco_check_writable(Relation table)
{
	reco_check_policies(table);
	if (table->rd_rel->relowner != GetUserId())
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("table \"%s\" of model \"%s\" is of another owner than the model",
							   RelationGetRelationName(table),
							   get_namespace_name(RelationGetNamespace(table))),
						errhint("Give the model and all its tables to one role.")));
	/* what a statement does would be something else, and rows are written past them */
	if (table->rd_rules)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("rules on table \"%s\" of a model are not supported",
							   RelationGetRelationName(table)),
						errhint("DROP RULE removes them.")));
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
	Relation index = value && by_index ? reco_open_index(table, 1, (int[]){0}) : NULL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(value ? *value : 0));
	/* that of the transaction may be nobody's yet */
	snapshot = RegisterSnapshot(snapshot);
	scan = systable_beginscan(table, index ? RelationGetRelid(index) : InvalidOid, index != NULL,
							  snapshot, value ? 1 : 0, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		ExecForceStoreHeapTuple(heap_copytuple(tuple), slot, true);
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	if (index)
		index_close(index, AccessShareLock);
	if (HeapTupleIsValid(tuple))
	{
		slot_getallattrs(slot);
		return slot;
	}
	ExecDropSingleTupleTableSlot(slot);
	return NULL;
}

static int32
int_column(TupleTableSlot *slot, int number)
{
	return reco_column(slot, number) ? DatumGetInt32(slot->tts_values[number]) : 0;
}

static int64
bigint_column(TupleTableSlot *slot, int number)
{
	return reco_column(slot, number) ? DatumGetInt64(slot->tts_values[number]) : 0;
}

/*
 * Whether a column has a value of at most so many bytes: all models are looked at by whoever asks
 * how they are, and a longer one is as good as none.
 */
static bool
has_column(TupleTableSlot *slot, int number, Size most)
{
	return reco_column(slot, number) &&
		   toast_raw_datum_size(slot->tts_values[number]) <= VARHDRSZ + most;
}

static char *
text_column(TupleTableSlot *slot, int number)
{
	return has_column(slot, number, RECO_DEFINITION_BYTES)
			   ? TextDatumGetCString(slot->tts_values[number])
			   : NULL;
}

char *
reco_short_column(TupleTableSlot *slot, int number)
{
	if (!reco_column(slot, number))
		return NULL;
	return has_column(slot, number, RECO_SHORT_BYTES)
			   ? TextDatumGetCString(slot->tts_values[number])
			   : pstrdup("");
}

static Jsonb *
jsonb_column(TupleTableSlot *slot, int number)
{
	return has_column(slot, number, RECO_DEFINITION_BYTES)
			   ? DatumGetJsonbPCopy(slot->tts_values[number])
			   : NULL;
}

/* Of at most RECO_MAX_FIELDS columns each a name, a kind and five numbers. */
#define FIELDS_BYTES (RECO_MAX_FIELDS * 1024)

/* Of some dozens of candidates each a call, a few numbers and a message. */
#define CHOICE_BYTES (1024 * 1024)

/* One that is longer than it can be is not unpacked; in its place stands what is none. */
static Jsonb *
bounded_column(TupleTableSlot *slot, int number, Size most)
{
	if (reco_column(slot, number) && !has_column(slot, number, most))
		return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("null")));
	return jsonb_column(slot, number);
}

/*
 * Copies the model's one row; false when there is none.
 */
static bool
read_model_row(Relation table, Snapshot snapshot, ModelRow *row)
{
	TupleTableSlot *slot = find_row(table, snapshot, NULL, false);

	memset(row, 0, sizeof(*row));
	if (slot == NULL)
		return false;
	row->schema = RelationGetNamespace(table);
	row->table = RelationGetRelid(table);
	row->owner = table->rd_rel->relowner;
	row->name = get_namespace_name(row->schema);
	row->active_version = int_column(slot, MODEL_ACTIVE_VERSION);
	row->active_list = int_column(slot, MODEL_ACTIVE_LIST);
	row->next_version = int_column(slot, MODEL_NEXT_VERSION);
	row->created_at = bigint_column(slot, MODEL_CREATED_AT);
	row->active_nonce = bigint_column(slot, MODEL_ACTIVE_NONCE);
	row->active_epoch = bigint_column(slot, MODEL_ACTIVE_EPOCH);
	row->source = text_column(slot, MODEL_SOURCE);
	row->items = text_column(slot, MODEL_ITEMS);
	row->search_path = text_column(slot, MODEL_SEARCH_PATH);
	row->items_search_path = text_column(slot, MODEL_ITEMS_SEARCH_PATH);
	row->users = text_column(slot, MODEL_USERS);
	row->users_search_path = text_column(slot, MODEL_USERS_SEARCH_PATH);
	row->pseudonyms_of = text_column(slot, MODEL_PSEUDONYMS_OF);
	row->algorithm = jsonb_column(slot, MODEL_ALGORITHM);
	row->options = jsonb_column(slot, MODEL_OPTIONS);
	row->resolved = jsonb_column(slot, MODEL_RESOLVED);
	ExecDropSingleTupleTableSlot(slot);
	return true;
}

void
reco_model_read(Oid schema, Snapshot snapshot, ModelRow *row)
{
	const char *name = get_namespace_name(schema);
	Relation table;

	if (!OidIsValid(reco_model_table(schema)))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						name ? errmsg("schema \"%s\" is not a model", name)
							 : errmsg("schema with OID %u does not exist", schema)));
	table = reco_try_open(schema, RECO_TABLE_MODEL, AccessShareLock, NULL);
	/* the name is gone with the schema */
	if (table == NULL && !OidIsValid(reco_model_table(schema)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), name ? errmsg("model \"%s\" was dropped", name)
														 : errmsg("the model was dropped")));
	if (table == NULL)
		table = reco_open(schema, RECO_TABLE_MODEL, AccessShareLock); /* says why not */
	reco_check_policies(table);
	if (!read_model_row(table, snapshot, row))
		reco_damaged(schema, "Its definition is missing.");
	table_close(table, NoLock);
}

void
reco_model_user_type(const ModelRow *row, IdType *type)
{
	IdPseudonyms like = {.role = row->owner, .schema = row->schema};
	IdType *of;

	if (row->pseudonyms_of == NULL)
		return;
	of = type->base == UUIDOID ? id_type_of_pseudonyms_of(row->pseudonyms_of, &like) : NULL;
	if (of == NULL)
		reco_damaged(row->schema, "Its users are no pseudonyms, as its definition says.");
	type->pseudonyms = of->pseudonyms;
}

void
reco_model_unlock(const ModelRow *row)
{
	UnlockRelationOid(row->table, AccessShareLock);
}

bool
reco_model_try_read(Oid schema, Snapshot snapshot, ModelRow *row, bool *busy)
{
	Relation table = reco_try_open(schema, RECO_TABLE_MODEL, AccessShareLock, busy);
	bool found;

	if (table == NULL)
		return false;
	found = may_select(table) && read_model_row(table, snapshot, row);
	table_close(table, AccessShareLock);
	return found;
}

void
reco_version_check(Oid schema)
{
	Relation table = reco_open(schema, RECO_TABLE_VERSION, AccessShareLock);

	reco_check_policies(table);
	table_close(table, NoLock);
}

/* False when there is no such version. */
static bool
read_version_row(Relation table, int32 version, Snapshot snapshot, bool by_index, VersionRow *row)
{
	TupleTableSlot *slot = find_row(table, snapshot, &version, by_index);

	if (slot == NULL)
		return false;
	row->algorithm = jsonb_column(slot, VERSION_ALGORITHM);
	row->options = jsonb_column(slot, VERSION_OPTIONS);
	row->fields = bounded_column(slot, VERSION_FIELDS, FIELDS_BYTES);
	row->status = reco_short_column(slot, VERSION_STATUS);
	row->users = int_column(slot, VERSION_USERS);
	row->added_users = int_column(slot, VERSION_ADDED_USERS);
	row->forgotten_users = int_column(slot, VERSION_FORGOTTEN_USERS);
	row->items = int_column(slot, VERSION_ITEMS);
	row->cold_items = int_column(slot, VERSION_COLD_ITEMS);
	row->cold_users = int_column(slot, VERSION_COLD_USERS);
	row->interactions = bigint_column(slot, VERSION_INTERACTIONS);
	row->bytes = bigint_column(slot, VERSION_BYTES);
	if (reco_column(slot, VERSION_MIN_VALUE))
		row->min_value = DatumGetFloat4(slot->tts_values[VERSION_MIN_VALUE]);
	if (reco_column(slot, VERSION_MAX_VALUE))
		row->max_value = DatumGetFloat4(slot->tts_values[VERSION_MAX_VALUE]);
	row->metrics = jsonb_column(slot, VERSION_METRICS);
	row->choice = bounded_column(slot, VERSION_CHOICE, CHOICE_BYTES);
	row->priors = bounded_column(slot, VERSION_PRIORS, CHOICE_BYTES);
	if (reco_column(slot, VERSION_AVAILABLE))
		row->available = DatumGetBool(slot->tts_values[VERSION_AVAILABLE]);
	if (reco_column(slot, VERSION_TIMED))
		row->untimed = !DatumGetBool(slot->tts_values[VERSION_TIMED]);
	row->reference_time = RECO_NO_REFERENCE_TIME;
	if (reco_column(slot, VERSION_REFERENCE_TIME))
		row->reference_time = DatumGetTimestampTz(slot->tts_values[VERSION_REFERENCE_TIME]);
	if (TIMESTAMP_NOT_FINITE(row->reference_time))
		row->reference_time = RECO_NO_REFERENCE_TIME;
	if (reco_column(slot, VERSION_PSEUDONYM_KEY))
	{
		row->key = palloc(sizeof(pg_uuid_t));
		*row->key = *DatumGetUUIDP(slot->tts_values[VERSION_PSEUDONYM_KEY]);
	}
	if (reco_column(slot, VERSION_FINISHED_AT))
		row->finished_at = DatumGetTimestampTz(slot->tts_values[VERSION_FINISHED_AT]);
	ExecDropSingleTupleTableSlot(slot);
	return true;
}

void
reco_version_read(Oid schema, int32 version, Snapshot snapshot, VersionRow *row)
{
	Relation table = reco_open(schema, RECO_TABLE_VERSION, AccessShareLock);

	memset(row, 0, sizeof(*row));
	reco_check_policies(table);
	if (!read_version_row(table, version, snapshot, true, row))
		reco_damaged(schema, psprintf("Its version %d is missing.", version));
	table_close(table, NoLock);
}

bool
reco_version_try_read(Oid schema, int32 version, Snapshot snapshot, VersionRow *row, bool *busy)
{
	Relation table = reco_try_open(schema, RECO_TABLE_VERSION, AccessShareLock, busy);
	bool found;

	memset(row, 0, sizeof(*row));
	if (table == NULL)
		return false;
	found = may_select(table) && read_version_row(table, version, snapshot, false, row);
	table_close(table, AccessShareLock);
	return found;
}

static bool
status_is(TupleTableSlot *slot, const char *wanted)
{
	char *status = reco_short_column(slot, VERSION_STATUS);
	bool is = status && strcmp(status, wanted) == 0;

	if (status)
		pfree(status);
	return is;
}

/* The number of the row, where it is that of a training that came to an end; else 0. */
static int32
finished_number(TupleTableSlot *slot)
{
	if ((!status_is(slot, "ready") && !status_is(slot, "expired")) ||
		!reco_column(slot, VERSION_FINISHED_AT) || reco_column(slot, VERSION_MADE_OF))
		return 0;
	return int_column(slot, VERSION_VERSION);
}

/* All rows of model_version, one for each training. */
static void
each_version(Relation table, Snapshot snapshot, void (*visit)(void *arg, TupleTableSlot *slot),
			 void *arg)
{
	TupleTableSlot *slot = table_slot_create(table, NULL);
	SysScanDesc scan;
	HeapTuple tuple;

	snapshot = RegisterSnapshot(snapshot);
	scan = systable_beginscan(table, InvalidOid, false, snapshot, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		reco_poll();
		ExecForceStoreHeapTuple(tuple, slot, false);
		slot_getallattrs(slot);
		visit(arg, slot);
		ExecClearTuple(slot);
	}
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
}

static void
take_last(void *arg, TupleTableSlot *slot)
{
	int32 *last = arg;

	*last = Max(*last, finished_number(slot));
}

int32
reco_version_last_finished(Oid schema, Snapshot snapshot, VersionRow *row)
{
	Relation table = reco_open(schema, RECO_TABLE_VERSION, AccessShareLock);
	int32 last = 0;

	memset(row, 0, sizeof(*row));
	reco_check_policies(table);
	each_version(table, snapshot, take_last, &last);
	if (last > 0 && !read_version_row(table, last, snapshot, false, row))
		last = 0;
	table_close(table, NoLock);
	return last;
}

static void
take_ready(void *arg, TupleTableSlot *slot)
{
	List **ready = arg;

	if (status_is(slot, "ready"))
		*ready = lappend_int(*ready, int_column(slot, VERSION_VERSION));
}

List *
reco_versions_ready(Oid schema, Snapshot snapshot)
{
	Relation table = reco_open(schema, RECO_TABLE_VERSION, AccessShareLock);
	List *ready = NIL;

	reco_check_policies(table);
	each_version(table, snapshot, take_ready, &ready);
	table_close(table, NoLock);
	return ready;
}

static void
add_spent(void *arg, TupleTableSlot *slot)
{
	RecoPrivacySpent *spent = arg;

	if (reco_column(slot, VERSION_EPSILON))
		spent->epsilon += DatumGetFloat8(slot->tts_values[VERSION_EPSILON]);
	if (reco_column(slot, VERSION_DELTA))
		spent->delta += DatumGetFloat8(slot->tts_values[VERSION_DELTA]);
}

RecoPrivacySpent
reco_versions_spent(Oid schema, Snapshot snapshot)
{
	Relation table = reco_open(schema, RECO_TABLE_VERSION, AccessShareLock);
	RecoPrivacySpent spent = {0};

	reco_check_policies(table);
	each_version(table, snapshot, add_spent, &spent);
	table_close(table, NoLock);
	return spent;
}

int64
reco_version_epoch_now(Oid schema, int32 version, int64 nonce)
{
	Relation table = reco_open(schema, RECO_TABLE_VERSION, AccessShareLock);
	/* a parallel worker may have this one, and no other that is new */
	Snapshot snapshot = GetNonHistoricCatalogSnapshot(RelationGetRelid(table));
	TupleTableSlot *slot = find_row(table, snapshot, &version, true);
	int64 epoch = -1;

	if (slot)
	{
		if (status_is(slot, "ready") && bigint_column(slot, VERSION_NONCE) == nonce)
			epoch = Max(bigint_column(slot, VERSION_EPOCH), 0);
		ExecDropSingleTupleTableSlot(slot);
	}
	table_close(table, NoLock);
	return epoch;
}

void
reco_model_check_owner(const ModelRow *row)
{
	if (!reco_table_owned(row->table, GetUserId()))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("must be owner of model \"%s\"", row->name)));
}

Oid
reco_relation_owner(Oid relation)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}

static void
visit_schema(Form_pg_namespace schema, void (*visit)(void *arg, const ModelRow *model), void *arg)
{
	Oid table = reco_model_table(schema->oid);
	ModelRow model = {0};
	bool busy;

	if (!OidIsValid(table) || pg_class_aclcheck(table, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		return;
	if (reco_model_try_read(schema->oid, GetActiveSnapshot(), &model, &busy))
	{
		visit(arg, &model);
		return;
	}
	if (!busy && check_enable_rls(table, InvalidOid, true) == RLS_ENABLED)
		return;
	model.locked = busy;
	model.missing = !busy;
	model.schema = schema->oid;
	model.name = pstrdup(NameStr(schema->nspname));
	model.owner = reco_relation_owner(table);
	visit(arg, &model);
}

void
reco_each_model(void (*visit)(void *arg, const ModelRow *model), void *arg)
{
	Relation pg_namespace = table_open(NamespaceRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(pg_namespace, InvalidOid, false, NULL, 0, NULL);
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco model", ALLOCSET_DEFAULT_SIZES);
	HeapTuple tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		reco_poll();
		visit_schema((Form_pg_namespace) GETSTRUCT(tuple), visit, arg);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
	systable_endscan(scan);
	table_close(pg_namespace, AccessShareLock);
}
