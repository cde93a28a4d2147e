/*
 * prior.c
 *	  What other models say of the users of a source.
 *
 * A prior is read as its views are: with SELECT on its tables, by the current user, who is the
 * owner of the model that is trained, or who evaluates.  No code of its owner's runs, and all that
 * is read is checked, as for serving (users.c).  Users are the same where their ids are equal.
 *
 * Cost: a pass over the prior's users, and a search of each.  Memory: a row of factors for each
 * user of the source.
 */
#include "store/image/prior.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "pg/json.h"
#include "store/image/layer.h"
#include "store/image/load.h"
#include "store/image/users.h"
#include "store/source/query.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/* What to do about one, or without. */
static char *
advice(const char *name, const char *what)
{
	return psprintf("%s, or leave the option out: prior => NULL instead of prior => %s.", what,
					quote_literal_cstr(name));
}

static pg_attribute_noreturn() void refuse_rights(const char *name, const char *what)
{
	char *role = GetUserNameFromId(GetUserId(), false);

	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("permission denied for %s of prior \"%s\"", what, name),
					errdetail("It is read as \"%s\", with SELECT on its tables.", role),
					errhint("Its owner grants it with CALL reco.grant_use(%s, %s, tables => true).",
							quote_literal_cstr(name), quote_literal_cstr(role))));
}

/* As a SELECT from its view user_factors. */
static void
check_rights(Oid schema, const char *name)
{
	static const RecoTable tables[] = {RECO_TABLE_MODEL, RECO_TABLE_VERSION, RECO_TABLE_USER,
									   RECO_TABLE_USER_LAYER};

	if (reco_schema_aclcheck(schema, GetUserId(), ACL_USAGE) != ACLCHECK_OK)
		refuse_rights(name, "schema");
	for (int t = 0; t < lengthof(tables); t++)
	{
		Oid table = get_relname_relid(reco_table_name(tables[t]), schema);

		if (OidIsValid(table) && pg_class_aclcheck(table, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			refuse_rights(name, psprintf("table \"%s\"", reco_table_name(tables[t])));
	}
}

/* The version of each prior that a model was trained with; or whichever is active. */
typedef struct PriorRecord
{
	const JsonbContainer *versions;
	TimestampTz trained; /* no prior that is younger is the one */
} PriorRecord;

static void
check_record(const PriorRecord *record, const char *name, int32 active, const VersionRow *version)
{
	double recorded = reco_json_number(record->versions, name);

	if (recorded == active && version->finished_at <= record->trained)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 recorded == active
				 ? errmsg("version %d of prior \"%s\" was trained later", active, name)
				 : errmsg("version %d of prior \"%s\" is active, not %.0f", active, name, recorded),
			 errhint("CALL reco.refresh() trains with it as it is now.")));
}

/*
 * The active version of a prior, which has factors of users: *type says how many.  record: it must
 * be of these; NULL: any will do.
 */
static Serving *
open_prior(const char *name, const char *self, const PriorRecord *record, const RecoPartType **type)
{
	Oid schema = get_namespace_oid(name, true);
	ModelRow row;
	VersionRow version;
	Serving *serving;

	if (self && strcmp(name, self) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("model \"%s\" cannot be its own prior", name),
						errhint("A prior is another model with the same people as users.")));
	if (!OidIsValid(schema) || !OidIsValid(reco_model_table(schema)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("prior \"%s\" is not a model", name),
				 errhint("%s", advice(name, "Give the name of a model that is there (reco.models "
											"lists those you may read)"))));
	check_rights(schema, name);
	reco_model_read(schema, GetActiveSnapshot(), &row);
	if (row.active_version == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("prior \"%s\" has not been trained yet", name),
				 errhint("Train it first with CALL reco.refresh(%s).", quote_literal_cstr(name))));
	serving = reco_serving_describe(&row, &version);
	/* of what is locked now */
	check_rights(schema, name);
	if (record)
		check_record(record, name, row.active_version, &version);
	*type = NULL;
	(void) reco_member_role(&serving->model.member[0], RECO_OF_USERS, RECO_ROLE_FACTORS, type);
	if (*type == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("prior \"%s\" has no factors of users", name),
						errdetail("Its algorithm is %s.", reco_spec_call(serving->model.spec)),
						errhint("%s", advice(name, "Train it with reco.ials() or reco.als()"))));
	return serving;
}

typedef struct PriorLoad
{
	RecoPrior *prior;
	RecoData *data;
	IdType *type;  /* of the prior's ids */
	IdDict *users; /* those of the data, as the prior has them */
	MemoryContext row;
} PriorLoad;

/*
 * The user of the data with an id of the prior's; -1: there is none.  Where either has pseudonyms
 * these are compared; where both have, they are the same ones (meet).
 */
static int32
find_user(const PriorLoad *load, Datum id)
{
	IdType *type = &load->data->user_type;

	if (load->type->pseudonyms == NULL && type->pseudonyms &&
		!id_from_datum(type, id, load->type->type, &id))
		return -1;
	if (load->type->integer && type->pseudonyms == NULL &&
		!id_from_int64(type, id_to_int64(load->type, id), &id))
		return -1;
	return id_dict_find(load->users, id);
}

