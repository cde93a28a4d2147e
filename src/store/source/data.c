/*
 * data.c
 *	  What is about the data and not about an algorithm: values of type reco.data_options.
 */
#include "store/source/data.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "common/shortest_dec.h"
#include "lib/stringinfo.h"
#include "model/model.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include <float.h>

static const char *const on_invalid_choices[] = {"error", "skip", NULL};

/* In the order of RecoLiveMode. */
static const char *const live_choices[] = {"auto", "on", "off", NULL};

/* In the order of reco_value_rule_kind. */
static const char *const value_choices[] = {"auto", "raw", "binary", "log", "cap", NULL};

/* In the order of RecoBasketBy. */
static const char *const basket_choices[] = {"time", "day", NULL};

static const char *const kinds_example[] = {"{\"view\": 1, \"buy\": 8}", NULL};
static const char *const items_example[] = {"[\"POST\"]", NULL};
static const char *const seen_example[] = {"[\"buy\"]", NULL};
static const char *const cancel_example[] = {"[\"cancel\"]", NULL};

static const reco_option data_options[] = {
	{"on_invalid", RECO_OPTION_ENUM, offsetof(RecoDataOptions, on_invalid), ON_INVALID_ERROR, 0, 0,
	 on_invalid_choices},
	{"min_user_interactions", RECO_OPTION_INT, offsetof(RecoDataOptions, min_user_interactions), 1,
	 1, 1000000, NULL},
	{"min_item_interactions", RECO_OPTION_INT, offsetof(RecoDataOptions, min_item_interactions), 1,
	 1, 1000000, NULL},
	{"min_users_per_item", RECO_OPTION_INT, offsetof(RecoDataOptions, min_users_per_item), 0, 1,
	 RECO_MOST_USERS_PER_ITEM, NULL},
	{"max_user_interactions", RECO_OPTION_INT, offsetof(RecoDataOptions, max_user_interactions), 0,
	 1, 1000000, NULL},
	{"keep_versions", RECO_OPTION_INT, offsetof(RecoDataOptions, keep_versions), 2, 1, 1000, NULL},
	{"live", RECO_OPTION_ENUM, offsetof(RecoDataOptions, live), RECO_LIVE_AUTO, 0, 0, live_choices},
	{"value", RECO_OPTION_ENUM, offsetof(RecoDataOptions, value), RECO_VALUES_AUTO, 0, 0,
	 value_choices},
	/* a sum of values may be chosen, which RECO_MAX_VALUE does not hold back */
	{"value_cap", RECO_OPTION_REAL, offsetof(RecoDataOptions, value_cap), 0, FLT_TRUE_MIN, FLT_MAX,
	 NULL},
	{"basket_by", RECO_OPTION_ENUM, offsetof(RecoDataOptions, basket_by), RECO_BASKET_BY_TIME, 0, 0,
	 basket_choices},
	{"measure", RECO_OPTION_BOOL, offsetof(RecoDataOptions, measure), true, 0, 1, NULL},
	{"session_gap", RECO_OPTION_TEXT, offsetof(RecoDataOptions, session_gap), 0, 0, 0, NULL},
	{"kind_weights", RECO_OPTION_WEIGHTS, offsetof(RecoDataOptions, kind_weights), 0,
	 -RECO_MAX_VALUE, RECO_MAX_VALUE, kinds_example},
	{"seen_kinds", RECO_OPTION_TEXTS, offsetof(RecoDataOptions, seen_kinds), 0, 0, 0, seen_example},
	{"exclude_items", RECO_OPTION_TEXTS, offsetof(RecoDataOptions, exclude_items), 0, 0, 0,
	 items_example},
	{"half_life", RECO_OPTION_TEXT, offsetof(RecoDataOptions, half_life_text), 0, 0, 0, NULL},
	{"max_age", RECO_OPTION_TEXT, offsetof(RecoDataOptions, max_age_text), 0, 0, 0, NULL},
	{"since", RECO_OPTION_TEXT, offsetof(RecoDataOptions, since), 0, 0, 0, NULL},
	{"until", RECO_OPTION_TEXT, offsetof(RecoDataOptions, until), 0, 0, 0, NULL},
	{"cancel_kinds", RECO_OPTION_TEXTS, offsetof(RecoDataOptions, cancel_kinds), 0, 0, 0,
	 cancel_example},
	{"cancel_negative", RECO_OPTION_BOOL, offsetof(RecoDataOptions, cancel_negative), false, 0, 1,
	 NULL},
	{"pseudonyms", RECO_OPTION_BOOL, offsetof(RecoDataOptions, pseudonyms), false, 0, 1, NULL},
	{"retune", RECO_OPTION_TEXT, offsetof(RecoDataOptions, retune), 0, 0, 0, NULL},
	{NULL},
};

