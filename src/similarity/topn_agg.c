/*
 * topn_agg.c
 *	  top_n_agg: the n items of the highest scores of a group.
 *
 * A heap of n entries with the worst on top; an item that does not enter costs a
 * comparison of two numbers.  Equal scores (0 and -0 among them) are ordered by
 * the items, in their type's own order and the call's collation, so the list does
 * not depend on the order of the rows or on the plan.  The final function sorts a
 * copy: running windows are right.
 *
 * Cost: 16 bytes and the item's own size, n times (for n NULL: a row) a group, counted
 * against reco.max_memory.
 */
#include "similarity/similarity.h"

#include "access/detoast.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include <math.h>

/* In place of n: all items. */
#define NO_LIMIT (-1)

typedef struct TopEntry
{
	double score;
	Datum item;
} TopEntry;

typedef struct TopState
{
	TypeCacheEntry *type; /* of the items; lives as long as the session */
	MemoryContext context;
	int32 limit;
	int32 n;
	int32 room;
	TopEntry *entry;
} TopState;

typedef struct TopOrder
{
	TypeCacheEntry *type;
	Oid collation;
} TopOrder;

RECO_FUNCTION(reco_top_n_accum);
RECO_FUNCTION(reco_top_n_combine);
RECO_FUNCTION(reco_top_n_serial);
RECO_FUNCTION(reco_top_n_deserial);
RECO_FUNCTION(reco_top_n_final);

static TopState *
new_state(MemoryContext context, Oid type, int32 limit)
{
	TopState *state = MemoryContextAllocZero(context, sizeof(TopState));

	state->type = lookup_type_cache(type, TYPECACHE_CMP_PROC_FINFO);
	if (!OidIsValid(state->type->cmp_proc_finfo.fn_oid))
		ereport(
			ERROR,
			(errcode(ERRCODE_UNDEFINED_FUNCTION),
			 errmsg("could not identify a comparison function for type %s", format_type_be(type)),
			 errhint("Items of equal scores are ordered by the items; convert them to a type "
					 "that has an order, such as text.")));
	state->context = context;
	state->limit = limit;
	return state;
}

/* Negative when a comes before b in the result. */
static int
compare_entries(const void *pa, const void *pb, void *arg)
{
	const TopEntry *a = pa;
	const TopEntry *b = pb;
	TopOrder *order = arg;

	reco_poll();
	if (a->score != b->score)
		return a->score > b->score ? -1 : 1;
	return DatumGetInt32(
		FunctionCall2Coll(&order->type->cmp_proc_finfo, order->collation, a->item, b->item));
}

#define HEAP_ENTRY TopEntry
#define HEAP_ARG TopOrder *
#define HEAP_WORSE(a, b) (compare_entries(&(a), &(b), arg) > 0)
#include "core/base/heap.h"

/* A copy of an item in the state's memory, wholly inline. */
static Datum
copy_item(TopState *state, Datum item)
{
	MemoryContext old;

	if (!state->type->typbyval)
		reco_state_require(state->context, state->type->typlen == -1
											   ? toast_raw_datum_size(item)
											   : datumGetSize(item, false, state->type->typlen));
	old = MemoryContextSwitchTo(state->context);
	if (state->type->typlen == -1)
		item = PointerGetDatum(PG_DETOAST_DATUM_COPY(item));
	else
		item = datumCopy(item, state->type->typbyval, state->type->typlen);
	MemoryContextSwitchTo(old);
	return item;
}

static void
make_room(TopState *state)
{
	int32 most = state->limit == NO_LIMIT ? (int32) MaxArraySize : state->limit;

	if (state->n < state->room)
		return;
	if (state->n == (int32) MaxArraySize)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("array size exceeds the maximum allowed (%d)", (int) MaxArraySize),
						errhint("Ask for fewer items.")));
	/* at most MaxArraySize before it doubles, so there is no overflow */
	state->room = Min(state->room ? state->room * 2 : 16, Min(most, (int32) MaxArraySize));
	reco_state_require(state->context, sizeof(TopEntry) * (Size) state->room);
	if (state->entry)
		state->entry = repalloc_huge(state->entry, sizeof(TopEntry) * (Size) state->room);
	else
		state->entry = MemoryContextAlloc(state->context, sizeof(TopEntry) * state->room);
}

