/*
 * tune.c
 *	  reco.tune(): which of many algorithms finds most of what is hidden, as calls to be pasted.
 *
 * What is tried are the candidates that are given, or each algorithm's own grid; popularity is
 * always beside.  One that cannot be trained, for its memory or its numbers, says so in its row
 * instead of ending everything: it is trained in a subtransaction.  What else goes wrong, and a
 * cancel, ends it.
 *
 * Cost: a training and lists for all users who are measured, for each candidate.  Memory: that of
 * one training at a time, and the numbers of popularity.
 */
#include "evaluation/arguments.h"
#include "evaluation/choice.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "pg/rows.h"
#include "pg/transaction.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include <math.h>

RECO_FUNCTION(reco_tune);

#define COLUMNS 9

/* One that was tried. */
typedef struct Tried
{
	RecoTrial *trial;
	const RecoSpec *spec; /* as asked for: what is open in it is chosen in each training */
	int number;           /* in the order of the candidates */
	RecoScores *scores;   /* NULL: it failed, or they were released */
	bool measured;
	reco_estimate worth;
	bool compared;
	reco_estimate over_popular;
	double seconds;
	const char *message; /* why it was not measured; NULL: it was */
} Tried;

static const RecoAlgorithm *const algorithms[] = {
#define RECO_ALGORITHM(name) &reco_algorithm_##name,
#include "model/algorithms.h"
#undef RECO_ALGORITHM
};

/* What of an algorithm is worth trying on what is not hidden. */
static List *
grid_of(RecoTrial *trial, const RecoAlgorithm *algorithm)
{
	RecoSpec any = {.algorithm = algorithm};
	RecoTraining training =
		reco_training_of(&any, &trial->e.set, &trial->budget, trial->e.data->features);

	return reco_spec_candidates(algorithm, &training, false);
}

/* Whether it can be tried on this data, and has what is measured. */
static bool
fits(const RecoTrial *trial, const RecoSpec *spec, const RecoMetric *metric)
{
	return (spec->features != RECO_FEATURES_REQUIRED || trial->items) &&
		   (spec->predicts_value || !reco_metric_of_values(metric->kind));
}

static bool
is_among(const RecoSpec *spec, const List *specs)
{
	char *text = reco_spec_describe(spec);
	ListCell *cell;

	foreach (cell, specs)
		if (strcmp(reco_spec_describe(lfirst(cell)), text) == 0)
			return true;
	return false;
}

/* The grids of all algorithms. */
static List *
all_grids(RecoTrial *trial, const RecoMetric *metric)
{
	List *specs = NIL;
	ListCell *cell;

	for (int a = 0; a < lengthof(algorithms); a++)
	{
		List *grid = grid_of(trial, algorithms[a]);

		foreach (cell, grid)
			if (fits(trial, lfirst(cell), metric) && !is_among(lfirst(cell), specs))
				specs = lappend(specs, lfirst(cell));
	}
	return specs;
}

/* One algorithm and its grid, in which the options that are no defaults stay as they are. */
static List *
own_grid(RecoTrial *trial, const RecoSpec *given, const RecoMetric *metric)
{
	Datum fixed = JsonbPGetDatum(reco_spec_given(given));
	List *grid = grid_of(trial, given->algorithm);
	List *specs = list_make1(unconstify(RecoSpec *, given));
	ListCell *cell;

	foreach (cell, grid)
	{
		Datum of_grid = JsonbPGetDatum(reco_spec_given(lfirst(cell)));
		RecoSpec *spec =
			reco_spec_parse(DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, of_grid, fixed)));

		if (fits(trial, spec, metric) && !is_among(spec, specs))
			specs = lappend(specs, spec);
	}
	return specs;
}

static void
measure(void *arg)
{
	Tried *tried = arg;
	RecoMeasurement *e = &tried->trial->e;
	const RecoSpec *spec = reco_choose_within(e, tried->spec);

	if (spec != tried->spec)
		reco_measure_expect(e, spec);
	tried->scores = reco_measure_one(e, spec);
}

/* popular: who it is compared with, and may be itself. */
static void
try(Tried *tried, const RecoMetric *metric, const Tried *popular)
{
	MemoryContext old = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(old, "reco candidate", ALLOCSET_DEFAULT_SIZES);
	ErrorData *error;

	MemoryContextSwitchTo(context);
	error = reco_try(measure, tried);
	MemoryContextSwitchTo(old);
	if (error && !reco_error_is_of_algorithm(error))
		ReThrowError(error);
	if (error)
	{
		tried->scores = NULL;
		tried->message = MemoryContextStrdup(tried->trial->context, error->message);
	}
	MemoryContextDelete(context);
	if (tried->scores == NULL)
		return;
	tried->seconds = tried->scores->train_seconds;
	tried->measured = reco_scores_mean(tried->scores, metric, RECO_ACTIVITY_ALL, &tried->worth);
	if (!tried->measured)
		tried->message = "there is nothing to measure it by";
	if (popular && popular->scores)
		tried->compared =
			reco_scores_difference(&tried->scores->kept, &popular->scores->kept, metric->kind,
								   metric->k, RECO_ACTIVITY_ALL, &tried->over_popular);
}

