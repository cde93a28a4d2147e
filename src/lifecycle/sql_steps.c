/*
 * sql_steps.c
 *	  The half steps of a training by SQL alone.
 *
 * See sql_work.h.  Over tables of the model's own a half step is a SELECT, whose rows are written
 * by a receiver as they come: an INSERT ... SELECT gets no parallel plan.  Where rows are sharded
 * users are inserted where they live, and sums of items meet here.
 *
 * Cost: a join of all rows with factors for each; one row of factors at a time is held here.
 */
#include "lifecycle/sql_work.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "store/tables/tables.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/* The gram of what follows; not while a statement runs that has the one before as parameter. */
static void
keep_gram(RecoSqlWork *work, Datum gram)
{
	if (work->has_gram)
		pfree(DatumGetPointer(work->gram));
	work->gram = gram;
	work->has_gram = true;
}

typedef struct TakenGram
{
	MemoryContext context;
	Datum gram; /* 0: none */
} TakenGram;

static void
take_gram(void *arg, TupleTableSlot *slot)
{
	TakenGram *taken = arg;
	MemoryContext old;

	if (slot->tts_isnull[0])
		return;
	old = MemoryContextSwitchTo(taken->context);
	taken->gram = PointerGetDatum(DatumGetArrayTypePCopy(slot->tts_values[0]));
	MemoryContextSwitchTo(old);
}

void
reco_sql_work_user_gram(RecoSqlWork *work)
{
	const char *one = work->params.weighted_regularization ? " || 1::float4" : "";
	TakenGram taken = {.context = work->run->context};
	RecoIdentity before;
	char *sql;

	if (!work->params.implicit)
		return;
	sql = work->sharded
			  ? psprintf("SELECT reco.gram_total(s.sums) FROM " RECO_SQL_OF_SHARDS "SELECT u.shard,"
						 " reco.gram_sums(u.factors%s) AS sums FROM %s AS u GROUP BY"
						 " u.shard" RECO_SQL_AS_S,
						 one, work->user_factors)
			  : psprintf("SELECT reco.gram_agg(u.factors%s) FROM %s AS u", one, work->user_factors);
	reco_sql_enter(work, &before);
	reco_sql_check_plan(work, sql);
	reco_sql_select(work, sql, NULL, take_gram, &taken);
	reco_return(&before);
	if (taken.gram != 0)
		keep_gram(work, taken.gram);
}

void
reco_sql_work_set_gram(RecoSqlWork *work, const double *gram, double count)
{
	int d = work->params.factors;
	int order = d + (work->params.weighted_regularization ? 1 : 0);
	int dims[2] = {order, order};
	int bounds[2] = {1, 1};
	Datum *values = palloc0(sizeof(Datum) * order * order);
	MemoryContext old;

	for (int i = 0; i < order; i++)
		for (int j = 0; j < order; j++)
			values[i * order + j] = Float8GetDatum(i < d && j < d ? gram[i * d + j]
												   : i == j       ? count
																  : 0);
	old = MemoryContextSwitchTo(work->run->context);
	keep_gram(work, PointerGetDatum(construct_md_array(values, NULL, 2, dims, bounds, FLOAT8OID,
													   sizeof(float8), FLOAT8PASSBYVAL,
													   TYPALIGN_DOUBLE)));
	MemoryContextSwitchTo(old);
	pfree(values);
}

void
reco_sql_work_item_step(RecoSqlWork *work, RecoSqlTake take, void *arg)
{
	const char *bias = work->biases ? " - u.bias" : "";
	RecoIdentity before;
	char *sql;
	char *sums = psprintf("reco.als_state(u.factors, %s%s, %s) AS sums FROM %s AS r JOIN %s AS u"
						  " ON %s GROUP BY r.shard, r.item_id",
						  work->target, bias, reco_sql_the_algorithm(work), work->rows,
						  work->user_factors, work->same_user);

	reco_sql_enter(work, &before);
	if (work->citus)
		sql = reco_sql_citus_sums(work, psprintf("SELECT r.item_id, %s", sums));
	else if (work->sharded)
		sql = psprintf("SELECT s.item_id, reco.als_solve(s.sums, $2) FROM " RECO_SQL_OF_SHARDS
					   "SELECT r.shard, r.item_id, %s" RECO_SQL_AS_S " GROUP BY s.item_id",
					   sums);
	else
		sql = psprintf("SELECT r.item_id, reco.als_agg(u.factors, %s%s, $2, $1) FROM %s AS r JOIN"
					   " %s AS u ON %s GROUP BY r.item_id",
					   work->target, bias, work->rows, work->user_factors, work->same_user);
	reco_sql_check_plan(work, sql);
	reco_sql_select(work, sql, &work->run->data->item_type, take, arg);
	reco_return(&before);
}

