/*
 * schema.c
 *	  The schema of a model: its tables, views and typed functions.
 *
 * The SQL is a template in which the model's own types are filled in.  Arguments
 * of the integer family are declared bigint, so that a driver's 42::bigint
 * matches; uuid and date ids get a text overload as well; results keep the exact
 * type.  A wrapper is LANGUAGE sql with a parsed body and one internal function
 * in FROM, so the planner inlines it; the schema is in it as a regnamespace
 * constant, so it follows ALTER SCHEMA RENAME and a dump.
 */
#include "store/schema.h"

#include "catalog/pg_type.h"
#include "commands/schemacmds.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "store/layout.h"
#include "store/grants.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

static const char views_sql[] =
	"{create} VIEW {schema}.versions" RECO_VIEW_OPTIONS " AS\n"
	"  SELECT v.version, v.status, v.version = m.active_version AS active, v.started_at,\n"
	"         v.finished_at, v.rows_read, v.rows_skipped, v.rows_merged, v.users, v.items,\n"
	"         v.interactions, reco.describe(v.algorithm) AS algorithm, v.options, v.metrics,\n"
	"         v.loss, v.bytes, v.timings, v.trained_by, v.message, v.row_security\n"
	"    FROM {schema}.model_version v LEFT JOIN {schema}.model m ON true;\n"
	"{create} VIEW {schema}.user_factors" RECO_VIEW_OPTIONS " AS\n"
	"  SELECT u.user_id, u.factors, u.bias, u.interactions\n"
	"    FROM {schema}.model_user u JOIN {schema}.model m ON u.version = m.active_version;\n"
	"{create} VIEW {schema}.item_factors" RECO_VIEW_OPTIONS " AS\n"
	"  SELECT i.item_id, i.factors, i.bias, i.interactions\n"
	"    FROM {schema}.model_item i JOIN {schema}.model m ON i.version = m.active_version;\n"
	"{create} VIEW {schema}.item_neighbors" RECO_VIEW_OPTIONS " AS\n"
	"  SELECT i.item_id, o.item_id AS neighbor_id, l.similarity, l.rank::integer AS rank\n"
	"    FROM {schema}.model_item i JOIN {schema}.model m ON i.version = m.active_version\n"
	"   CROSS JOIN LATERAL unnest(i.neighbors, i.similarities)\n"
	"         WITH ORDINALITY AS l(number, similarity, rank)\n"
	"    JOIN {schema}.model_item o ON o.version = i.version AND o.number = l.number;\n"
	"{create} VIEW {schema}.user_neighbors" RECO_VIEW_OPTIONS " AS\n"
	"  SELECT u.user_id, o.user_id AS neighbor_id, l.similarity, l.rank::integer AS rank\n"
	"    FROM {schema}.model_user u JOIN {schema}.model m ON u.version = m.active_version\n"
	"   CROSS JOIN LATERAL unnest(u.neighbors, u.similarities)\n"
	"         WITH ORDINALITY AS l(number, similarity, rank)\n"
	"    JOIN {schema}.model_user o ON o.version = u.version AND o.number = l.number;\n"
	"{create} VIEW {schema}.recommendations" RECO_VIEW_OPTIONS " AS\n"
	"  SELECT l.user_id, i.rank::integer AS rank, i.item_id, i.score,\n"
	"         CASE WHEN i.rank <= l.by_model THEN l.source ELSE 'popular' END AS source\n"
	"    FROM {schema}.model_list l JOIN {schema}.model m ON l.list = m.active_list\n"
	"   CROSS JOIN LATERAL unnest(l.items, l.scores) WITH ORDINALITY AS i(item_id, score, rank);\n"
	"COMMENT ON VIEW {schema}.recommendations IS 'the lists that reco.materialize() made';\n"
	"COMMENT ON VIEW {schema}.item_neighbors IS 'lists of similar items of the active version, as "
	"'\n"
	"  'the algorithm keeps them';\n"
	"COMMENT ON VIEW {schema}.user_neighbors IS 'lists of similar users of the active version, as "
	"'\n"
	"  'the algorithm keeps them';\n"
	"COMMENT ON VIEW {schema}.versions IS 'every training of this model, with what it read and "
	"made';\n"
	"COMMENT ON VIEW {schema}.user_factors IS 'users of the active version';\n"
	"COMMENT ON VIEW {schema}.item_factors IS 'items of the active version';\n";

