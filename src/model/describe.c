/*
 * describe.c
 *	  Values of type reco.algorithm as one would write them.
 *
 * Every option is there, defaults too, so that equal texts are equal models.
 */
#include "model/model.h"

#include "utils/float.h"
#include "utils/json.h"

static void
describe_weights(StringInfo text, const reco_weights *weights)
{
	if (weights == NULL)
	{
		appendStringInfoString(text, "NULL");
		return;
	}
	appendStringInfoString(text, "'{");
	for (int i = 0; i < weights->n; i++)
	{
		if (i > 0)
			appendStringInfoString(text, ", ");
		escape_json(text, weights->name[i]);
		appendStringInfo(text, ": %s", float8out_internal(weights->weight[i]));
	}
	appendStringInfoString(text, "}'");
}

static void
describe_reals(StringInfo text, const reco_reals *reals)
{
	if (reals == NULL)
	{
		appendStringInfoString(text, "NULL");
		return;
	}
	appendStringInfoString(text, "ARRAY[");
	for (int i = 0; i < reals->n; i++)
		appendStringInfo(text, "%s%s", i ? ", " : "", float8out_internal(reals->value[i]));
	appendStringInfoChar(text, ']');
}

static void describe(StringInfo text, const RecoSpec *spec, const char *schema);

static void
describe_list(StringInfo text, const reco_nested *list)
{
	if (list == NULL)
	{
		appendStringInfoString(text, "NULL");
		return;
	}
	appendStringInfoString(text, "ARRAY[");
	for (int i = 0; i < list->n; i++)
	{
		appendStringInfoString(text, i ? ", " : "");
		describe(text, list->value[i], "reco.");
	}
	appendStringInfoChar(text, ']');
}

static void
describe_value(StringInfo text, const reco_option *option, const char *field)
{
	switch (option->type)
	{
		case RECO_OPTION_INT:
			appendStringInfo(text, "%d", *(const int *) field);
			break;
		case RECO_OPTION_SEED:
			appendStringInfo(text, UINT64_FORMAT, *(const uint64_t *) field);
			break;
		case RECO_OPTION_REAL:
			appendStringInfoString(text, float8out_internal(*(const double *) field));
			break;
		case RECO_OPTION_BOOL:
			appendStringInfoString(text, *(const bool *) field ? "true" : "false");
			break;
		case RECO_OPTION_ENUM:
			appendStringInfo(text, "'%s'", option->choices[*(const int *) field]);
			break;
		case RECO_OPTION_WEIGHTS:
			describe_weights(text, *(const reco_weights *const *) field);
			break;
		case RECO_OPTION_REALS:
			describe_reals(text, *(const reco_reals *const *) field);
			break;
		case RECO_OPTION_NESTED:
			if (*(const RecoSpec *const *) field)
				describe(text, *(const RecoSpec *const *) field, "reco.");
			else
				appendStringInfoString(text, "NULL");
			break;
		case RECO_OPTION_NESTED_LIST:
			describe_list(text, *(const reco_nested *const *) field);
			break;
	}
}

/* Levels are bounded: RECO_MAX_NESTING. */
static void
describe(StringInfo text, const RecoSpec *spec, const char *schema)
{
	const char *separator = "";

	appendStringInfo(text, "%s%s(", schema, spec->algorithm->name);
	for (const reco_option *option = spec->algorithm->options; option->name; option++)
	{
		appendStringInfo(text, "%s%s => ", separator, option->name);
		describe_value(text, option, (const char *) spec->params + option->offset);
		separator = ", ";
	}
	appendStringInfoChar(text, ')');
}

/*
 * An algorithm as one would write it: ials(factors => 64, alpha => 1, ...).
 */
char *
reco_spec_describe(const RecoSpec *spec)
{
	StringInfoData text;

	initStringInfo(&text);
	describe(&text, spec, "");
	return text.data;
}
