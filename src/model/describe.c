/*
 * describe.c
 *	  Values of type reco.algorithm as one would write them.
 *
 * A description has every option, defaults too, so that equal texts are equal models; a call, to
 * be pasted, those that are no defaults.  One that is left open is NULL.  As jsonb likewise,
 * without what is open.  A label has only the options in which algorithms that are compared
 * differ.
 */
#include "model/model.h"

#include "common/shortest_dec.h"
#include "pg/json.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"

/* The shortest number that is read as the same, whatever the settings. */
static char *
real_text(double real)
{
	char *text = palloc(DOUBLE_SHORTEST_DECIMAL_LEN);

	(void) double_to_shortest_decimal_buf(real, text);
	return text;
}

/* A literal that reads the same whatever standard_conforming_strings is. */
static void
describe_text(StringInfo text, const char *value)
{
	appendStringInfoString(text, value ? quote_literal_cstr(value) : "NULL");
}

static void
describe_weights(StringInfo text, const reco_weights *weights)
{
	StringInfoData object;

	if (weights == NULL)
	{
		appendStringInfoString(text, "NULL");
		return;
	}
	initStringInfo(&object);
	appendStringInfoChar(&object, '{');
	for (int i = 0; i < weights->n; i++)
	{
		if (i > 0)
			appendStringInfoString(&object, ", ");
		escape_json(&object, weights->name[i]);
		appendStringInfo(&object, ": %s", real_text(weights->weight[i]));
	}
	appendStringInfoChar(&object, '}');
	appendStringInfoString(text, quote_literal_cstr(object.data));
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
		appendStringInfo(text, "%s%s", i ? ", " : "", real_text(reals->value[i]));
	appendStringInfoChar(text, ']');
}

static void
describe_texts(StringInfo text, const reco_texts *texts)
{
	if (texts == NULL)
	{
		appendStringInfoString(text, "NULL");
		return;
	}
	appendStringInfoString(text, "ARRAY[");
	for (int i = 0; i < texts->n; i++)
	{
		appendStringInfoString(text, i ? ", " : "");
		describe_text(text, texts->value[i]);
	}
	appendStringInfoChar(text, ']');
}

static void describe(StringInfo text, const RecoSpec *spec, const char *schema, bool all);

static void
describe_list(StringInfo text, const reco_nested *list, bool all)
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
		describe(text, list->value[i], "reco.", all);
	}
	appendStringInfoChar(text, ']');
}

static bool
bool_of(const reco_option *option, const void *field)
{
	return option->open ? *(const int *) field != 0 : *(const bool *) field;
}

static void
describe_value(StringInfo text, const reco_option *option, const void *params, bool all)
{
	const char *field = (const char *) params + option->offset;

	if (reco_option_is_open(option, params))
	{
		appendStringInfoString(text, "NULL");
		return;
	}
	switch (option->type)
	{
		case RECO_OPTION_INT:
			appendStringInfo(text, "%d", *(const int *) field);
			break;
		case RECO_OPTION_SEED:
			appendStringInfo(text, UINT64_FORMAT, *(const uint64_t *) field);
			break;
		case RECO_OPTION_REAL:
			appendStringInfoString(text, real_text(*(const double *) field));
			break;
		case RECO_OPTION_BOOL:
			appendStringInfoString(text, bool_of(option, field) ? "true" : "false");
			break;
		case RECO_OPTION_ENUM:
			appendStringInfo(text, "'%s'", option->choices[*(const int *) field]);
			break;
		case RECO_OPTION_TEXT:
		case RECO_OPTION_JSON:
			describe_text(text, *(const char *const *) field);
			break;
		case RECO_OPTION_WEIGHTS:
			describe_weights(text, *(const reco_weights *const *) field);
			break;
		case RECO_OPTION_REALS:
			describe_reals(text, *(const reco_reals *const *) field);
			break;
		case RECO_OPTION_TEXTS:
			describe_texts(text, *(const reco_texts *const *) field);
			break;
		case RECO_OPTION_NESTED:
			if (*(const RecoSpec *const *) field)
				describe(text, *(const RecoSpec *const *) field, "reco.", all);
			else
				appendStringInfoString(text, "NULL");
			break;
		case RECO_OPTION_NESTED_LIST:
			describe_list(text, *(const reco_nested *const *) field, all);
			break;
	}
}

static char *
value_text(const reco_option *option, const void *params, bool all)
{
	StringInfoData text;

	initStringInfo(&text);
	describe_value(&text, option, params, all);
	return text.data;
}