/*
 * What may ask a query of the definition catches its errors in a subtransaction, which a
 * parallel plan cannot have before PostgreSQL 17, not even in its leader.
 */
#define WRAPPER_MARKS "LANGUAGE sql STABLE PARALLEL UNSAFE"
#define WRAPPER_HEAD(rows) WRAPPER_MARKS " ROWS " rows "\n"
/* What is answered from the training alone. */
#define TRAINED_HEAD(rows) "LANGUAGE sql STABLE PARALLEL SAFE ROWS " rows "\n"

/* With a user among the arguments that tell overloads apart. */
static const char user_functions_sql[] =
	"{create} FUNCTION {schema}.recommend(for_user {user_arg}, n integer DEFAULT 10,\n"
	"  among {item_arg}[] DEFAULT NULL, exclude {item_arg}[] DEFAULT NULL,\n"
	"  include_seen boolean DEFAULT false, diversity double precision DEFAULT 0,\n"
	"  fallback text DEFAULT 'auto', explore double precision DEFAULT 0,\n"
	"  explore_seed bigint DEFAULT 0, boost {item_arg}[] DEFAULT NULL,\n"
	"  boost_by real[] DEFAULT NULL)\n"
	"RETURNS TABLE (rank integer, item_id {item}, score real, source text)\n" WRAPPER_HEAD(
		"10") "BEGIN ATOMIC SELECT r.rank, r.item_id, r.score, r.source FROM "
			  "reco.serve_recommend(\n"
			  "  {model}, for_user{user_cast}, jsonb_build_object('n', n, 'among', among,\n"
			  "  'exclude', exclude, 'include_seen', include_seen, 'diversity', diversity,\n"
			  "  'fallback', fallback, 'explore', explore, 'explore_seed', explore_seed,\n"
			  "  'boost', boost, 'boost_by', boost_by))\n"
			  "  AS r(rank integer, item_id {item}, score real, source text); END;\n"
			  "COMMENT ON FUNCTION {schema}.recommend({user_arg}, integer, {item_arg}[], "
			  "{item_arg}[], boolean, double precision, text, double precision, bigint, "
			  "{item_arg}[], real[])\n"
			  "  IS 'the best items for a user, best first, without those the user already has';\n"

			  "{create} FUNCTION {schema}.similar_users(for_user {user_arg}, n integer DEFAULT "
			  "10)\n"
			  "RETURNS TABLE (rank integer, user_id {user}, similarity double "
			  "precision)\n" TRAINED_HEAD(
				  "10") "BEGIN ATOMIC SELECT r.rank, r.user_id, r.similarity FROM "
						"reco.serve_similar_users(\n"
						"  {model}, for_user{user_cast}, jsonb_build_object('n', n))\n"
						"  AS r(rank integer, user_id {user}, similarity double precision); END;\n"
						"{create} FUNCTION {schema}.user_profile(for_user {user_arg})\n"
						"RETURNS TABLE (feature text, value text, weight double "
						"precision)\n" TRAINED_HEAD(
							"100") "BEGIN ATOMIC SELECT r.feature, r.value, r.weight FROM "
								   "reco.serve_user_profile(\n"
								   "  {model}, for_user{user_cast}, NULL)\n"
								   "  AS r(feature text, value text, weight double precision); "
								   "END;\n"
								   "COMMENT ON FUNCTION {schema}.user_profile({user_arg})\n"
								   "  IS 'what a user likes, by what is known about the items they "
								   "have';\n"
								   "COMMENT ON FUNCTION {schema}.similar_users({user_arg}, "
								   "integer)\n"
								   "  IS 'the users most like one, by the algorithm''s lists or "
								   "the cosine of "
								   "their factors';\n";

