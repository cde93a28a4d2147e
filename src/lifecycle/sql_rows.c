/*
 * sql_rows.c
 *	  From a source's events to the table of rows of a training by SQL alone.
 *
 * The rules of rows that store/source/events.h has, in their order, as SQL: a CASE that says under
 * which count a row is left out, or that it is taken.  The source is read twice: once to count,
 * and for the time that ages are counted from, and once to make the table, one row of each pair.
 * Numbers are rounded where a training in memory rounds them, so that rows of a user that are
 * read live are those that were trained on.
 *
 * All names are qualified: the source brings its own search_path.
 *
 * Cost: two scans of the source, an aggregate by pair; for each round of the minimums one more
 * over the pairs.
 */
#include "lifecycle/sql_rows.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "store/source/events.h"
#include "store/source/source.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

static pg_attribute_noreturn() void unsupported(const char *option)
{
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("%s does not go with engine => 'sql'", option),
					errhint("Do it in the source's query, or train with engine => 'memory'.")));
}

/* Of tables that somebody made: rows are there as they are to be trained on. */
static const char *
rule_of_rows(const RecoDataOptions *o)
{
	return o->kinds                       ? "reco.options(kind_weights)"
		   : o->half_life > 0             ? "reco.options(half_life)"
		   : o->max_age > 0               ? "reco.options(max_age)"
		   : o->since                     ? "reco.options(since)"
		   : o->until                     ? "reco.options(until)"
		   : o->exclude_items             ? "reco.options(exclude_items)"
		   : o->min_user_interactions > 1 ? "reco.options(min_user_interactions)"
		   : o->min_item_interactions > 1 ? "reco.options(min_item_interactions)"
										  : NULL;
}

void
reco_sql_rows_check(const RecoRun *run)
{
	const RecoDataOptions *o = &run->options;
	const RecoData *data = run->data;
	const char *work = NULL;
	const char *option = reco_data_cancels(o) ? o->cancel_negative ? "reco.options(cancel_negative)"
																   : "reco.options(cancel_kinds)"
						 : o->max_user_interactions  ? "reco.options(max_user_interactions)"
						 : o->min_users_per_item > 0 ? "reco.options(min_users_per_item)"
						 : run->guard                ? "a guard"
													 : NULL;

	if (option)
		unsupported(option);
	(void) reco_als_by_sql(run->spec, &work);
	option = work ? rule_of_rows(o) : NULL;
	if (option)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("%s does not go with tables of work", option),
						errdetail("Trained is on the table \"rows\" as it is."),
						errhint("Do it where that table is filled.")));
	if (o->kinds && o->kinds->differs)
		ereport(
			ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("kinds that count as seen and teach nothing do not go with engine => 'sql'"),
			 errhint("Leave out seen_kinds, and rows of kinds of weight 0 by a WHERE of the "
					 "source, or train with engine => 'memory'.")));
	if (run->spec->raw || !data->has_value)
		return;
	if (reco_data_value_rule(o).kind == RECO_VALUES_AUTO ||
		(o->value == RECO_VALUES_CAP && o->value_cap == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("engine => 'sql' does not choose what a value counts"),
				 errdetail("The source has the value \"%s\".", data->column[2]),
				 errhint("Say reco.options(value => 'binary'), 'raw', 'log', or 'cap' with a "
						 "value_cap.")));
}

char *
reco_sql_equals(const IdType *type, const char *a, const char *b)
{
	Oid operator= lookup_type_cache(type->base, TYPECACHE_EQ_OPR)->eq_opr;
	HeapTuple tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	char *text;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", operator);
	text = psprintf(
		"%s OPERATOR(%s.%s) %s", a,
		quote_identifier(get_namespace_name(((Form_pg_operator) GETSTRUCT(tuple))->oprnamespace)),
		NameStr(((Form_pg_operator) GETSTRUCT(tuple))->oprname), b);
	ReleaseSysCache(tuple);
	return text;
}

