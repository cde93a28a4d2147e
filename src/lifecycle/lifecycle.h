/*
 * lifecycle.h
 *	  What the procedures of a model's life offer each other.
 */
#ifndef RECO_LIFECYCLE_LIFECYCLE_H
#define RECO_LIFECYCLE_LIFECYCLE_H

#include "pg/rows.h"

#include "datatype/timestamp.h"
#include "store/tables/definition.h"

/* What reco.refresh() is told; NULL where nothing is. */
typedef struct RecoRefresh
{
	const char *model;
	const char *if_running;
	const Interval *min_interval;
	const char *guard;
} RecoRefresh;

/* models.c: a refresh, called from a procedure. */
extern Datum reco_refresh_model(FunctionCallInfo fcinfo, const RecoRefresh *how);

/*
 * schedule.c: takes away the job that refreshes a model, as far as the caller may.  identity:
 * when the model was made; 0: any.
 */
extern void reco_schedule_forget(const char *model, int64 identity);

/* The scheduled refresh of a model that another role owns now, as a job of that role. */
extern void reco_schedule_move(const char *model, int64 identity, Oid from, Oid to);

/*
 * manage.c: the model that a procedure's first argument names, which the caller must own.
 * InvalidOid when there is none and missing_ok.
 */
extern Oid reco_owned_model(FunctionCallInfo fcinfo, bool missing_ok, ModelRow *row);

#endif /* RECO_LIFECYCLE_LIFECYCLE_H */
