/*
 * numbers.c
 *	  Ids of one dictionary in another.
 *
 * Cost: a search an id.
 */
#include "store/ids/pseudonym.h"

#include "utils/builtins.h"

/* Of pseudonyms it counts what they are of. */
static bool
same_people(const IdType *type, const IdType *with)
{
	const IdType *a = id_type_asked(type);
	const IdType *b = id_type_asked(with);
	const char *of = id_pseudonyms_of(a->type, a->collation);
	const char *with_of = id_pseudonyms_of(b->type, b->collation);

	return of && with_of && strcmp(of, with_of) == 0;
}

void
id_type_require_comparable(const IdType *type, const char *of, const IdType *with,
						   const char *with_of, const char *role)
{
	if ((type->pseudonyms || with->pseudonyms) && same_people(type, with))
		return;
	type = id_type_asked(type);
	with = id_type_asked(with);
	if ((type->base == with->base && type->collation == with->collation) ||
		(type->integer && with->integer))
		return;
	ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
					errmsg("the %ss of %s are of type %s, but those of %s of type %s", role, of,
						   format_type_be(type->type), with_of, format_type_be(with->type)),
					type->base == with->base
						? errdetail("They differ in their collation.")
						: errhint("Cast the column in one of them to the type of the other.")));
}

int32 *
id_dict_numbers(IdDict *dict, const IdType *type, IdDict *in, const IdType *in_type,
				RecoBudget *budget)
{
	int32 n = id_dict_count(dict);
	int32 *number = reco_budget_alloc(budget, ((Size) n + 1) * sizeof(int32));
	IdType other = *in_type;

	for (int32 k = 0; k < n; k++)
	{
		Datum id = id_dict_id(dict, k);

		RECO_POLL_EACH(k, RECO_SEARCHES);
		if (type->integer && !id_from_int64(&other, id_to_int64(type, id), &id))
			number[k] = -1;
		else
			number[k] = id_dict_find(in, id);
	}
	return number;
}
