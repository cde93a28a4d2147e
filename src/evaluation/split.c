/*
 * split.c
 *	  How an evaluation shares out interactions between training and test.
 *
 * The sharing out is in core/ranking/split.h.  Here is what takes a server: a cut in the units
 * of the source's times, the pairs of a test under the numbers of the source, and what is said
 * about it.
 *
 * Cost: that of reco_split, and a search of each id of a test.
 */
#include "evaluation/split.h"

#include "catalog/pg_type.h"
#include "core/data/sorting.h"
#include "store/ids/ident.h"
#include "store/source/events.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* What is hidden, and the seed, where nobody says. */
#define FRACTION 0.2
#define SEED 42

/* Where fewer users than these would be measured, and there are no more pairs, as many parts. */
#define FEW_USERS 500
#define SMALL 2000000
#define PARTS 3

const char *
reco_split_name(const RecoSplit *split)
{
	static const char *const names[] = {"random",    "last",        "time",
										"next_item", "last_basket", "test"};

	if (split->parts > 1)
		return psprintf("%s x %d", names[split->rule.kind], split->parts);
	return names[split->rule.kind];
}

unsigned
reco_split_keep(const RecoSplit *split)
{
	bool by_time = split->rule.kind != RECO_SPLIT_RANDOM && split->rule.kind != RECO_SPLIT_GIVEN;

	return by_time ? RECO_KEEP_TIMES | RECO_KEEP_REPEATS : 0;
}

/*
 * The first day, or the first microsecond without a zone, that is not before the cut: it is not
 * two days from it in any zone.
 */
static int64
first_at(Oid type, TimestampTz cut)
{
	bool days = type == DATEOID;
	int64 low = Max(cut, MIN_TIMESTAMP + 2 * USECS_PER_DAY) - 2 * USECS_PER_DAY;
	int64 high = Min(cut, END_TIMESTAMP - 1 - 2 * USECS_PER_DAY) + 2 * USECS_PER_DAY;

	if (days)
	{
		low = low / USECS_PER_DAY - 1;
		high = high / USECS_PER_DAY + 1;
	}
	while (low < high)
	{
		int64 middle = low + (high - low) / 2;
		int32 order = days ? date_cmp_timestamptz_internal((DateADT) middle, cut)
						   : timestamp_cmp_timestamptz_internal(middle, cut);

		if (order >= 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

int64
reco_split_cut(const RecoData *data, TimestampTz cut)
{
	switch (data->time_type)
	{
		case TIMESTAMPTZOID:
			return cut;
		case TIMESTAMPOID:
			if (TIMESTAMP_NOT_FINITE(cut))
				return cut;
			return first_at(TIMESTAMPOID, cut);
		case DATEOID:
			if (TIMESTAMP_IS_NOBEGIN(cut))
				return DATEVAL_NOBEGIN;
			if (TIMESTAMP_IS_NOEND(cut))
				return DATEVAL_NOEND;
			return first_at(DATEOID, cut);
		default:
			ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
							errmsg("cut is a time, but those of the source are of type %s",
								   format_type_be(data->time_type)),
							errhint("Give test_fraction, or the pairs to be found as "
									"test => 'SELECT ...'.")));
	}
	return 0;
}

/* A time of the source as text. */
static char *
time_text(const RecoData *data, int64 time)
{
	/* -infinity comes after a time that is not known */
	if (time == PG_INT64_MIN + 1)
		time = DT_NOBEGIN;
	switch (data->time_type)
	{
		case TIMESTAMPTZOID:
			return DatumGetCString(DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(time)));
		case TIMESTAMPOID:
			return DatumGetCString(DirectFunctionCall1(timestamp_out, TimestampGetDatum(time)));
		case DATEOID:
			return DatumGetCString(DirectFunctionCall1(date_out, DateADTGetDatum((DateADT) time)));
		default:
			return psprintf(INT64_FORMAT, time);
	}
}

