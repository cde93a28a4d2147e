/*
 * schema.c
 *	  The schema of a model: its tables and views, and with functions.c its typed
 *	  functions.
 *
 * The SQL is a template in which the model's own types are filled in.
 */
#include "store/schema.h"

#include "catalog/pg_type.h"
#include "commands/schemacmds.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "store/functions.h"
#include "store/grants.h"
#include "store/layout.h"
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
 * Ids of wider types.  What sessions and files hold of a version has the narrower ones:
 * another nonce makes it another version.
 */
static const char wider_sql[] =
	"DROP VIEW IF EXISTS {schema}.recommendations, {schema}.user_neighbors,\n"
	"  {schema}.item_neighbors, {schema}.user_factors, {schema}.item_factors,\n"
	"  {schema}.versions;\n"
	"ALTER TABLE {schema}.model_item ALTER item_id TYPE {item_column};\n"
	"ALTER TABLE {schema}.model_user ALTER user_id TYPE {user_column};\n"
	"ALTER TABLE {schema}.model_list ALTER user_id TYPE {user_column},\n"
	"  ALTER items TYPE {items_column};\n"
	"UPDATE ONLY {schema}.model_version\n"
	"   SET nonce = hashtextextended(gen_random_uuid()::text, version);\n"
	"UPDATE ONLY {schema}.model AS m SET active_nonce = v.nonce\n"
	"  FROM ONLY {schema}.model_version AS v WHERE v.version = m.active_version;\n";

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
run(const char *template, const Substitution *substitutions)
{
	char *sql = fill_in(template, substitutions);
	int result = SPI_execute(sql, false, 0);

	if (result < 0)
		elog(ERROR, "could not make the model's schema: %s", SPI_result_code_string(result));
	pfree(sql);
}

/* The exact type, for results and columns. */
char *
reco_exact_type(const IdType *type)
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
		return psprintf("%s%s COLLATE %s", reco_exact_type(type), suffix,
						DatumGetCString(DirectFunctionCall1(regcollationout,
															ObjectIdGetDatum(type->collation))));
	return psprintf("%s%s", reco_exact_type(type), suffix);
}

/* What the templates are filled in with; create: how views are made. */
typedef struct Filling
{
	Substitution typed[8];
} Filling;

static void
filling_init(Filling *filling, const char *name, const IdType *user, const IdType *item,
			 const char *create)
{
	const Substitution typed[] = {
		{"{schema}", quote_identifier(name)},        {"{create}", create},
		{"{user_column}", column_type(user, "")},    {"{item_column}", column_type(item, "")},
		{"{items_column}", column_type(item, "[]")}, {NULL},
	};

	StaticAssertStmt(sizeof(typed) <= sizeof(filling->typed), "too many substitutions");
	memcpy(filling->typed, typed, sizeof(typed));
}

List *
reco_names_in(const char *literal)
{
	List *names = NIL;
	char *text = pstrdup(literal + 1);

	text[strlen(text) - 1] = '\0';
	for (char *name = strtok(text, ","); name; name = strtok(NULL, ","))
		names = lappend(names, name);
	return names;
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
	ModelRow model = {.owner = GetUserId(), .name = pstrdup(name)};
	int level = begin_settings();

	filling_init(&filling, name, user, item, "CREATE");
	run(reco_tables_sql, filling.typed);
	run(views_sql, filling.typed);
	model.schema = get_namespace_oid(name, false);
	reco_functions_make(&model, user, item);
	reco_grants_close(&model);
	AtEOXact_GUC(false, level);
	return model.schema;
}

/* One of the model's own views or functions is used by something that is not. */
static void
explain_dependency(const ModelRow *model, MemoryContext context)
{
	ErrorData *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	if (error->sqlerrcode != ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST)
		return;
	FlushErrorState();
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("cannot make the views and functions of model \"%s\" anew because other "
					"objects depend on them",
					model->name),
			 errdetail_internal("%s", error->detail ? error->detail : error->message),
			 errhint("Drop these objects, CALL reco.upgrade_model(), and make them again.")));
}

void
reco_schema_renew(const ModelRow *model, const IdType *user, const IdType *item, bool wider)
{
	MemoryContext context = CurrentMemoryContext;
	Filling filling;
	List *functions;
	List *views = NIL;
	int level = begin_settings();

	filling_init(&filling, model->name, user, item, wider ? "CREATE" : "CREATE OR REPLACE");
	functions = reco_grants_note(model);
	if (wider)
		views = reco_grants_note_views(model);
	PG_TRY();
	{
		if (wider)
			run(wider_sql, filling.typed);
		run(views_sql, filling.typed);
		reco_functions_make(model, user, item);
	}
	PG_CATCH();
	{
		explain_dependency(model, context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	reco_grants_restore(model, functions);
	if (wider)
		reco_grants_restore_views(model, views);
	run("UPDATE {schema}.model SET surface = " CppAsString2(RECO_SURFACE), filling.typed);
	AtEOXact_GUC(false, level);
}
