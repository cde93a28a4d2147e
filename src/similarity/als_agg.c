/*
 * als_agg.c
 *	  The aggregates als_agg and gram_agg: factorization as plain SQL; and the same in two
 *	  steps, sums where the rows are and the solution elsewhere.
 *
 * A group's state is one reco_normal (als_state.h).  Transitions add a row, combine adds
 * two states, the final function solves and leaves the state as it is, so that a running
 * window goes on from it.  gram_agg is the same sum with weight 1 and no right-hand side.
 *
 * als_state and als_sums end in bytes, which als_solve adds up and solves.  The first may
 * hold the rows of a short group, which is less; the second never does: that is for those
 * who may know the sums and not the rows.
 *
 * Cost: core/als/als_normal.h.
 */
#include "similarity/als_state.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

RECO_FUNCTION(reco_als_agg_transition);
RECO_FUNCTION(reco_als_agg_combine);
RECO_FUNCTION(reco_als_agg_serialize);
RECO_FUNCTION(reco_als_agg_deserialize);
RECO_FUNCTION(reco_als_agg_final);
RECO_FUNCTION(reco_als_sums_final);
RECO_FUNCTION(reco_als_solve_transition);
RECO_FUNCTION(reco_gram_agg_transition);
RECO_FUNCTION(reco_gram_agg_final);
RECO_FUNCTION(reco_als_start);

/*
 * als_agg's (state, factors, value) and (state, factors, value, gram, algorithm);
 * als_state's and als_sums' (state, factors, value, algorithm)
 */
Datum
reco_als_agg_transition(PG_FUNCTION_ARGS)
{
	AlsSite *site = reco_als_site(fcinfo, NULL);
	AlsState *state = reco_als_state_of(fcinfo, 0);
	bool given = PG_NARGS() > 3;
	bool solves = PG_NARGS() != 4;
	const float *y;
	double value;
	int d;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	y = reco_als_factors_of(fcinfo, 1, &d);
	value = reco_als_value_of(fcinfo, 2);
	reco_als_read_algorithm(fcinfo, &site->algorithm, given ? PG_NARGS() - 1 : -1,
							solves ? "als_agg" : "als_sums", true);
	if (state == NULL)
	{
		reco_als_params params = site->algorithm.params;

		params.factors = d;
		state = reco_als_state_new(site, &params);
	}
	reco_als_check_lengths(state->normal.d, d);
	if (state->normal.implicit != site->algorithm.params.implicit ||
		state->normal.regularization != site->algorithm.params.regularization ||
		(state->normal.implicit &&
		 (state->normal.alpha != site->algorithm.params.alpha ||
		  state->normal.weighted != site->algorithm.params.weighted_regularization)))
		reco_als_algorithms_differ();
	if (state->normal.implicit && solves)
		reco_als_read_gram(fcinfo, site, state, 3);
	reco_als_site_check(site, reco_normal_add(&site->budget.env, &state->normal, y, value));
	PG_RETURN_POINTER(state);
}

Datum
reco_gram_agg_transition(PG_FUNCTION_ARGS)
{
	AlsSite *site = reco_als_site(fcinfo, NULL);
	AlsState *state = reco_als_state_of(fcinfo, 0);
	const float *y;
	int d;

	if (PG_ARGISNULL(1))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	y = reco_als_factors_of(fcinfo, 1, &d);
	if (state == NULL)
	{
		state = reco_als_state_new(site, &(reco_als_params){.factors = d, .regularization = 1});
		state->normal.products = true;
	}
	reco_als_check_lengths(state->normal.d, d);
	reco_als_site_check(site, reco_normal_add(&site->budget.env, &state->normal, y, 0));
	PG_RETURN_POINTER(state);
}

Datum
reco_als_agg_combine(PG_FUNCTION_ARGS)
{
	AlsSite *site = reco_als_site(fcinfo, NULL);
	AlsState *into = reco_als_state_of(fcinfo, 0);
	AlsState *from = reco_als_state_of(fcinfo, 1);
	reco_status status;

	if (from == NULL)
	{
		if (into == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(into);
	}
	/* `from` is not the aggregate's: it is copied even when it comes first */
	if (into == NULL)
		into = reco_als_state_like(site, from);
	reco_als_check_lengths(into->normal.d, from->normal.d);
	if (into->normal.gram == NULL && from->normal.gram != NULL)
		reco_als_share_gram(fcinfo, site, into, from->normal.gram, from->normal.columns, NULL);
	status = reco_normal_merge(&site->budget.env, &into->normal, &from->normal);
	if (status == RECO_INVALID)
		reco_als_algorithms_differ();
	reco_als_site_check(site, status);
	PG_RETURN_POINTER(into);
}

Datum
reco_als_agg_serialize(PG_FUNCTION_ARGS)
{
	AlsState *state;
	Size size;
	bytea *bytes;

	(void) reco_als_site(fcinfo, NULL);
	state = reco_als_state_of(fcinfo, 0);
	size = reco_normal_bytes(&state->normal) + VARHDRSZ;
	bytes = palloc(size);
	SET_VARSIZE(bytes, size);
	reco_normal_write(&state->normal, VARDATA(bytes));
	PG_RETURN_BYTEA_P(bytes);
}

/* A state from bytes, in the memory that the site has now; an error when they are not one. */
static AlsState *
state_from(AlsSite *site, bytea *bytes, const char *what)
{
	AlsState *state = palloc0(sizeof(AlsState));
	reco_status status = reco_normal_read(&site->budget.env, VARDATA_ANY(bytes),
										  VARSIZE_ANY_EXHDR(bytes), &state->normal);

	if (status == RECO_INVALID)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid %s of a factorization aggregate", what),
						errhint("They are bytes as reco.als_sums(), reco.als_state() or "
								"reco.gram_sums() of the same version of reco made them, on a "
								"machine of the same byte order.")));
	reco_als_site_check(site, status);
	return state;
}

