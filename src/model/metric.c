/*
 * metric.c
 *	  Metrics by their names: "ndcg@10", "rmse".
 *
 * The table is in the order of reco_metric (core/ranking/metrics.h), which has their definitions.
 */
#include "model/metric.h"

static const struct
{
	const char *name;
	bool has_cutoff;
	bool more_is_better;
} metrics[RECO_METRICS] = {
	[RECO_METRIC_PRECISION] = {"precision", true, true},
	[RECO_METRIC_RECALL] = {"recall", true, true},
	[RECO_METRIC_RECALL_REPEATED] = {"recall_repeated", true, true},
	[RECO_METRIC_RECALL_NEW] = {"recall_new", true, true},
	[RECO_METRIC_NDCG] = {"ndcg", true, true},
	[RECO_METRIC_NDCG_GRADED] = {"ndcg_graded", true, true},
	[RECO_METRIC_HIT_RATE] = {"hit_rate", true, true},
	[RECO_METRIC_MAP] = {"map", true, true},
	[RECO_METRIC_MRR] = {"mrr", true, true},
	[RECO_METRIC_NOVELTY] = {"novelty", true, true},
	[RECO_METRIC_POPULARITY] = {"popularity", true, false},
	[RECO_METRIC_DIVERSITY] = {"diversity", true, true},
	[RECO_METRIC_AUC] = {"auc", false, true},
	[RECO_METRIC_COVERAGE] = {"coverage", true, true},
	[RECO_METRIC_GINI] = {"gini", true, false},
	[RECO_METRIC_RMSE] = {"rmse", false, false},
	[RECO_METRIC_MAE] = {"mae", false, false},
};

static const char *
skip_spaces(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
		p++;
	return p;
}

bool
reco_metric_scan(const char **text, RecoMetric *metric)
{
	const char *p = skip_spaces(*text);
	Size length = strspn(p, "abcdefghijklmnopqrstuvwxyz_");
	char *end;
	int m = 0;
	long k;

	while (m < RECO_METRICS &&
		   (strlen(metrics[m].name) != length || strncmp(p, metrics[m].name, length) != 0))
		m++;
	if (m == RECO_METRICS)
		return false;
	*metric = (RecoMetric){(reco_metric) m, 0};
	*text = p + length;
	if (!metrics[m].has_cutoff)
		return true;
	if (**text != '@' || (*text)[1] < '0' || (*text)[1] > '9')
		return false;
	k = strtol(*text + 1, &end, 10);
	if (k < 1 || k > RECO_MAX_CUTOFF)
		return false;
	metric->k = (int32) k;
	*text = end;
	return true;
}

char *
reco_metric_names(void)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int m = 0; m < RECO_METRICS; m++)
		appendStringInfo(&names, "%s%s%s",
						 m == 0                  ? ""
						 : m == RECO_METRICS - 1 ? " and "
												 : ", ",
						 metrics[m].name, metrics[m].has_cutoff ? "@10" : "");
	return names.data;
}

RecoMetric
reco_metric_parse(const char *text, const char *what)
{
	RecoMetric metric;
	const char *p = text;

	if (!reco_metric_scan(&p, &metric) || *skip_spaces(p) != '\0')
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("unrecognized %s \"%s\"", what, text),
						errhint("Metrics are %s, where 10 is the length of the lists, 1 to %d.",
								reco_metric_names(), RECO_MAX_CUTOFF)));
	return metric;
}

const char *
reco_metric_name(reco_metric kind)
{
	return metrics[kind].name;
}

char *
reco_metric_text(const RecoMetric *metric)
{
	return metric->k > 0 ? psprintf("%s@%d", metrics[metric->kind].name, metric->k)
						 : pstrdup(metrics[metric->kind].name);
}

bool
reco_metric_has_cutoff(reco_metric kind)
{
	return metrics[kind].has_cutoff;
}

bool
reco_metric_more_is_better(reco_metric kind)
{
	return metrics[kind].more_is_better;
}

bool
reco_metric_of_values(reco_metric kind)
{
	return RECO_METRIC_BIT(kind) & RECO_METRICS_OF_VALUES;
}

void
reco_metric_check_repeats(const RecoMetric *metric, bool repeats)
{
	if ((RECO_METRIC_BIT(metric->kind) & RECO_METRICS_OF_REPEATS) && !repeats)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s needs a split by which what users had comes again",
							   reco_metric_name(metric->kind)),
						errhint("Give split => 'last_basket' or split => 'next_item', or another "
								"metric: recall@%d.",
								metric->k)));
}

void
reco_metric_check(const RecoMetric *metric, const RecoSpec *spec, const char *what)
{
	if (reco_metric_of_values(metric->kind) && !spec->predicts_value)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s by %s needs an algorithm that predicts values, which %s does "
							   "not",
							   what, reco_metric_name(metric->kind), spec->algorithm->name),
						errhint("Use a metric of lists, such as ndcg@10, or reco.als().")));
}
