/*
 * worth.c
 *	  What a new version is worth, beside what costs nothing.
 *
 * What is recorded of a version is an object: each metric by its name, its standard error beside
 * it, those of the baseline in an object of their own, and what they were measured on.
 *
 * Cost: of an algorithm that was not measured to be chosen, a second training, on the part that
 * is not hidden, and a list of at most RECO_WORTH_USERS users.
 */
#include "evaluation/worth.h"

#include "evaluation/calibration.h"
#include "pg/json.h"
#include "utils/memutils.h"

#include <math.h>

RecoMetric
reco_worth_metric(const RecoSpec *spec)
{
	return spec->predicts_value ? (RecoMetric){RECO_METRIC_RMSE, 0}
								: (RecoMetric){RECO_METRIC_NDCG, 10};
}

void
reco_worth_want(RecoMeasurement *e, const RecoMetric *metric)
{
	RecoMetric plain = {RECO_METRIC_NDCG, metric->k};

	e->said = true;
	reco_measurement_want(e, metric);
	if (metric->kind == RECO_METRIC_NDCG_GRADED)
		reco_measurement_want(e, &plain);
}

void
reco_worth_metric_of(const RecoMeasurement *e, RecoMetric *metric)
{
	if (metric->kind == RECO_METRIC_NDCG_GRADED && e->hidden.by_user.value == NULL)
		metric->kind = RECO_METRIC_NDCG;
}

/* What is hidden, and how it is drawn, where nobody says. */
#define HIDDEN 0.2
#define SEED 42

/* "by time at A and B", "three times at random: the source has no times". */
static char *
how_hidden(const RecoMeasurement *e, const char *reason)
{
	StringInfoData text;

	initStringInfo(&text);
	if (e->split->parts > 1 && e->split->rule.kind != RECO_SPLIT_TIME)
		appendStringInfo(&text, "%d times ", e->split->parts);
	appendStringInfoString(&text, reco_split_described(e->split, e->data, &e->counts));
	if (e->split->rule.kind == RECO_SPLIT_TIME)
		for (const RecoMeasurement *part = e->next; part; part = part->next)
			appendStringInfo(&text, "%s%s", part->next ? ", " : " and ",
							 reco_split_cut_text(part->data, &part->counts));
	if (reason)
		appendStringInfo(&text, ": %s", reason);
	return text.data;
}

/* Whether enough could be measured by a kind of split. */
static bool
is_enough(const RecoData *data, reco_split_kind kind, RecoBudget *budget)
{
	RecoSplit split = {.rule = {.kind = kind, .fraction = HIDDEN}};
	reco_split_counts counts;

	if (data->x.time == NULL)
		return false;
	reco_split_data(&split, data, budget, NULL, NULL, NULL, &counts);
	return counts.users >= RECO_SPLIT_USERS;
}

RecoAutoSplit
reco_worth_split_of(const RecoData *data, RecoAutoSplit asked, RecoBudget *budget)
{
	return asked == RECO_AUTO_SPLIT_AUTO && data->x.session_gap > 0 &&
				   is_enough(data, RECO_SPLIT_NEXT_ITEM, budget)
			   ? RECO_AUTO_SPLIT_NEXT_ITEM
			   : asked;
}

bool
reco_worth_split(RecoMeasurement *e, RecoAutoSplit kind, char **hidden)
{
	static const reco_split_kind kinds[] = {
		[RECO_AUTO_SPLIT_RANDOM] = RECO_SPLIT_RANDOM,
		[RECO_AUTO_SPLIT_LAST] = RECO_SPLIT_LAST,
		[RECO_AUTO_SPLIT_TIME] = RECO_SPLIT_TIME,
		[RECO_AUTO_SPLIT_LAST_BASKET] = RECO_SPLIT_LAST_BASKET,
		[RECO_AUTO_SPLIT_NEXT_ITEM] = RECO_SPLIT_NEXT_ITEM,
	};
	RecoSplit *split = palloc0(sizeof(RecoSplit));
	char *reason = NULL;
	bool measured;

	e->most_users = RECO_WORTH_USERS;
	if (kind == RECO_AUTO_SPLIT_AUTO)
		*split = reco_split_auto(e->data, e->budget, &reason);
	else
		split->rule = (reco_split_rule){.kind = kinds[kind], .fraction = HIDDEN, .seed = SEED};
	reco_split_repeat(split, e->data, e->budget);
	measured = reco_measure_split(e, split);
	*hidden = how_hidden(e, reason);
	return measured;
}

