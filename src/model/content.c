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

static const reco_option content_options[] = {
	{"weights", RECO_OPTION_WEIGHTS, offsetof(ContentParams, weights), 0, 0, 1e6, NULL},
	{NULL},
};

static size_t
content_memory(const RecoTraining *training)
{
	const RecoFeatures *features = training->features;
	Size entries = features->content.by_item.start[features->content.items];

	return entries * 8 + ((Size) features->terms + training->by_user.rows + 2) * 16;
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
content_fit(const RecoTraining *training, RecoTrained *out)
{
	RecoBudget *budget = training->budget;
	RecoFeatures *features = training->features;
	const ContentParams *params = training->spec->params;

	memset(out, 0, sizeof(*out));
	set_weights(features, params->weights, &features->content);
	out->users = training->by_user.rows;
	out->user_bias = reco_zeros(budget, out->users);
	out->model.spec = training->spec;
	out->model.items = training->by_user.cols;
	out->model.item_bias = reco_zeros(budget, out->model.items);
	out->model.content = &features->content;
	reco_value_range(&training->by_user, &out->model.min_value, &out->model.max_value);
}

static bool
content_fits(const RecoModel *model)
{
	return model->content != NULL && model->factors == 0;
}

static void
content_prepare(RecoModel *model, RecoBudget *budget)
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

const RecoAlgorithm reco_algorithm_content = {
	.name = "content",
	.source = "content",
	.features = content_features,
	.options = content_options,
	.params_size = sizeof(ContentParams),
	.memory = content_memory,
	.fit = content_fit,
	.fits = content_fits,
	.prepare = content_prepare,
	.scorer = reco_content_scorer_of,
};
