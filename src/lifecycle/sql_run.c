/*
 * sql_run.c
 *	  Running the statements of a training by SQL alone.
 *
 * See sql_run.h.  A statement is planned each time with its parameters as constants: what a shard
 * is sent is then a text that holds them.
 *
 * Cost: that of the statement, and of planning it once more where rows are sharded; up to twice
 * more where the planner would rather fetch rows.
 */
#include "lifecycle/sql_run.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

typedef struct Setting
{
	const char *name; /* passed over where this server has none of that name */
	const char *value;
} Setting;

static void
apply_settings(const Setting *settings, int count)
{
	for (int s = 0; s < count; s++)
		if (GetConfigOption(settings[s].name, true, false))
			(void) set_config_option(settings[s].name, settings[s].value, PGC_USERSET,
									 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Settings that statements over shards want in any case; until reco_return.
 */
void
reco_sql_enter(const RecoSqlWork *work, RecoIdentity *before)
{
	static const Setting settings[] = {
		{"enable_partitionwise_join", "on"},
		{"enable_partitionwise_aggregate", "on"},
		/* a plan of Citus that would fetch the rows of a group, or of a join, is then an error */
		{"citus.coordinator_aggregation_strategy", "disabled"},
		{"citus.enable_repartition_joins", "off"},
		{"citus.local_table_join_policy", "never"},
		{"citus.enable_repartitioned_insert_select", "on"},
		/* constants of statements are sent as text */
		{"extra_float_digits", "1"},
	};

	reco_become(&work->owner, before);
	apply_settings(settings, lengthof(settings));
}

/* A receiver of rows; those of one row's memory. */
typedef struct Taker
{
	DestReceiver head;
	RecoSqlTake take;
	void *arg;
	const IdType *id; /* of the first column; NULL: it is none */
	MemoryContext row;
} Taker;

static bool
taker_receive(TupleTableSlot *slot, DestReceiver *receiver)
{
	Taker *taker = (Taker *) receiver;
	MemoryContext old = MemoryContextSwitchTo(taker->row);

	slot_getallattrs(slot);
	taker->take(taker->arg, slot);
	MemoryContextSwitchTo(old);
	MemoryContextReset(taker->row);
	return true;
}

static void
taker_startup(DestReceiver *receiver, int operation, TupleDesc columns)
{
	Taker *taker = (Taker *) receiver;
	Oid type = TupleDescAttr(columns, 0)->atttypid;

	if (taker->id && getBaseType(type) != taker->id->base)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of the tables of work has another type than the source",
						NameStr(TupleDescAttr(columns, 0)->attname)),
				 errdetail("It has type %s there, and %s in the source.", format_type_be(type),
						   format_type_be(taker->id->type))));
}

static void
taker_end(DestReceiver *receiver)
{
}

static Oid
algorithm_type(void)
{
	Oid type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("algorithm"),
							   ObjectIdGetDatum(get_namespace_oid("reco", false)));

	if (!OidIsValid(type))
		elog(ERROR, "type reco.algorithm does not exist");
	return type;
}

#define PARAMETERS 3

static ParamListInfo
parameters(const RecoSqlWork *work, Oid *types)
{
	ParamListInfo list = makeParamList(PARAMETERS);

	types[0] = algorithm_type();
	types[1] = FLOAT8ARRAYOID;
	types[2] = INT4ARRAYOID;
	list->params[0].value = work->algorithm_value ? JsonbPGetDatum(work->algorithm_value) : 0;
	list->params[0].isnull = work->algorithm_value == NULL;
	list->params[1].value = work->gram;
	list->params[1].isnull = !work->has_gram;
	list->params[2].value = work->shards;
	list->params[2].isnull = !work->has_shards;
	for (int p = 0; p < PARAMETERS; p++)
	{
		list->params[p].pflags = PARAM_FLAG_CONST;
		list->params[p].ptype = types[p];
	}
	return list;
}

/*
 * Runs a statement with the parameters of the work; what it returns goes to `taker`.  Returns how
 * many rows it wrote or returned.
 */