/* Tries all, popularity first: the first of that, where there are several. */
static void
try_all(Tried *tried, int n, const RecoMetric *metric)
{
	Tried *popular = NULL;

	for (int i = 0; i < n; i++)
	{
		reco_measure_expect(&tried[i].trial->e, tried[i].spec);
		if (popular == NULL && tried[i].spec->algorithm == &reco_algorithm_popular)
			popular = &tried[i];
	}
	if (popular)
		try(popular, metric, popular);
	for (int i = 0; i < n; i++)
	{
		if (&tried[i] == popular)
			continue;
		try(&tried[i], metric, popular);
		if (tried[i].scores)
			reco_scores_release(&tried[i].trial->e, tried[i].scores);
		tried[i].scores = NULL;
	}
}

/* The best first, last those that were not measured; equal ones in the order of the candidates. */
static int
compare(const void *a, const void *b, void *metric)
{
	const Tried *x = a;
	const Tried *y = b;
	double gain = x->worth.value - y->worth.value;

	if (x->measured != y->measured)
		return x->measured ? -1 : 1;
	if (!reco_metric_more_is_better(((const RecoMetric *) metric)->kind))
		gain = -gain;
	if (x->measured && gain != 0)
		return gain > 0 ? -1 : 1;
	return x->number - y->number;
}

static void
report(RecoRows *rows, const Tried *tried, const char *label, int rank)
{
	Datum values[COLUMNS] = {
		Int32GetDatum(rank),
		CStringGetTextDatum(label),
		Float8GetDatum(tried->worth.value),
		Float8GetDatum(tried->worth.error),
		Float8GetDatum(tried->over_popular.value),
		Float8GetDatum(tried->over_popular.error),
		Float8GetDatum(tried->seconds),
		CStringGetTextDatum(reco_spec_call(tried->spec)),
		tried->message ? CStringGetTextDatum(tried->message) : (Datum) 0,
	};
	bool nulls[COLUMNS] = {
		!tried->measured,       false,
		!tried->measured,       !tried->measured || isnan(tried->worth.error),
		!tried->compared,       !tried->compared || isnan(tried->over_popular.error),
		!tried->measured,       false,
		tried->message == NULL,
	};

	reco_rows_add(rows, values, nulls);
}

static void
report_all(RecoRows *rows, Tried *tried, int n, const List *labels, RecoMetric *metric)
{
	qsort_arg(tried, n, sizeof(Tried), compare, metric);
	for (int i = 0; i < n; i++)
		report(rows, &tried[i], list_nth(labels, tried[i].number), i + 1);
}

/* What is to be tried, once the data is there; given: NIL for all that there is. */
static List *
candidates_of(RecoTrial *trial, List *given, bool one, const RecoMetric *metric)
{
	List *specs = given;

	if (given == NIL)
		specs = all_grids(trial, metric);
	else if (one)
		specs = own_grid(trial, linitial(given), metric);
	if (reco_metric_of_values(metric->kind))
		return specs;
	return reco_with_popularity(specs);
}

static void
tune(RecoTrial *trial, const List *specs, RecoMetric *metric, RecoRows *rows)
{
	int n = list_length(specs);
	Tried *tried = palloc0((n + 1) * sizeof(Tried));

	for (int i = 0; i < n; i++)
	{
		tried[i].trial = trial;
		tried[i].spec = list_nth(specs, i);
		tried[i].number = i;
	}
	try_all(tried, n, metric);
	report_all(rows, tried, n, reco_specs_label(specs), metric);
}

Datum
reco_tune(PG_FUNCTION_ARGS)
{
	RecoTrial *trial = reco_trial_make(CurrentMemoryContext);
	MemoryContext old = MemoryContextSwitchTo(trial->context);
	RecoRows rows =
		reco_rows_begin(fcinfo,
						(Oid[COLUMNS]){INT4OID, TEXTOID, FLOAT8OID, FLOAT8OID, FLOAT8OID, FLOAT8OID,
									   FLOAT8OID, TEXTOID, TEXTOID},
						COLUMNS);
	bool all = PG_ARGISNULL(RECO_ARG_ALGORITHMS);
	bool one = false;
	List *specs = NIL;
	RecoMetric metric;
	ListCell *cell;

	reco_trial_arguments(fcinfo, 0, trial);
	metric = reco_metric_parse(reco_text_of(fcinfo, RECO_ARG_LENGTHS, "metric"), "metric");
	if (!all)
		specs = reco_read_algorithms(fcinfo, RECO_ARG_ALGORITHMS, "candidates", &one);
	if (!all && specs == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("candidates must not be empty"),
				 errhint("Leave them out to try all that there is.")));
	foreach (cell, specs)
		reco_metric_check(&metric, lfirst(cell), "tuning");
	reco_metric_check_repeats(&metric, reco_split_repeats(&trial->split));
	reco_measurement_want(&trial->e, &metric);
	reco_trial_read(trial, specs, all);
	reco_trial_split(trial);
	tune(trial, candidates_of(trial, specs, one, &metric), &metric, &rows);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(trial->context);
	return (Datum) 0;
}
