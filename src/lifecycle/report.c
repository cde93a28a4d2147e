/*
 * report.c
 *	  reco.describe(model): what a model is, and how it came to be so, in words.
 *
 * Only rows of the model's definition and of its version are read, by whoever may SELECT them;
 * nothing that is stored runs.  What they say may have been written by the owner: what is not
 * there is left out.
 *
 * Cost: two rows.
 */
#include "pg/json.h"
#include "store/tables/definition.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "model/model.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include <math.h>

RECO_FUNCTION(reco_describe_model);

/* One line; a value of several lines goes on below, indented. */
static void
line(StringInfo out, const char *name, const char *value)
{
	appendStringInfo(out, "%-12s", name);
	for (const char *p = value; *p; p++)
	{
		appendStringInfoChar(out, *p);
		if (*p == '\n')
			appendStringInfoSpaces(out, 12);
	}
	appendStringInfoChar(out, '\n');
}

static char *
time_text(TimestampTz at)
{
	return DatumGetCString(DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(at)));
}

/* The options that the definition leaves open. */
static void
open_options(StringInfo names, const RecoSpec *spec)
{
	for (const reco_option *option = spec->algorithm->options; option->name; option++)
		if (reco_option_is_open(option, spec->params))
			appendStringInfo(names, "%s%s of %s", names->len ? ", " : "", option->name,
							 spec->algorithm->name);
	for (int m = 0; m < spec->members && !spec->algorithm->replaced; m++)
		open_options(names, spec->member[m]);
}

static void
describe_algorithm(StringInfo out, const ModelRow *model, const VersionRow *version)
{
	const RecoSpec *asked = reco_spec_parse(model->algorithm);
	StringInfoData open;

	line(out, "asked for", reco_spec_call(asked));
	if (version->algorithm == NULL)
		return;
	line(out, "algorithm", reco_spec_call(reco_spec_parse(version->algorithm)));
	initStringInfo(&open);
	open_options(&open, asked);
	if (open.len > 0)
		line(out, "by the data", open.data);
}

/* The main one of what was measured: the first that has a baseline beside it. */
static void
describe_worth(StringInfo out, const VersionRow *version)
{
	const JsonbContainer *metrics = version->metrics ? &version->metrics->root : NULL;
	char *metric = reco_json_text(metrics, "metric");
	char *baseline = reco_json_text(metrics, "baseline");
	const JsonbContainer *beside = baseline ? reco_json_container(metrics, baseline) : NULL;
	double value = metric ? reco_json_number(metrics, metric) : NAN;
	double error = metric ? reco_json_number(metrics, psprintf("%s_error", metric)) : NAN;
	StringInfoData text;

	if (isnan(value))
		return;
	initStringInfo(&text);
	appendStringInfo(&text, "%s %.4g", metric, value);
	if (!isnan(error))
		appendStringInfo(&text, " (standard error %.2g)", error);
	if (!isnan(reco_json_number(beside, metric)))
		appendStringInfo(&text, ", %s %.4g", baseline, reco_json_number(beside, metric));
	if (reco_json_text(metrics, "split"))
		appendStringInfo(&text, "; split \"%s\", %.0f users", reco_json_text(metrics, "split"),
						 reco_json_number(metrics, "users"));
	line(out, "worth", text.data);
}

/* A number of so many digits, or nothing, in a column. */
static void
cell(StringInfo out, double value, const char *format)
{
	char *text = isnan(value) ? pstrdup("") : psprintf(format, value);

	appendStringInfo(out, "%9s ", text);
}

/* What was tried, a line each. */
static void
describe_tried(StringInfo out, JsonbContainer *choice)
{
	List *tried = reco_json_objects(reco_json_container(choice, "tried"));
	char *metric = reco_json_text(choice, "metric");
	ListCell *each;

	if (tried == NIL)
		return;
	appendStringInfo(out, "\n%9s %9s %9s %9s %9s  %s\n", metric ? metric : "value", "error", "gain",
					 "error", "seconds", "tried");
	foreach (each, tried)
	{
		const JsonbContainer *one = lfirst(each);
		char *message = reco_json_text(one, "message");
		char *algorithm = reco_json_text(one, "algorithm");

		cell(out, reco_json_number(one, "value"), "%.4f");
		cell(out, reco_json_number(one, "error"), "%.4f");
		cell(out, reco_json_number(one, "gain"), "%+.4f");
		cell(out, reco_json_number(one, "gain_error"), "%.4f");
		cell(out, reco_json_number(one, "seconds"), "%.2f");
		appendStringInfo(out, " %s%s%s\n", algorithm ? algorithm : "", message ? ": " : "",
						 message ? message : "");
		reco_poll();
	}
}

