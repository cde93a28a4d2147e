/*
 * forget.c
 *	  reco.forget_user(): a model without a user.
 *
 * What is kept of a user in any version goes: the rows of all tables of the model that have a
 * column user_id, the user's number in the lists of others, messages that name the id, statistics
 * of the tables, and the files of users.  The number stays empty: others keep theirs, and what
 * they are served (store/image/layer.c).  Each version that had the user gets another epoch, by
 * which sessions take it for another one, and a count, which is all that is recorded.
 *
 * Holds the lock of a training, and of each table one that waits for who writes to it, so nobody
 * puts back what they read before.
 *
 * Cost: a look-up a version, a pass over the tables that are not by user, and of algorithms whose
 * users have neighbors over all users.  Memory: the rows of those who had the user as a neighbor.
 */
#include "lifecycle/train.h"
#include "lifecycle/user.h"
#include "lifecycle/withhold.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "pg/transaction.h"
#include "serving/live.h"
#include "store/image/image.h"
#include "store/tables/parts.h"
#include "store/tables/statement.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

RECO_FUNCTION(reco_forget_user);

typedef struct Forget
{
	RecoRun *run;
	ModelRow model;
	Datum given; /* the argument */
	Oid given_type;
	RecoUser user;
	int64 rows;     /* that went, of any table */
	int64 lists;    /* of others that changed */
	int64 withheld; /* items that have too few users */
	int32 versions;
} Forget;

/* From here on nobody writes to a table that tells of users, and what was written is there. */
static void
lock_tables(const Forget *forget)
{
	for (RecoTable which = 0; which < RECO_TABLES; which++)
	{
		bool by_version;
		Relation table;

		/* who inserts into the source does not wait: that their note stays, if any, is as well
		 * that the source has new rows */
		if (which == RECO_TABLE_CHANGE ||
			!reco_user_has_table(forget->model.schema, which, &by_version))
			continue;
		table = reco_open(forget->model.schema, which, ShareRowExclusiveLock);
		reco_check_writable(table);
		table_close(table, NoLock);
	}
	/* whoever saw the model as it was before a version or a list was made cannot go on */
	(void) reco_statement(forget->model.schema,
						  "UPDATE ONLY %s.model SET next_version = next_version", NULL, 0, NULL);
}

/* A row of another user who has the user as a neighbor, as it will be. */
typedef struct Shorter
{
	int32 number;
	Datum parts;
} Shorter;

typedef struct Neighbors
{
	Forget *forget;
	RecoMember *member;
	int members;
	int32 user;
	RecoBudget budget;
	MemoryContext row;
	List *shorter;
} Neighbors;

