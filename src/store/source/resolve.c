/*
 * resolve.c
 *	  What a query of a definition says, whatever the search_path of who runs it.
 *
 * A text under a search_path with a schema that others may create in means what they make
 * of it: an overload that fits better than the one of pg_catalog is called from then on,
 * as the owner of the model.  So a text is analyzed once, when it is given, and what is run
 * is its deparsed form, as a dump writes a view: relations, types, functions, operators and
 * collations with their schemas, casts and default arguments written out.  It is text
 * still, so a table that is swapped by renaming is followed.  Only a source that is the
 * name of a table stays "SELECT * FROM" it: its columns are those that the table has.
 *
 * JOIN USING, NULLIF, IS DISTINCT FROM and CASE with a value look for an operator by name, so
 * the deparsed text is analyzed again: it must call the same, and give the same columns.
 *
 * Of what is not in pg_catalog the signatures are kept, and compared where the text is
 * prepared: a call could be taken over by a better match in the same schema.
 *
 * Cost: two analyses of a new text; one of a prepared one that calls others.
 */
#include "store/source/resolve.h"

#include "catalog/namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parser.h"
#include "pg/json.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

/* Functions and operators that a query calls. */
typedef struct Calls
{
	List *functions;
	List *operators;
} Calls;

static Query *
analyze(const char *text)
{
	ErrorContextCallback callback = {error_context_stack, reco_point_into,
									 unconstify(char *, text)};
	Query *query;

	error_context_stack = &callback;
	query = reco_parse_analyze(linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT)), text);
	error_context_stack = callback.previous;
	return query;
}

static bool
locks_or_changes(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query *query = (Query *) node;

		return query->commandType != CMD_SELECT || query->utilityStmt || query->hasModifyingCTE ||
			   query->rowMarks || query_tree_walker(query, locks_or_changes, context, 0);
	}
	return expression_tree_walker(node, locks_or_changes, context);
}

/* Adds what an expression calls by itself. */
static bool
add_function(Oid function, void *context)
{
	((Calls *) context)->functions =
		list_append_unique_oid(((Calls *) context)->functions, function);
	return false;
}

static void
add_operator(Oid operator, Calls * calls)
{
	if (OidIsValid(operator))
		calls->operators = list_append_unique_oid(calls->operators, operator);
}

static bool
find_calls(Node *node, void *context)
{
	Calls *calls = context;
	ListCell *cell;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, find_calls, context, QTW_EXAMINE_SORTGROUP);
	switch (nodeTag(node))
	{
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			add_operator(((OpExpr *) node)->opno, calls);
			break;
		case T_ScalarArrayOpExpr:
			add_operator(((ScalarArrayOpExpr *) node)->opno, calls);
			break;
		case T_RowCompareExpr:
			foreach (cell, ((RowCompareExpr *) node)->opnos)
				add_operator(lfirst_oid(cell), calls);
			break;
		case T_SortGroupClause:
			add_operator(((SortGroupClause *) node)->eqop, calls);
			add_operator(((SortGroupClause *) node)->sortop, calls);
			break;
		case T_TableSampleClause:
			(void) add_function(((TableSampleClause *) node)->tsmhandler, calls);
			break;
		case T_CoerceViaIO:
		case T_MinMaxExpr:
			/* by the types alone */
			break;
		default:
			(void) check_functions_in_node(node, add_function, context);
			break;
	}
	return expression_tree_walker(node, find_calls, context);
}

static bool
same_oids(const List *a, const List *b)
{
	return list_difference_oid(a, b) == NIL && list_difference_oid(b, a) == NIL;
}

static Oid
namespace_of_operator(Oid operator)
{
	HeapTuple tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	Oid namespace = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		namespace = ((Form_pg_operator) GETSTRUCT(tuple))->oprnamespace;
		ReleaseSysCache(tuple);
	}
	return namespace;
}

