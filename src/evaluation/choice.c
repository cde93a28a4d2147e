/*
 * choice.c
 *	  What reco.auto() is replaced by.
 *
 * A part of the interactions is hidden, each candidate is trained on the rest and measured, and
 * popularity beside them.  The best is taken where it is better than popularity by more than the
 * standard error of the difference, user by user; of equal ones the first.  The two best of
 * different algorithms are tried as one hybrid, which has to be better than the best by more than
 * a standard error, too.  Numbers of candidates that follow the data are found again for all of
 * it once one is chosen.
 *
 * What candidates are is for the algorithms to say (RecoAlgorithm.candidates).  Times are recorded
 * and decide nothing.
 *
 * A candidate that the data is nothing for is tried in a subtransaction, which holds no snapshot,
 * and passed over.  Cancels are errors, and so is all else.
 *
 * Cost: a training and at most RECO_WORTH_USERS lists for each.  Memory: the two parts of the
 * data, one training at a time, and a few bytes a user and candidate.
 */
#include "evaluation/choice.h"

#include "model/auto.h"
#include "pg/json.h"
#include "store/source/lookup.h"
#include "utils/memutils.h"

#include <math.h>

/* Of the best, what the second must come to, to be made one with it. */
#define NEAR 0.9

/* One that was tried. */
typedef struct Tried
{
	const RecoSpec *spec;         /* as given, or as its algorithm has it for the training part */
	int place;                    /* among the portfolio of its algorithm; -1: it was given */
	const struct Tried *fused[2]; /* it is a hybrid of these; or NULL */
	RecoScores *scores;           /* NULL: it could not be */
	reco_estimate own;
	reco_estimate gain; /* over popularity */
	bool counts;        /* better than that by more than a standard error */
	double seconds;
	char *message; /* why it could not be */
} Tried;

typedef struct Search
{
	const RecoChooser *chooser;
	const RecoAutoParams *params;
	RecoMetric metric;
	RecoBudget budget;
	RecoMeasurement e;
	bool features; /* candidates may look at what is known about items */
	List *tried;   /* of Tried */
	Tried *baseline;
	int planned;
	Tried *chosen;
	char *why;
	bool begun;   /* there is something to measure on */
	char *hidden; /* how what is to be found is hidden */
} Search;

/* Of a whole in which some are replaced. */
typedef struct Replacing
{
	const RecoChooser *chooser;
	bool features; /* nobody looks at what is known about items yet: one may */
	int room;      /* so many members may come */
	bool whole;    /* what is replaced is all there is */
	StringInfoData choices;
	RecoChoice *choice;
} Replacing;

static bool
better(const Search *search, double a, double b)
{
	return reco_metric_more_is_better(search->metric.kind) ? a > b : a < b;
}

typedef struct Job
{
	Search *search;
	Tried *tried;
} Job;

static void
measure(void *arg)
{
	Job *job = arg;
	Search *search = job->search;
	const RecoSpec *spec = job->tried->spec;

	if (spec->features == RECO_FEATURES_REQUIRED && search->chooser->data->features == NULL)
		reco_features_missing(spec);
	reco_metric_check(&search->metric, spec, "a choice");
	job->tried->scores = reco_measure_one(&search->e, spec);
}

