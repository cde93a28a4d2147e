/*
 * content.c
 *	  reco.content(): items like those that a user has, by what is known about
 *	  them.
 *
 * Works for an item that nobody has bought yet, and for a user with one purchase.
 * The mathematics is in core/content/content.c and core/scoring/score_content.c.
 */
#include "model/model.h"

#include "core/scoring/score_content.h"

typedef struct ContentParams
{
	const reco_weights *weights;
} ContentParams;

static const char *const weights_example[] = {"{\"title\": 1, \"tags\": 0.5}", NULL};

static const reco_option content_options[] = {
	{"weights", RECO_OPTION_WEIGHTS, offsetof(ContentParams, weights), 0, 0, 1e6, weights_example},
	{NULL},
};

static size_t
content_memory(const RecoTraining *training)
{
	const RecoFeatures *features = training->features;
	Size entries = features->content.by_item.start[features->content.items];

	return entries * 8 + ((Size) features->terms + 2) * 16;
}

/* Weights by the columns' names; a column without one counts 1. */
static void
set_weights(const RecoFeatures *features, const reco_weights *weights, reco_content *content)
{
	StringInfoData names;

	for (int f = 0; f < content->fields; f++)
		content->field[f].weight = 1;
	for (int w = 0; weights && w < weights->n; w++)
	{
		int f = 0;

		while (f < content->fields && strcmp(features->name[f], weights->name[w]) != 0)
			f++;
		if (f < content->fields)
		{
			content->field[f].weight = weights->weight[w];
			continue;
		}
		initStringInfo(&names);
		for (f = 0; f < content->fields; f++)
			appendStringInfo(&names, "%s\"%s\"", f ? ", " : "", features->name[f]);
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("weights name a column \"%s\" that items do not have", weights->name[w]),
				 errhint("The columns are %s.", names.data)));
	}
}

static void
content_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out)
{
	RecoFeatures *features = training->features;
	const ContentParams *params = training->spec->params;

	set_weights(features, params->weights, &features->content);
	out->model.content = &features->content;
}

/* A version has what is known about its items, whatever its algorithm. */
static const RecoPartType *
content_parts(const RecoSpec *spec, int *n)
{
	*n = 0;
	return NULL;
}

static void
content_prepare(RecoModel *model, RecoMember *member, bool serving, RecoBudget *budget)
{
	if (model->content->by_term.start == NULL)
		reco_budget_check(budget, reco_content_index(&budget->env, model->content), "the model");
}

reco_scorer *
reco_content_scorer_of(const RecoModel *model)
{
	reco_content_scorer *scorer = palloc0(sizeof(reco_content_scorer));

	scorer->head = reco_scorer_head(&reco_content_scorer_type, model, false);
	scorer->content = model->content;
	return &scorer->head;
}

static RecoFeatureUse
content_features(const RecoSpec *spec)
{
	return RECO_FEATURES_REQUIRED;
}

static reco_scorer *
content_scorer(const RecoModel *model, const RecoMember *member)
{
	return reco_content_scorer_of(model);
}

static List *
content_candidates(const RecoTraining *training, bool portfolio)
{
	return training->features && !portfolio ? list_make1(pstrdup("{}")) : NIL;
}

const RecoAlgorithm reco_algorithm_content = {
	.name = "content",
	.negative = "says nothing about taste",
	.source = "content",
	.features = content_features,
	.weighs_features = true,
	.options = content_options,
	.candidates = content_candidates,
	.params_size = sizeof(ContentParams),
	.memory = content_memory,
	.fit = content_fit,
	.parts = content_parts,
	.prepare = content_prepare,
	.scorer = content_scorer,
};
