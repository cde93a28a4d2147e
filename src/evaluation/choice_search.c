/*
 * choice_search.c
 *	  Candidates on trial, and the one that does best.
 *
 * A candidate that the data is nothing for is tried in a subtransaction, which holds no snapshot,
 * and passed over.  Cancels are errors, and so is all else.
 *
 * One that is smaller on trial than it would be trained is tried as it would be, too, where it is
 * near the best.
 *
 * Cost: a training and at most RECO_WORTH_USERS lists for each, as often as parts are hidden.
 * Memory: the parts of the data, one training at a time, and a few bytes a user and candidate.
 */
#include "evaluation/choice_search.h"

#include "pg/transaction.h"
#include "utils/memutils.h"

#include <math.h>

/*
 * Of the best, what another must come to, to be made one with it, or tried at its full size; of
 * errors the other way.
 */
#define NEAR 0.9

/* Standard errors by which it must be better where the users who measure it found its weights. */
#define WEIGHED 2

/* By no more standard errors than this one is no better than another. */
#define EQUAL 0.5

static bool
better(const RecoSearch *search, double a, double b)
{
	return reco_metric_more_is_better(search->metric.kind) ? a > b : a < b;
}

typedef struct Job
{
	RecoSearch *search;
	RecoTried *tried;
} Job;

static void
measure(void *arg)
{
	Job *job = arg;
	RecoSearch *search = job->search;
	const RecoSpec *spec = job->tried->spec;

	if (spec->features == RECO_FEATURES_REQUIRED && search->chooser->data->features == NULL)
		reco_features_missing(spec);
	reco_metric_check(&search->metric, spec, "a choice");
	job->tried->scores = reco_measure_one(&search->e, spec);
}

/* Its memory goes when it has been measured, or could not be. */
static void
try_one(RecoSearch *search, RecoTried *tried)
{
	const RecoChooser *chooser = search->chooser;
	const RecoTried *baseline = search->baseline;
	Job job = {search, tried};
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco candidate", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	ErrorData *error;

	search->tried = lappend(search->tried, tried);
	if (chooser->progress)
		chooser->progress(chooser->progress_arg, list_length(search->tried),
						  Max(search->planned, list_length(search->tried)));
	old = MemoryContextSwitchTo(context);
	error = reco_try(measure, &job);
	MemoryContextSwitchTo(old);
	tried->call = reco_spec_call(error ? tried->spec : tried->scores->trained);
	if (error && !reco_error_is_of_algorithm(error))
		ReThrowError(error);
	if (error)
	{
		tried->scores = NULL;
		tried->message = pstrdup(error->message);
	}
	else if (reco_spec_is_unweighed(tried->spec))
		tried->weighed = reco_spec_parse(reco_spec_jsonb(tried->scores->trained));
	MemoryContextDelete(context);
	if (tried->scores == NULL ||
		!reco_scores_mean(tried->scores, &search->metric, RECO_ACTIVITY_ALL, &tried->own))
		return;
	tried->seconds = tried->scores->train_seconds + tried->scores->measure_seconds;
	if (baseline == NULL)
		tried->counts = true;
	else if (tried != baseline && baseline->scores)
		tried->counts = reco_scores_gain(tried->scores, baseline->scores, &search->metric,
										 RECO_ACTIVITY_ALL, &tried->gain) &&
						tried->gain.value > tried->gain.error;
}

RecoTried *
reco_tried_of(const RecoSpec *spec, int place)
{
	RecoTried *tried = palloc0(sizeof(RecoTried));

	tried->spec = spec;
	tried->place = place;
	tried->own.value = tried->own.error = tried->gain.value = tried->gain.error = NAN;
	return tried;
}

RecoTraining
reco_choice_training(const RecoSpec *spec, RecoTrainingSet *set, RecoBudget *budget,
					 const RecoData *data)
{
	return reco_training_of(spec, set, budget, data->features);
}

/* What is tried in any case. */
static bool
is_baseline(const RecoSearch *search, const RecoSpec *spec)
{
	return search->baseline && spec->algorithm == search->baseline->spec->algorithm;
}

/*
 * Those that were given, or the portfolio of each algorithm; where values are to be predicted
 * all that can, since those are few.
 */
static List *
candidates(RecoSearch *search)
{
	bool values = reco_metric_of_values(search->metric.kind);
	const reco_nested *given = search->params->candidates;
	List *list = NIL;

	for (int c = 0; given && c < given->n; c++)
		if (!is_baseline(search, given->value[c]))
			list = lappend(list, reco_tried_of(given->value[c], -1));
	for (int a = 0; given == NULL && reco_algorithm_nth(a); a++)
	{
		const RecoAlgorithm *algorithm = reco_algorithm_nth(a);
		RecoTraining training;
		List *specs;
		ListCell *cell;

		if (algorithm->candidates == NULL)
			continue;
		training = reco_choice_training(reco_spec_plain(algorithm), &search->e.set, &search->budget,
										search->e.data);
		training.trial = true;
		training.next = search->next;
		specs = reco_spec_candidates(algorithm, &training, !values);
		foreach (cell, specs)
		{
			const RecoSpec *spec = lfirst(cell);

			if ((!reco_spec_weighs_features(spec) || search->features) &&
				spec->predicts_value == values && !is_baseline(search, spec))
				list = lappend(list, reco_tried_of(spec, foreach_current_index(cell)));
		}
	}
	return list;
}

