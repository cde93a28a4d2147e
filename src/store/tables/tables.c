/*
 * tables.c
 *	  Reading the tables of users, items and terms of a model.
 *
 * A model's tables belong to its owner, who may alter them in any way: whatever
 * is read here is checked (columns and types when a table is opened, layout.c; NULLs
 * and array shapes row by row), and what does not fit is an error that names the
 * model.  Nothing here runs code of the owner: rows are read by the table and
 * index access methods, not by queries, and only ordinary tables count.
 */
#include "store/tables/tables.h"

#include "access/detoast.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/nbtree.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "model/model.h"
#include "storage/bufmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include <math.h>

void
reco_table_open(ModelTable *table, Oid schema, bool is_user, LOCKMODE lock)
{
	memset(table, 0, sizeof(*table));
	table->is_user = is_user;
	table->heap = reco_open(schema, is_user ? RECO_TABLE_USER : RECO_TABLE_ITEM, lock);
}

void
reco_layer_open(ModelTable *table, Oid schema, LOCKMODE lock)
{
	memset(table, 0, sizeof(*table));
	table->is_user = true;
	table->heap = reco_open(schema, RECO_TABLE_USER_LAYER, lock);
}

void
reco_table_close(ModelTable *table)
{
	if (table->index)
		index_close(table->index, AccessShareLock);
	table_close(table->heap, NoLock);
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

void
reco_require_unaltered(Relation table, Snapshot snapshot)
{
	if (reco_altered_since(table, snapshot))
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("table \"%s\" of model \"%s\" was altered by another transaction",
							   RelationGetRelationName(table),
							   get_namespace_name(RelationGetNamespace(table))),
						errhint("Try again.")));
}