/* Longer than any model is kept, and short enough to be added to any time of now. */
#define MOST_RETUNE_MONTHS (1000 * MONTHS_PER_YEAR)
#define MOST_RETUNE_DAYS (1000 * 366)

static Interval *
interval_of(const char *text)
{
	return DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(text),
												 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

/* Parts of opposite sign may be long, and their sum short. */
static bool
is_too_long(const Interval *interval)
{
	Interval most = {.month = MOST_RETUNE_MONTHS};

	return interval->month < -MOST_RETUNE_MONTHS || interval->month > MOST_RETUNE_MONTHS ||
		   interval->day < -MOST_RETUNE_DAYS || interval->day > MOST_RETUNE_DAYS ||
		   DatumGetBool(DirectFunctionCall2(interval_gt, IntervalPGetDatum(interval),
											IntervalPGetDatum(&most)));
}

Interval *
reco_data_retune(const RecoDataOptions *options)
{
	Interval zero = {0};
	Datum interval;

	if (options->retune == NULL)
		return NULL;
	interval = IntervalPGetDatum(interval_of(options->retune));
	if (!DatumGetBool(DirectFunctionCall2(interval_gt, interval, IntervalPGetDatum(&zero))))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"retune\" of reco.options must be longer than 0"),
						errhint("Leave it out to have an algorithm chosen anew only when the data "
								"or its worth has changed.")));
	if (is_too_long(DatumGetIntervalP(interval)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"retune\" of reco.options must be at most 1000 years"),
						errhint("Leave it out to have an algorithm chosen anew only when the data "
								"or its worth has changed.")));
	return DatumGetIntervalP(interval);
}

/* In microseconds, days of 24 hours; an error unless it is long enough, and has no months. */
static int64
session_gap_of(const RecoDataOptions *options)
{
	const Interval *gap;
	int64 microseconds;

	if (options->session_gap == NULL)
		return 0;
	gap = interval_of(options->session_gap);
	if (gap->month != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"session_gap\" of reco.options must not have months"),
						errhint("Months differ in length: give days, as in '30 days'.")));
	if (pg_mul_s64_overflow(gap->day, USECS_PER_DAY, &microseconds) ||
		pg_add_s64_overflow(microseconds, gap->time, &microseconds))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"session_gap\" of reco.options is out of range")));
	if (microseconds <= 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"session_gap\" of reco.options must be longer than 0"),
						errhint("A session ends where nothing follows for so long, as in "
								"'30 minutes'.")));
	return microseconds;
}

char *
reco_data_session_gap_text(const RecoDataOptions *options)
{
	return DatumGetCString(
		DirectFunctionCall1(interval_out, IntervalPGetDatum(interval_of(options->session_gap))));
}

int64
reco_data_session_gap(const RecoDataOptions *options, Oid time_type)
{
	int64 gap = session_gap_of(options);

	if (gap == 0)
		return 0;
	if (!OidIsValid(time_type))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("session_gap needs times, which the source does not have"),
				 errhint("A source's columns are user, item, value, time: SELECT user_id, item_id, "
						 "1, created_at FROM ...")));
	switch (time_type)
	{
		case TIMESTAMPTZOID:
		case TIMESTAMPOID:
			return gap < PG_INT64_MAX ? gap + 1 : gap;
		case DATEOID:
			return gap / USECS_PER_DAY + 1;
		default:
			ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
							errmsg("session_gap is an interval, but times of the source are of "
								   "type %s",
								   format_type_be(time_type)),
							errhint("Make times of them: to_timestamp(created_at) of seconds.")));
	}
	return 0;
}

