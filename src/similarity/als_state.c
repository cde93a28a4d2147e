/*
 * als_state.c
 *	  States of the aggregates that factorize, and their arguments.
 *
 * See als_state.h.  After a group's first row only the size of its gram is looked
 * at, which needs no detoasting.
 */
#include "similarity/als_state.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include <math.h>

/* The largest value that a source may have, too (store/source/ingest.c). */
#define MAX_VALUE 1e18

/*
 * The call site, whose memory is now `context`, or the aggregate's when NULL.
 * No function here may be called but by an aggregate: what looks like a state
 * would be one.
 */
AlsSite *
reco_als_site(FunctionCallInfo fcinfo, MemoryContext context)
{
	AlsSite *site = fcinfo->flinfo->fn_extra;
	MemoryContext aggregate;

	if (!AggCheckCallContext(fcinfo, &aggregate))
		elog(ERROR, "function %u was called outside an aggregate", fcinfo->flinfo->fn_oid);
	if (site == NULL)
	{
		site = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(AlsSite));
		reco_budget_init(&site->budget, aggregate);
		site->budget.held = true;
		fcinfo->flinfo->fn_extra = site;
	}
	site->budget.context = context ? context : aggregate;
	return site;
}

void
reco_als_site_check(AlsSite *site, reco_status status)
{
	reco_budget_check(&site->budget, status, "the aggregate");
}

static void *
site_take(AlsSite *site, size_t bytes)
{
	reco_budget_require(&site->budget, bytes, "the aggregate");
	return reco_budget_alloc(&site->budget, bytes);
}

AlsState *
reco_als_state_of(FunctionCallInfo fcinfo, int argument)
{
	AlsState *state;

	if (PG_ARGISNULL(argument))
		return NULL;
	state = (AlsState *) PG_GETARG_POINTER(argument);
	if (!reco_normal_valid(&state->normal))
		elog(ERROR, "function %u was given the state of another aggregate", fcinfo->flinfo->fn_oid);
	return state;
}

AlsState *
reco_als_state_new(AlsSite *site, const reco_als_params *params)
{
	AlsState *state = site_take(site, sizeof(AlsState));

	memset(state, 0, sizeof(AlsState));
	reco_als_site_check(site, reco_normal_init(&state->normal, params));
	return state;
}

AlsState *
reco_als_state_like(AlsSite *site, const AlsState *state)
{
	AlsState *like = reco_als_state_new(site, &(reco_als_params){
												  .implicit = state->normal.implicit,
												  .factors = state->normal.d,
												  .regularization = state->normal.regularization,
												  .alpha = state->normal.alpha,
												  .weighted_regularization = state->normal.weighted,
											  });

	like->normal.products = state->normal.products;
	return like;
}

void
reco_als_check_lengths(int first, int this)
{
	if (first != this)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("factors must have the same length in all rows of a group"),
						errdetail("One row has %d elements, another %d.", first, this)));
}

void
reco_als_algorithms_differ(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("algorithm must be the same in all rows of a group")));
}

/*
 * The argument `factors`, which is not null: *d finite floats.
 */
const float *
reco_als_factors_of(FunctionCallInfo fcinfo, int argument, int *d)
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

double
reco_als_value_of(FunctionCallInfo fcinfo, int argument)
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

void
reco_als_read_algorithm(FunctionCallInfo fcinfo, AlsAlgorithm *memo, int argument, const char *who,
						bool complete)
{
	struct varlena *given;
	Jsonb *copy;
	RecoSpec *spec;
	Size size;

	if (argument < 0)
	{
		if (memo->bytes != NULL)
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
	if (memo->bytes != NULL && VARSIZE(memo->bytes) == size + VARHDRSZ &&
		memcmp(VARDATA(memo->bytes), VARDATA_ANY(given), size) == 0)
		return;
	copy = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, size + VARHDRSZ);
	SET_VARSIZE(copy, size + VARHDRSZ);
	memcpy(VARDATA(copy), VARDATA_ANY(given), size);
	spec = reco_spec_parse(copy);
	if (!reco_als_params_of(spec, &memo->params))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s cannot solve algorithm \"%s\"", who, spec->algorithm->name),
						errhint("Pass a value made by reco.ials() or reco.als().")));
	if (reco_spec_priors(spec) != NIL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("%s does not draw factors to a prior", who),
						errhint("Leave the option out, or train a model with it.")));
	if (complete)
		reco_spec_require_given(spec, who);
	if (memo->bytes != NULL)
		pfree(memo->bytes);
	memo->bytes = (struct varlena *) copy;
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
void
reco_als_share_gram(FunctionCallInfo fcinfo, AlsSite *site, AlsState *state, const double *packed,
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
void
reco_als_read_gram(FunctionCallInfo fcinfo, AlsSite *site, AlsState *state, int argument)
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
	reco_als_share_gram(fcinfo, site, state, packed, columns, array);
	state->gram_size = size;
	pfree(packed);
}