static int
compare_text(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/* The signatures of what is not in pg_catalog, in order. */
static char *
signatures(const Calls *calls)
{
	List *found = NIL;
	ListCell *cell;
	StringInfoData text;

	foreach (cell, calls->functions)
		if (get_func_namespace(lfirst_oid(cell)) != PG_CATALOG_NAMESPACE)
			found = lappend(found,
							psprintf("function %s", format_procedure_qualified(lfirst_oid(cell))));
	foreach (cell, calls->operators)
		if (namespace_of_operator(lfirst_oid(cell)) != PG_CATALOG_NAMESPACE)
			found = lappend(found,
							psprintf("operator %s", format_operator_qualified(lfirst_oid(cell))));
	list_sort(found, compare_text);
	initStringInfo(&text);
	foreach (cell, found)
		appendStringInfo(&text, "%s%s", text.len > 0 ? "; " : "", (char *) lfirst(cell));
	return text.data;
}

static bool
is_temporary_type(Oid type)
{
	HeapTuple tuple;
	bool temporary;

	if (type < FirstNormalObjectId)
		return false;
	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	temporary = HeapTupleIsValid(tuple) &&
				isAnyTempNamespace(((Form_pg_type) GETSTRUCT(tuple))->typnamespace);
	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return temporary;
}

bool
reco_names_temporary_type(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, reco_names_temporary_type, context,
								 QTW_EXAMINE_RTES_BEFORE);
	if (IsA(node, RangeTblEntry))
		return false;
	switch (nodeTag(node))
	{
		case T_RangeTblFunction:
		{
			ListCell *cell;

			foreach (cell, ((RangeTblFunction *) node)->funccoltypes)
				if (is_temporary_type(lfirst_oid(cell)))
					return true;
			break;
		}
		case T_TableFunc:
		{
			ListCell *cell;

			foreach (cell, ((TableFunc *) node)->coltypes)
				if (is_temporary_type(lfirst_oid(cell)))
					return true;
			break;
		}
			RECO_JSON_EXPR_CASE
		case T_Const:
		case T_Param:
		case T_FuncExpr:
		case T_CoerceToDomain:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_ArrayCoerceExpr:
		case T_ConvertRowtypeExpr:
		case T_ArrayExpr:
		case T_RowExpr:
		case T_CaseExpr:
		case T_CoalesceExpr:
		case T_MinMaxExpr:
			if (is_temporary_type(exprType(node)))
				return true;
			break;
		default:
			break;
	}
	return expression_tree_walker(node, reco_names_temporary_type, context);
}

/*
 * Whether a query names what another session would look for in a temporary schema of
 * that number: a function, an operator or a type.  (Of relations, those that only
 * their schema leads to.)
 */
static bool
names_temporary(Query *query, const Calls *calls)
{
	ListCell *cell;

	foreach (cell, calls->functions)
		if (isAnyTempNamespace(get_func_namespace(lfirst_oid(cell))))
			return true;
	foreach (cell, calls->operators)
		if (isAnyTempNamespace(namespace_of_operator(lfirst_oid(cell))))
			return true;
	return reco_names_temporary_type((Node *) query, NULL);
}

/* Whether a temporary table's name alone would not lead to it. */
static bool
hides_temporary(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		Oid table = ((RangeTblEntry *) node)->relid;

		return ((RangeTblEntry *) node)->rtekind == RTE_RELATION &&
			   get_rel_persistence(table) == RELPERSISTENCE_TEMP && !RelationIsVisible(table);
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, hides_temporary, context, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, hides_temporary, context);
}

static pg_attribute_noreturn() void names_a_temporary(const RecoQueryKind *kind)
{
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("%s must not name functions, operators or types in a temporary schema",
						   kind->name_of)));
}

/*
 * Writes the arguments of a call out in the order of the function's, with the defaults:
 * by fewer of them an overload with just those would be found.
 */
static bool
complete_calls(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, complete_calls, context, 0);
	if (IsA(node, FuncExpr))
	{
		FuncExpr *call = (FuncExpr *) node;
		HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(call->funcid));

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for function %u", call->funcid);
		if (((Form_pg_proc) GETSTRUCT(tuple))->pronamespace != PG_CATALOG_NAMESPACE)
			call->args = expand_function_arguments(call->args, false, call->funcresulttype, tuple);
		ReleaseSysCache(tuple);
	}
	return expression_tree_walker(node, complete_calls, context);
}

static List *
columns_of(Query *query)
{
	List *columns = NIL;
	ListCell *cell;

	foreach (cell, query->targetList)
		if (!lfirst_node(TargetEntry, cell)->resjunk)
			columns = lappend(columns, lfirst(cell));
	return columns;
}

/*
 * A query as text, in parentheses, by the one function for it that all versions export.
 * That names no column "?column?"; written as text it might be called otherwise.
 */
