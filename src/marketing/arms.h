/*
 * arms.h
 *	  The models of an experiment, and which share of the users each is to get.
 */
#ifndef RECO_MARKETING_ARMS_H
#define RECO_MARKETING_ARMS_H

#include "pg/pg.h"

#include "fmgr.h"

#define RECO_MAX_ARMS 100

typedef struct RecoArms
{
	int n;
	char *model[RECO_MAX_ARMS];
	double *weight; /* NULL: equal ones */
} RecoArms;

/* Of two arguments, models, which is not null, and weights, which may be; errors in words. */
extern void reco_arms_read(FunctionCallInfo fcinfo, int models, int weights, RecoArms *arms);

/* The place of a model, -1: it is none of them. */
extern int reco_arms_find(const RecoArms *arms, const char *model);

#endif /* RECO_MARKETING_ARMS_H */
