/*
 * alter.c
 *	  reco.alter_model(), reco.activate() and reco.drop_model(): what is done to a model besides
 *	  training it.
 *
 * Cost: a few statements, whatever the size of the model; dropping it, that of DROP TABLE.
 */
#include "lifecycle/arguments.h"
#include "lifecycle/own.h"
#include "lifecycle/schedule.h"
#include "lifecycle/track.h"
#include "lifecycle/versions.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "store/source/resolve.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"

RECO_FUNCTION(reco_alter_model);
RECO_FUNCTION(reco_alter_model_by_text);
RECO_FUNCTION(reco_alter_model_by_name);
RECO_FUNCTION(reco_drop_model);
RECO_FUNCTION(reco_activate);

/* What does not go together, whichever of it is new. */
static void
check_options(const ModelRow *row, const ModelRow *change)
{
	RecoDataOptions options;

	if (change->algorithm == NULL && change->options == NULL)
		return;
	reco_data_options_parse(change->options ? change->options : row->options, &options);
	if (options.pseudonyms != (row->pseudonyms_of != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 options.pseudonyms ? errmsg("model \"%s\" was made without pseudonyms", row->name)
									: errmsg("model \"%s\" was made with pseudonyms", row->name),
				 errdetail("Its tables have one type of ids of users."),
				 options.pseudonyms
					 ? errhint("Leave the option out, or drop the model and create it anew.")
					 : errhint("Give pseudonyms => true with the other options, or drop the model "
							   "and create it anew.")));
	reco_data_check_values(&options,
						   reco_spec_parse(change->algorithm ? change->algorithm : row->algorithm));
}

/* source: the number of that argument. */
static Datum
alter_model(FunctionCallInfo fcinfo, int source, Jsonb *algorithm)
{
	ModelRow row;
	ModelRow change = {0};

	PreventCommandIfReadOnly("CALL reco.alter_model()");
	reco_check_version();
	(void) reco_owned_model(fcinfo, false, &row);
	change.algorithm = algorithm;
	change.options = reco_jsonb_or_null(fcinfo, 4);
	change.owner = row.owner;
	change.source = reco_text_or_null(fcinfo, source);
	change.items = reco_text_or_null(fcinfo, 3);
	change.users = reco_text_or_null(fcinfo, 5);
	change.search_path = pstrdup(GetConfigOption("search_path", false, false));
	check_options(&row, &change);
	change.resolved = reco_resolve_missing(&change);
	SPI_connect();
	reco_definition_update(&row, &change);
	if (change.source)
		reco_track_all(&row);
	SPI_finish();
	PG_RETURN_VOID();
}

Datum
reco_alter_model(PG_FUNCTION_ARGS)
{
	return alter_model(fcinfo, 1, reco_jsonb_or_null(fcinfo, 2));
}

Datum
reco_alter_model_by_text(PG_FUNCTION_ARGS)
{
	return alter_model(fcinfo, 1, reco_algorithm_in_text(fcinfo, 2));
}

/*
 * The algorithm comes before the source, so that it alone can be given.  A source of type
 * character that is given without its name is taken for it.
 */
Datum
reco_alter_model_by_name(PG_FUNCTION_ARGS)
{
	char *text = reco_text_or_null(fcinfo, 1);

	if (text && PG_ARGISNULL(2) && !reco_algorithm_is_named(text))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("unrecognized algorithm \"%.*s\"",
							   pg_mbcliplen(text, (int) strlen(text), 60), text),
						errhint("Write an algorithm as the call of its function, algorithm => "
								"reco.ials(...). If this is the source, give it by name: source "
								"=> ....")));
	return alter_model(fcinfo, 2, reco_algorithm_in_text(fcinfo, 1));
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
	/* before the model's tables, which whoever inserts into the source takes after that */
	reco_track_end(schema);
	reco_own_drop(schema, "drop");
	reco_schedule_forget(row.name, row.created_at);
	PG_RETURN_VOID();
}

Datum
reco_activate(PG_FUNCTION_ARGS)
{
	int32 version;
	ModelRow row;

	PreventCommandIfReadOnly("CALL reco.activate()");
	(void) reco_owned_model(fcinfo, false, &row);
	reco_require_argument(fcinfo, 1, "version");
	version = PG_GETARG_INT32(1);
	SPI_connect();
	if (!reco_version_activate(&row, version))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("model \"%s\" has no version %d that can serve", row.name, version),
						errhint("The view \"%s.versions\" lists those whose status is \"ready\"; "
								"keep_versions says how many are kept.",
								row.name)));
	reco_track_all(&row);
	SPI_finish();
	PG_RETURN_VOID();
}
