/*
 * als_agg.c
 *	  The aggregates als_agg and gram_agg: factorization as plain SQL.
 *
 * A group's state is one reco_normal (core/als/als_normal.h) in the aggregate's
 * memory.  Transitions add a row, combine adds two states, the final function
 * solves and leaves the state as it is, so that a running window goes on from
 * it.  gram_agg is the same sum with weight 1 and no right-hand side.
 *
 * The algorithm is parsed when its bytes change, not row by row.  Y'Y may be as
 * large as all the rest of a state: the first one that a call site meets is kept
 * for the whole query and shared by all groups that have the same; after a
 * group's first row only its size is looked at, which needs no detoasting.
 *
 * Memory is what the states hold, counted against reco.max_memory by the size of
 * the aggregate's context whenever a state grows.
 */
#include "model/model.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "core/als/als_normal.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include <math.h>

RECO_FUNCTION(reco_als_agg_transition);
RECO_FUNCTION(reco_als_agg_combine);
RECO_FUNCTION(reco_als_agg_serialize);
RECO_FUNCTION(reco_als_agg_deserialize);
RECO_FUNCTION(reco_als_agg_final);
RECO_FUNCTION(reco_gram_agg_transition);
RECO_FUNCTION(reco_gram_agg_final);

/* The largest value that a source may have, too (store/source/ingest.c). */
#define MAX_VALUE 1e18

/* A state of als_agg or gram_agg. */
typedef struct AlsState
{
	reco_normal normal;
	Size gram_size; /* of the argument that normal.gram was taken from */
} AlsState;

/* What a call site keeps for the query, in flinfo->fn_extra. */
typedef struct Site
{
	RecoBudget budget;
	struct varlena *algorithm; /* as parsed into params */
	reco_als_params params;
	/* the first gram that was met, d = 0: none yet; raw: as it came, or NULL */
	int gram_d;
	double *gram;
	double columns;
	ArrayType *raw;
} Site;

/*
 * The call site, whose memory is now `context`, or the aggregate's when NULL.
 * No function here may be called but by an aggregate: what looks like a state
 * would be one.
 */
static Site *
site_of(FunctionCallInfo fcinfo, MemoryContext context)
{
	Site *site = fcinfo->flinfo->fn_extra;
	MemoryContext aggregate;

	if (!AggCheckCallContext(fcinfo, &aggregate))
		elog(ERROR, "function %u was called outside an aggregate", fcinfo->flinfo->fn_oid);
	if (site == NULL)
	{
		site = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Site));
		reco_budget_init(&site->budget, aggregate);
		site->budget.held = true;
		fcinfo->flinfo->fn_extra = site;
	}
	site->budget.context = context ? context : aggregate;
	return site;
}

static void
site_check(Site *site, reco_status status)
{
	reco_budget_check(&site->budget, status, "the aggregate");
}

static void *
site_take(Site *site, size_t bytes)
{
	reco_budget_require(&site->budget, bytes, "the aggregate");
	return reco_budget_alloc(&site->budget, bytes);
}

static AlsState *
state_of(FunctionCallInfo fcinfo, int argument)
{
	AlsState *state;

	if (PG_ARGISNULL(argument))
		return NULL;
	state = (AlsState *) PG_GETARG_POINTER(argument);
	if (!reco_normal_valid(&state->normal))
		elog(ERROR, "function %u was given the state of another aggregate", fcinfo->flinfo->fn_oid);
	return state;
}

static AlsState *
state_new(Site *site, const reco_als_params *params)
{
	AlsState *state = site_take(site, sizeof(AlsState));

	memset(state, 0, sizeof(AlsState));
	site_check(site, reco_normal_init(&state->normal, params));
	return state;
}

static void
check_lengths(int first, int this)
{
	if (first != this)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("factors must have the same length in all rows of a group"),
						errdetail("One row has %d elements, another %d.", first, this)));
}

static pg_attribute_noreturn() void algorithms_differ(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("algorithm must be the same in all rows of a group")));
}

/*
 * The argument `factors`, which is not null: *d finite floats.
 */
static const float *
factors_of(FunctionCallInfo fcinfo, int argument, int *d)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(argument);
	const float *y = (const float *) ARR_DATA_PTR(array);

	if (ARR_ELEMTYPE(array) != FLOAT4OID)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("factors must be an array of type real")));
	if (ARR_NDIM(array) != 1)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						ARR_NDIM(array) == 0 ? errmsg("factors must not be empty")
											 : errmsg("factors must be a one-dimensional array")));
	*d = ARR_DIMS(array)[0];
	if (*d > RECO_NORMAL_MAX_FACTORS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("factors must not have more than %d elements", RECO_ALS_MAX_FACTORS),
						errdetail("%d were given; one more is allowed for a constant.", *d)));
	if (array_contains_nulls(array))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("factors must not contain nulls")));
	for (int i = 0; i < *d; i++)
		if (!(fabsf(y[i]) <= RECO_MAX_FACTOR))
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("element %d of factors is %s", i + 1,
								   isfinite(y[i]) ? "out of range" : "not finite")));
	return y;
}

