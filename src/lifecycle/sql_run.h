/*
 * sql_run.h
 *	  Running the statements of a training by SQL alone (sql_work.h).
 *
 * They run as the model's owner, with the settings that plans over shards want, and may be
 * parallel; rows that they return are handed on one by one.
 */
#ifndef RECO_LIFECYCLE_SQL_RUN_H
#define RECO_LIFECYCLE_SQL_RUN_H

#include "lifecycle/steps.h"

#include "executor/tuptable.h"

typedef struct RecoSqlWork
{
	RecoRun *run;
	RecoRunAs owner;
	reco_als_params params;
	reco_value_rule rule;
	bool sharded;
	bool citus; /* and the shards are those of Citus (sql_citus.c) */
	bool biases;
	double mean;
	int64 interactions;
	double users; /* as they were begun with */
	/* names, qualified and quoted */
	const char *rows;
	const char *user_factors;
	const char *item_factors; /* that half steps read, */
	const char *items;        /* and the ones that are written first */
	const char *item_sums;    /* with Citus: where those of shards meet */
	/* parts of statements */
	const char *value;  /* of r, by the rule */
	const char *target; /* the same, less the mean, to be followed by a bias */
	const char *same_user;
	const char *same_item;
	const char *algorithm; /* a literal */
	/* parameters of statements: $1 the algorithm, $2 a gram, $3 the shards */
	Jsonb *algorithm_value;
	Datum gram;
	bool has_gram;
	Datum shards;
	bool has_shards;
} RecoSqlWork;

/* Takes a row of what a SELECT returns; the memory context is reset after it. */
typedef void (*RecoSqlTake)(void *arg, TupleTableSlot *slot);

/* Becomes the owner, with settings that statements over shards want; until reco_return. */
extern void reco_sql_enter(const RecoSqlWork *work, RecoIdentity *before);

/* Runs a statement with the parameters of the work.  Returns how many rows it wrote. */
extern uint64 reco_sql_run(const RecoSqlWork *work, const char *sql);

/* The same of a SELECT.  id: the type that its first column must have; NULL: any. */
extern void reco_sql_select(const RecoSqlWork *work, const char *sql, const IdType *id,
							RecoSqlTake take, void *arg);

/*
 * Settings by which shards add up their own rows in this statement, where the planner would rather
 * fetch them; until reco_return.  Returns the scan that fetches all the same, or NULL.
 */
extern char *reco_sql_push_down(const RecoSqlWork *work, const char *sql);

/* The same, and an error if there is one: in every half step all rows would come here. */
extern void reco_sql_check_plan(const RecoSqlWork *work, const char *sql);

#endif /* RECO_LIFECYCLE_SQL_RUN_H */
