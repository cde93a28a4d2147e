/*
 * job.h
 *	  A training that is under way.
 */
#ifndef RECO_API_JOB_H
#define RECO_API_JOB_H

#include "evaluation/guard.h"
#include "lifecycle/versions.h"

/* search_path of what we run ourselves as the owner. */
#define OWN_SEARCH_PATH "pg_catalog"

typedef struct Job
{
	MemoryContext context;
	bool atomic; /* in the caller's transaction */
	bool creating;
	bool locked;
	char *name;
	ModelRow definition; /* its queries, and as whom they are read */
	RecoSpec *spec;
	RecoDataOptions options;
	RecoBudget budget;
	RecoTraining training;
	RecoTrained trained;
	RecoTrainingRecord record;
	/* of a refresh */
	Interval *min_interval; /* NULL: none */
	RecoGuard *guard;       /* NULL: none */
	double worth;           /* by the guard's metric */
} Job;

/*
 * A job in a memory context that survives the commits it will make: those are possible
 * unless the call is part of a transaction block.  command: as messages name it.
 */
extern Job *reco_job_make(FunctionCallInfo fcinfo, const char *command);

/* Ends one of a job's transactions, outside of a block. */
extern void reco_job_commit(void);

/* False when another session trains the model and dont_wait. */
extern bool reco_job_lock(Job *job, bool dont_wait);

/*
 * Runs a job, within the caller's SPI connection, which it closes; gives back its lock on
 * every way out.
 */
extern void reco_job_finish(Job *job);

#endif /* RECO_API_JOB_H */
