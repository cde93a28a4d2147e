/*
 * sql_work.c
 *	  Tables and statements of a training by SQL alone.
 *
 * See sql_work.h.  A half step over tables of the model's own is a SELECT, which gets parallel
 * plans (an INSERT ... SELECT does not), whose rows a receiver writes.  Where rows are sharded, the
 * statements are shaped so that a shard does all that is its own: users live in one shard, and
 * their factors are made and kept there; of items each shard adds up its part, which meet here.
 * The planner is made to leave that to the shards, and a half step whose plan would fetch rows all
 * the same is refused before it runs (sql_run.h).
 *
 * Cost: that of the statements; of factors one row at a time is held here.
 */
#include "lifecycle/sql_work.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "lifecycle/sql_rows.h"
#include "nodes/makefuncs.h"
#include "store/source/source.h"
#include "store/tables/tables.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include <math.h>

/* The schema of the tables of work, quoted. */
static const char *
work_schema(const char *name)
{
	Oid schema = get_namespace_oid(name, false);

	/* what a session made for itself is not for a model's owner to read */
	if (isAnyTempNamespace(schema))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("tables of work must not be temporary")));
	return quote_identifier(get_namespace_name(schema));
}

void
reco_sql_work_init(RecoSqlWork *work, RecoRun *run)
{
	const RecoData *data = run->data;
	const char *name = NULL;
	const char *schema;
	char *own = get_namespace_name(run->version.schema);

	memset(work, 0, sizeof(RecoSqlWork));
	work->run = run;
	work->owner = run->version.owner;
	work->rule = run->spec->raw ? (reco_value_rule){RECO_VALUES_RAW} : data->values;
	if (!run->spec->raw && !data->has_value && work->rule.kind == RECO_VALUES_AUTO)
		work->rule.kind = RECO_VALUES_BINARY;
	(void) reco_als_by_sql(run->spec, &name);
	work->sharded = name != NULL;
	work->citus = name != NULL && reco_sql_citus_has(name);
	if (own == NULL)
		reco_run_check_model(run);
	schema = work->sharded ? work_schema(name) : quote_identifier(own);
	work->rows = psprintf("%s.%s", schema, work->sharded ? "rows" : RECO_SQL_ROWS);
	work->user_factors = psprintf("%s.%s", schema, work->sharded ? "user_factors" : RECO_SQL_USERS);
	work->items = psprintf("%s.%s", quote_identifier(own), RECO_SQL_ITEMS);
	work->item_factors = work->citus     ? "items"
						 : work->sharded ? psprintf("%s.item_factors", schema)
										 : work->items;
	work->item_sums = psprintf("%s.item_sums", schema);
	/* rows of the model's own are by the rule already */
	work->value = work->sharded ? reco_sql_by_rule(&work->rule, "r.value") : "r.value";
	work->same_user = psprintf("%s%s", work->sharded ? "u.shard = r.shard AND " : "",
							   reco_sql_equals(&data->user_type, "u.user_id", "r.user_id"));
	work->same_item =
		psprintf("%s%s", work->sharded && !work->citus ? "i.shard = r.shard AND " : "",
				 reco_sql_equals(&data->item_type, "i.item_id", "r.item_id"));
}

void
reco_sql_work_algorithm(RecoSqlWork *work, const RecoSpec *spec)
{
	(void) reco_als_params_of(spec, &work->params);
	work->biases = !work->params.implicit && work->params.biases;
	work->algorithm_value = reco_spec_jsonb(spec);
	work->algorithm =
		psprintf("%s::reco.algorithm",
				 quote_literal_cstr(JsonbToCString(NULL, &work->algorithm_value->root, 0)));
	work->target = work->params.implicit
					   ? work->value
					   : psprintf("%s - (%.17g)::float8", work->value, work->mean);
}

void
reco_sql_work_rows(RecoSqlWork *work, const RecoQuery *source)
{
	RecoIdentity before;
	const char *name = NULL;

	if (!work->sharded)
	{
		reco_sql_rows_make(work, source);
		return;
	}
	reco_sql_enter(work, &before);
	reco_sql_citus_check(work);
	(void) reco_als_by_sql(work->run->spec, &name);
	reco_sql_check_trust(work, name);
	reco_return(&before);
}

typedef struct Statistics
{
	RecoSqlWork *work;
	double most; /* of rows of one pair */
	double smallest;
	double largest;
	double size;
	double square;
	double sum;
	double nulls; /* rows of a table of somebody's own that lack something */
} Statistics;

static void
take_statistics(void *arg, TupleTableSlot *slot)
{
	Statistics *s = arg;
	RecoData *data = s->work->run->data;
	double number[11];

	for (int c = 0; c < lengthof(number); c++)
		number[c] = slot->tts_isnull[c] ? 0 : DatumGetFloat8(slot->tts_values[c]);
	s->work->interactions = (int64) number[0];
	if (s->work->sharded)
		data->rows_read = (int64) number[1];
	s->most = number[2];
	s->smallest = number[3];
	s->largest = number[4];
	s->size = number[5];
	s->square = number[6];
	s->sum = number[7];
	data->count[RECO_COUNT_NEGATIVE] = (int64) number[8];
	s->nulls = number[9];
	data->count[RECO_COUNT_ZERO] = (int64) number[10];
}

