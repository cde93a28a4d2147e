/*
 * resolve.c
 *	  Options that were left open, chosen by the data.
 *
 * What was asked for stays with the definition of a model; what was chosen is what a version was
 * trained with, and has nothing open.
 *
 * Cost: of each algorithm that leaves something open, a pass over the interactions; and once for
 * all on the same ones, what core/data/overlap.h says.
 */
#include "model/model.h"

#include "core/data/overlap.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

static const reco_option *
open_option(const RecoSpec *spec)
{
	return reco_options_open(spec->algorithm->options, spec->params);
}

bool
reco_spec_is_open(const RecoSpec *spec)
{
	bool open = open_option(spec) != NULL;

	for (int m = 0; m < spec->members && !open; m++)
		open = reco_spec_is_open(spec->member[m]);
	return open;
}

const char *
reco_spec_source(const RecoSpec *spec)
{
	while (spec->algorithm->source == NULL)
		spec = spec->member[0];
	return spec->algorithm->source;
}

bool
reco_spec_is_replaced(const RecoSpec *spec)
{
	bool replaced = spec->algorithm->replaced;

	for (int m = 0; m < spec->members && !replaced; m++)
		replaced = reco_spec_is_replaced(spec->member[m]);
	return replaced;
}

bool
reco_spec_weighs_features(const RecoSpec *spec)
{
	bool weighs = spec->algorithm->weighs_features;

	for (int m = 0; m < spec->members && !weighs; m++)
		weighs = reco_spec_weighs_features(spec->member[m]);
	return weighs;
}

bool
reco_spec_user_features(const RecoSpec *spec)
{
	bool looks = spec->algorithm->user_features && spec->algorithm->user_features(spec);

	for (int m = 0; m < spec->members && !looks; m++)
		looks = reco_spec_user_features(spec->member[m]);
	return looks;
}

bool
reco_spec_comes_again(const RecoSpec *spec)
{
	bool all = spec->members > 0;

	for (int m = 0; m < spec->members && all; m++)
		all = reco_spec_comes_again(spec->member[m]);
	return all || spec->algorithm->comes_again;
}

bool
reco_spec_comes_next(const RecoSpec *spec)
{
	bool all = spec->members > 0;

	for (int m = 0; m < spec->members && all; m++)
		all = reco_spec_comes_next(spec->member[m]);
	return all || spec->algorithm->comes_next;
}

static List *
add_priors(const RecoSpec *spec, List *names)
{
	const char *name = spec->algorithm->prior ? spec->algorithm->prior(spec) : NULL;
	ListCell *cell;

	foreach (cell, names)
		if (name && strcmp(lfirst(cell), name) == 0)
			name = NULL;
	if (name)
		names = lappend(names, pstrdup(name));
	for (int m = 0; m < spec->members; m++)
		names = add_priors(spec->member[m], names);
	return names;
}

List *
reco_spec_priors(const RecoSpec *spec)
{
	return add_priors(spec, NIL);
}

bool
reco_spec_is_unweighed(const RecoSpec *spec)
{
	bool unweighed = spec->algorithm->unweighed && spec->algorithm->unweighed(spec);

	for (int m = 0; m < spec->members && !spec->algorithm->replaced && !unweighed; m++)
		unweighed = reco_spec_is_unweighed(spec->member[m]);
	return unweighed;
}

bool
reco_spec_is_chosen(const RecoSpec *spec)
{
	return reco_spec_is_replaced(spec) || reco_spec_is_unweighed(spec);
}

void
reco_spec_require_given(const RecoSpec *spec, const char *what)
{
	const reco_option *open = open_option(spec);

	for (int m = 0; m < spec->members; m++)
		reco_spec_require_given(spec->member[m], what);
	if (open)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s needs option \"%s\" of algorithm \"%s\" to be given", what,
							   open->name, spec->algorithm->name),
						errdetail("Left open it is chosen by the data of a model, of which there "
								  "is none here."),
						errhint("Write reco.%s(%s => ...); what was chosen for a model is in its "
								"view versions.",
								spec->algorithm->name, open->name)));
}

reco_shape
reco_training_shape(const RecoTraining *training, bool overlap)
{
	RecoTrainingSet *set = training->set;
	RecoBudget *budget = training->budget;
	reco_shape shape;

	reco_budget_check(budget, reco_shape_of(&budget->env, &training->by_user, &shape), "training");
	/* which interactions there are is the same whatever their values */
	if (overlap && set->overlap == 0)
		reco_budget_check(
			budget,
			reco_overlap(&budget->env, &training->by_user, RECO_OVERLAP_STEPS, &set->overlap),
			"training");
	if (overlap)
		shape.overlap = set->overlap;
	return shape;
}

