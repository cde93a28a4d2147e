/*
 * layout.c
 *	  What the tables of a model are, and the one way to open them.
 *
 * A model's tables belong to its owner, who may alter them at any time, in a transaction
 * that another session waits for as well.  So nothing is known of a table before it is
 * locked: it is locked first, by name, as the server does it, then all that its readers
 * and writers rely on is checked, and the lock stays to the end of the transaction.
 * What was found is kept in the session until it is told of a change to the table, to a
 * type or to a schema, and goes by that once the table is locked: with the lock comes
 * what others have committed.
 *
 * Cost: a lock; of a table that is not known three look-ups in the catalog caches and a
 * comparison a column, no more than a few microseconds.
 */
#include "store/tables/layout.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "pg/citus.h"
#include "storage/lmgr.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/* A column; ids have any type. */
typedef struct Column
{
	const char *name;
	Oid type;
	bool nulls; /* which are written past a NOT NULL, that readers count on */
} Column;

#define ANY_TYPE InvalidOid

/* As reco.model has them. */
static const Column model_columns[MODEL_COLUMNS] = {
	[MODEL_DEFINITION] = {"definition", INT4OID},
	[MODEL_SOURCE] = {"source", TEXTOID},
	[MODEL_ALGORITHM] = {"algorithm", JSONBOID},
	[MODEL_OPTIONS] = {"options", JSONBOID},
	[MODEL_SEARCH_PATH] = {"search_path", TEXTOID},
	[MODEL_ACTIVE_VERSION] = {"active_version", INT4OID},
	[MODEL_ACTIVE_NONCE] = {"active_nonce", INT8OID},
	[MODEL_NEXT_VERSION] = {"next_version", INT4OID},
	[MODEL_CREATED_AT] = {"created_at", TIMESTAMPTZOID},
	[MODEL_ITEMS] = {"items", TEXTOID},
	[MODEL_ITEMS_SEARCH_PATH] = {"items_search_path", TEXTOID},
	[MODEL_ACTIVE_LIST] = {"active_list", INT4OID},
	[MODEL_RESOLVED] = {"resolved", JSONBOID},
	[MODEL_ACTIVE_EPOCH] = {"active_epoch", INT8OID},
	[MODEL_USERS] = {"users", TEXTOID},
	[MODEL_USERS_SEARCH_PATH] = {"users_search_path", TEXTOID},
	[MODEL_PSEUDONYMS_OF] = {"pseudonyms_of", TEXTOID},
};

/* As reco.version has them. */
static const Column version_columns[VERSION_COLUMNS] = {
	[VERSION_VERSION] = {"version", INT4OID},
	[VERSION_NONCE] = {"nonce", INT8OID},
	[VERSION_STATUS] = {"status", TEXTOID},
	[VERSION_STARTED_AT] = {"started_at", TIMESTAMPTZOID},
	[VERSION_FINISHED_AT] = {"finished_at", TIMESTAMPTZOID},
	[VERSION_ROWS_READ] = {"rows_read", INT8OID},
	[VERSION_ROWS_SKIPPED] = {"rows_skipped", JSONBOID},
	[VERSION_ROWS_MERGED] = {"rows_merged", INT8OID},
	[VERSION_USERS] = {"users", INT4OID},
	[VERSION_ITEMS] = {"items", INT4OID},
	[VERSION_INTERACTIONS] = {"interactions", INT8OID},
	[VERSION_ALGORITHM] = {"algorithm", JSONBOID},
	[VERSION_OPTIONS] = {"options", JSONBOID},
	[VERSION_MIN_VALUE] = {"min_value", FLOAT4OID},
	[VERSION_MAX_VALUE] = {"max_value", FLOAT4OID},
	[VERSION_METRICS] = {"metrics", JSONBOID},
	[VERSION_LOSS] = {"loss", FLOAT4ARRAYOID},
	[VERSION_BYTES] = {"bytes", INT8OID},
	[VERSION_TIMINGS] = {"timings", JSONBOID},
	[VERSION_TRAINED_BY] = {"trained_by", TEXTOID},
	[VERSION_MESSAGE] = {"message", TEXTOID},
	[VERSION_FIELDS] = {"fields", JSONBOID},
	[VERSION_ROW_SECURITY] = {"row_security", BOOLOID},
	[VERSION_AVAILABLE] = {"available", BOOLOID},
	[VERSION_TIMED] = {"timed", BOOLOID},
	[VERSION_REFERENCE_TIME] = {"reference_time", TIMESTAMPTZOID},
	[VERSION_EPOCH] = {"epoch", INT8OID},
	[VERSION_ADDED_USERS] = {"added_users", INT4OID},
	[VERSION_FOLDED_IN_AT] = {"folded_in_at", TIMESTAMPTZOID},
	[VERSION_FOLDED_IN_USERS] = {"folded_in_users", INT4OID},
	[VERSION_MEMBER_LOSS] = {"member_loss", JSONBOID},
	[VERSION_CHOICE] = {"choice", JSONBOID},
	[VERSION_COLD_ITEMS] = {"cold_items", INT4OID},
	[VERSION_COLD_USERS] = {"cold_users", INT4OID},
	[VERSION_PRIORS] = {"priors", JSONBOID},
	[VERSION_FORGOTTEN_USERS] = {"forgotten_users", INT4OID},
	[VERSION_FORGOTTEN_AT] = {"forgotten_at", TIMESTAMPTZOID},
	[VERSION_EPSILON] = {"epsilon", FLOAT8OID},
	[VERSION_DELTA] = {"delta", FLOAT8OID},
	[VERSION_FOLDED_IN_INTERACTIONS] = {"folded_in_interactions", INT8OID},
	[VERSION_DRIFT] = {"drift", FLOAT8OID},
	[VERSION_CALIBRATION] = {"calibration", JSONBOID},
	[VERSION_MADE_OF] = {"made_of", INT4OID},
	[VERSION_PSEUDONYM_KEY] = {"pseudonym_key", UUIDOID},
};

