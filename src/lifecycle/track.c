/*
 * track.c
 *	  reco.track(), reco.untrack(): triggers on the tables of a source, by which the model knows
 *	  whose rows have changed.
 *
 * A statement-level trigger for each kind of statement notes the users of the rows in the model's
 * table model_change (note.c, store/tables/changes.c); reco.fold_in() takes just these.  Everything
 * else depends on nobody having changed without a note: so the triggers must be on all tables that
 * users come from, their partitions and children included, since a statement fires those of the
 * table that it names; who makes a trigger anew notes that everybody may have changed; and so does
 * another source, another version that is made the active one, or a fold-in that finds triggers
 * missing.  A table that is dropped or detached fires none: so the triggers of the one that is
 * named say, beside the column of users, how many there are with its partitions and children.
 *
 * The triggers depend on the model's schema, by their condition, and are found by that.
 *
 * Cost: that of the statements.  CREATE TRIGGER waits for who writes to the table.
 */
#include "lifecycle/track.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_trigger.h"
#include "commands/defrem.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lifecycle/arguments.h"
#include "serving/live.h"
#include "storage/lmgr.h"
#include "store/source/origin.h"
#include "store/tables/changes.h"
#include "store/tables/statement.h"
#include "store/tables/tables.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

RECO_FUNCTION(reco_track);
RECO_FUNCTION(reco_untrack);

/* A trigger for each. */
static const struct
{
	const char *name;
	int16 type;
	const char *referencing;
} events[] = {
	{"insert", TRIGGER_TYPE_INSERT, " REFERENCING NEW TABLE AS new_rows"},
	{"update", TRIGGER_TYPE_UPDATE, " REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"},
	{"delete", TRIGGER_TYPE_DELETE, " REFERENCING OLD TABLE AS old_rows"},
	{"truncate", TRIGGER_TYPE_TRUNCATE, ""},
};

/* A trigger of a model's. */
typedef struct Found
{
	Oid trigger;
	Oid table;
} Found;

static int
compare_found(const ListCell *a, const ListCell *b)
{
	Oid x = ((const Found *) lfirst(a))->table;
	Oid y = ((const Found *) lfirst(b))->table;

	return (x > y) - (x < y);
}

/* The trigger, unless it is gone or no such one. */
static void
add_found(Relation triggers, Oid trigger, Oid function, List **found)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(trigger));
	scan = systable_beginscan(triggers, TriggerOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple) && ((Form_pg_trigger) GETSTRUCT(tuple))->tgfoid == function)
	{
		Found *one = palloc(sizeof(Found));

		*one = (Found){trigger, ((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid};
		*found = lappend(*found, one);
	}
	systable_endscan(scan);
}

/* Those of a model, by table. */
static List *
find_triggers(Oid schema)
{
	Oid function = reco_note_function();
	Relation depend = table_open(DependRelationId, AccessShareLock);
	Relation triggers = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple tuple;
	List *found = NIL;

	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(NamespaceRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(schema));
	scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, 2, key);
	while (OidIsValid(function) && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->classid == TriggerRelationId)
			add_found(triggers, form->objid, function, &found);
	}
	systable_endscan(scan);
	table_close(triggers, AccessShareLock);
	table_close(depend, AccessShareLock);
	list_sort(found, compare_found);
	return found;
}

/* With the lock of its table, as DROP TRIGGER: somebody may have dropped it meanwhile. */
static void
drop_trigger(const Found *found)
{
	ObjectAddress address = {TriggerRelationId, found->trigger, 0};
	Relation triggers;
	List *still = NIL;

	LockRelationOid(found->table, AccessExclusiveLock);
	triggers = table_open(TriggerRelationId, AccessShareLock);
	add_found(triggers, found->trigger, reco_note_function(), &still);
	table_close(triggers, AccessShareLock);
	if (still == NIL)
		return;
	performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_QUIETLY);
}

