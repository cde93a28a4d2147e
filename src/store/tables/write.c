/*
 * write.c
 *	  Fast writing to the tables of a model: rows in batches, index entries
 *	  included, as COPY does.
 *
 * Runs as the model's owner: an index that the owner added may call functions.
 */
#include "store/tables/tables.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define BATCH_ROWS 256
#define BATCH_BYTES (1024 * 1024)

struct TableWriter
{
	Relation heap;
	EState *estate;
	ResultRelInfo *relinfo;
	BulkInsertState bulk;
	CommandId command;
	MemoryContext batch;
	int rows;
	TupleTableSlot *slot[BATCH_ROWS];
};

TableWriter *
reco_writer_begin(Relation heap)
{
	TableWriter *writer = palloc0(sizeof(TableWriter));

	writer->heap = heap;
	writer->estate = CreateExecutorState();
	writer->relinfo = makeNode(ResultRelInfo);
	InitResultRelInfo(writer->relinfo, heap, 0, NULL, 0);
	ExecOpenIndices(writer->relinfo, false);
	writer->bulk = GetBulkInsertState();
	writer->command = GetCurrentCommandId(true);
	writer->batch =
		AllocSetContextCreate(CurrentMemoryContext, "reco rows", ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < BATCH_ROWS; i++)
		writer->slot[i] = table_slot_create(heap, NULL);
	return writer;
}

static void
flush(TableWriter *writer)
{
	MemoryContext old;

	if (writer->rows == 0)
		return;
	reco_poll();
	for (int i = 0; i < writer->rows; i++)
		ExecStoreVirtualTuple(writer->slot[i]);
	old = MemoryContextSwitchTo(writer->batch);
	table_multi_insert(writer->heap, writer->slot, writer->rows, writer->command, 0, writer->bulk);
	MemoryContextSwitchTo(old);
	for (int i = 0; i < writer->rows; i++)
	{
		if (writer->relinfo->ri_NumIndices > 0)
			(void) reco_insert_index_tuples(writer->relinfo, writer->slot[i], writer->estate);
		ResetPerTupleExprContext(writer->estate);
		ExecClearTuple(writer->slot[i]);
	}
	MemoryContextReset(writer->batch);
	writer->rows = 0;
}

Datum *
reco_writer_row(TableWriter *writer, MemoryContext *context)
{
	TupleTableSlot *slot;

	if (writer->rows == BATCH_ROWS || MemoryContextMemAllocated(writer->batch, false) > BATCH_BYTES)
		flush(writer);
	slot = writer->slot[writer->rows++];
	ExecClearTuple(slot);
	memset(slot->tts_isnull, false, slot->tts_tupleDescriptor->natts * sizeof(bool));
	*context = writer->batch;
	return slot->tts_values;
}

void
reco_writer_end(TableWriter *writer)
{
	flush(writer);
	for (int i = 0; i < BATCH_ROWS; i++)
		ExecDropSingleTupleTableSlot(writer->slot[i]);
	FreeBulkInsertState(writer->bulk);
	table_finish_bulk_insert(writer->heap, 0);
	ExecCloseIndices(writer->relinfo);
	FreeExecutorState(writer->estate);
	MemoryContextDelete(writer->batch);
	pfree(writer);
}