char *
reco_sql_by_rule(const reco_value_rule *rule, const char *value)
{
	switch (rule->kind)
	{
		case RECO_VALUES_BINARY:
			return psprintf("pg_catalog.sign(%s)", value);
		case RECO_VALUES_LOG:
			return psprintf("pg_catalog.sign(%s) OPERATOR(pg_catalog.*) pg_catalog.ln("
							"1 OPERATOR(pg_catalog.+) pg_catalog.abs(%s))",
							value, value);
		case RECO_VALUES_CAP:
			return psprintf(
				"greatest(least(%s, '%.9g'::pg_catalog.float8), '%.9g'::pg_catalog.float8)", value,
				rule->cap, -rule->cap);
		default:
			return pstrdup(value);
	}
}

/* The source's rows as s(u, i, v, t, k). */
static const char *
from_source(const RecoData *data, const RecoQuery *source)
{
	static const char *const columns[] = {"u", "i", "v", "t", "k"};
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "(%s\n) AS s(", reco_query_text(source->kind, source->text));
	for (int c = 0; c < lengthof(columns) && data->column[c]; c++)
		appendStringInfo(&text, "%s%s", c ? ", " : "", columns[c]);
	appendStringInfoChar(&text, ')');
	return text.data;
}

/* A time of the source's type as a constant that no setting has read otherwise. */
static char *
time_constant(const RecoData *data, int64 time)
{
	Datum value =
		data->time_type == DATEOID ? DateADTGetDatum((DateADT) time) : Int64GetDatum(time);
	char *text = JsonEncodeDateTime(palloc(MAXDATELEN + 1), value, data->time_type, NULL);

	return psprintf("%s::%s", quote_literal_cstr(text), format_type_be_qualified(data->time_type));
}

/* The number of a row's kind, or -1; given weights, its weight, or NULL. */
static char *
by_kind(const RecoData *data, const RecoKinds *kinds, const double *weight)
{
	bool is_text =
		data->kind_type == TEXTOID || data->kind_type == VARCHAROID || data->kind_type == BPCHAROID;
	const char *kind = is_text ? "s.k::pg_catalog.text" : "pg_catalog.format('%s', s.k)";
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, "CASE");
	for (int k = 0; k < kinds->n; k++)
		appendStringInfo(
			&text, " WHEN %s OPERATOR(pg_catalog.=) %s COLLATE pg_catalog.\"C\" THEN %s", kind,
			quote_literal_cstr(kinds->name[k]),
			weight ? psprintf("'%.17g'::pg_catalog.float8", weight[k]) : psprintf("%d", k));
	appendStringInfoString(&text, weight ? " END" : " ELSE -1 END");
	return text.data;
}

/* Whether a row's item is one of exclude_items. */
static char *
is_excluded(RecoData *data, const RecoDataOptions *options)
{
	IdType *type = &data->item_type;
	IdDict *excluded = reco_data_excluded(options, type);
	StringInfoData text;

	initStringInfo(&text);
	for (int32 i = 0; excluded && i < id_dict_count(excluded); i++)
		appendStringInfo(
			&text, "%s%s", i > 0 ? " OR " : "",
			reco_sql_equals(type, "s.i",
							psprintf("%s::%s",
									 quote_literal_cstr(id_to_text(type, id_dict_id(excluded, i))),
									 format_type_be_qualified(type->base))));
	return text.len > 0 ? text.data : NULL;
}

#define TAKEN (-1)

