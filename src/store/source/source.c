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

/* A setting of the caller's that is another, until reco_return. */
static void
set_for_now(const char *name, bool is, bool wanted)
{
	if (is != wanted)
		(void) set_config_option(name, wanted ? "on" : "off", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}

void
reco_become(const RecoRunAs *as, RecoIdentity *before)
{
	before->restricted = as->restricted;
	if (!as->restricted)
		return;
	GetUserIdAndSecContext(&before->user, &before->sec_context);
	SetUserIdAndSecContext(as->owner, before->sec_context | SECURITY_RESTRICTED_OPERATION);
	before->guc_level = NewGUCNestLevel();
	/* temporary tables last: else one of the caller's would pass for the source */
	(void) set_config_option(
		"search_path", as->search_path[0] ? psprintf("%s, pg_temp", as->search_path) : "pg_temp",
		PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	/* neither what the owner sees nor what a text says depends on the caller's session */
	set_for_now("row_security", row_security, true);
	set_for_now("standard_conforming_strings", standard_conforming_strings, true);
	set_for_now("transform_null_equals", Transform_null_equals, false);
	set_for_now("array_nulls", Array_nulls, true);
	/* what the server would tell whoever sets these is the owner's */
	set_for_now("debug_print_parse", Debug_print_parse, false);
	set_for_now("debug_print_rewritten", Debug_print_rewritten, false);
	set_for_now("debug_print_plan", Debug_print_plan, false);
	if (client_min_messages < ERROR && !has_privs_of_role(before->user, as->owner))
		(void) set_config_option("client_min_messages", "error", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Undoes reco_become.  After an error the end of the (sub)transaction does it.
 */
void
reco_return(const RecoIdentity *before)
{
	if (!before->restricted)
		return;
	AtEOXact_GUC(false, before->guc_level);
	SetUserIdAndSecContext(before->user, before->sec_context);
}

/*
 * The first word of a text, past white space and comments.
 */
static const char *
first_word(const char *text)
{
	for (;;)
	{
		while (scanner_isspace(*text))
			text++;
		if (text[0] == '-' && text[1] == '-')
			text += strcspn(text, "\r\n");
		else if (text[0] == '/' && text[1] == '*')
		{
			int depth = 0;

			do
			{
				if (text[0] == '/' && text[1] == '*')
					depth++, text += 2;
				else if (text[0] == '*' && text[1] == '/')
					depth--, text += 2;
				else if (*text)
					text++;
			} while (depth > 0 && *text);
		}
		else
			return text;
	}
}

static bool
begins_with(const char *text, const char *word)
{
	size_t length = strlen(word);

	return pg_strncasecmp(text, word, length) == 0 &&
		   !(isalnum((unsigned char) text[length]) || text[length] == '_' || text[length] == '$' ||
			 IS_HIGHBIT_SET(text[length]));
}

const RecoQueryKind reco_the_source = {"the source", "source", "user, item [, value [, time]]"};
const RecoQueryKind reco_the_items = {"items", "items", "the item's id and what is known about it"};

/* A source is a query or the name of a table or view. */
List *
reco_query_names(const RecoQueryKind *kind, const char *source)
{
	static const char *const query_words[] = {"select", "with", "values", "table"};
	const char *word = first_word(source);
	List *names;

	if (*word == '(')
		return NIL;
	for (int i = 0; i < lengthof(query_words); i++)
		if (begins_with(word, query_words[i]))
			return NIL;
	if (*word == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is empty", kind->name_of),
				 errhint("Give the name of a table or view, or a SELECT whose columns are %s.",
						 kind->columns)));
	if (!SplitIdentifierString(pstrdup(source), '.', &names) || names == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is neither a query nor the name of a table", kind->name_of),
				 errhint("Give the name of a table or view, or a SELECT whose columns are %s.",
						 kind->columns)));
	return reco_name_list(source);
}

static char *
source_query(const RecoQueryKind *kind, const char *source)
{
	List *names = reco_query_names(kind, source);

	return names ? psprintf("SELECT * FROM %s", NameListToQuotedString(names)) : pstrdup(source);
}

static void
check_statements(const RecoQueryKind *kind, List *statements)
{
	if (list_length(statements) != 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be one statement, not %d", kind->name_of,
							   list_length(statements))));
}

void
reco_point_into(void *text)
{
	int position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(text);
	}
}

