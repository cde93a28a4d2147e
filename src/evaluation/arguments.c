/*
 * arguments.c
 *	  What the functions that evaluate share: their arguments, and reading what these name.
 *
 * A source is a query or a table, and algorithms are one, many or a text: of which type an
 * argument is says the call.
 */
#include "evaluation/arguments.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "store/image/prior.h"
#include "store/tables/layout.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

RecoTrial *
reco_trial_make(MemoryContext parent)
{
	MemoryContext context =
		AllocSetContextCreate(parent, "reco evaluation", ALLOCSET_DEFAULT_SIZES);
	RecoTrial *trial = MemoryContextAllocZero(context, sizeof(RecoTrial));

	trial->context = context;
	reco_budget_init(&trial->budget, context);
	trial->e.budget = &trial->budget;
	return trial;
}

int
reco_read_cutoffs(ArrayType *array, int32 *out)
{
	int n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	if (ARR_NDIM(array) != 1 || array_contains_nulls(array) || n > RECO_MAX_CUTOFFS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("cutoffs must be an array of 1 to %d numbers without nulls",
							   RECO_MAX_CUTOFFS),
						errhint("Cutoffs are lengths of lists, such as '{5, 10, 20}'.")));
	for (int c = 0; c < n; c++)
	{
		out[c] = ((int32 *) ARR_DATA_PTR(array))[c];
		if (out[c] < 1 || out[c] > RECO_MAX_CUTOFF)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("cutoff %d is out of range", out[c]),
							errhint("A cutoff is a length of a list: 1 to %d.", RECO_MAX_CUTOFF)));
	}
	return n;
}

/* The type of an argument as it is written in the call, without its domain. */
static Oid
type_of(FunctionCallInfo fcinfo, int argument)
{
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, argument);

	return OidIsValid(type) ? getBaseType(type) : InvalidOid;
}

static List *
read_array(ArrayType *array, const char *name)
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
							errmsg("%s must not contain nulls", name),
							errhint("Leave the nulls out: array_remove() does.")));
		specs = lappend(specs, reco_spec_parse(DatumGetJsonbP(values[i])));
	}
	return specs;
}

/* An array or JSON in a text, or an error that says how algorithms are written. */
static List *
read_text(char *given, const char *name, bool *one)
{
	const char *inner = given + strspn(given, " \t\r\n{");
	Oid type = get_array_type(reco_type_oid("algorithm"));
	Oid input;
	Oid parameter;

	/* what is quoted first is a key, or an element, which is an object */
	*one = inner == given || inner[-1] != '{' || (inner[0] == '"' && inner[1] != '{') ||
		   !OidIsValid(type);
	if (*one)
		return list_make1(reco_spec_parse(reco_algorithm_from_text(given)));
	getTypeInputInfo(type, &input, &parameter);
	return read_array(DatumGetArrayTypeP(OidInputFunctionCall(input, given, parameter, -1)), name);
}

List *
reco_read_algorithms(FunctionCallInfo fcinfo, int argument, const char *name, bool *one)
{
	Oid type = type_of(fcinfo, argument);
	Oid element;

	reco_require_argument(fcinfo, argument, name);
	*one = type == JSONBOID;
	if (type == JSONBOID)
		return list_make1(reco_spec_parse(PG_GETARG_JSONB_P(argument)));
	if (type == TEXTOID)
		return read_text(text_to_cstring(PG_GETARG_TEXT_PP(argument)), name, one);
	element = get_element_type(type);
	if (OidIsValid(element) && getBaseType(element) == JSONBOID)
		return read_array(PG_GETARG_ARRAYTYPE_P(argument), name);
	ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
					errmsg("%s must be an algorithm or an array of them, not of type %s", name,
						   format_type_be(type)),
					errhint("Make one with a function such as reco.ials(), and an array as "
							"ARRAY[reco.ials(), reco.item_knn()].")));
	return NIL;
}

List *
reco_with_popularity(List *specs)
{
	ListCell *cell;

	foreach (cell, specs)
		if (((RecoSpec *) lfirst(cell))->algorithm == &reco_algorithm_popular)
			return specs;
	return lappend(specs, reco_spec_plain(&reco_algorithm_popular));
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
read_split(FunctionCallInfo fcinfo, int first)
{
	/* in the order of their kinds */
	static const char *const splits[] = {"random",    "last",        "time",
										 "next_item", "last_basket", NULL};
	static const char *const unknowns[] = {"skip", "miss", "popular", NULL};
	RecoSplit split = {.rule = {.kind = choice(fcinfo, first + RECO_ARG_SPLIT, "split", splits)}};
	bool cut = !PG_ARGISNULL(first + RECO_ARG_CUT);
	bool test = !PG_ARGISNULL(first + RECO_ARG_TEST);
	const char *given = splits[split.rule.kind];
	bool basket = split.rule.kind == RECO_SPLIT_LAST_BASKET;

	if (cut && test)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("cut and test cannot be given together"),
						errhint("What is to be found is either what comes at the cut and after it, "
								"or the test.")));
	if ((cut && (split.rule.kind == RECO_SPLIT_LAST || basket)) ||
		(test && split.rule.kind != RECO_SPLIT_RANDOM))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s cannot be given with split \"%s\"", cut ? "cut" : "test", given),
						errhint("Leave out the split: %s is one.", cut ? "a cut" : "a test")));
	if (cut && split.rule.kind != RECO_SPLIT_NEXT_ITEM)
		split.rule.kind = RECO_SPLIT_TIME;
	if (test)
		split.rule.kind = RECO_SPLIT_GIVEN;
	split.rule.has_cut = cut;
	split.rule.one = split.rule.kind == RECO_SPLIT_LAST && PG_ARGISNULL(first + RECO_ARG_FRACTION);
	split.rule.seed = (uint64) PG_GETARG_INT64(first + RECO_ARG_SEED);
	split.unknown = choice(fcinfo, first + RECO_ARG_UNKNOWN, "value of unknown", unknowns);
	if (cut || test || split.rule.one || basket)
		return split;
	reco_require_argument(fcinfo, first + RECO_ARG_FRACTION, "test_fraction");
	split.rule.fraction = PG_GETARG_FLOAT8(first + RECO_ARG_FRACTION);
	if (!(split.rule.fraction > 0 && split.rule.fraction < 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("test_fraction must be between 0 and 1"),
						errhint("It is the part to be found: 0.2 hides a fifth.")));
	return split;
}