/* A metric with its error, in an object. */
static void
add_metric(StringInfo text, const RecoMetric *metric, const RecoScores *scores)
{
	char *name = reco_metric_text(metric);
	reco_estimate estimate;

	if (!reco_scores_mean(scores, metric, RECO_ACTIVITY_ALL, &estimate))
		return;
	reco_json_add_number(text, name, estimate.value);
	reco_json_add_number(text, psprintf("%s_error", name), estimate.error);
}

static Jsonb *
record(const RecoWorth *worth, const RecoScores *scores, const RecoScores *baseline,
	   const RecoMetric *guard)
{
	StringInfoData text;
	StringInfoData beside;

	initStringInfo(&text);
	initStringInfo(&beside);
	add_metric(&text, &worth->metric, scores);
	if (baseline)
		add_metric(&beside, &worth->metric, baseline);
	if (guard && (guard->kind != worth->metric.kind || guard->k != worth->metric.k))
	{
		add_metric(&text, guard, scores);
		if (baseline)
			add_metric(&beside, guard, baseline);
	}
	if (beside.len > 0)
		reco_json_add(&text, worth->baseline, reco_json_end(&beside));
	reco_json_add_text(&text, "metric", reco_metric_text(&worth->metric));
	reco_json_add_text(&text, "baseline", worth->baseline);
	reco_json_add_text(&text, "split", worth->split);
	reco_json_add_number(&text, "users", worth->own.users);
	return reco_json_of(reco_json_end(&text));
}

void
reco_worth_of(const RecoMeasurement *measurement, const RecoScores *scores,
			  const RecoScores *baseline, const RecoMetric *metric, const RecoMetric *guard,
			  const char *hidden, RecoWorth *worth)
{
	*worth = (RecoWorth){.metric = *metric, .other.value = NAN, .gain.value = NAN};
	worth->baseline = reco_metric_of_values(metric->kind) ? "biases" : "popular";
	worth->split = pstrdup(reco_split_name(measurement->split));
	worth->hidden = pstrdup(hidden);
	if (!reco_scores_mean(scores, metric, RECO_ACTIVITY_ALL, &worth->own))
		worth->own = (reco_estimate){.value = NAN, .error = NAN};
	if (baseline)
	{
		(void) reco_scores_mean(baseline, metric, RECO_ACTIVITY_ALL, &worth->other);
		(void) reco_scores_gain(scores, baseline, metric, RECO_ACTIVITY_ALL, &worth->gain);
	}
	worth->metrics = record(worth, scores, baseline, guard);
	if (reco_worth_is_told(worth))
		worth->calibration = reco_calibration_record(measurement, scores);
}

const RecoScores *
reco_worth_baseline(RecoMeasurement *e, const RecoMetric *metric)
{
	if (reco_metric_of_values(metric->kind))
		return llast(reco_measure_baselines(e));
	return reco_measure_one(e, reco_spec_plain(&reco_algorithm_popular));
}

/* What reco.auto() is asked to choose by; NULL: nobody says. */
static const RecoAutoParams *
asked_by(const RecoSpec *asked)
{
	return asked->algorithm->replaced ? asked->params : NULL;
}

/*
 * How it is measured where nobody says: by the last basket or by the next item, things that users
 * had among it, where the algorithm is about that and enough of them have two baskets, or what
 * comes next.
 */
