/*
 * changes.c
 *	  Users whose rows in a model's source have changed since they were read.
 *
 * The triggers of reco.track() add rows to model_change, without a key and without looking: whoever
 * inserts into the source waits for nobody, and two who note the same user leave two rows.  Who
 * folds users in, or trains, reads the source and these rows by one snapshot, and in the end
 * removes those that this snapshot saw.  What another transaction committed meanwhile it did not
 * see, so that stays; what is rolled back, or was being done by a server that crashed, leaves both
 * the source and the notes as they were.
 *
 * A row tells its transaction, as its xmin may be that of a subtransaction.  After a restore in
 * another cluster the numbers of transactions mean nothing: those that are not reached yet are
 * taken for what they are.
 *
 * Cost: a row of some 40 bytes a user and statement, until the next fold-in or training.  Nobody
 * who inserts may be made to tidy up, so nothing else bounds them: reco.health tells where they
 * have become long.
 */
#include "store/tables/changes.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "storage/bufmgr.h"
#include "store/tables/statement.h"
#include "store/tables/tables.h"
#include "utils/acl.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/xid8.h"

/* Of more users a statement notes that it may be anybody: what it takes is bounded. */
#define MOST_USERS 262144

/* Rows are written past indexes, whose expressions are the owner's. */
static bool
has_index(Relation heap)
{
	return heap->rd_rel->relhasindex && RelationGetIndexList(heap) != NIL;
}

bool
reco_changes_may(Oid schema, Oid role)
{
	Relation heap = reco_open(schema, RECO_TABLE_CHANGE, AccessShareLock);
	bool may = !has_index(heap) &&
			   pg_class_aclcheck(RelationGetRelid(heap), role, ACL_INSERT) == ACLCHECK_OK;

	table_close(heap, NoLock);
	return may;
}

List *
reco_changes_writers(Oid schema, Oid owner)
{
	Relation heap = reco_open(schema, RECO_TABLE_CHANGE, AccessShareLock);
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(RelationGetRelid(heap)));
	List *roles = NIL;
	bool none;
	Datum acl;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", RelationGetRelid(heap));
	acl = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_relacl, &none);
	if (!none)
	{
		Acl *rights = DatumGetAclPCopy(acl);

		for (int r = 0; r < ACL_NUM(rights); r++)
		{
			const AclItem *right = &ACL_DAT(rights)[r];

			if (right->ai_grantee != owner && right->ai_grantor == owner &&
				(ACLITEM_GET_PRIVS(*right) & ACL_INSERT))
				roles = list_append_unique_oid(roles, right->ai_grantee);
		}
	}
	ReleaseSysCache(tuple);
	table_close(heap, NoLock);
	return roles;
}

bool
reco_changes_begin(RecoChanges *changes, Oid schema, Oid role, const char **why)
{
	Form_pg_attribute column;

	*changes = (RecoChanges){0};
	changes->heap = reco_try_open(schema, RECO_TABLE_CHANGE, RowExclusiveLock, NULL);
	if (changes->heap == NULL)
	{
		*why = "Its table \"model_change\" is not what it was.";
		return false;
	}
	if (has_index(changes->heap))
	{
		table_close(changes->heap, RowExclusiveLock);
		*why = "Its table \"model_change\" has an index.";
		return false;
	}
	if (pg_class_aclcheck(RelationGetRelid(changes->heap), role, ACL_INSERT) != ACLCHECK_OK)
	{
		table_close(changes->heap, RowExclusiveLock);
		*why = "The table's owner may not write into the model's table \"model_change\".";
		return false;
	}
	column = TupleDescAttr(RelationGetDescr(changes->heap), CHANGE_USER);
	changes->context =
		AllocSetContextCreate(CurrentMemoryContext, "reco changes", ALLOCSET_SMALL_SIZES);
	id_type_init(&changes->type, column->atttypid, column->atttypmod, column->attcollation, "user");
	return true;
}