void
reco_table_require_unaltered(const ModelTable *table, Snapshot snapshot)
{
	reco_require_unaltered(table->heap, snapshot);
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
	Relation index = reco_open_index(heap, 2, (int[]){COLUMN_VERSION, column});

	if (index == NULL)
		reco_table_damaged(RelationGetNamespace(heap),
						   psprintf("The index on %s of its table \"%s\" is missing.",
									column == COLUMN_ID ? "ids" : "numbers",
									RelationGetRelationName(heap)));
	return index;
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

/* Rows by an index on (version, ...), of one version. */
typedef struct RowScan
{
	Relation heap;
	Relation index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	ScanKeyData key[2];
} RowScan;

/* with_value: those of one key, which changes from visit to visit. */
static void
begin_scan(RowScan *scan, Relation heap, Relation index, int32 version, bool with_value,
		   Snapshot snapshot)
{
	scan->heap = heap;
	scan->index = index;
	ScanKeyInit(&scan->key[0], 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(version));
	if (with_value)
	{
		Oid opcintype = index->rd_opcintype[1];
		Oid operator=
			get_opfamily_member(index->rd_opfamily[1], opcintype, opcintype, BTEqualStrategyNumber);

		if (!OidIsValid(operator))
			reco_table_damaged(RelationGetNamespace(heap), "The index on its ids has no equality.");
		ScanKeyEntryInitialize(&scan->key[1], 0, 2, BTEqualStrategyNumber, InvalidOid,
							   index->rd_indcollation[1], get_opcode(operator), (Datum) 0);
	}
	scan->slot = table_slot_create(heap, NULL);
	scan->scan = reco_index_beginscan(heap, index, snapshot, with_value ? 2 : 1);
}

/* All rows, or those of *value. */
static void
visit_scan(RowScan *scan, const Datum *value, RowVisitor visit, void *arg)
{
	if (value)
		scan->key[1].sk_argument = *value;
	index_rescan(scan->scan, scan->key, value ? 2 : 1, NULL, 0);
	while (index_getnext_slot(scan->scan, ForwardScanDirection, scan->slot))
	{
		reco_poll();
		slot_getallattrs(scan->slot);
		if (!visit(arg, scan->slot))
			break;
	}
}

static void
end_scan(RowScan *scan)
{
	index_endscan(scan->scan);
	ExecDropSingleTupleTableSlot(scan->slot);
}

static void
visit_rows(Relation heap, Relation index, int32 version, const Datum *value, Snapshot snapshot,
		   RowVisitor visit, void *arg)
{
	RowScan scan;

	begin_scan(&scan, heap, index, version, value != NULL, snapshot);
	visit_scan(&scan, value, visit, arg);
	end_scan(&scan);
}

void *
reco_row_alloc(Size count, Size size)
{
	Size bytes = Max(count, 1) * size;

	reco_context_require(MemoryContextMemAllocated(CurrentMemoryContext, true), bytes, "serving",
						 "ask for fewer rows");
	return MemoryContextAllocHuge(CurrentMemoryContext, bytes);
}

struct varlena *
reco_unpack(Datum value, Size most)
{
	struct varlena *stored = (struct varlena *) DatumGetPointer(value);
	Size bytes = toast_raw_datum_size(value);

	if (bytes > most)
		return NULL;
	if (VARATT_IS_COMPRESSED(stored) || VARATT_IS_EXTERNAL(stored))
		reco_context_require(MemoryContextMemAllocated(CurrentMemoryContext, true), bytes,
							 "serving", "ask for fewer rows");
	return pg_detoast_datum_packed(stored);
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
reco_table_scan(ModelTable *table, int32 version, const Datum *value, Snapshot snapshot,
				RowVisitor visit, void *arg)
{
	CheckedVisit checked = {table, visit, arg};

	if (table->index == NULL)
		table->index = find_index(table->heap, COLUMN_ID);
	visit_rows(table->heap, table->index, version, value, snapshot, visit_checked, &checked);
}

struct TableProbe
{
	ModelTable *table;
	RowScan scan;
};

TableProbe *
reco_probe_begin(ModelTable *table, int32 version, Snapshot snapshot)
{
	TableProbe *probe = palloc(sizeof(TableProbe));

	if (table->index == NULL)
		table->index = find_index(table->heap, COLUMN_ID);
	probe->table = table;
	begin_scan(&probe->scan, table->heap, table->index, version, true, snapshot);
	return probe;
}

void
reco_probe(TableProbe *probe, Datum value, RowVisitor visit, void *arg)
{
	CheckedVisit checked = {probe->table, visit, arg};

	visit_scan(&probe->scan, &value, visit_checked, &checked);
}

void
reco_probe_end(TableProbe *probe)
{
	end_scan(&probe->scan);
	pfree(probe);
}

void
reco_terms_check(Oid schema, int32 n)
{
	Relation table;

	if (n == 0)
		return;
	table = reco_open(schema, RECO_TABLE_TERM, AccessShareLock);
	if ((uint64) n > (uint64) RelationGetNumberOfBlocks(table) * MaxHeapTuplesPerPage)
		reco_damaged(schema, psprintf("Its table \"%s\" cannot hold %d rows.",
									  RelationGetRelationName(table), n));
	table_close(table, NoLock);
}

void
reco_terms_open(TermTable *table, Oid schema, int32 version)
{
	table->heap = reco_open(schema, RECO_TABLE_TERM, AccessShareLock);
	reco_check_policies(table->heap);
	table->index = find_index(table->heap, TERM_NUMBER);
	table->version = version;
}

static bool
read_term(void *arg, TupleTableSlot *slot)
{
	text **term = arg;
	Datum stored = slot->tts_values[TERM_TERM];

	if (slot->tts_isnull[TERM_TERM])
		return false;
	*term = (text *) reco_unpack(stored, MaxAllocSize);
	/* what lies in the slot goes with it */
	if ((Pointer) *term == DatumGetPointer(stored))
		*term = DatumGetTextPCopy(stored);
	return false;
}

text *
reco_term_read(TermTable *table, int32 number)
{
	Datum key = Int32GetDatum(number);
	text *term = NULL;

	visit_rows(table->heap, table->index, table->version, &key, GetActiveSnapshot(), read_term,
			   &term);
	if (term == NULL)
		reco_damaged(RelationGetNamespace(table->heap),
					 psprintf("Its term %d is missing.", number));
	return term;
}

void
reco_terms_close(TermTable *table)
{
	index_close(table->index, AccessShareLock);
	table_close(table->heap, NoLock);
}

void
reco_others_scan(Oid schema, int32 version, RowVisitor visit, void *arg)
{
	Relation heap = reco_open(schema, RECO_TABLE_PART, AccessShareLock);
	Relation index;

	reco_check_policies(heap);
	index = reco_open_index(heap, 3, (int[]){PART_VERSION, PART_PART, PART_NUMBER});
	if (index == NULL)
		reco_table_damaged(schema, psprintf("The index on numbers of its table \"%s\" is missing.",
											RelationGetRelationName(heap)));
	visit_rows(heap, index, version, NULL, GetActiveSnapshot(), visit, arg);
	index_close(index, AccessShareLock);
	table_close(heap, NoLock);
}

/*
 * The elements of a real[] of exactly n numbers, which may be NaN, within range, to `to`; false
 * when it is not one.
 */
bool
reco_numbers_of(Datum value, int n, float *to)
{
	struct varlena *packed =
		reco_unpack(value, ARR_OVERHEAD_WITHNULLS(MAXDIM, 0) + n * sizeof(float));
	ArrayType *array = packed ? DatumGetArrayTypeP(PointerGetDatum(packed)) : NULL;
	bool fits = array != NULL && !ARR_HASNULL(array) && ARR_ELEMTYPE(array) == FLOAT4OID &&
				ARR_NDIM(array) <= 1 && ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) == n;

	if (fits)
		memcpy(to, ARR_DATA_PTR(array), n * sizeof(float));
	for (int i = 0; i < n && fits; i++)
		fits = fabsf(to[i]) <= RECO_MAX_FACTOR || isnan(to[i]);
	if (array != NULL && (Pointer) array != DatumGetPointer(value))
		pfree(array);
	return fits;
}