static void
offer(TopState *state, double score, Datum item, TopOrder *order)
{
	TopEntry entry = {score, item};
	TopEntry worst;

	if (state->limit == NO_LIMIT || state->n < state->limit)
	{
		make_room(state);
		entry.item = copy_item(state, item);
		state->entry[state->n++] = entry;
		/* without a limit nothing is thrown away, and the end sorts */
		if (state->limit != NO_LIMIT)
			sift_up(state->entry, state->n - 1, order);
		return;
	}
	if (state->limit == 0 || score < state->entry[0].score)
		return;
	worst = state->entry[0];
	if (compare_entries(&entry, &worst, order) >= 0)
		return;
	entry.item = copy_item(state, item);
	state->entry[0] = entry;
	sift_down(state->entry, state->n, 0, order);
	if (!state->type->typbyval)
		pfree(DatumGetPointer(worst.item));
}

static int32
limit_argument(FunctionCallInfo fcinfo)
{
	int32 limit = PG_ARGISNULL(3) ? NO_LIMIT : PG_GETARG_INT32(3);

	if (!PG_ARGISNULL(3) && limit < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("number of items must not be negative"),
						errhint("NULL stands for all items.")));
	return limit;
}

static void
require_same(const TopState *state, int32 limit)
{
	if (state->limit != limit)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("number of items must be the same in all rows of a group")));
}

Datum
reco_top_n_accum(PG_FUNCTION_ARGS)
{
	TopState *state = PG_ARGISNULL(0) ? NULL : (TopState *) PG_GETARG_POINTER(0);
	int32 limit = limit_argument(fcinfo);
	double score;
	TopOrder order;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	score = PG_GETARG_FLOAT8(2);
	if (isnan(score))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("score is not a number"),
				 errhint("Leave such rows out, for instance with FILTER.")));
	if (state == NULL)
	{
		Oid type = get_fn_expr_argtype(fcinfo->flinfo, 1);

		if (!OidIsValid(type))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("could not determine input data type")));
		state = new_state(reco_state_context(fcinfo), type, limit);
	}
	require_same(state, limit);
	order = (TopOrder){state->type, PG_GET_COLLATION()};
	offer(state, score, PG_GETARG_DATUM(1), &order);
	PG_RETURN_POINTER(state);
}

Datum
reco_top_n_combine(PG_FUNCTION_ARGS)
{
	TopState *into = PG_ARGISNULL(0) ? NULL : (TopState *) PG_GETARG_POINTER(0);
	TopState *from = PG_ARGISNULL(1) ? NULL : (TopState *) PG_GETARG_POINTER(1);
	TopOrder order;

	if (from != NULL)
	{
		if (into == NULL)
			into = new_state(reco_state_context(fcinfo), from->type->type_id, from->limit);
		require_same(into, from->limit);
		if (into->type != from->type)
			reco_state_invalid();
		order = (TopOrder){into->type, PG_GET_COLLATION()};
		for (int32 i = 0; i < from->n; i++)
		{
			reco_poll();
			offer(into, from->entry[i].score, from->entry[i].item, &order);
		}
	}
	if (into == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(into);
}

/*
 * Items go as the bytes they are: both ends are processes of one server, and not
 * every type has functions to send and to receive (an anonymous record has none).
 */
Datum
reco_top_n_serial(PG_FUNCTION_ARGS)
{
	TopState *state = (TopState *) PG_GETARG_POINTER(0);
	int16 length = state->type->typlen;
	StringInfoData to;

	reco_state_context(fcinfo);
	reco_state_begin(&to, RECO_STATE_TOP_N);
	pq_sendint32(&to, state->type->type_id);
	pq_sendint64(&to, state->limit);
	pq_sendint64(&to, state->n);
	for (int32 i = 0; i < state->n; i++)
	{
		Datum item = state->entry[i].item;

		reco_poll();
		pq_sendfloat8(&to, state->entry[i].score);
		if (state->type->typbyval)
			pq_sendint64(&to, (int64) item);
		else
		{
			Size bytes = datumGetSize(item, false, length);

			if (length < 0)
				pq_sendint32(&to, (uint32) bytes);
			appendBinaryStringInfo(&to, DatumGetPointer(item), (int) bytes);
		}
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&to));
}

