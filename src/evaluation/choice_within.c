/*
 * choice_within.c
 *	  reco.auto() within an evaluation: chosen by the training part alone.
 *
 * Cost: that of a choice (choice.c).
 */
#include "evaluation/choice.h"

#include "model/auto.h"

/* Whether something is chosen by how well it predicts values. */
static bool
predicts_values(const RecoSpec *spec)
{
	bool predicts = false;

	if (spec->algorithm->replaced)
	{
		const RecoAutoParams *params = spec->params;
		RecoMetric metric = reco_metric_parse(params->metric, "metric");

		return reco_metric_of_values(metric.kind);
	}
	for (int m = 0; m < spec->members && !predicts; m++)
		predicts = predicts_values(spec->member[m]);
	return predicts;
}

/* By time and by what came last go by when a pair began. */
static void
check_split(const RecoSpec *spec)
{
	const RecoAutoParams *params = spec->params;

	if (spec->algorithm->replaced &&
		(params->split == RECO_AUTO_SPLIT_LAST || params->split == RECO_AUTO_SPLIT_TIME) &&
		predicts_values(spec))
		ereport(
			ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("within an evaluation, algorithm \"auto\" cannot choose by time what predicts "
					"values that repeat"),
			 errhint("Use split => 'auto' or 'random' in reco.auto(), or give each user and item "
					 "one row in the source.")));
	for (int m = 0; m < spec->members; m++)
		check_split(spec->member[m]);
}

const RecoSpec *
reco_choose_within(RecoMeasurement *e, const RecoSpec *spec)
{
	RecoData data = *e->data;
	RecoChooser chooser = {.data = &data, .set = &e->set, .budget = e->budget};
	RecoChoice choice;

	if (!reco_spec_is_replaced(spec))
		return spec;
	if (e->train.latest)
		check_split(spec);
	data.x = e->train;
	data.x.repeats = (reco_repeats){0};
	/*
	 * Of pairs that repeat it is not known here when they began.  So they go by their last row,
	 * before the cut or not, as pairs that do not repeat; predictions need the latest values.
	 */
	if (data.x.latest && predicts_values(spec))
		data.has_time = false;
	else
		data.x.latest = NULL;
	reco_choose(&chooser, spec, &choice);
	ereport(NOTICE, (errmsg("%s is what was chosen for %s", reco_spec_call(choice.spec),
							reco_spec_call(spec))));
	return choice.spec;
}