/* Its memory goes when it has been measured, or could not be. */
static void
try_one(Search *search, Tried *tried)
{
	const RecoChooser *chooser = search->chooser;
	const Tried *baseline = search->baseline;
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
	error = reco_lookup_try(measure, &job);
	MemoryContextSwitchTo(old);
	if (error && !reco_error_is_of_algorithm(error))
		ReThrowError(error);
	if (error)
	{
		tried->scores = NULL;
		tried->message = pstrdup(error->message);
	}
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

static Tried *
tried_of(const RecoSpec *spec, int place)
{
	Tried *tried = palloc0(sizeof(Tried));

	tried->spec = spec;
	tried->place = place;
	tried->own.value = tried->own.error = tried->gain.value = tried->gain.error = NAN;
	return tried;
}

static RecoTraining
training_for(const RecoSpec *spec, RecoTrainingSet *set, RecoBudget *budget, const RecoData *data)
{
	return reco_training_of(spec, set, budget, data->features);
}

/* What is tried in any case. */
static bool
is_baseline(const Search *search, const RecoSpec *spec)
{
	return search->baseline && spec->algorithm == search->baseline->spec->algorithm;
}

/*
 * Those that were given, or the portfolio of each algorithm; where values are to be predicted
 * all that can, since those are few.
 */
static List *
candidates(Search *search)
{
	bool values = reco_metric_of_values(search->metric.kind);
	const reco_nested *given = search->params->candidates;
	List *list = NIL;

	for (int c = 0; given && c < given->n; c++)
		if (!is_baseline(search, given->value[c]))
			list = lappend(list, tried_of(given->value[c], -1));
	for (int a = 0; given == NULL && reco_algorithm_nth(a); a++)
	{
		const RecoAlgorithm *algorithm = reco_algorithm_nth(a);
		RecoTraining training;
		List *specs;
		ListCell *cell;

		if (algorithm->candidates == NULL)
			continue;
		training = training_for(reco_spec_plain(algorithm), &search->e.set, &search->budget,
								search->e.data);
		training.trial = true;
		specs = reco_spec_candidates(algorithm, &training, !values);
		foreach (cell, specs)
		{
			const RecoSpec *spec = lfirst(cell);

			if ((spec->features == RECO_FEATURES_NONE || search->features) &&
				spec->predicts_value == values && !is_baseline(search, spec))
				list = lappend(list, tried_of(spec, foreach_current_index(cell)));
		}
	}
	return list;
}

/* The best of those that count, of another algorithm than one; NULL: there is none. */
static Tried *
best_of(const Search *search, const Tried *other)
{
	Tried *best = NULL;
	ListCell *cell;

	foreach (cell, search->tried)
	{
		Tried *tried = lfirst(cell);

		if (tried->counts && (other == NULL || tried->spec->algorithm != other->spec->algorithm) &&
			(best == NULL || better(search, tried->own.value, best->own.value)))
			best = tried;
	}
	return best;
}

/*
 * The two best of different algorithms as one; nothing where that is no more than the best.  A
 * hybrid costs two trainings more, and with one that is far behind it is worse than the best.
 */
static void
try_fused(Search *search)
{
	Tried *best = search->chosen;
	Tried *second = best_of(search, best);
	Tried *tried;
	reco_estimate gain;

	if (second == NULL || reco_metric_of_values(search->metric.kind) ||
		second->own.value < NEAR * best->own.value ||
		(best->spec->features != RECO_FEATURES_NONE &&
		 second->spec->features != RECO_FEATURES_NONE))
		return;
	tried = tried_of(reco_hybrid_of(best->spec, second->spec), -1);
	tried->fused[0] = best;
	tried->fused[1] = second;
	reco_measure_expect(&search->e, tried->spec);
	try_one(search, tried);
	if (tried->scores == NULL ||
		!reco_scores_gain(tried->scores, best->scores, &search->metric, RECO_ACTIVITY_ALL, &gain) ||
		!(gain.value > gain.error))
		return;
	search->chosen = tried;
	search->why = psprintf("%.4g (standard error %.2g) better than the better one of its members",
						   gain.value, gain.error);
}

/* Without a baseline there is nothing to be taken then. */
static pg_attribute_noreturn() void nothing_measured(const Search *search)
{
	const Tried *first = search->tried ? linitial(search->tried) : NULL;

	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("no candidate of algorithm \"auto\" could be measured by %s",
						   reco_metric_text(&search->metric)),
					first && first->message
						? errdetail_internal("%s: %s.", reco_spec_call(first->spec), first->message)
						: 0,
					errhint("Give candidates that the metric measures, or another metric.")));
}

static void
pick(Search *search, bool fuse)
{
	search->chosen = best_of(search, NULL);
	if (search->chosen == NULL)
	{
		if (search->baseline == NULL)
			nothing_measured(search);
		search->chosen = search->baseline;
		search->why = pstrdup("no candidate was better by more than a standard error");
		return;
	}
	search->why =
		search->baseline
			? psprintf("the best of %d, %.4g (standard error %.2g) better than popularity",
					   list_length(search->tried), search->chosen->gain.value,
					   search->chosen->gain.error)
			: psprintf("the best of %d", list_length(search->tried));
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
	Search *search = arg;
	const RecoAutoParams *params = search->params;

	search->begun = reco_worth_split(&search->e, (RecoAutoSplit) params->split, &search->hidden) &&
					search->e.users >= RECO_WORTH_LEAST_USERS;
	if (search->begun)
		reco_worth_metric_of(&search->e, &search->metric);
	else
		search->why = too_few(search->e.users);
}

