/*
 * arrays.c
 *	  Fuzz target: arrays as arguments of the similarity functions.
 *
 * Input: a byte for the function, a byte of flags, then for each of two arrays a
 * byte for its type, one for its dimensions and one for its length, and then the
 * bytes of the elements of both, as far as they go.  Every array is well formed,
 * for so is what the server hands over: of any type, shape, header and bitmap.
 * Sets of integers are counted once more, one by one, and so is a dot product.
 */
#include "server/server.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/float.h"

#include <math.h>

#define DECLARE(name) extern Datum name(PG_FUNCTION_ARGS)

DECLARE(reco_cosine_similarity);
DECLARE(reco_dot_product_similarity);
DECLARE(reco_euclidean_distance);
DECLARE(reco_pearson_correlation);
DECLARE(reco_jaccard_arrays);
DECLARE(reco_dice_arrays);
DECLARE(reco_overlap_arrays);
DECLARE(reco_tversky_arrays);
DECLARE(reco_vector_accum);
DECLARE(reco_vector_avg);
DECLARE(reco_gram_agg_transition);
DECLARE(reco_gram_agg_final);

static const PGFunction functions[] = {reco_cosine_similarity,  reco_dot_product_similarity,
									   reco_euclidean_distance, reco_pearson_correlation,
									   reco_jaccard_arrays,     reco_dice_arrays,
									   reco_overlap_arrays,     reco_tversky_arrays,
									   reco_vector_accum,       reco_gram_agg_transition};

static const struct
{
	Oid type;
	int size; /* -1: text */
} types[] = {{FLOAT4OID, 4}, {FLOAT8OID, 8}, {INT2OID, 2}, {INT4OID, 4},     {INT8OID, 8},
			 {BOOLOID, 1},   {TEXTOID, -1},  {DATEOID, 4}, {VARCHAROID, -1}, {CHAROID, 1}};

typedef struct Input
{
	const uint8_t *data;
	size_t size;
} Input;

static uint8_t
next_byte(Input *input)
{
	if (input->size == 0)
		return 0;
	input->size--;
	return *input->data++;
}

/* Elements: text has one byte of length in front, and is at a multiple of 4. */
static size_t
fill(Input *input, int size, int n, char *to)
{
	char *at = to;

	for (int i = 0; i < n; i++)
	{
		int bytes = size < 0 ? next_byte(input) % 8 : size;

		if (size < 0)
		{
			at = to + INTALIGN(at - to);
			SET_VARSIZE(at, VARHDRSZ + bytes);
			at += VARHDRSZ;
		}
		for (int k = 0; k < bytes; k++)
			*at++ = (char) next_byte(input);
	}
	return at - to;
}

/* An array of `shape`: 0, 1 or 2 dimensions, with a bitmap or without. */
static struct varlena *
make_array(Input *input, uint8_t type, uint8_t shape, int n, bool packed)
{
	int ndim = shape % 4 == 0 ? 0 : shape % 16 == 1 ? 2 : 1;
	bool nulls = ndim == 1 && n > 0 && shape & 64;
	size_t head = sizeof(ArrayType) + 2 * ndim * sizeof(int);
	size_t offset = nulls ? MAXALIGN(head + (n + 7) / 8) : MAXALIGN(head);
	struct
	{
		ArrayType array;
		char rest[256 * 16 + 512];
	} whole;
	char *base = (char *) &whole;
	int *dims = (int *) (base + sizeof(ArrayType));
	size_t size = offset;

	memset(&whole, 0, sizeof(whole));
	whole.array.ndim = ndim;
	whole.array.elemtype = types[type % lengthof(types)].type;
	whole.array.dataoffset = nulls ? (int32) offset : 0;
	for (int i = 0; i < ndim; i++)
	{
		dims[i] = i == 0 ? n : 1;
		dims[ndim + i] = (shape & 32) ? INT_MAX - 300 : 1;
	}
	for (int i = 0; nulls && i < n; i++)
		if (shape & 128 || next_byte(input) % 4 != 0)
			base[head + i / 8] |= 1 << (i % 8);
	if (ndim > 0)
		size += fill(input, types[type % lengthof(types)].size, n, base + offset);
	return server_varlena(base + VARHDRSZ, size - VARHDRSZ, packed);
}

typedef struct Call
{
	PGFunction function;
	FmgrInfo site;
	Datum a;
	Datum b;
	double result;
	bool null;
} Call;

