/*
 * evaluate.c
 *	  reco.evaluate(): what would the algorithms have recommended?
 *
 * The measuring is in measure.c.  Popularity is always measured beside: an algorithm that
 * does not beat it has learnt nothing.  Source, items and test are the caller's own texts and
 * run as the caller.
 */
#include "evaluation/choice.h"
#include "evaluation/report.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pg/rows.h"
#include "store/tables/layout.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

RECO_FUNCTION(reco_evaluate);

/* Arguments by their places. */
enum
{
	ARG_SOURCE,
	ARG_ALGORITHMS,
	ARG_SPLIT,
	ARG_FRACTION,
	ARG_CUTOFFS,
	ARG_ITEMS,
	ARG_OPTIONS,
	ARG_SEED,
	ARG_CUT,
	ARG_TEST,
	ARG_UNKNOWN,
	ARG_BY_ACTIVITY
};

static void
add_row(void *arg, Datum *values, bool *nulls)
{
	reco_rows_add(arg, values, nulls);
}

static void
read_cutoffs(RecoMeasurement *e, ArrayType *array)
{
	int n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	if (ARR_NDIM(array) != 1 || array_contains_nulls(array) || n > RECO_MAX_CUTOFFS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("cutoffs must be an array of 1 to %d numbers without nulls",
							   RECO_MAX_CUTOFFS)));
	for (int c = 0; c < n; c++)
	{
		e->cutoff[c] = ((int32 *) ARR_DATA_PTR(array))[c];
		if (e->cutoff[c] < 1 || e->cutoff[c] > 100000)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("cutoff %d is out of range", e->cutoff[c]),
							errhint("A cutoff is a length of a list: 1 to 100000.")));
	}
	e->cutoffs = n;
}

/* The algorithms asked for. */
static List *
read_algorithms(ArrayType *array)
{
	Datum *values;
	bool *nulls;
	int n;
	List *specs = NIL;

	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT, &values, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("algorithms must not contain nulls")));
		specs = lappend(specs, reco_spec_parse(DatumGetJsonbP(values[i])));
	}
	return specs;
}

/* With popularity at the end unless it is among them. */
static List *
with_popularity(List *specs)
{
	RecoSpec *popular = palloc0(sizeof(RecoSpec));
	ListCell *cell;

	foreach (cell, specs)
		if (((RecoSpec *) lfirst(cell))->algorithm == &reco_algorithm_popular)
			return specs;
	popular->algorithm = &reco_algorithm_popular;
	popular->params = palloc0(popular->algorithm->params_size);
	reco_options_init(popular->algorithm->options, popular->params);
	return lappend(specs, popular);
}

/* The place of a text among choices; an error when it is none. */
static int
choice(FunctionCallInfo fcinfo, int argument, const char *what, const char *const *choices)
{
	char *given = text_to_cstring(PG_GETARG_TEXT_PP(argument));
	StringInfoData valid;

	initStringInfo(&valid);
	for (int c = 0; choices[c]; c++)
	{
		if (strcmp(given, choices[c]) == 0)
			return c;
		appendStringInfo(&valid, "%s\"%s\"", c > 0 ? ", " : "", choices[c]);
	}
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("unrecognized %s \"%s\"", what, given),
					errhint("Valid values are %s.", valid.data)));
	return 0;
}

