/*
 * jobs.h
 *	  The jobs of pg_cron that refresh models.
 */
#ifndef RECO_LIFECYCLE_JOBS_H
#define RECO_LIFECYCLE_JOBS_H

#include "pg/pg.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

typedef struct RecoCronJob
{
	int64 id;
	char *name; /* empty: none */
	char *schedule;
	char *command;
	char *role;
	bool active;
} RecoCronJob;

/*
 * The jobs of this database that call reco.run_scheduled(), whoever they are of: their
 * owners decide by row-level security what their own queries see, but a model has one job.
 * NIL without pg_cron, or when one would have to wait for a lock.
 */
extern List *reco_jobs_read(void);

/* The name of a model's job. */
extern char *reco_job_name(const char *model);

/*
 * What a job knows its model by, when that was renamed: when the model was made.
 * 0: nothing.
 */
extern int64 reco_job_identity(const RecoCronJob *job);

/*
 * Whether a job is that of a model: it has its identity, or none, and its name.
 * identity 0: any.
 */
extern bool reco_job_is_of(const RecoCronJob *job, const char *model, int64 identity);

/* Why a job will always fail, or NULL; owner: the model's. */
extern char *reco_job_problem(const RecoCronJob *job, Oid owner);

/* When a schedule is due next; 0: that cannot be told. */
extern TimestampTz reco_next_run(const char *schedule);

#endif /* RECO_LIFECYCLE_JOBS_H */
