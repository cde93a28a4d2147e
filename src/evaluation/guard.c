/*
 * guard.c
 *	  What a new version must be worth to be made the active one.
 *
 * The new version's algorithm is trained once more without a fifth of each user's
 * interactions, which it then has to find; what it finds is recorded with the version,
 * and compared with a number or with what was recorded for the active version.  So a
 * source that went wrong is noticed as well as an algorithm.
 *
 * Cost: a second training, and the scores of all items for every user.
 */
#include "evaluation/guard.h"

#include "evaluation/measure.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/snapmgr.h"

#include <math.h>

#define HIDDEN 0.2
#define SEED 42

static pg_attribute_noreturn() void invalid(const char *text)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid guard \"%s\"", text),
			 errhint("A guard is a metric, >= or <=, and a number or a share of the current "
					 "version's: \"ndcg@10 >= 0.95 * current\", \"rmse <= 0.9\".  Metrics are "
					 "%s, where 10 is the length of the lists.",
					 reco_metric_names())));
}

static const char *
skip_spaces(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\n')
		p++;
	return p;
}

void
reco_guard_parse(const char *text, RecoGuard *guard)
{
	const char *p = text;
	char *end;

	memset(guard, 0, sizeof(*guard));
	if (!reco_metric_scan(&p, &guard->metric))
		invalid(text);
	p = skip_spaces(p);
	guard->at_least = strncmp(p, ">=", 2) == 0;
	/* a bound from the wrong side would keep what is better */
	if ((!guard->at_least && strncmp(p, "<=", 2) != 0) ||
		guard->at_least != reco_metric_more_is_better(guard->metric.kind))
		invalid(text);
	p = skip_spaces(p + 2);
	guard->bound = strtod(p, &end);
	if (end == p || !isfinite(guard->bound) || guard->bound < 0)
		invalid(text);
	p = skip_spaces(end);
	if (*p == '*')
	{
		p = skip_spaces(p + 1);
		if (strncmp(p, "current", 7) != 0)
			invalid(text);
		guard->relative = true;
		p = skip_spaces(p + 7);
	}
	if (*p != '\0')
		invalid(text);
}

void
reco_guard_check(const RecoGuard *guard, const RecoSpec *spec)
{
	reco_metric_check(&guard->metric, spec, "a guard");
}

Jsonb *
reco_metric_measure(const RecoMetric *metric, const RecoData *data, const RecoSpec *spec,
					RecoBudget *budget)
{
	RecoMeasurement measurement = {.budget = budget, .data = data};
	RecoSplit split = {.rule = {RECO_SPLIT_RANDOM, .fraction = HIDDEN, .seed = SEED}};
	reco_estimate estimate;
	char *text = "{}";

	reco_measurement_want(&measurement, metric);
	if (reco_measure_split(&measurement, &split))
	{
		reco_measure_expect(&measurement, spec);
		if (reco_scores_mean(reco_measure_one(&measurement, spec), metric, RECO_ACTIVITY_ALL,
							 &estimate))
			text = psprintf("{\"%s\": %.17g}", reco_metric_text(metric), estimate.value);
	}
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
}

/* A number among metrics, or NaN. */
static double
recorded(Jsonb *metrics_of, const char *name)
{
	JsonbValue value;

	if (metrics_of == NULL || !JB_ROOT_IS_OBJECT(metrics_of) ||
		getKeyJsonValueFromContainer(&metrics_of->root, name, strlen(name), &value) == NULL ||
		value.type != jbvNumeric)
		return NAN;
	return DatumGetFloat8(
		DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value.val.numeric)));
}

/* What is said about it goes to *message, NULL for nothing. */
static bool
passes(const RecoGuard *guard, Jsonb *measured, Jsonb *current, char **message)
{
	char *name = reco_metric_text(&guard->metric);
	double value = recorded(measured, name);
	double bound = guard->bound;

	*message = NULL;
	if (isnan(value))
	{
		*message = psprintf("%s cannot be told from so few interactions", name);
		return false;
	}
	if (guard->relative)
	{
		double before = recorded(current, name);

		if (isnan(before))
		{
			*message = psprintf("the active version has no %s to compare with", name);
			return true;
		}
		bound *= before;
	}
	if (guard->at_least ? value >= bound : value <= bound)
		return true;
	*message =
		psprintf("%s is %.4g, not %s %.4g", name, value, guard->at_least ? ">=" : "<=", bound);
	return false;
}

RecoVerdict
reco_guard_judge(const RecoGuard *guard, Jsonb *measured, const ModelRow *model)
{
	VersionRow current = {0};
	RecoVerdict verdict;
	char *message;

	(void) reco_version_try_read(model->schema, model->active_version, GetActiveSnapshot(),
								 &current, NULL);
	verdict.held_back = !passes(guard, measured, current.metrics, &message);
	verdict.message = message;
	return verdict;
}