/*
 * A state for combine, which copies it: it lives in the caller's short memory.
 */
Datum
reco_als_agg_deserialize(PG_FUNCTION_ARGS)
{
	AlsSite *site = reco_als_site(fcinfo, CurrentMemoryContext);

	PG_RETURN_POINTER(state_from(site, PG_GETARG_BYTEA_PP(0), "state"));
}

/* Sums of an equation are no products of factors, nor the other way round. */
static void
check_purpose(const AlsState *state, bool products)
{
	if (state->normal.products != products)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						products ? errmsg("sums of als_sums or als_state are not for gram_total")
								 : errmsg("sums of gram_sums are not for als_solve"),
						errhint("reco.gram_total() adds up what reco.gram_sums() made, "
								"reco.als_solve() what reco.als_sums() or reco.als_state() did.")));
}

/*
 * als_solve's (state, sums, gram) and gram_total's (state, sums): adds what als_state, als_sums
 * or gram_sums gave.
 */
Datum
reco_als_solve_transition(PG_FUNCTION_ARGS)
{
	AlsSite *site = reco_als_site(fcinfo, CurrentMemoryContext);
	AlsState *into = reco_als_state_of(fcinfo, 0);
	AlsState *from;
	reco_status status;

	if (PG_ARGISNULL(1))
	{
		if (into == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(into);
	}
	from = state_from(site, PG_GETARG_BYTEA_PP(1), "sums");
	check_purpose(from, PG_NARGS() == 2);
	site = reco_als_site(fcinfo, NULL);
	if (into == NULL)
		into = reco_als_state_like(site, from);
	reco_als_check_lengths(into->normal.d, from->normal.d);
	if (into->normal.implicit && PG_NARGS() > 2)
		reco_als_read_gram(fcinfo, site, into, 2);
	status = reco_normal_merge(&site->budget.env, &into->normal, &from->normal);
	if (status == RECO_INVALID)
		reco_als_algorithms_differ();
	reco_als_site_check(site, status);
	PG_RETURN_POINTER(into);
}

/*
 * The bytes of a state in which no single row is left.
 */
Datum
reco_als_sums_final(PG_FUNCTION_ARGS)
{
	AlsSite *site = reco_als_site(fcinfo, CurrentMemoryContext);
	AlsState *state = reco_als_state_of(fcinfo, 0);
	AlsState *closed;
	Size size;
	bytea *bytes;

	if (state == NULL)
		PG_RETURN_NULL();
	closed = reco_als_state_like(site, state);
	reco_als_site_check(site,
						reco_normal_merge(&site->budget.env, &closed->normal, &state->normal));
	reco_als_site_check(site, reco_normal_close(&site->budget.env, &closed->normal));
	size = reco_normal_bytes(&closed->normal) + VARHDRSZ;
	bytes = palloc(size);
	SET_VARSIZE(bytes, size);
	reco_normal_write(&closed->normal, VARDATA(bytes));
	PG_RETURN_BYTEA_P(bytes);
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
	AlsSite *site = reco_als_site(fcinfo, CurrentMemoryContext);
	AlsState *state = reco_als_state_of(fcinfo, 0);
	ArrayType *array;

	if (state == NULL)
		PG_RETURN_NULL();
	array = array_of(FLOAT4OID, sizeof(float), 1, state->normal.d);
	reco_als_site_check(
		site, reco_normal_solve(&site->budget.env, &state->normal, (float *) ARR_DATA_PTR(array)));
	PG_RETURN_ARRAYTYPE_P(array);
}

Datum
reco_gram_agg_final(PG_FUNCTION_ARGS)
{
	AlsSite *site = reco_als_site(fcinfo, CurrentMemoryContext);
	AlsState *state = reco_als_state_of(fcinfo, 0);
	ArrayType *array;

	if (state == NULL)
		PG_RETURN_NULL();
	array = array_of(FLOAT8OID, sizeof(double), 2, state->normal.d);
	reco_als_site_check(site, reco_normal_matrix(&site->budget.env, &state->normal,
												 (double *) ARR_DATA_PTR(array)));
	PG_RETURN_ARRAYTYPE_P(array);
}

/*
 * Where a user begins: the factors that a training in memory gives the user of that number.
 */
Datum
reco_als_start(PG_FUNCTION_ARGS)
{
	int64 number = PG_GETARG_INT64(0);
	AlsAlgorithm *memo = fcinfo->flinfo->fn_extra;
	ArrayType *array;

	if (memo == NULL)
		memo = fcinfo->flinfo->fn_extra =
			MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(AlsAlgorithm));
	reco_als_read_algorithm(fcinfo, memo, 1, "als_start", false);
	if (number < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("number must not be negative")));
	array = array_of(FLOAT4OID, sizeof(float), 1, memo->params.factors);
	reco_als_begin(&memo->params, number, (float *) ARR_DATA_PTR(array));
	PG_RETURN_ARRAYTYPE_P(array);
}
