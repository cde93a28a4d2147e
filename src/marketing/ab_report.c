/*
 * ab_report.c
 *	  reco.ab_report(): which model sells more, and how sure that is.
 *
 * Of each kind of outcome three figures are told: the rate of what was shown that was followed by
 * one, the share of the users who had one, and their mean value a user.  Users are what was
 * assigned, so all errors are those of independent users (core/inference/estimates.h).
 *
 * Cost: that of reading (ab_query.c).
 */
#include "marketing/ab_query.h"
#include "marketing/arms.h"
#include "marketing/reading.h"

#include "catalog/pg_type.h"
#include "core/inference/estimates.h"
#include "core/inference/normal.h"
#include "executor/spi.h"
#include "pg/rows.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include <math.h>

RECO_FUNCTION(reco_ab_report);
RECO_FUNCTION(reco_users_needed_for);

/* A split less likely than this is no chance. */
#define LOPSIDED 0.001

typedef enum Metric
{
	METRIC_RATE,
	METRIC_CONVERSION,
	METRIC_VALUE,
	METRICS
} Metric;

static const char *const metric_name[] = {"rate", "conversion", "value"};

/* The columns of a row. */
enum
{
	COL_OUTCOME,
	COL_METRIC,
	COL_MODEL,
	COL_VERSION,
	COL_USERS,
	COL_SHOWN,
	COL_TOTAL,
	COL_VALUE, /* and its interval */
	COL_DIFFERENCE = COL_VALUE + 3,
	COL_RATIO = COL_DIFFERENCE + 3,
	COL_DETECTABLE = COL_RATIO + 3,
	COL_NEEDED,
	COL_MESSAGE,
	COLUMNS
};

static const Oid column_types[] = {TEXTOID,   TEXTOID,   TEXTOID,   INT8OID,   INT8OID,
								   INT8OID,   FLOAT8OID, FLOAT8OID, FLOAT8OID, FLOAT8OID,
								   FLOAT8OID, FLOAT8OID, FLOAT8OID, FLOAT8OID, FLOAT8OID,
								   FLOAT8OID, FLOAT8OID, INT8OID,   TEXTOID};

/* What is asked, read and told. */
typedef struct Report
{
	RecoAbAsked asked;
	RecoArms arms; /* the control first */
	bool given;    /* by models, which others are compared with */
	RecoAbGroups groups;
	double effect;
	double z;
	double z_power;
	double split; /* how likely such a split is by chance */
	RecoRows rows;
} Report;

