/*
 * materialize.c
 *	  reco.materialize(): the lists of all users, written to the model's table.
 *
 * Users stream from their table in batches: a batch is read, ranked by all threads
 * and written.  A new set of lists has a number of its own, and one row makes it
 * the one that the view shows; readers see the old lists or the new ones.  Lists
 * are what recommend() would give from the trained interactions at this moment: what is
 * not available now is in none of them.  What users have had is in them where that is asked
 * for, or, where nobody says, by an algorithm of what comes again.
 *
 * Memory: a batch, some 16 MB of users and as much of lists.  Cost: the users times a search,
 * shared out among threads (core/scoring/engine.h), and a row a user.
 */
#include "pg/rows.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "core/scoring/engine.h"
#include "core/data/history.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "serving/live.h"
#include "store/tables/lock.h"
#include "store/tables/progress.h"
#include "store/source/asked.h"
#include "store/source/source.h"
#include "store/tables/statement.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

RECO_FUNCTION(reco_materialize);

/* Users that are ranked together; fewer where their rows or their lists are long. */
#define BATCH_USERS 4096
#define BATCH_BYTES (16 * 1024 * 1024)

typedef struct Materialization
{
	Serving *serving;
	int32 n;
	bool *include_seen; /* NULL: as the algorithm has it */
	int32 number;       /* of the new lists */
	uint64 *hidden;     /* items that are not available; NULL: all are */
	RecoBudget budget;
	reco_engine *engine;
	Relation table;
	TableWriter *writer;
	Datum source;
	MemoryContext batch; /* what a batch needs, but for these */
	int32 users;         /* in the batch */
	int32 most;          /* that a batch may have */
	/* by place in the batch */
	Datum *id;
	reco_profile *profile;
	reco_ranked *list; /* n each */
	int32 *count;
	int32 *by_score;
	int64 written;
} Materialization;

static Relation
open_lists(const Materialization *run, const ModelRow *model)
{
	Relation table = reco_open(model->schema, RECO_TABLE_LIST, RowExclusiveLock);
	TupleDesc desc = RelationGetDescr(table);

	reco_check_writable(table);
	if (TupleDescAttr(desc, LIST_USER)->atttypid != run->serving->user_type->type ||
		TupleDescAttr(desc, LIST_ITEMS)->atttypid != id_array_type(run->serving->item_type))
		reco_table_damaged(model->schema, psprintf("The ids of its table \"%s\" were altered.",
												   RelationGetRelationName(table)));
	return table;
}

static void
write_list(Materialization *run, Datum user, const reco_ranked *list, int32 count, int32 by_score)
{
	const IdType *type = run->serving->item_type;
	MemoryContext context;
	Datum *row = reco_writer_row(run->writer, &context);
	MemoryContext old = MemoryContextSwitchTo(context);
	Datum *item = palloc((count + 1) * sizeof(Datum));
	Datum *score = palloc((count + 1) * sizeof(Datum));

	for (int32 r = 0; r < count; r++)
	{
		RECO_POLL_AT(r);
		item[r] = id_dict_id(run->serving->items, list[r].item);
		score[r] = Float4GetDatum(list[r].score);
	}
	row[LIST_NUMBER] = Int32GetDatum(run->number);
	row[LIST_USER] =
		datumCopy(user, run->serving->user_type->typbyval, run->serving->user_type->typlen);
	row[LIST_ITEMS] = PointerGetDatum(
		construct_array(item, count, type->type, type->typlen, type->typbyval, type->typalign));
	row[LIST_SCORES] = PointerGetDatum(
		construct_array(score, count, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT));
	row[LIST_BY_MODEL] = Int32GetDatum(by_score);
	row[LIST_SOURCE] = run->source;
	MemoryContextSwitchTo(old);
	run->written++;
}

static bool
batch_profile(void *arg, int64 u, reco_profile *profile)
{
	*profile = ((const Materialization *) arg)->profile[u];
	return true;
}

/* On any thread. */
static reco_status
rank_user(void *arg, reco_worker *worker, int64 u)
{
	const Materialization *run = arg;
	reco_ranked *list = run->list + u * run->n;

	run->by_score[u] = 0;
	/* users of whom the model has no row */
	run->count[u] = run->profile[u].item ? reco_worker_list(worker, run->n, list, &run->by_score[u])
										 : reco_worker_fallback(worker, run->n, list);
	return run->count[u] < 0 ? RECO_STOPPED : RECO_OK;
}

/* The batch's lists, by all threads, and their rows. */
static void
flush(Materialization *run)
{
	reco_pass pass = {run->users, batch_profile, rank_user, NULL, 0, run};

	reco_budget_check(&run->budget, reco_engine_run(run->engine, &pass), "the model");
	for (int32 u = 0; u < run->users; u++)
		write_list(run, run->id[u], run->list + (Size) u * run->n, run->count[u], run->by_score[u]);
	run->users = 0;
	MemoryContextReset(run->batch);
	reco_progress_rows(run->written);
}