/* Under which count a row is left out; TAKEN. */
static char *
rule_of(const RecoSqlWork *work)
{
	const RecoDataOptions *o = &work->run->options;
	RecoData *data = work->run->data;
	RecoWindow window = reco_data_window(o, data->time_type);
	char *excluded = is_excluded(data, o);
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "CASE WHEN s.u IS NULL THEN %d WHEN s.i IS NULL THEN %d",
					 RECO_COUNT_NO_USER, RECO_COUNT_NO_ITEM);
	if (data->has_value)
		appendStringInfo(&text,
						 " WHEN s.v IS NULL THEN %1$d WHEN NOT (s.v OPERATOR(pg_catalog.<=)"
						 " '%2$g'::pg_catalog.%4$s AND s.v OPERATOR(pg_catalog.>=)"
						 " '-%2$g'::pg_catalog.%4$s) THEN %3$d",
						 RECO_COUNT_NO_VALUE, RECO_MAX_VALUE, RECO_COUNT_INVALID,
						 data->value_type == NUMERICOID ? "numeric" : "float8");
	if (o->kinds)
		appendStringInfo(&text, " WHEN s.k IS NULL THEN %d", RECO_COUNT_NO_KIND);
	if (o->kinds && o->kinds->weighs)
		appendStringInfo(&text, " WHEN (%s) OPERATOR(pg_catalog.<) 0 THEN %d",
						 by_kind(data, o->kinds, NULL), RECO_COUNT_KIND);
	/* a time that is not known is before all others */
	if (o->since)
		appendStringInfo(&text, " WHEN (s.t OPERATOR(pg_catalog.>=) %s) IS NOT TRUE THEN %d",
						 time_constant(data, window.from), RECO_COUNT_OUTSIDE);
	if (o->until)
		appendStringInfo(&text, " WHEN s.t OPERATOR(pg_catalog.>) %s THEN %d",
						 time_constant(data, window.last), RECO_COUNT_OUTSIDE);
	if (excluded)
		appendStringInfo(&text, " WHEN %s THEN %d", excluded, RECO_COUNT_EXCLUDED);
	appendStringInfo(&text, " ELSE %d END", TAKEN);
	return text.data;
}

/* What the rules made of the source's rows. */
typedef struct Survey
{
	RecoData *data;
	int64 *rows; /* of each kind */
	int64 taken;
	int64 latest; /* in units of times; PG_INT64_MIN: none */
} Survey;

/* (rule, number of a kind, rows, the latest time) */
static void
take_survey(void *arg, TupleTableSlot *slot)
{
	Survey *survey = arg;
	int rule = DatumGetInt32(slot->tts_values[0]);
	int kind = DatumGetInt32(slot->tts_values[1]);
	int64 rows = DatumGetInt64(slot->tts_values[2]);

	survey->data->rows_read += rows;
	if (rule >= 0 && rule < RECO_COUNTS)
		survey->data->count[rule] += rows;
	if (kind >= 0 && (rule == TAKEN || rule == RECO_COUNT_OUTSIDE || rule == RECO_COUNT_EXCLUDED))
		survey->rows[kind] += rows;
	if (rule != TAKEN)
		return;
	survey->taken += rows;
	if (!slot->tts_isnull[3])
		survey->latest = Max(survey->latest, survey->data->time_type == DATEOID
												 ? DatumGetDateADT(slot->tts_values[3])
												 : DatumGetInt64(slot->tts_values[3]));
}

/* The latest time that is not after now; where the clock is 14 hours ahead without a zone. */
static const char *
latest_time(const RecoData *data)
{
	const char *now = "pg_catalog.clock_timestamp()";

	if (reco_events_unit(data->time_type) == 0)
		return "NULL::pg_catalog.int8";
	if (data->time_type != TIMESTAMPTZOID)
		now = psprintf("(pg_catalog.timezone('UTC', %s) OPERATOR(pg_catalog.+)"
					   " '14 hours'::pg_catalog.interval)::%s",
					   now, format_type_be_qualified(data->time_type));
	return psprintf("pg_catalog.max(s.t) FILTER (WHERE s.t OPERATOR(pg_catalog.>) '-infinity'"
					" AND s.t OPERATOR(pg_catalog.<=) %s)",
					now);
}

typedef struct Example
{
	char *text; /* NULL: there is none */
	double value;
	MemoryContext context;
} Example;

static void
take_example(void *arg, TupleTableSlot *slot)
{
	Example *example = arg;

	example->text =
		slot->tts_isnull[0]
			? NULL
			: MemoryContextStrdup(example->context, TextDatumGetCString(slot->tts_values[0]));
}

