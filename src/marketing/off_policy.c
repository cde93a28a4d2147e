/*
 * off_policy.c
 *	  reco.off_policy(): what another model would have got, by a log of what was shown by chance.
 *
 * One statement around the query adds up what core/inference/policy.h needs: sums of each user, and
 * their products over users.  The executor groups in work_mem and spills to disk.  Sums are of
 * numeric, so that they do not depend on the order of the rows.
 *
 * Cost: a grouping of all rows by user.
 */
#include "marketing/reading.h"

#include "catalog/pg_type.h"
#include "core/inference/normal.h"
#include "core/inference/policy.h"
#include "executor/spi.h"
#include "pg/rows.h"
#include "store/ids/ident.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include <math.h>

RECO_FUNCTION(reco_off_policy);

#define COLUMNS 9

static const RecoQueryKind the_log = {
	"the log", "log", "user_id, propensity, target, reward [, predicted, target_predicted]"};

/* What rows of a log may not be, in the order in which they are counted. */
static const char *const wrong[] = {
	"propensity must be above 0 and at most 1",
	"target must be a number from 0 to 1",
	"reward must be a number from -1e18 to 1e18",
	"predictions must be numbers from -1e18 to 1e18",
};
static const char *const hint[] = {
	"It is how likely the item was to be shown, as a model's expose() tells it.",
	"It is how likely the other model would show the item: 1 where it is in its list, 0 where not.",
	"It is what came of showing the item: coalesce(..., 0) where that is nothing.",
	"predicted is a prediction of reward, target_predicted one of what the other model would get.",
};

/* The columns of the statement that reads. */
enum
{
	COL_USERS = 1,
	COL_UNKNOWN, /* rows without a propensity, or a user */
	COL_WRONG,
	COL_WEIGHTS = COL_WRONG + lengthof(wrong),
	COL_GAINS,
	COL_GAINS_SQUARED,
	COL_SUMS,
	COL_PRODUCTS = COL_SUMS + RECO_POLICY_SUMS
};

/* A column as float8: numbers, and true for 1. */
static char *
number_column(const RecoReading *log, const char *name)
{
	int column = reco_reading_column(log, name, true);
	Oid type = TupleDescAttr(log->columns, column)->atttypid;
	char *number;

	if (getBaseType(type) == BOOLOID)
		return psprintf("e.%s::pg_catalog.int4::pg_catalog.float8", name);
	number = reco_reading_number(psprintf("e.%s", name), type, false);
	if (number == NULL)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column \"%s\" of %s must be a number, not of type %s", name,
							   log->kind->name, format_type_be(type))));
	return number;
}

static void
check_user(Form_pg_attribute user)
{
	IdType type;

	if (!id_type_find(&type, user->atttypid, user->atttypmod, user->attcollation))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("type %s cannot identify users", format_type_be(user->atttypid)),
						errhint("Ids may be integers, numeric, uuid, text, date and the like.")));
}