/* How many tables, as an argument; NULL: it is alone, or of another. */
static const char *
tables_of(const RecoOrigin *origin)
{
	return origin->tables > 1 ? psprintf("%d", origin->tables) : NULL;
}

/* Whether one does what one that is made here does. */
static bool
is_whole(const Trigger *trigger, const RecoOrigin *origin, const char *column)
{
	const char *tables = tables_of(origin);
	int16 type = trigger->tgtype;

	return (trigger->tgenabled == TRIGGER_FIRES_ON_ORIGIN ||
			trigger->tgenabled == TRIGGER_FIRES_ALWAYS) &&
		   !TRIGGER_FOR_ROW(type) && TRIGGER_FOR_AFTER(type) && trigger->tgnattr == 0 &&
		   (!(TRIGGER_FOR_INSERT(type) || TRIGGER_FOR_UPDATE(type)) || trigger->tgnewtable) &&
		   (!(TRIGGER_FOR_DELETE(type) || TRIGGER_FOR_UPDATE(type)) || trigger->tgoldtable) &&
		   trigger->tgnargs == (tables ? 2 : 1) && strcmp(trigger->tgargs[0], column) == 0 &&
		   (tables == NULL || strcmp(trigger->tgargs[1], tables) == 0);
}

/* Whether a table has all of them, and its owner may note what they are told. */
static bool
has_triggers(const RecoOrigin *origin, Oid schema)
{
	Oid function = reco_note_function();
	Relation table = table_open(origin->table, AccessShareLock);
	const TriggerDesc *desc = table->trigdesc;
	const char *column = get_attname(origin->table, origin->column, false);
	int16 missing = 0;
	bool may;

	for (int e = 0; e < lengthof(events); e++)
		missing |= events[e].type;
	for (int t = 0; desc && t < desc->numtriggers; t++)
	{
		const Trigger *trigger = &desc->triggers[t];

		if (trigger->tgfoid == function && reco_note_model(trigger) == schema &&
			is_whole(trigger, origin, column))
			missing &= ~trigger->tgtype;
	}
	may = reco_changes_may(schema, table->rd_rel->relowner);
	table_close(table, NoLock);
	return missing == 0 && may;
}

/*
 * Until the end of the transaction: of several who make or remove the triggers of a model, each
 * finds what the one before has left.  Nobody who notes anything waits for that.
 */
static void
lock_triggers(Oid schema)
{
	Relation heap = reco_try_open(schema, RECO_TABLE_CHANGE, ShareUpdateExclusiveLock, NULL);

	if (heap)
		table_close(heap, NoLock);
}

static List *
origins_of(const ModelRow *model, const IdType *user_type, const char **why)
{
	RecoLookup lookup = reco_live_lookup(model, false);
	List *volatile origins = NIL;

	if (model->source == NULL || model->search_path == NULL)
		reco_damaged(model->schema, "Its definition is not complete.");
	PG_TRY();
	{
		origins = reco_lookup_origins(&lookup, user_type, why);
	}
	PG_FINALLY();
	{
		reco_lookup_forget(&lookup);
	}
	PG_END_TRY();
	return origins;
}

bool
reco_is_tracked(const ModelRow *model, const IdType *user_type, bool *some)
{
	const char *why;
	List *origins;
	ListCell *cell;

	*some = find_triggers(model->schema) != NIL;
	if (!*some)
		return false;
	origins = origins_of(model, user_type, &why);
	foreach (cell, origins)
		if (!has_triggers(lfirst(cell), model->schema))
			return false;
	return origins != NIL;
}

void
reco_track_note_all(const ModelRow *model)
{
	(void) reco_statement(
		model->schema, "INSERT INTO %s.model_change (xid) VALUES (pg_catalog.pg_current_xact_id())",
		NULL, 0, NULL);
}

void
reco_track_all(const ModelRow *model)
{
	RecoRunAs owner = reco_run_as(model->owner);
	RecoIdentity before;

	if (find_triggers(model->schema) == NIL)
		return;
	reco_become(&owner, &before);
	reco_track_note_all(model);
	reco_return(&before);
}

