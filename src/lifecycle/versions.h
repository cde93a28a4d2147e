/*
 * versions.h
 *	  The life of a model version in its tables.
 */
#ifndef RECO_LIFECYCLE_VERSIONS_H
#define RECO_LIFECYCLE_VERSIONS_H

#include "model/model.h"
#include "store/source/source.h"
#include "store/tables/tables.h"

/* What is known of a training, to be recorded. */
typedef struct RecoTrainingRecord
{
	Oid schema;
	RecoRunAs owner; /* who writes: the model's owner, restricted */
	int32 version;
	int64 nonce;
	Jsonb *algorithm;
	Jsonb *options;
	int keep_versions;
	const char *trained_by;
	const RecoData *data;
	const reco_csr *by_user; /* as trained on */
	const RecoTrained *trained;
	double read_seconds;
	double train_seconds;
	double write_seconds;
	int64 bytes;
	Jsonb *metrics;      /* NULL: nothing was measured */
	bool held_back;      /* kept, but not made the active one */
	const char *message; /* NULL: there is nothing to say */
} RecoTrainingRecord;

/* Puts the one row into a new model's table: of the definition its queries. */
extern void reco_version_define(const RecoTrainingRecord *record, const ModelRow *definition);

/* Changes the definition; NULL keeps what is there. */
extern void reco_version_redefine(const RecoTrainingRecord *record, const ModelRow *definition);

/* Keeps what queries of the definition were resolved to. */
extern void reco_version_resolved(const RecoTrainingRecord *record, Jsonb *missing);

/* Takes the next version number and nonce and records that its training runs. */
extern void reco_version_start(RecoTrainingRecord *record);

/*
 * To be asked before the training: an error when what a user has, or what an item is like, is
 * more than a row holds.
 */
extern void reco_version_check_lengths(const RecoData *data, const char *model);

/*
 * Locks the tables to be written to; as they are now, they stay.  The owner may have
 * changed them since the training began.
 */
extern void reco_version_lock(const RecoTrainingRecord *record);

/* Writes the trained version, makes it the active one unless held back, and removes expired ones.
 */
extern void reco_version_finish(RecoTrainingRecord *record);

/* Makes an older version that is ready the active one; false when there is none. */
extern bool reco_version_activate(const RecoTrainingRecord *record);

/* Records that a training failed. */
extern void reco_version_fail(const RecoTrainingRecord *record, const char *message);

#endif /* RECO_LIFECYCLE_VERSIONS_H */
