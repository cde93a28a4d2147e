/*
 * auto.c
 *	  reco.auto(): the algorithm that does best on the data.
 *
 * It is never trained: before that it is replaced by what evaluation/choice.c chooses, also where
 * it is a member of another.  Here are its options.
 */
#include "model/auto.h"

#include "model/metric.h"

/* What says how much of what users take is found, or how far off predictions are. */
#define METRICS                                                                                    \
	(RECO_METRIC_BIT(RECO_METRIC_PRECISION) | RECO_METRIC_BIT(RECO_METRIC_RECALL) |                \
	 RECO_METRIC_BIT(RECO_METRIC_NDCG) | RECO_METRIC_BIT(RECO_METRIC_NDCG_GRADED) |                \
	 RECO_METRIC_BIT(RECO_METRIC_HIT_RATE) | RECO_METRIC_BIT(RECO_METRIC_MAP) |                    \
	 RECO_METRIC_BIT(RECO_METRIC_MRR) | RECO_METRIC_BIT(RECO_METRIC_AUC) |                         \
	 RECO_METRICS_OF_REPEATS | RECO_METRICS_OF_VALUES)

#define FIELD(name) offsetof(RecoAutoParams, name)

static const char *const metric_default[] = {"ndcg@10", NULL};

/* In the order of RecoAutoSplit. */
static const char *const splits[] = {"auto",        "random",    "last", "time",
									 "last_basket", "next_item", NULL};

static const reco_option auto_options[] = {
	{"metric", RECO_OPTION_TEXT, FIELD(metric), 0, 0, 0, metric_default},
	{"split", RECO_OPTION_ENUM, FIELD(split), RECO_AUTO_SPLIT_AUTO, 0, 0, splits},
	/* from 1 on when given; min 0 says that it need not be */
	{"candidates", RECO_OPTION_NESTED_LIST, FIELD(candidates), 0, 0, RECO_MAX_MEMBERS, NULL},
	{"fuse", RECO_OPTION_BOOL, FIELD(fuse), true, 0, 1, NULL},
	{NULL},
};

static void
auto_check(const void *value)
{
	const RecoAutoParams *params = value;
	RecoMetric metric = reco_metric_parse(params->metric, "metric");

	if (!(RECO_METRIC_BIT(metric.kind) & METRICS))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no algorithm can be chosen by %s", reco_metric_name(metric.kind)),
				 errdetail("It does not tell how much of what users take is found."),
				 errhint("Give another metric, such as \"ndcg@10\", \"recall@20\" or \"rmse\".")));
	reco_metric_check_repeats(&metric, params->split == RECO_AUTO_SPLIT_LAST_BASKET ||
										   params->split == RECO_AUTO_SPLIT_NEXT_ITEM);
	if (params->candidates && params->candidates->n == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"candidates\" of algorithm \"auto\" is an empty array"),
						errhint("Leave it out to have the portfolio of each algorithm tried.")));
	for (int c = 0; params->candidates && c < params->candidates->n; c++)
		if (reco_spec_is_replaced(params->candidates->value[c]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("candidates of algorithm \"auto\" must not have auto among them"),
					 errhint("Give the candidates of both in one array.")));
}

/* Where something is known about items, there are candidates that look at it. */
static RecoFeatureUse
auto_features(const RecoSpec *spec)
{
	return RECO_FEATURES_OPTIONAL;
}

static bool
auto_user_features(const RecoSpec *spec)
{
	return true;
}

/* What comes next is chosen by among candidates that go by the order. */
static unsigned
auto_reads(const RecoSpec *spec)
{
	const RecoAutoParams *params = spec->params;

	return params->split == RECO_AUTO_SPLIT_NEXT_ITEM ? RECO_READS_EVENTS : RECO_READS_TIMES;
}

const RecoAlgorithm reco_algorithm_auto = {
	.name = "auto",
	.source = "model",
	.options = auto_options,
	.params_size = sizeof(RecoAutoParams),
	.replaced = true,
	.check = auto_check,
	.features = auto_features,
	.user_features = auto_user_features,
	.reads = auto_reads,
};