/* The factors of users from the items', grouped by user. */
static char *
user_select(const RecoSqlWork *work, const char *more)
{
	return psprintf("SELECT %1$sr.user_id, reco.als_agg(i.factors, %2$s%3$s, %8$s, %9$s) AS x%4$s"
					" FROM %5$s AS r JOIN %6$s AS i ON %7$s GROUP BY %1$sr.user_id",
					reco_sql_shard_of(work, "r"), work->target, work->biases ? " - i.bias" : "",
					more, work->rows, work->item_factors, work->same_item, reco_sql_the_gram(work),
					reco_sql_the_algorithm(work));
}

/* A table that a receiver writes. */
typedef struct Writing
{
	const RecoSqlWork *work;
	Relation heap;
	TableWriter *writer;
	bool numbered; /* of items */
} Writing;

/*
 * An error unless a table is as it was made: what is called when rows are written, as triggers of
 * tables that shards have are, is the owner's, whose the table is.
 */
static void
check_table(const Writing *writing)
{
	const RecoData *data = writing->work->run->data;
	const IdType *id = writing->numbered ? &data->item_type : &data->user_type;
	const Oid items[] = {id->base, INT4OID, FLOAT4ARRAYOID, FLOAT4OID};
	const Oid users[] = {id->base, FLOAT4ARRAYOID, FLOAT4OID};
	const Oid *type = writing->numbered ? items : users;
	int columns = writing->numbered ? lengthof(items) : lengthof(users);
	TupleDesc now = RelationGetDescr(writing->heap);
	bool same = writing->heap->rd_rel->relkind == RELKIND_RELATION && now->natts == columns;

	reco_check_writable(writing->heap);
	for (int c = 0; same && c < columns; c++)
		same = !TupleDescAttr(now, c)->attisdropped &&
			   getBaseType(TupleDescAttr(now, c)->atttypid) == type[c];
	if (!same)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("table \"%s\" was altered while model \"%s\" was trained",
							   RelationGetRelationName(writing->heap), writing->work->run->model)));
}

static void
begin_writing(Writing *writing, const RecoSqlWork *work, const char *table, bool numbered)
{
	char *schema = get_namespace_name(work->run->version.schema);

	(void) reco_sql_run(work, psprintf("TRUNCATE %s.%s", quote_identifier(schema), table));
	writing->work = work;
	writing->numbered = numbered;
	/* rows are written while a parallel plan runs, which cannot be given a transaction's id */
	(void) GetCurrentTransactionId();
	writing->heap = table_openrv(makeRangeVar(schema, pstrdup(table), -1), RowExclusiveLock);
	check_table(writing);
	writing->writer = reco_writer_begin(writing->heap);
}

static void
write_row(Writing *writing, Datum id, const IdType *type, int32 number, const float *x)
{
	const RecoSqlWork *work = writing->work;
	int d = work->params.factors;
	int n = d + (work->biases ? 1 : 0);
	MemoryContext context;
	Datum *row = reco_writer_row(writing->writer, &context);
	MemoryContext old = MemoryContextSwitchTo(context);
	Datum *values = palloc(n * sizeof(Datum));
	int c = 0;

	for (int f = 0; f < n; f++)
		values[f] = Float4GetDatum(f < d ? x[f] : 1);
	row[c++] = datumCopy(id, type->typbyval, type->typlen);
	if (writing->numbered)
		row[c++] = Int32GetDatum(number);
	row[c++] =
		PointerGetDatum(construct_array(values, n, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT));
	row[c++] = Float4GetDatum(work->biases ? x[d] : 0);
	MemoryContextSwitchTo(old);
}

