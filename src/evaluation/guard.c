/*
 * guard.c
 *	  What a new version must be worth to be made the active one.
 *
 * What it is worth is measured and recorded with the version (worth.h), and compared with a
 * number or with what was recorded for the active version, where that was measured on the same
 * kind of split.  So a source that went wrong is noticed as well as an algorithm.
 */
#include "evaluation/guard.h"

#include "pg/json.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include <math.h>

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

/* What is said about it goes to *message, NULL for nothing. */
static bool
passes(const RecoGuard *guard, const JsonbContainer *measured, const JsonbContainer *current,
	   char **message)
{
	char *name = reco_metric_text(&guard->metric);
	double value = reco_json_number(measured, name);
	double bound = guard->bound;

	*message = NULL;
	if (isnan(value) && (RECO_METRIC_BIT(guard->metric.kind) & RECO_METRICS_OF_REPEATS))
	{
		*message = psprintf("%s cannot be told where what users had does not come again", name);
		return false;
	}
	if (isnan(value))
	{
		*message = psprintf("%s cannot be told from so few interactions", name);
		return false;
	}
	if (guard->relative)
	{
		double before = reco_json_number(current, name);
		char *split = reco_json_text(measured, "split");
		char *other = reco_json_text(current, "split");

		if (isnan(before))
		{
			*message = psprintf("the active version has no %s to compare with", name);
			return true;
		}
		if (split == NULL || other == NULL || strcmp(split, other) != 0)
		{
			*message = psprintf("%s of the active version was measured on another split, \"%s\" in "
								"place of \"%s\"",
								name, other ? other : "", split ? split : "");
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
	verdict.held_back = !passes(guard, measured ? &measured->root : NULL,
								current.metrics ? &current.metrics->root : NULL, &message);
	verdict.message = message;
	return verdict;
}
