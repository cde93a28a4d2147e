/*
 * into.c
 *	  reco.evaluate_into(): an evaluation whose rows go to a table.
 *
 * Outside a transaction block these are three transactions: the table is made or looked at, and
 * the source read; then algorithms are trained and measured, without a snapshot, so that hours of
 * it do not hold back vacuum; at the end all rows are written, in one transaction: how far an
 * algorithm is from the best is not known before the last.  Inside a block all happens in the
 * caller's transaction.
 *
 * The table is written to as the caller, by an INSERT that names its columns: it may have others,
 * be partitioned or a view, wherever that INSERT works.  At the end it is found by what it is, not
 * by its name.
 *
 * Cost: that of the evaluation.
 */
#include "evaluation/compare.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "parser/parse_coerce.h"
#include "pg/transaction.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/portal.h"
#include "utils/regproc.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include <math.h>

RECO_FUNCTION(reco_evaluate_into);

#define ARG_RESULTS 0
#define ARG_FIRST 1
#define ARG_LABEL (ARG_FIRST + RECO_ARG_OTHERS + 1)

#define COLUMNS (RECO_REPORT_COLUMNS + 2)

/* Those of a report, and two more. */
static const char *const columns[COLUMNS] = {
	"algorithm", "metric",          "k",
	"value",     "error",           "users",
	"activity",  "over_popular",    "over_popular_error",
	"over_best", "over_best_error", "evaluated_at",
	"label",
};

typedef struct Into
{
	RecoComparison comparison;
	Oid table;
	const char *name; /* as it was given */
	SPIPlanPtr insert;
	TimestampTz evaluated_at;
	const char *label; /* NULL: none */
} Into;

static Oid
type_of_column(int column)
{
	if (column < RECO_REPORT_COLUMNS)
		return reco_report_types[column];
	return column == RECO_REPORT_COLUMNS ? TIMESTAMPTZOID : TEXTOID;
}

static void
execute(const char *sql, int expected)
{
	int result = SPI_execute(sql, false, 0);

	if (result != expected)
		elog(ERROR, "could not execute \"%s\": %s", sql, SPI_result_code_string(result));
}

static void
create_table(const char *name)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE TABLE %s (", name);
	for (int c = 0; c < COLUMNS; c++)
		appendStringInfo(&sql, "%s%s %s", c > 0 ? ", " : "", columns[c],
						 format_type_be_qualified(type_of_column(c)));
	appendStringInfoChar(&sql, ')');
	execute(sql.data, SPI_OK_UTILITY);
}

/* INSERT INTO table (columns) and then "$1, $2, ..." or NULLs of the types of the columns. */
static char *
insert_text(const char *name, bool nulls)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "INSERT INTO %s (", name);
	for (int c = 0; c < COLUMNS; c++)
		appendStringInfo(&sql, "%s%s", c > 0 ? ", " : "", columns[c]);
	appendStringInfoString(&sql, ") SELECT ");
	for (int c = 0; c < COLUMNS; c++)
		if (nulls)
			appendStringInfo(&sql, "%sNULL::%s", c > 0 ? ", " : "",
							 format_type_be_qualified(type_of_column(c)));
		else
			appendStringInfo(&sql, "%s$%d", c > 0 ? ", " : "", c + 1);
	return sql.data;
}

/* What to do about a table that has other columns (an error callback). */
static void
tell_columns(void *arg)
{
	int code = geterrcode();

	if (code == ERRCODE_UNDEFINED_COLUMN || code == ERRCODE_DATATYPE_MISMATCH)
		errhint("Give a name that is free, and the table is made; one that is there needs the "
				"columns of reco.evaluate(), and evaluated_at and label.");
}

/*
 * Whether a column takes all values of a type.  An INSERT would do with an assignment cast, which
 * may fail for some of them; that of a number to numeric does not.
 */
static bool
takes(Oid type, int32 typmod, Oid ours)
{
	Oid base = getBaseTypeAndTypmod(type, &typmod);

	if (base == ours)
		return true;
	return typmod < 0 && (can_coerce_type(1, &ours, &base, COERCION_IMPLICIT) ||
						  (ours == FLOAT8OID && base == NUMERICOID));
}

static void
check_types(const Into *into)
{
	for (int c = 0; c < COLUMNS; c++)
	{
		Oid type;
		Oid collation;
		int32 typmod;

		get_atttypetypmodcoll(into->table, get_attnum(into->table, columns[c]), &type, &typmod,
							  &collation);
		if (!takes(type, typmod, type_of_column(c)))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" of \"%s\" is of type %s, which does not take every "
							"value of type %s",
							columns[c], into->name, format_type_with_typemod(type, typmod),
							format_type_be(type_of_column(c))),
					 errhint("Change its type to %s.", format_type_be(type_of_column(c)))));
	}
}

/*
 * Makes the table where there is none.  EXPLAIN is as INSERT would be, to rights and columns, but
 * runs no trigger.
 */
