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
#include "parser/scansup.h"
#include "miscadmin.h"
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

/*
 * A source is a query or the name of a table or view.
 */
static char *
source_query(const char *source)
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
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("source is empty"),
						errhint("Give the name of a table or view, or a SELECT whose columns are "
								"user, item [, value [, time]].")));
	if (!SplitIdentifierString(pstrdup(source), '.', &names) || names == NIL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("source is neither a query nor the name of a table"),
						errhint("Give the name of a table or view, or a SELECT whose columns are "
								"user, item [, value [, time]].")));
	names = reco_name_list(source);
	return psprintf("SELECT * FROM %s", NameListToQuotedString(names));
}

/*
 * Plans the source; an error unless it is one plain SELECT.
 */
static SPIPlanPtr
plan_source(const char *query, TupleDesc *columns)
{
	SPIPrepareOptions options = {0};
	SPIPlanPtr plan;
	List *statements;
	CachedPlanSource *statement;
	Query *parsed;

	options.cursorOptions = CURSOR_OPT_PARALLEL_OK;
	plan = SPI_prepare_extended(query, &options);
	if (plan == NULL)
		elog(ERROR, "could not prepare the source: %s", SPI_result_code_string(SPI_result));
	statements = SPI_plan_get_plan_sources(plan);
	if (list_length(statements) != 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("source must be one statement, not %d", list_length(statements))));
	statement = linitial(statements);
	parsed = list_length(statement->query_list) == 1 ? linitial(statement->query_list) : NULL;
	if (parsed == NULL || parsed->commandType != CMD_SELECT || parsed->utilityStmt != NULL ||
		parsed->hasModifyingCTE || parsed->rowMarks != NIL || statement->resultDesc == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("source must be a SELECT that changes and locks nothing")));
	*columns = statement->resultDesc;
	return plan;
}

RecoData *
reco_read_source(const char *source, const RecoRunAs *as, const RecoDataOptions *options,
				 RecoBudget *budget)
{
	RecoIdentity before;
	SPIExecuteOptions execute = {0};
	SPIPlanPtr plan;
	TupleDesc columns;
	Ingest *ingest;
	int result;

	reco_become(as, &before);
	plan = plan_source(source_query(source), &columns);
	ingest = ingest_begin(columns, options, budget);
	execute.read_only = true;
	execute.dest = ingest_receiver(ingest);
	result = SPI_execute_plan_extended(plan, &execute);
	if (result < 0)
		elog(ERROR, "could not read the source: %s", SPI_result_code_string(result));
	SPI_freeplan(plan);
	reco_return(&before);
	return ingest_finish(ingest);
}
