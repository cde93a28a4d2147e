/*
 * upgrade.c
 *	  reco.upgrade_model(): a model's views and functions anew, and wider ids.
 *
 * Where the ids of the source have grown, from integer to bigint for one, the model's
 * tables grow as well: they are rewritten, with all versions in them, under exclusive
 * locks.  Whatever else the model has stays: its definition, versions, lists and rights.
 */
#include "lifecycle/arguments.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "pg/transaction.h"
#include "store/tables/definition.h"
#include "serving/live.h"
#include "store/tables/lock.h"
#include "store/source/lookup.h"
#include "store/source/resolve.h"
#include "lifecycle/schema.h"
#include "store/tables/tables.h"
#include "lifecycle/versions.h"
#include "storage/lmgr.h"

RECO_FUNCTION(reco_upgrade_model);

/* The types that the ids of a model have, and that those of its source have now. */
typedef struct SourceTypes
{
	const ModelRow *row;
	IdType *made[2]; /* of items, users */
	IdType now[2];   /* the same where they are not wider */
	bool wider;
} SourceTypes;

static void
describe_source(void *arg)
{
	SourceTypes *types = arg;
	RecoLookup lookup = reco_live_lookup(types->row, false);
	TupleDesc columns = reco_lookup_describe(&lookup);

	for (int is_user = 0; is_user <= 1; is_user++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, is_user ? 0 : 1);

		if (columns->natts < 2 || !id_type_widens(types->made[is_user], column->atttypid,
												  column->atttypmod, column->attcollation))
			continue;
		id_type_init(&types->now[is_user], column->atttypid, column->atttypmod,
					 column->attcollation, is_user ? "user" : "item");
		types->wider = true;
	}
}

/*
 * A source that cannot be read has no say: the functions can be made anew all the same.
 * The tables are not kept locked: whoever alters them after us would wait for us.
 */
static void
read_types(SourceTypes *types, const ModelRow *row)
{
	ErrorData *error = NULL;

	types->row = row;
	types->wider = false;
	for (int is_user = 0; is_user <= 1; is_user++)
	{
		ModelTable table;
		Oid heap;

		reco_table_open(&table, row->schema, is_user, AccessShareLock);
		reco_check_policies(table.heap);
		types->made[is_user] = reco_table_id_type(&table);
		if (is_user)
			reco_model_user_type(row, types->made[is_user]);
		types->now[is_user] = *types->made[is_user];
		heap = RelationGetRelid(table.heap);
		reco_table_close(&table);
		UnlockRelationOid(heap, AccessShareLock);
	}
	if (row->source && row->search_path)
		error = reco_try(describe_source, types);
	if (error && !reco_live_forgives(error->sqlerrcode, false))
		ReThrowError(error);
}

/* The queries of a definition that its owner wrote by hand. */
static void
resolve_queries(void *arg)
{
	const ModelRow *row = arg;
	Jsonb *missing = reco_resolve_missing(row);

	SPI_connect();
	if (missing)
		reco_definition_add_resolved(row->schema, row->owner, missing);
	SPI_finish();
}

Datum
reco_upgrade_model(PG_FUNCTION_ARGS)
{
	ErrorData *error;
	RecoRunAs owner;
	RecoIdentity before;
	SourceTypes types;
	ModelRow row;

	PreventCommandIfReadOnly("CALL reco.upgrade_model()");
	reco_check_version();
	(void) reco_owned_model(fcinfo, false, &row);
	read_types(&types, &row);
	if (types.wider)
	{
		/* one that trains has ids of the types that were */
		(void) reco_training_lock(row.schema, false, false);
		read_types(&types, &row);
	}
	owner = reco_run_as(row.owner);
	SPI_connect();
	reco_become(&owner, &before);
	reco_schema_renew(&row, &types.now[true], &types.now[false], types.wider);
	reco_return(&before);
	SPI_finish();
	error = reco_try(resolve_queries, &row);
	if (error)
		ereport(
			WARNING,
			(errcode(error->sqlerrcode),
			 errmsg("the queries of model \"%s\" could not be resolved: %s", row.name,
					error->message),
			 errhint("They are read under the search_path of the time when they were given, "
					 "until a refresh resolves them or CALL reco.alter_model() gives others.")));
	PG_RETURN_VOID();
}