/* With an item. */
static const char item_functions_sql[] =
	"{create} FUNCTION {schema}.recommend_for(basket {item_arg}[], weights real[] DEFAULT NULL,\n"
	"  n integer DEFAULT 10, among {item_arg}[] DEFAULT NULL, exclude {item_arg}[] DEFAULT NULL,\n"
	"  diversity double precision DEFAULT 0)\n"
	"RETURNS TABLE (rank integer, item_id {item}, score real, source text)\n" WRAPPER_HEAD(
		"10") "BEGIN ATOMIC SELECT r.rank, r.item_id, r.score, r.source FROM "
			  "reco.serve_recommend_for(\n"
			  "  {model}, basket{item_array_cast}, jsonb_build_object('weights', weights, 'n', n,\n"
			  "  'among', among, 'exclude', exclude, 'diversity', diversity))\n"
			  "  AS r(rank integer, item_id {item}, score real, source text); END;\n"
			  "COMMENT ON FUNCTION {schema}.recommend_for({item_arg}[], real[], integer, "
			  "{item_arg}[], {item_arg}[], double precision)\n"
			  "  IS 'the best items for an anonymous basket: what goes with these';\n"

			  "{create} FUNCTION {schema}.similar_items(for_item {item_arg}, n integer DEFAULT "
			  "10)\n"
			  "RETURNS TABLE (rank integer, item_id {item}, similarity double "
			  "precision)\n" WRAPPER_HEAD(
				  "10") "BEGIN ATOMIC SELECT r.rank, r.item_id, r.similarity FROM "
						"reco.serve_similar_items(\n"
						"  {model}, for_item{item_cast}, jsonb_build_object('n', n))\n"
						"  AS r(rank integer, item_id {item}, similarity double precision); END;\n"
						"{create} FUNCTION {schema}.audience(for_item {item_arg}, n integer "
						"DEFAULT "
						"100,\n"
						"  exclude_buyers boolean DEFAULT true)\n"
						"RETURNS TABLE (rank integer, user_id {user}, score real)\n" TRAINED_HEAD(
							"100") "BEGIN ATOMIC SELECT r.rank, r.user_id, r.score FROM "
								   "reco.serve_audience(\n"
								   "  {model}, for_item{item_cast}, jsonb_build_object('n', n,\n"
								   "  'exclude_buyers', exclude_buyers))\n"
								   "  AS r(rank integer, user_id {user}, score real); END;\n"
								   "COMMENT ON FUNCTION {schema}.audience({item_arg}, integer, "
								   "boolean)\n"
								   "  IS 'the users to whom an item is best recommended';\n"
								   "COMMENT ON FUNCTION "
								   "{schema}.similar_items({item_arg}, integer)\n"
								   "  IS 'the items most like one, by the algorithm''s "
								   "lists or the cosine of "
								   "their factors';\n";

/* With several items, where an item is no array itself. */
static const char group_functions_sql[] =
	"{create} FUNCTION {schema}.audience(for_items {item_arg}[],\n"
	"  n integer DEFAULT 100, exclude_buyers boolean DEFAULT true)\n"
	"RETURNS TABLE (rank integer, user_id {user}, score "
	"real)\n" TRAINED_HEAD("100") "BEGIN ATOMIC SELECT r.rank, r.user_id, r.score FROM "
								  "reco.serve_audience(\n"
								  "  {model}, for_items{item_array_cast}, "
								  "jsonb_build_object('n', n,\n"
								  "  'exclude_buyers', exclude_buyers))\n"
								  "  AS r(rank integer, user_id {user}, score real); "
								  "END;\n"
								  "COMMENT ON FUNCTION {schema}.audience({item_arg}[], "
								  "integer, boolean)\n"
								  "  IS 'the users to whom a group of items is best "
								  "recommended';\n";

