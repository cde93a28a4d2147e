/*
 * wider.c
 *	  Whether the ids of one type fit another one.
 *
 * Of a column that an owner alters, such as from integer to bigint: what was an id stays
 * one, equal to the same ids and in the same order.
 */
#include "store/ids/pseudonym.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* Whether what a limit of a type lets through is let through by another one as well. */
static bool
limit_is_wider(Oid base, int32 had, int32 has)
{
	if (has == -1 || has == had)
		return true;
	if (had == -1 || has < had)
		return false;
	/* of numerics the digits after the point, in the lower half, must be as many */
	return base == VARCHAROID ||
		   (base == NUMERICOID && ((had - VARHDRSZ) & 0xffff) == ((has - VARHDRSZ) & 0xffff));
}

static bool
is_text(Oid base)
{
	return base == TEXTOID || base == VARCHAROID;
}

bool
id_type_widens(const IdType *type, Oid typid, int32 typmod, Oid collation)
{
	int32 had = type->typmod;
	int32 has = typmod;
	Oid base;

	/* whatever they are of, pseudonyms stay as they are */
	if (type->pseudonyms)
		return false;
	base = getBaseTypeAndTypmod(typid, &has);
	(void) getBaseTypeAndTypmod(type->type, &had);
	if (collation != type->collation || (typid == type->type && typmod == type->typmod))
		return false;
	if (type->integer)
		return (base == INT2OID || base == INT4OID || base == INT8OID) &&
			   get_typlen(base) >= type->typlen;
	return (base == type->base || (is_text(base) && is_text(type->base))) &&
		   limit_is_wider(base, had, has);
}

int
id_collations_detail(Oid now, Oid made)
{
	if (!OidIsValid(now) || !OidIsValid(made) || now == made)
		return 0;
	return errdetail("Their collation is \"%s\" in the source, and \"%s\" in the model.",
					 get_collation_name(now), get_collation_name(made));
}

bool
id_type_takes(const IdType *made, Oid typid, int32 typmod, Oid collation)
{
	if (made->pseudonyms)
	{
		const char *of = id_pseudonyms_of(typid, collation);
		const IdType *asked = id_type_asked(made);

		return of && strcmp(of, id_pseudonyms_of(asked->type, asked->collation)) == 0;
	}
	return made->type == typid && made->collation == collation &&
		   (made->typmod == -1 || made->typmod == typmod);
}

/* A definition that was written by hand may say otherwise than the tables. */
static void
require_same_kind(const IdType *made, const IdType *now, const char *role, const char *model)
{
	if ((made->pseudonyms == NULL) == (now->pseudonyms == NULL))
		return;
	ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
					made->pseudonyms
						? errmsg("model \"%s\" was made for pseudonyms of %ss", model, role)
						: errmsg("model \"%s\" was not made for pseudonyms of %ss", model, role),
					errhint("Drop the model and create it anew.")));
}

void
id_type_require(const IdType *made, const IdType *now, const char *role, const char *model)
{
	const IdType *asked = id_type_asked(now);

	require_same_kind(made, now, role, model);
	if (id_type_takes(made, asked->type, asked->typmod, asked->collation))
		return;
	made = id_type_asked(made);
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("the source's %ss are of type %s, but model \"%s\" was made for type %s", role,
					format_type_with_typemod(asked->type, asked->typmod), model,
					format_type_with_typemod(made->type, made->typmod)),
			 id_collations_detail(asked->collation, made->collation),
			 id_type_widens(made, asked->type, asked->typmod, asked->collation)
				 ? errhint("CALL reco.upgrade_model() makes the model's tables and functions "
						   "for the source's types.")
				 : errhint("Cast the column in the source, or drop the model and create it "
						   "anew.")));
}
