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

const RecoAlgorithm *
reco_algorithm_nth(int n)
{
	return n < lengthof(algorithms) ? algorithms[n] : NULL;
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

/* An array of texts, or NULL when it is something else. */
static const reco_texts *
texts_of(JsonbContainer *array)
{
	JsonbIterator *iterator = JsonbIteratorInit(array);
	JsonbIteratorToken token;
	JsonbValue item;
	reco_texts *texts = palloc(sizeof(reco_texts));

	texts->n = 0;
	texts->value = palloc((JsonContainerSize(array) + 1) * sizeof(char *));
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		if (item.type != jbvString)
			return NULL;
		texts->value[texts->n++] = pnstrdup(item.val.string.val, item.val.string.len);
	}
	return texts;
}

/* Where a nested algorithm stands, for its errors. */
typedef struct Place
{
	const char *owner;
	const char *option;
	int number; /* in a list, from 1; 0: it is no list */
} Place;

static void
add_context(void *arg)
{
	const Place *place = arg;

	if (place->number > 0)
		errcontext("option \"%s\"[%d] of %s", place->option, place->number, place->owner);
	else
		errcontext("option \"%s\" of %s", place->option, place->owner);
}

static RecoSpec *spec_parse(JsonbContainer *object, int depth);

/* An algorithm inside another. */
static RecoSpec *
parse_member(const JsonbValue *from, Place *place, int depth)
{
	ErrorContextCallback callback = {error_context_stack, add_context, place};
	RecoSpec *spec;

	error_context_stack = &callback;
	if (from->type != jbvBinary)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("value is not an algorithm"),
				 errhint("Make one with a function such as reco.ials(factors => 64).")));
	spec = spec_parse(from->val.binary.data, depth + 1);
	error_context_stack = callback.previous;
	return spec;
}

/* An array of algorithms. */
static const reco_nested *
members_of(JsonbContainer *array, double most, Place *place, int depth)
{
	JsonbIterator *iterator = JsonbIteratorInit(array);
	JsonbIteratorToken token;
	JsonbValue item;
	reco_nested *list = palloc(sizeof(reco_nested));

	/* what is refused for its length is not looked at */
	list->n = JsonContainerSize(array);
	list->value = NULL;
	if (list->n > most)
		return list;
	list->n = 0;
	list->value = palloc((JsonContainerSize(array) + 1) * sizeof(void *));
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
		if (token == WJB_ELEM)
		{
			place->number = list->n + 1;
			list->value[list->n++] = parse_member(&item, place, depth);
		}
	return list;
}

/* An array of numbers, or NULL when it is something else. */
static const reco_reals *
reals_of(JsonbContainer *array)
{
	JsonbIterator *iterator = JsonbIteratorInit(array);
	JsonbIteratorToken token;
	JsonbValue item;
	reco_reals *reals = palloc(sizeof(reco_reals));

	reals->n = 0;
	reals->value = palloc((JsonContainerSize(array) + 1) * sizeof(double));
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		if (item.type != jbvNumeric)
			return NULL;
		reals->value[reals->n++] = number_of(item.val.numeric);
	}
	return reals;
}

/* An object or an array, as the option takes it. */
static reco_value
container_of(JsonbContainer *from, const reco_option *option, const char *owner, int depth)
{
	reco_value value = {RECO_VALUE_OTHER};
	Place place = {owner, option ? option->name : ""};
	JsonbValue whole = {.type = jbvBinary, .val.binary.data = from};

	if (option == NULL)
		return value;
	if (option->type == RECO_OPTION_NESTED && JsonContainerIsObject(from))
	{
		value.nested = parse_member(&whole, &place, depth);
		value.kind = RECO_VALUE_NESTED;
	}
	else if (option->type == RECO_OPTION_NESTED_LIST && JsonContainerIsArray(from))
	{
		value.list = members_of(from, option->max, &place, depth);
		value.kind = RECO_VALUE_NESTED_LIST;
	}
	else if (option->type == RECO_OPTION_REALS && JsonContainerIsArray(from))
	{
		value.reals = reals_of(from);
		value.kind = value.reals ? RECO_VALUE_REALS : RECO_VALUE_OTHER;
	}
	else if (option->type == RECO_OPTION_TEXTS && JsonContainerIsArray(from))
	{
		value.texts = texts_of(from);
		value.kind = value.texts ? RECO_VALUE_TEXTS : RECO_VALUE_OTHER;
	}
	else if (option->type == RECO_OPTION_JSON && JsonContainerIsArray(from) &&
			 !JsonContainerIsScalar(from))
	{
		value.string = JsonbToCString(NULL, from, 0);
		value.kind = RECO_VALUE_JSON;
	}
	else if (option->type == RECO_OPTION_WEIGHTS)
	{
		value.weights = weights_of(from);
		value.kind = value.weights ? RECO_VALUE_WEIGHTS : RECO_VALUE_OTHER;
	}
	return value;
}

