/*
 * materialize.c
 *	  reco.materialize(): the lists of all users, written to the model's table.
 *
 * Users stream from their table in batches: a batch is read, ranked by all threads
 * and written.  A new set of lists has a number of its own, and one row makes it
 * the one that the view shows; readers see the old lists or the new ones.  Lists
 * are what recommend() would give from the trained interactions at this moment: what is
 * not available now is in none of them.
 *
 * Memory: a batch, some 16 MB of users and as much of lists.  Cost: the users times a search, and a
 *row a user.
 */
#include "pg/rows.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "core/ranking/batch.h"
#include "core/data/history.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "serving/live.h"
#include "store/tables/lock.h"
#include "store/tables/progress.h"
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

typedef struct Job
{
	Serving *serving;
	int32 n;
	int32 number;   /* of the new lists */
	uint64 *hidden; /* items that are not available; NULL: all are */
	RecoBudget budget;
	RecoSeat *seat;
	Relation table;
	TableWriter *writer;
	Datum source;
	MemoryContext batch; /* what a batch needs, but for these */
	int32 users;         /* in the batch */
	int32 most;          /* that a batch may have */
	Datum *id;
	reco_profile *profile;
	int64 written;
} Job;

static Relation
open_lists(const Job *job, const ModelRow *model)
{
	Relation table = reco_open(model->schema, RECO_TABLE_LIST, RowExclusiveLock);
	TupleDesc desc = RelationGetDescr(table);

	reco_check_writable(table);
	if (TupleDescAttr(desc, LIST_USER)->atttypid != job->serving->user_type->type ||
		TupleDescAttr(desc, LIST_ITEMS)->atttypid != get_array_type(job->serving->item_type->type))
		reco_table_damaged(model->schema, psprintf("The ids of its table \"%s\" were altered.",
												   RelationGetRelationName(table)));
	return table;
}

static void
write_list(Job *job, Datum user, const reco_ranked *list, int32 count, int32 by_score)
{
	const IdType *type = job->serving->item_type;
	MemoryContext context;
	Datum *row = reco_writer_row(job->writer, &context);
	MemoryContext old = MemoryContextSwitchTo(context);
	Datum *item = palloc((count + 1) * sizeof(Datum));
	Datum *score = palloc((count + 1) * sizeof(Datum));

	for (int32 r = 0; r < count; r++)
	{
		RECO_POLL_AT(r);
		item[r] = id_dict_id(job->serving->items, list[r].item);
		score[r] = Float4GetDatum(list[r].score);
	}
	row[LIST_NUMBER] = Int32GetDatum(job->number);
	row[LIST_USER] =
		datumCopy(user, job->serving->user_type->typbyval, job->serving->user_type->typlen);
	row[LIST_ITEMS] = PointerGetDatum(
		construct_array(item, count, type->type, type->typlen, type->typbyval, type->typalign));
	row[LIST_SCORES] = PointerGetDatum(
		construct_array(score, count, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT));
	row[LIST_BY_MODEL] = Int32GetDatum(by_score);
	row[LIST_SOURCE] = job->source;
	MemoryContextSwitchTo(old);
	job->written++;
}

/* What is in no list of this user: what is hidden from all, and what they have. */
static void
skip_own(const Job *job, const reco_profile *profile, uint64 *skip)
{
	Size bytes = RECO_SET_BYTES(job->serving->model.items);

	if (job->hidden)
		memcpy(skip, job->hidden, bytes);
	else
		memset(skip, 0, bytes);
	for (int64 j = 0; j < profile->n; j++)
	{
		RECO_POLL_AT(j);
		reco_set_add(skip, profile->item[j]);
	}
}

/*
 * Fills the places that the model left in a list with popular items.
 */
static int32
fill_up(Job *job, const reco_profile *profile, reco_ranked *list, int32 count, uint64 *skip)
{
	const RecoModel *model = &job->serving->model;

	if (count >= job->n || count >= model->items)
		return count;
	skip_own(job, profile, skip);
	for (int32 r = 0; r < count; r++)
		reco_set_add(skip, list[r].item);
	return count + reco_top_n(&reco_poll_env, job->serving->interactions, model->items, skip,
							  job->n - count, list + count);
}

