/*
 * content.c
 *	  reco.content(): items like those that a user has, by what is known about
 *	  them.
 *
 * Works for an item that nobody has bought yet, and for a user with one purchase.
 * The mathematics is in core/content.c.
 */
#include "model/model.h"

#include <math.h>

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

/* The profile of a user, in a budget that goes with the current memory context. */
static reco_content_user
profile_of(const RecoModel *model, const RecoProfile *profile, RecoBudget *budget,
		   reco_content_profile *out)
{
	reco_content_user user = {profile->n, profile->item, profile->value};

	reco_budget_init(budget, CurrentMemoryContext);
	reco_budget_check(budget, reco_content_profile_make(&budget->env, model->content, &user, out),
					  "the model");
	return user;
}

static void
content_score(const RecoModel *model, const RecoProfile *profile, float *score)
{
	RecoBudget budget;
	reco_content_profile made;
	double *scratch;

	(void) profile_of(model, profile, &budget, &made);
	scratch = reco_budget_alloc(&budget, ((Size) model->items + 1) * sizeof(double));
	reco_budget_check(&budget,
					  reco_content_score(&budget.env, model->content, &made, scratch, score),
					  "the model");
	reco_budget_free(&budget, scratch);
	reco_content_profile_free(&budget.env, &made);
}

static void
content_score_some(const RecoModel *model, const RecoProfile *profile, const int32 *item, int32 n,
				   float *score)
{
	RecoBudget budget;
	reco_content_profile made;

	(void) profile_of(model, profile, &budget, &made);
	for (int32 k = 0; k < n; k++)
	{
		double one;

		reco_budget_check(&budget,
						  reco_content_score_one(&budget.env, model->content, &made, item[k], &one),
						  "the model");
		score[k] = (float) one;
		reco_poll();
	}
	reco_content_profile_free(&budget.env, &made);
}

static float
content_predict(const RecoModel *model, float score)
{
	return score;
}

static void
content_fold_in(const RecoModel *model, RecoProfile *profile)
{
}

static bool
content_knows(const RecoModel *model, const RecoProfile *profile)
{
	RecoBudget budget;
	reco_content_profile made;
	bool knows;

	(void) profile_of(model, profile, &budget, &made);
	knows = reco_content_knows(model->content, &made);
	reco_content_profile_free(&budget.env, &made);
	return knows;
}

static bool
content_explain(const RecoModel *model, const RecoProfile *profile, int32 item,
				double *contribution, double *baseline)
{
	RecoBudget budget;
	reco_content_profile made;
	reco_content_user user = profile_of(model, profile, &budget, &made);

	*baseline = 0;
	reco_budget_check(
		&budget,
		reco_content_explain(&budget.env, model->content, &user, &made, item, contribution),
		"the model");
	reco_content_profile_free(&budget.env, &made);
	return true;
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

const RecoAlgorithm reco_algorithm_content = {
	.name = "content",
	.source = "content",
	.needs = RECO_NEEDS_CONTENT,
	.needs_features = true,
	.items_only = true,
	.options = content_options,
	.params_size = sizeof(ContentParams),
	.memory = content_memory,
	.fit = content_fit,
	.score = content_score,
	.score_some = content_score_some,
	.predict = content_predict,
	.fold_in = content_fold_in,
	.knows = content_knows,
	.explain = content_explain,
	.fits = content_fits,
	.prepare = content_prepare,
};