static double
value_of(FunctionCallInfo fcinfo, int argument)
{
	double value = PG_GETARG_FLOAT8(argument);

	if (!(fabs(value) <= MAX_VALUE))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("value %s is %s",
						DatumGetCString(DirectFunctionCall1(float8out, Float8GetDatum(value))),
						isfinite(value) ? "out of range" : "not finite")));
	return value;
}

/*
 * site->params from the argument `algorithm`, or the defaults of reco.als().
 * How many factors there are is for the rows to say.
 */
static void
read_algorithm(FunctionCallInfo fcinfo, Site *site, int argument)
{
	struct varlena *given;
	Jsonb *copy;
	RecoSpec *spec;
	Size size;

	if (argument < 0)
	{
		if (site->algorithm != NULL)
			return;
		given = (struct varlena *) DatumGetPointer(
			DirectFunctionCall1(jsonb_in, CStringGetDatum("{\"algorithm\": \"als\"}")));
	}
	else if (PG_ARGISNULL(argument))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("algorithm must not be null"),
				 errhint("Pass a value made by reco.ials() or reco.als().")));
	else
		given = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(argument));
	size = VARSIZE_ANY_EXHDR(given);
	if (site->algorithm != NULL && VARSIZE(site->algorithm) == size + VARHDRSZ &&
		memcmp(VARDATA(site->algorithm), VARDATA_ANY(given), size) == 0)
		return;
	copy = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, size + VARHDRSZ);
	SET_VARSIZE(copy, size + VARHDRSZ);
	memcpy(VARDATA(copy), VARDATA_ANY(given), size);
	spec = reco_spec_parse(copy);
	if (!reco_als_params_of(spec, &site->params))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("als_agg cannot solve algorithm \"%s\"", spec->algorithm->name),
						errhint("Pass a value made by reco.ials() or reco.als().")));
	if (reco_spec_priors(spec) != NIL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("als_agg does not draw factors to a prior"),
						errhint("Leave the option out, or train a model with it.")));
	reco_spec_require_given(spec, "als_agg");
	if (site->algorithm != NULL)
		pfree(site->algorithm);
	site->algorithm = (struct varlena *) copy;
}

/*
 * The order of a gram: a square matrix of finite numbers, else an error.
 */
static int
gram_order(ArrayType *array, int d)
{
	const double *g = (const double *) ARR_DATA_PTR(array);
	int order;

	if (ARR_ELEMTYPE(array) != FLOAT8OID)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("gram must be an array of type double precision")));
	if (ARR_NDIM(array) != 2 || ARR_DIMS(array)[0] != ARR_DIMS(array)[1])
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("gram must be a square two-dimensional array"),
						errhint("Make it with reco.gram_agg(factors).")));
	order = ARR_DIMS(array)[0];
	if (order != d && order != d + 1)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("gram must have as many rows as factors has elements, or one more"),
						errdetail("gram has %d rows and factors %d elements.", order, d)));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("gram must not contain nulls")));
	for (int i = 0; i < order * order; i++)
		if (!isfinite(g[i]))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("element %d,%d of gram is not finite", i / order + 1, i % order + 1)));
	for (int i = 0; i < order; i++)
		if (g[i * order + i] < 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("gram must not have negative elements on its diagonal"),
							errdetail("Element %d,%d is negative.", i + 1, i + 1)));
	for (int i = 0; i < order; i++)
		for (int j = 0; j < i; j++)
			if (!(fabs(g[i * order + j] - g[j * order + i]) <=
				  1e-5 * sqrt(fabs(g[i * order + i])) * sqrt(fabs(g[j * order + j]))))
				ereport(
					ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("gram must be symmetric"),
					 errdetail("Elements %d,%d and %d,%d differ.", i + 1, j + 1, j + 1, i + 1)));
	return order;
}

/*
 * Gives a group its gram: the call site's when it is the same, else a copy.
 */
