/*
 * dict_frozen.c
 *	  Dictionaries that do not change, in one piece that may lie in a file.
 *
 * Cost: a look-up is a binary search.
 */
#include "store/ids/dict_state.h"

#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/memutils.h"

Datum
id_dict_frozen_id(const FrozenIds *frozen, int32 number)
{
	const int64 *datum = (const int64 *) ((const char *) frozen + frozen->datum);

	if (frozen->by_value)
		return (Datum) datum[number];
	return PointerGetDatum((const char *) frozen + datum[number]);
}

int32
id_dict_frozen_find(const IdDict *dict, Datum id)
{
	const FrozenIds *frozen = dict->frozen;
	const int32 *order = (const int32 *) ((const char *) frozen + frozen->order);
	int32 low = 0;
	int32 high = frozen->count;

	while (low < high)
	{
		int32 middle = low + (high - low) / 2;
		int sign = id_dict_compare(dict->type, id_dict_frozen_id(frozen, order[middle]), id);

		if (sign == 0)
			return order[middle];
		if (sign < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

static int
compare_numbers(const void *a, const void *b, void *arg)
{
	const IdDict *dict = arg;
	static uint32 compared;

	if (++compared % 65536 == 0)
		reco_poll();
	return id_dict_compare(dict->type, dict->ids[*(const int32 *) a],
						   dict->ids[*(const int32 *) b]);
}

const void *
id_dict_freeze(IdDict *dict, RecoBudget *budget, Size *bytes)
{
	const IdType *type = dict->type;
	int32 n = dict->count;
	Size order = MAXALIGN(sizeof(FrozenIds));
	Size datum = order + MAXALIGN(n * sizeof(int32));
	Size at = datum + n * sizeof(int64);
	FrozenIds *frozen;
	int32 *numbers;
	int64 *datums;

	*bytes = at;
	for (int32 k = 0; k < n && !type->typbyval; k++)
	{
		RECO_POLL_EACH(k, RECO_SEARCHES);
		*bytes += MAXALIGN(datumGetSize(dict->ids[k], false, type->typlen));
	}
	reco_budget_require(budget, *bytes, "serving");
	frozen =
		MemoryContextAllocExtended(CurrentMemoryContext, *bytes, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	*frozen = (FrozenIds){n, type->typbyval, *bytes, order, datum};
	numbers = (int32 *) ((char *) frozen + order);
	datums = (int64 *) ((char *) frozen + datum);
	for (int32 k = 0; k < n; k++)
	{
		RECO_POLL_EACH(k, RECO_SEARCHES);
		numbers[k] = k;
		if (type->typbyval)
			datums[k] = (int64) dict->ids[k];
		else
		{
			Size size = datumGetSize(dict->ids[k], false, type->typlen);

			memcpy((char *) frozen + at, DatumGetPointer(dict->ids[k]), size);
			datums[k] = (int64) at;
			at += MAXALIGN(size);
		}
	}
	qsort_arg(numbers, n, sizeof(int32), compare_numbers, dict);
	return frozen;
}

IdDict *
id_dict_frozen(MemoryContext parent, const IdType *type, const void *image, Size bytes)
{
	const FrozenIds *frozen = image;
	IdDict *dict;

	if (image == NULL || bytes < sizeof(FrozenIds) || frozen->bytes != bytes || frozen->count < 0 ||
		frozen->by_value != type->typbyval ||
		frozen->datum + (Size) frozen->count * sizeof(int64) > bytes ||
		frozen->order + (Size) frozen->count * sizeof(int32) > bytes)
		return NULL;
	dict = MemoryContextAllocZero(parent, sizeof(IdDict));
	dict->type = type;
	dict->context = parent;
	dict->count = frozen->count;
	dict->frozen = frozen;
	return dict;
}
