/*
 * values.c
 *	  What an item has in a column of the query `items`: sparse terms or dense numbers.
 *
 * A column's type says what it is: tsvector and jsonb objects of numbers are
 * keywords, arrays are attributes, real[] and double precision[] (and what has a
 * cast to real[], such as pgvector's vector) are embeddings, numbers are numbers,
 * and everything else that has a text form is a category, a set of one.
 */
#include "store/source/features_state.h"

#include "access/detoast.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "tsearch/ts_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/syscache.h"

#include <math.h>

/* As RECO_MAX_FACTOR. */
static const char numbers_hint[] = "Numbers must be finite, and from -1e17 to 1e17.";

static pg_attribute_noreturn() void item_error(FeatureReader *reader, TupleTableSlot *slot,
											   const FeatureColumn *column, const char *what,
											   const char *hint)
{
	int f = (int) (column - reader->column);

	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("column \"%s\" of %s \"%s\" %s", reader->out->name[f],
						   features_role(reader), features_id_of(reader, slot), what),
					errhint("%s", hint)));
}

static bool
is_packed(Datum value)
{
	return VARATT_IS_COMPRESSED(DatumGetPointer(value)) ||
		   VARATT_IS_EXTERNAL(DatumGetPointer(value));
}

/* What one value takes, unpacked and as text, is asked for when it is much. */
static void
check_long(FeatureReader *reader, Size bytes)
{
	if (bytes > CHECK_BYTES / 8)
		features_check_memory(reader, bytes);
}

static void
add_term(FeatureReader *reader, int32 item, int field, const char *term, int length, double weight)
{
	text *key;

	if (length == 0)
		return;
	/* the key, and the dictionary's copy of it */
	reader->unchecked += length;
	if (reader->unchecked > CHECK_BYTES)
		features_check_memory(reader, 2 * (Size) length);
	key = palloc(VARHDRSZ + FEATURE_PREFIX + length);
	SET_VARSIZE(key, VARHDRSZ + FEATURE_PREFIX + length);
	VARDATA(key)[0] = (char) ('0' + field / 50);
	VARDATA(key)[1] = (char) ('0' + field % 50);
	memcpy(VARDATA(key) + FEATURE_PREFIX, term, length);
	if (!reco_triples_add(&reader->triples, item, id_dict_add(reader->terms, PointerGetDatum(key)),
						  (float) weight, 0))
		reco_budget_check(reader->budget, RECO_NO_MEMORY, "reading items");
	/* a row may have very many terms */
	pfree(key);
}

static void
add_tsvector(FeatureReader *reader, int32 item, int field, Datum value)
{
	TSVector vector = DatumGetTSVector(value);
	WordEntry *entry = ARRPTR(vector);

	for (int k = 0; k < vector->size; k++, entry++)
	{
		int count = entry->haspos ? POSDATALEN(vector, entry) : 1;

		add_term(reader, item, field, STRPTR(vector) + entry->pos, entry->len, Max(count, 1));
	}
}

static void
add_jsonb(FeatureReader *reader, TupleTableSlot *slot, int32 item, const FeatureColumn *column,
		  Datum value)
{
	static const char hint[] = "An object of keywords and their weights is expected, such as "
							   "{\"red\": 2, \"shoe\": 1}.";
	Jsonb *object = DatumGetJsonbP(value);
	JsonbIterator *iterator = JsonbIteratorInit(&object->root);
	JsonbIteratorToken token;
	JsonbValue part;
	char *key = NULL;
	int length = 0;

	if (!JB_ROOT_IS_OBJECT(object))
		item_error(reader, slot, column, "is not an object", hint);
	while ((token = JsonbIteratorNext(&iterator, &part, true)) != WJB_DONE)
	{
		double weight;

		if (token == WJB_KEY)
		{
			key = part.val.string.val;
			length = part.val.string.len;
		}
		if (token != WJB_VALUE || part.type == jbvNull)
			continue;
		if (part.type != jbvNumeric)
			item_error(reader, slot, column, "has a weight that is not a number", hint);
		weight = DatumGetFloat8(
			DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(part.val.numeric)));
		if (!(weight >= 0 && weight <= RECO_MAX_FACTOR))
			item_error(reader, slot, column, "has a weight that is out of range", hint);
		if (weight > 0)
			add_term(reader, item, (int) (column - reader->column), key, length, weight);
		reco_poll();
	}
}

