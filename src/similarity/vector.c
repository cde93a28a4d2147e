/*
 * vector.c
 *	  Similarity of two arrays of numbers.
 *
 * One C function a measure: the array says of what type its elements are.
 * Everything but numeric is read in place.  No result is ever NaN: an element
 * that is not finite is an error, an undefined similarity is NULL.
 *
 * Cost: for 64 floats about 30 ns beside the server's own call; no memory.
 */
#include "similarity/similarity.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

typedef reco_measured (*Measure)(const reco_vectors *v, double *result);

RECO_FUNCTION(reco_cosine_similarity);
RECO_FUNCTION(reco_dot_product_similarity);
RECO_FUNCTION(reco_euclidean_distance);
RECO_FUNCTION(reco_pearson_correlation);

/* Elements of type numeric as float8: infinite beyond its range, which is an error later. */
static double *
numerics(Datum datum, int n)
{
	ArrayType *array = DatumGetArrayTypeP(datum);
	double *values = palloc(sizeof(double) * Max(n, 1));
	Datum *elements;
	int count;

	deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT, &elements, NULL, &count);
	Assert(count == n);
	for (int i = 0; i < n; i++)
	{
		if (i % 1024 == 0)
			reco_poll();
		values[i] = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, elements[i]));
	}
	pfree(elements);
	if ((Pointer) array != DatumGetPointer(datum))
		pfree(array);
	return values;
}

static reco_element
element_type(Oid type)
{
	switch (type)
	{
		case FLOAT4OID:
			return RECO_FLOAT;
		case FLOAT8OID:
		case NUMERICOID: /* converted */
			return RECO_DOUBLE;
		case INT2OID:
			return RECO_INT16;
		case INT4OID:
			return RECO_INT32;
		case INT8OID:
			return RECO_INT64;
		default:
			ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
							errmsg("similarity of arrays of type %s is not supported",
								   format_type_be(type))));
	}
}

/* Names the element that is not finite. */
static void
report_not_finite(const reco_vectors *v)
{
	const void *a = v->a;
	int64 at = reco_first_not_finite(v->env, v->type, a, v->n);
	double value;

	if (at < 0)
	{
		a = v->b;
		at = reco_first_not_finite(v->env, v->type, a, v->n);
	}
	if (at < 0) /* cannot be */
		reco_value_not_finite(get_float8_nan());
	value = v->type == RECO_FLOAT ? ((const reco_any_float *) a)[at]
								  : ((const reco_any_double *) a)[at];
	reco_element_not_finite(value, at);
}

static pg_attribute_always_inline Datum
measure(FunctionCallInfo fcinfo, Measure function)
{
	RecoArray a;
	RecoArray b;
	reco_vectors v;
	reco_measured status;
	bool converted = false;
	double result = 0;

	reco_array_get(&a, PG_GETARG_DATUM(0));
	reco_array_get(&b, PG_GETARG_DATUM(1));
	reco_require_length(a.n, b.n);
	/* a domain's elements are those of its base type */
	if (unlikely(a.type != b.type))
	{
		a.type = getBaseType(a.type);
		b.type = getBaseType(b.type);
		if (a.type != b.type)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("array types are different")));
	}
	v = (reco_vectors){element_type(a.type), a.n, a.data, b.data, &reco_poll_env};
	if (a.type == NUMERICOID)
	{
		v.a = numerics(PG_GETARG_DATUM(0), a.n);
		v.b = numerics(PG_GETARG_DATUM(1), b.n);
		converted = true;
	}
	status = function(&v, &result);
	if (unlikely(status == RECO_NOT_FINITE))
		report_not_finite(&v);
	if (unlikely(status == RECO_TOO_LARGE))
		float_overflow_error();
	if (converted)
	{
		pfree(unconstify(void *, v.a));
		pfree(unconstify(void *, v.b));
	}
	reco_array_free(&a);
	reco_array_free(&b);
	if (status != RECO_MEASURED)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(result);
}

Datum
reco_cosine_similarity(PG_FUNCTION_ARGS)
{
	return measure(fcinfo, reco_cosine);
}

Datum
reco_dot_product_similarity(PG_FUNCTION_ARGS)
{
	return measure(fcinfo, reco_dot_product);
}

Datum
reco_euclidean_distance(PG_FUNCTION_ARGS)
{
	return measure(fcinfo, reco_euclidean);
}

Datum
reco_pearson_correlation(PG_FUNCTION_ARGS)
{
	return measure(fcinfo, reco_pearson);
}
