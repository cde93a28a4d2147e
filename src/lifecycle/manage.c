/*
 * manage.c
 *	  reco.alter_model(), reco.drop_model() and the list of models.
 */
#include "lifecycle/health.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "lifecycle/grants.h"
#include "store/tables/lock.h"
#include "lifecycle/own.h"
#include "store/tables/progress.h"
#include "store/source/resolve.h"
#include "lifecycle/schema.h"
#include "lifecycle/versions.h"
#include "utils/builtins.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include <math.h>

RECO_FUNCTION(reco_alter_model);
RECO_FUNCTION(reco_alter_model_by_text);
RECO_FUNCTION(reco_alter_model_by_name);
RECO_FUNCTION(reco_drop_model);
RECO_FUNCTION(reco_list_models);
RECO_FUNCTION(reco_list_progress);
RECO_FUNCTION(reco_activate);
RECO_FUNCTION(reco_grant_use);
RECO_FUNCTION(reco_revoke_use);

Oid
reco_owned_model(FunctionCallInfo fcinfo, bool missing_ok, ModelRow *row)
{
	char *name;
	Oid schema;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("model name must not be null")));
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (missing_ok && !OidIsValid(get_namespace_oid(name, true)))
		return InvalidOid;
	schema = reco_model_schema(name);
	reco_model_read(schema, RECO_LATEST_SNAPSHOT, row);
	reco_model_check_owner(row);
	return schema;
}

/* source: the number of that argument. */
static Datum
alter_model(FunctionCallInfo fcinfo, int source, Jsonb *algorithm)
{
	RecoTrainingRecord record = {0};
	ModelRow row;
	ModelRow change = {0};

	PreventCommandIfReadOnly("CALL reco.alter_model()");
	reco_check_version();
	record.schema = reco_owned_model(fcinfo, false, &row);
	record.owner = (RecoRunAs){true, row.owner, "pg_catalog"};
	record.algorithm = algorithm;
	record.options = PG_ARGISNULL(4) ? NULL : PG_GETARG_JSONB_P(4);
	change.owner = row.owner;
	change.source = PG_ARGISNULL(source) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(source));
	change.items = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));
	change.search_path = pstrdup(GetConfigOption("search_path", false, false));
	change.resolved = reco_resolve_missing(&change);
	SPI_connect();
	reco_version_redefine(&record, &change);
	SPI_finish();
	PG_RETURN_VOID();
}

/* An algorithm in quotes; NULL keeps what is there. */
static Jsonb *
algorithm_in_text(FunctionCallInfo fcinfo, int number)
{
	return PG_ARGISNULL(number)
			   ? NULL
			   : reco_algorithm_from_text(text_to_cstring(PG_GETARG_TEXT_PP(number)));
}

Datum
reco_alter_model(PG_FUNCTION_ARGS)
{
	return alter_model(fcinfo, 1, PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2));
}

Datum
reco_alter_model_by_text(PG_FUNCTION_ARGS)
{
	return alter_model(fcinfo, 1, algorithm_in_text(fcinfo, 2));
}

/* The algorithm comes before the source, so that it alone can be given. */
Datum
reco_alter_model_by_name(PG_FUNCTION_ARGS)
{
	return alter_model(fcinfo, 2, algorithm_in_text(fcinfo, 1));
}