/* What has faded to nothing stays so, whatever the factor; no product is twice what it was. */
static inline float
faded_less(float value, double by)
{
	return value == 0 ? 0 : (float) (value * by);
}

static void
multiply(float *value, int64 n, double by)
{
	for (int64 e = 0; value && e < n; e++)
	{
		value[e] = faded_less(value[e], by);
		RECO_POLL_AT(e);
	}
}

/* Where rows fade, those of a training part count their ages from the cut that it ends with. */
static void
freshen(const RecoData *data, int64 cut, reco_interactions *train)
{
	const reco_decay *decay = &data->decay;
	int64 n = train->by_user.start[train->by_user.rows];
	double age = (double) ((uint64) decay->reference - (uint64) cut);
	double by;

	if (decay->half_life == 0 || cut >= decay->reference)
		return;
	by = exp2(age / decay->half_life);
	multiply(train->by_user.value, n, by);
	multiply(train->latest, n, by);
	for (int64 r = 0; train->repeats.start && r < train->repeats.start[train->by_user.rows]; r++)
	{
		train->repeats.row[r].value = faded_less(train->repeats.row[r].value, by);
		RECO_POLL_AT(r);
	}
}

void
reco_split_data(const RecoSplit *split, const RecoData *data, RecoBudget *budget,
				reco_interactions *train, reco_interactions *hidden, reco_cases *cases,
				reco_split_counts *counts)
{
	const RecoData *test = split->test;
	reco_split_rule rule = split->rule;
	int32 *user = NULL;
	int32 *item = NULL;
	reco_status status;

	if (reco_split_keep(split) && data->x.time == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("split \"%s\" needs times, which the source does not have",
						reco_split_name(split)),
				 rule.kind == RECO_SPLIT_NEXT_ITEM
					 ? errhint("A source's columns are user or session, item, value, time: SELECT "
							   "session_id, item_id, 1, created_at FROM ...; with "
							   "options => reco.options(session_gap => '30 minutes') the first is "
							   "the user, whose sessions are told by the times.")
					 : errhint("A source's columns are user, item, value, time: SELECT user_id, "
							   "item_id, 1, created_at FROM ...")));
	rule.keep_items = rule.keep_items || data->features != NULL;
	rule.keep_repeats = rule.keep_repeats || data->events;
	rule.keep_unknown = split->unknown != RECO_UNKNOWN_SKIP;
	rule.cases = cases;
	if (test)
	{
		id_type_require_comparable(&test->user_type, reco_the_test.name, &data->user_type,
								   reco_the_source.name, "user");
		id_type_require_comparable(&test->item_type, reco_the_test.name, &data->item_type,
								   reco_the_source.name, "item");
		user =
			id_dict_numbers(test->users, &test->user_type, data->users, &data->user_type, budget);
		item =
			id_dict_numbers(test->items, &test->item_type, data->items, &data->item_type, budget);
		rule.test = &test->x;
		rule.test_user = user;
		rule.test_item = item;
	}
	status = reco_split(&budget->env, &data->x, &rule, train, hidden, counts);
	if (counts->cases >= RECO_FAULT_IDS(PG_INT32_MAX))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("too many times to ask what comes next"),
						errdetail("There are " INT64_FORMAT
								  " of hidden users; less than %d are asked for.",
								  counts->cases, RECO_FAULT_IDS(PG_INT32_MAX)),
						errhint("With a smaller test_fraction fewer users are hidden.")));
	reco_budget_check(budget, status, "an evaluation");
	if (train && counts->has_cut)
		freshen(data, counts->cut, train);
	reco_budget_free(budget, user);
	reco_budget_free(budget, item);
}

/* A sentence about n of something, after those that are there. */
static void
append_count(StringInfo text, int64 n, const char *one, const char *many)
{
	if (n > 0)
		appendStringInfo(text, "%s" INT64_FORMAT " %s", text->len > 0 ? " " : "", n,
						 n == 1 ? one : many);
}

