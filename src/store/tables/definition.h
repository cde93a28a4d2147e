/*
 * definition.h
 *	  Which schemas are models: the row that defines one, and those of its versions.
 */
#ifndef RECO_STORE_TABLES_DEFINITION_H
#define RECO_STORE_TABLES_DEFINITION_H

#include "model/model.h"
#include "store/ids/pseudonym.h"
#include "store/tables/layout.h"

#include "executor/tuptable.h"
#include "utils/jsonb.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/*
 * The snapshot that a procedure reads a model by: with all that this transaction has
 * done.  The active one may lack what a function did before its CALL (in servers
 * before 14.13, 15.8 and 16.4).
 */
#define RECO_LATEST_SNAPSHOT GetTransactionSnapshot()

/* A value of a definition or a version that is longer is read as if it were not there. */
#define RECO_DEFINITION_BYTES (16 * 1024 * 1024)

/* The definition of a model: its one row, copied. */
typedef struct ModelRow
{
	Oid schema;
	Oid table; /* model */
	Oid owner;
	char *name; /* of the schema */
	char *source;
	char *items; /* query of what is known about items; NULL: none */
	char *users; /* likewise about users */
	Jsonb *algorithm;
	Jsonb *options;
	char *search_path;
	char *items_search_path;
	char *users_search_path;
	char *pseudonyms_of;  /* the users of the source (id_pseudonyms_of); NULL: it has no such */
	Jsonb *resolved;      /* what the queries were resolved to (resolve.h); NULL: nothing */
	int32 active_version; /* 0: none yet */
	int64 active_nonce;
	int64 active_epoch; /* of the layer over that version; 0: there is none */
	int32 next_version;
	int32 active_list;      /* of materialized lists; 0: none yet */
	TimestampTz created_at; /* tells models apart, whatever their names; 0: not known */
	bool locked;            /* by somebody else: not read but for schema, name and owner */
	bool missing;           /* the table has no row: likewise */
} ModelRow;

/* Of a version whose source has no times, or only such as are numbers. */
#define RECO_NO_REFERENCE_TIME DT_NOBEGIN

/* A row of model_version, as far as serving needs it. */
typedef struct VersionRow
{
	Jsonb *algorithm;
	Jsonb *options;
	char *status;
	int32 users;           /* that it was trained on */
	int32 added_users;     /* that its layer has besides */
	int32 forgotten_users; /* of these, who have no row any more (reco.forget_user) */
	int32 items;
	int32 cold_items; /* of them without interactions */
	int32 cold_users;
	int64 interactions;
	float min_value;
	float max_value;
	Jsonb *fields; /* of the items' features; NULL: none */
	TimestampTz finished_at;
	int64 bytes;
	Jsonb *metrics; /* NULL: none */
	Jsonb *choice;  /* how its algorithm was chosen; NULL: it was given */
	Jsonb *priors;  /* which versions of other models it began with; NULL: none */
	bool available; /* its items said what is available */
	bool untimed;   /* its source did not tell times; false also where that is not known */
	TimestampTz reference_time; /* that ages are counted from; RECO_NO_REFERENCE_TIME: none */
	pg_uuid_t *key; /* what tells by which key its users have pseudonyms; NULL: they have none */
} VersionRow;

/* The users of a version and of its layer who are still there; whatever is in the row. */
static inline int32
reco_version_users(const VersionRow *version)
{
	int64 users = (int64) version->users + Max(version->added_users, 0);

	return (int32) Min(Max(users - Max(version->forgotten_users, 0), 0), PG_INT32_MAX);
}

/*
 * The OID of the schema of a model, by name; an error when there is none.
 */
extern Oid reco_model_schema(const char *name);

/*
 * Whoever calls: what may be done with it is for the caller to check, of an owner or of
 * who may call the functions (rights.h).  An error where policies would hide the row.
 * The table stays locked for reading.
 */
extern void reco_model_read(Oid schema, Snapshot snapshot, ModelRow *row);

/*
 * The type of users of a model's tables, as those are now, becomes what it is by the definition:
 * one of pseudonyms, made for the owner.  An error where the tables have no such ids.
 */
extern void reco_model_user_type(const ModelRow *row, IdType *type);

/*
 * Gives that lock back, before the table is altered or dropped: of two who do so, each
 * would wait for the other's.
 */
extern void reco_model_unlock(const ModelRow *row);

/*
 * The same without errors, and without a lock that stays: false when the schema is not a
 * model, its row is missing, or the caller may not read it; when busy is given, also when
 * one would have to wait (*busy).
 */
extern bool reco_model_try_read(Oid schema, Snapshot snapshot, ModelRow *row, bool *busy);

/* A text of a row that is shown or compared, copied; an empty one for a longer one; or NULL. */
#define RECO_SHORT_BYTES 65536
extern char *reco_short_column(TupleTableSlot *slot, int number);

/*
 * Visits every model whose table the caller may read, those included whose row is locked or
 * missing.  Without errors and locks, as reco_model_try_read.  What a visit allocates goes with it.
 */
extern void reco_each_model(void (*visit)(void *arg, const ModelRow *model), void *arg);

/*
 * A version: an error when there is no such version, or, with try, as for
 * reco_model_try_read.
 */
extern void reco_version_read(Oid schema, int32 version, Snapshot snapshot, VersionRow *row);
extern bool reco_version_try_read(Oid schema, int32 version, Snapshot snapshot, VersionRow *row,
								  bool *busy);

/*
 * The latest version whose training came to an end, whether it was made the active one or held
 * back; 0: there is none.  Cost: that of reading all rows of versions, one for each training.
 */
extern int32 reco_version_last_finished(Oid schema, Snapshot snapshot, VersionRow *row);

/* The versions that can be made the active one, as integers. */
extern List *reco_versions_ready(Oid schema, Snapshot snapshot);

/* What the trainings of a model that told something have spent of privacy, altogether. */
extern RecoPrivacySpent reco_versions_spent(Oid schema, Snapshot snapshot);

/*
 * The epoch of a version's layer as it is committed now, whatever the caller's snapshot and
 * rights; -1 when there is no such version that is ready.
 */
extern int64 reco_version_epoch_now(Oid schema, int32 version, int64 nonce);

/* An error where policies would hide versions from the caller. */
extern void reco_version_check(Oid schema);

/* The owner of a relation, or InvalidOid when it is gone. */
extern Oid reco_relation_owner(Oid relation);

/* The caller must own the model. */
extern void reco_model_check_owner(const ModelRow *row);

/* Rows that policies hide from the current user must neither be shown nor be left behind. */
extern void reco_check_policies(Relation table);

/*
 * Who writes, the model's owner, must be the table's as well: what another owner put on it
 * would run with the rights of the model's.
 */
extern void reco_check_writable(Relation table);

#endif /* RECO_STORE_TABLES_DEFINITION_H */
