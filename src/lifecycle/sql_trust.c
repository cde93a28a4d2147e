/*
 * sql_trust.c
 *	  Whether the tables of work that somebody made may be written and read as the model's owner.
 *
 * Triggers, defaults, policies and views of a table run as whoever writes or reads it, which is the
 * model's owner.  So the three tables, all that is a part of them, the schema, and the functions of
 * triggers must be of roles that could act as the owner anyhow.  Whoever may only create something
 * in the schema can do no harm: names are found once, and what they are found to be is locked.
 */
#include "lifecycle/sql_work.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "store/tables/definition.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* The one that a role of the server's own stands for. */
static Oid
role_behind(Oid role)
{
	HeapTuple tuple;

	if (role != ROLE_PG_DATABASE_OWNER)
		return role;
	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
	if (HeapTupleIsValid(tuple))
	{
		role = ((Form_pg_database) GETSTRUCT(tuple))->datdba;
		ReleaseSysCache(tuple);
	}
	return role;
}

static void
require(const RecoRun *run, Oid owner, Oid role, const char *what)
{
	role = role_behind(role);
	if (is_member_of_role(role, owner))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("model \"%s\" cannot be trained on tables of another role", run->model),
			 errdetail("%s belongs to role \"%s\", whose triggers and functions would run as the "
					   "model's owner, \"%s\".",
					   what, GetUserNameFromId(role, false), GetUserNameFromId(owner, false)),
			 errhint("Give the schema of work and what is in it to the model's owner, or to a role "
					 "that may act as that one.")));
}

static void
check_triggers(const RecoRun *run, Oid owner, Relation table)
{
	const TriggerDesc *desc = table->trigdesc;

	for (int t = 0; desc && t < desc->numtriggers; t++)
	{
		const Trigger *trigger = &desc->triggers[t];
		HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(trigger->tgfoid));
		Oid role = InvalidOid;

		if (HeapTupleIsValid(tuple))
		{
			role = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
			ReleaseSysCache(tuple);
		}
		if (OidIsValid(role))
			require(run, owner, role,
					psprintf("The function of trigger \"%s\" on table \"%s\"", trigger->tgname,
							 RelationGetRelationName(table)));
	}
}

/* A table of work, with the lock that the training will need of it. */
typedef struct Wanted
{
	const char *name;
	LOCKMODE lock;
	AclMode right;
} Wanted;

typedef struct Asking
{
	const Wanted *wanted;
	Oid owner;
} Asking;

/* Nobody has tables locked that they may not use. */
static void
check_right(const RangeVar *name, Oid relation, Oid before, void *arg)
{
	const Asking *asking = arg;
	AclResult result;

	if (!OidIsValid(relation))
		return;
	result = pg_class_aclcheck(relation, asking->owner, asking->wanted->right);
	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_TABLE, name->relname);
}

static void
check_table(const RecoRun *run, Oid owner, const char *schema, const Wanted *wanted)
{
	Asking asking = {wanted, owner};
	RangeVar *name = makeRangeVar(NULL, NULL, -1);
	Oid relation;
	List *all;
	ListCell *cell;

	name->schemaname = pstrdup(schema);
	name->relname = pstrdup(wanted->name);
	relation = RangeVarGetRelidExtended(name, wanted->lock, 0, check_right, &asking);
	all = find_all_inheritors(relation, wanted->lock, NULL);
	foreach (cell, all)
	{
		Relation table = relation_open(lfirst_oid(cell), NoLock);

		reco_poll();
		require(run, owner, table->rd_rel->relowner,
				psprintf("Table \"%s\"", RelationGetRelationName(table)));
		check_triggers(run, owner, table);
		relation_close(table, NoLock);
	}
}

void
reco_sql_check_trust(const RecoSqlWork *work, const char *schema)
{
	/* two trainings on the same tables must not both begin to read what each is to empty */
	const Wanted tables[] = {
		{"user_factors", AccessExclusiveLock, ACL_TRUNCATE},
		{work->citus ? "item_sums" : "item_factors", AccessExclusiveLock, ACL_TRUNCATE},
		{"rows", AccessShareLock, ACL_SELECT},
	};
	Oid owner = work->run->definition.owner;
	HeapTuple tuple = SearchSysCache1(NAMESPACENAME, CStringGetDatum(schema));
	Oid role;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_SCHEMA),
						errmsg("schema \"%s\" does not exist", schema)));
	role = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	ReleaseSysCache(tuple);
	require(work->run, owner, role, psprintf("Schema \"%s\"", schema));
	for (int t = 0; t < lengthof(tables); t++)
		check_table(work->run, owner, schema, &tables[t]);
}