/* option: what it is for; NULL: there is none of that name. */
static reco_value
value_of(const JsonbValue *from, const reco_option *option, const char *owner, int depth)
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
			return container_of(from->val.binary.data, option, owner, depth);
		default:
			break;
	}
	return value;
}

static void
option_error(const reco_option_error *error)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg_internal("%s", error->message),
					error->hint[0] ? errhint("%s", error->hint) : 0));
}

static void
options_parse(const reco_option *table, void *target, const char *owner, JsonbContainer *object,
			  const char *skip_key, int depth)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue item;
	reco_option_error error;
	char *key = NULL;

	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		reco_value value;

		if (token == WJB_KEY)
			key = pnstrdup(item.val.string.val, item.val.string.len);
		if (token != WJB_VALUE || (skip_key && strcmp(key, skip_key) == 0))
			continue;
		value = value_of(&item, reco_option_find(table, key), owner, depth);
		if (!reco_options_set(table, target, owner, key, &value, &error))
			option_error(&error);
	}
}

/*
 * Fills target from a jsonb object (NULL: defaults only).  owner is how errors
 * name it; skip_key is a key that is no option.
 */
void
reco_options_parse(const reco_option *table, void *target, const char *owner, Jsonb *object,
				   const char *skip_key)
{
	reco_options_init(table, target);
	if (object == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(object))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be a JSON object", owner)));
	options_parse(table, target, owner, &object->root, skip_key, 1);
}

/* The algorithms among the options become members. */
void
reco_spec_find_members(RecoSpec *spec)
{
	const reco_option *table = spec->algorithm->options;
	int room = 0;

	for (int pass = 0; pass < 2; pass++)
	{
		for (const reco_option *option = table; option->name; option++)
		{
			char *field = (char *) spec->params + option->offset;
			const reco_nested *list = NULL;
			reco_nested one = {1, (void **) field};

			if (option->type == RECO_OPTION_NESTED && *(void **) field)
				list = &one;
			else if (option->type == RECO_OPTION_NESTED_LIST)
				list = *(const reco_nested **) field;
			for (int k = 0; list && k < list->n; k++)
				if (pass == 0)
					room++;
				else
					spec->member[spec->members++] = list->value[k];
		}
		if (pass == 0)
			spec->member = palloc((room + 1) * sizeof(RecoSpec *));
	}
}

static RecoFeatureUse
features_of(const RecoSpec *spec)
{
	RecoFeatureUse use = RECO_FEATURES_NONE;

	if (spec->algorithm->features)
		return spec->algorithm->features(spec);
	for (int m = 0; m < spec->members; m++)
		use = Max(use, spec->member[m]->features);
	return use;
}

static int
count_members(const RecoSpec *spec)
{
	int members = 1;

	for (int m = 0; m < spec->members; m++)
		members += count_members(spec->member[m]);
	return members;
}

