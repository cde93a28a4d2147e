/*
 * request.c
 *	  What a serving function was asked: the model, the subject and the options.
 *
 * Lists of ids travel in the options as JSON arrays, so that the internal
 * functions keep one shape for models of any type of id: integers as numbers,
 * everything else in its text form.
 */
#include "serving/request.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "store/tables/rights.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

/* Functions that tell of several users, by what these have and not by the model alone. */
static const char *const about_users[] = {"audience", "bought_together", "demand", "growth",
										  "similar_users"};

/* A private model's counts have noise, so exact ones are for those who may read the users. */
static void
check_private(const Request *request, const char *function)
{
	if (!reco_spec_is_private(request->serving->model.spec))
		return;
	for (int f = 0; f < lengthof(about_users); f++)
		if (strcmp(about_users[f], function) == 0)
			reco_rights_check_users(&request->row, function);
}

void
request_read(FunctionCallInfo fcinfo, const char *function, Request *request)
{
	memset(request, 0, sizeof(*request));
	reco_require_argument(fcinfo, 0, "model");
	request->serving = reco_serving_open(PG_GETARG_OID(0), function, &request->row);
	check_private(request, function);
	request->has_subject = !PG_ARGISNULL(1);
	if (request->has_subject)
		request->subject = PG_GETARG_DATUM(1);
	request->subject_type = get_fn_expr_argtype(fcinfo->flinfo, 1);
	if (!OidIsValid(request->subject_type))
		elog(ERROR, "could not determine the type of the subject");
	if (!PG_ARGISNULL(2))
	{
		request->options = PG_GETARG_JSONB_P(2);
		if (!JB_ROOT_IS_OBJECT(request->options))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("options must be a JSON object")));
	}
}

bool
request_user(Request *request, ServedUser *user)
{
	const IdType *type = request->serving->user_type;

	user->is_told = request->has_subject && id_from_datum(id_type_asked(type), request->subject,
														  request->subject_type, &user->asked);
	return user->is_told && id_stored(type, user->asked, &user->id);
}

bool
request_item(Request *request, Datum *id)
{
	return request->has_subject &&
		   id_from_datum(request->serving->item_type, request->subject, request->subject_type, id);
}

/* False when missing or null. */
static bool
get_option(Request *request, const char *name, JsonbValue *value)
{
	if (request->options == NULL)
		return false;
	return getKeyJsonValueFromContainer(&request->options->root, name, strlen(name), value) !=
			   NULL &&
		   value->type != jbvNull;
}

static pg_attribute_noreturn() void wrong_type(const char *name, const char *wanted)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("option \"%s\" must be %s", name, wanted)));
}

/* A whole number of an option; rounds a fraction as SQL does, and takes none that is too large. */
static int64
whole_number(const JsonbValue *value, const char *name, int64 least, int64 most)
{
	Datum number = NumericGetDatum(value->val.numeric);
	bool fails = false;
	int32 small = numeric_int4_opt_error(value->val.numeric, &fails);

	/* as n is in most calls, and not rounded to a bound from beyond it */
	if (!fails && small > least && small < most)
		return small;
	if (DatumGetBool(DirectFunctionCall2(
			numeric_lt, number, DirectFunctionCall1(int8_numeric, Int64GetDatum(least)))) ||
		DatumGetBool(DirectFunctionCall2(numeric_gt, number,
										 DirectFunctionCall1(int8_numeric, Int64GetDatum(most)))))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("option \"%s\" must be a number from " INT64_FORMAT " to " INT64_FORMAT,
						name, least, most)));
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, number));
}

bool
request_bool(Request *request, const char *name, bool fallback)
{
	JsonbValue value;

	if (!get_option(request, name, &value))
		return fallback;
	if (value.type != jbvBool)
		wrong_type(name, "a boolean");
	return value.val.boolean;
}

char *
request_string(Request *request, const char *name, const char *fallback)
{
	JsonbValue value;

	if (!get_option(request, name, &value))
		return pstrdup(fallback);
	if (value.type != jbvString)
		wrong_type(name, "a string");
	return pnstrdup(value.val.string.val, value.val.string.len);
}

bool
request_has(Request *request, const char *name)
{
	JsonbValue value;

	return get_option(request, name, &value);
}

double
request_number(Request *request, const char *name, double fallback)
{
	JsonbValue value;

	if (!get_option(request, name, &value))
		return fallback;
	if (value.type != jbvNumeric)
		wrong_type(name, "a number");
	return DatumGetFloat8(
		DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value.val.numeric)));
}

double
request_share(Request *request, const char *name)
{
	double share = request_number(request, name, 0);

	if (!(share >= 0 && share <= 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be a number from 0 to 1", name)));
	return share;
}

int64
request_int64(Request *request, const char *name, int64 fallback)
{
	JsonbValue value;

	if (!get_option(request, name, &value))
		return fallback;
	if (value.type != jbvNumeric)
		wrong_type(name, "a number");
	return whole_number(&value, name, PG_INT64_MIN, PG_INT64_MAX);
}

int32
request_n(Request *request, int32 all)
{
	JsonbValue value;
	int32 n;

	if (!get_option(request, "n", &value))
		return all;
	if (value.type != jbvNumeric)
		wrong_type("n", "a number");
	n = (int32) whole_number(&value, "n", PG_INT32_MIN, PG_INT32_MAX);
	if (n < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("n must not be negative"),
						errhint("NULL means all.")));
	return Min(n, all);
}

/* What an option has in the place of an id. */
static pg_attribute_noreturn() void no_id(const char *name, const IdType *type,
										  const JsonbValue *value)
{
	const char *what = value->type == jbvBool                         ? "a boolean"
					   : JsonContainerIsArray(value->val.binary.data) ? "an array"
																	  : "an object";

	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("\"%s\" must be ids of type %s", name, format_type_be(type->type)),
					errdetail("One of them is %s of JSON.", what),
					errhint("An id is a number or a string there: of another type, its text.")));
}