static const Column user_columns[USER_COLUMNS] = {
	[COLUMN_VERSION] = {"version", INT4OID},  [COLUMN_ID] = {"user_id", ANY_TYPE},
	[COLUMN_NUMBER] = {"number", INT4OID},    [COLUMN_INTERACTIONS] = {"interactions", INT4OID},
	[COLUMN_CONTENT] = {"history", BYTEAOID}, [COLUMN_PARTS] = {"parts", BYTEAARRAYOID},
	[COLUMN_SEEN] = {"seen", BYTEAOID},
};

static const Column item_columns[ITEM_COLUMNS] = {
	[COLUMN_VERSION] = {"version", INT4OID},   [COLUMN_ID] = {"item_id", ANY_TYPE},
	[COLUMN_NUMBER] = {"number", INT4OID},     [COLUMN_INTERACTIONS] = {"interactions", INT4OID},
	[COLUMN_CONTENT] = {"features", BYTEAOID}, [COLUMN_PARTS] = {"parts", BYTEAARRAYOID},
	[COLUMN_TREND] = {"trend", FLOAT4OID},     [COLUMN_NUMBERS] = {"numbers", FLOAT4ARRAYOID},
};

/* As reco.term has them. */
static const Column term_columns[TERM_COLUMNS] = {
	[TERM_VERSION] = {"version", INT4OID}, [TERM_NUMBER] = {"number", INT4OID},
	[TERM_FIELD] = {"field", INT4OID},     [TERM_TERM] = {"term", TEXTOID},
	[TERM_WEIGHT] = {"weight", FLOAT4OID},
};

/* As reco.part has them. */
static const Column part_columns[PART_COLUMNS] = {
	[PART_VERSION] = {"version", INT4OID},
	[PART_PART] = {"part", INT4OID},
	[PART_NUMBER] = {"number", INT4OID},
	[PART_CONTENT] = {"content", BYTEAOID},
};

static const Column list_columns[LIST_COLUMNS] = {
	[LIST_NUMBER] = {"list", INT4OID},       [LIST_USER] = {"user_id", ANY_TYPE},
	[LIST_ITEMS] = {"items", ANY_TYPE},      [LIST_SCORES] = {"scores", FLOAT4ARRAYOID},
	[LIST_BY_MODEL] = {"by_model", INT4OID}, [LIST_SOURCE] = {"source", TEXTOID},
};

static const Column segment_columns[SEGMENT_COLUMNS] = {
	[SEGMENT_USER] = {"user_id", ANY_TYPE},
	[SEGMENT_SEGMENT] = {"segment", INT4OID},
	[SEGMENT_DISTANCE] = {"distance", FLOAT8OID},
	[SEGMENT_RECENCY] = {"recency", FLOAT8OID},
	[SEGMENT_FREQUENCY] = {"frequency", INT8OID},
	[SEGMENT_MONETARY] = {"monetary", FLOAT8OID},
	[SEGMENT_R] = {"r", INT4OID},
	[SEGMENT_F] = {"f", INT4OID},
	[SEGMENT_M] = {"m", INT4OID},
};

