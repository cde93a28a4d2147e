/*
 * choice.c
 *	  What reco.auto() is replaced by.
 *
 * A part of the interactions is hidden, each candidate is trained on the rest and measured, and
 * popularity beside them (choice_search.c).  The best is taken where it is better than popularity
 * by more than the standard error of the difference, user by user; of those that are as good,
 * within half a standard error, the first.  The two best of different algorithms are tried as one
 * hybrid, which has to be better than the best by more than a standard error, too.  Numbers of
 * candidates that follow the data are found again for all of it once one is chosen.
 *
 * What candidates are is for the algorithms to say (RecoAlgorithm.candidates).  Times are recorded
 * and decide nothing.
 *
 * Cost and memory: those of choice_search.c.
 */
#include "evaluation/choice.h"

#include "pg/json.h"
#include "utils/memutils.h"

#include <math.h>

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
		return reco_hybrid_of(for_all(search, tried->fused[0]), for_all(search, tried->fused[1]));
	spec = reco_tried_for_all(search, tried);
	training = reco_choice_training(spec, chooser->set, chooser->budget, chooser->data);
	return reco_spec_resolve(spec, &training);
}

static char *
record_tried(const RecoSearch *search)
{
	StringInfoData text;
	ListCell *cell;

	initStringInfo(&text);
	foreach (cell, search->tried)
	{
		const RecoTried *tried = lfirst(cell);
		StringInfoData one;

		initStringInfo(&one);
		reco_json_add_text(&one, "algorithm", tried->call);
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
record(const RecoSearch *search, const RecoSpec *chosen, StringInfo choices)
{
	StringInfoData text;

	initStringInfo(&text);
	reco_json_add_text(&text, "metric", reco_metric_text(&search->metric));
	reco_json_add_text(&text, "split", search->e.split ? reco_split_name(search->e.split) : NULL);
	reco_json_add_number(&text, "users", search->e.measured);
	reco_json_add_text(&text, "chosen", reco_spec_call(chosen));
	reco_json_add_text(&text, "why", search->why);
	reco_json_add(&text, "tried", record_tried(search));
	appendStringInfo(choices, "%s%s", choices->len > 0 ? ", " : "[", reco_json_end(&text));
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
	ereport(NOTICE, (errmsg("%sthere is too little to choose an algorithm by, %s is taken",
							chooser->model ? psprintf("model \"%s\": ", chooser->model) : "",
							reco_spec_call(search->chosen->spec)),
					 errdetail_internal("%s.", search->why)));
}

static void
tell_split(const RecoSearch *search)
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
take(Replacing *replacing, RecoSearch *search)
{
	const RecoSpec *chosen = for_all(search, search->chosen);

	/* a copy: what is not open is still that of the search */
	chosen = reco_spec_parse(reco_spec_jsonb(chosen));
	record(search, chosen, &replacing->choices);
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
choose_one(Replacing *replacing, const RecoSpec *spec, int depth)
{
	const RecoChooser *chooser = replacing->chooser;
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco choice", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	RecoSearch search = {
		.chooser = chooser,
		.params = spec->params,
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
	training = reco_choice_training(spec, chooser->set, chooser->budget, chooser->data);
	choice->spec = reco_spec_resolve(spec, &training);
	appendStringInfoChar(&replacing.choices, ']');
	choice->choices = replacing.choices.data;
}
