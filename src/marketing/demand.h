/*
 * demand.h
 *	  How many users will have each item: what reco.demand() and a model's demand() share.
 */
#ifndef RECO_MARKETING_DEMAND_H
#define RECO_MARKETING_DEMAND_H

#include "core/demand/demand.h"
#include "marketing/windows.h"

typedef struct RecoDemand
{
	RecoBudget budget;
	RecoDataOptions options;
	RecoData *data;
	const reco_interactions *rows; /* of data: whom demand is of */
	reco_demand_params params;
	reco_demand found;
	const char *model; /* for the message: what a model has to do with it; NULL: there is none */
} RecoDemand;

/* Columns of an item beside its id. */
#define DEMAND_COLUMNS 7

/* The HINT of a coverage. */
extern const char *const reco_demand_coverage;

/* data, and a horizon in microseconds -> rows, params.length and params.end. */
extern void reco_demand_periods(RecoDemand *d, int64 horizon);
/* rows, params -> found */
extern void reco_demand_run(RecoDemand *d);
/* A NOTICE of what it is from. */
extern void reco_demand_tell(const RecoDemand *d);
extern void reco_demand_item_values(const reco_demand_item *item, Datum *values);

#endif /* RECO_MARKETING_DEMAND_H */