static const Column profile_columns[PROFILE_COLUMNS] = {
	[PROFILE_SEGMENT] = {"segment", INT4OID},
	[PROFILE_VERSION] = {"version", INT4OID},
	[PROFILE_MADE_AT] = {"made_at", TIMESTAMPTZOID},
	[PROFILE_MADE_OF] = {"made_of", TEXTOID},
	[PROFILE_SILHOUETTE] = {"silhouette", FLOAT8OID},
	[PROFILE_NAME] = {"name", TEXTOID},
	[PROFILE_USERS] = {"users", INT4OID},
	[PROFILE_SHARE] = {"share", FLOAT8OID},
	[PROFILE_ITEMS] = {"items", ANY_TYPE},
	[PROFILE_ITEM_SHARES] = {"item_shares", FLOAT4ARRAYOID},
	[PROFILE_ITEM_LIFTS] = {"item_lifts", FLOAT4ARRAYOID},
	[PROFILE_KEYWORDS] = {"keywords", TEXTARRAYOID},
	[PROFILE_KEYWORD_SHARES] = {"keyword_shares", FLOAT4ARRAYOID},
	[PROFILE_KEYWORD_LIFTS] = {"keyword_lifts", FLOAT4ARRAYOID},
	[PROFILE_MEANS] = {"means", JSONBOID},
};

static const Column change_columns[CHANGE_COLUMNS] = {
	[CHANGE_USER] = {"user_id", ANY_TYPE, .nulls = true},
	[CHANGE_XID] = {"xid", XID8OID},
};

typedef struct Layout
{
	const char *name;
	const char *type; /* of the extension, that the table is OF; NULL: of none */
	const Column *column;
	int columns;
} Layout;

static const Layout layouts[RECO_TABLES] = {
	[RECO_TABLE_MODEL] = {"model", "model", model_columns, MODEL_COLUMNS},
	[RECO_TABLE_VERSION] = {"model_version", "version", version_columns, VERSION_COLUMNS},
	[RECO_TABLE_ITEM] = {"model_item", NULL, item_columns, ITEM_COLUMNS},
	[RECO_TABLE_USER] = {"model_user", NULL, user_columns, USER_COLUMNS},
	[RECO_TABLE_USER_LAYER] = {"model_user_layer", NULL, user_columns, USER_COLUMNS},
	[RECO_TABLE_PART] = {"model_part", "part", part_columns, PART_COLUMNS},
	[RECO_TABLE_TERM] = {"model_term", "term", term_columns, TERM_COLUMNS},
	[RECO_TABLE_LIST] = {"model_list", NULL, list_columns, LIST_COLUMNS},
	[RECO_TABLE_SEGMENT] = {"model_segment", NULL, segment_columns, SEGMENT_COLUMNS},
	[RECO_TABLE_SEGMENT_PROFILE] = {"model_segment_profile", NULL, profile_columns,
									PROFILE_COLUMNS},
	[RECO_TABLE_CHANGE] = {"model_change", NULL, change_columns, CHANGE_COLUMNS},
};

const char *
reco_table_name(RecoTable which)
{
	return layouts[which].name;
}

Oid
reco_type_oid(const char *name)
{
	Oid schema = get_namespace_oid("reco", true);

	if (!OidIsValid(schema))
		return InvalidOid;
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, PointerGetDatum(name),
						   ObjectIdGetDatum(schema));
}

/*
 * Tables that were found to be what they must be.  What tells them apart and says what they are is
 * in the catalogs, whose changes this session hears of.
 */
typedef struct KnownTable
{
	Oid schema;
	RecoTable which;
	Oid table; /* InvalidOid: there is none here */
} KnownTable;

#define KNOWN_TABLES 64

static KnownTable known_tables[KNOWN_TABLES];
static uint64 changes; /* that this session was told of */

void
reco_layout_forget(Oid table)
{
	changes++;
	for (int k = 0; k < KNOWN_TABLES; k++)
		if (!OidIsValid(table) || known_tables[k].table == table)
			known_tables[k].table = InvalidOid;
}

/* Of types and schemas, by whose names the extension's types are found. */
static void
forget_tables(Datum arg, int cache, uint32 hash)
{
	reco_layout_forget(InvalidOid);
}

void
reco_layout_init(void)
{
	CacheRegisterSyscacheCallback(TYPEOID, forget_tables, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_tables, (Datum) 0);
}

static KnownTable *
known_place(Oid schema, RecoTable which)
{
	return &known_tables[(schema * RECO_TABLES + which) % KNOWN_TABLES];
}

