/*
 * als_features.c
 *	  Factors of items and users of which a training knows features and nothing else.
 *
 * The mathematics is in core/content/ridge.c.  Those that have interactions keep the factors that
 * these gave them.
 */
#include "model/als_features.h"

#include "core/base/dispatch.h"
#include "core/content/ridge.h"
#include "core/linear/gram.h"

/*
 * Of what is ranked; of Amazon's beauty products, where a fifth of the items is new, it brings as
 * many hits for each place of a new item as for one of a known item (performance.md).
 */
#define LIFT 0.5

const char *const reco_als_features_names[] = {"auto", "none", "ridge", NULL};

RecoFeatureUse
reco_als_features_use(RecoAlsFeatures features)
{
	switch (features)
	{
		case RECO_ALS_FEATURES_AUTO:
			return RECO_FEATURES_OPTIONAL;
		case RECO_ALS_FEATURES_NONE:
			return RECO_FEATURES_NONE;
		case RECO_ALS_FEATURES_RIDGE:
			return RECO_FEATURES_REQUIRED;
	}
	return RECO_FEATURES_NONE;
}

static const reco_content *
content_of(const RecoFeatures *known, RecoAlsFeatures features)
{
	return features == RECO_ALS_FEATURES_NONE || known == NULL ? NULL : &known->content;
}

size_t
reco_als_features_memory(const RecoTraining *training, RecoAlsFeatures features)
{
	const reco_content *items = content_of(training->features, features);
	const reco_content *users = content_of(training->user_features, features);
	const reco_env *env = &training->budget->env;

	return Max(items ? reco_ridge_memory(env, items) : 0,
			   users ? reco_ridge_memory(env, users) : 0);
}

/* x: the interactions of each row; content NULL: nothing is known. */
static void
predict(RecoBudget *budget, const reco_content *content, const reco_csr *x, float *y, int columns,
		int stride, double lift)
{
	reco_ridge ridge;

	if (content == NULL || y == NULL)
		return;
	reco_budget_check(
		budget,
		reco_ridge_predict(&budget->env, content, x->start, y, columns, stride, lift, &ridge),
		"training");
	elog(DEBUG1, "factors of %d rows from features: lambda %g, %.3f of the variance explained",
		 ridge.predicted, ridge.lambda, ridge.explained);
}

void
reco_als_features_fit(const RecoTraining *training, RecoAlsFeatures features,
					  const reco_csr *by_item, reco_factors *f)
{
	const reco_content *items = content_of(training->features, features);
	const reco_content *users = content_of(training->user_features, features);
	RecoBudget *budget = training->budget;
	double lift = training->spec->predicts_value ? 0 : LIFT;

	predict(budget, items, by_item, f->item, f->factors, f->stride, lift);
	predict(budget, items, by_item, f->item_bias, 1, 1, lift);
	predict(budget, users, &training->by_user, f->user, f->factors, f->stride, 0);
	predict(budget, users, &training->by_user, f->user_bias, 1, 1, 0);
}

void
reco_als_features_gram(const RecoModel *model, const RecoMember *member, double *gram,
					   RecoBudget *budget)
{
	const RecoPart *item = &member->part[FACTOR_ITEM];
	int factors = member->type[FACTOR_ITEM].width;
	int64 *weight;
	void *scratch;
	Size bytes = reco_gram_bytes((factors + 15) / 16 * 16, budget->env.threads);

	weight = reco_budget_alloc(budget, ((Size) model->items + 1) * sizeof(int64));
	weight[0] = 0;
	for (int32 i = 0; i < model->items; i++)
	{
		weight[i + 1] = weight[i] + (model->interactions[i] > 0);
		RECO_POLL_AT(i);
	}
	scratch = reco_budget_alloc(budget, bytes);
	reco_budget_check(budget,
					  reco_gram(&budget->env, reco_kernels_best(), item->data, model->items,
								factors, false, item->stride, weight, scratch, gram, factors),
					  "the model");
	reco_budget_free(budget, scratch);
	reco_budget_free(budget, weight);
}