static void
add_output(FeatureReader *reader, int32 item, int field, FeatureColumn *column, Datum value)
{
	char *text = OutputFunctionCall(&column->call, value);

	add_term(reader, item, field, text, (int) strlen(text), 1);
	pfree(text);
}

static void
add_array(FeatureReader *reader, int32 item, int field, FeatureColumn *column, Datum value)
{
	ArrayType *array = DatumGetArrayTypeP(value);
	int n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	Datum *elements;
	bool *nulls;

	check_long(reader, n * (sizeof(Datum) + sizeof(bool)));
	deconstruct_array(array, column->element, column->typlen, column->typbyval, column->typalign,
					  &elements, &nulls, &n);
	for (int k = 0; k < n; k++)
	{
		if (!nulls[k] && column->typlen == -1)
			check_long(reader, toast_raw_datum_size(elements[k]));
		if (!nulls[k])
			add_output(reader, item, field, column, elements[k]);
		if (k % CHECK_ROWS == 0)
			reco_poll();
	}
	pfree(elements);
	pfree(nulls);
}

/* Room for one more row of a dense column. */
static float *
dense_row(FeatureReader *reader, FeatureColumn *column, int32 item)
{
	RecoBudget *budget = reader->budget;

	if (column->n == column->slots)
	{
		int64 slots = column->slots ? column->slots * 2 : 1024;
		int32 *items = reco_budget_alloc(budget, slots * sizeof(int32));
		float *values = reco_budget_alloc(budget, slots * column->size * sizeof(float));

		if (column->n > 0)
		{
			memcpy(items, column->item, column->n * sizeof(int32));
			memcpy(values, column->value, column->n * column->size * sizeof(float));
		}
		reco_budget_free(budget, column->item);
		reco_budget_free(budget, column->value);
		column->item = items;
		column->value = values;
		column->slots = slots;
	}
	column->item[column->n] = item;
	return column->value + column->n++ * column->size;
}

/* Casts a value to real[]; false when that gives a null. */
static bool
cast_embedding(FeatureColumn *column, Datum *value)
{
	LOCAL_FCINFO(call, 3);

	/* a cast may also ask for the type's modifier and whether it is explicit */
	InitFunctionCallInfoData(*call, &column->call, column->call.fn_nargs, InvalidOid, NULL, NULL);
	call->args[0] = (NullableDatum){*value, false};
	call->args[1] = (NullableDatum){Int32GetDatum(-1), false};
	call->args[2] = (NullableDatum){BoolGetDatum(true), false};
	*value = FunctionCallInvoke(call);
	return !call->isnull;
}

static void
add_embedding(FeatureReader *reader, TupleTableSlot *slot, int32 item, FeatureColumn *column,
			  Datum value)
{
	bool wide = column->type == FLOAT8ARRAYOID;
	ArrayType *array;
	float *to;
	int n;

	if (column->casts && !cast_embedding(column, &value))
		return;
	array = DatumGetArrayTypeP(value);
	n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (ARR_HASNULL(array) || ARR_NDIM(array) > 1)
		item_error(reader, slot, column, "is not a list of numbers",
				   "An embedding is a one-dimensional array without nulls.");
	if (n == 0)
		return;
	if (n > RECO_MAX_DENSE)
		item_error(reader, slot, column, psprintf("has %d numbers", n),
				   "There may be " CppAsString2(RECO_MAX_DENSE) " at most.");
	if (column->size == 0)
		column->size = n;
	if (n != column->size)
		item_error(reader, slot, column,
				   psprintf("has %d numbers, others have %d", n, column->size),
				   "The embeddings of a column have one length.");
	to = dense_row(reader, column, item);
	for (int k = 0; k < n; k++)
	{
		double x = wide ? ((double *) ARR_DATA_PTR(array))[k] : ((float *) ARR_DATA_PTR(array))[k];

		if (!(fabs(x) <= RECO_MAX_FACTOR))
			item_error(reader, slot, column, "has a number that is out of range", numbers_hint);
		to[k] = (float) x;
	}
}