/* Who and what is hidden and not known to the training, and what becomes of it. */
static void
append_unknown(StringInfo text, const RecoSplit *split, const reco_split_counts *counts)
{
	static const char *const become[] = {
		"left out", "counted, and cannot be found",
		"counted: users get the popular list, items cannot be found"};
	StringInfoData who;

	if (counts->unknown == 0)
		return;
	initStringInfo(&who);
	append_count(&who, counts->unknown_users, "user", "users");
	if (counts->unknown_users > 0 && counts->unknown_items > 0)
		appendStringInfoString(&who, " and");
	append_count(&who, counts->unknown_items, "item", "items");
	append_count(text, counts->unknown, "hidden interaction of ", "hidden interactions of ");
	appendStringInfo(text, "%s, unknown to the training part, %s %s.", who.data,
					 counts->unknown == 1 ? "is" : "are", become[split->unknown]);
}

/* Who is hidden whole, and how often what comes next is to be found. */
static void
append_cases(StringInfo text, const reco_split_counts *counts)
{
	append_count(text, counts->hidden_users, "user is hidden,", "users are hidden,");
	append_count(text, counts->cases, "time is asked for.", "times are asked for.");
	append_count(text, counts->cases_left_out, "earlier time", "earlier times");
	if (counts->cases_left_out > 0)
		appendStringInfo(text, " of users with more than %d %s left out.", RECO_MOST_CASES,
						 counts->cases_left_out == 1 ? "is" : "are");
}

char *
reco_split_cut_text(const RecoData *data, const reco_split_counts *counts)
{
	return time_text(data, counts->cut);
}

char *
reco_split_described(const RecoSplit *split, const RecoData *data, const reco_split_counts *counts)
{
	switch (split->rule.kind)
	{
		case RECO_SPLIT_RANDOM:
			return pstrdup("at random");
		case RECO_SPLIT_LAST:
			return pstrdup("by what each user had last");
		case RECO_SPLIT_TIME:
			return psprintf("by time at %s", time_text(data, counts->cut));
		case RECO_SPLIT_NEXT_ITEM:
			return psprintf("by the next item of users who end at %s or later",
							time_text(data, counts->cut));
		case RECO_SPLIT_LAST_BASKET:
			return pstrdup("by the last basket of each user");
		case RECO_SPLIT_GIVEN:
			return pstrdup("by the test");
	}
	return pstrdup("");
}

void
reco_split_tell(const RecoSplit *split, const RecoData *data, const reco_split_counts *counts)
{
	StringInfoData text;

	initStringInfo(&text);
	if (split->rule.kind == RECO_SPLIT_NEXT_ITEM)
		append_cases(&text, counts);
	append_count(&text, counts->rows_left_out,
				 "row of a pair that is trained on comes after the cut and is left out.",
				 "rows of pairs that are trained on come after the cut and are left out.");
	append_count(&text, counts->in_both, "pair of the test is in the source, too, and left out.",
				 "pairs of the test are in the source, too, and left out.");
	append_unknown(&text, split, counts);
	if (text.len > 0)
		ereport(NOTICE,
				(errmsg("split %s: " INT64_FORMAT " interactions to train on, " INT64_FORMAT
						" to be found",
						reco_split_described(split, data, counts), counts->trained, counts->hidden),
				 errdetail_internal("%s", text.data)));
}