static char *
deparse(Query *query)
{
	SubLink *wrapper = makeNode(SubLink);
	bool unnamed = false;
	StringInfoData names;
	ListCell *cell;
	char *text;

	wrapper->subLinkType = EXPR_SUBLINK;
	wrapper->subselect = (Node *) query;
	text = deparse_expression((Node *) wrapper, NIL, false, false);
	initStringInfo(&names);
	foreach (cell, columns_of(query))
	{
		const char *name = lfirst_node(TargetEntry, cell)->resname;

		unnamed = unnamed || strcmp(name, "?column?") == 0;
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", quote_identifier(name));
	}
	return unnamed ? psprintf("SELECT * FROM %s AS q(%s)", text, names.data) : text;
}

static bool
same_columns(Query *a, Query *b)
{
	List *of_a = columns_of(a);
	List *of_b = columns_of(b);
	ListCell *cell_a;
	ListCell *cell_b;

	if (list_length(of_a) != list_length(of_b))
		return false;
	forboth (cell_a, of_a, cell_b, of_b)
	{
		TargetEntry *column_a = lfirst_node(TargetEntry, cell_a);
		TargetEntry *column_b = lfirst_node(TargetEntry, cell_b);
		Node *value_a = (Node *) column_a->expr;
		Node *value_b = (Node *) column_b->expr;

		if (strcmp(column_a->resname, column_b->resname) != 0 ||
			exprType(value_a) != exprType(value_b) || exprTypmod(value_a) != exprTypmod(value_b) ||
			exprCollation(value_a) != exprCollation(value_b))
			return false;
	}
	return true;
}

/* The first of a list that is not in another, in words. */
static char *
what_differs(const Calls *a, const Calls *b)
{
	List *functions = list_difference_oid(a->functions, b->functions);
	List *operators = list_difference_oid(a->operators, b->operators);

	if (operators != NIL)
		return psprintf("It calls operator %s, which cannot be written with its schema there.",
						format_operator_qualified(linitial_oid(operators)));
	if (functions != NIL)
		return psprintf("It calls function %s, which cannot be written with its schema there.",
						format_procedure_qualified(linitial_oid(functions)));
	return pstrdup("What it calls cannot be written with its schema.");
}

/* "SELECT * FROM" a table or view, with its schema. */
static char *
qualified_table(Query *parsed)
{
	Oid table = linitial_node(RangeTblEntry, parsed->rtable)->relid;
	char *name = get_rel_name(table);

	if (get_rel_persistence(table) == RELPERSISTENCE_TEMP)
		return psprintf("SELECT * FROM pg_temp.%s", quote_identifier(name));
	return psprintf("SELECT * FROM %s",
					quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)), name));
}

#define WRITE_OTHERWISE                                                                            \
	"JOIN USING, NULLIF, IS DISTINCT FROM and CASE with a value find operators by the "            \
	"search_path only: write JOIN ON or CASE WHEN, with OPERATOR(schema.=). Or read a view that "  \
	"says the same."

static pg_attribute_noreturn() void cannot_say(const RecoQueryKind *kind, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s cannot be kept: it would mean something else under another search_path",
					kind->name_of),
			 errdetail_internal("%s", detail), errhint(WRITE_OTHERWISE)));
}

/* What was found under the search_path is not without it (an error callback). */
static void
tell_written_out(void *text)
{
	errhint(WRITE_OTHERWISE);
	errcontext("query of a model, with the schemas of all that it names: %s", (char *) text);
}

/* Under the search_path in which a resolved text is run. */
static char *
written_out(const RecoQuery *query, Query *parsed, const Calls *calls)
{
	RecoRunAs as = {true, query->as.role, RECO_RESOLVED_PATH};
	RecoIdentity before;
	ErrorContextCallback callback;
	Calls again = {NIL};
	char *text;
	Query *same;

	reco_become(&as, &before);
	if (hides_temporary((Node *) parsed, NULL))
		names_a_temporary(query->kind);
	text = deparse(parsed);
	callback = (ErrorContextCallback){error_context_stack, tell_written_out, text};
	error_context_stack = &callback;
	same = analyze(text);
	error_context_stack = callback.previous;
	(void) find_calls((Node *) same, &again);
	if (!same_oids(calls->functions, again.functions) ||
		!same_oids(calls->operators, again.operators))
		cannot_say(query->kind, what_differs(calls, &again));
	if (!same_columns(parsed, same))
		cannot_say(query->kind, "Its columns would have other names or types.");
	reco_return(&before);
	return text;
}

/* A resolved text belongs to what it was made from: an owner may write to the definition. */
static char *
made_from(const char *text, const char *search_path)
{
	uint64 hash = hash_bytes_extended((const unsigned char *) text, strlen(text), 0);

	hash = hash_bytes_extended((const unsigned char *) search_path, strlen(search_path), hash);
	return psprintf("%016llx", (unsigned long long) hash);
}

