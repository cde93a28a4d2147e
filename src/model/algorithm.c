/*
 * algorithm.c
 *	  The list of algorithms, and values of type reco.algorithm.
 *
 * A value is a jsonb object: "algorithm" names one, every other key is one of
 * its options.  A missing key or a null takes the default.
 */
#include "model/model.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/numeric.h"

#include <math.h>

static const RecoAlgorithm *const algorithms[] = {
#define RECO_ALGORITHM(name) &reco_algorithm_##name,
#include "model/algorithms.h"
#undef RECO_ALGORITHM
};

const RecoAlgorithm *
reco_algorithm_find(const char *name)
{
	StringInfoData names;

	for (int i = 0; i < lengthof(algorithms); i++)
		if (strcmp(algorithms[i]->name, name) == 0)
			return algorithms[i];
	initStringInfo(&names);
	for (int i = 0; i < lengthof(algorithms); i++)
		appendStringInfo(&names, "%sreco.%s()", i ? ", " : "", algorithms[i]->name);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("unrecognized algorithm \"%s\"", name),
					errhint("Valid algorithms are: %s.", names.data)));
}

/* An object of numbers, or NULL when it is something else. */
static const reco_weights *
weights_of(JsonbContainer *object)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue item;
	reco_weights *weights = palloc0(sizeof(reco_weights));
	int size = JsonContainerSize(object);

	if (!JsonContainerIsObject(object))
		return NULL;
	weights->name = palloc((size + 1) * sizeof(char *));
	weights->weight = palloc((size + 1) * sizeof(double));
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			weights->name[weights->n] = pnstrdup(item.val.string.val, item.val.string.len);
		else if (token == WJB_VALUE)
		{
			if (item.type != jbvNumeric)
				return NULL;
			weights->weight[weights->n++] = DatumGetFloat8(
				DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(item.val.numeric)));
		}
	}
	return weights;
}

/* As float8; but what rounding would bring back to 2^53, or -2^53, stays beyond it. */
static double
number_of(Numeric from)
{
	const int64 most = INT64CONST(1) << 53;
	double number =
		DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(from)));

	if (fabs(number) == (double) most &&
		DatumGetBool(DirectFunctionCall2(numeric_gt,
										 DirectFunctionCall1(numeric_abs, NumericGetDatum(from)),
										 DirectFunctionCall1(int8_numeric, Int64GetDatum(most)))))
		return nextafter(number, 2 * number);
	return number;
}

static reco_value
value_of(const JsonbValue *from)
{
	reco_value value = {RECO_VALUE_OTHER};

	switch (from->type)
	{
		case jbvNull:
			value.kind = RECO_VALUE_NULL;
			break;
		case jbvNumeric:
			value.kind = RECO_VALUE_NUMBER;
			value.number = number_of(from->val.numeric);
			break;
		case jbvBool:
			value.kind = RECO_VALUE_BOOL;
			value.boolean = from->val.boolean;
			break;
		case jbvString:
			value.kind = RECO_VALUE_STRING;
			value.string = pnstrdup(from->val.string.val, from->val.string.len);
			break;
		case jbvBinary:
			value.weights = weights_of(from->val.binary.data);
			if (value.weights)
				value.kind = RECO_VALUE_WEIGHTS;
			break;
		default:
			break;
	}
	return value;
}

/*
 * Fills target from a jsonb object (NULL: defaults only).  owner is how errors
 * name it; skip_key is a key that is no option.
 */
void
reco_options_parse(const reco_option *table, void *target, const char *owner, Jsonb *object,
				   const char *skip_key)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue item;
	char *key = NULL;

	reco_options_init(table, target);
	if (object == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(object))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be a JSON object", owner)));
	iterator = JsonbIteratorInit(&object->root);
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		reco_option_error error;
		reco_value value;

		if (token == WJB_KEY)
			key = pnstrdup(item.val.string.val, item.val.string.len);
		if (token != WJB_VALUE || (skip_key && strcmp(key, skip_key) == 0))
			continue;
		value = value_of(&item);
		if (!reco_options_set(table, target, owner, key, &value, &error))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg_internal("%s", error.message),
					 error.hint[0] ? errhint("%s", error.hint) : 0));
	}
}

/*
 * A jsonb value as algorithm and parameters, palloc'd; an error when it is none.
 */
RecoSpec *
reco_spec_parse(Jsonb *object)
{
	JsonbValue buffer;
	JsonbValue *name = NULL;
	RecoSpec *spec = palloc(sizeof(RecoSpec));
	char *owner;

	if (JB_ROOT_IS_OBJECT(object))
		name =
			getKeyJsonValueFromContainer(&object->root, "algorithm", strlen("algorithm"), &buffer);
	if (name == NULL || name->type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("value is not an algorithm"),
				 errhint("Make one with a function such as reco.ials(factors => 64).")));
	spec->algorithm = reco_algorithm_find(pnstrdup(name->val.string.val, name->val.string.len));
	spec->params = palloc0(spec->algorithm->params_size + 1);
	owner = psprintf("algorithm \"%s\"", spec->algorithm->name);
	reco_options_parse(spec->algorithm->options, spec->params, owner, object, "algorithm");
	if (spec->algorithm->check)
		spec->algorithm->check(spec->params);
	spec->predicts_value =
		spec->algorithm->predicts_value && spec->algorithm->predicts_value(spec->params);
	return spec;
}

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

/*
 * An algorithm as one would write it: ials(factors => 64, alpha => 1, ...).
 */
