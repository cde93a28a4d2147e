/*
 * health.h
 *	  How a model is: what it serves, and how its trainings went.
 */
#ifndef RECO_LIFECYCLE_HEALTH_H
#define RECO_LIFECYCLE_HEALTH_H

#include "store/tables/definition.h"

typedef struct RecoHealth
{
	const char *status; /* ready, failing, not trained, damaged, locked, hidden */
	char *problem;      /* of a status that is not ready; NULL: none */
	bool training;
	bool hidden;  /* the caller may not read the versions */
	bool trained; /* the active version is there: */
	VersionRow version;
	/* what the table of versions tells; 0 and NULL: nothing */
	TimestampTz last_attempt;
	TimestampTz last_success;
	char *last_error; /* since the last success */
	int32 failures;   /* likewise */
} RecoHealth;

/*
 * Reads catalogs and rows only, runs no code of owners and waits for no lock.  The row's active
 * version becomes the one that is told of, where it is another meanwhile.
 */
extern void reco_health_read(ModelRow *model, RecoHealth *health);

#endif /* RECO_LIFECYCLE_HEALTH_H */