char *
reco_read_source_argument(FunctionCallInfo fcinfo, int argument, const RecoQueryKind *kind)
{
	Oid type = type_of(fcinfo, argument);
	char category;
	bool preferred;
	Oid output;
	bool varlena;

	if (type == REGCLASSOID)
		return reco_table_source(PG_GETARG_OID(argument));
	get_type_category_preferred(type, &category, &preferred);
	if (category != TYPCATEGORY_STRING)
		ereport(
			ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("source must be a text or a regclass, not of type %s", format_type_be(type)),
			 errhint("Give the name of a table or view, or a SELECT whose columns are %s.",
					 kind->columns)));
	getTypeOutputInfo(type, &output, &varlena);
	return OidOutputFunctionCall(output, PG_GETARG_DATUM(argument));
}

void
reco_trial_arguments(FunctionCallInfo fcinfo, int first, RecoTrial *trial)
{
	static const char *const names[RECO_ARG_OTHERS] = {
		[RECO_ARG_SOURCE] = "source",   [RECO_ARG_SPLIT] = "split",
		[RECO_ARG_OPTIONS] = "options", [RECO_ARG_SEED] = "seed",
		[RECO_ARG_UNKNOWN] = "unknown",
	};
	MemoryContext old = MemoryContextSwitchTo(trial->context);

	for (int i = 0; i < lengthof(names); i++)
		if (names[i])
			reco_require_argument(fcinfo, first + i, names[i]);
	trial->source = reco_read_source_argument(fcinfo, first + RECO_ARG_SOURCE, &reco_the_source);
	trial->items = reco_text_or_null(fcinfo, first + RECO_ARG_ITEMS);
	trial->test = reco_text_or_null(fcinfo, first + RECO_ARG_TEST);
	trial->split = read_split(fcinfo, first);
	if (trial->split.rule.has_cut)
		trial->cut = PG_GETARG_TIMESTAMPTZ(first + RECO_ARG_CUT);
	reco_data_options_parse(PG_GETARG_JSONB_P(first + RECO_ARG_OPTIONS), &trial->options);
	MemoryContextSwitchTo(old);
}

/* What the algorithms need of the source, and of the items. */
static RecoFeatureUse
needs(RecoTrial *trial, const List *specs, unsigned *keep)
{
	RecoFeatureUse features = RECO_FEATURES_NONE;
	ListCell *cell;

	foreach (cell, specs)
	{
		const RecoSpec *spec = lfirst(cell);

		reco_data_check_values(&trial->options, spec);
		if (spec->features == RECO_FEATURES_REQUIRED && trial->items == NULL)
			reco_features_missing(spec);
		features = Max(features, spec->features);
		*keep |= reco_data_keep(spec, &trial->options);
		/* its training part is split once more */
		if (reco_spec_is_chosen(spec))
		{
			*keep |= RECO_KEEP_TIMES | RECO_KEEP_REPEATS;
			trial->split.rule.keep_repeats = true;
		}
	}
	return features;
}

void
reco_trial_read(RecoTrial *trial, const List *specs, bool all)
{
	MemoryContext old = MemoryContextSwitchTo(trial->context);
	RecoQuery source = {&reco_the_source, trial->source};
	RecoQuery items = {&reco_the_items};
	RecoQuery test = {&reco_the_test, trial->test};
	RecoData *data;
	RecoFeatureUse use;
	unsigned keep = reco_split_keep(&trial->split) | (all ? RECO_KEEP_TIMES : 0);
	ListCell *cell;

	use = needs(trial, specs, &keep);
	if (all)
		use = Max(use, RECO_FEATURES_OPTIONAL);
	if (use != RECO_FEATURES_NONE)
		items.text = trial->items;
	SPI_connect();
	reco_priors_check(specs, NULL);
	data = reco_read_source(&source, &items, use, NULL, keep, &trial->options, &trial->budget);
	reco_priors_read(specs, NULL, data, &trial->budget);
	trial->e.data = data;
	if (test.text)
		trial->split.test = reco_read_test(&test, &trial->options, &trial->budget);
	SPI_finish();
	foreach (cell, specs)
		if (((const RecoSpec *) lfirst(cell))->algorithm != &reco_algorithm_popular)
			reco_data_tell_order(trial->e.data, lfirst(cell));
	if (trial->split.rule.has_cut && trial->e.data->has_time)
		trial->split.rule.cut = reco_split_cut(trial->e.data, trial->cut);
	MemoryContextSwitchTo(old);
}

void
reco_trial_split(RecoTrial *trial)
{
	MemoryContext old = MemoryContextSwitchTo(trial->context);
	RecoMeasurement *e = &trial->e;

	if (!reco_measure_split(e, &trial->split))
		reco_split_require(&trial->split, e->data, &e->counts);
	reco_split_tell(&trial->split, e->data, &e->counts);
	MemoryContextSwitchTo(old);
}