/* What ranks a batch: threads, and places for what they find. */
static void
prepare(Materialization *run)
{
	RecoBudget *budget = &run->budget;
	int32 items = run->serving->model.items;
	reco_engine_options options = {
		.scorer = reco_serving_scorer(run->serving),
		.hidden = run->hidden,
		.fillers = items,
		.repeats = run->include_seen ? *run->include_seen
									 : reco_spec_comes_again(run->serving->model.spec),
	};
	reco_ranked *popular;

	reco_budget_init(budget, CurrentMemoryContext);
	reco_budget_threads(budget);
	reco_budget_require(budget,
						reco_engine_bytes(&options, budget->env.threads) +
							((Size) items + (Size) run->most * run->n) * sizeof(reco_ranked),
						"materializing");
	popular = reco_budget_alloc(budget, ((Size) items + 1) * sizeof(reco_ranked));
	(void) reco_top_n(&reco_poll_env, run->serving->interactions, items, NULL, items, popular);
	options.filler = popular;
	reco_budget_check(budget, reco_engine_make(&budget->env, &options, &run->engine), "the model");
	run->list = reco_budget_alloc(budget, ((Size) run->most * run->n + 1) * sizeof(reco_ranked));
	run->count = palloc((run->most + 1) * sizeof(int32));
	run->by_score = palloc((run->most + 1) * sizeof(int32));
	run->id = palloc((run->most + 1) * sizeof(Datum));
	run->profile = palloc((run->most + 1) * sizeof(reco_profile));
}

static void
add_user(void *arg, int32 number, Datum id, reco_profile *profile)
{
	Materialization *run = arg;

	run->id[run->users] =
		datumCopy(id, run->serving->user_type->typbyval, run->serving->user_type->typlen);
	run->profile[run->users++] = *profile;
	if (run->users == run->most || MemoryContextMemAllocated(run->batch, true) > BATCH_BYTES)
		flush(run);
}

static void
write_lists(Materialization *run, IdDict *some)
{
	if (some == NULL)
		reco_serving_each_user(run->serving, run->batch, add_user, run);
	for (int32 u = 0; some && u < id_dict_count(some); u++)
	{
		MemoryContext old = MemoryContextSwitchTo(run->batch);
		reco_profile profile = {0};
		Datum id = id_dict_id(some, u);

		reco_poll();
		id_check_domain(run->serving->user_type, id);
		if (!reco_serving_user(run->serving, id, &profile))
			memset(&profile, 0, sizeof(profile));
		MemoryContextSwitchTo(old);
		add_user(run, -1, id, &profile);
	}
	flush(run);
}

/* Makes the new lists the ones to be read, and removes the old ones. */
static void
activate(const ModelRow *model, int32 number)
{
	RecoArgument argument = reco_int4_argument(number);

	SPI_connect();
	(void) reco_statement_one(model->schema, "UPDATE ONLY %s.model SET active_list = $1", &argument,
							  1);
	(void) reco_statement(model->schema, "DELETE FROM ONLY %s.model_list WHERE list <> $1",
						  &argument, 1, NULL);
	SPI_finish();
}

static int32
argument_n(FunctionCallInfo fcinfo)
{
	int32 n;

	reco_require_argument(fcinfo, 1, "n");
	n = PG_GETARG_INT32(1);
	if (n < 1 || n > 10000)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("n is out of range"),
						errhint("It must be a whole number from 1 to 10000.")));
	return n;
}

/* Everything from the lock on. */
static void
materialize(Materialization *run, ModelRow *model, const char *users)
{
	RecoRunAs owner = {true, model->owner, "pg_catalog"};
	RecoIdentity before;
	IdDict *some = NULL;
	ModelRow current;

	run->serving = reco_serving_open(model->schema, NULL, &current);
	/* lists by another key would be of nobody */
	if (run->serving->user_type->pseudonyms)
		id_pseudonyms_check(run->serving->user_type->pseudonyms);
	run->n = Min(run->n, run->serving->model.items);
	run->most = Min(BATCH_USERS, BATCH_BYTES / (Size) (Max(run->n, 1) * sizeof(reco_ranked)));
	run->number = model->active_list + 1;
	run->hidden = reco_live_hidden(reco_live_open(run->serving, &current), run->serving);
	run->source = CStringGetTextDatum(reco_spec_source(run->serving->model.spec));
	if (users)
		some = reco_asked_users(users, run->serving->user_type);
	prepare(run);
	run->batch = AllocSetContextCreate(CurrentMemoryContext, "reco batch", ALLOCSET_DEFAULT_SIZES);
	reco_progress_begin(model->schema);
	reco_progress_phase(model->active_version, "materializing");
	reco_become(&owner, &before);
	run->table = open_lists(run, model);
	run->writer = reco_writer_begin(run->table);
	write_lists(run, some);
	reco_writer_end(run->writer);
	table_close(run->table, NoLock);
	CommandCounterIncrement();
	activate(model, run->number);
	reco_return(&before);
}

Datum
reco_materialize(PG_FUNCTION_ARGS)
{
	Materialization run = {0};
	bool include_seen = !PG_ARGISNULL(3) && PG_GETARG_BOOL(3);
	ModelRow model;
	Oid schema;

	PreventCommandIfReadOnly("CALL reco.materialize()");
	reco_require_argument(fcinfo, 0, "model name");
	run.n = argument_n(fcinfo);
	run.include_seen = PG_ARGISNULL(3) ? NULL : &include_seen;
	schema = reco_model_schema(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	reco_model_read(schema, RECO_LATEST_SNAPSHOT, &model);
	reco_model_check_owner(&model);
	/* one at a time, and none beside a training */
	(void) reco_training_lock(schema, false, false);
	PushActiveSnapshot(GetTransactionSnapshot());
	reco_model_read(schema, GetActiveSnapshot(), &model);
	PG_TRY();
	{
		materialize(&run, &model, PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2)));
	}
	PG_FINALLY();
	{
		reco_progress_end();
	}
	PG_END_TRY();
	PopActiveSnapshot();
	ereport(NOTICE,
			(errmsg("model \"%s\": lists of " INT64_FORMAT " users", model.name, run.written)));
	PG_RETURN_VOID();
}
