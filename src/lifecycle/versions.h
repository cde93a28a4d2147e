/*
 * versions.h
 *	  The life of a model version in its tables.
 */
#ifndef RECO_LIFECYCLE_VERSIONS_H
#define RECO_LIFECYCLE_VERSIONS_H

#include "evaluation/guard.h"
#include "model/model.h"
#include "store/source/source.h"
#include "store/tables/tables.h"

/* A version that is made, and as whom its tables are written. */
typedef struct RecoVersion
{
	Oid schema;
	RecoRunAs owner; /* the model's owner, restricted */
	int32 number;
	int64 nonce;
} RecoVersion;

/* What a training gave, to be written as a version. */
typedef struct RecoVersionResult
{
	const RecoData *data;
	Jsonb *options;          /* those of the definition, with what was chosen */
	const reco_csr *by_user; /* as trained on */
	const reco_csr *seen;    /* what counts as seen; NULL: the same */
	int64 interactions;
	/* of a training whose users are not in memory: how many each item has, and who writes them */
	const int32 *item_users;
	void (*write_users)(void *arg, TableWriter *writer, int64 *bytes);
	void *write_arg;
	int32 cold_items; /* items without any interaction */
	int32 cold_users; /* likewise users */
	const RecoTrained *trained;
	Datum read_by; /* the snapshot that the source was read by */
	double read_seconds;
	double train_seconds;
	Jsonb *metrics;      /* NULL: nothing was measured */
	Jsonb *calibration;  /* NULL: likewise, or too little */
	int32 made_of;       /* the version that it is made of, without a training; 0: none */
	double drift;        /* how far users are from where that had them; NaN: not known */
	Jsonb *priors;       /* which versions of other models it began with; NULL: none */
	Jsonb *choice;       /* how the algorithm was chosen; NULL: it was given */
	RecoVerdict verdict; /* whether it is made the active one */
	int keep_versions;
	const pg_uuid_t
		*key; /* what tells by which key its users have pseudonyms; NULL: they have none */
} RecoVersionResult;

/* Puts the one row into the new table of a model, whose definition this is. */
extern void reco_definition_insert(Oid schema, const ModelRow *definition);

/*
 * Changes the definition of a model: of `change` its queries, algorithm, options and what the
 * queries were resolved to; NULL keeps what is there.
 */
extern void reco_definition_update(const ModelRow *model, const ModelRow *change);

/*
 * Locks the row that says which version is active, and makes it another one: whoever saw the
 * versions as they were before cannot activate one by that, but fails to serialize.
 */
extern void reco_definition_touch(Oid schema);

/* Keeps what queries of the definition were resolved to. */
extern void reco_definition_add_resolved(Oid schema, Oid owner, Jsonb *missing);

/* Makes an older version that is ready the active one; false when there is none. */
extern bool reco_version_activate(const ModelRow *model, int32 number);

/*
 * Takes the next number and a nonce for a version of the definition, and records that its
 * training runs.
 */
extern void reco_version_start(RecoVersion *version, const ModelRow *definition,
							   const char *trained_by);

/*
 * To be asked before the training: an error when what a user has, or what an item is like, is
 * more than a row holds.
 */
extern void reco_version_check_lengths(const RecoData *data, const char *model);

/*
 * Locks the tables to be written to; as they are now, they stay.  The owner may have
 * changed them since the training began.
 */
extern void reco_version_lock(const RecoVersion *version);

/* Writes a trained version, makes it the active one unless held back, removes expired ones. */
extern void reco_version_finish(const RecoVersion *version, const RecoVersionResult *result);

/* The same of one user. */
extern void reco_version_check_length(const RecoData *data, Datum id, int64 n, const char *model);

/*
 * As reco_version_add_user, of an id that need not stay where it is; *bytes grows by what is
 * stored.
 */
extern bool reco_version_write_user(TableWriter *writer, int32 version, int32 number, Datum id,
									const IdType *type, const RecoModel *model,
									const reco_profile *profile, int64 *bytes);

/*
 * Adds the row of a user, of whom a profile is known, to a table of users; id stays where it is
 * until the rows are written.  False when the profile has numbers that reading would refuse.
 */
extern bool reco_version_add_user(TableWriter *writer, int32 version, int32 number, Datum id,
								  const RecoModel *model, const reco_profile *profile);

/* Records that a training failed. */
extern void reco_version_fail(const RecoVersion *version, const char *message);

#endif /* RECO_LIFECYCLE_VERSIONS_H */
