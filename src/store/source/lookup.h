/*
 * lookup.h
 *	  A query of a model's definition, asked for some of its rows.
 */
#ifndef RECO_STORE_SOURCE_LOOKUP_H
#define RECO_STORE_SOURCE_LOOKUP_H

#include "store/source/confine.h"
#include "store/ids/ident.h"
#include "store/source/query.h"
#include "tcop/dest.h"

/* What a look-up is given, and what of the rows it returns. */
typedef enum RecoAsk
{
	RECO_ASK_ONE,   /* an id: whole rows */
	RECO_ASK_ANY,   /* an array of ids, each once: whole rows */
	RECO_ASK_MANY,  /* the same of so many that they are worth a plan of their own, in parallel */
	RECO_ASK_WHICH, /* an array of ids: those that there are */
	RECO_ASK_ALL /* nothing: whole rows, in order of the first, the fourth and the third column */
} RecoAsk;

/*
 * The query with a condition on its first column, prepared once a backend and kept.
 * Only the functions below look inside.
 */
typedef struct RecoLookup
{
	RecoQuery query;
	bool as_training;  /* in a session of the owner's it may name what is temporary */
	SPIPlanPtr plan;   /* NULL: not prepared */
	double cost;       /* of the plan that would run now */
	double rows;       /* that it expects */
	const char *unfit; /* why it had better not be asked at each call; NULL: nothing */
	Oid temporary;     /* the session's own schema when it was prepared */
	bool parallel_safe;
	RecoCode code; /* that looks for names in the session */
	/* how reco_lookup_prepare was called last */
	const IdType *type;
	RecoAsk ask;
	const char *condition;
} RecoLookup;

/*
 * All of these run as the owner of the definition, within an SPI connection of
 * their own; errors of the query come through as they are.
 */

/* The columns of the query itself, in the current memory context. */
extern TupleDesc reco_lookup_describe(const RecoLookup *lookup);

/*
 * Unless that was done and still holds, prepares "query WHERE first column = $1", or one of those
 * in $1, and, when it is not NULL, "AND condition", a boolean column of the query.  type: of the
 * ids. Returns the columns, valid as long as the plan.
 */
extern TupleDesc reco_lookup_prepare(RecoLookup *lookup, const IdType *type, RecoAsk ask,
									 const char *condition);

/*
 * Prepares it to be asked for an id, and says which tables its users come from (origin.h), or why
 * that is not to be told.
 */
extern List *reco_lookup_origins(RecoLookup *lookup, const IdType *type, const char **why);

/* Whether there is a plan, and neither catalogs nor statistics have changed under it. */
extern bool reco_lookup_is_current(const RecoLookup *lookup);

/* Plans it as it would run now: sets cost, rows and unfit. */
extern void reco_lookup_plan(RecoLookup *lookup);

/* Rows to the receiver, under the active snapshot. */
extern void reco_lookup_run(RecoLookup *lookup, Oid type, Datum argument, DestReceiver *receiver);

/*
 * The plan as EXPLAIN prints it, and in *hint what would make it cheaper when a table is
 * read in full, or NULL.  argument: any, NULL when there is none.
 */
extern char *reco_lookup_explain(RecoLookup *lookup, Oid type, const Datum *argument, char **hint);

/* May be called at any time but while the query runs. */
extern void reco_lookup_forget(RecoLookup *lookup);

#endif /* RECO_STORE_SOURCE_LOOKUP_H */
