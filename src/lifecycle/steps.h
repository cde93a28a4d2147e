/*
 * steps.h
 *	  The steps of a training: read, choose, fit, measure, write.
 *
 * Each is a function of a RecoRun: it takes what the steps before it gave, and gives its own
 * part, nothing else.  What fits, for one, needs to know `training` and to fill `trained`;
 * how that came to be, and where it goes, is for the others.
 *
 * Steps know nothing of locks and transactions.  Read and write want an active snapshot, the
 * others do without.
 */
#ifndef RECO_LIFECYCLE_STEPS_H
#define RECO_LIFECYCLE_STEPS_H

#include "evaluation/choice.h"
#include "evaluation/guard.h"
#include "lifecycle/versions.h"
#include "store/image/serving.h"

typedef struct RecoSqlTraining RecoSqlTraining;

/* The version that another one is made of without a training (new_items.c). */
typedef struct RecoMadeOf
{
	int32 number; /* 0: there is none, it is trained */
	Serving *serving;
	VersionRow row;
	RecoBase base;
} RecoMadeOf;

typedef struct RecoRun
{
	/* What is to be trained, given before the first step. */
	MemoryContext context;  /* what a step gives lives here */
	const char *model;      /* its name */
	const char *trained_by; /* name of the role that called */
	ModelRow definition;    /* its queries, and as whom they are read */
	RecoSpec *spec;         /* as asked for; training.spec is what was chosen */
	bool by_sql;            /* trained by SQL alone: steps.h */
	RecoDataOptions options;
	const RecoMetric *metric; /* to be measured; NULL: none */
	const RecoGuard *guard;   /* what that has to be; NULL: anything is good */
	RecoBudget budget;
	void (*progress)(void *arg, int member, int members, int iteration, int iterations,
					 double loss);
	void *progress_arg;
	/* of a refresh: the version that was finished last; number 0: there is none */
	struct
	{
		int32 number;
		Jsonb *algorithm;
		Jsonb *choice;
	} before;
	RecoMadeOf made_of;
	/* without a schema the model is not made yet, which takes the types that read gives */
	RecoVersion version;

	/* read gives */
	RecoData *data;
	Datum read_by;       /* the snapshot that the source was read by (changes.h) */
	RecoTrainingSet set; /* the same as algorithms are given it */
	double read_seconds;

	/* read gives, where the algorithm is not to be chosen; else choose */
	RecoTraining training; /* the data as the model's algorithm is given it */

	/* choose gives */
	char *why_chosen; /* NULL: nothing was, or what was chosen before is kept */
	RecoChoice choice;

	/* fit gives */
	RecoTrained trained;
	int64 interactions;
	RecoSqlTraining *sql; /* NULL: it was trained in memory */
	int32 cold_items;     /* of the model, without any interaction */
	int32 cold_users;     /* likewise */
	double train_seconds;

	/* choose gives, where it has measured what it gives; else measure */
	bool measured;
	bool has_worth; /* it could be told */
	RecoWorth worth;
	Jsonb *metrics; /* NULL: nothing was measured */

	/* write gives */
	RecoVerdict verdict;
} RecoRun;

/*
 * An error when the model is gone.  What training is worth is decided by what other sessions
 * have committed by now, so their news are taken in first.
 */
extern void reco_run_check_model(const RecoRun *run);

/*
 * Definition → algorithm, options, and as whom the version is written.  Not a step of its own: it
 * reads no data, and errors come before the training is announced.
 */
extern void reco_run_parse(RecoRun *run);

/* Definition → data: reads the source and checks that it can be trained on. */
extern void reco_step_read(RecoRun *run);

/* The training of an algorithm that is not to be chosen, and that there is memory for it. */
extern void reco_run_prepare(RecoRun *run, const RecoSpec *spec);

/* Data → training, where the algorithm is to be chosen. */
extern void reco_step_choose(RecoRun *run);

/* Training → trained. */
extern void reco_step_fit(RecoRun *run);

/* Data → metrics, where they are not there yet. */
extern void reco_step_measure(RecoRun *run);

/*
 * Training by SQL alone (sql_train.c): engine => 'sql' of reco.ials() and reco.als().
 *
 * The source's rows do not come into this process: they are grouped and added up by the server's
 * own executor, in parallel workers, in partitions, or where a foreign server has them.  Of the
 * items ids and factors are held in memory, of the users one row at a time: the last half step is
 * that which writes the version's users.  Both are solved exactly, from the beginnings of a
 * training in memory, so the result is that of solver => 'cholesky' up to rounding.
 *
 * All is one transaction from the first table to the last row: what a training that fails or is
 * canceled has made is gone with it.
 */

/* Whether an algorithm asks for it; an error where only a part of one does. */
extern bool reco_sql_asked(const RecoSpec *spec);
/* In the place of the steps of these names. */
extern void reco_sql_step_read(RecoRun *run);
extern void reco_sql_step_fit(RecoRun *run);
/* For write: of users that are not in memory; and what the work has made goes. */
extern void reco_sql_result(RecoRun *run, RecoVersionResult *result);
extern void reco_sql_end(RecoRun *run);

/*
 * Of a version that is made of another one, trained: how far its users are from where that has
 * them, as a share of their length, of some that are in both; NaN: it has no factors.
 */
extern double reco_run_drift(const RecoRun *run);

/* How the algorithm was chosen, as versions record it; NULL: it was given. */
extern Jsonb *reco_run_choice(const RecoRun *run);

/* What was chosen, and what it is worth. */
extern void reco_run_tell_worth(const RecoRun *run);

/*
 * Trained, metrics → version, active unless a guard holds it back: beside the model as it is
 * now, whose tables are locked.
 */
extern void reco_step_write(RecoRun *run, const ModelRow *now);

/* Says so when policies decided which rows were read. */
extern void reco_run_tell_policies(const RecoRun *run);

#endif /* RECO_LIFECYCLE_STEPS_H */