char *
reco_spec_describe(const RecoSpec *spec)
{
	StringInfoData text;
	const char *separator = "";

	initStringInfo(&text);
	appendStringInfo(&text, "%s(", spec->algorithm->name);
	for (const reco_option *option = spec->algorithm->options; option->name; option++)
	{
		const char *field = (const char *) spec->params + option->offset;

		appendStringInfo(&text, "%s%s => ", separator, option->name);
		separator = ", ";
		switch (option->type)
		{
			case RECO_OPTION_INT:
				appendStringInfo(&text, "%d", *(const int *) field);
				break;
			case RECO_OPTION_SEED:
				appendStringInfo(&text, UINT64_FORMAT, *(const uint64_t *) field);
				break;
			case RECO_OPTION_REAL:
				appendStringInfoString(&text, float8out_internal(*(const double *) field));
				break;
			case RECO_OPTION_BOOL:
				appendStringInfoString(&text, *(const bool *) field ? "true" : "false");
				break;
			case RECO_OPTION_ENUM:
				appendStringInfo(&text, "'%s'", option->choices[*(const int *) field]);
				break;
			case RECO_OPTION_WEIGHTS:
				describe_weights(&text, *(const reco_weights *const *) field);
				break;
		}
	}
	appendStringInfoChar(&text, ')');
	return text.data;
}

void
reco_features_missing(const RecoSpec *spec)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("algorithm \"%s\" needs to know something about the items",
						   spec->algorithm->name),
					errhint("Give a query of the item's id and its features, such as items => "
							"'SELECT id, tags FROM products'.")));
}

/* The smallest and the largest value of a matrix; 1 where it keeps none. */
void
reco_value_range(const reco_csr *a, float *min, float *max)
{
	*min = *max = a->value && a->start[a->rows] > 0 ? a->value[0] : 1;
	if (a->value)
		for (int64 e = 1; e < a->start[a->rows]; e++)
		{
			*min = Min(*min, a->value[e]);
			*max = Max(*max, a->value[e]);
			RECO_POLL_AT(e);
		}
}

/* n zeros. */
float *
reco_zeros(RecoBudget *budget, int32 n)
{
	float *memory = reco_budget_alloc(budget, ((Size) n + 1) * sizeof(float));

	memset(memory, 0, ((Size) n + 1) * sizeof(float));
	return memory;
}

void
reco_training_threads(const RecoTraining *training)
{
	const RecoAlgorithm *algorithm = training->spec->algorithm;

	if (algorithm->parallel && algorithm->parallel(training))
		reco_budget_threads(training->budget);
}

/* An error that says of what, and from where to where the values were. */
static void
out_of_range(const RecoTraining *training, const char *what)
{
	float min;
	float max;

	reco_value_range(&training->by_user, &min, &max);
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("training ended with %s that are out of range", what),
			 errdetail("A model holds numbers from %g to %g; the values that were trained on are "
					   "from %g to %g.",
					   -RECO_MAX_FACTOR, RECO_MAX_FACTOR, min, max),
			 errhint("Scale the source's values, or take their logarithm; a larger "
					 "\"regularization\", where the algorithm has one, makes factors smaller.")));
}

/* Whether n floats, NULL: none, are all such as loading accepts. */
static bool
floats_fit(const float *x, Size n)
{
	for (Size i = 0; x && i < n; i++)
	{
		RECO_POLL_AT(i);
		if (!(fabsf(x[i]) <= RECO_MAX_FACTOR))
			return false;
	}
	return true;
}

static bool
lists_fit(const reco_neighbors *lists)
{
	for (int64 k = 0; lists->start && k < lists->start[lists->rows]; k++)
	{
		RECO_POLL_AT(k);
		if (!(fabs(lists->similarity[k]) <= RECO_MAX_FACTOR))
			return false;
	}
	return true;
}

static bool
features_fit(const RecoFeatures *features)
{
	for (int f = 0; features && f < features->content.fields; f++)
		if (!(fabs(features->mean[f]) <= RECO_MAX_FACTOR) ||
			!(fabs(features->deviation[f]) <= RECO_MAX_FACTOR))
			return false;
	return true;
}

void
reco_training_fit(const RecoTraining *training, RecoTrained *out)
{
	const RecoModel *model = &out->model;

	training->spec->algorithm->fit(training, out);
	if (!floats_fit(out->user, (Size) out->users * model->stride) ||
		!floats_fit(model->item, (Size) model->items * model->stride))
		out_of_range(training, "factors");
	if (!floats_fit(out->user_bias, out->users) || !floats_fit(model->item_bias, model->items) ||
		!(fabs(model->mean) <= RECO_MAX_FACTOR))
		out_of_range(training, "biases or a mean");
	if (!lists_fit(&model->neighbors) || !lists_fit(&out->user_neighbors))
		out_of_range(training, "similarities");
	if (!features_fit(training->features))
		out_of_range(training, "numbers of items");
}

/* The name that a text begins with, as of a call: "reco.ials(factors => 8)". */
static char *
first_name(const char *text)
{
	size_t length;

	text += strspn(text, " \t\r\n");
	if (pg_strncasecmp(text, "reco.", 5) == 0)
		text += 5;
	length = strspn(text, "abcdefghijklmnopqrstuvwxyz_0123456789");
	return pnstrdup(text, length);
}

Jsonb *
reco_algorithm_from_text(const char *text)
{
	char *name = first_name(text);

	if (text[strspn(text, " \t\r\n")] == '{')
	{
		Jsonb *value =
			DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(pstrdup(text))));

		(void) reco_spec_parse(value);
		return value;
	}
	/* an error that lists them unless it is the name of one */
	(void) reco_algorithm_find(
		name[0] ? name : pnstrdup(text, pg_mbcliplen(text, (int) strlen(text), 60)));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%.*s\" is a text, not an algorithm",
					pg_mbcliplen(text, (int) strlen(text), 60), text),
			 errhint("Write the call of the function without quotes: algorithm => reco.%s(...).",
					 name)));
}
