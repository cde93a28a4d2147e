/*
 * vector_agg.c
 *	  vector_sum and vector_avg: real[] added up element by element.
 *
 * Sums are float8, twofold (core/similarity/sums.h), so neither the order of the rows nor a
 * parallel plan shows in the result.  A NULL array is skipped, like a NULL in sum.
 *
 * Cost: 16 bytes a group and element, counted against reco.max_memory.
 */
#include "similarity/similarity.h"

#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/memutils.h"

#include <math.h>

typedef struct VectorState
{
	int64 rows;
	int32 n;
	double sum[FLEXIBLE_ARRAY_MEMBER]; /* n sums, then what they lost */
} VectorState;

RECO_FUNCTION(reco_vector_accum);
RECO_FUNCTION(reco_vector_combine_states);
RECO_FUNCTION(reco_vector_serial);
RECO_FUNCTION(reco_vector_deserial);
RECO_FUNCTION(reco_vector_sum);
RECO_FUNCTION(reco_vector_avg);

static size_t
state_bytes(int n)
{
	return offsetof(VectorState, sum) + 2 * sizeof(double) * (size_t) n;
}

static VectorState *
new_state(MemoryContext context, int n)
{
	VectorState *state;

	reco_state_require(context, state_bytes(n));
	state = MemoryContextAllocExtended(context, state_bytes(n), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	state->n = n;
	return state;
}

Datum
reco_vector_accum(PG_FUNCTION_ARGS)
{
	VectorState *state = PG_ARGISNULL(0) ? NULL : (VectorState *) PG_GETARG_POINTER(0);
	RecoArray array;
	int64 bad;

	if (PG_ARGISNULL(1))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	reco_array_get(&array, PG_GETARG_DATUM(1));
	if (array.type != FLOAT4OID)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("cannot add up arrays of type %s", format_type_be(array.type))));
	bad = reco_first_not_finite(&reco_poll_env, RECO_FLOAT, array.data, array.n);
	if (bad >= 0)
		reco_element_not_finite(((const reco_any_float *) array.data)[bad], bad);
	if (state == NULL)
		state = new_state(reco_state_context(fcinfo), array.n);
	reco_require_length(state->n, array.n);
	(void) reco_vector_add(&reco_poll_env, state->sum, state->sum + state->n,
						   (const reco_any_float *) array.data, array.n);
	state->rows++;
	reco_array_free(&array);
	PG_RETURN_POINTER(state);
}

Datum
reco_vector_combine_states(PG_FUNCTION_ARGS)
{
	VectorState *into = PG_ARGISNULL(0) ? NULL : (VectorState *) PG_GETARG_POINTER(0);
	VectorState *from = PG_ARGISNULL(1) ? NULL : (VectorState *) PG_GETARG_POINTER(1);

	if (from != NULL)
	{
		if (into == NULL)
			into = new_state(reco_state_context(fcinfo), from->n);
		reco_require_length(into->n, from->n);
		(void) reco_vector_combine(&reco_poll_env, into->sum, into->sum + into->n, from->sum,
								   from->sum + from->n, from->n);
		into->rows += from->rows;
	}
	if (into == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(into);
}

Datum
reco_vector_serial(PG_FUNCTION_ARGS)
{
	VectorState *state = (VectorState *) PG_GETARG_POINTER(0);
	StringInfoData to;

	reco_state_context(fcinfo);
	reco_state_begin(&to, RECO_STATE_VECTOR);
	pq_sendint64(&to, state->rows);
	pq_sendint64(&to, state->n);
	for (int64 i = 0; i < 2 * (int64) state->n; i++)
	{
		RECO_POLL_AT(i);
		pq_sendfloat8(&to, state->sum[i]);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&to));
}

Datum
reco_vector_deserial(PG_FUNCTION_ARGS)
{
	StringInfoData from;
	VectorState *state;
	int64 rows;
	int64 n;

	reco_state_context(fcinfo);
	reco_state_open(&from, PG_GETARG_BYTEA_PP(0), RECO_STATE_VECTOR);
	rows = reco_state_read_count(&from, 1, RECO_STATE_MAX_ROWS);
	/* no more than there are bytes for, before memory is taken */
	n = reco_state_read_count(&from, 0, from.len / (2 * (int) sizeof(double)));
	state = new_state(CurrentMemoryContext, (int) n);
	state->rows = rows;
	for (int64 i = 0; i < 2 * n; i++)
	{
		RECO_POLL_AT(i);
		state->sum[i] = reco_state_read_double(&from);
	}
	pq_getmsgend(&from);
	PG_RETURN_POINTER(state);
}

static Datum
divided(FunctionCallInfo fcinfo, bool average)
{
	VectorState *state = PG_ARGISNULL(0) ? NULL : (VectorState *) PG_GETARG_POINTER(0);
	double rows;
	ArrayType *result;
	float4 *values;
	Size bytes;

	if (state == NULL)
		PG_RETURN_NULL();
	if (state->n == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(FLOAT4OID));
	rows = average ? (double) state->rows : 1;
	bytes = ARR_OVERHEAD_NONULLS(1) + sizeof(float4) * (Size) state->n;
	result = palloc0(bytes);
	SET_VARSIZE(result, bytes);
	result->ndim = 1;
	result->elemtype = FLOAT4OID;
	ARR_DIMS(result)[0] = state->n;
	ARR_LBOUND(result)[0] = 1;
	values = (float4 *) ARR_DATA_PTR(result);
	for (int i = 0; i < state->n; i++)
	{
		RECO_POLL_AT(i);
		values[i] = (float4) ((state->sum[i] + state->sum[state->n + i]) / rows);
		if (unlikely(isinf(values[i])))
			float_overflow_error();
	}
	PG_RETURN_ARRAYTYPE_P(result);
}

Datum
reco_vector_sum(PG_FUNCTION_ARGS)
{
	return divided(fcinfo, false);
}

Datum
reco_vector_avg(PG_FUNCTION_ARGS)
{
	return divided(fcinfo, true);
}
