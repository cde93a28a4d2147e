/*
 * aggregates.c
 *	  Similarity aggregates over pairs of numbers: cosine, dot product, Pearson,
 *	  Jaccard.
 *
 * A missing side.  cosine_agg, dot_product_agg and jaccard_agg read NULL as 0, so
 * that a FULL JOIN of two users' rows gives the cosine of their whole rows; a row
 * where both are NULL changes nothing.  pearson_agg skips a pair with a NULL, as
 * corr does.
 *
 * Final functions do not touch the state, so running windows are right.  Only
 * Jaccard's counts have an inverse: what leaves a window cannot be subtracted
 * from a rounded sum, so the others are summed anew for every frame that loses
 * its first row.
 *
 * Cost: a constant 16 to 120 bytes a group; see core/similarity/sums.c for the arithmetic.
 */
#include "similarity/similarity.h"

#include "libpq/pqformat.h"
#include "utils/float.h"

#include <math.h>

typedef struct JaccardState
{
	int64 both;
	int64 either;
} JaccardState;

RECO_FUNCTION(reco_cosine_accum);
RECO_FUNCTION(reco_cosine_combine);
RECO_FUNCTION(reco_cosine_serial);
RECO_FUNCTION(reco_cosine_deserial);
RECO_FUNCTION(reco_cosine_final);
RECO_FUNCTION(reco_dot_accum);
RECO_FUNCTION(reco_dot_combine_states);
RECO_FUNCTION(reco_dot_serial);
RECO_FUNCTION(reco_dot_deserial);
RECO_FUNCTION(reco_dot_final);
RECO_FUNCTION(reco_pearson_accum);
RECO_FUNCTION(reco_pearson_combine_states);
RECO_FUNCTION(reco_pearson_serial);
RECO_FUNCTION(reco_pearson_deserial);
RECO_FUNCTION(reco_pearson_final);
RECO_FUNCTION(reco_jaccard_accum);
RECO_FUNCTION(reco_jaccard_accum_bool);
RECO_FUNCTION(reco_jaccard_inverse);
RECO_FUNCTION(reco_jaccard_inverse_bool);
RECO_FUNCTION(reco_jaccard_combine);
RECO_FUNCTION(reco_jaccard_serial);
RECO_FUNCTION(reco_jaccard_deserial);
RECO_FUNCTION(reco_jaccard_final);

/* The state of argument `arg`, or NULL: a worker that saw no row has none. */
#define STATE_OR_NULL(type, arg) (PG_ARGISNULL(arg) ? NULL : (type *) PG_GETARG_POINTER(arg))

#define RETURN_STATE_OR_NULL(state)                                                                \
	do                                                                                             \
	{                                                                                              \
		if ((state) == NULL)                                                                       \
			PG_RETURN_NULL();                                                                      \
		PG_RETURN_POINTER(state);                                                                  \
	} while (0)

/*
 * The functions that combine two states of a type, send one and read it, from
 * combine(into, from), send(buffer, state) and read(buffer, state).
 */
#define STATE_FUNCTIONS(combine_name, serial_name, deserial_name, type, kind, combine, send, read) \
	Datum combine_name(PG_FUNCTION_ARGS)                                                           \
	{                                                                                              \
		type *into = STATE_OR_NULL(type, 0);                                                       \
		type *from = STATE_OR_NULL(type, 1);                                                       \
                                                                                                   \
		if (from != NULL)                                                                          \
		{                                                                                          \
			if (into == NULL)                                                                      \
				into = reco_state_new(fcinfo, sizeof(type));                                       \
			combine(into, from);                                                                   \
		}                                                                                          \
		RETURN_STATE_OR_NULL(into);                                                                \
	}                                                                                              \
                                                                                                   \
	Datum serial_name(PG_FUNCTION_ARGS)                                                            \
	{                                                                                              \
		StringInfoData to;                                                                         \
                                                                                                   \
		reco_state_context(fcinfo);                                                                \
		reco_state_begin(&to, kind);                                                               \
		send(&to, (type *) PG_GETARG_POINTER(0));                                                  \
		PG_RETURN_BYTEA_P(pq_endtypsend(&to));                                                     \
	}                                                                                              \
                                                                                                   \
	Datum deserial_name(PG_FUNCTION_ARGS)                                                          \
	{                                                                                              \
		type *state = palloc0(sizeof(type));                                                       \
		StringInfoData from;                                                                       \
                                                                                                   \
		reco_state_context(fcinfo);                                                                \
		reco_state_open(&from, PG_GETARG_BYTEA_PP(0), kind);                                       \
		read(&from, state);                                                                        \
		pq_getmsgend(&from);                                                                       \
		PG_RETURN_POINTER(state);                                                                  \
	}

