/*
 * progress.h
 *	  How far a training of this session is, for other sessions to see.
 */
#ifndef RECO_STORE_TABLES_PROGRESS_H
#define RECO_STORE_TABLES_PROGRESS_H

#include "pg/pg.h"
#include "datatype/timestamp.h"

typedef struct RecoProgress
{
	int32 version; /* 0: not numbered yet */
	int32 pid;
	char phase[16];
	int32 iteration; /* of iterations; 0: the algorithm has none */
	int32 iterations;
	double loss; /* NaN: none yet */
	int64 rows;  /* read, or lists written */
	TimestampTz started_at;
	TimestampTz phase_started_at;
} RecoProgress;

/* Begins to tell about a model.  One model at a time: another call changes to that. */
extern void reco_progress_begin(Oid schema);

/* The phase that begins, of the training of a version. */
extern void reco_progress_phase(int32 version, const char *phase);

/*
 * Within the phase; cheap, and told to others a few times a second at most.  Nothing
 * happens when there is no begin.
 */
extern void reco_progress_rows(int64 rows);
extern void reco_progress_iteration(int32 iteration, int32 iterations, double loss);

/* May be called without a begin, and while an error is handled. */
extern void reco_progress_end(void);

/* What some session tells about a model; false when there is nothing. */
extern bool reco_progress_read(Oid schema, RecoProgress *out);

#endif /* RECO_STORE_TABLES_PROGRESS_H */