/* How interactions are to be shared out; the cut and the test are looked at later. */
static RecoSplit
read_split(FunctionCallInfo fcinfo)
{
	/* in the order of their kinds */
	static const char *const splits[] = {"random", "last", "time", NULL};
	static const char *const unknowns[] = {"skip", "miss", "popular", NULL};
	RecoSplit split = {.rule = {.kind = choice(fcinfo, ARG_SPLIT, "split", splits)}};
	bool cut = !PG_ARGISNULL(ARG_CUT);
	bool test = !PG_ARGISNULL(ARG_TEST);
	const char *given = splits[split.rule.kind];

	if (cut && test)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("cut and test cannot be given together"),
						errhint("What is to be found is either what comes at the cut and after it, "
								"or the test.")));
	if ((cut && split.rule.kind == RECO_SPLIT_LAST) ||
		(test && split.rule.kind != RECO_SPLIT_RANDOM))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s cannot be given with split \"%s\"", cut ? "cut" : "test", given),
						errhint("Leave out the split: %s is one.", cut ? "a cut" : "a test")));
	if (cut)
		split.rule.kind = RECO_SPLIT_TIME;
	if (test)
		split.rule.kind = RECO_SPLIT_GIVEN;
	split.rule.has_cut = cut;
	split.rule.one = split.rule.kind == RECO_SPLIT_LAST && PG_ARGISNULL(ARG_FRACTION);
	split.rule.seed = (uint64) PG_GETARG_INT64(ARG_SEED);
	split.unknown = choice(fcinfo, ARG_UNKNOWN, "value of unknown", unknowns);
	if (cut || test || split.rule.one)
		return split;
	reco_require_argument(fcinfo, ARG_FRACTION, "test_fraction");
	split.rule.fraction = PG_GETARG_FLOAT8(ARG_FRACTION);
	if (!(split.rule.fraction > 0 && split.rule.fraction < 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("test_fraction must be between 0 and 1")));
	return split;
}

static void
check_arguments(FunctionCallInfo fcinfo)
{
	static const char *const names[] = {
		[ARG_SOURCE] = "source",   [ARG_ALGORITHMS] = "algorithms",   [ARG_SPLIT] = "split",
		[ARG_CUTOFFS] = "cutoffs", [ARG_OPTIONS] = "options",         [ARG_SEED] = "seed",
		[ARG_UNKNOWN] = "unknown", [ARG_BY_ACTIVITY] = "by_activity",
	};

	for (int i = 0; i < lengthof(names); i++)
		if (names[i])
			reco_require_argument(fcinfo, i, names[i]);
}

static List *
read_array(Datum algorithms)
{
	return read_algorithms(DatumGetArrayTypeP(algorithms));
}

static List *
read_one(Datum algorithm)
{
	return list_make1(reco_spec_parse(DatumGetJsonbP(algorithm)));
}

/* An array in a text, or an error that says how algorithms are written. */
static List *
read_text(Datum algorithms)
{
	char *given = TextDatumGetCString(algorithms);
	Oid type = get_array_type(reco_type_oid("algorithm"));
	Oid input;
	Oid parameter;

	if (given[strspn(given, " \t\r\n")] != '{' || !OidIsValid(type))
		return list_make1(reco_spec_parse(reco_algorithm_from_text(given)));
	getTypeInputInfo(type, &input, &parameter);
	return read_array(OidInputFunctionCall(input, given, parameter, -1));
}

/* The algorithms, however the second argument gives them. */
static List *
read_specs(FunctionCallInfo fcinfo, Oid type)
{
	Datum given = PG_GETARG_DATUM(ARG_ALGORITHMS);

	if (type == TEXTOID)
		return read_text(given);
	return OidIsValid(get_element_type(type)) ? read_array(given) : read_one(given);
}

/* What the algorithms need of the source and of the items. */
static bool
needs(FunctionCallInfo fcinfo, const List *specs, const RecoDataOptions *options, unsigned *keep)
{
	bool features = false;
	ListCell *cell;

	foreach (cell, specs)
	{
		const RecoSpec *spec = lfirst(cell);

		reco_data_check_values(options, spec);
		if (spec->features == RECO_FEATURES_REQUIRED && PG_ARGISNULL(ARG_ITEMS))
			reco_features_missing(spec);
		features = features || spec->features != RECO_FEATURES_NONE;
		if (reco_spec_reads(spec) & RECO_READS_TIMES)
			*keep |= RECO_KEEP_TIMES;
	}
	return features && !PG_ARGISNULL(ARG_ITEMS);
}

