/*
 * functions.c
 *	  The typed functions of a model.
 *
 * What they are is in sql/model/functions.sql.  Here are the types that their arguments
 * have, which calls of every kind fit, and only one function each:
 *
 *	- numbers: bigint for the integer family, or the type itself.  No overload with text:
 *	  a parameter without a type would become text, and drivers send it as a number;
 *	- what becomes text by itself (varchar, citext, domains of them): text;
 *	- everything else: the type, and an overload with text, which takes literals and
 *	  parameters without a type;
 *	- arrays are optional arguments, or several of them stand side by side, so there is no
 *	  way to overload them: reco.id[], which arrays of the type, of text and without a
 *	  type become by themselves, or, of types that have no cast to reco.id, the type's.
 *
 * Cost: three statements for each function and overload.
 */
#include "lifecycle/functions.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "nodes/parsenodes.h"
#include "parser/parse_coerce.h"
#include "parser/parse_type.h"
#include "parser/parser.h"
#include "store/ids/pseudonym.h"
#include "store/tables/layout.h"
#include "store/tables/rights.h"
#include "store/tables/template.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

/* The exact type, for results and columns. */
char *
reco_exact_type(const IdType *type)
{
	return format_type_extended(type->type, type->typmod,
								FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
}

/* How ids of a type are passed and returned. */
typedef struct Ids
{
	const char *exact;
	const char *scalar[2]; /* the overloads */
	int scalars;
	const char *array;
	const char *array_passed; /* what that becomes, to what serves */
} Ids;

static bool
becomes_by_itself(Oid from, Oid to)
{
	Oid function;

	return find_coercion_pathway(to, from, COERCION_IMPLICIT, &function) != COERCION_PATH_NONE;
}

static Ids
ids_of(const IdType *of)
{
	/* what is passed is of the source's type, whatever stands for it */
	const IdType *type = id_type_asked(of);
	char *base = format_type_extended(type->base, -1, FORMAT_TYPE_FORCE_QUALIFY);
	char category;
	bool preferred;
	Ids ids = {reco_exact_type(of), {base, "text"}, 1};

	get_type_category_preferred(type->base, &category, &preferred);
	if (type->integer)
		ids.scalar[0] = "bigint";
	else if (category == TYPCATEGORY_NUMERIC || OidIsValid(get_element_type(type->base)))
		/* the type itself */;
	else if (type->base == TEXTOID || becomes_by_itself(type->base, TEXTOID))
		ids.scalar[0] = "text";
	else
	{
		ids.scalars = 2;
		if (becomes_by_itself(type->base, reco_type_oid("id")))
		{
			ids.array = "reco.id[]";
			ids.array_passed = "pg_catalog.text[]";
		}
	}
	if (ids.array == NULL)
		ids.array = ids.array_passed = psprintf("%s[]", ids.scalar[0]);
	return ids;
}

/* What the first statement of a block is, by the server's own parser. */
static const CreateFunctionStmt *
function_in(const char *sql)
{
	Node *statement = linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT))->stmt;

	return IsA(statement, CreateFunctionStmt) ? (const CreateFunctionStmt *) statement : NULL;
}

/* The function of that name and those arguments, or InvalidOid. */
static Oid
find_function(Oid schema, const CreateFunctionStmt *statement)
{
	Oid types[FUNC_MAX_ARGS];
	int n = 0;
	ListCell *cell;

	foreach (cell, statement->parameters)
	{
		const FunctionParameter *parameter = lfirst(cell);

		if (parameter->mode != FUNC_PARAM_TABLE)
			types[n++] = typenameTypeId(NULL, parameter->argType);
	}
	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   CStringGetDatum(strVal(llast(statement->funcname))),
						   PointerGetDatum(buildoidvector(types, n)), ObjectIdGetDatum(schema));
}

/* Whether CREATE OR REPLACE will do: the names of arguments and all of the result are the same. */
static bool
can_be_replaced(Oid function, const CreateFunctionStmt *statement)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid *types;
	char **names;
	char *modes;
	int n = 0;
	bool same;
	ListCell *cell;

	if (!HeapTupleIsValid(tuple))
		return false;
	same = get_func_arg_info(tuple, &types, &names, &modes) == list_length(statement->parameters) &&
		   names != NULL;
	ReleaseSysCache(tuple);
	foreach (cell, statement->parameters)
	{
		const FunctionParameter *parameter = lfirst(cell);

		same = same && strcmp(names[n], parameter->name) == 0 &&
			   types[n] == typenameTypeId(NULL, parameter->argType);
		n++;
	}
	return same;
}

static void
drop(Oid function)
{
	reco_run(psprintf("DROP FUNCTION %s", format_procedure_qualified(function)));
}

/*
 * Executes functions.sql for arguments of certain types, and adds what it makes to a list
 * of functions, all but those that are in there already.  The first placeholder is the
 * function's.
 */
static List *
make_all(Oid schema, RecoPlaceholder *placeholders, List *made)
{
	Oid function = InvalidOid;
	bool is_made = false;

	for (const char *const *block = reco_functions_sql; *block; block++)
	{
		const CreateFunctionStmt *statement;
		char *sql;

		placeholders[0].text = format_procedure_qualified(function);
		sql = reco_fill(*block, placeholders);
		statement = function_in(sql);
		if (statement)
		{
			function = find_function(schema, statement);
			is_made = list_member_oid(made, function);
			if (!is_made && OidIsValid(function) && !can_be_replaced(function, statement))
				drop(function);
		}
		if (is_made)
			continue;
		reco_run(sql);
		if (statement)
		{
			function = find_function(schema, statement);
			made = lappend_oid(made, function);
		}
	}
	return made;
}

void
reco_functions_make(const ModelRow *model, const IdType *user, const IdType *item)
{
	Ids users = ids_of(user);
	Ids items = ids_of(item);
	char *schema = pstrdup(quote_identifier(model->name));
	char *constant = psprintf("%s::pg_catalog.regnamespace", quote_literal_cstr(schema));
	List *made = NIL;
	ListCell *cell;

	/* lists of ids that are arrays are those of their texts: they cannot be told from arrays */
	if (OidIsValid(get_element_type(id_type_asked(user)->base)))
		users.array = users.array_passed = "pg_catalog.text[]";
	for (int u = 0; u < users.scalars; u++)
		for (int i = 0; i < items.scalars; i++)
		{
			RecoPlaceholder placeholders[] = {
				{"{function}", NULL},
				{"{schema}", schema},
				{"{model}", constant},
				{"{user_type}", users.exact},
				{"{item_type}", items.exact},
				{"{user_arg}", users.scalar[u]},
				{"{item_arg}", items.scalar[i]},
				{"{items_arg}", items.array},
				{"{items_passed}", items.array_passed},
				{"{users_arg}", users.array},
				{"{users_passed}", users.array_passed},
				{NULL},
			};

			made = make_all(model->schema, placeholders, made);
		}
	foreach (cell, reco_rights_functions(model, NULL))
		if (!list_member_oid(made, lfirst_oid(cell)))
			drop(lfirst_oid(cell));
}