static void
share_gram(FunctionCallInfo fcinfo, Site *site, AlsState *state, const double *packed,
		   double columns, ArrayType *raw)
{
	int d = state->normal.d;
	Size bytes = reco_normal_packed(d) * sizeof(double);
	double *copy;

	state->normal.columns = columns;
	if (site->gram_d == 0)
	{
		site->gram = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, bytes);
		memcpy(site->gram, packed, bytes);
		site->columns = columns;
		if (raw)
		{
			site->raw = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, VARSIZE(raw));
			memcpy(site->raw, raw, VARSIZE(raw));
		}
		site->gram_d = d;
	}
	if (site->gram_d == d && site->columns == columns && memcmp(site->gram, packed, bytes) == 0)
	{
		state->normal.gram = site->gram;
		return;
	}
	copy = site_take(site, bytes);
	memcpy(copy, packed, bytes);
	state->normal.gram = copy;
}

/* The number of rows behind a gram (0: it does not tell) must be one, where it is asked for. */
static void
check_columns(const AlsState *state, double columns)
{
	if (columns == 0 && state->normal.weighted)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("weighted_regularization needs the number of rows behind gram"),
						errhint("Make gram with reco.gram_agg(factors || 1::real), whose last "
								"element is that number.")));
}

/*
 * The argument `gram` of an implicit row.  A group takes its first; of the others
 * only the shape is compared, without looking inside when the size is the same.
 *
 * A gram of one row more than there are factors is that of the factors with a
 * constant 1 behind them, so its last element is the number of rows, which
 * weighted_regularization asks for.
 */
static void
read_gram(FunctionCallInfo fcinfo, Site *site, AlsState *state, int argument)
{
	int d = state->normal.d;
	Size size;
	ArrayType *array;
	const double *g;
	double *packed;
	double *to;
	int order;
	double columns = 0;

	if (PG_ARGISNULL(argument))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("gram must not be null for algorithm \"ials\""),
						errhint("Make it with reco.gram_agg(factors), over all rows of the side "
								"that the factors come from.")));
	size = toast_raw_datum_size(PG_GETARG_DATUM(argument));
	if (state->normal.gram != NULL && size == state->gram_size)
		return;
	array = PG_GETARG_ARRAYTYPE_P(argument);
	if (site->raw && site->gram_d == d && state->normal.gram == NULL &&
		VARSIZE(array) == VARSIZE(site->raw) && memcmp(array, site->raw, VARSIZE(array)) == 0)
	{
		check_columns(state, site->columns);
		state->normal.gram = site->gram;
		state->normal.columns = site->columns;
		state->gram_size = size;
		return;
	}
	order = gram_order(array, d);
	if (state->normal.gram != NULL)
	{
		if ((order > d) != (state->normal.columns > 0))
			ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
							errmsg("gram must be the same in all rows of a group")));
		return;
	}
	g = (const double *) ARR_DATA_PTR(array);
	if (order > d)
	{
		columns = g[order * order - 1];
		if (!(columns >= 1 && columns <= 1e18))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("the last element of gram must be a number of rows"),
							errhint("Make gram with reco.gram_agg(factors || 1::real).")));
	}
	check_columns(state, columns);
	packed = to = palloc(reco_normal_packed(d) * sizeof(double));
	for (int i = 0; i < d; i++)
		for (int j = i; j < d; j++)
			*to++ = g[i * order + j];
	share_gram(fcinfo, site, state, packed, columns, array);
	state->gram_size = size;
	pfree(packed);
}

/*
 * als_agg's (state, factors, value) and (state, factors, value, gram, algorithm)
 */
Datum
reco_als_agg_transition(PG_FUNCTION_ARGS)
{
	Site *site = site_of(fcinfo, NULL);
	AlsState *state = state_of(fcinfo, 0);
	bool given = PG_NARGS() > 3;
	const float *y;
	double value;
	int d;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	y = factors_of(fcinfo, 1, &d);
	value = value_of(fcinfo, 2);
	read_algorithm(fcinfo, site, given ? 4 : -1);
	if (state == NULL)
	{
		reco_als_params params = site->params;

		params.factors = d;
		state = state_new(site, &params);
	}
	check_lengths(state->normal.d, d);
	if (state->normal.implicit != site->params.implicit ||
		state->normal.regularization != site->params.regularization ||
		(state->normal.implicit &&
		 (state->normal.alpha != site->params.alpha ||
		  state->normal.weighted != site->params.weighted_regularization)))
		algorithms_differ();
	if (state->normal.implicit)
		read_gram(fcinfo, site, state, 3);
	site_check(site, reco_normal_add(&site->budget.env, &state->normal, y, value));
	PG_RETURN_POINTER(state);
}

