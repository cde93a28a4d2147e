/*
 * evaluate.c
 *	  reco.evaluate(): what would the algorithms have recommended?
 *
 * The measuring is in measure.c.  Popularity is always measured beside: an algorithm that
 * does not beat it has learnt nothing.  The source is the caller's own text and runs as the
 * caller.
 */
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
RECO_FUNCTION(reco_evaluate_one);
RECO_FUNCTION(reco_evaluate_text);
RECO_FUNCTION(reco_evaluate_table);
RECO_FUNCTION(reco_evaluate_table_one);
RECO_FUNCTION(reco_evaluate_table_text);

/* The argument that may be null. */
#define ARG_ITEMS 5
#define ARG_BY_ACTIVITY 8

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

static void
check_arguments(FunctionCallInfo fcinfo)
{
	static const char *const names[] = {"source", "algorithms", "split", "test_fraction", "cutoffs",
										"items",  "options",    "seed",  "by_activity"};

	for (int i = 0; i < lengthof(names); i++)
		if (i != ARG_ITEMS)
			reco_require_argument(fcinfo, i, names[i]);
	if (strcmp(text_to_cstring(PG_GETARG_TEXT_PP(2)), "random") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("unrecognized split \"%s\"", text_to_cstring(PG_GETARG_TEXT_PP(2))),
						errhint("Valid splits are: \"random\".")));
	if (!(PG_GETARG_FLOAT8(3) > 0 && PG_GETARG_FLOAT8(3) < 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("test_fraction must be between 0 and 1")));
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

/* How the second argument gives the algorithms. */
typedef List *(*Reader)(Datum algorithms);

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

/* Rows of all algorithms, and where one predicts values of what they come to without taste. */
static void
report(RecoMeasurement *e, const List *specs, bool by_activity, RecoRows *rows)
{
	List *labels = reco_specs_label(specs);
	List *all = NIL;
	RecoScores *popular = NULL;
	bool predicted = false;
	ListCell *cell;
	ListCell *name;

	foreach (cell, specs)
		reco_measure_expect(e, lfirst(cell));
	forboth (cell, specs, name, labels)
	{
		RecoScores *scores = reco_measure_one(e, lfirst(cell));

		scores->label = lfirst(name);
		tell_unpredicted(scores);
		predicted = predicted || scores->spec->predicts_value;
		if (popular == NULL && scores->spec->algorithm == &reco_algorithm_popular)
			popular = scores;
		all = lappend(all, scores);
	}
	if (predicted)
		all = list_concat(all, reco_measure_baselines(e));
	reco_report(e, all, popular, by_activity, add_row, rows);
}

static Datum
evaluate(FunctionCallInfo fcinfo, bool of_table, Reader reader)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco evaluation", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	RecoBudget budget;
	RecoMeasurement e = {&budget};
	RecoRows rows;
	RecoDataOptions options;
	RecoQuery source = {&reco_the_source};
	RecoQuery items = {&reco_the_items};
	List *specs;
	ListCell *cell;
	bool features = false;
	bool times = false;

	check_arguments(fcinfo);
	rows = reco_rows_begin(fcinfo, reco_report_types, RECO_REPORT_COLUMNS);
	read_cutoffs(&e, PG_GETARG_ARRAYTYPE_P(4));
	specs = with_popularity(reader(PG_GETARG_DATUM(1)));
	reco_data_options_parse(PG_GETARG_JSONB_P(6), &options);
	foreach (cell, specs)
	{
		const RecoSpec *spec = lfirst(cell);

		reco_data_check_values(&options, spec);
		if (spec->features == RECO_FEATURES_REQUIRED && PG_ARGISNULL(ARG_ITEMS))
			reco_features_missing(spec);
		features = features || spec->features != RECO_FEATURES_NONE;
		times = times || (reco_spec_reads(spec) & RECO_READS_TIMES);
	}
	reco_budget_init(&budget, context);
	SPI_connect();
	source.text =
		of_table ? reco_table_source(PG_GETARG_OID(0)) : text_to_cstring(PG_GETARG_TEXT_PP(0));
	items.text =
		features && !PG_ARGISNULL(ARG_ITEMS) ? text_to_cstring(PG_GETARG_TEXT_PP(ARG_ITEMS)) : NULL;
	e.data = reco_read_source(&source, &items, true, times, &options, &budget);
	SPI_finish();
	MemoryContextSwitchTo(context);
	e.metrics = reco_report_metrics;
	if (!reco_measure_split(&e, PG_GETARG_FLOAT8(3), (uint64) PG_GETARG_INT64(7)))
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
						errmsg("source has too few interactions to evaluate on"),
						errdetail("No user has an interaction to spare for the test.")));
	report(&e, specs, PG_GETARG_BOOL(ARG_BY_ACTIVITY), &rows);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

Datum
reco_evaluate(PG_FUNCTION_ARGS)
{
	return evaluate(fcinfo, false, read_array);
}

Datum
reco_evaluate_one(PG_FUNCTION_ARGS)
{
	return evaluate(fcinfo, false, read_one);
}

Datum
reco_evaluate_text(PG_FUNCTION_ARGS)
{
	return evaluate(fcinfo, false, read_text);
}

Datum
reco_evaluate_table(PG_FUNCTION_ARGS)
{
	return evaluate(fcinfo, true, read_array);
}

Datum
reco_evaluate_table_one(PG_FUNCTION_ARGS)
{
	return evaluate(fcinfo, true, read_one);
}

Datum
reco_evaluate_table_text(PG_FUNCTION_ARGS)
{
	return evaluate(fcinfo, true, read_text);
}