/* Kinds without a weight, and values that are none, are errors that name one. */
static void
refuse(const RecoSqlWork *work, const char *from, const char *rule)
{
	const RecoData *data = work->run->data;
	const RecoKinds *kinds = work->run->options.kinds;
	bool of_kind = data->count[RECO_COUNT_INVALID] == 0;
	Example example = {.context = CurrentMemoryContext};

	reco_sql_select(work,
					psprintf("SELECT pg_catalog.min(pg_catalog.format('%%s', s.%s)) FROM %s WHERE"
							 " (%s) OPERATOR(pg_catalog.=) %d",
							 of_kind ? "k" : "v", from, rule,
							 of_kind ? RECO_COUNT_KIND : RECO_COUNT_INVALID),
					NULL, take_example, &example);
	if (example.text == NULL)
		return;
	if (of_kind)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("kind \"%s\" has no weight in kind_weights",
					reco_kind_text(example.text, strlen(example.text))),
			 errdetail("Rows of kinds without one: " INT64_FORMAT ".  Kinds with one: %s.",
					   data->count[RECO_COUNT_KIND], reco_kinds_text(kinds)),
			 errhint("Give it one, or skip such rows with options => reco.options(on_invalid => "
					 "'skip').")));
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("value %s is %s", example.text,
					strpbrk(example.text, "aI") ? "not finite" : "out of range"),
			 errdetail("Rows of the source with such a value: " INT64_FORMAT ".",
					   data->count[RECO_COUNT_INVALID]),
			 errhint("Correct the rows, leave them out of the source, or skip such rows with "
					 "options => reco.options(on_invalid => 'skip').")));
}

/* Counts what the rules leave out; returns how many rows they take. */
static int64
look_at_rows(RecoSqlWork *work, const char *from, const char *rule)
{
	const RecoDataOptions *o = &work->run->options;
	RecoData *data = work->run->data;
	int64 unit = reco_events_unit(data->time_type);
	Survey survey = {.data = data, .latest = PG_INT64_MIN};
	StringInfoData kinds;

	survey.rows = palloc0(((o->kinds ? o->kinds->n : 0) + 1) * sizeof(int64));
	reco_sql_select(work,
					psprintf("SELECT %s, %s, pg_catalog.count(*), %s FROM %s GROUP BY 1, 2", rule,
							 o->kinds ? by_kind(data, o->kinds, NULL) : "-1", latest_time(data),
							 from),
					NULL, take_survey, &survey);
	if (o->on_invalid != ON_INVALID_SKIP &&
		(data->count[RECO_COUNT_INVALID] > 0 || data->count[RECO_COUNT_KIND] > 0))
		refuse(work, from, rule);
	if (unit > 0 && survey.latest != PG_INT64_MIN)
		data->reference_time = survey.latest * unit;
	initStringInfo(&kinds);
	for (int k = 0; o->kinds && k < o->kinds->n; k++)
		if (survey.rows[k] > 0)
			appendStringInfo(&kinds, "%s" INT64_FORMAT " of \"%s\"", kinds.len ? ", " : "",
							 survey.rows[k],
							 reco_kind_text(o->kinds->name[k], o->kinds->length[k]));
	if (kinds.len > 0)
		data->kinds = MemoryContextStrdup(work->run->context, kinds.data);
	return survey.taken;
}

/* A number as float4 has it, and 0 where that has none so small. */
static char *
rounded(const char *number)
{
	return psprintf("(CASE WHEN pg_catalog.abs(%1$s) OPERATOR(pg_catalog.>=) 1e-37 THEN"
					" (%1$s)::pg_catalog.float4::pg_catalog.float8 ELSE 0 END)",
					number);
}

/* What age leaves of a row. */
static char *
faded(const RecoSqlWork *work)
{
	const RecoData *data = work->run->data;
	reco_decay decay = reco_data_decay(&work->run->options, data->time_type, data->reference_time);
	const char *reference;
	const char *age;

	if (decay.half_life == 0)
		return "1::pg_catalog.float8";
	reference = time_constant(data, decay.reference);
	age = psprintf(data->time_type == DATEOID
					   ? "(%s OPERATOR(pg_catalog.-) s.t)::pg_catalog.float8"
					   : "pg_catalog.date_part('epoch', %s OPERATOR(pg_catalog.-) s.t)"
						 " OPERATOR(pg_catalog.*) 1000000",
				   reference);
	/* 2 ^ -400 of any value is 0 to a float4 */
	return psprintf("CASE WHEN s.t IS NULL OR s.t OPERATOR(pg_catalog.=) '-infinity' THEN 0"
					" WHEN s.t OPERATOR(pg_catalog.>=) %s THEN 1 ELSE pg_catalog.power("
					"2::pg_catalog.float8, OPERATOR(pg_catalog.-) least(%s OPERATOR(pg_catalog./)"
					" %.17g::pg_catalog.float8, 400)) END",
					reference, age, decay.half_life);
}

