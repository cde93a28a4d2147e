/*
 * arms.c
 *	  The models of an experiment, and which share of the users each is to get.
 *
 * Cost: a comparison of each two names.
 */
#include "marketing/arms.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include <math.h>

#define MAX_WEIGHT 1e18

static void
check_flat(ArrayType *array, const char *name)
{
	if (ARR_NDIM(array) > 1)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("%s must be a one-dimensional array", name)));
}

int
reco_arms_find(const RecoArms *arms, const char *model)
{
	for (int k = 0; k < arms->n; k++)
		if (strcmp(arms->model[k], model) == 0)
			return k;
	return -1;
}

static void
read_models(ArrayType *array, RecoArms *arms)
{
	Datum *name;
	bool *null;
	int n;

	check_flat(array, "models");
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &name, &null, &n);
	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("models must not be empty")));
	if (n > RECO_MAX_ARMS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("an experiment has at most %d models", RECO_MAX_ARMS)));
	for (int k = 0; k < n; k++)
	{
		char *model;

		if (null[k])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("models must not contain nulls"),
							errhint("Leave the nulls out: array_remove() does.")));
		model = TextDatumGetCString(name[k]);
		if (reco_arms_find(arms, model) >= 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("models has \"%s\" more than once", model),
							errhint("Weights say that a model is to get more users.")));
		arms->model[arms->n++] = model;
	}
}

static void
read_weights(ArrayType *array, RecoArms *arms)
{
	Datum *weight;
	bool *null;
	int n;
	double all = 0;

	check_flat(array, "weights");
	deconstruct_array(array, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &weight,
					  &null, &n);
	if (n != arms->n)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("there are %d models but %d weights", arms->n, n)));
	arms->weight = palloc(n * sizeof(double));
	for (int k = 0; k < n; k++)
	{
		arms->weight[k] = null[k] ? NAN : DatumGetFloat8(weight[k]);
		if (!(arms->weight[k] >= 0 && arms->weight[k] <= MAX_WEIGHT))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("weights must be numbers from 0 to 1e18")));
		all += arms->weight[k];
	}
	if (!(all > 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("one of the weights must be above 0")));
}

void
reco_arms_read(FunctionCallInfo fcinfo, int models, int weights, RecoArms *arms)
{
	arms->n = 0;
	arms->weight = NULL;
	read_models(PG_GETARG_ARRAYTYPE_P(models), arms);
	if (!PG_ARGISNULL(weights))
		read_weights(PG_GETARG_ARRAYTYPE_P(weights), arms);
}