char *
reco_query_text(const RecoQueryKind *kind, const char *source)
{
	char *query = source_query(kind, source);
	ErrorContextCallback callback = {error_context_stack, reco_point_into, query};
	List *statements;
	RawStmt *statement;

	error_context_stack = &callback;
	statements = raw_parser(query, RAW_PARSE_DEFAULT);
	error_context_stack = callback.previous;
	check_statements(kind, statements);
	statement = linitial_node(RawStmt, statements);
	query += Max(statement->stmt_location, 0);
	return statement->stmt_len > 0 ? pnstrdup(query, statement->stmt_len) : query;
}

void
reco_not_plain(const RecoQueryKind *kind)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s must be a SELECT that changes and locks nothing", kind->name_of)));
}

TupleDesc
reco_query_check(const RecoQueryKind *kind, SPIPlanPtr plan)
{
	List *statements;
	CachedPlanSource *statement;
	Query *parsed;

	if (plan == NULL)
		elog(ERROR, "could not prepare %s: %s", kind->name, SPI_result_code_string(SPI_result));
	statements = SPI_plan_get_plan_sources(plan);
	check_statements(kind, statements);
	statement = linitial(statements);
	parsed = list_length(statement->query_list) == 1 ? linitial(statement->query_list) : NULL;
	if (parsed == NULL || parsed->commandType != CMD_SELECT || parsed->utilityStmt != NULL ||
		parsed->hasModifyingCTE || parsed->rowMarks != NIL || statement->resultDesc == NULL)
		reco_not_plain(kind);
	return statement->resultDesc;
}

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

void
reco_tell_names(void *arg)
{
	const RecoQuery *query = arg;

	if (query->resolved && ERRCODE_TO_CATEGORY(geterrcode()) ==
							   ERRCODE_TO_CATEGORY(ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION))
	{
		if (geterrcode() != ERRCODE_INSUFFICIENT_PRIVILEGE)
			errhint("What the query names is looked for where it was when the query was given, and "
					"functions that it calls find by themselves only what is in pg_catalog. CALL "
					"reco.alter_model(..., %s => ...) gives it anew.",
					query->kind->name_of);
		errcontext("query of a model, as it was resolved: %s", query->text);
	}
	else if (query->stored && !query->resolved)
		errcontext("query of a model, read with the search_path of the time when it was given to "
				   "reco.create_model() or reco.alter_model(): %s",
				   query->as.search_path);
}

void
reco_query_same(const RecoQueryKind *kind, TupleDesc planned, TupleDesc run)
{
	bool same = planned->natts == run->natts;

	for (int c = 0; same && c < run->natts; c++)
		same = TupleDescAttr(planned, c)->atttypid == TupleDescAttr(run, c)->atttypid &&
			   TupleDescAttr(planned, c)->attcollation == TupleDescAttr(run, c)->attcollation;
	if (!same)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("the columns of %s were altered while it was read", kind->name),
						errhint("Try again.")));
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

	if (reco_is_owners_session(query->as.owner, before->user))
		return;
	if (query->kind == &reco_the_items)
		features_add_code(plan->resultDesc, &code);
	reco_confine(query->kind->name_of, &code, query->as.owner, before->user);
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
	plan = SPI_prepare_extended(source_query(query->kind, query->text), &options);
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

RecoData *
reco_read_source(const RecoQuery *source, const RecoQuery *items, bool items_join,
				 const RecoDataOptions *options, RecoBudget *budget)
{
	RecoIdentity before;
	SPIPlanPtr plan;
	TupleDesc columns;
	Ingest *ingest;
	RecoData *data;
	bool filtered;
	bool available = false;

	reco_become(&source->as, &before);
	plan = plan_query(source, &before, &columns);
	filtered = is_filtered(plan);
	if (!source->stored)
		reco_shape_check(
			linitial(((CachedPlanSource *) linitial(SPI_plan_get_plan_sources(plan)))->query_list));
	ingest = ingest_begin(columns, options, budget);
	run_plan(plan, ingest_receiver(ingest), source);
	reco_return(&before);
	if (items->text)
	{
		reco_become(&items->as, &before);
		plan = plan_query(items, &before, &columns);
		filtered = filtered || is_filtered(plan);
		available = features_say_available(columns);
		if (items_join || features_any(columns))
			run_plan(plan, ingest_items_receiver(ingest, columns, items_join), items);
		reco_return(&before);
	}
	data = ingest_finish(ingest);
	data->row_security = filtered;
	data->available = available;
	return data;
}

char *
reco_table_source(Oid table)
{
	char *name = get_rel_name(table);

	if (name == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", table)));
	return quote_qualified_identifier(get_namespace_name_or_temp(get_rel_namespace(table)), name);
}
