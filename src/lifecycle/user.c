/*
 * user.c
 *	  One user in the tables of a model: for reco.forget_user() and reco.export_user().
 *
 * Tables that tell of users are those with a column user_id, whatever they are for.
 *
 * Cost: a look-up in the catalogs; that of a number, two in the tables.
 */
#include "lifecycle/user.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_operator.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

const char *
reco_user_equality(const IdType *type)
{
	Oid equal = lookup_type_cache(type->base, TYPECACHE_EQ_OPR)->eq_opr;
	HeapTuple tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(equal));
	Form_pg_operator form;
	char *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", equal);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	name = psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(form->oprnamespace)),
					NameStr(form->oprname));
	ReleaseSysCache(tuple);
	return name;
}

/* By another key a user would not be found. */
static void
check_keys(const ModelRow *model, IdPseudonyms *by)
{
	ListCell *cell;

	foreach (cell, reco_versions_ready(model->schema, GetActiveSnapshot()))
	{
		VersionRow version;

		reco_version_read(model->schema, lfirst_int(cell), GetActiveSnapshot(), &version);
		if (version.key == NULL)
			reco_damaged(model->schema,
						 "A version does not tell whether its users are pseudonyms.");
		by->version = lfirst_int(cell);
		by->check = *version.key;
		id_pseudonyms_check(by);
	}
}

bool
reco_user_of(const ModelRow *model, Oid role, Datum given, Oid given_type, RecoUser *user)
{
	ModelTable table;

	reco_table_open(&table, model->schema, true, AccessShareLock);
	*user = (RecoUser){.schema = model->schema, .type = reco_table_id_type(&table)};
	reco_table_close(&table);
	reco_model_user_type(model, user->type);
	if (!OidIsValid(given_type))
		elog(ERROR, "could not determine the type of the user");
	if (user->type->pseudonyms)
	{
		user->type->pseudonyms->role = role;
		check_keys(model, user->type->pseudonyms);
	}
	if (!id_from_datum(id_type_asked(user->type), given, given_type, &user->asked))
		return false;
	(void) id_stored(user->type, user->asked, &user->id);
	user->equal = reco_user_equality(user->type);
	return true;
}

bool
reco_user_has_table(Oid schema, RecoTable which, bool *by_version)
{
	Relation table = reco_open(schema, which, AccessShareLock);
	Oid relid = RelationGetRelid(table);

	table_close(table, NoLock);
	*by_version = get_attnum(relid, "version") != InvalidAttrNumber;
	return get_attnum(relid, "user_id") != InvalidAttrNumber;
}

void
reco_user_open(const RecoUser *user, bool in_layer, ModelTable *table)
{
	if (in_layer)
		reco_layer_open(table, user->schema, AccessShareLock);
	else
		reco_table_open(table, user->schema, true, AccessShareLock);
	reco_table_require_id(table, user->type);
}

typedef struct Number
{
	bool found;
	int32 number;
} Number;

static bool
take_number(void *arg, TupleTableSlot *slot)
{
	*(Number *) arg = (Number){true, DatumGetInt32(slot->tts_values[COLUMN_NUMBER])};
	return false;
}

bool
reco_user_number(const RecoUser *user, int32 version, int32 *number)
{
	Number found = {false, 0};

	for (int in_layer = 0; in_layer <= 1 && !found.found; in_layer++)
	{
		ModelTable table;

		reco_user_open(user, in_layer, &table);
		reco_table_scan(&table, version, &user->id, GetActiveSnapshot(), take_number, &found);
		reco_table_close(&table);
	}
	*number = found.number;
	return found.found;
}
