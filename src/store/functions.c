/*
 * functions.c
 *	  The typed functions of a model.
 *
 * A function is LANGUAGE sql with a parsed body: one of reco's functions in FROM, so the
 * planner inlines it.  The schema is in it as a regnamespace constant, so it follows ALTER
 * SCHEMA RENAME and a dump.  Results have the exact type of the model's ids.  Arguments
 * have types that calls of every kind fit, and only one function each:
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
 * Cost: a statement for each function and overload.
 */
#include "store/functions.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "parser/parse_coerce.h"
#include "store/layout.h"
#include "store/rights.h"
#include "store/schema.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#define MAX_PARAMETERS 14
#define MAX_COLUMNS 5

/* In place of a type: that of ids of the model. */
static const char of_user[] = "(user)";
static const char of_item[] = "(item)";
static const char of_items[] = "(items)";

typedef struct Parameter
{
	const char *name;
	const char *type;
	const char *fallback; /* NULL: it must be given */
	const char *option;   /* its name to what serves; NULL: the same */
} Parameter;

typedef struct Column
{
	const char *name;
	const char *type;
} Column;

typedef struct Function
{
	const char *name;
	bool live; /* may ask a query of the definition */
	bool group;
	const char *rows; /* expected; NULL: it returns the first column's one value */
	Column column[MAX_COLUMNS];
	Parameter parameter[MAX_PARAMETERS]; /* the first, if of ids, is the subject */
	const char *comment;
} Function;

#define RANKED_ITEMS                                                                               \
	{"rank", "integer"}, {"item_id", of_item},                                                     \
	{                                                                                              \
		"score", "real"                                                                            \
	}
#define N(n)                                                                                       \
	{                                                                                              \
		"n", "integer", n                                                                          \
	}
#define FILTERS                                                                                    \
	{"among", of_items, "NULL"},                                                                   \
	{                                                                                              \
		"exclude", of_items, "NULL"                                                                \
	}
#define BOOST                                                                                      \
	{"boost", of_items, "NULL"},                                                                   \
	{                                                                                              \
		"boost_by", "real[]", "NULL"                                                               \
	}
#define EXPLORE                                                                                    \
	{"explore", "double precision", "0"},                                                          \
	{                                                                                              \
		"explore_seed", "bigint", "0"                                                              \
	}
#define SHAPE                                                                                      \
	{"diversity", "double precision", "0"},                                                        \
	{                                                                                              \
		"fallback", "text", "'auto'"                                                               \
	}

static const Function functions[] = {
	{"recommend",
	 true,
	 false,
	 "10",
	 {RANKED_ITEMS, {"source", "text"}},
	 {{"for_user", of_user},
	  N("10"),
	  FILTERS,
	  {"include_seen", "boolean", "false"},
	  SHAPE,
	  EXPLORE,
	  BOOST},
	 "the best items for a user, best first, without those the user already has"},
	{"recommend_for",
	 true,
	 false,
	 "10",
	 {RANKED_ITEMS, {"source", "text"}},
	 {{"basket", of_items},
	  N("10"),
	  {"weights", "real[]", "NULL"},
	  FILTERS,
	  SHAPE,
	  BOOST,
	  {"include_basket", "boolean", "false"},
	  EXPLORE},
	 "the best items for an anonymous basket: what goes with these"},
	{"rerank",
	 true,
	 false,
	 "100",
	 {RANKED_ITEMS},
	 {{"for_user", of_user}, {"items", of_items}, FILTERS},
	 "given items in the order of a user's taste; unknown items last, without a score"},
	{"predict",
	 true,
	 false,
	 NULL,
	 {{"score", "real"}},
	 {{"for_user", of_user}, {"for_item", of_item, NULL, "item"}},
	 "the score of one item for one user; NULL when either is unknown"},
	{"explain",
	 true,
	 false,
	 "20",
	 {{"because_item", of_item}, {"contribution", "real"}, {"share", "real"}},
	 {{"for_user", of_user}, {"for_item", of_item, NULL, "item"}},
	 "what a user's score of an item is made of; the contributions add up to it"},
	{"similar_items",
	 true,
	 false,
	 "10",
	 {{"rank", "integer"}, {"item_id", of_item}, {"similarity", "double precision"}},
	 {{"for_item", of_item}, N("10"), FILTERS},
	 "the items most like one, by the algorithm's lists or the cosine of their factors"},
	{"similar_users",
	 false,
	 false,
	 "10",
	 {{"rank", "integer"}, {"user_id", of_user}, {"similarity", "double precision"}},
	 {{"for_user", of_user}, N("10")},
	 "the users most like one, by the algorithm's lists or the cosine of their factors"},
	{"audience",
	 false,
	 false,
	 "100",
	 {{"rank", "integer"}, {"user_id", of_user}, {"score", "real"}},
	 {{"for_item", of_item}, N("100"), {"exclude_buyers", "boolean", "true"}},
	 "the users to whom an item is best recommended"},
	{"audience",
	 false,
	 true,
	 "100",
	 {{"rank", "integer"}, {"user_id", of_user}, {"score", "real"}},
	 {{"for_items", of_items}, N("100"), {"exclude_buyers", "boolean", "true"}},
	 "the users to whom a group of items is best recommended"},
	{"user_profile",
	 false,
	 false,
	 "100",
	 {{"feature", "text"}, {"value", "text"}, {"weight", "double precision"}},
	 {{"for_user", of_user}},
	 "what a user likes, by what is known about the items they have"},
	{"popular",
	 true,
	 false,
	 "10",
	 {RANKED_ITEMS},
	 {N("10"), FILTERS},
	 "the items that most users have; the score is how many"},
	{"trending",
	 true,
	 false,
	 "10",
	 {RANKED_ITEMS},
	 {N("10"), FILTERS},
	 "the items that grew most from the week before to the last one; the score is in standard "
	 "deviations"},
};

