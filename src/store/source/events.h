/*
 * events.h
 *	  The rows of a source, one by one: what each says, and the rules of rows.
 *
 * A training reads all rows and a look-up those of one user, both by reco_event_read, so that
 * live rows are those that were trained on.  A rule looks at one row and leaves it out or
 * changes it; it is a function that is inlined, since a call a row and rule would cost more
 * than most rules.  What looks at all rows of a user is a rule of users
 * (core/data/row.h), and what looks at everything is done by ingest_finish.c.
 */
#ifndef RECO_STORE_SOURCE_EVENTS_H
#define RECO_STORE_SOURCE_EVENTS_H

#include "core/data/cancel.h"
#include "store/source/data.h"
#include "store/source/query.h"

#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"

#include <math.h>

/* A row of a source. */
typedef struct RecoEvent
{
	Datum user;
	Datum item;
	double value; /* 1 where the source has none; times what its kind weighs */
	double plain; /* the same without that */
	int64 time;   /* see reco_rule_time; 0 where the source has none */
	bool learnt;  /* it teaches something */
	bool seen;    /* its item is one that the user has */
	bool cancels; /* it takes back what others say, and is neither */
} RecoEvent;

/* The column of kinds, from 0. */
#define RECO_KIND_AT 4

/* How rows are read. */
typedef struct RecoEvents
{
	bool skip_invalid; /* on_invalid => 'skip' */
	Oid value_type;    /* InvalidOid: there is no such column */
	Oid time_type;     /* of times, or of ranks */
	Oid kind_type;     /* of kinds; InvalidOid: there is no such column */
	bool cancel_negative;
	RecoWindow window;            /* of times */
	int required;                 /* the first so many columns say something */
	int time_at;                  /* the column of times, from 0 */
	int64 *count;                 /* RECO_COUNTS: rows that were left out */
	struct RecoKindReader *kinds; /* NULL: a row counts the same whatever its kind */
} RecoEvents;

/*
 * Finds the columns of a source, or of what has the same; an error unless it may have them.
 * Sets all but what is about rows.
 */
extern void reco_events_columns(RecoEvents *events, const RecoQueryKind *kind, TupleDesc columns);

/*
 * What options say of rows, whose columns were found: all but `count`, `skip_invalid` and `kinds`.
 * An error where the columns are not such as the options need.
 */
extern void reco_events_options(RecoEvents *events, const RecoDataOptions *options);

/* Microseconds in a unit of times of a type; 0: they are numbers, or there are none. */
extern int64 reco_events_unit(Oid time_type);

/*
 * Now, in units of times.  A time without a zone may be that of any place: there it is the latest,
 * where the clock is 14 hours ahead.
 */
extern int64 reco_events_now(Oid time_type);

/* An error for a row, the slot's, that is not skipped. */
extern pg_attribute_noreturn() void reco_event_invalid(TupleTableSlot *slot, double value);

/* What the kind of a row makes of it. */
extern RecoCount reco_event_kind(const RecoEvents *events, TupleTableSlot *slot, RecoEvent *event);

/* A rule takes a row, or says under which count it is left out. */
#define RECO_TAKEN RECO_COUNTS

/* The rules of rows, in their order. */
#define RECO_ROW_RULES(RULE)                                                                       \
	RULE(reco_rule_nulls)                                                                          \
	RULE(reco_rule_value)                                                                          \
	RULE(reco_rule_kind)                                                                           \
	RULE(reco_rule_time)                                                                           \
	RULE(reco_rule_window)

/* A row without a user, an item, a value or a rank says nothing; one without a time does. */
static pg_attribute_always_inline RecoCount
reco_rule_nulls(const RecoEvents *events, TupleTableSlot *slot, RecoEvent *event)
{
	const bool *null = slot->tts_isnull;

	event->user = slot->tts_values[0];
	event->item = slot->tts_values[1];
	if (null[0])
		return RECO_COUNT_NO_USER;
	if (null[1])
		return RECO_COUNT_NO_ITEM;
	return events->required > 2 && null[2] ? RECO_COUNT_NO_VALUE : RECO_TAKEN;
}

