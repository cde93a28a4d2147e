/*
 * fold_in.h
 *	  A fold-in that is under way: for the files of that name.
 */
#ifndef RECO_LIFECYCLE_FOLD_IN_H
#define RECO_LIFECYCLE_FOLD_IN_H

#include "lifecycle/train.h"

#include "store/image/serving.h"

/* A user to be written. */
typedef struct RecoChange
{
	int32 number;
	int32 user; /* of the source; -1: they have nothing there any more */
	Datum id;
} RecoChange;

typedef struct RecoFoldIn
{
	RecoRun *run;
	Serving *serving;
	const float *value;  /* along the source's interactions; NULL: ones */
	reco_ordered events; /* start NULL: the model does not look at them */
	double *time;        /* of these */
	bool *stored;        /* by user of the source */
	RecoChange *change;
	int32 changes;
	int32 slots;
	int32 emptied;
	int32 added;
	const char *users;    /* a query of those who are to be looked at; NULL: all are */
	bool tracked;         /* those whom triggers have noted are */
	IdDict *asked;        /* these; NULL: all */
	IdDict *asked_source; /* the same as the source has them */
	Datum seen;           /* the snapshot that notes were read by; 0: there may be none */
	int64 more;           /* interactions that they have more than before, altogether */
	int64 too_few;        /* users who are new and have too little for one */
	const char *no_prior; /* why those who are new have no centers; NULL: they have, or need none */
	bool all_taken;       /* reco_fold_in_users */
	MemoryContext scratch;
} RecoFoldIn;

/*
 * The whole of it, from the lock on; call->arg: a query of users, NULL: all.  all_taken: items that
 * the version does not know are such as rules leave out.
 */
extern void reco_fold_in_users(RecoTrainCall *call, bool all_taken);

/* A version made of the active one, with the items that are new: likewise. */
extern void reco_fold_in_items(RecoTrainCall *call);

/* What a user of the source has, on top of what a stored profile says. */
extern void reco_fold_in_take(const RecoFoldIn *fold, int32 user, reco_profile *profile);

/* Asks priors about those who are new, and writes those who changed. */
extern void reco_fold_in_priors(RecoFoldIn *fold);
extern void reco_fold_in_write(RecoFoldIn *fold);

/* What was noted of users until the source was read is done with. */
extern void reco_fold_in_done(RecoFoldIn *fold);

#endif /* RECO_LIFECYCLE_FOLD_IN_H */