/* What a row is worth by its kind and its age; NULL: neither matters. */
static char *
weighed(const RecoSqlWork *work)
{
	const RecoDataOptions *o = &work->run->options;
	const RecoData *data = work->run->data;
	const char *value = data->has_value ? "s.v::pg_catalog.float8" : "1::pg_catalog.float8";
	bool weighs = o->kinds && o->kinds->weighs;
	StringInfoData weight;

	if (!weighs && o->half_life == 0)
		return NULL;
	initStringInfo(&weight);
	appendStringInfoString(&weight, value);
	if (weighs)
		appendStringInfo(&weight, " OPERATOR(pg_catalog.*) (%s)",
						 by_kind(data, o->kinds, o->kinds->weight));
	return psprintf("%s OPERATOR(pg_catalog.*) (%s)", rounded(weight.data), faded(work));
}

/* Whether rows are young enough. */
static char *
young(const RecoSqlWork *work)
{
	const RecoData *data = work->run->data;
	int64 oldest = reco_data_oldest(&work->run->options, data->time_type, data->reference_time);

	if (oldest == PG_INT64_MIN)
		return "";
	return psprintf(" AND s.t OPERATOR(pg_catalog.>=) %s", time_constant(data, oldest));
}

/* Users or items with fewer pairs than that go; returns how many pairs went. */
static int64
drop_rare(const RecoSqlWork *work, const char *id, const IdType *type, int least)
{
	char *row = psprintf("r.%s", id);
	char *rare = psprintf("d.%s", id);

	if (least <= 1)
		return 0;
	return (int64) reco_sql_run(
		work, psprintf("DELETE FROM %1$s AS r USING (SELECT q.%2$s FROM %1$s AS q GROUP BY q.%2$s"
					   " HAVING pg_catalog.count(*) OPERATOR(pg_catalog.<) %3$d) AS d WHERE %4$s",
					   work->rows, id, least, reco_sql_equals(type, row, rare)));
}

static void
take_counts(void *arg, TupleTableSlot *slot)
{
	int64 *count = arg;

	for (int c = 0; c < 2; c++)
		count[c] = slot->tts_isnull[c] ? 0 : DatumGetInt64(slot->tts_values[c]);
}

static void
count_ids(const RecoSqlWork *work, int64 *count)
{
	reco_sql_select(work,
					psprintf("SELECT (SELECT pg_catalog.count(*) FROM (SELECT FROM %1$s AS r GROUP"
							 " BY r.user_id) AS u), (SELECT pg_catalog.count(*) FROM (SELECT FROM"
							 " %1$s AS r GROUP BY r.item_id) AS i)",
							 work->rows),
					NULL, take_counts, count);
}

/* Until all who stay have enough of each other. */
static void
apply_minimums(const RecoSqlWork *work)
{
	const RecoDataOptions *o = &work->run->options;
	RecoData *data = work->run->data;
	int64 before[2];
	int64 after[2];
	int64 went = 0;
	int64 now;

	if (o->min_user_interactions <= 1 && o->min_item_interactions <= 1)
		return;
	count_ids(work, before);
	do
	{
		now = drop_rare(work, "user_id", &data->user_type, o->min_user_interactions);
		now += drop_rare(work, "item_id", &data->item_type, o->min_item_interactions);
		went += now;
	} while (now > 0 && o->min_user_interactions > 1 && o->min_item_interactions > 1);
	count_ids(work, after);
	data->count[RECO_COUNT_USERS_DROPPED] += before[0] - after[0];
	data->count[RECO_COUNT_ITEMS_DROPPED] += before[1] - after[1];
	data->count[RECO_COUNT_INTERACTIONS_DROPPED] += went;
}

/*
 * Rows that are too old are not in the table: counts them, and users and items of whom all are.
 * Returns how many rows are left.
 */