IdDict *
reco_data_excluded(const RecoDataOptions *options, IdType *item_type)
{
	const reco_texts *items = options->exclude_items;
	IdDict *ids;

	if (items == NULL)
		return NULL;
	ids = id_dict_create(CurrentMemoryContext, item_type);
	for (int i = 0; i < items->n; i++)
	{
		Datum id;

		if (id_from_text(item_type, pstrdup(items->value[i]), &id))
			(void) id_dict_add(ids, id);
	}
	return ids;
}

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
	if (options->value_cap > 0 && options->value != RECO_VALUES_CAP)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("value_cap goes with value => 'cap' only"),
						errhint("Give value => 'cap' as well, or leave value_cap out.")));
	(void) reco_data_retune(options);
	(void) session_gap_of(options);
	reco_data_ages_parse(options);
	options->kinds =
		reco_kinds_make(options->kind_weights, options->seen_kinds, options->cancel_kinds);
}

int64
reco_data_basket(const RecoDataOptions *options, Oid time_type)
{
	bool microseconds = time_type == TIMESTAMPTZOID || time_type == TIMESTAMPOID;

	return options->basket_by == RECO_BASKET_BY_DAY && microseconds ? USECS_PER_DAY : 0;
}

void
reco_data_check_basket(const RecoDataOptions *options, Oid time_type)
{
	if (options->basket_by != RECO_BASKET_BY_DAY || time_type == TIMESTAMPTZOID ||
		time_type == TIMESTAMPOID || time_type == DATEOID)
		return;
	if (!OidIsValid(time_type))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("basket_by => 'day' needs times, which the source does not have"),
				 errhint("A source's columns are user, item, value, time: SELECT user_id, item_id, "
						 "1, created_at FROM ...")));
	ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
					errmsg("basket_by => 'day' needs times, but those of the source are of type %s",
						   format_type_be(time_type)),
					errhint("Make times of them, as to_timestamp(created_at) does of seconds, or "
							"leave basket_by out: each number is a basket then.")));
}

reco_row_rules
reco_data_row_rules(const RecoDataOptions *options, Oid time_type, TimestampTz reference)
{
	return (reco_row_rules){options->max_user_interactions,
							reco_data_decay(options, time_type, reference)};
}

reco_value_rule
reco_data_value_rule(const RecoDataOptions *options)
{
	reco_value_rule_kind kind = options->value;

	/* weights, and what age leaves, are meant as they are */
	if (kind == RECO_VALUES_AUTO &&
		(options->half_life > 0 || (options->kinds && options->kinds->weighs)))
		kind = RECO_VALUES_RAW;
	return (reco_value_rule){kind, (float) options->value_cap};
}

void
reco_data_values(const RecoDataOptions *options, float *value, int64 n)
{
	reco_value_rule rule = reco_data_value_rule(options);

	if (rule.kind != RECO_VALUES_RAW)
		(void) reco_values_by(&reco_poll_env, &rule, value, n, value);
}

/*
 * The first simple algorithm in one that does, or does not, need values as they are; or NULL.
 * What is replaced is one that does not.
 */
static const RecoSpec *
find_raw(const RecoSpec *spec, bool raw)
{
	bool simple = spec->members == 0 || spec->algorithm->replaced;
	const RecoSpec *found = simple && reco_spec_needs_raw(spec) == raw ? spec : NULL;

	for (int m = 0; m < spec->members && !simple && found == NULL; m++)
		found = find_raw(spec->member[m], raw);
	return found;
}

unsigned
reco_data_keep(const RecoSpec *spec, const RecoDataOptions *options)
{
	unsigned reads = reco_spec_reads(spec);

	/* what is cut into sessions is chosen by what comes next in these */
	if (options->session_gap && reco_spec_is_replaced(spec))
		reads |= RECO_READS_EVENTS;
	return (reads & RECO_READS_EVENTS ? RECO_KEEP_EVENTS : 0) |
		   (reads & RECO_READS_TIMES ? RECO_KEEP_TIMES : 0);
}

void
reco_data_tell_order(const RecoData *data, const RecoSpec *spec)
{
	if (!data->has_time && (reco_spec_reads(spec) & RECO_READS_EVENTS))
		ereport(NOTICE,
				(errmsg("algorithm \"%s\" goes by the order of interactions, which the source "
						"does not tell",
						spec->algorithm->name),
				 errdetail("Those of a user count as if they were at one time."),
				 errhint("Give the source a fourth column, the time: SELECT user_id, item_id, 1, "
						 "created_at FROM ...")));
	if (data->x.session_gap > 0 && !(reco_spec_reads(spec) & RECO_READS_EVENTS) &&
		!reco_spec_is_replaced(spec))
		ereport(NOTICE,
				(errmsg("session_gap has no effect on algorithm \"%s\"", spec->algorithm->name),
				 errdetail("It does not go by the order of interactions.")));
}