/* Whether one may be taken, and is of another algorithm. */
static bool
may_be(const RecoTried *tried, const RecoAlgorithm *other)
{
	return tried->counts && tried->spec->algorithm != other;
}

/* The best that may be taken; NULL: there is none.  Of those that are as good the first. */
static RecoTried *
best_of(const RecoSearch *search, const RecoAlgorithm *other)
{
	RecoTried *best = NULL;
	RecoTried *first;
	ListCell *cell;

	foreach (cell, search->tried)
	{
		RecoTried *tried = lfirst(cell);

		if (may_be(tried, other) &&
			(best == NULL || better(search, tried->own.value, best->own.value)))
			best = tried;
	}
	first = best;
	foreach (cell, search->tried)
	{
		RecoTried *tried = lfirst(cell);
		reco_estimate gain;

		if (may_be(tried, other) && tried->order < first->order &&
			reco_scores_gain(best->scores, tried->scores, &search->metric, RECO_ACTIVITY_ALL,
							 &gain) &&
			gain.value <= EQUAL * gain.error)
			first = tried;
	}
	return first;
}

static bool
is_near(const RecoSearch *search, const RecoTried *tried, const RecoTried *best)
{
	return reco_metric_more_is_better(search->metric.kind)
			   ? tried->own.value >= NEAR * best->own.value
			   : NEAR * tried->own.value <= best->own.value;
}

/* What a candidate is at its full size, for the training part or for all of the data. */
static const RecoSpec *
full_size(const RecoSearch *search, const RecoTried *tried, RecoTrainingSet *set,
		  RecoBudget *budget, const RecoData *data)
{
	RecoTraining training = reco_choice_training(tried->spec, set, budget, data);
	List *specs;

	if (tried->place < 0 || tried == search->baseline)
		return tried->spec;
	training.next = search->next;
	specs = reco_spec_candidates(tried->spec->algorithm, &training,
								 !reco_metric_of_values(search->metric.kind));
	/* of all data it may be none any more */
	return tried->place < list_length(specs) ? list_nth(specs, tried->place) : tried->spec;
}

const RecoSpec *
reco_tried_for_all(const RecoSearch *search, const RecoTried *tried)
{
	const RecoChooser *by = search->chooser;

	return full_size(search, tried, by->set, by->budget, by->data);
}

bool
reco_tried_smaller(const RecoSearch *search, const RecoTried *tried)
{
	if (tried->fused[0])
		return reco_tried_smaller(search, tried->fused[0]) ||
			   reco_tried_smaller(search, tried->fused[1]);
	return strcmp(reco_spec_call(tried->spec), reco_spec_call(reco_tried_for_all(search, tried))) !=
		   0;
}

/*
 * Those that are near the best, or are it, at their full size, which then counts in the place of
 * the smaller one, also where it could not be trained.
 */
static void
try_full(RecoSearch *search)
{
	const RecoTried *best = best_of(search, NULL);
	int n = list_length(search->tried);

	for (int t = 0; best && t < n; t++)
	{
		RecoTried *small = list_nth(search->tried, t);
		RecoTried *full;
		const RecoSpec *spec;

		if (!small->counts || !is_near(search, small, best))
			continue;
		spec = full_size(search, small, &search->e.set, &search->budget, search->e.data);
		if (strcmp(reco_spec_call(spec), reco_spec_call(small->spec)) == 0)
			continue;
		full = reco_tried_of(spec, small->place);
		full->order = small->order;
		reco_measure_expect(&search->e, spec);
		try_one(search, full);
		small->counts = false;
	}
}

/*
 * The two best of different algorithms as one; nothing where that is no more than the best.  A
 * hybrid costs two trainings more, and with one that is far behind it is worse than the best.
 */
static void
try_fused(RecoSearch *search)
{
	RecoTried *best = search->chosen;
	RecoTried *second = best_of(search, best->spec->algorithm);
	bool values = reco_metric_of_values(search->metric.kind);
	RecoTried *tried;
	reco_estimate gain;

	if (second == NULL || !is_near(search, second, best) ||
		(reco_spec_weighs_features(best->spec) && reco_spec_weighs_features(second->spec)))
		return;
	tried = reco_tried_of(reco_hybrid_of(best->spec, second->spec, values), -1);
	tried->fused[0] = best;
	tried->fused[1] = second;
	reco_measure_expect(&search->e, tried->spec);
	try_one(search, tried);
	if (tried->scores == NULL ||
		!reco_scores_gain(tried->scores, best->scores, &search->metric, RECO_ACTIVITY_ALL, &gain) ||
		!(gain.value > (tried->scores->weighed ? WEIGHED : 1) * gain.error))
		return;
	search->chosen = tried;
	search->why = psprintf("%.4g (standard error %.2g) better than the better one of its members",
						   gain.value, gain.error);
}