static bool
is_default(const RecoSpec *spec, const reco_option *option)
{
	void *defaults = palloc0(spec->algorithm->params_size + 1);

	reco_options_init(spec->algorithm->options, defaults);
	return strcmp(value_text(option, spec->params, true), value_text(option, defaults, true)) == 0;
}

/* all: defaults too.  Levels are bounded: RECO_MAX_NESTING. */
static void
describe(StringInfo text, const RecoSpec *spec, const char *schema, bool all)
{
	const char *separator = "";

	appendStringInfo(text, "%s%s(", schema, spec->algorithm->name);
	for (const reco_option *option = spec->algorithm->options; option->name; option++)
	{
		if (!all && is_default(spec, option))
			continue;
		appendStringInfo(text, "%s%s => ", separator, option->name);
		describe_value(text, option, spec->params, all);
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
	describe(&text, spec, "", true);
	return text.data;
}

char *
reco_spec_call(const RecoSpec *spec)
{
	StringInfoData text;

	initStringInfo(&text);
	describe(&text, spec, "reco.", false);
	return text.data;
}

static void
push_string(JsonbParseState **state, JsonbIteratorToken as, const char *string)
{
	JsonbValue value = {
		.type = jbvString,
		.val.string = {.len = (int) strlen(string), .val = unconstify(char *, string)}};

	pushJsonbValue(state, as, &value);
}

/* The shortest number that is read as the same. */
static void
push_real(JsonbParseState **state, JsonbIteratorToken as, double real)
{
	JsonbValue value = {.type = jbvNumeric};

	value.val.numeric =
		DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(real_text(real)),
											ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	pushJsonbValue(state, as, &value);
}

static void
push_jsonb(JsonbParseState **state, JsonbIteratorToken as, Jsonb *whole)
{
	JsonbValue value = {
		.type = jbvBinary,
		.val.binary = {.len = VARSIZE(whole) - VARHDRSZ, .data = &whole->root},
	};

	pushJsonbValue(state, as, &value);
}

static void
push_spec(JsonbParseState **state, JsonbIteratorToken as, const RecoSpec *spec)
{
	push_jsonb(state, as, reco_spec_jsonb(spec));
}

/* Of an option that holds several. */
static void
push_several(JsonbParseState **state, const reco_option *option, const void *const *field)
{
	const reco_weights *weights = *field;
	const reco_reals *reals = *field;
	const reco_texts *texts = *field;
	const reco_nested *list = *field;

	switch (option->type)
	{
		case RECO_OPTION_WEIGHTS:
			pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
			for (int i = 0; i < weights->n; i++)
			{
				push_string(state, WJB_KEY, weights->name[i]);
				push_real(state, WJB_VALUE, weights->weight[i]);
			}
			pushJsonbValue(state, WJB_END_OBJECT, NULL);
			break;
		case RECO_OPTION_REALS:
			pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
			for (int i = 0; i < reals->n; i++)
				push_real(state, WJB_ELEM, reals->value[i]);
			pushJsonbValue(state, WJB_END_ARRAY, NULL);
			break;
		case RECO_OPTION_TEXTS:
			pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
			for (int i = 0; i < texts->n; i++)
				push_string(state, WJB_ELEM, texts->value[i]);
			pushJsonbValue(state, WJB_END_ARRAY, NULL);
			break;
		case RECO_OPTION_NESTED:
			push_spec(state, WJB_VALUE, *field);
			break;
		default:
			pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
			for (int i = 0; i < list->n; i++)
				push_spec(state, WJB_ELEM, list->value[i]);
			pushJsonbValue(state, WJB_END_ARRAY, NULL);
			break;
	}
}

static void
push_option(JsonbParseState **state, const reco_option *option, const void *field)
{
	JsonbValue value = {.type = jbvBool};

	switch (option->type)
	{
		case RECO_OPTION_INT:
			push_real(state, WJB_VALUE, *(const int *) field);
			break;
		case RECO_OPTION_SEED:
			/* at most 2^53 */
			push_real(state, WJB_VALUE, (double) *(const uint64_t *) field);
			break;
		case RECO_OPTION_REAL:
			push_real(state, WJB_VALUE, *(const double *) field);
			break;
		case RECO_OPTION_BOOL:
			value.val.boolean = bool_of(option, field);
			pushJsonbValue(state, WJB_VALUE, &value);
			break;
		case RECO_OPTION_JSON:
			push_jsonb(state, WJB_VALUE, reco_json_of(*(const char *const *) field));
			break;
		case RECO_OPTION_TEXT:
			push_string(state, WJB_VALUE, *(const char *const *) field);
			break;
		case RECO_OPTION_ENUM:
			push_string(state, WJB_VALUE, option->choices[*(const int *) field]);
			break;
		default:
			push_several(state, option, field);
			break;
	}
}

/* A list or an algorithm that is not given. */
static bool
is_absent(const reco_option *option, const void *field)
{
	return (option->type == RECO_OPTION_TEXT || option->type == RECO_OPTION_WEIGHTS ||
			option->type == RECO_OPTION_REALS || option->type == RECO_OPTION_TEXTS ||
			option->type == RECO_OPTION_JSON || option->type == RECO_OPTION_NESTED ||
			option->type == RECO_OPTION_NESTED_LIST) &&
		   *(const void *const *) field == NULL;
}

/* all: defaults too. */
static Jsonb *
spec_jsonb(const RecoSpec *spec, bool all)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_string(&state, WJB_KEY, "algorithm");
	push_string(&state, WJB_VALUE, spec->algorithm->name);
	for (const reco_option *option = spec->algorithm->options; option->name; option++)
	{
		const char *field = (const char *) spec->params + option->offset;

		if (reco_option_is_open(option, spec->params) || is_absent(option, field) ||
			(!all && is_default(spec, option)))
			continue;
		push_string(&state, WJB_KEY, option->name);
		push_option(&state, option, field);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

Jsonb *
reco_spec_jsonb(const RecoSpec *spec)
{
	return spec_jsonb(spec, true);
}

Jsonb *
reco_spec_given(const RecoSpec *spec)
{
	return spec_jsonb(spec, false);
}

/* Whether those among others that are of the spec's algorithm differ in an option. */
static bool
differs(const RecoSpec *spec, const reco_option *option, const List *others)
{
	char *own = value_text(option, spec->params, true);
	ListCell *cell;

	foreach (cell, others)
	{
		const RecoSpec *other = lfirst(cell);

		if (other->algorithm == spec->algorithm &&
			strcmp(value_text(option, other->params, true), own) != 0)
			return true;
	}
	return false;
}

/* The algorithms that an option of one, or of several of the same algorithm, holds. */
static List *
nested_in(const RecoSpec *spec, const reco_option *option, List *found)
{
	const void *field = (const char *) spec->params + option->offset;

	if (option->type == RECO_OPTION_NESTED && *(RecoSpec *const *) field)
		return lappend(found, *(RecoSpec *const *) field);
	if (option->type == RECO_OPTION_NESTED_LIST && *(const reco_nested *const *) field)
	{
		const reco_nested *list = *(const reco_nested *const *) field;

		for (int i = 0; i < list->n; i++)
			found = lappend(found, list->value[i]);
	}
	return found;
}

static void label(StringInfo text, const RecoSpec *spec, const List *others);

/* The algorithms in an option, each told apart from those in the same option of others. */
static void
label_nested(StringInfo text, const RecoSpec *spec, const reco_option *option, const List *others)
{
	bool is_list = option->type == RECO_OPTION_NESTED_LIST;
	List *all = NIL;
	ListCell *cell;
	const char *separator = is_list ? "ARRAY[" : "";

	foreach (cell, others)
		if (((const RecoSpec *) lfirst(cell))->algorithm == spec->algorithm)
			all = nested_in(lfirst(cell), option, all);
	foreach (cell, nested_in(spec, option, NIL))
	{
		appendStringInfoString(text, separator);
		label(text, lfirst(cell), all);
		separator = ", ";
	}
	appendStringInfoString(text, is_list ? "]" : "");
}

/* Levels are bounded: RECO_MAX_NESTING. */
static void
label(StringInfo text, const RecoSpec *spec, const List *others)
{
	const char *separator = "";

	appendStringInfo(text, "%s(", spec->algorithm->name);
	for (const reco_option *option = spec->algorithm->options; option->name; option++)
	{
		if (!differs(spec, option, others))
			continue;
		appendStringInfo(text, "%s%s => ", separator, option->name);
		if (nested_in(spec, option, NIL) != NIL)
			label_nested(text, spec, option, others);
		else
			appendStringInfoString(text, value_text(option, spec->params, true));
		separator = ", ";
	}
	appendStringInfoChar(text, ')');
}

List *
reco_specs_label(const List *specs)
{
	List *plain = NIL;
	List *labels = NIL;
	ListCell *cell;

	foreach (cell, specs)
	{
		StringInfoData text;
		ListCell *before;
		int same = 1;

		initStringInfo(&text);
		label(&text, lfirst(cell), specs);
		foreach (before, plain)
			same += strcmp(lfirst(before), text.data) == 0;
		plain = lappend(plain, text.data);
		labels =
			lappend(labels, same > 1 ? psprintf("%s #%d", text.data, same) : (char *) text.data);
	}
	return labels;
}