/* With both. */
static const char pair_functions_sql[] =
	"{create} FUNCTION {schema}.rerank(for_user {user_arg}, items {item_arg}[])\n"
	"RETURNS TABLE (rank integer, item_id {item}, score real)\n" WRAPPER_HEAD(
		"100") "BEGIN ATOMIC SELECT r.rank, r.item_id, r.score FROM reco.serve_rerank(\n"
			   "  {model}, for_user{user_cast}, jsonb_build_object('items', items))\n"
			   "  AS r(rank integer, item_id {item}, score real); END;\n"
			   "COMMENT ON FUNCTION {schema}.rerank({user_arg}, {item_arg}[])\n"
			   "  IS 'given items in the order of a user''s taste; unknown items last, without a "
			   "score';\n"

			   "{create} FUNCTION {schema}.predict(for_user {user_arg}, for_item {item_arg}) "
			   "RETURNS "
			   "real\n" WRAPPER_MARKS "\n"
			   "BEGIN ATOMIC SELECT r.score FROM reco.serve_predict(\n"
			   "  {model}, for_user{user_cast}, jsonb_build_object('item', for_item)) AS r(score "
			   "real); END;\n"
			   "COMMENT ON FUNCTION {schema}.predict({user_arg}, {item_arg})\n"
			   "  IS 'the score of one item for one user; NULL when either is unknown';\n"

			   "{create} FUNCTION {schema}.explain(for_user {user_arg}, for_item {item_arg})\n"
			   "RETURNS TABLE (because_item {item}, contribution real, share real)\n" WRAPPER_HEAD(
				   "20") "BEGIN ATOMIC SELECT r.because_item, r.contribution, r.share FROM "
						 "reco.serve_explain(\n"
						 "  {model}, for_user{user_cast}, jsonb_build_object('item', for_item))\n"
						 "  AS r(because_item {item}, contribution real, share real); END;\n"
						 "COMMENT ON FUNCTION {schema}.explain({user_arg}, {item_arg})\n"
						 "  IS 'what a user''s score of an item is made of; the contributions add "
						 "up to it';\n";

#define ITEM_LIST(name, comment)                                                                   \
	"{create} FUNCTION {schema}." name "(n integer DEFAULT 10)\n"                                  \
	"RETURNS TABLE (rank integer, item_id {item}, score real)\n" WRAPPER_HEAD(                     \
		"10") "BEGIN ATOMIC SELECT r.rank, r.item_id, r.score FROM reco.serve_" name "(\n"         \
			  "  {model}, 0, jsonb_build_object('n', n))\n"                                        \
			  "  AS r(rank integer, item_id {item}, score real); END;\n"                           \
			  "COMMENT ON FUNCTION {schema}." name "(integer)\n"                                   \
			  "  IS '" comment "';\n"

static const char popular_sql[] =
	ITEM_LIST("popular", "the items that most users have; the score is how many")
		ITEM_LIST("trending", "the items that grew most from the week before to the last one; the "
							  "score is in standard deviations");

typedef struct Substitution
{
	const char *name; /* with its braces */
	const char *text;
} Substitution;

static char *
fill_in(const char *template, const Substitution *substitutions)
{
	StringInfoData sql;

	initStringInfo(&sql);
	while (*template)
	{
		const Substitution *found = NULL;

		if (*template == '{')
			for (const Substitution *s = substitutions; s->name && !found; s++)
				if (strncmp(template, s->name, strlen(s->name)) == 0)
					found = s;
		if (found)
		{
			appendStringInfoString(&sql, found->text);
			template += strlen(found->name);
		}
		else
			appendStringInfoChar(&sql, *template ++);
	}
	return sql.data;
}

static void
substitute(Substitution *substitutions, const char *name, const char *text)
{
	while (strcmp(substitutions->name, name) != 0)
		substitutions++;
	substitutions->text = text;
}

static void
run(const char *template, const Substitution *substitutions)
{
	char *sql = fill_in(template, substitutions);
	int result = SPI_execute(sql, false, 0);

	if (result < 0)
		elog(ERROR, "could not make the model's schema: %s", SPI_result_code_string(result));
	pfree(sql);
}

static void
run_group(const IdType *item, const Substitution *substitutions)
{
	if (!OidIsValid(get_element_type(item->base)))
		run(group_functions_sql, substitutions);
}