/* The batch's users whom the model knows, ranked by all threads. */
static void
rank_factors(Job *job, const int32 *known, int32 n, reco_ranked *list, int32 *count)
{
	RecoModel *model = &job->serving->model;
	RecoBudget *budget = &job->budget;
	reco_batch_items items = {model->items,     model->stride, model->item,
							  model->item_bias, model->index,  job->hidden};
	reco_csr seen = {n, model->items};
	float *user = reco_budget_alloc(budget, ((Size) n * model->stride + 16) * sizeof(float));
	float *base = reco_zeros(budget, n);
	Size entries = 0;

	seen.start = reco_budget_alloc(budget, ((Size) n + 1) * sizeof(int64));
	for (int32 k = 0; k < n; k++)
	{
		seen.start[k] = entries;
		entries += job->profile[known[k]].n;
	}
	seen.start[n] = entries;
	seen.col = reco_budget_alloc(budget, (entries + 1) * sizeof(int32));
	for (int32 k = 0; k < n; k++)
	{
		const reco_profile *profile = &job->profile[known[k]];

		memcpy(user + (Size) k * model->stride, profile->factors, model->stride * sizeof(float));
		base[k] = (float) (model->mean + profile->bias);
		memcpy(seen.col + seen.start[k], profile->item, profile->n * sizeof(int32));
	}
	reco_budget_check(budget,
					  reco_batch_top(&budget->env, &items, user, base, &seen, job->n, list, count),
					  "the model");
	reco_budget_free(budget, seen.col);
	reco_budget_free(budget, seen.start);
	reco_budget_free(budget, base);
	reco_budget_free(budget, user);
}

static void
rank_by_scores(Job *job, const int32 *known, int32 n, reco_ranked *list, int32 *count)
{
	uint64 *skip = reco_budget_alloc(&job->budget, RECO_SET_BYTES(job->serving->model.items) + 8);

	for (int32 k = 0; k < n; k++)
	{
		const reco_profile *profile = &job->profile[known[k]];

		reco_poll();
		skip_own(job, profile, skip);
		reco_model_seat_user(job->seat, profile);
		count[k] = reco_seat_top(job->seat->seat, skip, job->n, list + (Size) k * job->n);
	}
	reco_seat_close(job->seat->seat);
	reco_budget_free(&job->budget, skip);
}

/* Users of whom the model has no row have no factors. */
static bool
is_known(Job *job, const reco_profile *profile)
{
	if (profile->factors == NULL)
		return false;
	reco_model_seat_user(job->seat, profile);
	return reco_seat_knows(job->seat->seat);
}

static void
flush(Job *job)
{
	RecoModel *model = &job->serving->model;
	RecoBudget *budget = &job->budget;
	int32 *known = reco_budget_alloc(budget, (BATCH_USERS + 1) * sizeof(int32));
	int32 *count = reco_budget_alloc(budget, (BATCH_USERS + 1) * sizeof(int32));
	reco_ranked *list =
		reco_budget_alloc(budget, ((Size) job->users * job->n + 1) * sizeof(reco_ranked));
	reco_ranked *rest = reco_budget_alloc(budget, ((Size) job->n + 1) * sizeof(reco_ranked));
	uint64 *skip = reco_budget_alloc(budget, RECO_SET_BYTES(model->items) + 8);
	int32 n = 0;
	int32 k = 0;

	for (int32 u = 0; u < job->users; u++)
		if (is_known(job, &job->profile[u]))
			known[n++] = u;
	reco_seat_close(job->seat->seat);
	if (model->spec->algorithm->indexed)
		rank_factors(job, known, n, list, count);
	else
		rank_by_scores(job, known, n, list, count);
	for (int32 u = 0; u < job->users; u++)
	{
		bool ranked = k < n && known[k] == u;
		reco_ranked *of = ranked ? list + (Size) k * job->n : rest;
		int32 by_score = ranked ? count[k++] : 0;

		write_list(job, job->id[u], of, fill_up(job, &job->profile[u], of, by_score, skip),
				   by_score);
	}
	reco_budget_free(budget, skip);
	reco_budget_free(budget, rest);
	reco_budget_free(budget, list);
	reco_budget_free(budget, count);
	reco_budget_free(budget, known);
	job->users = 0;
	MemoryContextReset(job->batch);
	reco_progress_rows(job->written);
}

static void
add_user(void *arg, Datum id, reco_profile *profile)
{
	Job *job = arg;

	job->id[job->users] =
		datumCopy(id, job->serving->user_type->typbyval, job->serving->user_type->typlen);
	job->profile[job->users++] = *profile;
	if (job->users == job->most || MemoryContextMemAllocated(job->batch, true) > BATCH_BYTES)
		flush(job);
}

static const RecoQueryKind the_users = {"users", "users", "the ids of users"};

/*
 * Adds one of the users that a query names, with an error where the table of lists could
 * not take it.
 */
static void
add_id(IdDict *ids, IdType *type, Datum value, Oid value_type)
{
	Datum id;

	if (!id_from_datum(type, value, value_type, &id))
		return;
	if (!id_fits(type, id))
		id_too_long(type, id, "user", false);
	(void) id_dict_add(ids, id);
}

