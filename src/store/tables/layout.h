/*
 * layout.h
 *	  What the tables of a model are, and the one way to open them.
 */
#ifndef RECO_STORE_TABLES_LAYOUT_H
#define RECO_STORE_TABLES_LAYOUT_H

#include "pg/pg.h"

#include "storage/lockdefs.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

/* The tables, in the order in which whoever needs several locks them. */
typedef enum RecoTable
{
	RECO_TABLE_MODEL,
	RECO_TABLE_VERSION,
	RECO_TABLE_ITEM,
	RECO_TABLE_USER,
	RECO_TABLE_USER_LAYER,
	RECO_TABLE_PART,
	RECO_TABLE_TERM,
	RECO_TABLE_LIST,
	RECO_TABLE_SEGMENT,
	RECO_TABLE_SEGMENT_PROFILE,
	RECO_TABLE_CHANGE,
	RECO_TABLES
} RecoTable;

/*
 * Columns, from 0.  A table OF a type may have more, appended by a later release: a session
 * may keep an older library.
 */
enum
{
	MODEL_DEFINITION,
	MODEL_SOURCE,
	MODEL_ALGORITHM,
	MODEL_OPTIONS,
	MODEL_SEARCH_PATH,
	MODEL_ACTIVE_VERSION,
	MODEL_ACTIVE_NONCE,
	MODEL_NEXT_VERSION,
	MODEL_CREATED_AT,
	MODEL_ITEMS,
	MODEL_ITEMS_SEARCH_PATH,
	MODEL_ACTIVE_LIST,
	MODEL_RESOLVED,
	MODEL_ACTIVE_EPOCH,
	MODEL_USERS,
	MODEL_USERS_SEARCH_PATH,
	MODEL_PSEUDONYMS_OF,
	MODEL_COLUMNS
};

enum
{
	VERSION_VERSION,
	VERSION_NONCE,
	VERSION_STATUS,
	VERSION_STARTED_AT,
	VERSION_FINISHED_AT,
	VERSION_ROWS_READ,
	VERSION_ROWS_SKIPPED,
	VERSION_ROWS_MERGED,
	VERSION_USERS,
	VERSION_ITEMS,
	VERSION_INTERACTIONS,
	VERSION_ALGORITHM,
	VERSION_OPTIONS,
	VERSION_MIN_VALUE,
	VERSION_MAX_VALUE,
	VERSION_METRICS,
	VERSION_LOSS,
	VERSION_BYTES,
	VERSION_TIMINGS,
	VERSION_TRAINED_BY,
	VERSION_MESSAGE,
	VERSION_FIELDS,
	VERSION_ROW_SECURITY,
	VERSION_AVAILABLE,
	VERSION_TIMED,
	VERSION_REFERENCE_TIME,
	VERSION_EPOCH,
	VERSION_ADDED_USERS,
	VERSION_FOLDED_IN_AT,
	VERSION_FOLDED_IN_USERS,
	VERSION_MEMBER_LOSS,
	VERSION_CHOICE,
	VERSION_COLD_ITEMS,
	VERSION_COLD_USERS,
	VERSION_PRIORS,
	VERSION_FORGOTTEN_USERS,
	VERSION_FORGOTTEN_AT,
	VERSION_EPSILON,
	VERSION_DELTA,
	VERSION_FOLDED_IN_INTERACTIONS,
	VERSION_DRIFT,
	VERSION_CALIBRATION,
	VERSION_MADE_OF,
	VERSION_PSEUDONYM_KEY,
	VERSION_COLUMNS
};

/* Of model_user, model_user_layer and model_item. */
enum
{
	COLUMN_VERSION,
	COLUMN_ID,
	COLUMN_NUMBER,
	COLUMN_INTERACTIONS,
	COLUMN_CONTENT, /* of a user: history; of an item: features */
	COLUMN_PARTS,   /* what the algorithm says of this row (parts.h) */
	COLUMNS,
	/* of users only: what counts as seen, packed as a history; empty: what the history has */
	COLUMN_SEEN = COLUMNS,
	USER_COLUMNS,
	/* of items only */
	COLUMN_TREND = COLUMNS,
	COLUMN_NUMBERS, /* features that are numbers: embeddings, and numbers */
	ITEM_COLUMNS
};

