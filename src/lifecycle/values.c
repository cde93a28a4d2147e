/*
 * values.c
 *	  Values of type reco.algorithm and reco.data_options in SQL.
 */
#include "model/model.h"

#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "store/source/source.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include <math.h>

RECO_FUNCTION(reco_is_algorithm);
RECO_FUNCTION(reco_is_data_options);
RECO_FUNCTION(reco_describe);
RECO_FUNCTION(reco_make_algorithm);
RECO_FUNCTION(reco_make_options);

/* An interval, as it is read whatever IntervalStyle is, and by servers that read no large numbers.
 */
static char *
interval_text(const Interval *interval, const char *name)
{
	uint64 time = interval->time < 0 ? -(uint64) interval->time : (uint64) interval->time;
	uint64 seconds = time / USECS_PER_SEC;

	if (INTERVAL_NOT_FINITE(interval))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"%s\" of reco.options must be finite", name),
						errhint("Give a length of time, such as '30 days', or NULL.")));
	return psprintf("%d mons %d days %s" UINT64_FORMAT ":%02d:%02d.%06d", interval->month,
					interval->day, interval->time < 0 ? "-" : "", seconds / SECS_PER_HOUR,
					(int) (seconds % SECS_PER_HOUR / SECS_PER_MINUTE),
					(int) (seconds % SECS_PER_MINUTE), (int) (time % USECS_PER_SEC));
}

/* Adds an argument, or an element of one; type: the base type. */
static void
push_value(JsonbParseState **state, JsonbIteratorToken as, Oid type, Datum given, const char *name,
		   const char *algorithm)
{
	JsonbValue value;

	switch (type)
	{
		case BOOLOID:
			value.type = jbvBool;
			value.val.boolean = DatumGetBool(given);
			break;
		case INT4OID:
			value.type = jbvNumeric;
			value.val.numeric = DatumGetNumeric(DirectFunctionCall1(int4_numeric, given));
			break;
		case INT8OID:
			value.type = jbvNumeric;
			value.val.numeric = DatumGetNumeric(DirectFunctionCall1(int8_numeric, given));
			break;
		case FLOAT8OID:
			/* a JSON number cannot be infinite; NaN fails the option's range check */
			if (isinf(DatumGetFloat8(given)))
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
								errmsg("option \"%s\" of %s must be finite", name,
									   algorithm ? psprintf("algorithm \"%s\"", algorithm)
												 : "reco.options")));
			value.type = jbvNumeric;
			value.val.numeric = DatumGetNumeric(DirectFunctionCall1(float8_numeric, given));
			break;
		case TEXTOID:
			value.type = jbvString;
			value.val.string.val = text_to_cstring(DatumGetTextPP(given));
			value.val.string.len = strlen(value.val.string.val);
			break;
		case INTERVALOID:
			value.type = jbvString;
			value.val.string.val = interval_text(DatumGetIntervalP(given), name);
			value.val.string.len = strlen(value.val.string.val);
			break;
		case TIMESTAMPTZOID:
			/* by the clock of the session, with its offset */
			value.type = jbvString;
			value.val.string.val =
				JsonEncodeDateTime(palloc(MAXDATELEN + 1), given, TIMESTAMPTZOID, NULL);
			value.val.string.len = strlen(value.val.string.val);
			break;
		case JSONBOID:
			/* what an object holds is checked with the option */
			value.type = jbvBinary;
			value.val.binary.data = &DatumGetJsonbP(given)->root;
			value.val.binary.len = VARSIZE(DatumGetJsonbP(given)) - VARHDRSZ;
			break;
		default:
			elog(ERROR, "argument \"%s\" has a type that an option cannot have", name);
	}
	pushJsonbValue(state, as, &value);
}

static void
push_array(JsonbParseState **state, ArrayType *array, Oid type, const char *name,
		   const char *algorithm)
{
	Datum *values;
	bool *nulls;
	int n;
	int16 length;
	bool by_value;
	char align;

	get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &by_value, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), length, by_value, align, &values, &nulls, &n);
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("option \"%s\" of %s must not contain nulls", name,
							algorithm ? psprintf("algorithm \"%s\"", algorithm) : "reco.options")));
		push_value(state, WJB_ELEM, type, values[i], name, algorithm);
	}
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

