/*
 * query.c
 *	  The queries of a model: their texts, and as whom they run.
 */
#include "store/source/query.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "parser/parse_expr.h"
#include "parser/parser.h"
#include "parser/scansup.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
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
	SetUserIdAndSecContext(as->role, before->sec_context | SECURITY_RESTRICTED_OPERATION);
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
	if (client_min_messages < ERROR && !has_privs_of_role(before->user, as->role))
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

const RecoQueryKind reco_the_source = {"the source", "source",
									   "user, item [, value [, time [, kind]]]"};
const RecoQueryKind reco_the_test = {"the test", "test", "user, item [, value [, time]]"};
const RecoQueryKind reco_the_training_part = {"the training part", "training part",
											  "user, item [, value [, time]]"};
const RecoQueryKind reco_the_lists = {"the lists", "query of lists", "user, item, rank", true};
const RecoQueryKind reco_the_baskets = {"the source", "source", "basket, item", .pairs = true};
const RecoQueryKind reco_the_items = {"items", "items", "the item's id and what is known about it"};
const RecoQueryKind reco_the_users = {"users", "users",
									  "the user's id and what is known about them"};

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

char *
reco_query_select(const RecoQueryKind *kind, const char *source)
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
	char *query = reco_query_select(kind, source);
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

char *
reco_table_source(Oid table)
{
	char *name = get_rel_name(table);

	if (name == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", table)));
	return quote_qualified_identifier(get_namespace_name_or_temp(get_rel_namespace(table)), name);
}