Datum
reco_drop_model(PG_FUNCTION_ARGS)
{
	ModelRow row;
	Oid schema;

	PreventCommandIfReadOnly("CALL reco.drop_model()");
	schema = reco_owned_model(fcinfo, !PG_ARGISNULL(1) && PG_GETARG_BOOL(1), &row);
	if (!OidIsValid(schema))
	{
		ereport(NOTICE, (errmsg("model \"%s\" does not exist, skipping",
								text_to_cstring(PG_GETARG_TEXT_PP(0)))));
		PG_RETURN_VOID();
	}
	reco_model_unlock(&row);
	if (!reco_schema_owned(schema, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_SCHEMA, row.name);
	reco_own_drop(schema, "drop");
	reco_schedule_forget(row.name, row.created_at);
	PG_RETURN_VOID();
}

/*
 * One row of reco.models.
 */
static void
list_model(void *arg, const ModelRow *model)
{
	RecoHealth health;
	const VersionRow *version = &health.version;
	Datum values[10];
	bool nulls[10] = {0};

	reco_health_read(model, &health);
	values[0] = CStringGetTextDatum(model->name);
	values[1] =
		DirectFunctionCall1(namein, CStringGetDatum(GetUserNameFromId(model->owner, true)
														? GetUserNameFromId(model->owner, true)
														: ""));
	nulls[2] = model->algorithm == NULL;
	if (!nulls[2])
		values[2] = CStringGetTextDatum(reco_spec_describe(reco_spec_parse(model->algorithm)));
	values[3] = Int32GetDatum(model->active_version);
	nulls[3] = model->active_version == 0;
	values[4] = CStringGetTextDatum(
		!health.training || strcmp(health.status, "locked") == 0 ? health.status
		: strcmp(health.status, "not trained") == 0              ? "training"
													: psprintf("%s, training", health.status));
	values[5] = Int32GetDatum(version->users);
	values[6] = Int32GetDatum(version->items);
	values[7] = Int64GetDatum(version->interactions);
	values[8] = TimestampTzGetDatum(version->finished_at);
	nulls[5] = nulls[6] = nulls[7] = nulls[8] = !health.trained;
	nulls[9] = model->source == NULL;
	if (!nulls[9])
		values[9] = CStringGetTextDatum(model->source);
	reco_rows_add(arg, values, nulls);
}

void
reco_each_model(void (*visit)(void *arg, const ModelRow *model), void *arg)
{
	Relation pg_namespace = table_open(NamespaceRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(pg_namespace, InvalidOid, false, NULL, 0, NULL);
	HeapTuple tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_namespace schema = (Form_pg_namespace) GETSTRUCT(tuple);
		Oid table = reco_model_table(schema->oid);
		ModelRow model = {0};
		bool busy;

		reco_poll();
		if (!OidIsValid(table) || pg_class_aclcheck(table, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			continue;
		if (reco_model_try_read(schema->oid, GetActiveSnapshot(), &model, &busy))
		{
			visit(arg, &model);
			continue;
		}
		if (!busy && check_enable_rls(table, InvalidOid, true) == RLS_ENABLED)
			continue;
		model.locked = busy;
		model.missing = !busy;
		model.schema = schema->oid;
		model.name = pstrdup(NameStr(schema->nspname));
		model.owner = reco_relation_owner(table);
		visit(arg, &model);
	}
	systable_endscan(scan);
	table_close(pg_namespace, AccessShareLock);
}

Datum
reco_list_models(PG_FUNCTION_ARGS)
{
	RecoRows rows = reco_rows_begin(fcinfo,
									(Oid[]){TEXTOID, NAMEOID, TEXTOID, INT4OID, TEXTOID, INT4OID,
											INT4OID, INT8OID, TIMESTAMPTZOID, TEXTOID},
									10);

	reco_each_model(list_model, &rows);
	return (Datum) 0;
}

static Datum
seconds(double value)
{
	return DirectFunctionCall7(make_interval, Int32GetDatum(0), Int32GetDatum(0), Int32GetDatum(0),
							   Int32GetDatum(0), Int32GetDatum(0), Int32GetDatum(0),
							   Float8GetDatum(value));
}

/*
 * One row of reco.progress.  The estimate is what is left of the phase's iterations, at the
 * pace of those that are done.
 */
static void
list_progress(void *arg, const ModelRow *model)
{
	RecoProgress progress;
	TimestampTz now = GetCurrentTimestamp();
	double in_phase;
	Datum values[11];
	bool nulls[11] = {0};

	if (model->locked || !reco_training_runs(model->schema) ||
		!reco_progress_read(model->schema, &progress))
		return;
	in_phase = (double) (now - progress.phase_started_at) / USECS_PER_SEC;
	values[0] = CStringGetTextDatum(model->name);
	values[1] = Int32GetDatum(progress.version);
	nulls[1] = progress.version == 0;
	values[2] = CStringGetTextDatum(progress.phase);
	values[3] = Int32GetDatum(progress.iteration);
	values[4] = Int32GetDatum(progress.iterations);
	nulls[3] = nulls[4] = nulls[9] = progress.iterations == 0;
	values[5] = Float8GetDatum(progress.loss);
	nulls[5] = isnan(progress.loss);
	values[6] = Int64GetDatum(progress.rows);
	values[7] = TimestampTzGetDatum(progress.started_at);
	values[8] = seconds(Max((double) (now - progress.started_at) / USECS_PER_SEC, 0));
	if (!nulls[9])
		values[9] = seconds(Max(in_phase, 0) * (progress.iterations - progress.iteration) /
							Max(progress.iteration, 1));
	values[10] = Int32GetDatum(progress.pid);
	reco_rows_add(arg, values, nulls);
}

Datum
reco_list_progress(PG_FUNCTION_ARGS)
{
	RecoRows rows =
		reco_rows_begin(fcinfo,
						(Oid[]){TEXTOID, INT4OID, TEXTOID, INT4OID, INT4OID, FLOAT8OID, INT8OID,
								TIMESTAMPTZOID, INTERVALOID, INTERVALOID, INT4OID},
						11);

	reco_each_model(list_progress, &rows);
	return (Datum) 0;
}

Datum
reco_activate(PG_FUNCTION_ARGS)
{
	RecoTrainingRecord record = {0};
	ModelRow row;

	PreventCommandIfReadOnly("CALL reco.activate()");
	record.schema = reco_owned_model(fcinfo, false, &row);
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("version must not be null")));
	record.owner = (RecoRunAs){true, row.owner, "pg_catalog"};
	record.version = PG_GETARG_INT32(1);
	SPI_connect();
	if (!reco_version_activate(&record))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" has no version %d that can serve", row.name, record.version),
				 errhint("The view \"%s.versions\" lists those whose status is \"ready\"; "
						 "keep_versions says how many are kept.",
						 row.name)));
	SPI_finish();
	PG_RETURN_VOID();
}

