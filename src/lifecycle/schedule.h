/*
 * schedule.h
 *	  What becomes of a model's scheduled refresh when the model goes or changes hands.
 */
#ifndef RECO_LIFECYCLE_SCHEDULE_H
#define RECO_LIFECYCLE_SCHEDULE_H

#include "pg/pg.h"

/*
 * Takes away the job that refreshes a model, as far as the caller may.  identity: when the
 * model was made; 0: any.
 */
extern void reco_schedule_forget(const char *model, int64 identity);

/* The scheduled refresh of a model that another role owns now, as a job of that role. */
extern void reco_schedule_move(const char *model, int64 identity, Oid from, Oid to);

#endif /* RECO_LIFECYCLE_SCHEDULE_H */
