/*
 * live_state.h
 *	  What a backend knows of a model's definition.  For the files live_*.c only.
 */
#ifndef RECO_SERVING_LIVE_STATE_H
#define RECO_SERVING_LIVE_STATE_H

#include "serving/live.h"

#include "utils/timestamp.h"

/* A query of the definition. */
typedef struct LiveQuery
{
	RecoLookup lookup; /* without a text there is none, or it says nothing of what is available */
	TimestampTz failed_at; /* 0: it did not */
	bool failed_now;       /* in this transaction, whose end may undo why */
	bool running;          /* the rows, no more the plan, are being had */
} LiveQuery;

struct RecoLive
{
	/* key */
	Oid schema;
	int32 version;
	int64 nonce;

	MemoryContext context;
	uint64 used; /* for eviction */
	int busy;    /* its queries that run */

	/* the definition that this was made from */
	MemoryContext definition;
	ModelRow row;
	RecoLiveMode mode;
	bool skip_invalid;
	LiveQuery source;
	LiveQuery items;
	bool items_described; /* whether they say what is available is known */
	bool available;       /* they said it when the version was trained */
};

/*
 * Does something with a query.  False when it failed and the definition lets it be.
 */
extern bool reco_live_attempt(RecoLive *live, LiveQuery *query, void (*work)(void *arg), void *arg);

/* Whether a query may be asked now. */
extern bool reco_live_may_ask(RecoLive *live, LiveQuery *query);

#endif /* RECO_SERVING_LIVE_STATE_H */