static bool
is_known(const KnownTable *known, Oid schema, RecoTable which)
{
	return OidIsValid(known->table) && known->schema == schema && known->which == which;
}

Oid
reco_model_table(Oid schema)
{
	Oid table = get_relname_relid(reco_table_name(RECO_TABLE_MODEL), schema);
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	Form_pg_class form;
	bool fits;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	form = (Form_pg_class) GETSTRUCT(tuple);
	/* those of other sessions cannot be read */
	fits = OidIsValid(form->reloftype) && form->reloftype == reco_type_oid("model") &&
		   form->relkind == RELKIND_RELATION && form->relpersistence != RELPERSISTENCE_TEMP;
	ReleaseSysCache(tuple);
	return fits ? table : InvalidOid;
}

/*
 * A drop is seen in the catalogs a moment before this session is told to forget what it has
 * cached of them; whoever drops holds the schema's lock beyond that.
 */
bool
reco_model_gone(Oid schema)
{
	bool gone;

	if (!OidIsValid(schema))
		return true;
	LockDatabaseObject(NamespaceRelationId, schema, 0, AccessShareLock);
	gone = !OidIsValid(reco_model_table(schema));
	UnlockDatabaseObject(NamespaceRelationId, schema, 0, AccessShareLock);
	return gone;
}

static pg_attribute_noreturn() void damaged(Oid schema, const char *detail, const char *hint)
{
	const char *name = get_namespace_name(schema);

	/* what looks like damage may be a model that another session drops */
	if (reco_model_gone(schema))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), name ? errmsg("model \"%s\" was dropped", name)
														 : errmsg("the model was dropped")));
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("model \"%s\" is damaged", name ? name : ""),
					errdetail_internal("%s", detail), errhint("%s", hint)));
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

/*
 * Locks and opens the relation of a name; NULL when there is none, or when busy is given
 * and one would have to wait.
 */
static Relation
lock_by_name(Oid schema, const char *name, LOCKMODE lock, bool *busy)
{
	Oid relid = get_relname_relid(name, schema);

	while (OidIsValid(relid))
	{
		Oid now;

		reco_poll();
		if (busy == NULL)
			LockRelationOid(relid, lock);
		else if (!ConditionalLockRelationOid(relid, lock))
		{
			*busy = true;
			return NULL;
		}
		/* with the lock came what others have committed: the name may mean another one */
		now = get_relname_relid(name, schema);
		if (now == relid)
		{
			Relation table = try_relation_open(relid, NoLock);

			if (table != NULL)
				return table;
			now = InvalidOid;
		}
		UnlockRelationOid(relid, lock);
		relid = now;
	}
	return NULL;
}

static bool
column_fits(const Layout *layout, const Column *expected, Form_pg_attribute attribute)
{
	if (attribute->attisdropped || attribute->attgenerated != '\0' ||
		strcmp(NameStr(attribute->attname), expected->name) != 0 ||
		(expected->nulls && attribute->attnotnull))
		return false;
	if (expected->type == ANY_TYPE)
		return true;
	return attribute->atttypmod == -1 &&
		   (attribute->atttypid == expected->type ||
			/* the types have domains; elsewhere rows are written past their checks */
			(layout->type && getBaseType(attribute->atttypid) == expected->type));
}

/*
 * In which way an opened and locked relation is not the table; NULL when it is.
 */
static char *
misfit(Relation table, const Layout *layout)
{
	Form_pg_class form = table->rd_rel;
	TupleDesc desc = RelationGetDescr(table);

	if (form->relkind != RELKIND_RELATION || form->relpersistence == RELPERSISTENCE_TEMP ||
		form->relam != HEAP_TABLE_AM_OID)
		return psprintf("Its table \"%s\" is not an ordinary table.", layout->name);
	if (layout->type && form->reloftype != reco_type_oid(layout->type))
		return psprintf("Its table \"%s\" is not of type reco.%s.", layout->name, layout->type);
	if (desc->natts < layout->columns || (!layout->type && desc->natts > layout->columns))
		return psprintf("The columns of its table \"%s\" were altered.", layout->name);
	for (int i = 0; i < layout->columns; i++)
		if (!column_fits(layout, &layout->column[i], TupleDescAttr(desc, i)))
			return psprintf("The columns of its table \"%s\" were altered.", layout->name);
	/* what lies here is then not what there is, and what is written here is not seen */
	if (form->relhastriggers && reco_citus_has(RelationGetRelid(table)))
		return psprintf("Its table \"%s\" is a distributed table of Citus, which "
						"undistribute_table() makes an ordinary one again.",
						layout->name);
	return NULL;
}