/* The first argument of a transition function; only the first row makes one. */
static inline void *
state_of(FunctionCallInfo fcinfo, size_t bytes)
{
	if (unlikely(PG_ARGISNULL(0)))
		return reco_state_new(fcinfo, bytes);
	return PG_GETARG_POINTER(0);
}

static inline double
zero_if_null(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? 0 : PG_GETARG_FLOAT8(arg);
}

static void
require_finite(double x, double y)
{
	reco_value_not_finite(isfinite(x) ? y : x);
}

Datum
reco_cosine_accum(PG_FUNCTION_ARGS)
{
	reco_cosine_sums *state = state_of(fcinfo, sizeof(reco_cosine_sums));
	double x = zero_if_null(fcinfo, 1);
	double y = zero_if_null(fcinfo, 2);

	if (unlikely(!reco_pair_add(state, x, y)))
		require_finite(x, y);
	PG_RETURN_POINTER(state);
}

static void
send_pair_sums(StringInfo to, const reco_cosine_sums *sums)
{
	reco_state_send_sum(to, &sums->xy);
	reco_state_send_sum(to, &sums->xx);
	reco_state_send_sum(to, &sums->yy);
}

static void
read_pair_sums(StringInfo from, reco_cosine_sums *sums)
{
	sums->xy = reco_state_read_sum(from);
	sums->xx = reco_state_read_sum(from);
	sums->yy = reco_state_read_sum(from);
}

STATE_FUNCTIONS(reco_cosine_combine, reco_cosine_serial, reco_cosine_deserial, reco_cosine_sums,
				RECO_STATE_COSINE, reco_pair_combine, send_pair_sums, read_pair_sums)

Datum
reco_cosine_final(PG_FUNCTION_ARGS)
{
	reco_cosine_sums *state = STATE_OR_NULL(reco_cosine_sums, 0);
	double result;

	if (state == NULL || !reco_pair_cosine(state, &result))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(result);
}

Datum
reco_dot_accum(PG_FUNCTION_ARGS)
{
	reco_sum *state;
	double x = zero_if_null(fcinfo, 1);
	double y = zero_if_null(fcinfo, 2);

	/* the sum of no pair is NULL, like that of no number */
	if (PG_ARGISNULL(1) && PG_ARGISNULL(2))
		RETURN_STATE_OR_NULL(STATE_OR_NULL(reco_sum, 0));
	state = state_of(fcinfo, sizeof(reco_sum));
	if (unlikely(!reco_sum_add_product(state, x, y)))
		require_finite(x, y);
	PG_RETURN_POINTER(state);
}

static void
read_sum(StringInfo from, reco_sum *sum)
{
	*sum = reco_state_read_sum(from);
}

STATE_FUNCTIONS(reco_dot_combine_states, reco_dot_serial, reco_dot_deserial, reco_sum,
				RECO_STATE_DOT, reco_sum_combine, reco_state_send_sum, read_sum)

Datum
reco_dot_final(PG_FUNCTION_ARGS)
{
	reco_sum *state = STATE_OR_NULL(reco_sum, 0);
	double result;

	if (state == NULL)
		PG_RETURN_NULL();
	result = reco_sum_value(state);
	if (!isfinite(result))
		float_overflow_error();
	PG_RETURN_FLOAT8(result);
}

Datum
reco_pearson_accum(PG_FUNCTION_ARGS)
{
	reco_pearson_sums *state;
	double x;
	double y;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		RETURN_STATE_OR_NULL(STATE_OR_NULL(reco_pearson_sums, 0));
	state = state_of(fcinfo, sizeof(reco_pearson_sums));
	x = PG_GETARG_FLOAT8(1);
	y = PG_GETARG_FLOAT8(2);
	if (unlikely(!reco_pearson_add(state, x, y)))
		require_finite(x, y);
	PG_RETURN_POINTER(state);
}

