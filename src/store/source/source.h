/*
 * source.h
 *	  A model's source: any query whose columns are user, item [, value [, time]].
 */
#ifndef RECO_STORE_SOURCE_H
#define RECO_STORE_SOURCE_H

#include "pg/pg.h"

#include "core/data/csr.h"
#include "executor/spi.h"
#include "store/ids/ident.h"
#include "utils/jsonb.h"

typedef enum OnInvalid
{
	ON_INVALID_ERROR,
	ON_INVALID_SKIP
} OnInvalid;

/* Whether what a user has is read from the source when serving. */
typedef enum RecoLiveMode
{
	RECO_LIVE_AUTO, /* where the source answers cheaply */
	RECO_LIVE_ON,
	RECO_LIVE_OFF
} RecoLiveMode;

/* reco.options(): what is about the data, not about the mathematics. */
typedef struct RecoDataOptions
{
	int on_invalid;
	int min_user_interactions;
	int min_item_interactions;
	int max_user_interactions; /* 0: all */
	int keep_versions;
	int live;
} RecoDataOptions;

/*
 * Who reads the source.  The text of a model is run as its owner, under
 * SECURITY_RESTRICTED_OPERATION and a search_path of its own; the text that a
 * caller has just handed over, as in reco.evaluate, as the caller.
 */
typedef struct RecoRunAs
{
	bool restricted;
	Oid owner;
	const char *search_path;
} RecoRunAs;

/* search_path under which a resolved text is read: it names everything by its schema. */
#define RECO_RESOLVED_PATH "pg_catalog"

typedef struct RecoIdentity
{
	Oid user;
	int sec_context;
	int guc_level;
	bool restricted;
} RecoIdentity;

extern void reco_become(const RecoRunAs *as, RecoIdentity *before);
extern void reco_return(const RecoIdentity *before);

/* The queries of a model, as messages name them. */
typedef struct RecoQueryKind
{
	const char *name;
	const char *name_of; /* "source must ..." */
	const char *columns;
} RecoQueryKind;

extern const RecoQueryKind reco_the_source;
extern const RecoQueryKind reco_the_items;

/* A query with what it takes to run it. */
typedef struct RecoQuery
{
	const RecoQueryKind *kind;
	const char *text; /* NULL: there is none */
	RecoRunAs as;
	bool stored;   /* of an earlier call */
	bool resolved; /* resolve.h; without it a stored text means what it did in its search_path */
	const char *calls; /* of a resolved one: what is not in pg_catalog */
} RecoQuery;

/* The names that make up the name of a table; NIL: the text is a query. */
extern List *reco_query_names(const RecoQueryKind *kind, const char *text);

/*
 * The text of a query, given as such or as the name of a table, as it can stand in
 * parentheses: without a semicolon and what follows it.  It may end with a line
 * comment.
 */
extern char *reco_query_text(const RecoQueryKind *kind, const char *source);

/* The columns of a plan; an error unless it is one plain SELECT. */
extern TupleDesc reco_query_check(const RecoQueryKind *kind, SPIPlanPtr plan);
extern pg_attribute_noreturn() void reco_not_plain(const RecoQueryKind *kind);

/* Lets an error point into a query, its text, instead of the caller's (an error callback). */
extern void reco_point_into(void *text);

/* Tells with an error where the names of a stored query were looked for (an error callback). */
extern void reco_tell_names(void *query);

/*
 * An error unless a query that is run has the columns that its plan had: they were looked
 * at then, and a plan is made anew when a function that it calls was.
 */
extern void reco_query_same(const RecoQueryKind *kind, TupleDesc planned, TupleDesc run);

/* What a source held, ready to train on. */
typedef struct RecoData
{
	IdType user_type;
	IdType item_type;
	bool has_value;
	bool has_time;
	char *column[4]; /* names: user, item, value, time; NULL: it has none */
	IdDict *users;   /* in the order of their ids */
	IdDict *items;
	reco_interactions x;
	int64 rows_read;
	int64 skipped_null;    /* a user, item or value is NULL */
	int64 skipped_invalid; /* no finite value in range, or an id too long, with on_invalid => 'skip'
							*/
	int64 skipped_items;   /* rows of items, likewise */
	int64 dropped_users;   /* by min_user_interactions */
	int64 dropped_items;
	/* who has the most interactions, and whether most pairs of items come from that user */
	int32 longest_user;
	int64 longest;
	bool longest_rules;
	float *trend;                  /* of the items; NULL: the source has no times */
	struct RecoFeatures *features; /* NULL: no query of items was given */
	bool row_security;             /* policies decided which rows were read */
	bool available;                /* items say what is available */
} RecoData;

/*
 * Reads a source, and what is known about items (without a text: nothing), into memory: the
 * result lives in the budget's context.  items_join: what only `items` has are items,
 * too, and it must say something about them.
 * Needs an active snapshot and an SPI connection.  Errors of the source come
 * through as they are.
 */
extern RecoData *reco_read_source(const RecoQuery *source, const RecoQuery *items, bool items_join,
								  const RecoDataOptions *options, RecoBudget *budget);

/* options.c: an error unless these are options of data. */
extern void reco_data_options_parse(Jsonb *value, RecoDataOptions *options);

/* A table as a source names it; an error when there is none. */
extern char *reco_table_source(Oid table);

#endif /* RECO_STORE_SOURCE_H */