Datum
reco_gram_agg_transition(PG_FUNCTION_ARGS)
{
	Site *site = site_of(fcinfo, NULL);
	AlsState *state = state_of(fcinfo, 0);
	const float *y;
	int d;

	if (PG_ARGISNULL(1))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	y = factors_of(fcinfo, 1, &d);
	if (state == NULL)
		state = state_new(site, &(reco_als_params){.factors = d, .regularization = 1});
	check_lengths(state->normal.d, d);
	site_check(site, reco_normal_add(&site->budget.env, &state->normal, y, 0));
	PG_RETURN_POINTER(state);
}

Datum
reco_als_agg_combine(PG_FUNCTION_ARGS)
{
	Site *site = site_of(fcinfo, NULL);
	AlsState *into = state_of(fcinfo, 0);
	AlsState *from = state_of(fcinfo, 1);
	reco_status status;

	if (from == NULL)
	{
		if (into == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(into);
	}
	/* `from` is not the aggregate's: it is copied even when it comes first */
	if (into == NULL)
		into = state_new(site, &(reco_als_params){
								   .implicit = from->normal.implicit,
								   .factors = from->normal.d,
								   .regularization = from->normal.regularization,
								   .alpha = from->normal.alpha,
								   .weighted_regularization = from->normal.weighted,
							   });
	check_lengths(into->normal.d, from->normal.d);
	if (into->normal.gram == NULL && from->normal.gram != NULL)
		share_gram(fcinfo, site, into, from->normal.gram, from->normal.columns, NULL);
	status = reco_normal_merge(&site->budget.env, &into->normal, &from->normal);
	if (status == RECO_INVALID)
		algorithms_differ();
	site_check(site, status);
	PG_RETURN_POINTER(into);
}

Datum
reco_als_agg_serialize(PG_FUNCTION_ARGS)
{
	AlsState *state;
	Size size;
	bytea *bytes;

	(void) site_of(fcinfo, NULL);
	state = state_of(fcinfo, 0);
	size = reco_normal_bytes(&state->normal) + VARHDRSZ;
	bytes = palloc(size);
	SET_VARSIZE(bytes, size);
	reco_normal_write(&state->normal, VARDATA(bytes));
	PG_RETURN_BYTEA_P(bytes);
}

/*
 * A state for combine, which copies it: it lives in the caller's short memory.
 */
Datum
reco_als_agg_deserialize(PG_FUNCTION_ARGS)
{
	Site *site = site_of(fcinfo, CurrentMemoryContext);
	bytea *bytes = PG_GETARG_BYTEA_PP(0);
	AlsState *state = palloc0(sizeof(AlsState));
	reco_status status = reco_normal_read(&site->budget.env, VARDATA_ANY(bytes),
										  VARSIZE_ANY_EXHDR(bytes), &state->normal);

	if (status == RECO_INVALID)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid state of a factorization aggregate")));
	site_check(site, status);
	PG_RETURN_POINTER(state);
}

/* An n-dimensional array of d elements a side, to be filled by the caller. */
static ArrayType *
array_of(Oid type, Size width, int ndim, int d)
{
	Size size = ARR_OVERHEAD_NONULLS(ndim) + width * d * (ndim == 2 ? d : 1);
	ArrayType *array = palloc0(size);

	SET_VARSIZE(array, size);
	array->ndim = ndim;
	array->elemtype = type;
	for (int i = 0; i < ndim; i++)
	{
		ARR_DIMS(array)[i] = d;
		ARR_LBOUND(array)[i] = 1;
	}
	return array;
}

Datum
reco_als_agg_final(PG_FUNCTION_ARGS)
{
	Site *site = site_of(fcinfo, CurrentMemoryContext);
	AlsState *state = state_of(fcinfo, 0);
	ArrayType *array;

	if (state == NULL)
		PG_RETURN_NULL();
	array = array_of(FLOAT4OID, sizeof(float), 1, state->normal.d);
	site_check(site,
			   reco_normal_solve(&site->budget.env, &state->normal, (float *) ARR_DATA_PTR(array)));
	PG_RETURN_ARRAYTYPE_P(array);
}

Datum
reco_gram_agg_final(PG_FUNCTION_ARGS)
{
	Site *site = site_of(fcinfo, CurrentMemoryContext);
	AlsState *state = state_of(fcinfo, 0);
	ArrayType *array;

	if (state == NULL)
		PG_RETURN_NULL();
	array = array_of(FLOAT8OID, sizeof(double), 2, state->normal.d);
	site_check(site, reco_normal_matrix(&site->budget.env, &state->normal,
										(double *) ARR_DATA_PTR(array)));
	PG_RETURN_ARRAYTYPE_P(array);
}