/* Rows that lack something are no rows: of a table here they were left out. */
static void
check_nulls(const Statistics *s)
{
	if (s->nulls > 0)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("table %s has rows with a null value", s->work->rows),
				 errdetail_plural("It is %.0f row.", "They are %.0f.", (unsigned long) s->nulls,
								  s->nulls),
				 errhint("Every row has a shard, a user, an item and a value: leave the others "
						 "out.")));
}

/* Values of pairs that the half steps would refuse, one at a time. */
static void
check_values(const Statistics *s)
{
	double value = fabs(s->smallest) <= RECO_MAX_VALUE ? s->largest : s->smallest;

	if (!(fabs(value) <= RECO_MAX_VALUE))
		ereport(
			ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("value %g is %s", value, isfinite(value) ? "out of range" : "not finite"),
			 errdetail("It is what the rows of a pair of user and item add up to."),
			 s->work->sharded
				 ? errhint("Correct the rows, or leave them out of the table \"rows\".")
				 : errhint("Correct the rows, leave them out of the source, or skip such rows with "
						   "options => reco.options(on_invalid => 'skip').")));
}

const char *
reco_sql_shard_of(const RecoSqlWork *work, const char *table)
{
	return work->sharded ? psprintf("%s.shard, ", table) : "";
}

reco_shape
reco_sql_work_shape(RecoSqlWork *work)
{
	const char *n = work->sharded ? "1" : "r.n";
	/* what is out of range is told below, not by a sum that overflows */
	const char *size = psprintf(
		"(CASE WHEN abs(%1$s) <= '1e30'::float8 THEN %1$s ELSE '1e30'::float8 END)", work->value);
	const RecoSpec *spec = work->run->spec;
	Statistics s = {.work = work};
	RecoIdentity before;
	char *sql;
	reco_shape shape = {0};

	reco_sql_enter(work, &before);
	sql = psprintf(
		"SELECT sum(s.c)::float8, sum(s.n)::float8, max(s.m)::float8, min(s.lo)::float8,"
		" max(s.hi)::float8, sum(s.a)::float8, sum(s.q)::float8, sum(s.t)::float8,"
		" sum(s.g)::float8, sum(s.x)::float8, sum(s.z)::float8 FROM %5$sSELECT count(*) AS c, "
		"sum(%1$s) AS n,"
		" max(%1$s) AS m, min(%2$s) AS lo, max(%2$s) AS hi, sum(abs(%7$s)) AS a,"
		" sum((%7$s) * (%7$s)) AS q, sum(%7$s) AS t, sum(CASE WHEN %2$s < 0 THEN 1 ELSE 0 END) AS "
		"g, sum(CASE WHEN %2$s = 0 THEN 1 ELSE 0 END) AS z,"
		" %8$s AS x FROM %3$s AS r%4$s%6$s",
		n, work->value, work->rows, work->sharded ? " GROUP BY r.shard" : "",
		work->sharded ? RECO_SQL_OF_SHARDS : "(", work->sharded ? RECO_SQL_AS_S : ") AS s", size,
		work->sharded ? "sum(CASE WHEN r.shard IS NULL OR r.user_id IS NULL OR r.item_id IS NULL"
						" OR r.value IS NULL THEN 1 ELSE 0 END)"
					  : "0");
	(void) reco_sql_push_down(work, sql);
	reco_sql_select(work, sql, NULL, take_statistics, &s);
	reco_return(&before);
	check_nulls(&s);
	check_values(&s);
	if (spec->latest && s.most > 1)
		ereport(ERROR, (errcode(ERRCODE_CARDINALITY_VIOLATION),
						errmsg("the source has several values for some pairs of user and item"),
						errdetail("With engine => 'sql' there is no latest among them."),
						errhint("Let the source return one row of each pair.")));
	work->run->trained.model.min_value = (float) s.smallest;
	work->run->trained.model.max_value = (float) s.largest;
	work->mean = work->interactions > 0 ? s.sum / work->interactions : 0;
	shape.entries = work->interactions;
	shape.mean_size = s.size > 0 ? s.size / work->interactions : 1;
	shape.mean_square = s.square > 0 ? s.square / work->interactions : 1;
	/* nothing here measures it: whoever has so many rows has more to learn than what is popular */
	shape.overlap = 2;
	return shape;
}

static void
take_number(void *arg, TupleTableSlot *slot)
{
	*(double *) arg = slot->tts_isnull[0] ? 0 : DatumGetFloat8(slot->tts_values[0]);
}