static RecoAutoSplit
split_for(const RecoData *data, const RecoSpec *spec, RecoBudget *budget)
{
	if (reco_spec_comes_next(spec) && is_enough(data, RECO_SPLIT_NEXT_ITEM, budget))
		return RECO_AUTO_SPLIT_NEXT_ITEM;
	if (reco_spec_comes_again(spec) && is_enough(data, RECO_SPLIT_LAST_BASKET, budget))
		return RECO_AUTO_SPLIT_LAST_BASKET;
	return RECO_AUTO_SPLIT_AUTO;
}

bool
reco_worth_measure(const RecoData *data, const RecoSpec *spec, const RecoSpec *asked,
				   const RecoMetric *guard, RecoBudget *outer, MemoryContext result,
				   RecoWorth *worth)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco worth", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	const RecoAutoParams *by = asked_by(asked);
	RecoAutoSplit split;
	RecoMetric metric = by ? reco_metric_parse(by->metric, "metric") : reco_worth_metric(spec);
	RecoBudget budget;
	RecoMeasurement e = {.budget = &budget, .data = data};
	char *hidden;
	bool measured;

	reco_budget_init(&budget, context);
	budget.limit -= Min(budget.limit, outer->used);
	split = by ? reco_worth_split_of(data, (RecoAutoSplit) by->split, &budget)
			   : split_for(data, spec, &budget);
	reco_worth_want(&e, &metric);
	if (guard)
		reco_measurement_want(&e, guard);
	measured =
		reco_worth_split(&e, split, &hidden) && (guard || e.measured >= RECO_WORTH_LEAST_USERS);
	if (measured)
	{
		const RecoScores *others;
		const RecoScores *own;

		reco_worth_metric_of(&e, &metric);
		others = reco_worth_baseline(&e, &metric);
		reco_measure_expect(&e, spec);
		own = reco_measure_one(&e, spec);
		MemoryContextSwitchTo(result);
		reco_worth_of(&e, own, others, &metric, guard, hidden, worth);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return measured;
}

bool
reco_worth_is_told(const RecoWorth *worth)
{
	return !isnan(worth->own.value) && worth->own.users >= RECO_WORTH_LEAST_USERS;
}

/* "0.221, popularity 0.055" */
static char *
figures(const RecoWorth *worth)
{
	bool values = reco_metric_of_values(worth->metric.kind);

	if (isnan(worth->other.value))
		return psprintf("%.3f", worth->own.value);
	return psprintf("%.3f, %s %.3f", worth->own.value, values ? "mean + biases" : "popularity",
					worth->other.value);
}

void
reco_worth_tell(const RecoWorth *worth, const RecoSpec *asked, const char *model, int32 version)
{
	bool below = worth->gain.value < 0;

	ereport(below ? WARNING : NOTICE,
			(errmsg("model \"%s\" version %d: %s %s", model, version,
					reco_metric_text(&worth->metric), figures(worth)),
			 errdetail("Measured on %d users, with interactions hidden %s; the standard error is "
					   "%.2g%s.",
					   worth->own.users, worth->hidden, worth->own.error,
					   isnan(worth->gain.error)
						   ? ""
						   : psprintf(", that of the difference %.2g", worth->gain.error)),
			 below && !reco_spec_is_replaced(asked)
				 ? errhint(reco_metric_of_values(worth->metric.kind)
							   ? "reco.tune() tries other algorithms."
							   : "algorithm => reco.auto() takes what does best on the data.")
				 : 0));
}

bool
reco_worth_fell(const RecoWorth *worth, const JsonbContainer *before)
{
	char *name = reco_metric_text(&worth->metric);
	char *split = reco_json_text(before, "split");
	double value = reco_json_number(before, name);
	double error = reco_json_number(before, psprintf("%s_error", name));
	double fall = value - worth->own.value;

	if (split == NULL || strcmp(split, worth->split) != 0 || isnan(value) || isnan(error) ||
		!reco_worth_is_told(worth))
		return false;
	if (!reco_metric_more_is_better(worth->metric.kind))
		fall = -fall;
	return fall > 0.1 * fabs(value) && fall > 2 * hypot(error, worth->own.error);
}
