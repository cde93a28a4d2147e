/*
 * arguments.c
 *	  Arguments of the procedures of a model's life.
 */
#include "lifecycle/arguments.h"

#include "catalog/namespace.h"
#include "model/model.h"

Jsonb *
reco_jsonb_or_null(FunctionCallInfo fcinfo, int number)
{
	return PG_ARGISNULL(number) ? NULL : PG_GETARG_JSONB_P(number);
}

Jsonb *
reco_algorithm_in_text(FunctionCallInfo fcinfo, int number)
{
	char *text = reco_text_or_null(fcinfo, number);

	return text ? reco_algorithm_from_text(text) : NULL;
}

Oid
reco_owned_model(FunctionCallInfo fcinfo, bool missing_ok, ModelRow *row)
{
	char *name = reco_text_of(fcinfo, 0, "model name");
	Oid schema;

	if (missing_ok && !OidIsValid(get_namespace_oid(name, true)))
		return InvalidOid;
	schema = reco_model_schema(name);
	reco_model_read(schema, RECO_LATEST_SNAPSHOT, row);
	reco_model_check_owner(row);
	return schema;
}
