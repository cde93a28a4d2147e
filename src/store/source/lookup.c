/*
 * lookup.c
 *	  A query of a model's definition, asked for some of its rows.
 *
 * The definition's query becomes a subquery with a condition on its first column,
 * which the planner pushes down to an index where it can.  Its text is one whole
 * statement to the parser, so nothing in it can end the parentheses around it.
 * It is prepared with a generic plan, but for many ids at once, so planning is paid once a backend,
 * and its cost says what any call costs; the plan cache of PostgreSQL keeps it right when tables,
 * indexes or statistics change.
 *
 * As in training, the text runs as the model's owner under
 * SECURITY_RESTRICTED_OPERATION and a search_path of its own, from planning on, and
 * names nothing temporary.  It is read only, under the caller's snapshot: it works on a
 * standby and in a read-only transaction.
 *
 * Cost of a run: about 10 microseconds and those of the plan.
 */
#include "store/source/lookup.h"

#include "store/source/confine.h"
#include "store/source/origin.h"
#include "store/source/resolve.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/resowner.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/* The name of the first column within the query around it: unlike any that is used. */
#define ID_COLUMN "\"reco.id\""

/* How often a query is prepared again for one run, when the catalogs change meanwhile. */
#define MAX_TRIES 100

static void
begin(const RecoLookup *lookup, RecoIdentity *before)
{
	SPI_connect();
	reco_become(&lookup->query.as, before);
}

static void
end(const RecoIdentity *before)
{
	reco_return(before);
	SPI_finish();
}

static Oid
temporary_namespace(void)
{
	return LookupNamespaceNoError("pg_temp");
}

/*
 * The text runs as its owner in sessions of others, whose temporary tables and types must
 * not stand in for what is gone: none may be named.  Relations are looked at before
 * anything of them is planned, since planning calls functions.
 */
static void
refuse_temporary(const RecoLookup *lookup, const RecoIdentity *before, SPIPlanPtr plan)
{
	const CachedPlanSource *source = linitial(SPI_plan_get_plan_sources(plan));
	ListCell *cell;
	bool found = reco_names_temporary_type(linitial(source->query_list), NULL);

	if (lookup->as_training && reco_is_owners_session(lookup->query.as.role, before->user))
		return;
	foreach (cell, source->relationOids)
		found = found || get_rel_persistence(lfirst_oid(cell)) == RELPERSISTENCE_TEMP;
	if (found)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("%s must not name temporary tables or types in a look-up",
							   lookup->query.kind->name_of),
						errhint("Something that it names may be gone. Mend it, or give another "
								"with reco.alter_model().")));
}

TupleDesc
reco_lookup_describe(const RecoLookup *lookup)
{
	MemoryContext caller = CurrentMemoryContext;
	RecoIdentity before;
	SPIPlanPtr plan;
	TupleDesc columns;
	MemoryContext old;

	begin(lookup, &before);
	plan = SPI_prepare(reco_query_text(lookup->query.kind, lookup->query.text), 0, NULL);
	reco_check_calls(&lookup->query);
	columns = reco_query_check(lookup->query.kind, plan);
	refuse_temporary(lookup, &before, plan);
	old = MemoryContextSwitchTo(caller);
	columns = CreateTupleDescCopy(columns);
	MemoryContextSwitchTo(old);
	end(&before);
	return columns;
}

/*
 * "ID = ARGUMENT" by the equality that tells ids of a type apart.  Outside of pg_catalog,
 * where others may create, the id is cast: another operator could fit a domain better.
 */
static char *
equality(Oid type, const char *id, const char *argument)
{
	Oid operator= lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr;
	HeapTuple tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	Form_pg_operator form;
	char *text;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", operator);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	text = psprintf(
		"%s%s%s OPERATOR(%s.%s) %s", id, form->oprnamespace == PG_CATALOG_NAMESPACE ? "" : "::",
		form->oprnamespace == PG_CATALOG_NAMESPACE ? "" : format_type_be_qualified(form->oprleft),
		quote_identifier(get_namespace_name_or_temp(form->oprnamespace)), NameStr(form->oprname),
		argument);
	ReleaseSysCache(tuple);
	return text;
}

static CachedPlanSource *
source_of(const RecoLookup *lookup)
{
	return linitial(SPI_plan_get_plan_sources(lookup->plan));
}

/*
 * Whether a plan is the one that was checked.  With its relations locked they keep their
 * names, so what the plan cache might analyze again from here on means the same.
 */
static bool
is_sound(const RecoLookup *lookup)
{
	const CachedPlanSource *source = source_of(lookup);
	ListCell *cell;

	if (lookup->temporary != temporary_namespace())
		return false;
	foreach (cell, source->relationOids)
		LockRelationOid(lfirst_oid(cell), AccessShareLock);
	return source->is_valid;
}

