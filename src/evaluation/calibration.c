/*
 * calibration.c
 *	  Whether what a version says comes true, as versions record it.
 *
 * Cost: a sort of what the scores have kept, RECO_SAID_EACH pairs of a user at most.
 */
#include "evaluation/calibration.h"

#include "core/ranking/reliability.h"
#include "pg/json.h"

/* Six digits are more than can be seen. */
static void
add_rounded(StringInfo text, const char *key, double value)
{
	reco_json_add(text, key, psprintf("%.6g", value));
}

Jsonb *
reco_calibration_record(const RecoMeasurement *e, const RecoScores *scores)
{
	const reco_scores *kept = &scores->kept;
	reco_reliability group[RECO_RELIABILITY_GROUPS];
	StringInfoData text;
	StringInfoData bins;
	int n;

	if (kept->said == NULL)
		return NULL;
	reco_budget_check(
		e->budget,
		reco_reliability_of(&e->budget->env, kept->said, kept->seen, kept->places, group, &n),
		"an evaluation");
	if (n == 0)
		return NULL;
	initStringInfo(&text);
	initStringInfo(&bins);
	for (int g = 0; g < n; g++)
	{
		StringInfoData bin;

		initStringInfo(&bin);
		add_rounded(&bin, "said", group[g].said);
		add_rounded(&bin, "seen", group[g].seen);
		reco_json_add_number(&bin, "count", (double) group[g].pairs);
		appendStringInfo(&bins, "%s%s", g == 0 ? "[" : ", ", reco_json_end(&bin));
	}
	appendStringInfoChar(&bins, ']');
	reco_json_add_text(&text, "of",
					   kept->columns.metrics & RECO_METRICS_OF_VALUES ? "values" : "scores");
	reco_json_add(&text, "bins", bins.data);
	return reco_json_of(reco_json_end(&text));
}