static double
share_of(FunctionCallInfo fcinfo, int argument, const char *name)
{
	double share;

	reco_require_argument(fcinfo, argument, name);
	share = PG_GETARG_FLOAT8(argument);
	if (!(share > 0 && share < 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be between 0 and 1", name)));
	return share;
}

static double
effect_of(FunctionCallInfo fcinfo, int argument)
{
	double effect;

	reco_require_argument(fcinfo, argument, "effect");
	effect = PG_GETARG_FLOAT8(argument);
	if (!(effect > -1 && effect <= 1e6 && effect != 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("effect must be above -1 and not 0"),
						errhint("0.05 is a rise by 5 %% of what the control has.")));
	return effect;
}

/* How long after an exposure outcomes count; NULL: ever, as for thousands of years. */
static Interval *
within_of(Interval *within)
{
	double days = reco_reading_days(within);

	if (!(days >= 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("within must not be negative"),
				 errhint("It is how long after an exposure an outcome counts.")));
	return days > RECO_EVER_DAYS ? NULL : within;
}

/* The group of a model, of all of it or of one version, and of a kind; NULL: there is none. */
static RecoAbGroup *
find_group(const Report *report, const char *model, const RecoAbGroup *like, const char *kind)
{
	for (int g = 0; g < report->groups.n; g++)
	{
		RecoAbGroup *group = &report->groups.group[g];

		if (group->model == NULL || strcmp(group->model, model) != 0 ||
			(group->kind == NULL) != (kind == NULL) || (kind && strcmp(group->kind, kind) != 0))
			continue;
		if (like ? !group->total && group->no_version == like->no_version &&
					   group->version == like->version
				 : group->total)
			return group;
	}
	return NULL;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* The different texts of groups, sorted: their models, or their kinds. */
static char **
texts_of(const RecoAbGroups *groups, bool models, int *n)
{
	char **text = palloc((groups->n + 1) * sizeof(char *));
	int all = 0;

	*n = 0;
	for (int g = 0; g < groups->n; g++)
	{
		char *of = models ? groups->group[g].model : groups->group[g].kind;

		if (of)
			text[all++] = of;
	}
	qsort(text, all, sizeof(char *), by_text);
	for (int k = 0; k < all; k++)
		if (k == 0 || strcmp(text[k], text[*n - 1]) != 0)
			text[(*n)++] = text[k];
	return text;
}

/* The models that were shown, where none were given. */
static void
find_arms(Report *report)
{
	int n;
	char **model = texts_of(&report->groups, true, &n);

	if (n > RECO_MAX_ARMS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("exposures have more than %d models", RECO_MAX_ARMS)));
	report->arms.n = n;
	memcpy(report->arms.model, model, n * sizeof(char *));
}

static void
control_first(Report *report, const char *control)
{
	RecoArms *arms = &report->arms;
	int at = reco_arms_find(arms, control);
	char *model;
	double weight;

	if (at < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("control \"%s\" is none of the models that are compared", control)));
	model = arms->model[at];
	memmove(arms->model + 1, arms->model, at * sizeof(char *));
	arms->model[0] = model;
	if (arms->weight == NULL)
		return;
	weight = arms->weight[at];
	memmove(arms->weight + 1, arms->weight, at * sizeof(double));
	arms->weight[0] = weight;
}

static double
users_of(const Report *report, const char *model)
{
	const RecoAbGroup *group = find_group(report, model, NULL, NULL);

	return group ? group->users : 0;
}

/* Whether users are split as the weights say; a model of weight 0 is to have none. */
static void
check_split(Report *report)
{
	const RecoArms *arms = &report->arms;
	double count[RECO_MAX_ARMS];
	double share[RECO_MAX_ARMS];
	int n = 0;
	StringInfoData text;

	initStringInfo(&text);
	report->split = 1;
	for (int k = 0; k < arms->n; k++)
	{
		count[n] = users_of(report, arms->model[k]);
		share[n] = arms->weight ? arms->weight[k] : 1;
		appendStringInfo(&text, "%smodel \"%s\" has %.0f users for a weight of %g",
						 k > 0 ? ", " : "", arms->model[k], count[n], share[n]);
		if (share[n] > 0)
			n++;
		else if (count[n] > 0)
			report->split = 0;
	}
	if (n > 1)
		report->split = fmin(report->split, reco_split_tail(count, share, n));
	if (report->split < LOPSIDED)
		ereport(WARNING,
				(errmsg("users are not split as they should be"),
				 errdetail_internal("%s; by chance that is as likely as %.2g.", text.data,
									report->split),
				 errhint("Look for what decides whether an exposure is logged: models that are "
						 "slower, fail, or have nothing to show. Until then no figure is to be "
						 "trusted. Shares that are not equal are given by models and weights.")));
}

static void
tell_left_out(const Report *report)
{
	double crossed = 0;
	double others = 0;
	StringInfoData text;

	for (int g = 0; g < report->groups.n; g++)
	{
		const RecoAbGroup *group = &report->groups.group[g];

		if (!group->total || group->kind)
			continue;
		if (group->model == NULL)
			crossed += group->users;
		else if (reco_arms_find(&report->arms, group->model) < 0)
			others += group->users;
	}
	initStringInfo(&text);
	if (crossed > 0)
		appendStringInfo(&text, "%.0f users were shown more than one model. ", crossed);
	if (others > 0)
		appendStringInfo(&text, "%.0f users were shown another model. ", others);
	if (report->groups.skipped > 0)
		appendStringInfo(&text, "%.0f rows of the exposures have a null. ", report->groups.skipped);
	if (text.len == 0)
		return;
	text.data[text.len - 1] = '\0';
	ereport(NOTICE,
			(errmsg("some of what was shown is left out"), errdetail_internal("%s", text.data)));
}

/* ---- figures ---- */

static reco_measured
measure(const RecoAbGroup *shown, const RecoAbGroup *done, Metric metric, double z, double *total)
{
	reco_ratio_sums sums = {shown->users};
	RecoAbGroup none = {0};

	if (done == NULL)
		done = &none;
	switch (metric)
	{
		case METRIC_RATE:
			*total = sums.x = done->acts;
			sums.xx = done->acts_squared;
			sums.xy = done->acts_shown;
			sums.y = shown->shown;
			sums.yy = shown->shown_squared;
			return reco_rate_measured(&sums, z);
		case METRIC_CONVERSION:
			*total = sums.x = sums.xx = sums.xy = done->actors;
			sums.y = sums.yy = shown->users;
			return reco_rate_measured(&sums, z);
		default:
			*total = sums.x = done->value;
			sums.xx = done->value_squared;
			return reco_mean_measured(&sums, z);
	}
}

static void
put(double value, Datum *values, bool *nulls, int column)
{
	nulls[column] = !isfinite(value);
	values[column] = Float8GetDatum(nulls[column] ? 0 : value);
}

static void
put_measured(const reco_measured *m, Datum *values, bool *nulls, int column)
{
	put(m->value, values, nulls, column);
	put(m->low, values, nulls, column + 1);
	put(m->high, values, nulls, column + 2);
}

/* One figure of a group, compared with the control's where there is one. */
typedef struct Figure
{
	const RecoAbGroup *shown;
	Metric metric;
	const char *kind;
	reco_measured measured;
	double total;
	const reco_measured *control;
	double control_users;
} Figure;

static void
append_message(StringInfo text, const char *message)
{
	appendStringInfo(text, "%s%s", text->len > 0 ? "; " : "", message);
}

static void
compare(const Report *report, const Figure *f, Datum *values, bool *nulls, StringInfo message)
{
	reco_measured difference = reco_difference(&f->measured, f->control);
	reco_measured ratio = reco_quotient(&f->measured, f->control);
	double users = f->shown->users + f->control_users;
	double detectable = (report->z + report->z_power) * sqrt(difference.variance);
	double needed = users * pow(detectable / (report->effect * f->control->value), 2);

	if (!(detectable > 0))
		detectable = needed = NAN;
	put_measured(&difference, values, nulls, COL_DIFFERENCE);
	put_measured(&ratio, values, nulls, COL_RATIO);
	put(detectable, values, nulls, COL_DETECTABLE);
	nulls[COL_NEEDED] = !(needed < 1e18);
	values[COL_NEEDED] = Int64GetDatum(nulls[COL_NEEDED] ? 0 : (int64) ceil(needed));
	if (!(needed <= users) && !(difference.low > 0 || difference.high < 0))
		append_message(message,
					   psprintf("too few users to see an effect of %.4g %%", 100 * report->effect));
}

static void
add_row(Report *report, const Figure *f)
{
	Datum values[COLUMNS] = {0};
	bool nulls[COLUMNS];
	StringInfoData message;

	memset(nulls, true, sizeof(nulls));
	initStringInfo(&message);
	values[COL_OUTCOME] = CStringGetTextDatum(f->kind);
	values[COL_METRIC] = CStringGetTextDatum(metric_name[f->metric]);
	values[COL_MODEL] = CStringGetTextDatum(f->shown->model);
	values[COL_VERSION] = Int64GetDatum(f->shown->version);
	values[COL_USERS] = Int64GetDatum((int64) f->shown->users);
	values[COL_SHOWN] = Int64GetDatum((int64) f->shown->shown);
	memset(nulls, false, COL_TOTAL * sizeof(bool));
	nulls[COL_VERSION] = f->shown->total || f->shown->no_version;
	put(f->total, values, nulls, COL_TOTAL);
	put_measured(&f->measured, values, nulls, COL_VALUE);
	if (f->control)
		compare(report, f, values, nulls, &message);
	if (report->split < LOPSIDED)
		append_message(&message, "users are not split as they should be");
	nulls[COL_MESSAGE] = message.len == 0;
	values[COL_MESSAGE] = nulls[COL_MESSAGE] ? (Datum) 0 : CStringGetTextDatum(message.data);
	reco_rows_add(&report->rows, values, nulls);
}

/* A model, beside the control unless it is that, and after it its versions, rising. */
static void
add_model(Report *report, const char *kind, Metric metric, int arm, Figure *control)
{
	const char *model = report->arms.model[arm];
	Figure f = {find_group(report, model, NULL, NULL), metric, kind};

	if (f.shown == NULL)
		return;
	f.measured =
		measure(f.shown, find_group(report, model, NULL, kind), metric, report->z, &f.total);
	if (arm == 0)
		*control = f;
	else if (control->shown)
	{
		f.control = &control->measured;
		f.control_users = control->shown->users;
	}
	add_row(report, &f);
	for (int g = 0; g < report->groups.n; g++)
	{
		const RecoAbGroup *group = &report->groups.group[g];

		if (group->total || group->kind || group->model == NULL || strcmp(group->model, model) != 0)
			continue;
		f = (Figure){group, metric, kind};
		f.measured =
			measure(f.shown, find_group(report, model, group, kind), metric, report->z, &f.total);
		add_row(report, &f);
	}
}

static void
add_rows(Report *report)
{
	int kinds;
	char **kind = texts_of(&report->groups, false, &kinds);

	for (int k = 0; k < kinds; k++)
		for (Metric metric = 0; metric < METRICS; metric++)
		{
			Figure control = {NULL};

			if (metric == METRIC_VALUE && !report->groups.has_values)
				continue;
			for (int arm = 0; arm < report->arms.n; arm++)
				add_model(report, kind[k], metric, arm, &control);
		}
	if (kinds == 0)
		ereport(NOTICE, (errmsg("nobody did anything after an exposure"),
						 errhint("Outcomes count from the first exposure of their user on.")));
}

/* Versions in their order, those that are not known last. */
static int
by_version(const void *a, const void *b)
{
	const RecoAbGroup *x = a;
	const RecoAbGroup *y = b;

	if (x->no_version != y->no_version)
		return x->no_version ? 1 : -1;
	return x->version < y->version ? -1 : x->version > y->version;
}

static void
read_arguments(FunctionCallInfo fcinfo, Report *report)
{
	RecoAbAsked *asked = &report->asked;

	asked->exposures = reco_text_of(fcinfo, 0, "exposures");
	asked->outcomes = reco_text_of(fcinfo, 1, "outcomes");
	asked->experiment = reco_text_or_null(fcinfo, 2);
	report->given = !PG_ARGISNULL(3);
	if (report->given)
		reco_arms_read(fcinfo, 3, 4, &report->arms);
	else if (!PG_ARGISNULL(4))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("weights need models"),
						errhint("Give both as reco.assign() was given them.")));
	asked->within = PG_ARGISNULL(6) ? NULL : within_of(PG_GETARG_INTERVAL_P(6));
	asked->by_version = !PG_ARGISNULL(7) && PG_GETARG_BOOL(7);
	report->effect = effect_of(fcinfo, 8);
	report->z = reco_normal_quantile(0.5 + share_of(fcinfo, 9, "confidence") / 2);
	report->z_power = reco_normal_quantile(share_of(fcinfo, 10, "power"));
}

