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
#include "store/source.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "parser/parser.h"
#include "parser/scansup.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "store/features.h"
#include "store/ingest.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/regproc.h"
#include "utils/varlena.h"

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
	/* what the owner sees does not depend on the caller's session */
	(void) set_config_option("row_security", "on", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
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

/*
 * A source is a query or the name of a table or view.
 */
static char *
source_query(const RecoQueryKind *kind, const char *source)
{
	static const char *const query_words[] = {"select", "with", "values", "table"};
	const char *word = first_word(source);
	List *names;

	if (*word == '(')
		return pstrdup(source);
	for (int i = 0; i < lengthof(query_words); i++)
		if (begins_with(word, query_words[i]))
			return pstrdup(source);
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
	names = reco_name_list(source);
	return psprintf("SELECT * FROM %s", NameListToQuotedString(names));
}

static void
check_statements(const RecoQueryKind *kind, List *statements)
{
	if (list_length(statements) != 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be one statement, not %d", kind->name_of,
							   list_length(statements))));
}

char *
reco_query_text(const RecoQueryKind *kind, const char *source)
{
	char *query = source_query(kind, source);
	List *statements = raw_parser(query, RAW_PARSE_DEFAULT);
	RawStmt *statement;

	check_statements(kind, statements);
	statement = linitial_node(RawStmt, statements);
	query += Max(statement->stmt_location, 0);
	return statement->stmt_len > 0 ? pnstrdup(query, statement->stmt_len) : query;
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
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a SELECT that changes and locks nothing", kind->name_of)));
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

/* Where a stored query looks for what it names (an error callback). */
static void
tell_search_path(void *arg)
{
	const RecoRunAs *as = arg;

	if (as->stored)
		errcontext("query of a model, read with the search_path of the time when it was given to "
				   "reco.create_model() or reco.alter_model(): %s",
				   as->search_path);
}

/*
 * Plans the source; an error unless it is one plain SELECT.
 */
static SPIPlanPtr
plan_query(const RecoQueryKind *kind, const RecoRunAs *as, const char *query, TupleDesc *columns)
{
	ErrorContextCallback callback = {error_context_stack, tell_search_path,
									 unconstify(RecoRunAs *, as)};
	SPIPrepareOptions options = {0};
	SPIPlanPtr plan;

	options.cursorOptions = CURSOR_OPT_PARALLEL_OK;
	error_context_stack = &callback;
	plan = SPI_prepare_extended(query, &options);
	error_context_stack = callback.previous;
	*columns = reco_query_check(kind, plan);
	return plan;
}

static void
run_plan(SPIPlanPtr plan, DestReceiver *receiver, const char *what)
{
	SPIExecuteOptions execute = {.read_only = true, .dest = receiver};
	int result = SPI_execute_plan_extended(plan, &execute);

	if (result < 0)
		elog(ERROR, "could not read %s: %s", what, SPI_result_code_string(result));
	SPI_freeplan(plan);
}

RecoData *
reco_read_source(const char *source, const char *items, bool items_join, const RecoRunAs *as,
				 const RecoDataOptions *options, RecoBudget *budget)
{
	RecoIdentity before;
	SPIPlanPtr plan;
	TupleDesc columns;
	Ingest *ingest;
	RecoData *data;
	bool filtered;
	bool available = false;

	reco_become(as, &before);
	plan = plan_query(&reco_the_source, as, source_query(&reco_the_source, source), &columns);
	filtered = is_filtered(plan);
	ingest = ingest_begin(columns, options, budget);
	run_plan(plan, ingest_receiver(ingest), reco_the_source.name);
	reco_return(&before);
	if (items)
	{
		RecoRunAs items_as = *as;

		if (as->items_search_path)
			items_as.search_path = as->items_search_path;
		reco_become(&items_as, &before);
		plan =
			plan_query(&reco_the_items, &items_as, source_query(&reco_the_items, items), &columns);
		filtered = filtered || is_filtered(plan);
		available = features_say_available(columns);
		if (items_join || features_any(columns))
			run_plan(plan, ingest_items_receiver(ingest, columns, items_join), reco_the_items.name);
		reco_return(&before);
	}
	data = ingest_finish(ingest);
	data->row_security = filtered;
	data->available = available;
	return data;
}
