/*
 * train.h
 *	  A training from its lock to its end, as a procedure asks for it.
 */
#ifndef RECO_LIFECYCLE_TRAIN_H
#define RECO_LIFECYCLE_TRAIN_H

#include "lifecycle/steps.h"

#include "datatype/timestamp.h"
#include "fmgr.h"

/* A training that is under way, on behalf of one call. */
typedef struct RecoTrainCall
{
	bool atomic;   /* in the caller's transaction */
	bool creating; /* the model with its first version */
	bool locked;
	Interval *min_interval; /* of a refresh; NULL: none */
	RecoRun run;
	void *arg; /* of other work than a training */
} RecoTrainCall;

/*
 * Makes one, in a memory context that survives the commits it will make: those are possible
 * unless the call is part of a transaction block.  command: as messages name it.  Of the
 * run, the caller fills in the model and its schema, or, when creating, its definition; and
 * what is measured.
 */
extern RecoTrainCall *reco_train_begin(FunctionCallInfo fcinfo, const char *command);

/* False when another session trains the model and dont_wait. */
extern bool reco_train_lock(RecoTrainCall *call, bool dont_wait);

/* An error unless it is a value of the argument if_running. */
extern void reco_train_check_running(const char *if_running);

/*
 * Finds the model, which only its owner may train, by its name unless its schema is given; opens
 * an SPI connection and takes the lock, or does with that of another session as if_running says:
 * false when there is nothing to do then, and no connection.
 */
extern bool reco_train_enter(RecoTrainCall *call, const char *if_running);

/*
 * Runs it, within the caller's SPI connection, which it closes; gives back its lock on every
 * way out.
 */
extern void reco_train_finish(RecoTrainCall *call);

/*
 * Of work that has read a run's source and announced its version, by the active snapshot that it
 * has left: the rest of a training.
 */
extern void reco_train_read(RecoTrainCall *call);

/* The same with other work that must not meet a training. */
extern void reco_train_run(RecoTrainCall *call, void (*work)(RecoTrainCall *call));

#endif /* RECO_LIFECYCLE_TRAIN_H */