static void
describe_choice(StringInfo out, const VersionRow *version)
{
	JsonbContainer *choice = version->choice ? &version->choice->root : NULL;
	const JsonbContainer *shape = reco_json_container(choice, "shape");
	List *choices = reco_json_objects(reco_json_container(choice, "choices"));
	char *at = reco_json_text(choice, "at");
	char *state = reco_json_text(choice, "state");
	ListCell *each;

	if (choices == NIL)
		return;
	if (at)
		line(out, "chosen",
			 psprintf("at %s for version %.0f, by %.0f users, %.0f items, %.0f interactions", at,
					  reco_json_number(choice, "version"), reco_json_number(shape, "users"),
					  reco_json_number(shape, "items"), reco_json_number(shape, "interactions")));
	if (state)
		line(out, "state", state);
	foreach (each, choices)
	{
		JsonbContainer *one = lfirst(each);
		char *chosen = reco_json_text(one, "chosen");
		char *why = reco_json_text(one, "why");
		char *split = reco_json_text(one, "split");

		if (chosen)
			line(out, "choice", chosen);
		if (why)
			line(out, "because", why);
		if (split)
			line(out, "measured",
				 psprintf("split \"%s\", %.0f users", split, reco_json_number(one, "users")));
		describe_tried(out, one);
	}
}

/* Of whom or what there are no interactions, if there are any. */
static void
describe_cold(StringInfo out, const char *of, int32 cold, int32 all)
{
	if (cold > 0)
		line(out, "cold",
			 psprintf("%d of the %s (%.1f %%) without interactions", cold, of,
					  100.0 * cold / Max(all, 1)));
}

static void
describe_version(StringInfo out, const ModelRow *model)
{
	VersionRow version = {0};

	if (model->active_version == 0)
	{
		line(out, "version", "none is trained yet");
		describe_algorithm(out, model, &version);
		return;
	}
	reco_version_read(model->schema, model->active_version, GetActiveSnapshot(), &version);
	line(out, "version",
		 psprintf("%d, of %s: %d users, %d items, " INT64_FORMAT " interactions",
				  model->active_version, time_text(version.finished_at), version.users,
				  version.items, version.interactions));
	describe_cold(out, "items", version.cold_items, version.items);
	describe_cold(out, "users", version.cold_users, version.users);
	describe_algorithm(out, model, &version);
	if (version.priors)
		line(out, "priors", JsonbToCString(NULL, &version.priors->root, 0));
	if (version.options)
		line(out, "options", JsonbToCString(NULL, &version.options->root, 0));
	describe_worth(out, &version);
	describe_choice(out, &version);
}

/* As a SELECT from these tables. */
static void
check_rights(Oid schema)
{
	RecoTable tables[] = {RECO_TABLE_MODEL, RECO_TABLE_VERSION};
	AclResult result = reco_schema_aclcheck(schema, GetUserId(), ACL_USAGE);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_SCHEMA, get_namespace_name(schema));
	for (int t = 0; t < lengthof(tables); t++)
	{
		Relation table = reco_open(schema, tables[t], AccessShareLock);

		if (pg_class_aclcheck(RelationGetRelid(table), GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, RelationGetRelationName(table));
		reco_check_policies(table);
		table_close(table, NoLock);
	}
}

Datum
reco_describe_model(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Oid schema;
	ModelRow model;
	StringInfoData out;

	/* a literal without a type is taken for a text */
	if (name[0] == '{' && !OidIsValid(get_namespace_oid(name, true)))
		PG_RETURN_TEXT_P(
			cstring_to_text(reco_spec_describe(reco_spec_parse(reco_algorithm_from_text(name)))));
	schema = reco_model_schema(name);
	check_rights(schema);
	reco_model_read(schema, GetActiveSnapshot(), &model);
	initStringInfo(&out);
	line(&out, "model", model.name);
	if (model.source)
		line(&out, "source", model.source);
	if (model.items)
		line(&out, "items", model.items);
	if (model.users)
		line(&out, "users", model.users);
	if (model.algorithm == NULL)
		reco_damaged(schema, "Its definition is not complete.");
	describe_version(&out, &model);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, Max(out.len - 1, 0)));
}