double
reco_sql_work_count_users(RecoSqlWork *work)
{
	RecoIdentity before;
	char *sql;
	double users = 0;

	reco_sql_enter(work, &before);
	sql = work->sharded
			  ? psprintf("SELECT sum(s.c)::float8 FROM " RECO_SQL_OF_SHARDS
						 "SELECT r.shard, count(DISTINCT r.user_id) AS c FROM %s AS r GROUP BY"
						 " r.shard" RECO_SQL_AS_S,
						 work->rows)
			  : psprintf("SELECT count(*)::float8 FROM (SELECT r.user_id FROM %s AS r GROUP BY"
						 " r.user_id) AS s",
						 work->rows);
	(void) reco_sql_push_down(work, sql);
	reco_sql_select(work, sql, NULL, take_number, &users);
	reco_return(&before);
	return users;
}

void
reco_sql_work_items(RecoSqlWork *work, RecoSqlTake take, void *arg)
{
	RecoIdentity before;
	char *sql;

	reco_sql_enter(work, &before);
	sql = psprintf("SELECT s.item_id, sum(s.users)::int8, sum(s.n)::int8 FROM %4$sSELECT %1$s"
				   "r.item_id, count(*) AS n, sum(CASE WHEN %2$s THEN 1 ELSE 0 END) AS users"
				   " FROM %3$s AS r GROUP BY %1$sr.item_id%5$s GROUP BY s.item_id",
				   reco_sql_shard_of(work, "r"),
				   work->run->spec->latest ? "true" : psprintf("%s > 0", work->value), work->rows,
				   work->sharded ? RECO_SQL_OF_SHARDS : "(",
				   work->sharded ? RECO_SQL_AS_S : ") AS s");
	(void) reco_sql_push_down(work, sql);
	reco_sql_select(work, sql, &work->run->data->item_type, take, arg);
	reco_return(&before);
}

static void
take_shards(void *arg, TupleTableSlot *slot)
{
	RecoSqlWork *work = arg;
	MemoryContext old = MemoryContextSwitchTo(work->run->context);

	work->has_shards = !slot->tts_isnull[0];
	if (work->has_shards)
		work->shards = datumCopy(slot->tts_values[0], false, -1);
	MemoryContextSwitchTo(old);
}

static void
make_items(RecoSqlWork *work)
{
	(void) reco_sql_run(
		work, psprintf("CREATE UNLOGGED TABLE %s WITH (toast_tuple_target = 8160) AS SELECT"
					   " r.item_id, 0::int4 AS number, '{}'::float4[] AS factors, 0::float4 AS bias"
					   " FROM %s AS r WITH NO DATA",
					   work->items, work->rows));
	(void) reco_sql_run(work,
						psprintf("ALTER TABLE %s ALTER factors SET STORAGE EXTERNAL", work->items));
}

void
reco_sql_work_begin(RecoSqlWork *work)
{
	const char *one = work->biases ? " || 1::float4" : "";
	RecoIdentity before;
	char *start = psprintf("reco.als_start(row_number() OVER (ORDER BY s.user_id) - 1, %s)%s",
						   work->algorithm, one);
	char *sql;

	reco_sql_enter(work, &before);
	make_items(work);
	if (work->sharded)
	{
		sql = psprintf("SELECT array_agg(s.shard::int4) FROM " RECO_SQL_OF_SHARDS
					   "SELECT r.shard FROM %s AS r GROUP BY r.shard" RECO_SQL_AS_S,
					   work->rows);
		(void) reco_sql_push_down(work, sql);
		reco_sql_select(work, sql, NULL, take_shards, work);
		(void) reco_sql_run(work, psprintf("TRUNCATE %s, %s", work->user_factors,
										   work->citus ? work->item_sums : work->item_factors));
		sql = psprintf("INSERT INTO %1$s (shard, user_id, factors, bias) SELECT s.shard,"
					   " s.user_id, %2$s, 0 FROM " RECO_SQL_OF_SHARDS "SELECT r.shard,"
					   " r.user_id FROM %3$s AS r GROUP BY r.shard,"
					   " r.user_id" RECO_SQL_AS_S,
					   work->user_factors, start, work->rows);
		(void) reco_sql_push_down(work, sql);
		work->users = reco_sql_run(work, sql);
	}
	else
	{
		work->users = reco_sql_run(
			work, psprintf("CREATE UNLOGGED TABLE %s WITH (toast_tuple_target = 8160) AS"
						   " SELECT s.user_id, %s AS factors, 0::float4 AS bias FROM (SELECT"
						   " r.user_id FROM %s AS r GROUP BY r.user_id) AS s",
						   work->user_factors, start, work->rows));
		(void) reco_sql_run(work, psprintf("ALTER TABLE %s ALTER factors SET STORAGE EXTERNAL",
										   work->user_factors));
		(void) reco_sql_run(work, psprintf("ANALYZE %s (user_id)", work->user_factors));
	}
	reco_return(&before);
}

void
reco_sql_work_end(RecoSqlWork *work)
{
	RecoIdentity before;

	reco_sql_enter(work, &before);
	if (work->citus)
		(void) reco_sql_run(work, psprintf("TRUNCATE %s", work->item_sums));
	(void) reco_sql_run(work, work->sharded ? psprintf("DROP TABLE %s", work->items)
											: psprintf("DROP TABLE %s, %s, %s", work->items,
													   work->rows, work->user_factors));
	reco_return(&before);
}
