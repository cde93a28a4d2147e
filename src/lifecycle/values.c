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
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include <math.h>

RECO_FUNCTION(reco_is_algorithm);
RECO_FUNCTION(reco_is_data_options);
RECO_FUNCTION(reco_describe);
RECO_FUNCTION(reco_make_algorithm);
RECO_FUNCTION(reco_make_options);

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
		if (PG_ARGISNULL(i))
			continue;
		value.type = jbvString;
		value.val.string.val = names[i];
		value.val.string.len = strlen(names[i]);
		pushJsonbValue(&state, WJB_KEY, &value);
		switch (types[i])
		{
			case BOOLOID:
				value.type = jbvBool;
				value.val.boolean = PG_GETARG_BOOL(i);
				break;
			case INT4OID:
				value.type = jbvNumeric;
				value.val.numeric =
					DatumGetNumeric(DirectFunctionCall1(int4_numeric, PG_GETARG_DATUM(i)));
				break;
			case INT8OID:
				value.type = jbvNumeric;
				value.val.numeric =
					DatumGetNumeric(DirectFunctionCall1(int8_numeric, PG_GETARG_DATUM(i)));
				break;
			case FLOAT8OID:
				/* a JSON number cannot be infinite; NaN fails the option's range check */
				if (isinf(PG_GETARG_FLOAT8(i)))
					ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
									errmsg("option \"%s\" of %s must be finite", names[i],
										   algorithm ? psprintf("algorithm \"%s\"", algorithm)
													 : "reco.options")));
				value.type = jbvNumeric;
				value.val.numeric =
					DatumGetNumeric(DirectFunctionCall1(float8_numeric, PG_GETARG_DATUM(i)));
				break;
			case TEXTOID:
				value.type = jbvString;
				value.val.string.val = text_to_cstring(PG_GETARG_TEXT_PP(i));
				value.val.string.len = strlen(value.val.string.val);
				break;
			case JSONBOID:
				/* what an object holds is checked with the option */
				value.type = jbvBinary;
				value.val.binary.data = &PG_GETARG_JSONB_P(i)->root;
				value.val.binary.len = VARSIZE(PG_GETARG_JSONB_P(i)) - VARHDRSZ;
				break;
			default:
				elog(ERROR, "argument \"%s\" has a type that an option cannot have", names[i]);
		}
		pushJsonbValue(&state, WJB_VALUE, &value);
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
	(void) reco_spec_parse(PG_GETARG_JSONB_P(0));
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
