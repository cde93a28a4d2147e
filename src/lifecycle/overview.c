/*
 * overview.c
 *	  reco.models and reco.progress: which models there are, and which are being trained.
 *
 * Like reco.health (health.c) they wait for no lock, and run nothing of a model's owner.
 *
 * Cost: of reco.models that of reco.health's statuses; of reco.progress a file for each model
 * that is being trained.
 */
#include "lifecycle/health.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "model/model.h"
#include "pg/rows.h"
#include "store/tables/lock.h"
#include "store/tables/progress.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include <math.h>

RECO_FUNCTION(reco_list_models);
RECO_FUNCTION(reco_list_progress);

/*
 * One row of reco.models.
 */
static void
list_model(void *arg, const ModelRow *found)
{
	ModelRow row = *found;
	const ModelRow *model = &row;
	RecoHealth health;
	const VersionRow *version = &health.version;
	Datum values[10];
	bool nulls[10] = {0};

	reco_health_read(&row, &health);
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
	values[5] = Int32GetDatum(reco_version_users(version));
	values[6] = Int32GetDatum(version->items);
	values[7] = Int64GetDatum(version->interactions);
	values[8] = TimestampTzGetDatum(version->finished_at);
	nulls[5] = nulls[6] = nulls[7] = nulls[8] = !health.trained;
	nulls[9] = model->source == NULL;
	if (!nulls[9])
		values[9] = CStringGetTextDatum(model->source);
	reco_rows_add(arg, values, nulls);
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