static char *
statement(const RecoReading *log, bool predicted)
{
	static const char *const name[] = {"n", "r", "w", "a", "d"};
	StringInfoData sql;

	check_user(TupleDescAttr(log->columns, reco_reading_column(log, "user_id", true)));
	initStringInfo(&sql);
	appendStringInfo(&sql,
					 "WITH log AS (SELECT e.user_id AS u, %s AS p, %s AS q, %s AS r, %s AS f, %s "
					 "AS m FROM (%s\n) "
					 "AS e), "
					 "checked AS (SELECT *, u IS NULL OR p IS NULL AS unknown, "
					 "p OPERATOR(pg_catalog.>) 0 AND p OPERATOR(pg_catalog.<=) 1 AS p_right, "
					 "q OPERATOR(pg_catalog.>=) 0 AND q OPERATOR(pg_catalog.<=) 1 AS q_right, "
					 "pg_catalog.abs(r) OPERATOR(pg_catalog.<=) 1e18 AS r_right, "
					 "pg_catalog.abs(f) OPERATOR(pg_catalog.<=) 1e18 "
					 "AND pg_catalog.abs(m) OPERATOR(pg_catalog.<=) 1e18 AS f_right FROM log), ",
					 number_column(log, "propensity"), number_column(log, "target"),
					 number_column(log, "reward"),
					 predicted ? number_column(log, "predicted") : "0.0",
					 predicted ? number_column(log, "target_predicted") : "0.0", log->text);
	/* a weight is at most 1e30, so that no square of a gain is infinite */
	appendStringInfoString(
		&sql,
		"weighed AS (SELECT *, CASE WHEN p_right AND q_right AND r_right AND f_right AND NOT "
		"unknown "
		"THEN (q OPERATOR(pg_catalog./) CASE WHEN p OPERATOR(pg_catalog.>) 1e-30 THEN p ELSE 1e-30 "
		"END)::pg_catalog.numeric END AS w FROM checked), "
		"each AS (SELECT u, pg_catalog.count(*) FILTER (WHERE unknown) AS unknown, "
		"pg_catalog.count(*) FILTER (WHERE NOT unknown AND p_right IS NOT TRUE) AS x0, "
		"pg_catalog.count(*) FILTER (WHERE q_right IS NOT TRUE) AS x1, "
		"pg_catalog.count(*) FILTER (WHERE r_right IS NOT TRUE) AS x2, "
		"pg_catalog.count(*) FILTER (WHERE f_right IS NOT TRUE) AS x3, "
		"pg_catalog.count(w)::pg_catalog.numeric AS n, "
		"pg_catalog.sum(CASE WHEN w IS NOT NULL THEN r::pg_catalog.numeric END) AS r, "
		"pg_catalog.sum(w) AS w, "
		"pg_catalog.sum(w OPERATOR(pg_catalog.*) CASE WHEN r_right THEN r::pg_catalog.numeric END) "
		"AS a, "
		"pg_catalog.sum(CASE WHEN w IS NOT NULL THEN m::pg_catalog.numeric OPERATOR(pg_catalog.+) "
		"(w OPERATOR(pg_catalog.*) (r::pg_catalog.numeric OPERATOR(pg_catalog.-) "
		"f::pg_catalog.numeric)) END) AS d, "
		"pg_catalog.sum(w OPERATOR(pg_catalog.*) w) AS ww, "
		"pg_catalog.sum(CASE WHEN w IS NOT NULL THEN pg_catalog.abs(w OPERATOR(pg_catalog.*) "
		"r::pg_catalog.numeric) END) AS g, "
		"pg_catalog.sum(CASE WHEN w IS NOT NULL THEN w OPERATOR(pg_catalog.*) w "
		"OPERATOR(pg_catalog.*) r::pg_catalog.numeric OPERATOR(pg_catalog.*) "
		"r::pg_catalog.numeric END) AS gg FROM weighed GROUP BY u) "
		"SELECT pg_catalog.count(*) FILTER (WHERE n OPERATOR(pg_catalog.>) 0)::pg_catalog.float8, "
		"pg_catalog.sum(unknown)::pg_catalog.float8, pg_catalog.sum(x0)::pg_catalog.float8, "
		"pg_catalog.sum(x1)::pg_catalog.float8, pg_catalog.sum(x2)::pg_catalog.float8, "
		"pg_catalog.sum(x3)::pg_catalog.float8, pg_catalog.sum(ww)::pg_catalog.float8, "
		"pg_catalog.sum(g)::pg_catalog.float8, pg_catalog.sum(gg)::pg_catalog.float8");
	for (int a = 0; a < RECO_POLICY_SUMS; a++)
		appendStringInfo(&sql, ", pg_catalog.sum(%s)::pg_catalog.float8", name[a]);
	for (int a = 0; a < RECO_POLICY_SUMS; a++)
		for (int b = 0; b < RECO_POLICY_SUMS; b++)
			appendStringInfo(&sql,
							 ", pg_catalog.sum(%s OPERATOR(pg_catalog.*) %s)::pg_catalog.float8",
							 name[a], name[b]);
	appendStringInfoString(&sql, " FROM each");
	return sql.data;
}

static double
number_of(int column)
{
	bool null;
	Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &null);

	return null ? 0 : DatumGetFloat8(value);
}

static void
tell_wrong(void)
{
	for (int k = 0; k < lengthof(wrong); k++)
	{
		double rows = number_of(COL_WRONG + k);

		if (rows > 0)
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("%s", wrong[k]),
							errdetail_internal("%.0f rows of the log have another.", rows),
							errhint("%s", hint[k])));
	}
	if (number_of(COL_UNKNOWN) > 0)
		ereport(NOTICE, (errmsg("some of the log is left out"),
						 errdetail_internal("%.0f rows have no propensity, or no user.",
											number_of(COL_UNKNOWN))));
}

