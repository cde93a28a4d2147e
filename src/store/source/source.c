/*
 * source.c
 *	  A model's source: which query it is, who runs it, and reading it.
 *
 * The text is planned and executed by SPI with a receiver of our own, so rows
 * stream from the executor into memory without being copied into tuples, and
 * parallel plans are allowed.  A stored text runs exactly as REFRESH
 * MATERIALIZED VIEW runs a view's: as the owner, under
 * SECURITY_RESTRICTED_OPERATION, from planning on (planning already evaluates
 * immutable functions).  Whoever calls reco.refresh lends the owner nothing.
 */
#include "store/source/source.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "parser/parser.h"
#include "parser/scansup.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "store/source/features.h"
#include "parser/parse_expr.h"
#include "store/source/confine.h"
#include "store/source/ingest.h"
#include "store/source/resolve.h"
#include "store/source/shape.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/regproc.h"
#include "utils/rls.h"
#include "utils/varlena.h"

static bool
has_policies(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
		return ((RangeTblEntry *) node)->securityQuals != NIL;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, has_policies, context, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, has_policies, context);
}

/* Whether row-level security hides rows from whoever reads it now. */
static bool
is_filtered(SPIPlanPtr plan)
{
	CachedPlanSource *statement = linitial(SPI_plan_get_plan_sources(plan));

	return statement->dependsOnRLS && has_policies(linitial(statement->query_list), NULL);
}

/*
 * Whoever refreshes a model may do what its owner may; but the session can be another's,
 * who calls a function of the owner's.
 */
static void
confine(const RecoQuery *query, const RecoIdentity *before, const CachedPlanSource *plan)
{
	RecoCode code = reco_code_of(linitial(plan->query_list));
	ListCell *cell;

	if (reco_is_owners_session(query->as.role, before->user))
		return;
	if (query->kind != &reco_the_source)
		features_add_code(plan->resultDesc, &code);
	reco_confine(query->kind->name_of, &code, query->as.role, before->user);
	foreach (cell, plan->relationOids)
		if (get_rel_persistence(lfirst_oid(cell)) == RELPERSISTENCE_TEMP)
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("%s reads a temporary table, which is not done in a session of "
								   "another role",
								   query->kind->name_of)));
}

/*
 * Plans the source; an error unless it is one plain SELECT.
 */
static SPIPlanPtr
plan_query(const RecoQuery *query, const RecoIdentity *before, TupleDesc *columns)
{
	ErrorContextCallback callback = {error_context_stack, reco_tell_names,
									 unconstify(RecoQuery *, query)};
	SPIPrepareOptions options = {0};
	SPIPlanPtr plan;

	options.cursorOptions = CURSOR_OPT_PARALLEL_OK;
	error_context_stack = &callback;
	plan = SPI_prepare_extended(reco_query_select(query->kind, query->text), &options);
	reco_check_calls(query);
	error_context_stack = callback.previous;
	*columns = reco_query_check(query->kind, plan);
	if (before->restricted)
		confine(query, before, linitial(SPI_plan_get_plan_sources(plan)));
	return plan;
}

static void
run_plan(SPIPlanPtr plan, DestReceiver *receiver, const RecoQuery *query)
{
	ErrorContextCallback callback = {error_context_stack, reco_tell_names,
									 unconstify(RecoQuery *, query)};
	SPIExecuteOptions execute = {.read_only = true, .dest = receiver};
	int result;

	error_context_stack = &callback;
	result = SPI_execute_plan_extended(plan, &execute);
	error_context_stack = callback.previous;
	if (result < 0)
		elog(ERROR, "could not read %s: %s", query->kind->name, SPI_result_code_string(result));
	SPI_freeplan(plan);
}

static void
check_types(const Ingest *ingest, const RecoKnown *known)
{
	const RecoData *data = ingest_data(ingest);

	id_type_require(known->user_type, &data->user_type, "user", known->model);
	id_type_require(known->item_type, &data->item_type, "item", known->model);
}

/* The rows of the source, and whether policies filtered them. */
static Ingest *
read_rows(const RecoQuery *source, const RecoKnown *known, unsigned keep,
		  const RecoDataOptions *options, RecoBudget *budget, bool *filtered)
{
	RecoIdentity before;
	SPIPlanPtr plan;
	TupleDesc columns;
	Ingest *ingest;

	reco_become(&source->as, &before);
	plan = plan_query(source, &before, &columns);
	*filtered = is_filtered(plan);
	/* of a test each user may have one row */
	if (!source->stored && source->kind == &reco_the_source)
		reco_shape_check(
			linitial(((CachedPlanSource *) linitial(SPI_plan_get_plan_sources(plan)))->query_list));
	ingest = ingest_begin(source->kind, columns, keep, options, budget);
	if (known ? known->user_type->pseudonyms : options->like)
		ingest_pseudonyms(ingest, known ? known->user_type->pseudonyms : options->like);
	if (known)
	{
		check_types(ingest, known);
		ingest_only(ingest, known->items, known->reference_time);
	}
	run_plan(plan, ingest_receiver(ingest), source);
	reco_return(&before);
	return ingest;
}

RecoData *
reco_read_interactions(const RecoQuery *source, const RecoKnown *known, unsigned keep,
					   const RecoDataOptions *options, RecoBudget *budget)
{
	bool filtered;
	RecoData *data = ingest_finish(read_rows(source, known, keep, options, budget, &filtered));

	data->row_security = filtered;
	return data;
}