/* The model and, quoted, the role of grant_use and revoke_use. */
static char *
role_argument(FunctionCallInfo fcinfo, ModelRow *row)
{
	char *role;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("%s must not be null", PG_ARGISNULL(0) ? "model name" : "role")));
	(void) reco_owned_model(fcinfo, false, row);
	role = text_to_cstring(PG_GETARG_TEXT_PP(1));
	if (strcmp(role, "public") == 0)
		return role;
	(void) get_role_oid(role, false);
	return pstrdup(quote_identifier(role));
}

Datum
reco_grant_use(PG_FUNCTION_ARGS)
{
	ModelRow row;
	char *role;

	PreventCommandIfReadOnly("CALL reco.grant_use()");
	role = role_argument(fcinfo, &row);
	SPI_connect();
	/* an extension that is not updated yet has two arguments */
	reco_grants_give(&row, role, PG_NARGS() > 2 && !PG_ARGISNULL(2) && PG_GETARG_BOOL(2));
	SPI_finish();
	PG_RETURN_VOID();
}

Datum
reco_revoke_use(PG_FUNCTION_ARGS)
{
	ModelRow row;
	char *role;

	PreventCommandIfReadOnly("CALL reco.revoke_use()");
	role = role_argument(fcinfo, &row);
	SPI_connect();
	reco_grants_take(&row, role);
	SPI_finish();
	PG_RETURN_VOID();
}