static Datum
read_item(StringInfo from, const TypeCacheEntry *type)
{
	int bytes = type->typlen;
	char *copy;

	if (type->typbyval)
		return (Datum) pq_getmsgint64(from);
	if (bytes < 0)
		bytes = (int) pq_getmsgint(from, 4);
	if (bytes <= 0 || bytes > from->len - from->cursor)
		reco_state_invalid();
	copy = palloc(bytes);
	memcpy(copy, pq_getmsgbytes(from, bytes), bytes);
	/* plain, with a header that tells the same length */
	if ((type->typlen == -1 &&
		 (bytes < VARHDRSZ || !VARATT_IS_4B_U(copy) || VARSIZE(copy) != (Size) bytes)) ||
		(type->typlen == -2 && memchr(copy, 0, bytes) != copy + bytes - 1))
		reco_state_invalid();
	return PointerGetDatum(copy);
}

Datum
reco_top_n_deserial(PG_FUNCTION_ARGS)
{
	StringInfoData from;
	TopState *state;
	Oid type;
	int32 limit;
	int64 n;

	reco_state_context(fcinfo);
	reco_state_open(&from, PG_GETARG_BYTEA_PP(0), RECO_STATE_TOP_N);
	type = (Oid) pq_getmsgint(&from, 4);
	limit = (int32) reco_state_read_count(&from, NO_LIMIT, PG_INT32_MAX);
	/* a score and at least one byte each, before memory is taken */
	n = reco_state_read_count(&from, 0, from.len / (int) (sizeof(float8) + 1));
	if (limit != NO_LIMIT && n > limit)
		reco_state_invalid();
	state = new_state(CurrentMemoryContext, type, limit);
	state->room = (int32) Max(n, 1);
	reco_state_require(CurrentMemoryContext, sizeof(TopEntry) * (Size) state->room);
	state->entry = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(TopEntry) * state->room);
	for (; state->n < n; state->n++)
	{
		double score = pq_getmsgfloat8(&from);

		reco_poll();
		if (isnan(score))
			reco_state_invalid();
		state->entry[state->n].score = score;
		state->entry[state->n].item = read_item(&from, state->type);
	}
	pq_getmsgend(&from);
	PG_RETURN_POINTER(state);
}

Datum
reco_top_n_final(PG_FUNCTION_ARGS)
{
	TopState *state = PG_ARGISNULL(0) ? NULL : (TopState *) PG_GETARG_POINTER(0);
	TopOrder order;
	TopEntry *entry;
	Datum *items;
	ArrayType *result;

	if (state == NULL)
		PG_RETURN_NULL();
	if (state->type->type_id != get_fn_expr_argtype(fcinfo->flinfo, 1))
		reco_state_invalid();
	if (state->n == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(state->type->type_id));
	order = (TopOrder){state->type, PG_GET_COLLATION()};
	reco_state_require(CurrentMemoryContext, (sizeof(TopEntry) + sizeof(Datum)) * (Size) state->n);
	entry = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(TopEntry) * state->n);
	memcpy(entry, state->entry, sizeof(TopEntry) * state->n);
	qsort_arg(entry, state->n, sizeof(TopEntry), compare_entries, &order);
	items = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Datum) * state->n);
	for (int32 i = 0; i < state->n; i++)
	{
		RECO_POLL_AT(i);
		items[i] = entry[i].item;
	}
	result = construct_array(items, state->n, state->type->type_id, state->type->typlen,
							 state->type->typbyval, state->type->typalign);
	pfree(entry);
	pfree(items);
	PG_RETURN_ARRAYTYPE_P(result);
}