/* How ids of a type are passed and returned. */
typedef struct Ids
{
	const char *exact;
	const char *scalar[2]; /* the overloads */
	int scalars;
	const char *array;
	const char *array_cast; /* to what serves */
	bool is_array;
} Ids;

/* What one overload is made with. */
typedef struct Filling
{
	const ModelRow *model;
	Ids user;
	Ids item;
	const char *user_type; /* of a user that is an argument */
	const char *item_type;
} Filling;

static bool
becomes_by_itself(Oid from, Oid to)
{
	Oid function;

	return find_coercion_pathway(to, from, COERCION_IMPLICIT, &function) != COERCION_PATH_NONE;
}

static Ids
ids_of(const IdType *type)
{
	char *base = format_type_extended(type->base, -1, FORMAT_TYPE_FORCE_QUALIFY);
	char category;
	bool preferred;
	Ids ids = {reco_exact_type(type), {base, "text"}, 1, NULL, ""};

	get_type_category_preferred(type->base, &category, &preferred);
	if (type->integer)
		ids.scalar[0] = "bigint";
	else if (OidIsValid(get_element_type(type->base)))
		ids.is_array = true;
	else if (category == TYPCATEGORY_NUMERIC)
		/* the type itself */;
	else if (type->base == TEXTOID || becomes_by_itself(type->base, TEXTOID))
		ids.scalar[0] = "text";
	else
	{
		ids.scalars = 2;
		if (becomes_by_itself(type->base, reco_type_oid("id")))
		{
			ids.array = "reco.id[]";
			ids.array_cast = "::pg_catalog.text[]";
		}
	}
	if (ids.array == NULL)
		ids.array = psprintf("%s[]", ids.scalar[0]);
	return ids;
}

static const char *
argument_type(const Filling *filling, const char *type)
{
	if (type == of_user)
		return filling->user_type;
	if (type == of_item)
		return filling->item_type;
	return type == of_items ? filling->item.array : type;
}

static const char *
column_type(const Filling *filling, const char *type)
{
	if (type == of_user)
		return filling->user.exact;
	return type == of_item ? filling->item.exact : type;
}

static bool
is_id(const char *type)
{
	return type == of_user || type == of_item || type == of_items;
}

static Oid
type_oid(const char *name)
{
	return DatumGetObjectId(DirectFunctionCall1(regtypein, CStringGetDatum(name)));
}

static int
parameters_of(const Function *function)
{
	int n = 0;

	while (n < MAX_PARAMETERS && function->parameter[n].name)
		n++;
	return n;
}

static int
columns_of(const Function *function)
{
	int n = 0;

	while (n < MAX_COLUMNS && function->column[n].name)
		n++;
	return n;
}

/* The function of that name and those arguments, with a reference, or NULL. */
static HeapTuple
find_function(const Filling *filling, const Function *function)
{
	int n = parameters_of(function);
	Oid types[MAX_PARAMETERS];

	for (int i = 0; i < n; i++)
		types[i] = type_oid(argument_type(filling, function->parameter[i].type));
	return SearchSysCache3(PROCNAMEARGSNSP, CStringGetDatum(function->name),
						   PointerGetDatum(buildoidvector(types, n)),
						   ObjectIdGetDatum(filling->model->schema));
}

/* Whether CREATE OR REPLACE will do: the names of arguments and all of the result are the same. */
static bool
can_be_replaced(const Filling *filling, const Function *function, HeapTuple tuple)
{
	int inputs = parameters_of(function);
	int outputs = function->rows ? columns_of(function) : 0;
	Oid *types;
	char **names;
	char *modes;

	if (get_func_arg_info(tuple, &types, &names, &modes) != inputs + outputs || names == NULL)
		return false;
	for (int i = 0; i < inputs; i++)
		if (strcmp(names[i], function->parameter[i].name) != 0)
			return false;
	for (int i = 0; i < outputs; i++)
		if (strcmp(names[inputs + i], function->column[i].name) != 0 ||
			types[inputs + i] != type_oid(column_type(filling, function->column[i].type)))
			return false;
	return true;
}

static void
append_columns(StringInfo sql, const Filling *filling, const Function *function)
{
	for (int i = 0; i < columns_of(function); i++)
		appendStringInfo(sql, "%s%s %s", i ? ", " : "", function->column[i].name,
						 column_type(filling, function->column[i].type));
}