/* Of parts whose rows are neither users nor items. */
enum
{
	PART_VERSION,
	PART_PART, /* its place among these parts */
	PART_NUMBER,
	PART_CONTENT,
	PART_COLUMNS
};

enum
{
	TERM_VERSION,
	TERM_NUMBER,
	TERM_FIELD,
	TERM_TERM,
	TERM_WEIGHT,
	TERM_COLUMNS
};

enum
{
	LIST_NUMBER,
	LIST_USER,
	LIST_ITEMS,
	LIST_SCORES,
	LIST_BY_MODEL,
	LIST_SOURCE,
	LIST_COLUMNS
};

/* Which segment a user is in. */
enum
{
	SEGMENT_USER,
	SEGMENT_SEGMENT,
	SEGMENT_DISTANCE,
	SEGMENT_RECENCY, /* in days; NaN: not known, and the rest 0 */
	SEGMENT_FREQUENCY,
	SEGMENT_MONETARY,
	SEGMENT_R,
	SEGMENT_F,
	SEGMENT_M,
	SEGMENT_COLUMNS
};

/* What a segment is like. */
enum
{
	PROFILE_SEGMENT,
	PROFILE_VERSION,
	PROFILE_MADE_AT,
	PROFILE_MADE_OF,
	PROFILE_SILHOUETTE,
	PROFILE_NAME,
	PROFILE_USERS,
	PROFILE_SHARE,
	PROFILE_ITEMS,
	PROFILE_ITEM_SHARES,
	PROFILE_ITEM_LIFTS,
	PROFILE_KEYWORDS,
	PROFILE_KEYWORD_SHARES,
	PROFILE_KEYWORD_LIFTS,
	PROFILE_MEANS,
	PROFILE_COLUMNS
};

/* A user whose rows in the source have changed, and in which transaction. */
enum
{
	CHANGE_USER, /* null: all users */
	CHANGE_XID,
	CHANGE_COLUMNS
};

extern void reco_layout_init(void);

/* That a table was changed, or any (InvalidOid); for cache.c, as a server has few callbacks. */
extern void reco_layout_forget(Oid table);

extern const char *reco_table_name(RecoTable which);

/* The OID of a type of the extension's, or InvalidOid. */
extern Oid reco_type_oid(const char *name);

/*
 * Opens a table of a model: locks what has its name, and only then checks that it is what
 * it must be.  An error when it is not.  Rights are another matter: rights.h,
 * reco_check_policies, reco_check_writable.
 *
 * The lock is for the rest of the transaction: what was learned about the columns stays
 * true.  Close with table_close(..., NoLock).
 */
extern Relation reco_open(Oid schema, RecoTable which, LOCKMODE lock);

/*
 * The same, but NULL when it is not what it must be, or when `busy` is given and one would
 * have to wait for the lock; *busy tells these apart.  Who copies what is read may give
 * the lock back: table_close(..., lock).
 */
extern Relation reco_try_open(Oid schema, RecoTable which, LOCKMODE lock, bool *busy);

/*
 * An index of an opened table, itself opened, whose keys are exactly these columns by the
 * order of their types, and which this transaction may use; NULL when there is none.
 * Close with index_close(..., AccessShareLock).
 */
extern Relation reco_open_index(Relation table, int keys, const int *column);

/* Whether a column is not null in this row. */
#define reco_column(slot, number) (!(slot)->tts_isnull[number])

/*
 * Whether a table was altered after a snapshot was taken: one that was rewritten is empty
 * to it, as to any query.
 */
extern bool reco_altered_since(Relation table, Snapshot snapshot);

/*
 * The table that makes a schema a model, or InvalidOid.  By the catalogs, without a lock:
 * nothing may be read from it on account of this.
 */
extern Oid reco_model_table(Oid schema);

/* Whether a model was dropped, by whoever was about to. */
extern bool reco_model_gone(Oid schema);

/* Errors: rows of a model that another training replaces, or tables, which it does not. */
extern pg_attribute_noreturn() void reco_damaged(Oid schema, const char *detail);
extern pg_attribute_noreturn() void reco_table_damaged(Oid schema, const char *detail);

#endif /* RECO_STORE_TABLES_LAYOUT_H */