/* The exact type, for results and columns. */
static char *
exact_type(const IdType *type)
{
	return format_type_extended(type->type, type->typmod,
								FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
}

/*
 * A column of ids, or with suffix "[]" of arrays of them.  Under the search_path of
 * reco_schema_create, which shows the collation's schema.
 */
static char *
column_type(const IdType *type, const char *suffix)
{
	if (OidIsValid(type->collation) && type->collation != get_typcollation(type->type))
		return psprintf("%s%s COLLATE %s", exact_type(type), suffix,
						DatumGetCString(DirectFunctionCall1(regcollationout,
															ObjectIdGetDatum(type->collation))));
	return psprintf("%s%s", exact_type(type), suffix);
}

/* What a caller may pass. */
static char *
argument_type(const IdType *type)
{
	if (type->integer)
		return "bigint";
	if (type->base == VARCHAROID)
		return "text";
	return format_type_extended(type->base, -1, FORMAT_TYPE_FORCE_QUALIFY);
}

static bool
wants_text_overload(const IdType *type)
{
	return type->base == UUIDOID || type->base == DATEOID;
}

/* What the template is filled in with; create: how functions and views are made. */
typedef struct Filling
{
	Substitution typed[16];
	const IdType *user;
	const IdType *item;
} Filling;

static void
filling_init(Filling *filling, const char *name, const IdType *user, const IdType *item,
			 const char *create)
{
	const Substitution typed[] = {
		{"{schema}", quote_identifier(name)},
		{"{model}",
		 psprintf("%s::pg_catalog.regnamespace", quote_literal_cstr(quote_identifier(name)))},
		{"{create}", create},
		{"{user_column}", column_type(user, "")},
		{"{item_column}", column_type(item, "")},
		{"{items_column}", column_type(item, "[]")},
		{"{user}", exact_type(user)},
		{"{item}", exact_type(item)},
		{"{user_arg}", argument_type(user)},
		{"{item_arg}", argument_type(item)},
		{"{user_cast}", ""},
		{"{item_cast}", ""},
		{"{item_array_cast}", ""},
		{NULL},
	};

	StaticAssertStmt(sizeof(typed) <= sizeof(filling->typed), "too many substitutions");
	memcpy(filling->typed, typed, sizeof(typed));
	filling->user = user;
	filling->item = item;
}

/* The views, and the functions with their overloads. */
static void
make_surface(Filling *filling)
{
	const IdType *user = filling->user;
	const IdType *item = filling->item;
	Substitution *typed = filling->typed;

	run(views_sql, typed);
	run(user_functions_sql, typed);
	run(item_functions_sql, typed);
	run_group(item, typed);
	run(pair_functions_sql, typed);
	run(popular_sql, typed);
	if (wants_text_overload(item))
	{
		substitute(typed, "{item_arg}", "text");
		substitute(typed, "{item_cast}", psprintf("::%s", argument_type(item)));
		substitute(typed, "{item_array_cast}", psprintf("::%s[]", argument_type(item)));
		run(item_functions_sql, typed);
		run_group(item, typed);
	}
	if (wants_text_overload(user))
	{
		substitute(typed, "{user_arg}", "text");
		substitute(typed, "{user_cast}", psprintf("::%s", argument_type(user)));
		run(user_functions_sql, typed);
	}
	if (wants_text_overload(item) || wants_text_overload(user))
		run(pair_functions_sql, typed);
}

/* Settings under which the template means what it says; AtEOXact_GUC ends them. */
static int
begin_settings(void)
{
	int level = NewGUCNestLevel();

	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	/* the tables are read and written as such (layout.c) */
	(void) set_config_option("default_table_access_method", "heap", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	/* the bodies must be checked: that is what gives them their dependencies */
	(void) set_config_option("check_function_bodies", "on", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	return level;
}

Oid
reco_schema_create(const char *name, const IdType *user, const IdType *item)
{
	Filling filling;
	ModelRow model = {.owner = GetUserId()};
	int level = begin_settings();

	filling_init(&filling, name, user, item, "CREATE");
	run(reco_tables_sql, filling.typed);
	make_surface(&filling);
	model.schema = get_namespace_oid(name, false);
	reco_grants_close(&model);
	AtEOXact_GUC(false, level);
	return model.schema;
}

void
reco_schema_renew(const ModelRow *model, const IdType *user, const IdType *item)
{
	Filling filling;
	List *grants;
	int level = begin_settings();

	filling_init(&filling, model->name, user, item, "CREATE OR REPLACE");
	grants = reco_grants_note(model);
	make_surface(&filling);
	reco_grants_restore(model, grants);
	run("UPDATE {schema}.model SET surface = " CppAsString2(RECO_SURFACE), filling.typed);
	AtEOXact_GUC(false, level);
}