Datum
reco_ab_report(PG_FUNCTION_ARGS)
{
	Report report = {{0}};
	char *control = reco_text_or_null(fcinfo, 5);
	MemoryContext context = CurrentMemoryContext;

	report.rows = reco_rows_begin(fcinfo, column_types, COLUMNS);
	read_arguments(fcinfo, &report);
	SPI_connect();
	reco_ab_read(context, &report.asked, &report.groups);
	SPI_finish();
	qsort(report.groups.group, report.groups.n, sizeof(RecoAbGroup), by_version);
	if (!report.given)
		find_arms(&report);
	if (report.arms.n == 0)
	{
		ereport(NOTICE, (errmsg("exposures have no rows")));
		return (Datum) 0;
	}
	if (control)
		control_first(&report, control);
	tell_left_out(&report);
	check_split(&report);
	add_rows(&report);
	return (Datum) 0;
}

/*
 * reco.users_needed(rate, effect, confidence, power): of each of two models.
 */
Datum
reco_users_needed_for(PG_FUNCTION_ARGS)
{
	double rate = share_of(fcinfo, 0, "rate");
	double effect = effect_of(fcinfo, 1);
	double z = reco_normal_quantile(0.5 + share_of(fcinfo, 2, "confidence") / 2);
	double z_power = reco_normal_quantile(share_of(fcinfo, 3, "power"));
	double other = rate * (1 + effect);
	double needed;

	if (!(other < 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a rate of %g cannot rise by %g %%", rate, 100 * effect)));
	needed = reco_users_needed(rate * (1 - rate), other * (1 - other), other - rate, z, z_power);
	if (!(needed < 1e18))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("more users are needed than there can be")));
	PG_RETURN_INT64((int64) ceil(needed));
}