void
reco_track_end(Oid schema)
{
	ListCell *cell;

	lock_triggers(schema);
	foreach (cell, find_triggers(schema))
		drop_trigger(lfirst(cell));
	CommandCounterIncrement();
}

static void
execute(const char *sql)
{
	if (SPI_execute(sql, false, 0) < 0)
		elog(ERROR, "could not execute \"%s\"", sql);
}

static char *
table_of(Oid table)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)),
									  get_rel_name(table));
}

/* A name that no trigger of the table has. */
static char *
free_name(Oid table, const char *model, const char *event)
{
	char *name = makeObjectName("reco_track", model, event);

	for (int n = 2; OidIsValid(get_trigger_oid(table, name, true)); n++)
		name = makeObjectName("reco_track", model, psprintf("%s_%d", event, n));
	return name;
}

static void
make_triggers(const ModelRow *model, const RecoOrigin *origin)
{
	char *table = table_of(origin->table);
	const char *column = get_attname(origin->table, origin->column, false);
	const char *tables = tables_of(origin);
	Oid table_owner = reco_relation_owner(origin->table);

	for (int e = 0; e < lengthof(events); e++)
		execute(psprintf("CREATE TRIGGER %s AFTER %s ON %s%s FOR EACH STATEMENT"
						 " WHEN (%s::pg_catalog.regnamespace IS NOT NULL)"
						 " EXECUTE FUNCTION reco.note_changes(%s%s)",
						 quote_identifier(free_name(origin->table, model->name, events[e].name)),
						 events[e].name, table, events[e].referencing,
						 quote_literal_cstr(quote_identifier(model->name)),
						 quote_literal_cstr(column),
						 tables ? psprintf(", %s", quote_literal_cstr(tables)) : ""));
	if (table_owner != model->owner)
		execute(psprintf("GRANT INSERT ON TABLE %s TO %s",
						 quote_qualified_identifier(model->name, "model_change"),
						 quote_identifier(GetUserNameFromId(table_owner, false))));
}

/* Whether one of the tables belongs to a role. */
static bool
has_owner(List *origins, Oid role)
{
	ListCell *cell;

	foreach (cell, origins)
		if (reco_relation_owner(((RecoOrigin *) lfirst(cell))->table) == role)
			return true;
	return false;
}

/*
 * Who owned a table that has no trigger any more, or gave it away, need not write notes: what was
 * granted to them is taken back.  Nobody else but the model's owner has a use for it.
 */
static void
take_back_rights(const ModelRow *model, List *origins)
{
	char *table = quote_qualified_identifier(model->name, "model_change");
	List *roles = reco_changes_writers(model->schema, model->owner);
	ListCell *cell;

	foreach (cell, roles)
	{
		Oid role = lfirst_oid(cell);

		if (role == ACL_ID_PUBLIC)
			execute(psprintf("REVOKE INSERT ON TABLE %s FROM PUBLIC CASCADE", table));
		else if (!has_owner(origins, role))
			execute(psprintf("REVOKE INSERT ON TABLE %s FROM %s CASCADE", table,
							 quote_identifier(GetUserNameFromId(role, false))));
	}
	CommandCounterIncrement();
}

/* Whether a trigger is on one of the tables. */
static bool
is_on_one_of(const Found *found, List *origins)
{
	ListCell *cell;

	foreach (cell, origins)
		if (((RecoOrigin *) lfirst(cell))->table == found->table)
			return true;
	return false;
}

/* Makes the triggers what they must be; which tables have new ones. */
static List *
bring_about(const ModelRow *model, List *origins)
{
	List *found = find_triggers(model->schema);
	List *lacking = NIL;
	ListCell *cell;

	take_back_rights(model, origins);
	foreach (cell, origins)
		if (!has_triggers(lfirst(cell), model->schema))
			lacking = lappend(lacking, lfirst(cell));
	foreach (cell, found)
		if (is_on_one_of(lfirst(cell), lacking) || !is_on_one_of(lfirst(cell), origins))
			drop_trigger(lfirst(cell));
	CommandCounterIncrement();
	foreach (cell, lacking)
		make_triggers(model, lfirst(cell));
	return lacking;
}

