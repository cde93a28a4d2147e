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
reco_table_require_unaltered(const ModelTable *table, Snapshot snapshot)
{
	if (reco_altered_since(table->heap, snapshot))
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("table \"%s\" of model \"%s\" was altered by another transaction",
							   RelationGetRelationName(table->heap),
							   get_namespace_name(RelationGetNamespace(table->heap))),
						errhint("Try again.")));
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
		reco_poll();
		slot_getallattrs(slot);
		if (!visit(arg, slot))
			break;
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
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

/* An array of at most n elements of so many bytes, or NULL; to be freed unless it is the stored. */
static ArrayType *
unpack_array(Datum value, Size n, Size size)
{
	struct varlena *packed = reco_unpack(value, ARR_OVERHEAD_WITHNULLS(MAXDIM, 0) + n * size);

	return packed ? DatumGetArrayTypeP(PointerGetDatum(packed)) : NULL;
}

static void
free_array(ArrayType *array, Datum value)
{
	if (array != NULL && (Pointer) array != DatumGetPointer(value))
		pfree(array);
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

/*
 * The elements of a real[] of exactly d numbers within range, or NULL when it is not
 * one; with nan_ok they may be NaN.  *copy is what to pfree, when *must_free.
 */
const float *
reco_factors_of(Datum value, int d, bool nan_ok, bool *must_free, void **copy)
{
	ArrayType *array = unpack_array(value, d, sizeof(float));
	const float *factors;

	if (array == NULL)
		return NULL;
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
	Datum stored[] = {slot->tts_values[COLUMN_NEIGHBORS], slot->tts_values[COLUMN_SIMILARITIES]};
	/* no list is longer than there are rows */
	ArrayType *numbers = unpack_array(stored[0], rows, sizeof(int32));
	ArrayType *similarities = unpack_array(stored[1], rows, sizeof(double));
	bool fits = numbers != NULL && similarities != NULL;
	int n = 0;

	*neighbor = NULL;
	*similarity = NULL;
	if (fits)
	{
		n = ArrayGetNItems(ARR_NDIM(numbers), ARR_DIMS(numbers));
		fits = n <= rows && n == ArrayGetNItems(ARR_NDIM(similarities), ARR_DIMS(similarities)) &&
			   !ARR_HASNULL(numbers) && !ARR_HASNULL(similarities) &&
			   ARR_ELEMTYPE(numbers) == INT4OID && ARR_ELEMTYPE(similarities) == FLOAT8OID;
	}
	if (fits)
	{
		*neighbor = reco_row_alloc(n, sizeof(int32));
		*similarity = reco_row_alloc(n, sizeof(double));
		memcpy(*neighbor, ARR_DATA_PTR(numbers), n * sizeof(int32));
		memcpy(*similarity, ARR_DATA_PTR(similarities), n * sizeof(double));
	}
	free_array(numbers, stored[0]);
	free_array(similarities, stored[1]);
	for (int k = 0; fits && k < n; k++)
		fits = (*neighbor)[k] >= 0 && (*neighbor)[k] < rows &&
			   fabs((*similarity)[k]) <= RECO_MAX_FACTOR;
	if (!fits)
		reco_damaged(RelationGetNamespace(table->heap),
					 psprintf("A list of neighbors in its table \"%s\" is not readable.",
							  RelationGetRelationName(table->heap)));
	return n;
}
