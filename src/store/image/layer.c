/*
 * layer.c
 *	  All rows of a version's users, those of its layer among them.
 *
 * A version never changes; what reco.fold_in() makes of some of its users lies in a table
 * beside it, in rows of the same form.  One with the number of a user of the version takes
 * their place; others are new users, whose numbers follow the version's.  A row without
 * interactions says that the user has none any more.  A number without any row was that of a user
 * who was forgotten (reco.forget_user), of whom nothing is left.
 *
 * Rests on: snapshots.  A layer's rows and its epoch, in the row that names the active version,
 * are written in one transaction, so that whoever reads both by one snapshot has what belongs
 * together.
 *
 * Cost: a pass over the version's rows and the layer's, and the latter in memory meanwhile, as
 * they are stored: long values lie elsewhere.
 */
#include "store/image/layer.h"

#include "access/htup_details.h"
#include "store/image/load.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

typedef struct LayerRow
{
	int32 number;
	HeapTuple tuple;
} LayerRow;

typedef struct LayerScan
{
	const Serving *serving;
	ModelTable version;
	ModelTable layer;
	RecoBudget budget;
	LayerRow *row; /* by number, once all are read */
	int32 rows;
	int32 slots;
	int32 replaced; /* rows that a row of the version was found for */
	TupleTableSlot *slot;
	LayerVisitor visit;
	void *arg;
	bool stopped;
} LayerScan;

static pg_attribute_noreturn() void refuse(const LayerScan *scan)
{
	reco_damaged(scan->serving->schema, "The rows of its users do not belong together.");
}

static bool
keep_row(void *arg, TupleTableSlot *slot)
{
	LayerScan *scan = arg;
	int32 number = DatumGetInt32(slot->tts_values[COLUMN_NUMBER]);
	bool copied;
	HeapTuple stored = ExecFetchSlotHeapTuple(slot, false, &copied);
	HeapTuple tuple;

	if (number < 0 || number >= scan->serving->users)
		refuse(scan);
	if (scan->rows == scan->slots)
	{
		LayerRow *row =
			reco_budget_alloc(&scan->budget, ((Size) scan->slots * 2 + 64) * sizeof(LayerRow));

		if (scan->rows > 0)
			memcpy(row, scan->row, scan->rows * sizeof(LayerRow));
		reco_budget_free(&scan->budget, scan->row);
		scan->row = row;
		scan->slots = scan->slots * 2 + 64;
	}
	tuple = reco_budget_alloc(&scan->budget, HEAPTUPLESIZE + stored->t_len);
	*tuple = *stored;
	tuple->t_data = (HeapTupleHeader) ((char *) tuple + HEAPTUPLESIZE);
	memcpy(tuple->t_data, stored->t_data, stored->t_len);
	if (copied)
		heap_freetuple(stored);
	scan->row[scan->rows++] = (LayerRow){number, tuple};
	return true;
}

static int
compare_rows(const void *a, const void *b)
{
	int32 x = ((const LayerRow *) a)->number;
	int32 y = ((const LayerRow *) b)->number;
	static uint32 compared;

	if (++compared % 65536 == 0)
		reco_poll();
	return (x > y) - (x < y);
}

static void
read_layer(LayerScan *scan)
{
	const Serving *serving = scan->serving;

	reco_layer_open(&scan->layer, serving->schema, AccessShareLock);
	reco_check_policies(scan->layer.heap);
	reco_table_require_id(&scan->layer, serving->user_type);
	reco_table_scan(&scan->layer, serving->version, NULL, GetActiveSnapshot(), keep_row, scan);
	if (scan->rows == 0)
		reco_table_require_unaltered(&scan->layer, GetActiveSnapshot());
	else
		qsort(scan->row, scan->rows, sizeof(LayerRow), compare_rows);
	for (int32 r = 1; r < scan->rows; r++)
	{
		RECO_POLL_AT(r);
		if (scan->row[r].number == scan->row[r - 1].number)
			refuse(scan);
	}
	scan->slot = MakeSingleTupleTableSlot(RelationGetDescr(scan->layer.heap), &TTSOpsHeapTuple);
}

/* The layer's row of a user; NULL: it has none. */
static const LayerRow *
row_of(const LayerScan *scan, int32 number)
{
	int32 low = 0;
	int32 high = scan->rows;

	while (low < high)
	{
		int32 middle = low + (high - low) / 2;

		if (scan->row[middle].number == number)
			return &scan->row[middle];
		if (scan->row[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void
visit_layer(LayerScan *scan, const LayerRow *row)
{
	ExecForceStoreHeapTuple(row->tuple, scan->slot, false);
	slot_getallattrs(scan->slot);
	scan->stopped = !scan->visit(scan->arg, &scan->layer, true, scan->slot);
	ExecClearTuple(scan->slot);
}

static bool
visit_version(void *arg, TupleTableSlot *slot)
{
	LayerScan *scan = arg;
	const LayerRow *row = row_of(scan, DatumGetInt32(slot->tts_values[COLUMN_NUMBER]));

	if (row == NULL)
		scan->stopped = !scan->visit(scan->arg, &scan->version, false, slot);
	else
	{
		scan->replaced++;
		visit_layer(scan, row);
	}
	return !scan->stopped;
}

void
reco_layer_scan(const Serving *serving, LayerVisitor visit, void *arg)
{
	LayerScan scan = {.serving = serving, .visit = visit, .arg = arg};
	int32 trained = serving->users - serving->added;
	int32 first = 0;

	reco_budget_init(&scan.budget, AllocSetContextCreate(CurrentMemoryContext, "reco layer",
														 ALLOCSET_DEFAULT_SIZES));
	if (serving->epoch)
		read_layer(&scan);
	while (first < scan.rows && scan.row[first].number < trained)
		first++;
	reco_table_open(&scan.version, serving->schema, true, AccessShareLock);
	reco_check_policies(scan.version.heap);
	reco_table_require_id(&scan.version, serving->user_type);
	reco_table_scan(&scan.version, serving->version, NULL, GetActiveSnapshot(), visit_version,
					&scan);
	if (!scan.stopped && scan.replaced != first)
		refuse(&scan);
	for (int32 r = first; r < scan.rows && !scan.stopped; r++)
	{
		reco_poll();
		visit_layer(&scan, &scan.row[r]);
	}
	reco_table_close(&scan.version);
	if (serving->epoch)
	{
		ExecDropSingleTupleTableSlot(scan.slot);
		reco_table_close(&scan.layer);
	}
	MemoryContextDelete(scan.budget.context);
}

void
reco_layer_check(const Serving *serving)
{
	ModelTable table;

	reco_table_open(&table, serving->schema, true, AccessShareLock);
	serving_check_size(&table, serving->users - serving->added - serving->forgotten);
	reco_table_close(&table);
	if (serving->added <= serving->forgotten)
		return;
	reco_layer_open(&table, serving->schema, AccessShareLock);
	serving_check_size(&table, serving->added - serving->forgotten);
	reco_table_close(&table);
}