void
reco_split_require(const RecoSplit *split, const RecoData *data, const reco_split_counts *counts)
{
	bool empty = counts->hidden == 0 && counts->unknown == 0;
	bool next = split->rule.kind == RECO_SPLIT_NEXT_ITEM;

	if (counts->trained > 0 && counts->hidden > 0)
		return;
	if (counts->trained > 0 && !empty)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("nothing that is hidden is known to the training part"),
				 errdetail_plural("%lld interaction is hidden, of a user or an item of which "
								  "nothing is trained on.",
								  "%lld interactions are hidden, each of a user or an item "
								  "of which nothing is trained on.",
								  (unsigned long) counts->unknown, (long long) counts->unknown),
				 errhint("With unknown => 'miss' they count as not found, and with "
						 "unknown => 'popular' users get the popular list.")));
	switch (split->rule.kind)
	{
		case RECO_SPLIT_NEXT_ITEM:
			if (counts->hidden_users > 0 && counts->trained > 0)
				ereport(ERROR,
						(errcode(ERRCODE_NO_DATA_FOUND),
						 errmsg("no user who is hidden has interactions of two times"),
						 errdetail_plural("%d user is hidden, whose last interaction is at %s or "
										  "later.",
										  "%d users are hidden, whose last interactions are at %s "
										  "or later.",
										  counts->hidden_users, counts->hidden_users,
										  time_text(data, counts->cut)),
						 errhint("What comes next is found by what came before: of one time "
								 "nothing comes next.")));
			/* fall through */
		case RECO_SPLIT_TIME:
			if (empty && !split->rule.has_cut)
				ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
								errmsg("no interaction of the source has a time"),
								errhint("Fill the column of times, or use split => 'random'.")));
			ereport(ERROR,
					(errcode(ERRCODE_NO_DATA_FOUND),
					 errmsg("a cut at %s leaves nothing to %s", time_text(data, counts->cut),
							empty ? "be found" : "train on"),
					 split->rule.has_cut
						 ? errhint(next ? "Users who end before the cut are trained on, what comes "
										  "next of the others is to be found."
										: "Interactions before the cut are trained on, those at "
										  "the cut and after it are to be found.")
						 : errhint("What begins at the same time is in the same part: give another "
								   "test_fraction, or finer times.")));
			break;
		case RECO_SPLIT_LAST_BASKET:
			ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
							errmsg("no user of the source has two baskets"),
							errdetail("What a user has at one time, or with basket_by => 'day' on "
									  "one day, is a basket."),
							errhint("The last one is found by those before it: read more rows, or "
									"finer times.")));
			break;
		case RECO_SPLIT_GIVEN:
			ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
							errmsg("test has nothing that the source does not have"),
							errhint("The source is what is trained on, the test what is to be "
									"found: leave it out of the source.")));
			break;
		default:
			ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
							errmsg("source has too few interactions to evaluate on"),
							errdetail("No user has an interaction to spare for the test."),
							errhint("A user needs two items at least, or three with "
									"test_fraction => 0.2: read more rows, or hide more.")));
	}
}

RecoSplit
reco_split_auto(const RecoData *data, RecoBudget *budget, char **reason)
{
	RecoSplit random = {.rule = {.kind = RECO_SPLIT_RANDOM, .fraction = FRACTION, .seed = SEED}};
	RecoSplit time = {.rule = {.kind = RECO_SPLIT_TIME, .fraction = FRACTION}};
	reco_split_counts counts;

	*reason = NULL;
	if (!data->has_time)
	{
		*reason = pstrdup("the source has no times");
		return random;
	}
	reco_split_data(&time, data, budget, NULL, NULL, NULL, &counts);
	if (counts.users >= RECO_SPLIT_USERS)
		return time;
	*reason = psprintf("by time at %s %d %s could be measured", time_text(data, counts.cut),
					   counts.users, counts.users == 1 ? "user" : "users");
	return random;
}

void
reco_split_repeat(RecoSplit *split, const RecoData *data, RecoBudget *budget)
{
	reco_split_counts counts;

	if (data->x.by_user.start[data->x.by_user.rows] > SMALL ||
		split->rule.kind == RECO_SPLIT_LAST_BASKET || split->rule.kind == RECO_SPLIT_NEXT_ITEM)
		return;
	reco_split_data(split, data, budget, NULL, NULL, NULL, &counts);
	if (counts.users == 0 || counts.users >= FEW_USERS)
		return;
	split->parts = PARTS;
}
