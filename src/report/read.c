/*
 * read.c
 *	  What a report reads of a model: its definition, its versions, and what the caller may see.
 *
 * The caller's rights say what is read: model and model_version take SELECT, without which there
 * is no report; items and users are read where the caller may SELECT from their tables and call
 * recommend() and explain().  Tables are opened and checked first, and statements on them run as
 * their owner, so that no code of the owner's runs as the caller: planning one calls what is
 * immutable in the conditions of indexes.
 *
 * Cost: the rows of the latest versions.
 */
#include "report/report.h"

#include "access/detoast.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "pg/json.h"
#include "store/source/query.h"
#include "store/tables/rights.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include <math.h>

/* Columns of the query of versions, from 1. */
enum
{
	C_VERSION = 1,
	C_STATUS,
	C_STARTED,
	C_FINISHED,
	C_ROWS_READ,
	C_SKIPPED,
	C_MERGED,
	C_USERS,
	C_ITEMS,
	C_INTERACTIONS,
	C_ALGORITHM,
	C_OPTIONS,
	C_METRICS,
	C_LOSS,
	C_MEMBER_LOSS,
	C_BYTES,
	C_TIMINGS,
	C_MESSAGE,
	C_CHOICE,
	C_COLD_ITEMS,
	C_COLD_USERS,
	C_EPSILON,
	C_CALIBRATION
};

/* Of a column of a version; those of all are read at once. */
#define MOST_BYTES (1024 * 1024)

static const char versions_query[] =
	"SELECT version, status, started_at, finished_at, rows_read, rows_skipped, rows_merged, users, "
	"items, interactions, algorithm::pg_catalog.jsonb, options::pg_catalog.jsonb, metrics, loss, "
	"member_loss, bytes, timings, message, choice, cold_items, cold_users, epsilon, calibration "
	"FROM ONLY %s.model_version ORDER BY version DESC LIMIT %d";

static bool
may_select(Oid schema, RecoTable which)
{
	Relation table = reco_open(schema, which, AccessShareLock);
	bool may = pg_class_aclcheck(RelationGetRelid(table), GetUserId(), ACL_SELECT) == ACLCHECK_OK;

	if (may)
		reco_check_policies(table);
	table_close(table, NoLock);
	return may;
}

static void
require_select(Oid schema, RecoTable which)
{
	if (!may_select(schema, which))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, reco_table_name(which));
}

/* A column of a row, where it lies; false: it is NULL, or so long that it is not looked at. */
static bool
column(HeapTuple tuple, TupleDesc columns, int number, Datum *value)
{
	bool isnull;

	*value = SPI_getbinval(tuple, columns, number, &isnull);
	return !isnull && (TupleDescAttr(columns, number - 1)->attlen != -1 ||
					   toast_raw_datum_size(*value) <= MOST_BYTES);
}

static int64
number_of(HeapTuple tuple, TupleDesc columns, int number)
{
	Datum value;

	if (!column(tuple, columns, number, &value))
		return 0;
	return TupleDescAttr(columns, number - 1)->atttypid == INT8OID ? DatumGetInt64(value)
																   : DatumGetInt32(value);
}

static TimestampTz
moment(HeapTuple tuple, TupleDesc columns, int number)
{
	Datum value;

	return column(tuple, columns, number, &value) ? DatumGetTimestampTz(value) : DT_NOBEGIN;
}

static char *
words(HeapTuple tuple, TupleDesc columns, int number)
{
	Datum value;

	return column(tuple, columns, number, &value) ? TextDatumGetCString(value) : NULL;
}

static Jsonb *
object(HeapTuple tuple, TupleDesc columns, int number)
{
	Datum value;

	return column(tuple, columns, number, &value) ? DatumGetJsonbPCopy(value) : NULL;
}

/* The numbers of the loss that are such. */
static void
take_loss(ReportVersion *version, Datum array)
{
	Datum *element;
	bool *nulls;
	int n;

	deconstruct_array(DatumGetArrayTypeP(array), FLOAT4OID, sizeof(float4), true, TYPALIGN_INT,
					  &element, &nulls, &n);
	version->loss = palloc((n + 1) * sizeof(float));
	for (int k = 0; k < n; k++)
	{
		RECO_POLL_AT(k);
		if (!nulls[k] && isfinite(DatumGetFloat4(element[k])))
			version->loss[version->losses++] = DatumGetFloat4(element[k]);
	}
}

