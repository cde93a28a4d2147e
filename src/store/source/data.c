/*
 * data.c
 *	  What is about the data and not about an algorithm: values of type reco.data_options.
 */
#include "store/source/data.h"

#include "model/model.h"

static const char *const on_invalid_choices[] = {"error", "skip", NULL};

/* In the order of RecoLiveMode. */
static const char *const live_choices[] = {"auto", "on", "off", NULL};

static const reco_option data_options[] = {
	{"on_invalid", RECO_OPTION_ENUM, offsetof(RecoDataOptions, on_invalid), ON_INVALID_ERROR, 0, 0,
	 on_invalid_choices},
	{"min_user_interactions", RECO_OPTION_INT, offsetof(RecoDataOptions, min_user_interactions), 1,
	 1, 1000000, NULL},
	{"min_item_interactions", RECO_OPTION_INT, offsetof(RecoDataOptions, min_item_interactions), 1,
	 1, 1000000, NULL},
	{"max_user_interactions", RECO_OPTION_INT, offsetof(RecoDataOptions, max_user_interactions), 0,
	 1, 1000000, NULL},
	{"keep_versions", RECO_OPTION_INT, offsetof(RecoDataOptions, keep_versions), 2, 1, 1000, NULL},
	{"live", RECO_OPTION_ENUM, offsetof(RecoDataOptions, live), RECO_LIVE_AUTO, 0, 0, live_choices},
	{NULL},
};

void
reco_data_options_parse(Jsonb *value, RecoDataOptions *options)
{
	memset(options, 0, sizeof(*options));
	reco_options_parse(data_options, options, "reco.options", value, NULL);
	if (options->max_user_interactions > 0 &&
		options->max_user_interactions < options->min_user_interactions)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_user_interactions must not be less than min_user_interactions")));
}
