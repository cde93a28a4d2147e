/*
 * choice_within.c
 *	  reco.auto(), and weights, within an evaluation: chosen by the training part alone.
 *
 * Cost: that of a choice (choice.c).
 */
#include "evaluation/choice.h"

const RecoSpec *
reco_choose_within(RecoMeasurement *e, const RecoSpec *spec)
{
	RecoData data = *e->data;
	RecoChooser chooser = {.data = &data, .set = &e->set, .budget = e->budget};
	RecoChoice choice;

	if (!reco_spec_is_chosen(spec))
		return spec;
	data.x = e->train;
	data.origin = e->set.origin;
	reco_choose(&chooser, spec, &choice);
	ereport(NOTICE, (errmsg("%s is what was chosen for %s", reco_spec_call(choice.spec),
							reco_spec_call(spec))));
	return choice.spec;
}