/* Reads the source, and where they are given items and test, as the caller. */
static void
read_data(FunctionCallInfo fcinfo, RecoMeasurement *e, RecoSplit *split, const List *specs,
		  bool of_table)
{
	RecoQuery source = {&reco_the_source};
	RecoQuery items = {&reco_the_items};
	RecoQuery test = {&reco_the_test, reco_text_or_null(fcinfo, ARG_TEST)};
	RecoDataOptions options;
	unsigned keep = reco_split_keep(split);

	reco_data_options_parse(PG_GETARG_JSONB_P(ARG_OPTIONS), &options);
	if (needs(fcinfo, specs, &options, &keep))
		items.text = reco_text_or_null(fcinfo, ARG_ITEMS);
	SPI_connect();
	source.text = of_table ? reco_table_source(PG_GETARG_OID(ARG_SOURCE))
						   : text_to_cstring(PG_GETARG_TEXT_PP(ARG_SOURCE));
	e->data = reco_read_source(&source, &items, true, keep, &options, e->budget);
	if (test.text)
		split->test = reco_read_test(&test, &options, e->budget);
	SPI_finish();
	if (split->rule.has_cut && e->data->has_time)
		split->rule.cut = reco_split_cut(e->data, PG_GETARG_TIMESTAMPTZ(ARG_CUT));
}

static void
tell_unpredicted(const RecoScores *scores)
{
	const reco_scores *kept = &scores->kept;
	int first = kept->columns.first[RECO_METRIC_RMSE];

	if (kept->unpredicted > 0)
		ereport(NOTICE,
				(errmsg("%s predicts no value for %lld of %lld hidden interactions", scores->label,
						(long long) kept->unpredicted,
						(long long) (kept->unpredicted + kept->sum[first * RECO_ACTIVITIES])),
				 errdetail("They do not count in rmse and mae.")));
}

/* Rows of all algorithms, and where one predicts values of what they come to without taste. */
static void
report(RecoMeasurement *e, const List *specs, bool by_activity, RecoRows *rows)
{
	List *labels = reco_specs_label(specs);
	List *chosen = NIL;
	List *all = NIL;
	RecoScores *popular = NULL;
	bool predicted = false;
	ListCell *cell;
	ListCell *name;

	foreach (cell, specs)
		chosen = lappend(chosen, unconstify(RecoSpec *, reco_choose_within(e, lfirst(cell))));
	foreach (cell, chosen)
		reco_measure_expect(e, lfirst(cell));
	forboth (cell, chosen, name, labels)
	{
		RecoScores *scores = reco_measure_one(e, lfirst(cell));

		scores->label = lfirst(name);
		tell_unpredicted(scores);
		predicted = predicted || scores->kept.columns.first[RECO_METRIC_RMSE] >= 0;
		if (popular == NULL && scores->spec->algorithm == &reco_algorithm_popular)
			popular = scores;
		all = lappend(all, scores);
	}
	if (predicted)
		all = list_concat(all, reco_measure_baselines(e));
	reco_report(e, all, popular, by_activity, add_row, rows);
}

Datum
reco_evaluate(PG_FUNCTION_ARGS)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco evaluation", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	RecoBudget budget;
	RecoMeasurement e = {&budget};
	RecoRows rows;
	RecoSplit split;
	List *specs;
	Oid *type;
	int types;

	(void) get_func_signature(fcinfo->flinfo->fn_oid, &type, &types);
	check_arguments(fcinfo);
	rows = reco_rows_begin(fcinfo, reco_report_types, RECO_REPORT_COLUMNS);
	read_cutoffs(&e, PG_GETARG_ARRAYTYPE_P(ARG_CUTOFFS));
	split = read_split(fcinfo);
	specs = with_popularity(read_specs(fcinfo, type[ARG_ALGORITHMS]));
	reco_budget_init(&budget, context);
	read_data(fcinfo, &e, &split, specs, type[ARG_SOURCE] == REGCLASSOID);
	MemoryContextSwitchTo(context);
	e.metrics = reco_report_metrics;
	if (!reco_measure_split(&e, &split))
		reco_split_require(&split, e.data, &e.counts);
	reco_split_tell(&split, e.data, &e.counts);
	report(&e, specs, PG_GETARG_BOOL(ARG_BY_ACTIVITY), &rows);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}
