/*
 * owner.c
 *	  reco.change_owner(): a model with all that is its own to another role.
 *
 * The statements are ALTER ... OWNER TO, run as the caller: who may is for the server to
 * say.  The schema comes first, since a role that is to own a table must be able to create
 * in its schema.  A scheduled refresh is made anew as a job of the new owner.
 */
#include "lifecycle/arguments.h"
#include "lifecycle/schedule.h"

#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "lifecycle/own.h"
#include "store/tables/tables.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

RECO_FUNCTION(reco_change_owner);

/* What an ALTER statement calls one of the model's objects. */
static char *
described(const ObjectAddress *object)
{
	if (object->classId == ProcedureRelationId)
		return psprintf("FUNCTION %s", format_procedure_qualified(object->objectId));
	return psprintf(
		"%s %s", get_rel_relkind(object->objectId) == RELKIND_VIEW ? "VIEW" : "TABLE",
		quote_qualified_identifier(get_namespace_name(get_rel_namespace(object->objectId)),
								   get_rel_name(object->objectId)));
}

static void
alter_owner(const char *what, const char *role)
{
	if (SPI_execute(psprintf("ALTER %s OWNER TO %s", what, role), false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not change the owner of %s", what);
}

/*
 * An error where another role than the model's owner could do something as the new one: by
 * an object of its own under one of the model's names, or by a function that runs as its
 * owner, of which nobody knows what it does.
 */
static void
check_object(const ModelRow *model, const ObjectAddress *object)
{
	HeapTuple tuple;
	Form_pg_proc function;
	Oid owner;
	bool definer = false;

	if (object->classId == RelationRelationId)
		owner = reco_relation_owner(object->objectId);
	else
	{
		tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(object->objectId));
		if (!HeapTupleIsValid(tuple))
			return;
		function = (Form_pg_proc) GETSTRUCT(tuple);
		owner = function->proowner;
		definer = function->prosecdef;
		ReleaseSysCache(tuple);
	}
	if (owner != model->owner)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s is of another owner than model \"%s\"", described(object), model->name),
				 errhint("Drop it, or move it to another schema.")));
	if (definer)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s of model \"%s\" is SECURITY DEFINER", described(object), model->name),
				 errdetail("Whoever may call it would do what it does as the new owner."),
				 errhint("Functions of a model run as their callers: CALL "
						 "reco.upgrade_model() makes them anew.")));
}

Datum
reco_change_owner(PG_FUNCTION_ARGS)
{
	char *model;
	char *role;
	ModelRow row;
	Oid owner;
	List *objects;
	ListCell *cell;

	PreventCommandIfReadOnly("CALL reco.change_owner()");
	reco_check_version();
	model = reco_text_of(fcinfo, 0, "model name");
	role = reco_text_of(fcinfo, 1, "role");
	owner = get_role_oid(role, false);
	reco_model_read(reco_model_schema(model), GetActiveSnapshot(), &row);
	reco_model_check_owner(&row);
	role = pstrdup(quote_identifier(role));
	SPI_connect();
	alter_owner(psprintf("SCHEMA %s", quote_identifier(row.name)), role);
	objects = reco_own_objects(row.schema);
	foreach (cell, objects)
		check_object(&row, lfirst(cell));
	foreach (cell, objects)
		alter_owner(described(lfirst(cell)), role);
	SPI_finish();
	reco_schedule_move(row.name, row.created_at, row.owner, owner);
	PG_RETURN_VOID();
}
