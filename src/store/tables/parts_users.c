/*
 * parts_users.c
 *	  Rows of users whose parts point to other users, as lists of neighbors do: without one.
 *
 * Rests on: parts.h says how a list is stored.  The tables are the owner's: an array that is not
 * that of its algorithm is an error.
 *
 * Cost: a look at all that a row's lists hold; a copy of those that change.
 */
#include "store/tables/parts.h"

#include "catalog/pg_type.h"

static bool
points_to_users(const RecoPartType *type)
{
	return type->side == RECO_OF_USERS && reco_part_stored(type) && type->shape == RECO_LIST &&
		   type->of == RECO_OF_USERS;
}

bool
reco_parts_point_to_users(const RecoMember *member, int members)
{
	for (int m = 0; m < members; m++)
		for (int p = 0; p < member[m].parts; p++)
			if (points_to_users(&member[m].type[p]))
				return true;
	return false;
}

/* One entry less; NULL: the number is not there. */
static bytea *
list_without(Oid schema, const RecoPartType *type, const char *data, Size size, int32 number)
{
	Size weight = reco_element_size(type->element);
	Size n = size / (sizeof(int32) + weight);
	const char *weights = data + n * sizeof(int32);

	if (size % (sizeof(int32) + weight) != 0)
		reco_damaged(schema, "A row's parts are not those of its algorithm.");
	for (Size k = 0; k < n; k++)
	{
		int32 other;
		bytea *shorter;
		char *to;

		RECO_POLL_AT(k + 1);
		memcpy(&other, data + k * sizeof(int32), sizeof(int32));
		if (other != number)
			continue;
		shorter = palloc(VARHDRSZ + size);
		SET_VARSIZE(shorter, VARHDRSZ + size - sizeof(int32) - weight);
		to = VARDATA(shorter);
		memcpy(to, data, k * sizeof(int32));
		memcpy(to + k * sizeof(int32), data + (k + 1) * sizeof(int32), (n - k - 1) * sizeof(int32));
		to += (n - 1) * sizeof(int32);
		memcpy(to, weights, k * weight);
		memcpy(to + k * weight, weights + (k + 1) * weight, (n - k - 1) * weight);
		return shorter;
	}
	return NULL;
}

bool
reco_parts_without_user(Oid schema, const RecoMember *member, int members, Datum stored,
						int32 number, Datum *out)
{
	ArrayType *array = DatumGetArrayTypeP(stored);
	const char *data[RECO_MOST_STORED];
	Size size[RECO_MOST_STORED];
	Datum element[RECO_MOST_STORED];
	int n = reco_parts_elements(array, RECO_MOST_STORED, data, size);
	int at = 0;
	bool changed = false;

	if (n < 0 || n > RECO_MOST_STORED)
		reco_damaged(schema, "A row's parts are not those of its algorithm.");
	for (int m = 0; m < members; m++)
		for (int p = 0; p < member[m].parts; p++)
		{
			const RecoPartType *type = &member[m].type[p];
			bytea *shorter = NULL;

			if (type->side != RECO_OF_USERS || !reco_part_stored(type))
				continue;
			if (at == n)
				reco_damaged(schema, "A row's parts are not those of its algorithm.");
			if (points_to_users(type))
				shorter = list_without(schema, type, data[at], size[at], number);
			changed = changed || shorter;
			element[at] = PointerGetDatum(shorter ? (const char *) shorter : data[at] - VARHDRSZ);
			at++;
		}
	if (changed)
		*out = PointerGetDatum(construct_array(element, at, BYTEAOID, -1, false, TYPALIGN_INT));
	return changed;
}