/* Adds what a query was resolved to. */
static void
resolve(StringInfo json, const RecoQuery *query)
{
	const RecoQueryKind *kind = query->kind;
	bool is_name = reco_query_names(kind, query->text) != NIL;
	RecoIdentity before;
	Query *parsed;
	char *resolved;
	Calls calls = {NIL};

	reco_become(&query->as, &before);
	parsed = analyze(reco_query_text(kind, query->text));
	if (locks_or_changes((Node *) parsed, NULL))
		reco_not_plain(kind);
	(void) complete_calls((Node *) parsed, NULL);
	(void) find_calls((Node *) parsed, &calls);
	if (names_temporary(parsed, &calls))
		names_a_temporary(kind);
	resolved = is_name ? qualified_table(parsed) : written_out(query, parsed, &calls);
	if (Max(strlen(query->text), strlen(resolved)) > RECO_DEFINITION_BYTES / 4)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s is longer than %d bytes", kind->name_of, RECO_DEFINITION_BYTES / 4),
				 errhint("Let it read a view that says the same.")));
	reco_return(&before);
	appendStringInfoString(json, json->len > 1 ? ", " : "");
	escape_json(json, kind->name_of);
	appendStringInfoString(json, ": {\"query\": ");
	escape_json(json, resolved);
	appendStringInfoString(json, ", \"calls\": ");
	escape_json(json, signatures(&calls));
	appendStringInfo(json, ", \"made_from\": \"%s\"}",
					 made_from(query->text, query->as.search_path));
}

Jsonb *
reco_resolve_missing(const ModelRow *row)
{
	static const RecoQueryKind *const kinds[] = {&reco_the_source, &reco_the_items,
												 &reco_the_users};
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (int k = 0; k < lengthof(kinds); k++)
	{
		RecoQuery query = reco_definition_query(row, kinds[k]);

		if (query.text && !query.resolved)
			resolve(&json, &query);
	}
	appendStringInfoChar(&json, '}');
	return json.len == 2
			   ? NULL
			   : DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

void
reco_resolved_add(ModelRow *row, Jsonb *missing)
{
	row->resolved = row->resolved
						? DatumGetJsonbP(DirectFunctionCall2(
							  jsonb_concat, JsonbPGetDatum(row->resolved), JsonbPGetDatum(missing)))
						: missing;
}

RecoQuery
reco_definition_query(const ModelRow *row, const RecoQueryKind *kind)
{
	bool items = kind == &reco_the_items;
	bool users = kind == &reco_the_users;
	const char *text = items ? row->items : users ? row->users : row->source;
	const char *own = items ? row->items_search_path : users ? row->users_search_path : NULL;
	const char *path = own ? own : row->search_path;
	RecoQuery query = {kind};
	const char *name = kind->name_of;
	JsonbValue object;
	char *of;

	/* a definition that was tampered with has nothing to be asked */
	if (text == NULL || path == NULL)
		return query;
	query.text = text;
	query.as = (RecoRunAs){true, row->owner, path};
	query.stored = true;
	if (row->resolved == NULL || !JB_ROOT_IS_OBJECT(row->resolved) ||
		getKeyJsonValueFromContainer(&row->resolved->root, name, strlen(name), &object) == NULL ||
		object.type != jbvBinary)
		return query;
	of = reco_json_text(object.val.binary.data, "made_from");
	if (of && strcmp(of, made_from(text, path)) == 0)
	{
		char *resolved = reco_json_text(object.val.binary.data, "query");

		query.calls = reco_json_text(object.val.binary.data, "calls");
		if (resolved && query.calls)
		{
			query.text = resolved;
			query.as.search_path = RECO_RESOLVED_PATH;
			query.resolved = true;
		}
	}
	return query;
}

void
reco_check_calls(const RecoQuery *query)
{
	Calls calls = {NIL};
	char *now;

	if (!query->resolved || query->calls == NULL || query->calls[0] == '\0')
		return;
	(void) find_calls((Node *) analyze(query->text), &calls);
	now = signatures(&calls);
	if (strcmp(now, query->calls) != 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("%s calls other functions or operators than when it was given",
							   query->kind->name_of),
						errdetail("It called: %s. It would call: %s.", query->calls, now),
						errhint("Give it anew with CALL reco.alter_model() if that is meant.")));
}