/* What is passed on: an array of reco.id is one of text to what serves. */
static void
append_argument(StringInfo sql, const Filling *filling, const Parameter *parameter)
{
	appendStringInfo(sql, "%s%s", parameter->name,
					 parameter->type == of_items ? filling->item.array_cast : "");
}

static void
append_body(StringInfo sql, const Filling *filling, const Function *function)
{
	int n = parameters_of(function);
	int first = is_id(function->parameter[0].type) ? 1 : 0;

	appendStringInfoString(sql, "BEGIN ATOMIC SELECT ");
	for (int i = 0; i < columns_of(function); i++)
		appendStringInfo(sql, "%sr.%s", i ? ", " : "", function->column[i].name);
	appendStringInfo(sql, " FROM reco.serve_%s(%s::pg_catalog.regnamespace, ", function->name,
					 quote_literal_cstr(quote_identifier(filling->model->name)));
	if (first > 0)
		append_argument(sql, filling, &function->parameter[0]);
	else
		appendStringInfoChar(sql, '0');
	appendStringInfoString(sql, first < n ? ", jsonb_build_object(" : ", NULL");
	for (int i = first; i < n; i++)
	{
		const Parameter *parameter = &function->parameter[i];

		appendStringInfo(sql, "%s'%s', ", i > first ? ", " : "",
						 parameter->option ? parameter->option : parameter->name);
		append_argument(sql, filling, parameter);
	}
	appendStringInfo(sql, "%s) AS r(", first < n ? ")" : "");
	append_columns(sql, filling, function);
	appendStringInfoString(sql, "); END");
}

static char *
definition(const Filling *filling, const Function *function)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE OR REPLACE FUNCTION %s.%s(",
					 quote_identifier(filling->model->name), function->name);
	for (int i = 0; i < parameters_of(function); i++)
	{
		const Parameter *parameter = &function->parameter[i];

		appendStringInfo(&sql, "%s%s %s%s%s", i ? ", " : "", parameter->name,
						 argument_type(filling, parameter->type),
						 parameter->fallback ? " DEFAULT " : "",
						 parameter->fallback ? parameter->fallback : "");
	}
	appendStringInfoString(&sql, ") RETURNS ");
	if (function->rows)
	{
		appendStringInfoString(&sql, "TABLE (");
		append_columns(&sql, filling, function);
		appendStringInfoChar(&sql, ')');
	}
	else
		appendStringInfoString(&sql, function->column[0].type);
	/*
	 * What may ask a query of the definition catches its errors in a subtransaction, which
	 * a parallel plan cannot have before PostgreSQL 17, not even in its leader.
	 */
	appendStringInfo(&sql, " LANGUAGE sql STABLE PARALLEL %s ", function->live ? "UNSAFE" : "SAFE");
	if (function->rows)
		appendStringInfo(&sql, "ROWS %s ", function->rows);
	append_body(&sql, filling, function);
	return sql.data;
}

static void
run(const char *sql)
{
	if (SPI_execute(sql, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not run \"%s\"", sql);
}

static void
drop(Oid function)
{
	run(psprintf("DROP FUNCTION %s", format_procedure_qualified(function)));
}

static Oid
make(const Filling *filling, const Function *function)
{
	HeapTuple tuple = find_function(filling, function);
	Oid oid = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		if (!can_be_replaced(filling, function, tuple))
			oid = ((Form_pg_proc) GETSTRUCT(tuple))->oid;
		ReleaseSysCache(tuple);
	}
	if (OidIsValid(oid))
		drop(oid);
	run(definition(filling, function));
	tuple = find_function(filling, function);
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "function \"%s\" was not made", function->name);
	oid = ((Form_pg_proc) GETSTRUCT(tuple))->oid;
	ReleaseSysCache(tuple);
	run(psprintf("COMMENT ON FUNCTION %s IS %s", format_procedure_qualified(oid),
				 quote_literal_cstr(function->comment)));
	return oid;
}

/* Whether an argument is one id of that kind. */
static bool
takes(const Function *function, const char *type)
{
	for (int i = 0; i < parameters_of(function); i++)
		if (function->parameter[i].type == type)
			return true;
	return false;
}

void
reco_functions_make(const ModelRow *model, const IdType *user, const IdType *item)
{
	Filling filling = {model, ids_of(user), ids_of(item)};
	List *made = NIL;
	ListCell *cell;

	for (int f = 0; f < lengthof(functions); f++)
	{
		const Function *function = &functions[f];
		int users = takes(function, of_user) ? filling.user.scalars : 1;
		int items = takes(function, of_item) ? filling.item.scalars : 1;

		/* ids that are arrays cannot be told from arrays of ids */
		if (function->group && filling.item.is_array)
			continue;
		for (int u = 0; u < users; u++)
			for (int i = 0; i < items; i++)
			{
				filling.user_type = filling.user.scalar[u];
				filling.item_type = filling.item.scalar[i];
				made = lappend_oid(made, make(&filling, function));
			}
	}
	foreach (cell, reco_rights_functions(model, NULL))
		if (!list_member_oid(made, lfirst_oid(cell)))
			drop(lfirst_oid(cell));
}