/* False where there is too little to measure on, or no memory for the parts: *why says so. */
static bool
search_begin(Search *search)
{
	const RecoChooser *chooser = search->chooser;
	ErrorData *error;

	search->metric = reco_metric_parse(search->params->metric, "metric");
	search->e = (RecoMeasurement){.budget = &search->budget, .data = chooser->data};
	reco_worth_want(&search->e, &search->metric);
	if (chooser->guard)
		reco_measurement_want(&search->e, chooser->guard);
	error = reco_lookup_try(hide, search);
	if (error && error->sqlerrcode != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
		ReThrowError(error);
	if (error)
		search->why = pstrdup(error->message);
	return search->begun;
}

/* False: there are too few users who could find something; *why says so. */
static bool
search_all(Search *search, bool fuse)
{
	bool values = reco_metric_of_values(search->metric.kind);
	Tried *baseline = values ? NULL : tried_of(reco_spec_plain(&reco_algorithm_popular), 0);
	List *list;
	ListCell *cell;

	search->baseline = baseline;
	list = candidates(search);
	if (baseline)
		list = lcons(baseline, list);
	search->planned = list_length(list) + fuse;
	foreach (cell, list)
		reco_measure_expect(&search->e, ((Tried *) lfirst(cell))->spec);
	foreach (cell, list)
	{
		try_one(search, lfirst(cell));
		if (lfirst(cell) == baseline && baseline->own.users < RECO_WORTH_LEAST_USERS)
		{
			search->why = too_few(baseline->own.users);
			search->tried = NIL;
			search->baseline = NULL;
			return false;
		}
	}
	pick(search, fuse);
	return true;
}

/* What a candidate was tried as, given for all of the data. */
static const RecoSpec *
given_for_all(const Search *search, const Tried *tried)
{
	const RecoChooser *by = search->chooser;
	RecoTraining training = training_for(tried->spec, by->set, by->budget, by->data);

	if (tried->place < 0 || tried == search->baseline)
		return tried->spec;
	return list_nth(reco_spec_candidates(tried->spec->algorithm, &training,
										 !reco_metric_of_values(search->metric.kind)),
					tried->place);
}

/* Whether something smaller was tried than is trained in the end, of which less is known. */
static bool
is_tried_smaller(const Search *search, const Tried *tried)
{
	if (tried->fused[0])
		return is_tried_smaller(search, tried->fused[0]) ||
			   is_tried_smaller(search, tried->fused[1]);
	return strcmp(reco_spec_call(tried->spec), reco_spec_call(given_for_all(search, tried))) != 0;
}

/* What was chosen, as it is for all of the data, and with nothing open. */
static const RecoSpec *
for_all(const Search *search, const Tried *tried)
{
	const RecoChooser *chooser = search->chooser;
	const RecoSpec *spec;
	RecoTraining training;

	if (tried->fused[0])
		return reco_hybrid_of(for_all(search, tried->fused[0]), for_all(search, tried->fused[1]));
	spec = given_for_all(search, tried);
	training = training_for(spec, chooser->set, chooser->budget, chooser->data);
	return reco_spec_resolve(spec, &training);
}

static char *
record_tried(const Search *search)
{
	StringInfoData text;
	ListCell *cell;

	initStringInfo(&text);
	foreach (cell, search->tried)
	{
		const Tried *tried = lfirst(cell);
		StringInfoData one;

		initStringInfo(&one);
		reco_json_add_text(&one, "algorithm", reco_spec_call(tried->spec));
		reco_json_add_number(&one, "value", tried->own.value);
		reco_json_add_number(&one, "error", tried->own.error);
		reco_json_add_number(&one, "gain", tried->gain.value);
		reco_json_add_number(&one, "gain_error", tried->gain.error);
		reco_json_add_number(&one, "seconds", round(tried->seconds * 1000) / 1000);
		reco_json_add_text(&one, "message", tried->message);
		appendStringInfo(&text, "%s%s", cell == list_head(search->tried) ? "" : ", ",
						 reco_json_end(&one));
	}
	return psprintf("[%s]", text.data);
}

static void
record(const Search *search, const RecoSpec *chosen, StringInfo choices)
{
	StringInfoData text;

	initStringInfo(&text);
	reco_json_add_text(&text, "metric", reco_metric_text(&search->metric));
	reco_json_add_text(&text, "split", search->e.split ? reco_split_name(search->e.split) : NULL);
	reco_json_add_number(&text, "users", search->e.users);
	reco_json_add_text(&text, "chosen", reco_spec_call(chosen));
	reco_json_add_text(&text, "why", search->why);
	reco_json_add(&text, "tried", record_tried(search));
	appendStringInfo(choices, "%s%s", choices->len > 0 ? ", " : "[", reco_json_end(&text));
}

/* The first that can be trained; an error where none can. */
static const RecoSpec *
first_given(const Search *search, const reco_nested *given)
{
	for (int c = 0; c < given->n; c++)
	{
		const RecoSpec *spec = given->value[c];

		if (spec->features != RECO_FEATURES_REQUIRED || search->chooser->data->features)
			return spec;
	}
	reco_features_missing(given->value[0]);
}

/* What is taken when nothing can be measured: for lists what needs no more than a few users. */
static void
fall_back(Search *search)
{
	const RecoChooser *chooser = search->chooser;
	const reco_nested *given = search->params->candidates;
	const RecoAlgorithm *algorithm =
		reco_metric_of_values(search->metric.kind) ? &reco_algorithm_als : &reco_algorithm_item_knn;

	search->chosen = tried_of(given ? first_given(search, given) : reco_spec_plain(algorithm), -1);
	ereport(NOTICE, (errmsg("%sthere is too little to choose an algorithm by, %s is taken",
							chooser->model ? psprintf("model \"%s\": ", chooser->model) : "",
							reco_spec_call(search->chosen->spec)),
					 errdetail_internal("%s.", search->why)));
}

static void
tell_split(const Search *search)
{
	const RecoChooser *chooser = search->chooser;

	if (search->params->split == RECO_AUTO_SPLIT_AUTO && chooser->data->x.time == NULL)
		ereport(NOTICE,
				(errmsg("%sthe algorithm is chosen by interactions that are hidden at random",
						chooser->model ? psprintf("model \"%s\": ", chooser->model) : ""),
				 errhint("With a column of times in the source, after that of values, it is chosen "
						 "by what came last, which says more about what is to come.")));
}

/* Of the current memory context; so are the records. */
static const RecoSpec *
take(Replacing *replacing, Search *search)
{
	const RecoSpec *chosen = for_all(search, search->chosen);

	/* a copy: what is not open is still that of the search */
	chosen = reco_spec_parse(reco_spec_jsonb(chosen));
	record(search, chosen, &replacing->choices);
	if (chosen->features != RECO_FEATURES_NONE)
		replacing->features = false;
	if (search->chosen->fused[0])
		replacing->room -= 2;
	if (search->tried == NIL)
		replacing->choice->fallback = true;
	else if (replacing->whole && search->chosen->scores &&
			 !is_tried_smaller(search, search->chosen))
	{
		reco_worth_of(&search->e, search->chosen->scores,
					  search->baseline ? search->baseline->scores
									   : reco_worth_baseline(&search->e, &search->metric),
					  &search->metric, replacing->chooser->guard, search->hidden,
					  &replacing->choice->worth);
		replacing->choice->has_worth = true;
	}
	return chosen;
}

static const RecoSpec *
choose_one(Replacing *replacing, const RecoSpec *spec, int depth)
{
	const RecoChooser *chooser = replacing->chooser;
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco choice", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Search search = {
		.chooser = chooser,
		.params = spec->params,
		.features = replacing->features && chooser->data->features,
	};
	bool fits = search.params->candidates || (depth < RECO_MAX_NESTING && replacing->room >= 2);
	const RecoSpec *chosen;
	bool begun;

	reco_budget_init(&search.budget, context);
	search.budget.limit -= Min(search.budget.limit, chooser->budget->used);
	begun = search_begin(&search);
	if (begun)
		tell_split(&search);
	if (!begun || !search_all(&search, search.params->fuse && fits))
		fall_back(&search);
	MemoryContextSwitchTo(old);
	chosen = take(replacing, &search);
	MemoryContextDelete(context);
	return chosen;
}