const float *
reco_sql_floats(Datum array, int n)
{
	ArrayType *floats = DatumGetArrayTypeP(array);

	if (ARR_NDIM(floats) != 1 || ARR_DIMS(floats)[0] != n || ARR_HASNULL(floats) ||
		ARR_ELEMTYPE(floats) != FLOAT4OID)
		elog(ERROR, "factors of a half step are not an array of %d numbers", n);
	return (const float *) ARR_DATA_PTR(floats);
}

static void
take_user(void *arg, TupleTableSlot *slot)
{
	Writing *writing = arg;
	const RecoSqlWork *work = writing->work;

	if (!slot->tts_isnull[1])
		write_row(writing, slot->tts_values[0], &work->run->data->user_type, 0,
				  reco_sql_floats(slot->tts_values[1], work->params.factors + work->biases));
}

static void
end_writing(Writing *writing)
{
	reco_writer_end(writing->writer);
	table_close(writing->heap, NoLock);
	CommandCounterIncrement();
}

void
reco_sql_work_user_step(RecoSqlWork *work)
{
	RecoIdentity before;
	Writing writing;
	char *sql = user_select(work, "");
	int d = work->params.factors;

	reco_sql_enter(work, &before);
	if (work->sharded)
	{
		const char *factors = "s.x";
		const char *bias = "0";

		if (work->biases)
		{
			factors = psprintf("s.x[1:%d] || 1::float4", d);
			bias = psprintf("s.x[%d]", d + 1);
		}
		sql = psprintf("%sINSERT INTO %s (shard, user_id, factors, bias) SELECT s.shard, s.user_id,"
					   " %s, %s FROM (%s) AS s",
					   reco_sql_with_items(work), work->user_factors, factors, bias, sql);
		reco_sql_check_plan(work, sql);
		(void) reco_sql_run(work, psprintf("TRUNCATE %s", work->user_factors));
		(void) reco_sql_run(work, sql);
	}
	else
	{
		begin_writing(&writing, work, RECO_SQL_USERS, false);
		reco_sql_select(work, sql, &work->run->data->user_type, take_user, &writing);
		end_writing(&writing);
	}
	reco_return(&before);
}

void
reco_sql_work_write_items(RecoSqlWork *work, const IdDict *ids, const reco_factors *factors)
{
	int d = work->params.factors;
	float *x = palloc((d + 1) * sizeof(float));
	RecoIdentity before;
	Writing writing;

	reco_sql_enter(work, &before);
	begin_writing(&writing, work, RECO_SQL_ITEMS, true);
	for (int32 i = 0; i < factors->items; i++)
	{
		memcpy(x, factors->item + (Size) i * factors->stride, d * sizeof(float));
		x[d] = factors->item_bias ? factors->item_bias[i] : 0;
		write_row(&writing, id_dict_id(ids, i), &work->run->data->item_type, i, x);
	}
	end_writing(&writing);
	if (work->sharded && !work->citus)
	{
		(void) reco_sql_run(work, psprintf("TRUNCATE %s", work->item_factors));
		(void) reco_sql_run(
			work, psprintf("INSERT INTO %s (shard, item_id, number, factors, bias) SELECT s.shard,"
						   " i.item_id, i.number, i.factors, i.bias FROM %s AS i, unnest($3) AS"
						   " s(shard)",
						   work->item_factors, work->items));
	}
	pfree(x);
	reco_return(&before);
}

void
reco_sql_work_users(RecoSqlWork *work, RecoSqlTake take, void *arg)
{
	bool ones = work->rule.kind == RECO_VALUES_BINARY && work->run->trained.model.min_value > 0;
	RecoIdentity before;
	char *sql = psprintf(
		"%sSELECT s.user_id, s.x, s.numbers, %s FROM (%s) AS s ORDER BY s.user_id",
		reco_sql_with_items(work), ones ? "NULL::float4[]" : "s.v",
		user_select(work,
					psprintf(", array_agg(i.number) AS numbers%s",
							 ones ? "" : psprintf(", array_agg((%s)::float4) AS v", work->value))));

	reco_sql_enter(work, &before);
	reco_sql_check_plan(work, sql);
	reco_sql_select(work, sql, &work->run->data->user_type, take, arg);
	reco_return(&before);
}