static void
prepare_table(Into *into)
{
	ErrorContextCallback callback = {error_context_stack, tell_columns, NULL};
	List *names = reco_name_list(into->name);
	RangeVar *range = makeRangeVarFromNameList(names);
	char *quoted = NameListToQuotedString(names);

	error_context_stack = &callback;
	if (!OidIsValid(RangeVarGetRelid(range, NoLock, true)))
		create_table(quoted);
	execute(psprintf("EXPLAIN %s", insert_text(quoted, true)), SPI_OK_UTILITY);
	error_context_stack = callback.previous;
	into->table = RangeVarGetRelid(range, NoLock, false);
	check_types(into);
}

static void
measured(const RecoScores *scores, int number, int of)
{
	const reco_columns *kept = &scores->kept.columns;
	RecoMetric metric = {RECO_METRIC_NDCG, kept->cutoff[0]};
	reco_estimate estimate;

	if (!reco_scores_mean(scores, &metric, RECO_ACTIVITY_ALL, &estimate))
		ereport(NOTICE, (errmsg("%d of %d: %s", number, of, scores->label)));
	else if (isnan(estimate.error))
		ereport(NOTICE, (errmsg("%d of %d: %s: %s %.4g", number, of, scores->label,
								reco_metric_text(&metric), estimate.value)));
	else
		ereport(NOTICE,
				(errmsg("%d of %d: %s: %s %.4g, with an error of %.2g", number, of, scores->label,
						reco_metric_text(&metric), estimate.value, estimate.error)));
}

static void
write_row(void *arg, Datum *values, bool *nulls)
{
	Into *into = arg;
	Datum all[COLUMNS];
	char absent[COLUMNS];
	int result;

	for (int c = 0; c < RECO_REPORT_COLUMNS; c++)
	{
		all[c] = values[c];
		absent[c] = nulls[c] ? 'n' : ' ';
	}
	all[RECO_REPORT_COLUMNS] = TimestampTzGetDatum(into->evaluated_at);
	absent[RECO_REPORT_COLUMNS] = ' ';
	all[RECO_REPORT_COLUMNS + 1] = into->label ? CStringGetTextDatum(into->label) : (Datum) 0;
	absent[RECO_REPORT_COLUMNS + 1] = into->label ? ' ' : 'n';
	result = SPI_execute_plan(into->insert, all, absent, false, 0);
	/* what a rule does instead is no less than was asked for */
	if (result != SPI_OK_INSERT && result != SPI_OK_REWRITTEN)
		elog(ERROR, "could not write to \"%s\": %s", into->name, SPI_result_code_string(result));
}

static void
write_rows(Into *into, const RecoCompared *compared)
{
	char *table = get_rel_name(into->table);
	char *schema = table ? get_namespace_name(get_rel_namespace(into->table)) : NULL;
	Oid types[COLUMNS];

	if (schema == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"%s\" was dropped while algorithms were evaluated", into->name),
				 errhint("Call reco.evaluate_into() again: it makes the table anew.")));
	for (int c = 0; c < COLUMNS; c++)
		types[c] = type_of_column(c);
	into->insert =
		SPI_prepare(insert_text(quote_qualified_identifier(schema, table), false), COLUMNS, types);
	if (into->insert == NULL)
		elog(ERROR, "could not write to \"%s\": %s", into->name,
			 SPI_result_code_string(SPI_result));
	reco_compared_report(&into->comparison, compared);
	SPI_freeplan(into->insert);
}

/* Holds an SPI connection. */
static void
run(Into *into, bool atomic)
{
	RecoComparison *comparison = &into->comparison;
	RecoCompared compared;

	PushActiveSnapshot(GetTransactionSnapshot());
	prepare_table(into);
	reco_trial_read(comparison->trial, comparison->specs, false);
	PopActiveSnapshot();
	if (!atomic)
		reco_commit();
	compared = reco_compare(comparison);
	PushActiveSnapshot(GetTransactionSnapshot());
	write_rows(into, &compared);
	PopActiveSnapshot();
	if (!atomic)
		reco_commit();
}

Datum
reco_evaluate_into(PG_FUNCTION_ARGS)
{
	bool atomic = reco_is_atomic(fcinfo);
	RecoTrial *trial = reco_trial_make(atomic ? CurrentMemoryContext : PortalContext);
	MemoryContext old = MemoryContextSwitchTo(trial->context);
	Into into = {
		.comparison = {.trial = trial, .measured = measured, .add = write_row, .arg = &into},
		.evaluated_at = GetCurrentStatementStartTimestamp(),
	};

	PreventCommandIfReadOnly("CALL reco.evaluate_into");
	into.name = reco_text_of(fcinfo, ARG_RESULTS, "results");
	into.label = reco_text_or_null(fcinfo, ARG_LABEL);
	reco_comparison_arguments(fcinfo, ARG_FIRST, &into.comparison);
	MemoryContextSwitchTo(old);
	SPI_connect_ext(atomic ? 0 : SPI_OPT_NONATOMIC);
	run(&into, atomic);
	SPI_finish();
	MemoryContextDelete(trial->context);
	PG_RETURN_NULL();
}