static char *
names_of(List *origins)
{
	StringInfoData text;
	ListCell *cell;

	initStringInfo(&text);
	foreach (cell, origins)
		appendStringInfo(&text, "%s%s", text.len ? ", " : "",
						 table_of(((RecoOrigin *) lfirst(cell))->table));
	return text.data;
}

static void
tell(const ModelRow *model, List *origins, List *made)
{
	RecoLiveVerdict live = reco_live_verdict(model);

	if (made == NIL)
		ereport(NOTICE, (errmsg("model \"%s\" is tracked already", model->name),
						 errdetail("Tables: %s.", names_of(origins))));
	else
		ereport(NOTICE, (errmsg("whose rows change is noted for model \"%s\"", model->name),
						 errdetail("Tables: %s.", names_of(origins)),
						 live.known && !live.live
							 ? errhint("CALL reco.fold_in() takes those who are noted. "
									   "reco.explain_source() tells why the source itself is not "
									   "read at each call.")
							 : errhint("CALL reco.fold_in() takes those who are noted.")));
}

/* track(model text) */
Datum
reco_track(PG_FUNCTION_ARGS)
{
	ModelRow model;
	ModelTable users;
	RecoIdentity before;
	RecoRunAs owner;
	List *origins;
	List *made;
	const char *why;

	PreventCommandIfReadOnly("CALL reco.track()");
	reco_check_version();
	(void) reco_owned_model(fcinfo, false, &model);
	if (model.pseudonyms_of)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("changes of the source of model \"%s\" cannot be noted", model.name),
				 errdetail("Notes tell whose rows have changed, and it has pseudonyms only, whose "
						   "key whoever writes into the source would need."),
				 errhint("CALL reco.fold_in() looks at everybody without it, or at those "
						 "whom its argument users names.")));
	owner = reco_run_as(model.owner);
	SPI_connect();
	lock_triggers(model.schema);
	reco_table_open(&users, model.schema, true, AccessShareLock);
	origins = origins_of(&model, reco_table_id_type(&users), &why);
	reco_table_close(&users);
	if (origins == NIL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("changes of the source of model \"%s\" cannot be noted", model.name),
						errdetail("It %s.", why),
						errhint("CALL reco.fold_in() looks at everybody without it, or at those "
								"whom its argument users names.")));
	if (!reco_changes_may(model.schema, model.owner))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("changes of the source of model \"%s\" cannot be noted", model.name),
						errdetail("Its table \"model_change\" has an index, or does not let the "
								  "model's owner insert."),
						errhint("Make the table what it was, with DROP INDEX or GRANT INSERT.")));
	reco_become(&owner, &before);
	made = bring_about(&model, origins);
	if (made)
		reco_track_note_all(&model);
	reco_return(&before);
	tell(&model, origins, made);
	SPI_finish();
	PG_RETURN_VOID();
}

/* untrack(model text) */
Datum
reco_untrack(PG_FUNCTION_ARGS)
{
	ModelRow model;
	RecoRunAs owner;
	RecoIdentity before;
	List *found;

	PreventCommandIfReadOnly("CALL reco.untrack()");
	reco_check_version();
	(void) reco_owned_model(fcinfo, false, &model);
	lock_triggers(model.schema);
	found = find_triggers(model.schema);
	if (found == NIL)
		ereport(NOTICE, (errmsg("model \"%s\" is not tracked", model.name)));
	reco_track_end(model.schema);
	owner = reco_run_as(model.owner);
	SPI_connect();
	reco_become(&owner, &before);
	take_back_rights(&model, NIL);
	(void) reco_statement(model.schema, "DELETE FROM ONLY %s.model_change", NULL, 0, NULL);
	reco_return(&before);
	SPI_finish();
	PG_RETURN_VOID();
}
