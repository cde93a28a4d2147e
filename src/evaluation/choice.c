/*
 * choice.c
 *	  What reco.auto() is replaced by, and weights that were left open.
 *
 * A part of the interactions is hidden, each candidate is trained on the rest and measured, and
 * popularity beside them (choice_search.c).  The best is taken where it is better than popularity
 * by more than the standard error of the difference, user by user; of those that are as good,
 * within half a standard error, the first.  The two best of different algorithms are tried as one
 * hybrid, which has to be better than the best by more than a standard error, too.  Numbers of
 * candidates that follow the data are found again for all of it once one is chosen.
 *
 * Weights of members are found by what is hidden as well, of candidates and of what is fused; for
 * an algorithm whose weights were left open that is all there is to do: it is the one candidate,
 * and taken in any case.
 *
 * What candidates are is for the algorithms to say (RecoAlgorithm.candidates).  Times are recorded
 * and decide nothing.
 *
 * Cost and memory: those of choice_search.c.
 */
#include "evaluation/choice.h"

#include "utils/memutils.h"

/* Of a whole in which some are replaced. */
typedef struct Replacing
{
	const RecoChooser *chooser;
	bool features; /* nobody gives what is known about items weights yet: one may */
	int room;      /* so many members may come */
	bool whole;    /* what is replaced is all there is */
	StringInfoData choices;
	RecoChoice *choice;
} Replacing;

/* What was chosen, as it is for all of the data, and with nothing open. */
static const RecoSpec *
for_all(const RecoSearch *search, const RecoTried *tried)
{
	const RecoChooser *chooser = search->chooser;
	const RecoSpec *spec;
	RecoTraining training;

	if (tried->fused[0])
		spec = reco_hybrid_of(for_all(search, tried->fused[0]), for_all(search, tried->fused[1]),
							  reco_metric_of_values(search->metric.kind));
	else
		spec = reco_tried_for_all(search, tried);
	if (tried->weighed)
		spec = reco_spec_weighed_as(spec, tried->weighed);
	training = reco_choice_training(spec, chooser->set, chooser->budget, chooser->data);
	return reco_spec_resolve(spec, &training);
}

/* The first that can be trained; an error where none can. */
static const RecoSpec *
first_given(const RecoSearch *search, const reco_nested *given)
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
fall_back(RecoSearch *search)
{
	const RecoChooser *chooser = search->chooser;
	const reco_nested *given = search->params->candidates;
	const RecoAlgorithm *algorithm =
		reco_metric_of_values(search->metric.kind) ? &reco_algorithm_als : &reco_algorithm_item_knn;

	search->chosen =
		reco_tried_of(given ? first_given(search, given) : reco_spec_plain(algorithm), -1);
	if (search->weighing)
		ereport(NOTICE,
				(errmsg("%sthere is too little to find weights by, all members weigh the same",
						chooser->model ? psprintf("model \"%s\": ", chooser->model) : ""),
				 errdetail_internal("%s.", search->why)));
	else
		ereport(NOTICE, (errmsg("%sthere is too little to choose an algorithm by, %s is taken",
								chooser->model ? psprintf("model \"%s\": ", chooser->model) : "",
								reco_spec_call(search->chosen->spec)),
						 errdetail_internal("%s.", search->why)));
}

static void
tell_split(const RecoSearch *search)
{
	const RecoChooser *chooser = search->chooser;
	const char *model = chooser->model ? psprintf("model \"%s\": ", chooser->model) : "";

	if (search->params->split != RECO_AUTO_SPLIT_AUTO || chooser->data->x.time)
		return;
	if (search->weighing)
		ereport(NOTICE,
				(errmsg("%sweights are found by interactions that are hidden at random", model),
				 errhint("With a column of times in the source, after that of values, they are "
						 "found by what came last, which says more about what is to come.")));
	else
		ereport(
			NOTICE,
			(errmsg("%sthe algorithm is chosen by interactions that are hidden at random", model),
			 errhint("With a column of times in the source, after that of values, it is chosen "
					 "by what came last, which says more about what is to come.")));
}

/* Of the current memory context; so are the records. */
static const RecoSpec *
take(Replacing *replacing, RecoSearch *search)
{
	const RecoSpec *chosen = for_all(search, search->chosen);

	/* a copy: what is not open is still that of the search */
	chosen = reco_spec_parse(reco_spec_jsonb(chosen));
	reco_search_record(search, chosen, &replacing->choices);
	if (reco_spec_weighs_features(chosen))
		replacing->features = false;
	if (search->chosen->fused[0])
		replacing->room -= 2;
	if (search->tried == NIL)
		replacing->choice->fallback = true;
	else if (replacing->whole && search->chosen->scores &&
			 !reco_tried_smaller(search, search->chosen))
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
choose_one(Replacing *replacing, const RecoAutoParams *params, bool weighing, int depth)
{
	const RecoChooser *chooser = replacing->chooser;
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco choice", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	RecoSearch search = {
		.chooser = chooser,
		.params = params,
		.weighing = weighing,
		.features = replacing->features && chooser->data->features,
	};
	bool fits = search.params->candidates || (depth < RECO_MAX_NESTING && replacing->room >= 2);
	const RecoSpec *chosen;
	bool begun;

	reco_budget_init(&search.budget, context);
	search.budget.limit -= Min(search.budget.limit, chooser->budget->used);
	begun = reco_search_begin(&search);
	if (begun)
		tell_split(&search);
	if (!begun || !reco_search_all(&search, search.params->fuse && fits))
		fall_back(&search);
	MemoryContextSwitchTo(old);
	chosen = take(replacing, &search);
	MemoryContextDelete(context);
	return chosen;
}

/* Who gives what is known about items weights, and how many there are, but for what is replaced. */
static void
count_given(const RecoSpec *spec, Replacing *replacing)
{
	replacing->room--;
	if (spec->algorithm->replaced)
		return;
	if (spec->algorithm->weighs_features)
		replacing->features = false;
	for (int m = 0; m < spec->members; m++)
		count_given(spec->member[m], replacing);
}

/* Weights of a whole in which nobody is replaced any more. */
static const RecoSpec *
find_weights(Replacing *replacing, const RecoSpec *spec)
{
	RecoMetric metric = reco_worth_metric(spec);
	void *candidate[] = {unconstify(RecoSpec *, spec)};
	reco_nested given = {1, candidate};
	RecoAutoParams params = {reco_metric_text(&metric), RECO_AUTO_SPLIT_AUTO, &given, false};

	/* that tells its worth, too, unless it is to be measured by what comes again or next */
	replacing->whole = !reco_spec_comes_again(spec) && !reco_spec_comes_next(spec);
	return choose_one(replacing, &params, true, 1);
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
		return choose_one(level->replacing, spec->params, false, level->depth);
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
	if (reco_spec_is_unweighed(spec))
		spec = find_weights(&replacing, spec);
	training = reco_choice_training(spec, chooser->set, chooser->budget, chooser->data);
	choice->spec = reco_spec_resolve(spec, &training);
	appendStringInfoChar(&replacing.choices, ']');
	choice->choices = replacing.choices.data;
}