static pg_attribute_always_inline double
reco_event_number(Oid type, Datum value)
{
	switch (type)
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		case INT8OID:
			return (double) DatumGetInt64(value);
		case FLOAT4OID:
			return DatumGetFloat4(value);
		case FLOAT8OID:
			return DatumGetFloat8(value);
		default:
			return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, value));
	}
}

/* on_invalid: a value is a finite number in range; -0 is 0. */
static pg_attribute_always_inline RecoCount
reco_rule_value(const RecoEvents *events, TupleTableSlot *slot, RecoEvent *event)
{
	event->value = 1;
	if (!OidIsValid(events->value_type))
		return RECO_TAKEN;
	event->value = reco_event_number(events->value_type, slot->tts_values[2]);
	if (!(fabs(event->value) <= RECO_MAX_VALUE))
	{
		if (!events->skip_invalid)
			reco_event_invalid(slot, event->value);
		return RECO_COUNT_INVALID;
	}
	event->value += 0.0;
	return RECO_TAKEN;
}

/* kind_weights, seen_kinds, cancel_kinds; cancel_negative. */
static pg_attribute_always_inline RecoCount
reco_rule_kind(const RecoEvents *events, TupleTableSlot *slot, RecoEvent *event)
{
	event->plain = event->value;
	event->learnt = event->seen = true;
	event->cancels = false;
	if (events->kinds)
	{
		RecoCount left_out = reco_event_kind(events, slot, event);

		if (left_out != RECO_TAKEN)
			return left_out;
	}
	/* what the user does not have is not taken back: such a value counts as it is */
	if (events->cancel_negative && event->plain < 0 && event->seen)
	{
		event->cancels = true;
		event->learnt = event->seen = false;
	}
	return RECO_TAKEN;
}

/*
 * In units of the column: of the order of rows.  PG_INT64_MIN is a time that is not known,
 * which is before all others: -infinity and the least bigint become the time after it.
 */
static pg_attribute_always_inline RecoCount
reco_rule_time(const RecoEvents *events, TupleTableSlot *slot, RecoEvent *event)
{
	Datum time;

	event->time = 0;
	if (!OidIsValid(events->time_type))
		return RECO_TAKEN;
	event->time = PG_INT64_MIN;
	if (slot->tts_isnull[events->time_at])
		return RECO_TAKEN;
	time = slot->tts_values[events->time_at];
	switch (events->time_type)
	{
		case INT2OID:
			event->time = DatumGetInt16(time);
			break;
		case INT4OID:
			event->time = DatumGetInt32(time);
			break;
		case DATEOID:
			event->time = DatumGetDateADT(time);
			break;
		default:
			event->time = Max(DatumGetInt64(time), PG_INT64_MIN + 1);
	}
	return RECO_TAKEN;
}

/* since, until: a time that is not known is before all others. */
static pg_attribute_always_inline RecoCount
reco_rule_window(const RecoEvents *events, TupleTableSlot *slot, RecoEvent *event)
{
	return event->time >= events->window.from && event->time <= events->window.last
			   ? RECO_TAKEN
			   : RECO_COUNT_OUTSIDE;
}

/* What a row says, its columns fetched before; false when a rule leaves it out. */
static pg_attribute_always_inline bool
reco_event_read(const RecoEvents *events, TupleTableSlot *slot, RecoEvent *event)
{
	RecoCount left_out;

#define RULE(rule)                                                                                 \
	if ((left_out = rule(events, slot, event)) != RECO_TAKEN)                                      \
	{                                                                                              \
		events->count[left_out]++;                                                                 \
		return false;                                                                              \
	}
	RECO_ROW_RULES(RULE)
#undef RULE
	return true;
}

/* The same with numbers for ids, where what others say counts. */
static inline reco_deed
reco_event_deed(const RecoEvent *event, int32 user, int32 item)
{
	return (reco_deed){
		.time = event->time,
		.user = user,
		.item = item,
		.value = (float) event->value,
		.plain = (float) (event->cancels ? fabs(event->plain) : event->plain),
		.learnt = event->learnt,
		.seen = event->seen,
		.cancels = event->cancels,
	};
}

#endif /* RECO_STORE_SOURCE_EVENTS_H */
