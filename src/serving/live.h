/*
 * live.h
 *	  What a user has and what may be shown as the definition's queries say it now.
 */
#ifndef RECO_SERVING_LIVE_H
#define RECO_SERVING_LIVE_H

#include "store/image/cache.h"
#include "store/source/events.h"
#include "store/source/lookup.h"

/*
 * What a backend knows of a model's definition.  Valid until the next
 * reco_live_open.
 */
typedef struct RecoLive RecoLive;

/* The definition that a version was opened with. */
extern RecoLive *reco_live_open(const Serving *serving, const ModelRow *row);

extern void reco_live_init(void);

/*
 * A user with the rows that the source has now, or as stored where those are not to be
 * had cheaply; false when neither knows the user.  In the current memory context.
 * A profile whose rows are those that were trained on is the stored one to the bit.
 */
extern bool reco_live_user(RecoLive *live, Serving *serving, const ServedUser *user,
						   reco_profile *profile);

/* What the source says of a user as a whole: of all items, known to the model or not. */
typedef struct RecoActivity
{
	bool live;  /* it was asked */
	int64 rows; /* that count */
	double
		first; /* times as reco_event_time has them; RECO_NO_TIME, or less, where there are none */
	double last;
} RecoActivity;

extern bool reco_live_activity(RecoLive *live, Serving *serving, const ServedUser *user,
							   reco_profile *profile, RecoActivity *activity);

/* Whether the query of items says what is available. */
extern bool reco_live_filters(RecoLive *live, const Serving *serving);

/* Which of n items are, in *available. */
extern void reco_live_filter(RecoLive *live, const Serving *serving, const int32 *item, int32 n,
							 bool *available);

/* The same of all ids of a dictionary, which the model need not know. */
extern void reco_live_filter_ids(RecoLive *live, const Serving *serving, IdDict *ids,
								 bool *available);

/*
 * The set of the model's items that are not available; NULL: all are.  An error when that
 * cannot be read, whatever the option live.
 */
extern uint64 *reco_live_hidden(RecoLive *live, const Serving *serving);

/*
 * Rows of the query of items for n items that the version knows, to the receiver.  False when
 * there is no such query, or it cannot be read.
 */
extern bool reco_live_items(RecoLive *live, const Serving *serving, const ModelRow *row,
							const int32 *item, int32 n, DestReceiver *receiver);
/*
 * Tells, line by line, whether and how the queries of a definition are read when
 * serving.  The caller must have been found to own it.
 */
extern void reco_live_explain(const ModelRow *row, void (*tell)(void *arg, const char *line),
							  void *arg);

/*
 * Where what a user has is read for callers who may do what the owner may: found by planning
 * the source, without running or waiting for anything, so it may not be known.  reason: why
 * not from the source, or why that is not known; NULL: none.
 */
typedef struct RecoLiveVerdict
{
	bool known;
	bool live;
	const char *reason;
} RecoLiveVerdict;

extern RecoLiveVerdict reco_live_verdict(const ModelRow *row);

/*
 * With live => 'auto' the source is asked when its plan costs at most RECO_LIVE_COST,
 * or RECO_LIVE_ROW_COST for each row that it expects, up to RECO_LIVE_ROWS of them:
 * an index on the user passes, whatever the users have, and so does a small table.
 */
#define RECO_LIVE_COST 1000.0
#define RECO_LIVE_ROW_COST 10.0
#define RECO_LIVE_ROWS 1000.0

/* The column of items that says what may be shown. */
#define RECO_LIVE_AVAILABLE "available"

/* For live_explain.c, live_verdict.c and others that read a source. */
extern RecoLiveMode reco_live_mode(const Jsonb *options);
extern RecoLookup reco_live_lookup(const ModelRow *row, bool of_items);
extern double reco_live_limit(const RecoLookup *lookup);
extern bool reco_live_is_cheap(const RecoLookup *lookup);
/* An error unless the columns are those that a source of the model has. */
extern void reco_live_check(TupleDesc columns, const IdType *user_type, const IdType *item_type,
							const RecoDataOptions *options, RecoEvents *events);
/* The same by the options of a definition, without reading anything. */
extern void reco_live_check_definition(TupleDesc columns, const IdType *user_type,
									   const IdType *item_type, const ModelRow *row);
/*
 * Whether an error of a query leaves the training in its place: while it was prepared not what
 * ends a statement or a session, runs out of something, or may go away when it is tried
 * again; while it ran what says that it cannot be read as it stands.
 */
extern bool reco_live_forgives(int code, bool running);

#endif /* RECO_SERVING_LIVE_H */