/* Without a baseline there is nothing to be taken then. */
static pg_attribute_noreturn() void nothing_measured(const RecoSearch *search)
{
	const RecoTried *first = search->tried ? linitial(search->tried) : NULL;

	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("no candidate of algorithm \"auto\" could be measured by %s",
						   reco_metric_text(&search->metric)),
					first && first->message
						? errdetail_internal("%s: %s.", reco_spec_call(first->spec), first->message)
						: 0,
					errhint("Give candidates that the metric measures, or another metric.")));
}

/* Whether none that counts is better. */
static bool
is_best(const RecoSearch *search, const RecoTried *one)
{
	ListCell *cell;

	foreach (cell, search->tried)
	{
		const RecoTried *tried = lfirst(cell);

		if (tried->counts && better(search, tried->own.value, one->own.value))
			return false;
	}
	return true;
}

static void
pick(RecoSearch *search, bool fuse)
{
	const RecoTried *chosen;

	if (search->weighing)
	{
		search->chosen = llast(search->tried);
		search->why = psprintf("weights by what was hidden of %d users", search->e.measured);
		return;
	}
	try_full(search);
	search->chosen = best_of(search, NULL);
	chosen = search->chosen;
	if (chosen == NULL)
	{
		if (search->baseline == NULL)
			nothing_measured(search);
		search->chosen = search->baseline;
		search->why = pstrdup("no candidate was better by more than a standard error");
		return;
	}
	search->why = psprintf("%s of %d", is_best(search, chosen) ? "the best" : "as good as the best",
						   list_length(search->tried));
	if (search->baseline)
		search->why = psprintf("%s, %.4g (standard error %.2g) better than popularity", search->why,
							   chosen->gain.value, chosen->gain.error);
	if (fuse)
		try_fused(search);
}

static char *
too_few(int32 users)
{
	return psprintf("%d users could be measured, of at least %d", users, RECO_WORTH_LEAST_USERS);
}

static void
hide(void *arg)
{
	RecoSearch *search = arg;
	RecoAutoSplit split = (RecoAutoSplit) search->params->split;

	/* weights are found by what is hidden of users who are known */
	if (!search->weighing)
		split = reco_worth_split_of(search->e.data, split, &search->budget);
	search->next = split == RECO_AUTO_SPLIT_NEXT_ITEM;
	search->begun = reco_worth_split(&search->e, split, &search->hidden) &&
					search->e.measured >= RECO_WORTH_LEAST_USERS;
	if (search->begun)
		reco_worth_metric_of(&search->e, &search->metric);
	else
		search->why = too_few(search->e.measured);
}

bool
reco_search_begin(RecoSearch *search)
{
	const RecoChooser *chooser = search->chooser;
	ErrorData *error;

	search->metric = reco_metric_parse(search->params->metric, "metric");
	search->e = (RecoMeasurement){.budget = &search->budget, .data = chooser->data, .weigh = true};
	reco_worth_want(&search->e, &search->metric);
	if (chooser->guard)
		reco_measurement_want(&search->e, chooser->guard);
	error = reco_try(hide, search);
	if (error && error->sqlerrcode != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
		ReThrowError(error);
	if (error)
		search->why = pstrdup(error->message);
	return search->begun;
}

bool
reco_search_all(RecoSearch *search, bool fuse)
{
	bool values = reco_metric_of_values(search->metric.kind);
	RecoTried *baseline =
		values ? NULL : reco_tried_of(reco_spec_plain(&reco_algorithm_popular), 0);
	List *list;
	ListCell *cell;

	search->baseline = baseline;
	list = candidates(search);
	if (baseline)
		list = lcons(baseline, list);
	search->planned = list_length(list) + fuse;
	foreach (cell, list)
	{
		RecoTried *tried = lfirst(cell);

		tried->order = foreach_current_index(cell);
		reco_measure_expect(&search->e, tried->spec);
	}
	foreach (cell, list)
	{
		const RecoTried *tried = lfirst(cell);

		try_one(search, lfirst(cell));
		if (tried == baseline && baseline->own.users < RECO_WORTH_LEAST_USERS)
			search->why = too_few(baseline->own.users);
		else if (search->weighing && tried->scores == NULL)
			search->why = tried->message;
		else
			continue;
		search->tried = NIL;
		search->baseline = NULL;
		return false;
	}
	pick(search, fuse);
	return true;
}
