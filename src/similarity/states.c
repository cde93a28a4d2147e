/*
 * states.c
 *	  The states of aggregates: made, sent to another process and read there.
 *
 * No user can call the functions that read a state, for they take an internal
 * argument; yet what they are given is checked like any other input.
 */
#include "similarity/similarity.h"

#include "libpq/pqformat.h"

#include <math.h>

MemoryContext
reco_state_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

/*
 * States of a fixed, small size are for the executor to count.  The children of the context
 * belong to other aggregates of the query.
 */
void
reco_state_require(MemoryContext context, size_t bytes)
{
	reco_context_require(MemoryContextMemAllocated(context, false), bytes, "the aggregate",
						 "aggregate fewer rows or groups at once");
}

/* A zeroed state that lives as long as its group. */
void *
reco_state_new(FunctionCallInfo fcinfo, size_t bytes)
{
	return MemoryContextAllocZero(reco_state_context(fcinfo), bytes);
}

void
reco_state_begin(StringInfo to, RecoStateKind kind)
{
	pq_begintypsend(to);
	pq_sendint32(to, (uint32) kind);
}

void
reco_state_send_sum(StringInfo to, const reco_sum *sum)
{
	pq_sendfloat8(to, sum->sum);
	pq_sendfloat8(to, sum->error);
	pq_sendint64(to, sum->exponent);
}

void
reco_state_invalid(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					errmsg("invalid serialized state of an aggregate")));
}

/* Reads from the bytes where they are. */
void
reco_state_open(StringInfo from, bytea *state, RecoStateKind kind)
{
	from->data = VARDATA_ANY(state);
	from->len = (int) VARSIZE_ANY_EXHDR(state);
	from->maxlen = from->len;
	from->cursor = 0;
	if ((RecoStateKind) pq_getmsgint(from, 4) != kind)
		reco_state_invalid();
}

double
reco_state_read_double(StringInfo from)
{
	double value = pq_getmsgfloat8(from);

	if (!isfinite(value))
		reco_state_invalid();
	return value;
}

reco_sum
reco_state_read_sum(StringInfo from)
{
	reco_sum sum;

	sum.sum = reco_state_read_double(from);
	sum.error = reco_state_read_double(from);
	/* twice that of any double */
	sum.exponent = (int32) reco_state_read_count(from, -2200, 2200);
	return sum;
}

int64
reco_state_read_count(StringInfo from, int64 min, int64 max)
{
	int64 count = pq_getmsgint64(from);

	if (count < min || count > max)
		reco_state_invalid();
	return count;
}
