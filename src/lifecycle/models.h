/*
 * models.h
 *	  A refresh, for procedures that call for one.
 */
#ifndef RECO_LIFECYCLE_MODELS_H
#define RECO_LIFECYCLE_MODELS_H

#include "pg/pg.h"

#include "datatype/timestamp.h"
#include "fmgr.h"

/* What reco.refresh() is told; NULL where nothing is. */
typedef struct RecoRefresh
{
	const char *model;
	Oid schema; /* the model's; InvalidOid: it is found by its name */
	const char *if_running;
	const Interval *min_interval;
	const char *guard;
} RecoRefresh;

/* A refresh, called from a procedure. */
extern Datum reco_refresh_model(FunctionCallInfo fcinfo, const RecoRefresh *how);

#endif /* RECO_LIFECYCLE_MODELS_H */