/* The first simple algorithm in one that predicts values, or NULL. */
static const RecoSpec *
find_predicting(const RecoSpec *spec)
{
	bool simple = spec->members == 0 || spec->algorithm->replaced;
	const RecoSpec *found = simple && spec->predicts_value ? spec : NULL;

	for (int m = 0; m < spec->members && !simple && found == NULL; m++)
		found = find_predicting(spec->member[m]);
	return found;
}

void
reco_data_check_values(const RecoDataOptions *options, const RecoSpec *spec)
{
	const RecoSpec *predicting = options->half_life > 0 ? find_predicting(spec) : NULL;
	const RecoSpec *rated = find_raw(spec, true);
	const RecoSpec *listed = find_raw(spec, false);

	/* of candidates one is trained */
	for (int m = 0; m < spec->members && spec->algorithm->replaced; m++)
		reco_data_check_values(options, spec->member[m]);
	if (predicting)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("half_life does not go with algorithm \"%s\"", predicting->algorithm->name),
				 errdetail("It predicts values, and a rating is none the lower for being old."),
				 errhint("Use an algorithm that makes lists, such as reco.ials(), or leave "
						 "half_life out.")));
	if (options->value == RECO_VALUES_AUTO || options->value == RECO_VALUES_RAW || rated == NULL ||
		listed == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("value => '%s' does not go with algorithm \"%s\"",
					value_choices[options->value], spec->algorithm->name),
			 errdetail("Of its members %s needs values as they are, and a user has one history "
					   "for all.",
					   rated->algorithm->name),
			 errhint("Leave value => 'auto', which takes them as they are here, or use members "
					 "that neither predict nor compare them.")));
}

/* The shortest text that reads as the number again. */
static char *
float_text(float number)
{
	char *text = palloc(FLOAT_SHORTEST_DECIMAL_LEN);

	float_to_shortest_decimal_buf(number, text);
	return (float) strtod(text, NULL) == number ? text : psprintf("%.17g", number);
}

Jsonb *
reco_data_options_record(Jsonb *options, const reco_value_rule *rule, int32 min_users_per_item)
{
	StringInfoData text;
	Datum chosen;

	initStringInfo(&text);
	appendStringInfo(&text, "{\"value\": \"%s\"", value_choices[rule->kind]);
	if (rule->kind == RECO_VALUES_CAP)
		appendStringInfo(&text, ", \"value_cap\": %s", float_text(rule->cap));
	if (min_users_per_item > 0)
		appendStringInfo(&text, ", \"min_users_per_item\": %d", min_users_per_item);
	appendStringInfoChar(&text, '}');
	chosen = DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data));

	if (options == NULL)
		return DatumGetJsonbP(chosen);
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(options), chosen));
}

/* A user whose pairs of items are more than those of all others brings most work. */
#define LONG_USER 1000

void
reco_data_find_longest(RecoData *data)
{
	const int64 *start = data->x.by_user.start;
	double squares = 0;

	for (int32 u = 0; u < data->x.by_user.rows; u++)
	{
		int64 n = start[u + 1] - start[u];

		RECO_POLL_AT(u);
		squares += (double) n * (double) n;
		if (n > data->longest)
		{
			data->longest = n;
			data->longest_user = u;
		}
	}
	data->longest_rules =
		data->longest >= LONG_USER && (double) data->longest * (double) data->longest > squares / 2;
}