/* NULL: it is not known to be what it must be, or would have to be waited for. */
static Relation
open_known(Oid schema, RecoTable which, LOCKMODE lock, bool wait)
{
	const KnownTable *known = known_place(schema, which);
	Oid table = known->table;
	Relation opened = NULL;

	if (!is_known(known, schema, which))
		return NULL;
	if (wait)
		LockRelationOid(table, lock);
	else if (!ConditionalLockRelationOid(table, lock))
		return NULL;
	/* with the lock came what others have committed */
	if (is_known(known, schema, which) && known->table == table)
		opened = try_relation_open(table, NoLock);
	if (opened == NULL)
		UnlockRelationOid(table, lock);
	return opened;
}

/* By its name, and checked. */
static Relation
open_named(Oid schema, RecoTable which, LOCKMODE lock, bool *busy, char **why)
{
	const Layout *layout = &layouts[which];
	uint64 before = changes;
	Relation table = lock_by_name(schema, layout->name, lock, busy);

	if (table == NULL)
	{
		*why = psprintf("Its table \"%s\" is missing.", layout->name);
		return NULL;
	}
	*why = misfit(table, layout);
	if (*why != NULL)
	{
		relation_close(table, lock);
		return NULL;
	}
	/* whether Citus has it is told by a table of its own */
	if (changes == before && !table->rd_rel->relhastriggers)
		*known_place(schema, which) = (KnownTable){schema, which, RelationGetRelid(table)};
	return table;
}

static Relation
open_checked(Oid schema, RecoTable which, LOCKMODE lock, bool *busy, char **why)
{
	Relation table = open_known(schema, which, lock, busy == NULL);

	if (table == NULL)
		table = open_named(schema, which, lock, busy, why);
	if (table == NULL)
		return NULL;
	/* the server says so when it plans a query, and this is none */
	if (RecoveryInProgress() && !RelationIsPermanent(table))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("cannot access temporary or unlogged relations during recovery")));
	return table;
}

Relation
reco_open(Oid schema, RecoTable which, LOCKMODE lock)
{
	char *why;
	Relation table = open_checked(schema, which, lock, NULL, &why);

	if (table == NULL)
		reco_table_damaged(schema, why);
	return table;
}

Relation
reco_try_open(Oid schema, RecoTable which, LOCKMODE lock, bool *busy)
{
	char *why;

	if (busy)
		*busy = false;
	return open_checked(schema, which, lock, busy, &why);
}

static bool
index_fits(Relation table, Relation index, int keys, const int *column)
{
	Form_pg_index form = index->rd_index;

	if (!form->indisvalid || !form->indislive || form->indnkeyatts != keys ||
		index->rd_rel->relam != BTREE_AM_OID)
		return false;
	/* rows that an older snapshot sees may be missing from it */
	if (form->indcheckxmin &&
		!TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data),
							   TransactionXmin))
		return false;
	for (int k = 0; k < keys; k++)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table), column[k]);
		TypeCacheEntry *type = lookup_type_cache(attribute->atttypid, TYPECACHE_BTREE_OPFAMILY);

		if (form->indkey.values[k] != column[k] + 1 || index->rd_indoption[k] != 0 ||
			index->rd_opfamily[k] != type->btree_opf ||
			index->rd_opcintype[k] != type->btree_opintype ||
			index->rd_indcollation[k] != attribute->attcollation)
			return false;
	}
	/* by the catalog: the server's own look at a condition calls what is immutable in it */
	return heap_attisnull(index->rd_indextuple, Anum_pg_index_indexprs, NULL) &&
		   heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL);
}

Relation
reco_open_index(Relation table, int keys, const int *column)
{
	List *indexes = RelationGetIndexList(table);
	ListCell *cell;

	foreach (cell, indexes)
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);

		if (index_fits(table, index, keys, column))
		{
			list_free(indexes);
			return index;
		}
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	return NULL;
}

bool
reco_altered_since(Relation table, Snapshot snapshot)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(RelationGetRelid(table)));
	TransactionId xmin;

	if (!HeapTupleIsValid(tuple))
		return true;
	xmin = HeapTupleHeaderGetXmin(tuple->t_data);
	ReleaseSysCache(tuple);
	return TransactionIdIsNormal(xmin) && !TransactionIdIsCurrentTransactionId(xmin) &&
		   XidInMVCCSnapshot(xmin, snapshot);
}
