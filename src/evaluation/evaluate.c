/*
 * evaluate.c
 *	  reco.evaluate(): what would the algorithms have recommended?
 *
 * The measuring is in measure.c.  Popularity is always measured beside: an algorithm that
 * does not beat it has learnt nothing.  The source is the caller's own text and runs as the
 * caller.
 */
#include "evaluation/measure.h"

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

/* What is reported, in this order. */
static const reco_metric of_values[] = {RECO_METRIC_RMSE, RECO_METRIC_MAE};
static const reco_metric of_lists[] = {RECO_METRIC_PRECISION, RECO_METRIC_RECALL, RECO_METRIC_NDCG,
									   RECO_METRIC_HIT_RATE, RECO_METRIC_COVERAGE};

static void
report(RecoRows *rows, const RecoScores *scores, reco_metric kind, int32 k)
{
	RecoMetric metric = {kind, k};
	reco_estimate estimate;

	if (reco_scores_mean(scores, &metric, RECO_ACTIVITY_ALL, &estimate))
	{
		Datum values[5] = {CStringGetTextDatum(reco_spec_describe(scores->spec)),
						   CStringGetTextDatum(reco_metric_name(kind)), Int32GetDatum(k),
						   Float8GetDatum(estimate.value), Int32GetDatum(estimate.users)};
		bool nulls[5] = {false, false, k == 0, false, false};

		reco_rows_add(rows, values, nulls);
	}
}

static void
report_all(RecoRows *rows, const RecoMeasurement *e, const RecoScores *scores)
{
	for (int m = 0; m < lengthof(of_values); m++)
		report(rows, scores, of_values[m], 0);
	for (int c = 0; c < e->cutoffs; c++)
		for (int m = 0; m < lengthof(of_lists); m++)
			report(rows, scores, of_lists[m], e->cutoff[c]);
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
	static const char *const names[] = {"source",  "algorithms", "split",   "test_fraction",
										"cutoffs", "items",      "options", "seed"};

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
	rows = reco_rows_begin(fcinfo, (Oid[]){TEXTOID, TEXTOID, INT4OID, FLOAT8OID, INT4OID}, 5);
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
	for (int m = 0; m < lengthof(of_values); m++)
		e.metrics |= RECO_METRIC_BIT(of_values[m]);
	for (int m = 0; m < lengthof(of_lists); m++)
		e.metrics |= RECO_METRIC_BIT(of_lists[m]);
	if (!reco_measure_split(&e, PG_GETARG_FLOAT8(3), (uint64) PG_GETARG_INT64(7)))
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
						errmsg("source has too few interactions to evaluate on"),
						errdetail("No user has an interaction to spare for the test.")));
	foreach (cell, specs)
		reco_measure_expect(&e, lfirst(cell));
	foreach (cell, specs)
		report_all(&rows, &e, reco_measure_one(&e, lfirst(cell)));
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