static void
measure(void *arg)
{
	LOCAL_FCINFO(fcinfo, 4);
	Call *call = arg;

	InitFunctionCallInfoData(*fcinfo, &call->site, 4, InvalidOid, NULL, NULL);
	fcinfo->args[0] = (NullableDatum){call->a, false};
	fcinfo->args[1] = (NullableDatum){call->b, false};
	fcinfo->args[2] = fcinfo->args[3] = (NullableDatum){Float8GetDatum(0.5), false};
	call->result = DatumGetFloat8(call->function(fcinfo));
	call->null = fcinfo->isnull;
}

/* An aggregate over both arrays. */
static void
aggregate(void *arg)
{
	LOCAL_FCINFO(fcinfo, 2);
	Call *call = arg;

	InitFunctionCallInfoData(*fcinfo, &call->site, 2, InvalidOid, NULL, NULL);
	fcinfo->args[0] = (NullableDatum){0, true};
	fcinfo->args[1] = (NullableDatum){call->a, false};
	fcinfo->args[0] = (NullableDatum){call->function(fcinfo), false};
	fcinfo->args[1] = (NullableDatum){call->b, false};
	fcinfo->args[0] = (NullableDatum){call->function(fcinfo), false};
	(void) (call->function == reco_vector_accum ? reco_vector_avg : reco_gram_agg_final)(fcinfo);
}

/* Jaccard's index of two arrays of int4 of one dimension, or -1 for none. */
static double
jaccard_slowly(const struct varlena *va, const struct varlena *vb)
{
	const ArrayType *array[2] = {(const ArrayType *) va, (const ArrayType *) vb};
	const int *x[2];
	int n[2];
	int either = 0;
	int both = 0;

	for (int s = 0; s < 2; s++)
	{
		n[s] = ARR_NDIM(array[s]) == 0 ? 0 : ARR_DIMS(array[s])[0];
		x[s] = (const int *) ARR_DATA_PTR(array[s]);
	}
	for (int s = 0; s < 2; s++)
		for (int i = 0; i < n[s]; i++)
		{
			bool before = false;
			bool other = false;

			for (int j = 0; j < i; j++)
				before |= x[s][j] == x[s][i];
			for (int j = 0; j < n[1 - s]; j++)
				other |= x[1 - s][j] == x[s][i];
			either += !before && (s == 0 || !other);
			both += !before && s == 0 && other;
		}
	return either == 0 ? -1 : (double) both / either;
}

static double
dot_slowly(const struct varlena *va, const struct varlena *vb)
{
	const ArrayType *a = (const ArrayType *) va;
	const ArrayType *b = (const ArrayType *) vb;
	int n = ARR_NDIM(a) == 0 ? 0 : ARR_DIMS(a)[0];
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += (double) ((const int16 *) ARR_DATA_PTR(a))[i] * ((const int16 *) ARR_DATA_PTR(b))[i];
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Input input = {data, size};
	Call call = {0};
	uint8_t flags;
	uint8_t about[2][3];
	struct varlena *array[2];
	bool plain;

	call.function = functions[next_byte(&input) % lengthof(functions)];
	flags = next_byte(&input);
	for (int k = 0; k < 2; k++)
		for (int i = 0; i < 3; i++)
			about[k][i] = next_byte(&input);
	if (flags & 1) /* else most pairs would differ in type or length */
		memcpy(about[1], about[0], sizeof(about[0]));
	for (int k = 0; k < 2; k++)
		array[k] = make_array(&input, about[k][0], about[k][1], about[k][2], flags & (2 << k));
	call.a = PointerGetDatum(array[0]);
	call.b = PointerGetDatum(array[1]);
	if (call.function == reco_vector_accum || call.function == reco_gram_agg_transition)
		(void) server_try(aggregate, &call);
	else if (server_try(measure, &call))
	{
		Oid type = types[about[0][0] % lengthof(types)].type;

		REQUIRE(call.null || isfinite(call.result));
		plain = !VARATT_IS_SHORT(array[0]) && !VARATT_IS_SHORT(array[1]);
		if (plain && call.function == reco_jaccard_arrays && type == INT4OID)
			REQUIRE((call.null ? -1 : call.result) == jaccard_slowly(array[0], array[1]));
		if (plain && call.function == reco_dot_product_similarity && type == INT2OID)
			REQUIRE(!call.null && call.result == dot_slowly(array[0], array[1]));
	}
	server_reset();
	return 0;
}