/* So many ids are asked for at a time. */
#define ASKED_IDS 65536
#define ASKED_IDS_OF_MANY 1048576

RecoData *
reco_read_users(RecoLookup *lookup, IdDict *users, const RecoKnown *known, unsigned keep,
				const RecoDataOptions *options, RecoBudget *budget)
{
	const IdType *type = id_type_asked(known->user_type);
	int32 most = lookup->ask == RECO_ASK_MANY ? ASKED_IDS_OF_MANY : ASKED_IDS;
	TupleDesc columns = reco_lookup_prepare(lookup, type, lookup->ask, NULL);
	Ingest *ingest = ingest_begin(lookup->query.kind, columns, keep, options, budget);
	int32 n = id_dict_count(users);

	if (known->user_type->pseudonyms)
		ingest_pseudonyms(ingest, known->user_type->pseudonyms);
	check_types(ingest, known);
	ingest_only(ingest, known->items, known->reference_time);
	for (int32 from = 0; from < n; from += most)
	{
		int32 some = Min(n - from, most);
		Datum *id = palloc(some * sizeof(Datum));
		ArrayType *ids;

		for (int32 k = 0; k < some; k++)
			id[k] = id_dict_id(users, from + k);
		ids = construct_array(id, some, type->base, type->typlen, type->typbyval, type->typalign);
		reco_lookup_run(lookup, get_array_type(type->base), PointerGetDatum(ids),
						ingest_receiver(ingest));
		pfree(ids);
		pfree(id);
		if (n - from <= most)
			break;
	}
	return ingest_finish(ingest);
}

RecoData *
reco_read_test(const RecoQuery *test, const RecoDataOptions *options, RecoBudget *budget)
{
	RecoDataOptions of_rows = {.on_invalid = options->on_invalid};
	bool filtered;

	return ingest_finish(read_rows(test, NULL, 0, &of_rows, budget, &filtered));
}

RecoData *
reco_read_lists(const RecoQuery *lists, RecoBudget *budget)
{
	RecoDataOptions none = {0};
	bool filtered;

	return ingest_finish(
		read_rows(lists, NULL, RECO_KEEP_TIMES | RECO_KEEP_REPEATS, &none, budget, &filtered));
}

RecoBaskets *
reco_read_baskets(const RecoQuery *baskets, RecoBudget *budget)
{
	RecoIdentity before;
	SPIPlanPtr plan;
	TupleDesc columns;
	BasketReader *reader;

	reco_become(&baskets->as, &before);
	plan = plan_query(baskets, &before, &columns);
	reader = baskets_begin(baskets->kind, columns, budget);
	run_plan(plan, baskets_receiver(reader), baskets);
	reco_return(&before);
	return baskets_finish(reader);
}

/* What is known about users, who join those of the source. */
static void
read_users(const RecoQuery *users, Ingest *ingest, bool *filtered)
{
	RecoIdentity before;
	SPIPlanPtr plan;
	TupleDesc columns;

	reco_become(&users->as, &before);
	plan = plan_query(users, &before, &columns);
	*filtered = *filtered || is_filtered(plan);
	run_plan(plan, ingest_users_receiver(ingest, columns), users);
	reco_return(&before);
}

RecoData *
reco_source_columns(const RecoQuery *source, const RecoQuery *items, const RecoDataOptions *options,
					RecoBudget *budget)
{
	RecoIdentity before;
	SPIPlanPtr plan;
	TupleDesc columns;
	RecoData *data;

	reco_become(&source->as, &before);
	plan = plan_query(source, &before, &columns);
	/* not finished: ids can be added */
	data = unconstify(RecoData *,
					  ingest_data(ingest_begin(source->kind, columns, 0, options, budget)));
	data->row_security = is_filtered(plan);
	if (!source->stored)
		reco_shape_check(
			linitial(((CachedPlanSource *) linitial(SPI_plan_get_plan_sources(plan)))->query_list));
	SPI_freeplan(plan);
	reco_return(&before);
	if (items->text == NULL)
		return data;
	reco_become(&items->as, &before);
	plan = plan_query(items, &before, &columns);
	data->available = features_say_available(columns);
	SPI_freeplan(plan);
	reco_return(&before);
	return data;
}

RecoData *
reco_read_source(const RecoQuery *source, const RecoQuery *items, RecoFeatureUse use,
				 const RecoQuery *users, unsigned keep, const RecoDataOptions *options,
				 RecoBudget *budget)
{
	RecoIdentity before;
	SPIPlanPtr plan;
	TupleDesc columns;
	RecoData *data;
	bool filtered;
	bool available = false;
	Ingest *ingest = read_rows(source, NULL, keep, options, budget, &filtered);

	if (items->text)
	{
		reco_become(&items->as, &before);
		plan = plan_query(items, &before, &columns);
		filtered = filtered || is_filtered(plan);
		available = features_say_available(columns);
		if (use == RECO_FEATURES_REQUIRED || features_any(columns))
			run_plan(plan, ingest_items_receiver(ingest, columns, use != RECO_FEATURES_NONE),
					 items);
		reco_return(&before);
	}
	if (users && users->text)
		read_users(users, ingest, &filtered);
	data = ingest_finish(ingest);
	data->row_security = filtered;
	data->available = available;
	return data;
}