RecoSpec *
reco_spec_with(const RecoSpec *spec, RecoSpecChange change, void *arg)
{
	RecoSpec *copy = memcpy(palloc(sizeof(RecoSpec)), spec, sizeof(RecoSpec));
	Size size = spec->algorithm->params_size + 1;
	void *params = memcpy(palloc(size), spec->params, size);

	for (const reco_option *option = spec->algorithm->options; option->name; option++)
	{
		void **field = (void **) ((char *) params + option->offset);

		if (option->type == RECO_OPTION_NESTED && *field)
			*field = unconstify(RecoSpec *, change(arg, *field));
		else if (option->type == RECO_OPTION_NESTED_LIST && *field)
		{
			const reco_nested *asked = *field;
			reco_nested *list = palloc(sizeof(reco_nested));

			list->n = asked->n;
			list->value = palloc((asked->n + 1) * sizeof(void *));
			for (int k = 0; k < asked->n; k++)
				list->value[k] = unconstify(RecoSpec *, change(arg, asked->value[k]));
			*field = list;
		}
	}
	copy->params = params;
	copy->members = 0;
	reco_spec_find_members(copy);
	return copy;
}

static const RecoSpec *
same_member(void *arg, const RecoSpec *spec)
{
	return spec;
}

RecoSpec *
reco_spec_weighed(const RecoSpec *spec, const double *weights)
{
	RecoSpec *copy = reco_spec_with(spec, same_member, NULL);

	spec->algorithm->weigh(copy->params, weights);
	return copy;
}

typedef struct As
{
	const RecoSpec *as;
	int member;
} As;

static const RecoSpec *
weighed_member(void *arg, const RecoSpec *spec)
{
	As *as = arg;

	return reco_spec_weighed_as(spec, as->as->member[as->member++]);
}

RecoSpec *
reco_spec_weighed_as(const RecoSpec *spec, const RecoSpec *as)
{
	As members = {as, 0};
	RecoSpec *copy = reco_spec_with(spec, weighed_member, &members);
	const RecoAlgorithm *algorithm = spec->algorithm;

	if (algorithm->unweighed && algorithm->unweighed(spec))
		for (const reco_option *option = algorithm->options; option->name; option++)
			if (option->type == RECO_OPTION_REALS && option->open)
				*(const void **) ((char *) copy->params + option->offset) =
					*(const void *const *) ((const char *) as->params + option->offset);
	return copy;
}

static const RecoSpec *
resolve_member(void *arg, const RecoSpec *spec)
{
	return reco_spec_resolve(spec, arg);
}

static const RecoSpec *
copy_member(void *arg, const RecoSpec *spec)
{
	return reco_spec_with(spec, copy_member, arg);
}

const RecoSpec *
reco_spec_resolve(const RecoSpec *spec, const RecoTraining *training)
{
	const RecoAlgorithm *algorithm = spec->algorithm;
	RecoSpec *chosen;

	if (!reco_spec_is_open(spec))
		return spec;
	chosen = reco_spec_with(spec, algorithm->fills_members ? copy_member : resolve_member,
							unconstify(RecoTraining *, training));
	if (open_option(spec))
	{
		RecoTraining own =
			reco_training_of(spec, training->set, training->budget, training->features);

		algorithm->choose(&own, chosen->params);
		if (!reco_options_chosen(algorithm->options, spec->params, chosen->params))
			elog(ERROR, "algorithm \"%s\" left an option open", algorithm->name);
	}
	if (algorithm->check)
		algorithm->check(chosen->params);
	return chosen;
}

/* An algorithm with some options, the others being as if not given. */
static RecoSpec *
spec_of(const RecoAlgorithm *algorithm, const char *options)
{
	char *name = psprintf("{\"algorithm\": \"%s\"}", algorithm->name);
	Datum whole = DirectFunctionCall2(
		jsonb_concat, DirectFunctionCall1(jsonb_in, CStringGetDatum(name)),
		DirectFunctionCall1(jsonb_in, CStringGetDatum(unconstify(char *, options))));

	return reco_spec_parse(DatumGetJsonbP(whole));
}

RecoSpec *
reco_spec_plain(const RecoAlgorithm *algorithm)
{
	return spec_of(algorithm, "{}");
}

List *
reco_spec_candidates(const RecoAlgorithm *algorithm, const RecoTraining *training, bool portfolio)
{
	List *specs = NIL;
	List *texts;
	ListCell *cell;
	RecoTraining own;

	if (algorithm->candidates == NULL)
		return NIL;
	own = reco_training_of(reco_spec_plain(algorithm), training->set, training->budget,
						   training->features);
	own.trial = training->trial;
	own.next = training->next;
	texts = algorithm->candidates(&own, portfolio);
	foreach (cell, texts)
		specs = lappend(specs, spec_of(algorithm, lfirst(cell)));
	return specs;
}