/*
 * Of a prior that has pseudonyms, the data's users as it has them.  It is read with the right to
 * read its tables, which is not that to tell whose rows they are.
 */
static void
meet(PriorLoad *load, RecoBudget *budget)
{
	const IdPseudonyms *now = load->data->user_type.pseudonyms;
	IdPseudonyms *by = load->type->pseudonyms;

	load->users = load->data->users;
	if (by == NULL)
		return;
	by->role = GetUserId();
	if (now)
		id_pseudonyms_check(by);
	else
		load->users = id_dict_stored(load->users, id_type_of_pseudonyms(&load->data->user_type, by),
									 budget, "training");
}

static void
take_user(void *arg, int32 number, Datum id, reco_profile *profile)
{
	PriorLoad *load = arg;
	RecoPrior *prior = load->prior;
	int32 user = find_user(load, id);

	if (user >= 0 && profile->factors)
	{
		float *to = prior->row + (Size) user * RECO_PRIOR_WIDTH(prior->factors);

		memcpy(to, profile->factors, prior->factors * sizeof(float));
		to[prior->factors] = profile->bias;
		to[prior->factors + 1] = (float) profile->n;
	}
	MemoryContextReset(load->row);
}

static List *
names_of(const List *specs)
{
	List *names = NIL;
	ListCell *cell;

	foreach (cell, specs)
	{
		ListCell *name;

		foreach (name, reco_spec_priors(lfirst(cell)))
		{
			bool known = false;
			ListCell *other;

			foreach (other, names)
				known = known || strcmp(lfirst(other), lfirst(name)) == 0;
			if (!known)
				names = lappend(names, lfirst(name));
		}
	}
	return names;
}

void
reco_priors_check(const List *specs, const char *self)
{
	ListCell *cell;

	foreach (cell, names_of(specs))
	{
		const RecoPartType *type;

		MemoryContextDelete(open_prior(lfirst(cell), self, NULL, &type)->context);
	}
}

static void
read_prior(const char *name, const char *self, const PriorRecord *record, RecoData *data,
		   RecoBudget *budget, RecoPrior *prior)
{
	const RecoPartType *type;
	Serving *serving = open_prior(name, self, record, &type);
	Size numbers = ((Size) id_dict_count(data->users) + 1) * RECO_PRIOR_WIDTH(type->width);
	PriorLoad load = {prior, data, serving->user_type};

	id_type_require_comparable(serving->user_type, psprintf("prior \"%s\"", name), &data->user_type,
							   reco_the_source.name, "user");
	*prior = (RecoPrior){.model = name, .version = serving->version, .factors = type->width};
	reco_budget_require(budget, numbers * sizeof(float), "training");
	prior->row = reco_budget_alloc(budget, numbers * sizeof(float));
	for (int32 u = 0; u <= id_dict_count(data->users); u++)
	{
		memset(prior->row + (Size) u * RECO_PRIOR_WIDTH(type->width), 0,
			   RECO_PRIOR_WIDTH(type->width) * sizeof(float));
		RECO_POLL_AT(u);
	}
	load.row = AllocSetContextCreate(CurrentMemoryContext, "reco prior", ALLOCSET_DEFAULT_SIZES);
	reco_layer_check(serving);
	meet(&load, budget);
	reco_serving_each_user(serving, load.row, take_user, &load);
	MemoryContextDelete(load.row);
	MemoryContextDelete(serving->context);
}

static void
read_all(const List *specs, const char *self, const PriorRecord *record, RecoData *data,
		 RecoBudget *budget)
{
	MemoryContext old = MemoryContextSwitchTo(budget->context);
	List *names = names_of(specs);
	RecoPriors *priors;
	ListCell *cell;

	MemoryContextSwitchTo(old);
	if (names == NIL)
		return;
	priors = MemoryContextAlloc(budget->context, sizeof(RecoPriors));
	priors->n = 0;
	priors->prior = MemoryContextAlloc(budget->context, list_length(names) * sizeof(RecoPrior));
	foreach (cell, names)
		read_prior(lfirst(cell), self, record, data, budget, &priors->prior[priors->n++]);
	data->priors = priors;
}

void
reco_priors_read(const List *specs, const char *self, RecoData *data, RecoBudget *budget)
{
	read_all(specs, self, NULL, data, budget);
}

void
reco_priors_read_again(const List *specs, const char *self, Jsonb *record, TimestampTz trained,
					   RecoData *data, RecoBudget *budget)
{
	PriorRecord of = {&record->root, trained};

	read_all(specs, self, &of, data, budget);
}

Jsonb *
reco_priors_record(const RecoPriors *priors)
{
	StringInfoData text;

	if (priors == NULL)
		return NULL;
	initStringInfo(&text);
	for (int p = 0; p < priors->n; p++)
		reco_json_add_number(&text, priors->prior[p].model, priors->prior[p].version);
	return reco_json_of(reco_json_end(&text));
}