/* depth: 1 for one that is in no other. */
static RecoSpec *
spec_parse(JsonbContainer *object, int depth)
{
	JsonbValue buffer;
	JsonbValue *name = NULL;
	RecoSpec *spec = palloc0(sizeof(RecoSpec));
	reco_option_error error;
	char *owner;

	check_stack_depth();
	if (depth > RECO_MAX_NESTING)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("algorithms are nested too deeply"),
						errdetail("There may be %d levels of them.", RECO_MAX_NESTING),
						errhint("Put the members of an inner algorithm beside those of the outer "
								"one.")));
	if (JsonContainerIsObject(object))
		name = getKeyJsonValueFromContainer(object, "algorithm", strlen("algorithm"), &buffer);
	if (name == NULL || name->type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("value is not an algorithm"),
				 errhint("Make one with a function such as reco.ials(factors => 64).")));
	spec->algorithm = reco_algorithm_find(pnstrdup(name->val.string.val, name->val.string.len));
	spec->params = palloc0(spec->algorithm->params_size + 1);
	owner = psprintf("algorithm \"%s\"", spec->algorithm->name);
	reco_options_init(spec->algorithm->options, spec->params);
	options_parse(spec->algorithm->options, spec->params, owner, object, "algorithm", depth);
	if (!reco_options_complete(spec->algorithm->options, spec->params, owner, &error))
		option_error(&error);
	reco_spec_find_members(spec);
	if (count_members(spec) > 1 + RECO_MAX_MEMBERS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("%s is made of too many others", owner),
						errdetail("There may be %d of them, those of its members among them.",
								  RECO_MAX_MEMBERS),
						errhint("Leave out those of the least weight.")));
	if (spec->algorithm->check)
		spec->algorithm->check(spec->params);
	spec->predicts_value = spec->algorithm->predicts_value && spec->algorithm->predicts_value(spec);
	spec->features = features_of(spec);
	reco_spec_find_raw(spec);
	spec->latest = spec->members > 0 ? spec->member[0]->latest : spec->predicts_value;
	spec->needs_users = spec->algorithm->needs_users && spec->algorithm->needs_users(spec);
	for (int m = 0; m < spec->members; m++)
		spec->needs_users = spec->needs_users || spec->member[m]->needs_users;
	return spec;
}

/*
 * A jsonb value as algorithm and parameters, palloc'd; an error when it is none.
 */
RecoSpec *
reco_spec_parse(Jsonb *object)
{
	return spec_parse(&object->root, 1);
}

void
reco_features_missing(const RecoSpec *spec)
{
	/* of a composite, the one that asks */
	for (int m = 0; m < spec->members; m++)
		if (spec->member[m]->features == RECO_FEATURES_REQUIRED)
			reco_features_missing(spec->member[m]);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("algorithm \"%s\" needs to know something about the items",
						   spec->algorithm->name),
					errhint("Give a query of the item's id and its features, such as items => "
							"'SELECT id, tags FROM products'.")));
}

/* A member and those that it is made of, to at and after it; returns what follows. */
static RecoMember *
make_member(const RecoSpec *spec, RecoMember *at)
{
	RecoMember *next = at + 1;

	if (spec->algorithm->wraps)
		return make_member(spec->member[0], at);

	at->spec = spec;
	at->type = spec->algorithm->parts(spec, &at->parts);
	at->part = palloc0((at->parts + 1) * sizeof(RecoPart));
	at->members = spec->members;
	at->member = palloc((at->members + 1) * sizeof(RecoMember *));
	for (int m = 0; m < at->members; m++)
	{
		at->member[m] = next;
		next = make_member(spec->member[m], next);
	}
	return next;
}

int
reco_members_make(const RecoSpec *spec, RecoMember **member)
{
	int members = count_members(spec);

	if (reco_spec_is_replaced(spec))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("algorithm \"%s\" is none that is trained", spec->algorithm->name),
						errhint("Give the algorithm of a version, which is what was chosen.")));
	*member = palloc0(members * sizeof(RecoMember));
	return (int) (make_member(spec, *member) - *member);
}

RecoPart *
reco_member_role(const RecoMember *member, RecoSide side, RecoRole role, const RecoPartType **type)
{
	for (int p = 0; p < member->parts; p++)
		if (member->type[p].side == side && member->type[p].role == role)
		{
			if (type)
				*type = &member->type[p];
			return member->part[p].data || member->part[p].start ? &member->part[p] : NULL;
		}
	return NULL;
}

void
reco_model_profile(const RecoModel *model, const reco_csr *by_user, int32 u, reco_profile *profile)
{
	int64 from = by_user->start[u];

	*profile = (reco_profile){
		.n = by_user->start[u + 1] - from,
		.item = by_user->col + from,
		.value = by_user->value ? by_user->value + from : NULL,
		.user = u + 1,
	};
	if (model->seen)
	{
		profile->has = model->seen->col + model->seen->start[u];
		profile->n_has = model->seen->start[u + 1] - model->seen->start[u];
	}
	reco_part_profile(&model->member[0], model->member[0].part, u, profile);
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

bool
reco_algorithm_is_named(const char *text)
{
	char *name = first_name(text);

	for (int i = 0; i < lengthof(algorithms); i++)
		if (strcmp(algorithms[i]->name, name) == 0)
			return true;
	return text[strspn(text, " \t\r\n")] == '{';
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