static bool
shorten(void *arg, TupleTableSlot *slot)
{
	Neighbors *of = arg;
	MemoryContext old = MemoryContextSwitchTo(of->row);
	Datum parts;

	if (reco_parts_without_user(of->forget->model.schema, of->member, of->members,
								slot->tts_values[COLUMN_PARTS], of->user, &parts))
	{
		Shorter *shorter;

		reco_budget_require(&of->budget, VARSIZE(DatumGetPointer(parts)), "forgetting a user");
		MemoryContextSwitchTo(of->budget.context);
		shorter = palloc(sizeof(Shorter));
		*shorter =
			(Shorter){DatumGetInt32(slot->tts_values[COLUMN_NUMBER]), datumCopy(parts, false, -1)};
		of->shorter = lappend(of->shorter, shorter);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(of->row);
	return true;
}

static void
rewrite_lists(Neighbors *of, int32 version, bool in_layer)
{
	Forget *forget = of->forget;
	ModelTable table;
	ListCell *cell;

	of->shorter = NIL;
	reco_user_open(&forget->user, in_layer, &table);
	reco_table_scan(&table, version, NULL, GetActiveSnapshot(), shorten, of);
	reco_table_close(&table);
	foreach (cell, of->shorter)
	{
		Shorter *shorter = lfirst(cell);
		RecoArgument argument[] = {
			reco_int4_argument(version),
			reco_int4_argument(shorter->number),
			{BYTEAARRAYOID, shorter->parts, false},
		};

		reco_poll();
		forget->lists += reco_statement(
			forget->model.schema,
			in_layer
				? "UPDATE ONLY %s.model_user_layer SET parts = $3 WHERE version = $1 AND number = "
				  "$2"
				: "UPDATE ONLY %s.model_user SET parts = $3 WHERE version = $1 AND number = $2",
			argument, lengthof(argument), NULL);
	}
}

static void
forget_as_neighbor(Forget *forget, int32 version, int32 number)
{
	Neighbors of = {.forget = forget, .user = number};
	VersionRow row;

	reco_version_read(forget->model.schema, version, GetActiveSnapshot(), &row);
	if (row.algorithm == NULL)
		reco_damaged(forget->model.schema, psprintf("Its version %d is not complete.", version));
	of.members = reco_members_make(reco_spec_parse(row.algorithm), &of.member);
	if (!reco_parts_point_to_users(of.member, of.members))
		return;
	reco_budget_init(&of.budget, AllocSetContextCreate(CurrentMemoryContext, "reco neighbors",
													   ALLOCSET_DEFAULT_SIZES));
	of.row = AllocSetContextCreate(CurrentMemoryContext, "reco row", ALLOCSET_DEFAULT_SIZES);
	rewrite_lists(&of, version, false);
	rewrite_lists(&of, version, true);
	MemoryContextDelete(of.row);
	MemoryContextDelete(of.budget.context);
}

/* What others are told of a version that had the user. */
static void
record(Forget *forget, int32 version)
{
	uint32 step;
	RecoArgument argument[2] = {reco_int4_argument(version)};

	if (!pg_strong_random(&step, sizeof(step)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values")));
	argument[1] = reco_int8_argument((int64) step + 1);
	(void) reco_statement(
		forget->model.schema,
		"UPDATE ONLY %s.model_version SET epoch = coalesce(epoch, 0) + $2,"
		" forgotten_users = coalesce(forgotten_users, 0) + 1, forgotten_at = clock_timestamp()"
		" WHERE version = $1",
		argument, lengthof(argument), NULL);
	forget->versions++;
}

static void
forget_in_version(Forget *forget, int32 version)
{
	int32 number;

	if (!reco_user_number(&forget->user, version, &number))
		return;
	forget_as_neighbor(forget, version, number);
	reco_withhold(forget->model.schema, version, number);
	record(forget, version);
}

/*
 * Rows of all tables that tell of users.  Those of versions are found by their keys; there are none
 * of a version without a row.
 */
static void
delete_rows(Forget *forget)
{
	RecoArgument argument = {forget->user.type->base, forget->user.id, false};

	for (RecoTable which = 0; which < RECO_TABLES; which++)
	{
		bool by_version;

		if (reco_user_has_table(forget->model.schema, which, &by_version))
			forget->rows += reco_statement(
				forget->model.schema,
				psprintf("DELETE FROM ONLY %%s.%s WHERE user_id %s $1%s", reco_table_name(which),
						 forget->user.equal,
						 by_version ? " AND version = ANY (ARRAY(SELECT version FROM ONLY"
									  " %s.model_version))"
									: ""),
				&argument, 1, NULL);
	}
}

/* A training that failed may have told whose row it was. */
static void
clear_messages(const Forget *forget)
{
	RecoArgument argument = reco_text_argument(id_to_message(forget->user.type, forget->user.id));

	(void) reco_statement(forget->model.schema,
						  "UPDATE ONLY %s.model_version SET message ="
						  " 'removed: it may have named a user who was forgotten'"
						  " WHERE status = 'failed' AND strpos(message, $1) > 0",
						  &argument, 1, NULL);
}

/* Common values and bounds of ids are copies of ids: made anew, where there are any. */
static void
analyze_tables(const Forget *forget)
{
	for (RecoTable which = 0; which < RECO_TABLES; which++)
	{
		Relation table = reco_open(forget->model.schema, which, AccessShareLock);
		Oid relid = RelationGetRelid(table);
		AttrNumber column = get_attnum(relid, "user_id");
		const char *name = get_namespace_name(forget->model.schema);

		table_close(table, NoLock);
		if (column == InvalidAttrNumber || name == NULL ||
			!SearchSysCacheExists3(STATRELATTINH, ObjectIdGetDatum(relid), Int16GetDatum(column),
								   BoolGetDatum(false)))
			continue;
		if (SPI_execute(
				psprintf("ANALYZE %s", quote_qualified_identifier(name, reco_table_name(which))),
				false, 0) < 0)
			elog(ERROR, "could not analyze table \"%s\"", reco_table_name(which));
	}
}

/* Whether the source, where it answers cheaply, still has rows of the user. */
typedef struct Asked
{
	DestReceiver receiver; /* first */
	const Forget *forget;
	RecoLookup lookup;
	bool asked;
	bool has_rows;
} Asked;

static bool
take_row(TupleTableSlot *slot, DestReceiver *receiver)
{
	((Asked *) receiver)->has_rows = true;
	return false;
}

static void
take_columns(DestReceiver *receiver, int operation, TupleDesc columns)
{
}

static void
ask_source(void *arg)
{
	Asked *asked = arg;
	const Forget *forget = asked->forget;
	RecoLookup *lookup = &asked->lookup;
	const IdType *type = id_type_asked(forget->user.type);

	(void) reco_lookup_prepare(lookup, type, RECO_ASK_ONE, NULL);
	reco_lookup_plan(lookup);
	if (reco_live_is_cheap(lookup))
	{
		reco_receiver_init(&asked->receiver, take_columns, take_row);
		reco_lookup_run(lookup, type->base, forget->user.asked, &asked->receiver);
		asked->asked = true;
	}
}

static const char *
withheld_text(const Forget *forget)
{
	if (forget->withheld == 0)
		return "";
	return psprintf("  Items of the active version that are not shown any more, having fewer "
					"users than min_users_per_item: " INT64_FORMAT ".",
					forget->withheld);
}

static void
tell(const Forget *forget)
{
	const char *name = forget->model.name;
	Asked asked = {.forget = forget, .lookup = reco_live_lookup(&forget->model, false)};
	ErrorData *error = forget->model.source ? reco_try(ask_source, &asked) : NULL;

	reco_lookup_forget(&asked.lookup);
	if (error && ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION)
		ReThrowError(error);
	ereport(NOTICE,
			(forget->rows == 0 ? errmsg("model \"%s\" has nothing of that user", name)
							   : errmsg("model \"%s\" has forgotten a user", name),
			 forget->rows == 0
				 ? 0
				 : errdetail("Versions: %d, rows removed: " INT64_FORMAT
							 ", lists of other users changed: " INT64_FORMAT ".%s",
							 forget->versions, forget->rows, forget->lists, withheld_text(forget)),
			 forget->rows == 0
				 ? 0
				 : errhint("VACUUM FULL of the tables in schema %s removes from the files what was "
						   "deleted.",
						   quote_identifier(name))));
	if (asked.has_rows)
		ereport(WARNING,
				(errmsg("source of model \"%s\" still has rows of that user", name),
				 errhint("Delete them there: what is read live is served, and the next refresh "
						 "learns them again.")));
	else if (!asked.asked && forget->model.source)
		ereport(NOTICE, (errmsg("source of model \"%s\" was not asked for rows of that user", name),
						 errdetail("It cannot be read, or does not answer cheaply by user."),
						 errhint("What it has of them the next refresh learns again.")));
}

/* From the lock on, in the caller's snapshot of the model. */
static void
forget_rows(Forget *forget)
{
	RecoIdentity before;
	ListCell *cell;

	forget->run->version.owner = reco_run_as(forget->model.owner);
	reco_become(&forget->run->version.owner, &before);
	lock_tables(forget);
	/* what was committed while we waited */
	PopActiveSnapshot();
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	foreach (cell, reco_versions_ready(forget->model.schema, GetActiveSnapshot()))
		forget_in_version(forget, lfirst_int(cell));
	delete_rows(forget);
	clear_messages(forget);
	if (forget->versions > 0)
		(void) reco_statement(forget->model.schema,
							  "UPDATE ONLY %s.model AS m SET active_epoch = coalesce(v.epoch, 0)"
							  " FROM ONLY %s.model_version AS v WHERE v.version = m.active_version",
							  NULL, 0, NULL);
	CommandCounterIncrement();
	if (forget->versions > 0)
		forget->withheld = reco_withhold_stored(forget->model.schema);
	analyze_tables(forget);
	reco_return(&before);
	CacheInvalidateRelcacheByRelid(forget->model.table);
	reco_image_forget_users(forget->model.schema);
}

static void
forget_user(RecoTrainCall *call)
{
	Forget *forget = call->arg;
	RecoRun *run = &call->run;

	reco_run_check_model(run);
	PushActiveSnapshot(GetTransactionSnapshot());
	reco_model_read(run->version.schema, GetActiveSnapshot(), &forget->model);
	reco_model_check_owner(&forget->model);
	if (reco_user_of(&forget->model, forget->model.owner, forget->given, forget->given_type,
					 &forget->user))
		forget_rows(forget);
	PopActiveSnapshot();
	PushActiveSnapshot(GetTransactionSnapshot());
	tell(forget);
	PopActiveSnapshot();
	if (!call->atomic)
		reco_commit();
}

/* A value that stays over commits. */
static Datum
copy_argument(Datum value, Oid type, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	int16 length;
	bool by_value;

	get_typlenbyval(type, &length, &by_value);
	value = length == -1 ? PointerGetDatum(PG_DETOAST_DATUM_COPY(value))
						 : datumCopy(value, by_value, length);
	MemoryContextSwitchTo(old);
	return value;
}

/* forget_user(model text, for_user anycompatible) */
Datum
reco_forget_user(PG_FUNCTION_ARGS)
{
	char *model = reco_text_of(fcinfo, 0, "model name");
	RecoTrainCall *call = reco_train_begin(fcinfo, "CALL reco.forget_user()");
	Forget forget = {.run = &call->run};

	reco_require_argument(fcinfo, 1, "for_user");
	forget.given_type = get_fn_expr_argtype(fcinfo->flinfo, 1);
	forget.given = copy_argument(PG_GETARG_DATUM(1), forget.given_type, call->run.context);
	call->run.model = MemoryContextStrdup(call->run.context, model);
	call->arg = &forget;
	if (reco_train_enter(call, "wait"))
		reco_train_run(call, forget_user);
	PG_RETURN_VOID();
}
