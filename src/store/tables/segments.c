/*
 * segments.c
 *	  The segment that a user of a model is in, read from its tables.
 *
 * As all tables of a model these belong to its owner, who may alter them: they are read by their
 * access methods, and what is read is checked (tables.c).
 *
 * Cost: two index probes.
 */
#include "store/tables/segments.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "store/tables/definition.h"
#include "store/tables/tables.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

/* Bytes of a text that is shown. */
#define MOST_TEXT 65536

/* The row whose first column is the key, in a slot that the caller drops; NULL: there is none. */
static TupleTableSlot *
find_row(Relation heap, Datum key)
{
	Relation index = reco_open_index(heap, 1, (int[]){0});
	TupleTableSlot *slot = table_slot_create(heap, NULL);
	ScanKeyData scan_key;
	IndexScanDesc scan;
	Oid type;
	Oid operator;
	bool found;

	if (index == NULL)
		reco_table_damaged(RelationGetNamespace(heap),
						   psprintf("The primary key of its table \"%s\" is missing.",
									RelationGetRelationName(heap)));
	type = index->rd_opcintype[0];
	operator= get_opfamily_member(index->rd_opfamily[0], type, type, BTEqualStrategyNumber);
	if (!OidIsValid(operator))
		reco_table_damaged(RelationGetNamespace(heap), "The index on its ids has no equality.");
	ScanKeyEntryInitialize(&scan_key, 0, 1, BTEqualStrategyNumber, InvalidOid,
						   index->rd_indcollation[0], get_opcode(operator), key);
	scan = reco_index_beginscan(heap, index, GetActiveSnapshot(), 1);
	index_rescan(scan, &scan_key, 1, NULL, 0);
	found = index_getnext_slot(scan, ForwardScanDirection, slot);
	if (found)
	{
		slot_getallattrs(slot);
		for (int c = 0; c < slot->tts_tupleDescriptor->natts; c++)
			if (slot->tts_isnull[c])
				reco_table_damaged(RelationGetNamespace(heap),
								   psprintf("Its table \"%s\" has a null where none can be.",
											RelationGetRelationName(heap)));
		ExecMaterializeSlot(slot);
	}
	index_endscan(scan);
	index_close(index, AccessShareLock);
	if (found)
		return slot;
	ExecDropSingleTupleTableSlot(slot);
	reco_require_unaltered(heap, GetActiveSnapshot());
	return NULL;
}

static char *
text_of(TupleTableSlot *slot, int column)
{
	struct varlena *text = reco_unpack(slot->tts_values[column], MOST_TEXT);

	return text ? text_to_cstring((const struct varlena *) text) : pstrdup("");
}

static bool
read_profile(Oid schema, RecoUserSegment *found)
{
	Relation heap = reco_open(schema, RECO_TABLE_SEGMENT_PROFILE, AccessShareLock);
	TupleTableSlot *slot;

	reco_check_policies(heap);
	slot = find_row(heap, Int32GetDatum(found->segment));
	if (slot)
	{
		found->name = text_of(slot, PROFILE_NAME);
		found->made_of = text_of(slot, PROFILE_MADE_OF);
		found->users = DatumGetInt32(slot->tts_values[PROFILE_USERS]);
		found->share = DatumGetFloat8(slot->tts_values[PROFILE_SHARE]);
		ExecDropSingleTupleTableSlot(slot);
	}
	table_close(heap, NoLock);
	return slot != NULL;
}

bool
reco_segment_of(Oid schema, const IdType *type, Datum user, RecoUserSegment *found)
{
	Relation heap = reco_open(schema, RECO_TABLE_SEGMENT, AccessShareLock);
	Form_pg_attribute column = TupleDescAttr(RelationGetDescr(heap), SEGMENT_USER);
	TupleTableSlot *slot;

	reco_check_policies(heap);
	if (column->atttypid != type->type || column->attcollation != type->collation)
		reco_table_damaged(schema, psprintf("The ids of its table \"%s\" were altered.",
											RelationGetRelationName(heap)));
	slot = find_row(heap, user);
	if (slot)
	{
		*found = (RecoUserSegment){
			.segment = DatumGetInt32(slot->tts_values[SEGMENT_SEGMENT]),
			.distance = DatumGetFloat8(slot->tts_values[SEGMENT_DISTANCE]),
			.recency = DatumGetFloat8(slot->tts_values[SEGMENT_RECENCY]),
			.frequency = DatumGetInt64(slot->tts_values[SEGMENT_FREQUENCY]),
			.monetary = DatumGetFloat8(slot->tts_values[SEGMENT_MONETARY]),
			.score = {DatumGetInt32(slot->tts_values[SEGMENT_R]),
					  DatumGetInt32(slot->tts_values[SEGMENT_F]),
					  DatumGetInt32(slot->tts_values[SEGMENT_M])},
		};
		ExecDropSingleTupleTableSlot(slot);
	}
	table_close(heap, NoLock);
	return slot != NULL && read_profile(schema, found);
}