/*
 * What the ids of rows are compared with.  For whole rows there may be many: joined, as a row that
 * is fetched by an index may be compared with all of an array.  An array that is known when it is
 * planned is hashed.
 */
static const char *const ids_of[] = {
	[RECO_ASK_ONE] = "$1",
	[RECO_ASK_ANY] = "u.id",
	[RECO_ASK_MANY] = "ANY ($1)",
	[RECO_ASK_WHICH] = "ANY ($1)",
};

TupleDesc
reco_lookup_prepare(RecoLookup *lookup, const IdType *type, RecoAsk ask, const char *condition)
{
	RecoIdentity before;
	SPIPlanPtr plan;
	TupleDesc columns;
	bool of_one = ask == RECO_ASK_ONE || ask == RECO_ASK_ALL;
	Oid argument = of_one ? type->base : get_array_type(type->base);
	char *text;

	lookup->type = type;
	lookup->ask = ask;
	lookup->condition = condition;
	if (lookup->plan && is_sound(lookup))
		return source_of(lookup)->resultDesc;
	reco_lookup_forget(lookup);
	if (!OidIsValid(argument))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("ids of type %s cannot be looked up in arrays",
							   format_type_be(type->type))));
	begin(lookup, &before);
	/* the text may end with a line comment */
	text = reco_query_text(lookup->query.kind, lookup->query.text);
	if (ask == RECO_ASK_ALL)
		text = psprintf("SELECT s.* FROM (%s\n) AS s(" ID_COLUMN ") ORDER BY 1, 4, 3", text);
	else
		text = psprintf("SELECT s.%s FROM %s(%s\n) AS s(" ID_COLUMN ") WHERE %s%s%s",
						ask == RECO_ASK_WHICH ? ID_COLUMN : "*",
						ask == RECO_ASK_ANY ? "pg_catalog.unnest($1) AS u(id), " : "", text,
						equality(type->base, "s." ID_COLUMN, ids_of[ask]),
						condition ? " AND s." : "", condition ? quote_identifier(condition) : "");
	plan = SPI_prepare_cursor(text, ask != RECO_ASK_ALL, &argument,
							  ask == RECO_ASK_MANY ? CURSOR_OPT_CUSTOM_PLAN | CURSOR_OPT_PARALLEL_OK
												   : CURSOR_OPT_GENERIC_PLAN);
	reco_check_calls(&lookup->query);
	columns = reco_query_check(lookup->query.kind, plan);
	refuse_temporary(lookup, &before, plan);
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "could not keep the plan of %s", lookup->query.kind->name);
	lookup->plan = plan;
	lookup->temporary = temporary_namespace();
	lookup->code = reco_code_of(linitial(source_of(lookup)->query_list));
	lookup->parallel_safe =
		max_parallel_hazard(linitial(source_of(lookup)->query_list)) != PROPARALLEL_UNSAFE;
	end(&before);
	return columns;
}

/*
 * Begins to plan or run what was checked, and nothing else: where the catalogs have changed
 * since - while the query was planned, for one - the plan cache would analyze the text
 * again, and could find an overload that nobody has looked at.  From here on no lock is
 * waited for before the plan cache has looked.
 */
static void
begin_checked(RecoLookup *lookup, RecoIdentity *before)
{
	for (int tries = 0; tries < MAX_TRIES; tries++)
	{
		reco_confine(lookup->query.kind->name_of, &lookup->code, lookup->query.as.role,
					 GetUserId());
		begin(lookup, before);
		list_free(fetch_search_path(true));
		if (source_of(lookup)->is_valid)
			return;
		end(before);
		(void) reco_lookup_prepare(lookup, lookup->type, lookup->ask, lookup->condition);
	}
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("what %s names was altered again and again", lookup->query.kind->name_of),
			 errhint("Try again.")));
}

List *
reco_lookup_origins(RecoLookup *lookup, const IdType *type, const char **why)
{
	(void) reco_lookup_prepare(lookup, type, RECO_ASK_ONE, NULL);
	return reco_origins(linitial(source_of(lookup)->query_list), why);
}

bool
reco_lookup_is_current(const RecoLookup *lookup)
{
	const CachedPlanSource *source;

	if (lookup->plan == NULL)
		return false;
	source = source_of(lookup);
	/* a plan made while an index could not be used yet is not kept for long */
	return source->is_valid && source->gplan && source->gplan->is_valid &&
		   !TransactionIdIsValid(source->gplan->saved_xmin);
}

/* What makes a query one that is not to be asked at each call. */
static const char *
unfitness(const CachedPlanSource *source)
{
	if (contain_volatile_functions((Node *) linitial(source->query_list)))
		return "calls volatile functions";
	return NULL;
}