static bool
read_log(const char *text, reco_policy_log *log)
{
	RecoReading reading = reco_reading(&the_log, text);
	bool predicted = reco_reading_column(&reading, "predicted", false) >= 0;
	int result = SPI_execute(statement(&reading, predicted), false, 0);

	if (result != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not read the log: %s", SPI_result_code_string(result));
	tell_wrong();
	log->users = number_of(COL_USERS);
	log->weights_squared = number_of(COL_WEIGHTS);
	log->gains = number_of(COL_GAINS);
	log->gains_squared = number_of(COL_GAINS_SQUARED);
	for (int a = 0; a < RECO_POLICY_SUMS; a++)
	{
		log->sum[a] = number_of(COL_SUMS + a);
		for (int b = 0; b < RECO_POLICY_SUMS; b++)
			log->product[a][b] = number_of(COL_PRODUCTS + a * RECO_POLICY_SUMS + b);
	}
	return predicted;
}

/* Why nothing is told; NULL: it is. */
static char *
message_of(const reco_policy_answer *answer)
{
	switch (answer->verdict)
	{
		case RECO_POLICY_NOT_SHOWN:
			return psprintf("the other model shows what was never explored: weights are %.3g on "
							"average, not 1",
							answer->weight.value);
		case RECO_POLICY_NOT_LIKELY:
			return psprintf("propensities are too low, or targets too many: weights are %.3g on "
							"average, not 1",
							answer->weight.value);
		case RECO_POLICY_TOO_FEW:
			return psprintf(
				"too little was explored: %.0f shown and %.0f rewards are what the log is "
				"worth, and %d and %d are needed",
				floor(answer->effective), floor(answer->effective_gains), RECO_POLICY_LEAST,
				RECO_POLICY_LEAST_GAINS);
		default:
			return NULL;
	}
}

static void
add_row(RecoRows *rows, const char *estimator, const reco_measured *m, double effective,
		const reco_policy_log *log, const char *message)
{
	double number[] = {m->value, sqrt(m->variance), m->low, m->high, effective};
	Datum values[COLUMNS];
	bool nulls[COLUMNS] = {false};

	values[0] = CStringGetTextDatum(estimator);
	for (int k = 0; k < lengthof(number); k++)
	{
		nulls[k + 1] = !isfinite(number[k]) || (message && k < 4);
		values[k + 1] = Float8GetDatum(nulls[k + 1] ? 0 : number[k]);
	}
	values[6] = Int64GetDatum((int64) log->users);
	values[7] = Int64GetDatum((int64) log->sum[RECO_POLICY_N]);
	nulls[8] = message == NULL;
	values[8] = message ? CStringGetTextDatum(message) : (Datum) 0;
	reco_rows_add(rows, values, nulls);
}

Datum
reco_off_policy(PG_FUNCTION_ARGS)
{
	char *text = reco_text_of(fcinfo, 0, "log");
	reco_policy_log log = {0};
	reco_policy_answer answer;
	RecoRows rows;
	double confidence;
	bool predicted;
	char *message;

	reco_require_argument(fcinfo, 1, "confidence");
	confidence = PG_GETARG_FLOAT8(1);
	if (!(confidence > 0 && confidence < 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("confidence must be between 0 and 1")));
	rows = reco_rows_begin(fcinfo,
						   (Oid[]){TEXTOID, FLOAT8OID, FLOAT8OID, FLOAT8OID, FLOAT8OID, FLOAT8OID,
								   INT8OID, INT8OID, TEXTOID},
						   COLUMNS);
	SPI_connect();
	predicted = read_log(text, &log);
	SPI_finish();
	if (!(log.users > 0))
	{
		ereport(NOTICE, (errmsg("the log has no rows with a propensity")));
		return (Datum) 0;
	}
	reco_policy_estimate(&log, reco_normal_quantile(0.5 + confidence / 2), &answer);
	message = message_of(&answer);
	add_row(&rows, "logged", &answer.logged, log.sum[RECO_POLICY_N], &log, NULL);
	add_row(&rows, "ips", &answer.weighted, answer.effective, &log, message);
	add_row(&rows, "snips", &answer.normalized, answer.effective, &log, message);
	if (predicted)
		add_row(&rows, "dr", &answer.robust, answer.effective, &log, message);
	return (Datum) 0;
}