/* Keys of rows_skipped; those that are not always there are where they are not 0. */
static const struct
{
	const char *key; /* NULL: a column of its own, or nothing was left out */
	bool always;
} keys[RECO_COUNTS] = {
	[RECO_COUNT_NO_USER] = {"no_user", true},
	[RECO_COUNT_NO_ITEM] = {"no_item", true},
	[RECO_COUNT_NO_VALUE] = {"no_value", true},
	[RECO_COUNT_NO_KIND] = {"no_kind"},
	[RECO_COUNT_INVALID] = {"invalid", true},
	[RECO_COUNT_EXCLUDED] = {"excluded"},
	[RECO_COUNT_KIND] = {"unknown_kind"},
	[RECO_COUNT_OUTSIDE] = {"outside_window"},
	[RECO_COUNT_CANCELLED] = {"cancelled"},
	[RECO_COUNT_CANCELLED_IN_PART] = {"cancelled_in_part"},
	[RECO_COUNT_CANCELLING] = {"cancelling"},
	[RECO_COUNT_UNMATCHED] = {"cancelling_unmatched"},
	[RECO_COUNT_WEIGHTLESS] = {"weight_0"},
	[RECO_COUNT_MERGED] = {NULL},
	[RECO_COUNT_NEGATIVE] = {NULL},
	[RECO_COUNT_ZERO] = {NULL},
	[RECO_COUNT_UNKNOWN] = {NULL},
	[RECO_COUNT_INTERACTIONS_CAPPED] = {"interactions_capped"},
	[RECO_COUNT_USERS_CAPPED] = {"users_capped"},
	[RECO_COUNT_USERS_DROPPED] = {"users_dropped", true},
	[RECO_COUNT_ITEMS_DROPPED] = {"items_dropped", true},
	[RECO_COUNT_INTERACTIONS_DROPPED] = {"interactions_dropped"},
	[RECO_COUNT_ITEMS_INVALID] = {"items_invalid"},
	[RECO_COUNT_USERS_INVALID] = {"users_invalid"},
};

/* One count or two, each with what follows it. */
typedef struct Phrase
{
	RecoCount first;
	const char *after_first;
	RecoCount second;
	const char *after_second; /* NULL: there is one count */
} Phrase;

static const Phrase phrases[] = {
	{RECO_COUNT_MERGED, " merged into others"},
	{RECO_COUNT_NO_USER, " without a user"},
	{RECO_COUNT_NO_ITEM, " without an item"},
	{RECO_COUNT_NO_VALUE, " without a value"},
	{RECO_COUNT_NO_KIND, " without a kind"},
	{RECO_COUNT_INVALID, " skipped for an invalid value"},
	{RECO_COUNT_EXCLUDED, " skipped for an item of exclude_items"},
	{RECO_COUNT_KIND, " skipped for a kind without a weight"},
	{RECO_COUNT_OUTSIDE, " outside the window of time"},
	{RECO_COUNT_CANCELLED, " cancelled by ", RECO_COUNT_CANCELLING, " that cancel"},
	{RECO_COUNT_CANCELLED_IN_PART, " cancelled in part"},
	{RECO_COUNT_UNMATCHED, " that cancel more than there was"},
	{RECO_COUNT_WEIGHTLESS, " not learnt from for a kind of weight 0"},
	{RECO_COUNT_USERS_DROPPED, " users and ", RECO_COUNT_ITEMS_DROPPED,
	 " items dropped for too few interactions"},
	{RECO_COUNT_INTERACTIONS_DROPPED, " interactions dropped with them"},
	{RECO_COUNT_INTERACTIONS_CAPPED, " interactions of ", RECO_COUNT_USERS_CAPPED,
	 " users left out by max_user_interactions"},
	{RECO_COUNT_ITEMS_INVALID, " items skipped for an id that is too long"},
	{RECO_COUNT_USERS_INVALID, " users skipped for an id that is too long"},
	{RECO_COUNT_NEGATIVE, " interactions with a negative value"},
	{RECO_COUNT_ZERO, " interactions with a value of 0"},
};

Jsonb *
reco_data_skipped(const RecoData *data)
{
	StringInfoData text;
	const char *separator = "{";

	initStringInfo(&text);
	for (int c = 0; c < RECO_COUNTS; c++)
	{
		if (keys[c].key == NULL || (data->count[c] == 0 && !keys[c].always))
			continue;
		appendStringInfo(&text, "%s\"%s\": " INT64_FORMAT, separator, keys[c].key, data->count[c]);
		separator = ", ";
	}
	appendStringInfoChar(&text, '}');
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data)));
}

char *
reco_data_rows(const RecoData *data)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, INT64_FORMAT " rows read", data->rows_read);
	for (int p = 0; p < lengthof(phrases); p++)
	{
		const Phrase *phrase = &phrases[p];
		bool two = phrase->after_second != NULL;

		if (data->count[phrase->first] == 0 && !(two && data->count[phrase->second] != 0))
			continue;
		appendStringInfo(&text, ", " INT64_FORMAT "%s", data->count[phrase->first],
						 phrase->after_first);
		if (two)
			appendStringInfo(&text, INT64_FORMAT "%s", data->count[phrase->second],
							 phrase->after_second);
	}
	return text.data;
}