/*
 * One id out of the options; false when no id can equal it.
 */
static bool
id_of(IdType *type, const char *name, const JsonbValue *value, Datum *id)
{
	if (value->type == jbvNull)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("\"%s\" must not contain nulls", name),
						errhint("Leave the nulls out: array_remove() does.")));
	if (value->type == jbvString)
		return id_from_text(type, pnstrdup(value->val.string.val, value->val.string.len), id);
	if (value->type != jbvNumeric)
		no_id(name, id_type_asked(type), value);
	/* one with a fraction, or beyond all integers, is unknown */
	if (id_type_asked(type)->integer)
		return id_from_datum(type, NumericGetDatum(value->val.numeric), NUMERICOID, id);
	return id_from_text(
		type,
		DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric))), id);
}

static pg_attribute_noreturn() void not_flat(const char *name)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s must be a one-dimensional array", name)));
}

int32 *
request_subject_items(Request *request, const char *name, int *n)
{
	Serving *serving = request->serving;
	Oid type = get_element_type(getBaseType(request->subject_type));
	Datum *ids = &request->subject;
	bool *nulls = NULL;
	int32 *number;
	MemoryContext scratch =
		AllocSetContextCreate(CurrentMemoryContext, "reco item", ALLOCSET_SMALL_SIZES);

	*n = 1;
	if (OidIsValid(type))
	{
		ArrayType *array = DatumGetArrayTypeP(request->subject);
		int16 typlen;
		bool typbyval;
		char typalign;

		if (ARR_NDIM(array) > 1 && !OidIsValid(get_element_type(serving->item_type->base)))
			not_flat(name);
		get_typlenbyvalalign(type, &typlen, &typbyval, &typalign);
		deconstruct_array(array, type, typlen, typbyval, typalign, &ids, &nulls, n);
	}
	else
		type = request->subject_type;
	number = palloc((*n + 1) * sizeof(int32));
	for (int k = 0; k < *n; k++)
	{
		Datum id;
		MemoryContext old;

		reco_poll();
		if (nulls && nulls[k])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("\"%s\" must not contain nulls", name),
							errhint("Leave the nulls out: array_remove() does.")));
		old = MemoryContextSwitchTo(scratch);
		number[k] = id_from_datum(serving->item_type, ids[k], type, &id)
						? reco_serving_item(serving, id)
						: -1;
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
	}
	MemoryContextDelete(scratch);
	return number;
}

/* serving: whose items the ids are; NULL: they have no number yet. */
static void
visit_id(IdType *type, const Serving *serving, const char *name, const JsonbValue *value,
		 IdVisitor visit, void *arg)
{
	Datum id = (Datum) 0;

	/* an id that cannot be has no datum either, but its place in the array */
	if (id_of(type, name, value, &id))
		visit(arg, serving ? reco_serving_item(serving, id) : -1, &id);
	else
		visit(arg, -1, NULL);
}

static bool
each_id(Request *request, const char *name, IdType *type, const Serving *serving, IdVisitor visit,
		void *arg)
{
	JsonbValue value;
	JsonbValue element;
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	MemoryContext scratch;

	if (!get_option(request, name, &value))
		return false;
	if (value.type != jbvBinary)
	{
		visit_id(type, serving, name, &value, visit, arg);
		return true;
	}
	if (!JsonContainerIsArray(value.val.binary.data))
		wrong_type(name, "an array");
	scratch = AllocSetContextCreate(CurrentMemoryContext, "reco id", ALLOCSET_SMALL_SIZES);
	iterator = JsonbIteratorInit(value.val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &element, true)) != WJB_DONE)
	{
		MemoryContext old;

		reco_poll();
		if (token != WJB_ELEM)
			continue;
		if (element.type == jbvBinary && JsonContainerIsArray(element.val.binary.data))
			not_flat(name);
		old = MemoryContextSwitchTo(scratch);
		visit_id(type, serving, name, &element, visit, arg);
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
	}
	MemoryContextDelete(scratch);
	return true;
}

bool
request_items(Request *request, const char *name, IdVisitor visit, void *arg)
{
	return each_id(request, name, request->serving->item_type, request->serving, visit, arg);
}

bool
request_users(Request *request, const char *name, IdVisitor visit, void *arg)
{
	return each_id(request, name, request->serving->user_type, NULL, visit, arg);
}

static void
note_item(void *arg, int32 number, const Datum *id)
{
	*(int32 *) arg = number;
}

int32
request_one_item(Request *request, const char *name)
{
	int32 item = -1;

	request_items(request, name, note_item, &item);
	return item;
}

float *
request_numbers(Request *request, const char *name, int *n)
{
	JsonbValue value;
	JsonbValue element;
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	float *numbers;

	*n = 0;
	if (!get_option(request, name, &value))
		return NULL;
	if (value.type != jbvBinary || !JsonContainerIsArray(value.val.binary.data))
		wrong_type(name, "an array of numbers");
	numbers = palloc((JsonContainerSize(value.val.binary.data) + 1) * sizeof(float));
	iterator = JsonbIteratorInit(value.val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &element, true)) != WJB_DONE)
	{
		reco_poll();
		if (token != WJB_ELEM)
			continue;
		if (element.type != jbvNumeric)
			wrong_type(name, "an array of numbers");
		/* one that is too large is infinite, and of no use to whoever asks */
		numbers[(*n)++] = (float) DatumGetFloat8(
			DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(element.val.numeric)));
	}
	return numbers;
}