/* A row; nothing of the owner's runs. */
static void
write_row(const RecoChanges *changes, Datum user, bool isnull)
{
	Datum values[CHANGE_COLUMNS] = {user, FullTransactionIdGetDatum(GetTopFullTransactionId())};
	bool nulls[CHANGE_COLUMNS] = {isnull, false};
	HeapTuple tuple = heap_form_tuple(RelationGetDescr(changes->heap), values, nulls);

	simple_heap_insert(changes->heap, tuple);
	heap_freetuple(tuple);
}

static void
write_users(RecoChanges *changes)
{
	for (int32 u = 0; changes->dict && u < id_dict_count(changes->dict); u++)
	{
		RECO_POLL_EACH(u, 1024);
		write_row(changes, id_dict_id(changes->dict, u), false);
	}
}

void
reco_changes_note(RecoChanges *changes, Datum user, Oid type)
{
	Datum id;

	/* one that is too long is in no model, and an error of the next training */
	if (changes->all || !id_from_datum(&changes->type, user, type, &id) ||
		!id_fits(&changes->type, id))
		return;
	if (changes->dict == NULL)
		changes->dict = id_dict_create(changes->context, &changes->type);
	(void) id_dict_add(changes->dict, id);
	changes->all = id_dict_count(changes->dict) > MOST_USERS;
}

void
reco_changes_note_one(RecoChanges *changes, Datum user, Oid type)
{
	Datum id;

	if (id_from_datum(&changes->type, user, type, &id) && id_fits(&changes->type, id))
		write_row(changes, id, false);
}

void
reco_changes_note_all(RecoChanges *changes)
{
	changes->all = true;
}

void
reco_changes_end(RecoChanges *changes)
{
	if (changes->all)
		write_row(changes, (Datum) 0, true);
	else
		write_users(changes);
	MemoryContextDelete(changes->context);
	table_close(changes->heap, NoLock);
}

IdDict *
reco_changes_read(Oid schema, const IdType *type, int32 users_of_model)
{
	Relation heap = reco_open(schema, RECO_TABLE_CHANGE, AccessShareLock);
	Form_pg_attribute column = TupleDescAttr(RelationGetDescr(heap), CHANGE_USER);
	TupleTableSlot *slot = table_slot_create(heap, NULL);
	IdType *of_ids = palloc(sizeof(IdType));
	IdDict *users;
	TableScanDesc scan;
	bool all = false;
	uint64 rows = 0;

	reco_check_policies(heap);
	memcpy(of_ids, type, sizeof(IdType));
	users = id_dict_create(CurrentMemoryContext, of_ids);
	scan = table_beginscan(heap, GetActiveSnapshot(), 0, NULL);
	while (!all && table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		Datum id;
		Datum value;

		RECO_POLL_EACH(++rows, 4096);
		value = slot_getattr(slot, CHANGE_USER + 1, &all);
		if (!all && id_from_datum(of_ids, value, column->atttypid, &id) && id_fits(of_ids, id))
			(void) id_dict_add(users, id);
		all |= id_dict_count(users) > Max(MOST_USERS, users_of_model / 2);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(heap, NoLock);
	return all ? NULL : users;
}

uint64
reco_changes_bytes(Relation heap)
{
	return (uint64) RelationGetNumberOfBlocks(heap) * BLCKSZ;
}

Datum
reco_changes_snapshot(void)
{
	return datumCopy(OidFunctionCall0(F_PG_CURRENT_SNAPSHOT), false, -1);
}

void
reco_changes_done(Oid schema, Datum snapshot)
{
	RecoArgument argument = {PG_SNAPSHOTOID, snapshot, false};

	(void) reco_statement(
		schema,
		"DELETE FROM ONLY %s.model_change AS c"
		" WHERE pg_catalog.pg_visible_in_snapshot(c.xid, $1) OR c.xid OPERATOR(pg_catalog.>=)"
		" pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())",
		&argument, 1, NULL);
}