/* The users that a query names, each once; the query runs as its writer. */
static IdDict *
users_of(Job *job, const char *query)
{
	MemoryContext context = CurrentMemoryContext;
	IdDict *ids = id_dict_create(context, job->serving->user_type);
	SPIPlanPtr plan;
	TupleDesc columns;
	Portal portal;

	SPI_connect();
	plan = SPI_prepare(reco_query_text(&the_users, query), 0, NULL);
	columns = reco_query_check(&the_users, plan);
	if (columns->natts != 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("users must have 1 column, not %d", columns->natts),
						errhint("It is a query of the ids of users.")));
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, true);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, 1000);
		if (SPI_processed == 0)
			break;
		for (uint64 r = 0; r < SPI_processed; r++)
		{
			bool isnull;
			Datum value = SPI_getbinval(SPI_tuptable->vals[r], SPI_tuptable->tupdesc, 1, &isnull);

			if (!isnull)
				add_id(ids, job->serving->user_type, value,
					   SPI_gettypeid(SPI_tuptable->tupdesc, 1));
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	SPI_finish();
	return ids;
}

static void
write_lists(Job *job, IdDict *some)
{
	if (some == NULL)
		reco_serving_each_user(job->serving, job->batch, add_user, job);
	for (int32 u = 0; some && u < id_dict_count(some); u++)
	{
		MemoryContext old = MemoryContextSwitchTo(job->batch);
		reco_profile profile = {0};
		Datum id = id_dict_id(some, u);

		reco_poll();
		id_check_domain(job->serving->user_type, id);
		if (!reco_serving_user(job->serving, id, &profile))
			memset(&profile, 0, sizeof(profile));
		MemoryContextSwitchTo(old);
		add_user(job, id, &profile);
	}
	flush(job);
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

	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("n must not be null")));
	n = PG_GETARG_INT32(1);
	if (n < 1 || n > 10000)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("n is out of range"),
						errhint("It must be a whole number from 1 to 10000.")));
	return n;
}

/* Everything from the lock on. */
static void
materialize(Job *job, ModelRow *model, const char *users)
{
	RecoRunAs owner = {true, model->owner, "pg_catalog"};
	RecoIdentity before;
	IdDict *some = NULL;
	ModelRow current;

	job->serving = reco_serving_open(model->schema, NULL, &current);
	job->n = Min(job->n, job->serving->model.items);
	job->most = Min(BATCH_USERS, BATCH_BYTES / (Size) (Max(job->n, 1) * sizeof(reco_ranked)));
	job->number = model->active_list + 1;
	job->hidden = reco_live_hidden(reco_live_open(job->serving, &current), job->serving);
	job->source = CStringGetTextDatum(job->serving->model.spec->algorithm->source);
	if (users)
		some = users_of(job, users);
	reco_budget_init(&job->budget, CurrentMemoryContext);
	reco_budget_threads(&job->budget);
	job->seat = reco_model_seat(reco_serving_scorer(job->serving));
	job->batch = AllocSetContextCreate(CurrentMemoryContext, "reco batch", ALLOCSET_DEFAULT_SIZES);
	job->id = palloc(BATCH_USERS * sizeof(Datum));
	job->profile = palloc(BATCH_USERS * sizeof(reco_profile));
	reco_progress_begin(model->schema);
	reco_progress_phase(model->active_version, "materializing");
	reco_become(&owner, &before);
	job->table = open_lists(job, model);
	job->writer = reco_writer_begin(job->table);
	write_lists(job, some);
	reco_writer_end(job->writer);
	table_close(job->table, NoLock);
	CommandCounterIncrement();
	activate(model, job->number);
	reco_return(&before);
}

Datum
reco_materialize(PG_FUNCTION_ARGS)
{
	Job job = {0};
	ModelRow model;
	Oid schema;

	PreventCommandIfReadOnly("CALL reco.materialize()");
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("model name must not be null")));
	job.n = argument_n(fcinfo);
	schema = reco_model_schema(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	reco_model_read(schema, RECO_LATEST_SNAPSHOT, &model);
	reco_model_check_owner(&model);
	/* one at a time, and none beside a training */
	(void) reco_training_lock(schema, false, false);
	PushActiveSnapshot(GetTransactionSnapshot());
	reco_model_read(schema, GetActiveSnapshot(), &model);
	PG_TRY();
	{
		materialize(&job, &model, PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2)));
	}
	PG_FINALLY();
	{
		reco_progress_end();
	}
	PG_END_TRY();
	PopActiveSnapshot();
	ereport(NOTICE,
			(errmsg("model \"%s\": lists of " INT64_FORMAT " users", model.name, job.written)));
	PG_RETURN_VOID();
}
