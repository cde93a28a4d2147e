/*
 * note.c
 *	  reco.note_changes(): what the triggers of reco.track() do.
 *
 * A trigger belongs to a model by its condition, 'home'::regnamespace IS NOT NULL, which follows
 * the schema when that is renamed, dumped or dropped.  It notes the users of the rows that a
 * statement has inserted, updated or deleted, each once, and that it may be anybody of TRUNCATE and
 * where the column of users has another name.
 *
 * Whoever inserts needs no right on the model: a note is written past the server's checks, and
 * nothing of the model's owner runs.  That the trigger's table may write it is granted to the
 * table's owner by the model's, so that nobody notes anything by a table of their own.
 *
 * A model that is damaged, or not to be written to, stops nobody from inserting: there is a
 * WARNING, and nothing is noted.
 *
 * Cost: some microseconds a statement, and a look-up a row of it.
 */
#include "lifecycle/track.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "nodes/primnodes.h"
#include "parser/parse_func.h"
#include "store/tables/changes.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

RECO_FUNCTION(reco_note_changes);

Oid
reco_note_function(void)
{
	return LookupFuncName(list_make2(makeString("reco"), makeString("note_changes")), 0, NULL,
						  true);
}

Oid
reco_note_model(const Trigger *trigger)
{
	NullTest *test = trigger->tgqual ? stringToNode(trigger->tgqual) : NULL;
	Const *schema = test && IsA(test, NullTest) ? (Const *) test->arg : NULL;

	if (schema == NULL || !IsA(schema, Const) || schema->constisnull ||
		schema->consttype != REGNAMESPACEOID)
		return InvalidOid;
	return DatumGetObjectId(schema->constvalue);
}

static void
note_rows(RecoChanges *changes, Tuplestorestate *rows, TupleDesc desc, AttrNumber column)
{
	TupleTableSlot *slot;
	Oid type = TupleDescAttr(desc, column - 1)->atttypid;
	bool one;
	uint64 row = 0;

	if (rows == NULL)
		return;
	one = tuplestore_tuple_count(rows) == 1;
	slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	tuplestore_rescan(rows);
	while (tuplestore_gettupleslot(rows, true, false, slot))
	{
		bool isnull;
		Datum user = slot_getattr(slot, column, &isnull);

		RECO_POLL_EACH(++row, 4096);
		if (isnull)
			continue;
		if (one)
			reco_changes_note_one(changes, user, type);
		else
			reco_changes_note(changes, user, type);
	}
	ExecDropSingleTupleTableSlot(slot);
}

static void
not_noted(const TriggerData *data, Oid schema, const char *why)
{
	const char *name = get_namespace_name(schema);

	ereport(WARNING,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("changes of table \"%s\" are not noted for model \"%s\"",
					RelationGetRelationName(data->tg_relation), name ? name : ""),
			 errdetail_internal("%s", why),
			 errhint("Once that is mended, the model's owner may CALL reco.untrack() and then "
					 "reco.track(), which notes that it may be anybody.")));
}

Datum
reco_note_changes(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	TupleDesc desc;
	RecoChanges changes;
	AttrNumber column = InvalidAttrNumber;
	const char *why;
	Oid schema;
	bool all;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(data->tg_event) ||
		!TRIGGER_FIRED_FOR_STATEMENT(data->tg_event) || data->tg_trigger->tgnargs < 1 ||
		data->tg_trigger->tgnargs > 2 || !OidIsValid(schema = reco_note_model(data->tg_trigger)))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"note_changes\" is for triggers that reco.track() makes")));
	desc = RelationGetDescr(data->tg_relation);
	all = TRIGGER_FIRED_BY_TRUNCATE(data->tg_event);
	if (!all)
		column = get_attnum(RelationGetRelid(data->tg_relation), data->tg_trigger->tgargs[0]);
	if (!all && (data->tg_newtable == NULL || tuplestore_tuple_count(data->tg_newtable) == 0) &&
		(data->tg_oldtable == NULL || tuplestore_tuple_count(data->tg_oldtable) == 0))
		/* no row: nobody */;
	else if (!reco_changes_begin(&changes, schema, data->tg_relation->rd_rel->relowner, &why))
		not_noted(data, schema, why);
	else
	{
		if (all || column <= 0)
			reco_changes_note_all(&changes);
		else
		{
			note_rows(&changes, data->tg_oldtable, desc, column);
			note_rows(&changes, data->tg_newtable, desc, column);
		}
		reco_changes_end(&changes);
	}
	return PointerGetDatum(NULL);
}