static uint64
execute(const RecoSqlWork *work, const char *sql, Taker *taker)
{
	Oid types[PARAMETERS];
	ParamListInfo list = work->citus ? NULL : parameters(work, types);
	SPIExecuteOptions options = {.params = list, .dest = taker ? &taker->head : NULL};
	SPIPlanPtr plan = SPI_prepare_cursor(sql, list ? PARAMETERS : 0, types, CURSOR_OPT_PARALLEL_OK);
	uint64 processed;
	int result;

	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", sql, SPI_result_code_string(SPI_result));
	result = SPI_execute_plan_extended(plan, &options);
	if (result < 0)
		elog(ERROR, "could not execute \"%s\": %s", sql, SPI_result_code_string(result));
	processed = SPI_processed;
	SPI_freeplan(plan);
	return processed;
}

uint64
reco_sql_run(const RecoSqlWork *work, const char *sql)
{
	return execute(work, sql, NULL);
}

void
reco_sql_select(const RecoSqlWork *work, const char *sql, const IdType *id, RecoSqlTake take,
				void *arg)
{
	Taker taker = {
		{taker_receive, taker_startup, taker_end, taker_end, DestNone},
		take,
		arg,
		id,
		AllocSetContextCreate(CurrentMemoryContext, "reco row", ALLOCSET_DEFAULT_SIZES),
	};

	(void) execute(work, sql, &taker);
	MemoryContextDelete(taker.row);
}

/* Whether a plan adds up rows of a foreign table here, as EXPLAIN tells it line by line. */
typedef struct PlanCheck
{
	char *scan; /* the last foreign scan, of which nothing is known yet */
	char *fetches;
	MemoryContext context; /* of both */
} PlanCheck;

static void
look_at_plan(void *arg, TupleTableSlot *slot)
{
	PlanCheck *check = arg;
	char *line = TextDatumGetCString(slot->tts_values[0]);

	if (strstr(line, "Relations: Aggregate on"))
		check->scan = NULL;
	if (!strstr(line, "->  ") && !strstr(line, "Foreign Scan"))
		return;
	if (check->scan && check->fetches == NULL)
		check->fetches = check->scan;
	check->scan = strstr(line, "Foreign Scan");
	if (check->scan)
		check->scan = MemoryContextStrdup(check->context, check->scan);
}

/* The first foreign scan whose rows a plan would add up here; NULL: there is none. */
static char *
fetching_scan(const RecoSqlWork *work, const char *sql)
{
	PlanCheck check = {.context = CurrentMemoryContext};

	reco_sql_select(work, psprintf("EXPLAIN (VERBOSE, COSTS OFF) %s", sql), NULL, look_at_plan,
					&check);
	return check.fetches ? check.fetches : check.scan;
}

char *
reco_sql_push_down(const RecoSqlWork *work, const char *sql)
{
	/* what joins, sorts and adds up here is dear, and so is a row that is fetched */
	static const Setting dear[] = {
		{"enable_hashagg", "off"},
		{"enable_sort", "off"},
		{"enable_incremental_sort", "off"},
		{"enable_hashjoin", "off"},
		{"enable_mergejoin", "off"},
		{"enable_nestloop", "off"},
		/* else an order that the whole statement asks for is one more reason to sort rows first */
		{"enable_group_by_reordering", "off"},
		{"cpu_tuple_cost", "100"},
	};

	/*
	 * No switch keeps from adding up here rows that a shard has sorted, only the cost of it.  With
	 * use_remote_estimate that does not enter what shards estimate; without, it is theirs as well,
	 * for each pair of rows that a join might make, and must not count.
	 */
	static const Setting operators[] = {{"cpu_operator_cost", "100"}, {"cpu_operator_cost", "0"}};
	char *first;

	if (!work->sharded || work->citus || (first = fetching_scan(work, sql)) == NULL)
		return NULL;
	for (int attempt = 0; attempt < lengthof(operators); attempt++)
	{
		int level = NewGUCNestLevel();

		apply_settings(dear, lengthof(dear));
		apply_settings(&operators[attempt], 1);
		/* the settings stay for the statement itself: reco_return ends this level with its own */
		if (fetching_scan(work, sql) == NULL)
			return NULL;
		AtEOXact_GUC(false, level);
	}
	return first;
}

/*
 * Foreign tables must give groups, not rows: else all of them come here, in every half step.
 */
void
reco_sql_check_plan(const RecoSqlWork *work, const char *sql)
{
	char *fetches = reco_sql_push_down(work, sql);

	if (fetches)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("rows would be fetched from their shards to be added up here"),
			 errdetail("The plan of a half step has a \"%s\" without an aggregate.", fetches),
			 errhint("Name reco in the option \"extensions\" of the servers, and partition rows "
					 "and factors alike by LIST (shard).")));
}
