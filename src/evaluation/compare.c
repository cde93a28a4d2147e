/*
 * compare.c
 *	  Algorithms measured beside one another, and beside popularity: an algorithm that does not
 *	  beat it has learnt nothing.
 *
 * Cost: the trainings, and lists for all users who are measured.
 */
#include "evaluation/compare.h"

#include "evaluation/choice.h"
#include "utils/snapmgr.h"

#define ARG_BY_ACTIVITY RECO_ARG_OTHERS

void
reco_comparison_arguments(FunctionCallInfo fcinfo, int first, RecoComparison *comparison)
{
	RecoTrial *trial = comparison->trial;
	MemoryContext old = MemoryContextSwitchTo(trial->context);
	bool one;

	reco_trial_arguments(fcinfo, first, trial);
	reco_require_argument(fcinfo, first + RECO_ARG_LENGTHS, "cutoffs");
	reco_require_argument(fcinfo, first + ARG_BY_ACTIVITY, "by_activity");
	trial->e.cutoffs =
		reco_read_cutoffs(PG_GETARG_ARRAYTYPE_P(first + RECO_ARG_LENGTHS), trial->e.cutoff);
	trial->e.metrics = reco_report_metrics;
	comparison->by_activity = PG_GETARG_BOOL(first + ARG_BY_ACTIVITY);
	comparison->specs = reco_with_popularity(
		reco_read_algorithms(fcinfo, first + RECO_ARG_ALGORITHMS, "algorithms", &one));
	MemoryContextSwitchTo(old);
}

static void
tell_unpredicted(const RecoScores *scores)
{
	const reco_scores *kept = &scores->kept;
	int first = kept->columns.first[RECO_METRIC_RMSE];

	/* nobody predicts where no values are hidden */
	if (first >= 0 && kept->unpredicted > 0)
		ereport(NOTICE,
				(errmsg("%s predicts no value for %lld of %lld hidden interactions", scores->label,
						(long long) kept->unpredicted,
						(long long) (kept->unpredicted + kept->sum[first * RECO_ACTIVITIES])),
				 errdetail("They do not count in rmse and mae.")));
}

/* Where nobody has a snapshot, one of the catalogs would hold back vacuum. */
static void
forget_catalogs(void)
{
	if (!ActiveSnapshotSet())
		InvalidateCatalogSnapshot();
}

static RecoCompared
measure_all(const RecoComparison *comparison)
{
	RecoMeasurement *e = &comparison->trial->e;
	List *asked = reco_specs_label(comparison->specs);
	List *chosen = NIL;
	List *trained = NIL;
	RecoCompared all = {NIL, NULL};
	bool predicted = false;
	ListCell *cell;
	ListCell *spec;
	ListCell *name;

	foreach (spec, comparison->specs)
		chosen = lappend(chosen, unconstify(RecoSpec *, reco_choose_within(e, lfirst(spec))));
	foreach (cell, chosen)
		reco_measure_expect(e, lfirst(cell));
	forthree(cell, chosen, spec, comparison->specs, name, asked)
	{
		RecoScores *scores;

		forget_catalogs();
		scores = reco_measure_one(e, lfirst(cell));
		scores->label = lfirst(name);
		/* what was chosen for another is told apart, and keeps its name */
		trained = lappend(trained, reco_spec_is_replaced(lfirst(spec))
									   ? lfirst(spec)
									   : unconstify(RecoSpec *, scores->trained));
		all.scores = lappend(all.scores, scores);
		predicted = predicted || scores->kept.columns.first[RECO_METRIC_RMSE] >= 0;
		if (all.popular == NULL && scores->spec->algorithm == &reco_algorithm_popular)
			all.popular = scores;
		if (comparison->measured)
			comparison->measured(scores, list_length(all.scores), list_length(comparison->specs));
	}
	/* what was chosen by the data is known by now */
	forboth (cell, all.scores, name, reco_specs_label(trained))
	{
		RecoScores *scores = lfirst(cell);

		scores->label = lfirst(name);
		tell_unpredicted(scores);
	}
	/* what values come to without taste */
	if (predicted)
		all.scores = list_concat(all.scores, reco_measure_baselines(e));
	return all;
}

RecoCompared
reco_compare(const RecoComparison *comparison)
{
	MemoryContext old = MemoryContextSwitchTo(comparison->trial->context);
	RecoCompared compared;

	reco_trial_split(comparison->trial);
	compared = measure_all(comparison);
	MemoryContextSwitchTo(old);
	return compared;
}

void
reco_compared_report(const RecoComparison *comparison, const RecoCompared *compared)
{
	reco_report(&comparison->trial->e, compared->scores, compared->popular, comparison->by_activity,
				comparison->add, comparison->arg);
}