/* Who looks at what is known about items, and how many there are, but for what is replaced. */
static void
count_given(const RecoSpec *spec, Replacing *replacing)
{
	replacing->room--;
	if (spec->algorithm->replaced)
		return;
	if (spec->members == 0 && spec->features != RECO_FEATURES_NONE)
		replacing->features = false;
	for (int m = 0; m < spec->members; m++)
		count_given(spec->member[m], replacing);
}

typedef struct Level
{
	Replacing *replacing;
	int depth;
} Level;

static const RecoSpec *
replace(void *arg, const RecoSpec *spec)
{
	Level *level = arg;
	Level below = {level->replacing, level->depth + 1};

	if (!reco_spec_is_replaced(spec))
		return spec;
	if (spec->algorithm->replaced)
		return choose_one(level->replacing, spec, level->depth);
	return reco_spec_parse(reco_spec_jsonb(reco_spec_with(spec, replace, &below)));
}

void
reco_choose(const RecoChooser *chooser, const RecoSpec *spec, RecoChoice *choice)
{
	Replacing replacing = {
		.chooser = chooser,
		.features = true,
		.room = RECO_MAX_MEMBERS + 1,
		.whole = spec->algorithm->replaced,
		.choice = choice,
	};
	Level top = {&replacing, 1};
	RecoTraining training;

	memset(choice, 0, sizeof(*choice));
	initStringInfo(&replacing.choices);
	count_given(spec, &replacing);
	spec = replace(&top, spec);
	training = training_for(spec, chooser->set, chooser->budget, chooser->data);
	choice->spec = reco_spec_resolve(spec, &training);
	appendStringInfoChar(&replacing.choices, ']');
	choice->choices = replacing.choices.data;
}