/*
 * The arguments of the calling function as a jsonb object, by their names;
 * those that are null are left out.
 */
static Jsonb *
arguments_as_jsonb(FunctionCallInfo fcinfo, const char *algorithm)
{
	JsonbParseState *state = NULL;
	JsonbValue value;
	HeapTuple function = SearchSysCache1(PROCOID, ObjectIdGetDatum(fcinfo->flinfo->fn_oid));
	Oid *types;
	char **names = NULL;
	char *modes;
	int n;

	if (!HeapTupleIsValid(function))
		elog(ERROR, "cache lookup failed for function %u", fcinfo->flinfo->fn_oid);
	n = get_func_arg_info(function, &types, &names, &modes);
	ReleaseSysCache(function);
	if (n != PG_NARGS() || (n > 0 && names == NULL))
		elog(ERROR, "function %u is not declared as reco expects", fcinfo->flinfo->fn_oid);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	if (algorithm)
	{
		value.type = jbvString;
		value.val.string.val = "algorithm";
		value.val.string.len = strlen("algorithm");
		pushJsonbValue(&state, WJB_KEY, &value);
		value.val.string.val = (char *) algorithm;
		value.val.string.len = strlen(algorithm);
		pushJsonbValue(&state, WJB_VALUE, &value);
	}
	for (int i = 0; i < n; i++)
	{
		Oid type = getBaseType(types[i]);
		Oid element = get_element_type(type);

		if (PG_ARGISNULL(i))
			continue;
		value.type = jbvString;
		value.val.string.val = names[i];
		value.val.string.len = strlen(names[i]);
		pushJsonbValue(&state, WJB_KEY, &value);
		if (OidIsValid(element))
			push_array(&state, PG_GETARG_ARRAYTYPE_P(i), getBaseType(element), names[i], algorithm);
		else
			push_value(&state, WJB_VALUE, type, PG_GETARG_DATUM(i), names[i], algorithm);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/*
 * reco.ials(...), reco.als(...) and all the others.
 */
Datum
reco_make_algorithm(PG_FUNCTION_ARGS)
{
	char *name = get_func_name(fcinfo->flinfo->fn_oid);
	Jsonb *value = arguments_as_jsonb(fcinfo, name);

	(void) reco_spec_parse(value);
	PG_RETURN_JSONB_P(value);
}

Datum
reco_make_options(PG_FUNCTION_ARGS)
{
	Jsonb *value = arguments_as_jsonb(fcinfo, NULL);
	RecoDataOptions options;

	reco_data_options_parse(value, &options);
	PG_RETURN_JSONB_P(value);
}

Datum
reco_is_algorithm(PG_FUNCTION_ARGS)
{
	struct varlena *valid = fcinfo->flinfo->fn_extra;
	Jsonb *value = PG_GETARG_JSONB_P(0);

	/* a literal of the domain is checked for every row of a query: the same bytes once are enough
	 */
	if (valid && VARSIZE(valid) == VARSIZE(value) && memcmp(valid, value, VARSIZE(value)) == 0)
		PG_RETURN_BOOL(true);
	(void) reco_spec_parse(value);
	if (valid)
		pfree(valid);
	fcinfo->flinfo->fn_extra = NULL;
	valid = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, VARSIZE(value));
	fcinfo->flinfo->fn_extra = memcpy(valid, value, VARSIZE(value));
	PG_RETURN_BOOL(true);
}

Datum
reco_is_data_options(PG_FUNCTION_ARGS)
{
	RecoDataOptions options;

	reco_data_options_parse(PG_GETARG_JSONB_P(0), &options);
	PG_RETURN_BOOL(true);
}

Datum
reco_describe(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(reco_spec_describe(reco_spec_parse(PG_GETARG_JSONB_P(0)))));
}