static void
add_number(FeatureReader *reader, TupleTableSlot *slot, int32 item, FeatureColumn *column,
		   Datum value)
{
	double x;

	switch (column->type)
	{
		case INT2OID:
			x = DatumGetInt16(value);
			break;
		case INT4OID:
			x = DatumGetInt32(value);
			break;
		case INT8OID:
			x = (double) DatumGetInt64(value);
			break;
		case FLOAT4OID:
			x = DatumGetFloat4(value);
			break;
		case FLOAT8OID:
			x = DatumGetFloat8(value);
			break;
		default:
			x = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, value));
	}
	if (!(fabs(x) <= RECO_MAX_FACTOR))
		item_error(reader, slot, column, "is out of range", numbers_hint);
	*dense_row(reader, column, item) = (float) x;
}

void
features_add(FeatureReader *reader, TupleTableSlot *slot, int32 item, FeatureColumn *column,
			 Datum value)
{
	if (column->varlena)
		check_long(reader, (is_packed(value) ? toast_raw_datum_size(value) : 0) +
							   (column->category ? toast_raw_datum_size(value) : 0));
	if (column->kind == RECO_EMBEDDING)
		add_embedding(reader, slot, item, column, value);
	else if (column->kind == RECO_NUMBER)
		add_number(reader, slot, item, column, value);
	else if (column->category)
		add_output(reader, item, (int) (column - reader->column), column, value);
	else if (column->type == TSVECTOROID)
		add_tsvector(reader, item, (int) (column - reader->column), value);
	else if (column->type == JSONBOID)
		add_jsonb(reader, slot, item, column, value);
	else
		add_array(reader, item, (int) (column - reader->column), column, value);
}

/*
 * Whether a cast that nobody has written into the query may be called as the model's
 * owner: whoever owns a type can make one for it at any time.
 */
static bool
is_trusted(Oid function)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		return false;
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return owner == GetUserId() || superuser_arg(owner);
}

/* The function that makes real[] of an embedding's type, of an extension or own; or 0. */
static Oid
cast_of(Oid type)
{
	Oid function;

	if (type >= FirstNormalObjectId && !OidIsValid(get_element_type(type)) &&
		find_coercion_pathway(FLOAT4ARRAYOID, type, COERCION_EXPLICIT, &function) ==
			COERCION_PATH_FUNC &&
		is_trusted(function))
		return function;
	return InvalidOid;
}

void
features_add_code(TupleDesc columns, RecoCode *code)
{
	for (int c = 1; c < columns->natts; c++)
	{
		Oid function = cast_of(getBaseType(TupleDescAttr(columns, c)->atttypid));

		if (OidIsValid(function))
			reco_code_add_function(code, function);
	}
}

void
features_classify(FeatureColumn *column, Oid type)
{
	Oid function;
	bool varlena;

	column->type = getBaseType(type);
	column->varlena = get_typlen(column->type) == -1;
	column->element = get_element_type(column->type);
	column->kind = RECO_ATTRIBUTES;
	switch (column->type)
	{
		case TSVECTOROID:
		case JSONBOID:
			column->kind = RECO_KEYWORDS;
			return;
		case FLOAT4ARRAYOID:
		case FLOAT8ARRAYOID:
			column->kind = RECO_EMBEDDING;
			return;
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
			column->kind = RECO_NUMBER;
			column->size = 1;
			return;
	}
	if (OidIsValid(column->element))
		get_typlenbyvalalign(column->element, &column->typlen, &column->typbyval,
							 &column->typalign);
	else if (OidIsValid(function = cast_of(column->type)))
	{
		if (reco_function_aclcheck(function, GetUserId(), ACL_EXECUTE) != ACLCHECK_OK)
			aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION, get_func_name(function));
		column->kind = RECO_EMBEDDING;
		column->casts = true;
		fmgr_info(function, &column->call);
		return;
	}
	else
		column->category = true;
	getTypeOutputInfo(OidIsValid(column->element) ? column->element : column->type, &function,
					  &varlena);
	fmgr_info(function, &column->call);
}