static void
send_pearson_sums(StringInfo to, const reco_pearson_sums *sums)
{
	pq_sendint64(to, sums->n);
	pq_sendfloat8(to, sums->first_x);
	pq_sendfloat8(to, sums->first_y);
	pq_sendfloat8(to, sums->mean_x);
	pq_sendfloat8(to, sums->mean_y);
	pq_sendint64(to, sums->ex);
	pq_sendint64(to, sums->ey);
	send_pair_sums(to, &sums->about);
}

static void
read_pearson_sums(StringInfo from, reco_pearson_sums *sums)
{
	sums->n = reco_state_read_count(from, 0, RECO_STATE_MAX_ROWS);
	sums->first_x = reco_state_read_double(from);
	sums->first_y = reco_state_read_double(from);
	sums->mean_x = reco_state_read_double(from);
	sums->mean_y = reco_state_read_double(from);
	sums->ex = (int32) reco_state_read_count(from, -128, 4);
	sums->ey = (int32) reco_state_read_count(from, -128, 4);
	read_pair_sums(from, &sums->about);
}

STATE_FUNCTIONS(reco_pearson_combine_states, reco_pearson_serial, reco_pearson_deserial,
				reco_pearson_sums, RECO_STATE_PEARSON, reco_pearson_combine, send_pearson_sums,
				read_pearson_sums)

Datum
reco_pearson_final(PG_FUNCTION_ARGS)
{
	reco_pearson_sums *state = STATE_OR_NULL(reco_pearson_sums, 0);
	double result;

	if (state == NULL || !reco_pearson_value(state, &result))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(result);
}

/* Whether a number says "present"; NULL and both zeros do not. */
static bool
number_present(FunctionCallInfo fcinfo, int arg)
{
	double value = zero_if_null(fcinfo, arg);

	if (!isfinite(value))
		reco_value_not_finite(value);
	return value != 0;
}

static bool
bool_present(FunctionCallInfo fcinfo, int arg)
{
	return !PG_ARGISNULL(arg) && PG_GETARG_BOOL(arg);
}

static Datum
jaccard_count(FunctionCallInfo fcinfo, bool a, bool b, int by)
{
	JaccardState *state = state_of(fcinfo, sizeof(JaccardState));

	state->both += a && b ? by : 0;
	state->either += a || b ? by : 0;
	PG_RETURN_POINTER(state);
}

Datum
reco_jaccard_accum(PG_FUNCTION_ARGS)
{
	return jaccard_count(fcinfo, number_present(fcinfo, 1), number_present(fcinfo, 2), 1);
}

Datum
reco_jaccard_accum_bool(PG_FUNCTION_ARGS)
{
	return jaccard_count(fcinfo, bool_present(fcinfo, 1), bool_present(fcinfo, 2), 1);
}

Datum
reco_jaccard_inverse(PG_FUNCTION_ARGS)
{
	return jaccard_count(fcinfo, number_present(fcinfo, 1), number_present(fcinfo, 2), -1);
}

Datum
reco_jaccard_inverse_bool(PG_FUNCTION_ARGS)
{
	return jaccard_count(fcinfo, bool_present(fcinfo, 1), bool_present(fcinfo, 2), -1);
}

static void
combine_counts(JaccardState *into, const JaccardState *from)
{
	into->both += from->both;
	into->either += from->either;
}

static void
send_counts(StringInfo to, const JaccardState *state)
{
	pq_sendint64(to, state->both);
	pq_sendint64(to, state->either);
}

static void
read_counts(StringInfo from, JaccardState *state)
{
	state->both = reco_state_read_count(from, 0, RECO_STATE_MAX_ROWS);
	state->either = reco_state_read_count(from, state->both, RECO_STATE_MAX_ROWS);
}

STATE_FUNCTIONS(reco_jaccard_combine, reco_jaccard_serial, reco_jaccard_deserial, JaccardState,
				RECO_STATE_JACCARD, combine_counts, send_counts, read_counts)

Datum
reco_jaccard_final(PG_FUNCTION_ARGS)
{
	JaccardState *state = STATE_OR_NULL(JaccardState, 0);

	if (state == NULL || state->either == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8((double) state->both / (double) state->either);
}
