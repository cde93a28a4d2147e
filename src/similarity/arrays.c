/*
 * arrays.c
 *	  Arrays as arguments of the similarity functions.
 *
 * An array of up to 126 bytes is stored with a one-byte header, at any address;
 * asking the server for an ArrayType makes a copy of it for every row.  Here the
 * fields are read from where they are, one byte at a time as far as the compiler
 * is told, and only what is compressed or out of line is copied.
 */
#include "similarity/similarity.h"

#include "access/detoast.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

static bool
has_nulls(const char *bitmap, int n)
{
	for (int i = 0; i < n; i++)
	{
		RECO_POLL_AT(i + 1);
		if (((unsigned char) bitmap[i / 8] & (1 << (i % 8))) == 0)
			return true;
	}
	return false;
}

void
reco_array_get(RecoArray *array, Datum datum)
{
	struct varlena *packed = (struct varlena *) DatumGetPointer(datum);
	const char *base;
	int ndim;
	int32 offset;

	array->copy = NULL;
	if (unlikely(VARATT_IS_COMPRESSED(packed) || VARATT_IS_EXTERNAL(packed)))
	{
		reco_argument_require(toast_raw_datum_size(datum));
		array->copy = packed = pg_detoast_datum_packed(packed);
	}
	/* where the array would begin, had it a header of four bytes */
	base = VARDATA_ANY(packed) - VARHDRSZ;
	memcpy(&ndim, base + offsetof(ArrayType, ndim), sizeof(ndim));
	memcpy(&offset, base + offsetof(ArrayType, dataoffset), sizeof(offset));
	memcpy(&array->type, base + offsetof(ArrayType, elemtype), sizeof(array->type));
	array->n = 0;
	array->data = base;
	if (ndim == 0)
		return;
	if (ndim != 1)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("argument must be empty or one-dimensional array"),
						errdetail("The array has %d dimensions.", ndim),
						errhint("Pass one row of it at a time.")));
	/* the length of the one dimension, then its lower bound, which does not matter */
	memcpy(&array->n, base + sizeof(ArrayType), sizeof(array->n));
	if (offset != 0 && has_nulls(base + sizeof(ArrayType) + 2 * sizeof(int), array->n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("array must not contain nulls"),
				 errhint("Use array_remove or array_replace to drop or to replace them.")));
	array->data = base + (offset != 0 ? offset : (int32) ARR_OVERHEAD_NONULLS(1));
}

void
reco_array_free(RecoArray *array)
{
	if (array->copy != NULL)
		pfree(array->copy);
}

void
reco_require_length(int a, int b)
{
	if (a != b)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR), errmsg("mismatched array dimensions"),
				 errdetail("One array has %d elements, another has %d.", a, b),
				 errhint("Vectors that are compared or added must have the same length.")));
}

void
reco_value_not_finite(double value)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("value %s is not finite",
						   DatumGetCString(DirectFunctionCall1(float8out, Float8GetDatum(value)))),
					errhint("Leave it out, for instance with FILTER, or replace it.")));
}

void
reco_element_not_finite(double value, int64 index)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("value %s of array element %lld is not finite",
						   DatumGetCString(DirectFunctionCall1(float8out, Float8GetDatum(value))),
						   (long long) index + 1),
					errhint("Use array_remove or array_replace to drop or to replace it.")));
}

void
reco_argument_require(size_t bytes)
{
	reco_context_require(MemoryContextMemAllocated(CurrentMemoryContext, true), bytes,
						 "comparing arguments", "pass shorter ones");
}

void *
reco_argument_alloc(size_t bytes)
{
	reco_argument_require(bytes);
	return MemoryContextAllocHuge(CurrentMemoryContext, bytes);
}