ReportWorth
report_worth(const Jsonb *metrics)
{
	const JsonbContainer *of = metrics ? &metrics->root : NULL;
	ReportWorth worth = {reco_json_text(of, "metric"), NAN, NAN, NULL, NAN, NULL, NAN};
	const JsonbContainer *beside;

	if (worth.metric == NULL)
		return worth;
	worth.value = reco_json_number(of, worth.metric);
	worth.error = reco_json_number(of, psprintf("%s_error", worth.metric));
	worth.split = reco_json_text(of, "split");
	worth.users = reco_json_number(of, "users");
	worth.baseline = reco_json_text(of, "baseline");
	beside = worth.baseline ? reco_json_container(of, worth.baseline) : NULL;
	worth.baseline_value = beside ? reco_json_number(beside, worth.metric) : NAN;
	if (isnan(worth.value))
		worth.metric = NULL;
	return worth;
}

static void
take_version(ReportVersion *version, HeapTuple row, TupleDesc columns)
{
	Datum value;

	version->version = (int32) number_of(row, columns, C_VERSION);
	version->status = words(row, columns, C_STATUS);
	if (version->status == NULL)
		version->status = "unknown";
	version->started_at = moment(row, columns, C_STARTED);
	version->finished_at = moment(row, columns, C_FINISHED);
	version->rows_read = number_of(row, columns, C_ROWS_READ);
	version->rows_skipped = object(row, columns, C_SKIPPED);
	version->rows_merged = number_of(row, columns, C_MERGED);
	version->users = (int32) number_of(row, columns, C_USERS);
	version->items = (int32) number_of(row, columns, C_ITEMS);
	version->interactions = number_of(row, columns, C_INTERACTIONS);
	if (column(row, columns, C_ALGORITHM, &value))
		version->algorithm = reco_spec_call(reco_spec_parse(DatumGetJsonbP(value)));
	version->options = object(row, columns, C_OPTIONS);
	version->metrics = object(row, columns, C_METRICS);
	version->calibration = object(row, columns, C_CALIBRATION);
	if (column(row, columns, C_LOSS, &value))
		take_loss(version, value);
	version->member_loss = object(row, columns, C_MEMBER_LOSS);
	version->bytes = number_of(row, columns, C_BYTES);
	version->timings = object(row, columns, C_TIMINGS);
	version->message = words(row, columns, C_MESSAGE);
	version->choice = object(row, columns, C_CHOICE);
	version->cold_items = (int32) number_of(row, columns, C_COLD_ITEMS);
	version->cold_users = (int32) number_of(row, columns, C_COLD_USERS);
	version->epsilon =
		column(row, columns, C_EPSILON, &value) ? DatumGetFloat8(value) : (double) NAN;
	version->worth = report_worth(version->metrics);
}

static void
read_versions(Report *report)
{
	const ModelRow *model = &report->request.row;
	RecoRunAs owner = reco_run_as(model->owner);
	RecoIdentity before;
	TupleDesc columns;
	MemoryContext spi;

	SPI_connect();
	reco_become(&owner, &before);
	reco_version_check(model->schema);
	if (SPI_execute(psprintf(versions_query, quote_identifier(model->name), REPORT_VERSIONS), true,
					0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the versions of model \"%s\"", model->name);
	reco_return(&before);
	columns = SPI_tuptable->tupdesc;
	spi = MemoryContextSwitchTo(report->context);
	report->versions = (int) SPI_processed;
	report->version = palloc0((report->versions + 1) * sizeof(ReportVersion));
	for (int k = 0; k < report->versions; k++)
	{
		ReportVersion *version = &report->version[report->versions - 1 - k];

		reco_poll();
		take_version(version, SPI_tuptable->vals[k], columns);
		if (version->version == model->active_version && model->active_version != 0)
			report->active = version;
	}
	MemoryContextSwitchTo(spi);
	SPI_finish();
}

void
report_open(Report *report, const char *name, bool whole)
{
	Oid schema = reco_model_schema(name);
	ModelRow *model = &report->request.row;
	AclResult result = reco_schema_aclcheck(schema, GetUserId(), ACL_USAGE);
	bool may_call;

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_SCHEMA, get_namespace_name(schema));
	require_select(schema, RECO_TABLE_MODEL);
	require_select(schema, RECO_TABLE_VERSION);
	reco_model_read(schema, GetActiveSnapshot(), model);
	if (model->algorithm == NULL)
		reco_damaged(schema, "Its definition is not complete.");
	read_versions(report);
	if (!whole)
		return;
	may_call = reco_rights_granted(model, "recommend") && reco_rights_granted(model, "explain");
	report->may_items = may_call && may_select(schema, RECO_TABLE_ITEM);
	report->may_users = report->may_items && may_select(schema, RECO_TABLE_USER) &&
						may_select(schema, RECO_TABLE_USER_LAYER);
	if (report->active && report->may_items)
		report->request.serving = reco_serving_open(schema, "recommend", model);
}