static int64
count_old(const RecoSqlWork *work, const char *from, const char *rule, int64 taken)
{
	RecoData *data = work->run->data;
	int64 all[2] = {0};
	int64 left[2] = {0};
	int64 rows[2] = {0};

	if (work->run->options.max_age == 0)
		return taken;
	reco_sql_select(
		work,
		psprintf("SELECT (SELECT pg_catalog.count(*) FROM (SELECT FROM %1$s WHERE (%2$s)"
				 " OPERATOR(pg_catalog.=) %3$d GROUP BY s.u) AS u), (SELECT"
				 " pg_catalog.count(*) FROM (SELECT FROM %1$s WHERE (%2$s)"
				 " OPERATOR(pg_catalog.=) %3$d GROUP BY s.i) AS i)",
				 from, rule, TAKEN),
		NULL, take_counts, all);
	count_ids(work, left);
	reco_sql_select(work,
					psprintf("SELECT pg_catalog.sum(r.n)::pg_catalog.int8, 0::pg_catalog.int8"
							 " FROM %s AS r",
							 work->rows),
					NULL, take_counts, rows);
	data->count[RECO_COUNT_USERS_DROPPED] += all[0] - left[0];
	data->count[RECO_COUNT_ITEMS_DROPPED] += all[1] - left[1];
	data->count[RECO_COUNT_OUTSIDE] += taken - rows[0];
	return rows[0];
}

/* What a pair counts: of rows that are weighed rounded in between, and of small numbers exact. */
static char *
counted(const RecoSqlWork *work, const char *weight)
{
	const RecoData *data = work->run->data;
	char *sum;

	if (weight == NULL)
		return reco_sql_by_rule(&work->rule, data->has_value
												 ? "pg_catalog.sum(s.v)::pg_catalog.float8"
												 : "pg_catalog.count(*)::pg_catalog.float8");
	sum = psprintf("pg_catalog.sum(%s)", rounded("s.w"));
	sum = rounded(sum);
	if (work->rule.kind != RECO_VALUES_LOG)
		return reco_sql_by_rule(&work->rule, sum);
	/* ln(1 + x) by its series where 1 + x has lost of x */
	return psprintf("CASE WHEN pg_catalog.abs(%1$s) OPERATOR(pg_catalog.<) 1e-4 THEN %1$s"
					" OPERATOR(pg_catalog.*) (1 OPERATOR(pg_catalog.-) pg_catalog.abs(%1$s)"
					" OPERATOR(pg_catalog.*) (0.5 OPERATOR(pg_catalog.-) pg_catalog.abs(%1$s)"
					" OPERATOR(pg_catalog./) 3)) ELSE %2$s END",
					sum, reco_sql_by_rule(&work->rule, sum));
}

void
reco_sql_rows_make(RecoSqlWork *work, const RecoQuery *source)
{
	RecoData *data = work->run->data;
	const char *from = from_source(data, source);
	const char *pairs_from = from;
	char *rule;
	char *taken_only;
	char *weight;
	int64 taken;
	int64 pairs;
	RecoIdentity before;

	reco_become(&source->as, &before);
	rule = rule_of(work);
	taken_only = psprintf("(%s) OPERATOR(pg_catalog.=) %d", rule, TAKEN);
	taken = look_at_rows(work, from, rule);
	weight = weighed(work);
	if (weight)
		pairs_from = psprintf("(SELECT s.*, %1$s AS taken, CASE WHEN %1$s THEN %2$s END AS w FROM"
							  " %3$s) AS s",
							  taken_only, weight, from);
	pairs = (int64) reco_sql_run(
		work, psprintf("CREATE UNLOGGED TABLE %s AS SELECT s.u AS user_id, s.i AS item_id, (%s)::"
					   "pg_catalog.float8 AS value, pg_catalog.count(*) AS n FROM %s WHERE %s%s"
					   " GROUP BY s.u, s.i",
					   work->rows, counted(work, weight), pairs_from,
					   weight ? "s.taken" : taken_only, young(work)));
	data->count[RECO_COUNT_MERGED] = count_old(work, from, rule, taken) - pairs;
	apply_minimums(work);
	(void) reco_sql_run(work, psprintf("ANALYZE %s", work->rows));
	reco_return(&before);
}
