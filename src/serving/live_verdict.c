/*
 * live_verdict.c
 *	  Whether the source of a model is read when serving, for those who ask often.
 *
 * live_explain.c asks the source itself, which calls what the owner wrote and waits where the
 * source does.  Here the query is planned only, as its owner, when all that it calls is in
 * C and on this server; one that waits for a lock longer than a moment is not planned.  The
 * subtransaction around it is rolled back, so no lock on the source stays.
 *
 * Cost: parsing and planning the source's query, some tenths of a millisecond.
 */
#include "serving/live.h"

#include "access/table.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "pg/transaction.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"

/* How long a lock on what the source reads may be waited for. */
#define LOCK_TIMEOUT "1ms"

typedef struct Trial
{
	const ModelRow *row;
	RecoLookup lookup;
	IdType type[2]; /* of items, users */
	RecoLiveVerdict *verdict;
} Trial;

/* The ids' types, without waiting for the tables; false when one would have to. */
static bool
read_types(Trial *trial)
{
	for (int is_user = 0; is_user <= 1; is_user++)
	{
		bool busy;
		Relation table =
			reco_try_open(trial->row->schema, is_user ? RECO_TABLE_USER : RECO_TABLE_ITEM,
						  AccessShareLock, &busy);
		Form_pg_attribute id;

		if (table == NULL)
			return false;
		id = TupleDescAttr(RelationGetDescr(table), COLUMN_ID);
		id_type_init(&trial->type[is_user], id->atttypid, id->atttypmod, id->attcollation,
					 is_user ? "user" : "item");
		if (is_user)
			reco_model_user_type(trial->row, &trial->type[is_user]);
		table_close(table, AccessShareLock);
	}
	return true;
}

static bool
is_elsewhere(Oid table)
{
	ListCell *cell;

	if (get_rel_relkind(table) == RELKIND_FOREIGN_TABLE)
		return true;
	if (!has_subclass(table))
		return false;
	foreach (cell, find_all_inheritors(table, NoLock, NULL))
		if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_FOREIGN_TABLE)
			return true;
	return false;
}

/* Why a query is not planned to find out; NULL: nothing of anybody's would run. */
static const char *
what_would_run(const RecoLookup *lookup)
{
	const CachedPlanSource *source = linitial(SPI_plan_get_plan_sources(lookup->plan));
	ListCell *cell;

	if (lookup->code.any)
		return "the source calls functions";
	foreach (cell, source->relationOids)
		if (is_elsewhere(lfirst_oid(cell)))
			return "the source reads a foreign table";
	return NULL;
}

static void
plan_source(void *arg)
{
	Trial *trial = arg;
	RecoLookup *lookup = &trial->lookup;
	RecoLiveVerdict *verdict = trial->verdict;
	TupleDesc columns;
	const IdType *asked;
	const char *unknown;
	char *hint;

	if (!read_types(trial))
		return;
	asked = id_type_asked(&trial->type[true]);
	(void) set_config_option("lock_timeout", LOCK_TIMEOUT, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	columns = reco_lookup_prepare(lookup, asked, RECO_ASK_ONE, NULL);
	reco_live_check_definition(columns, &trial->type[true], &trial->type[false], trial->row);
	unknown = what_would_run(lookup);
	if (unknown)
	{
		verdict->reason = psprintf("%s: reco.explain_source() tells", unknown);
		return;
	}
	reco_lookup_plan(lookup);
	/* the executor looks at the owner's rights */
	(void) reco_lookup_explain(lookup, asked->base, NULL, &hint);
	verdict->known = true;
	verdict->live = reco_live_is_cheap(lookup);
	if (lookup->unfit)
		verdict->reason = psprintf("the source %s", lookup->unfit);
	else if (!verdict->live)
		verdict->reason = psprintf("the source's plan costs %.2f, more than %.2f%s%s", lookup->cost,
								   reco_live_limit(lookup), hint ? ". " : "", hint ? hint : "");
}

/* What whoever may not know the source's text is told of an error. */
static char *
reason_of(const ModelRow *row, const ErrorData *error)
{
	if (has_privs_of_role(GetUserId(), row->owner))
		return psprintf("the source cannot be read: %s", error->message);
	return psprintf("the source cannot be read: SQLSTATE %s", unpack_sql_state(error->sqlerrcode));
}

RecoLiveVerdict
reco_live_verdict(const ModelRow *row)
{
	RecoLiveMode mode = reco_live_mode(row->options);
	RecoLiveVerdict verdict = {false, false, NULL};
	Trial trial = {.row = row, .lookup = reco_live_lookup(row, false), .verdict = &verdict};
	ErrorData *error;
	bool fails;

	if (mode == RECO_LIVE_OFF || trial.lookup.query.text == NULL)
		return (RecoLiveVerdict){true, false,
								 mode == RECO_LIVE_OFF ? "live => 'off'" : "there is no source"};
	error = reco_peek(plan_source, &trial);
	reco_lookup_forget(&trial.lookup);
	fails = error && error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE;
	if (error && error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
		verdict = (RecoLiveVerdict){false, false, "what the source reads is locked"};
	else if (error && ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION)
		ReThrowError(error);
	else if (error)
		/* what an attempt would not forgive whoever is served is told of the error as well */
		verdict = (RecoLiveVerdict){reco_live_forgives(error->sqlerrcode, false), false,
									reason_of(row, error)};
	if (mode == RECO_LIVE_ON)
		return (RecoLiveVerdict){true, true,
								 fails ? psprintf("calls fail: %s", verdict.reason) : NULL};
	return verdict;
}