void
reco_lookup_plan(RecoLookup *lookup)
{
	RecoIdentity before;
	CachedPlan *cached;
	PlannedStmt *statement;

	begin_checked(lookup, &before);
	cached = SPI_plan_get_cached_plan(lookup->plan);
	statement = linitial_node(PlannedStmt, cached->stmt_list);
	if (statement->rowMarks != NIL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be a SELECT that changes and locks nothing",
							   lookup->query.kind->name_of)));
	lookup->cost = statement->planTree->total_cost;
	lookup->rows = statement->planTree->plan_rows;
	lookup->unfit = unfitness(source_of(lookup));
	ReleaseCachedPlan(cached, CurrentResourceOwner);
	end(&before);
}

static ParamListInfo
parameter(Oid type, Datum value, bool isnull)
{
	ParamListInfo list = makeParamList(1);

	list->params[0] = (ParamExternData){value, isnull, PARAM_FLAG_CONST, type};
	return list;
}

void
reco_lookup_run(RecoLookup *lookup, Oid type, Datum argument, DestReceiver *receiver)
{
	SPIExecuteOptions options = {.read_only = true, .dest = receiver};
	RecoIdentity before;
	int result;

	begin_checked(lookup, &before);
	if (lookup->ask != RECO_ASK_ALL)
		options.params = parameter(type, argument, false);
	result = SPI_execute_plan_extended(lookup->plan, &options);
	if (result < 0)
		elog(ERROR, "could not read %s: %s", lookup->query.kind->name,
			 SPI_result_code_string(result));
	end(&before);
}

void
reco_lookup_forget(RecoLookup *lookup)
{
	if (lookup->plan)
		SPI_freeplan(lookup->plan);
	lookup->plan = NULL;
}

/* Tables that a plan reads in full. */
typedef struct Scans
{
	PlannedStmt *statement;
	List *tables;
} Scans;

static bool
find_scans(PlanState *state, void *arg)
{
	Scans *scans = arg;

	if (IsA(state->plan, SeqScan))
		scans->tables = list_append_unique_oid(
			scans->tables,
			rt_fetch(((Scan *) state->plan)->scanrelid, scans->statement->rtable)->relid);
	return planstate_tree_walker(state, find_scans, scans);
}

static char *
table_name(Oid table)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)),
									  get_rel_name(table));
}

/* What would make a costly plan cheap, as far as one can tell; NULL: nothing. */
static char *
hint_of(RecoLookup *lookup, List *scanned)
{
	StringInfoData out;
	RecoOrigin origin;
	ListCell *cell;

	if (scanned == NIL)
		return NULL;
	if (reco_first_column(linitial(source_of(lookup)->query_list), &origin) &&
		list_member_oid(scanned, origin.table))
		return psprintf("An index on %s (%s) lets it read some rows instead of all.",
						table_name(origin.table),
						quote_identifier(get_attname(origin.table, origin.column, false)));
	initStringInfo(&out);
	appendStringInfoString(&out, "It reads all rows of");
	foreach (cell, scanned)
		appendStringInfo(&out, "%s %s", cell == list_head(scanned) ? "" : ",",
						 table_name(lfirst_oid(cell)));
	appendStringInfoString(&out, ": an index may be missing there, or the query does not let "
								 "the condition through to one.");
	return out.data;
}

char *
reco_lookup_explain(RecoLookup *lookup, Oid type, const Datum *argument, char **hint)
{
	MemoryContext caller = CurrentMemoryContext;
	ExplainState *explain;
	RecoIdentity before;
	CachedPlan *cached;
	QueryDesc *desc;
	Scans scans = {NULL};
	char *text;

	begin_checked(lookup, &before);
	cached = SPI_plan_get_cached_plan(lookup->plan);
	scans.statement = linitial_node(PlannedStmt, cached->stmt_list);
	explain = NewExplainState();
	explain->costs = true;
	/* an argument, for partitions are chosen when the executor starts */
	desc = CreateQueryDesc(scans.statement, source_of(lookup)->query_string, GetActiveSnapshot(),
						   InvalidSnapshot, None_Receiver,
						   parameter(type, argument ? *argument : (Datum) 0, argument == NULL),
						   NULL, 0);
	ExecutorStart(desc, EXEC_FLAG_EXPLAIN_ONLY);
	ExplainPrintPlan(explain, desc);
	(void) find_scans(desc->planstate, &scans);
	ExecutorEnd(desc);
	FreeQueryDesc(desc);
	ReleaseCachedPlan(cached, CurrentResourceOwner);
	*hint = hint_of(lookup, scans.tables);
	if (*hint)
		*hint = MemoryContextStrdup(caller, *hint);
	text = MemoryContextStrdup(caller, explain->str->data);
	end(&before);
	return text;
}
