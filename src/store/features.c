/*
 * features.c
 *	  What is known about items: from rows to sparse terms and dense columns.
 *
 * A column's type says what it is: tsvector and jsonb objects of numbers are
 * keywords, arrays are attributes, real[] and double precision[] (and what has a
 * cast to real[], such as pgvector's vector) are embeddings, numbers are numbers,
 * and everything else that has a text form is a category, a set of one.  A NULL is a
 * feature that the item lacks.
 *
 * Terms of all fields are numbered in one sequence, field by field and in the
 * order of their bytes, so that nothing depends on the order of the rows.
 */
#include "store/features.h"

#include "access/detoast.h"
#include "catalog/pg_collation.h"
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

/* In front of a term: the number of its field. */
#define PREFIX 2

typedef struct Column
{
	reco_field_kind kind;
	bool category;
	Oid type;      /* base type */
	Oid element;   /* of an array of attributes */
	bool casts;    /* an embedding by a cast to real[] */
	FmgrInfo call; /* the cast, or the output of a category or an element */
	int16 typlen;
	bool typbyval;
	char typalign;
	/* dense: values of the rows that have one */
	int32 size; /* numbers in each; 0: none met yet */
	int64 n;
	int64 slots;
	int32 *item;
	float *value;
} Column;

struct FeatureReader
{
	DestReceiver receiver; /* first, so that a receiver is a reader */
	RecoBudget *budget;
	RecoFeatures *out;
	IdType *item_type;
	Oid id_type;
	IdDict *items;
	bool join; /* items that are new join them */
	IdType term_type;
	IdDict *terms;
	reco_triples triples;
	Column column[RECO_MAX_FIELDS];
	TupleDesc planned;              /* the columns that were looked at */
	int columns;                    /* of the rows, id included */
	int field[RECO_MAX_FIELDS + 1]; /* of each column but the first; -1: none */
	int64 rows;
	bool *seen; /* by provisional number of the item */
	int32 seen_slots;
	MemoryContext row;
	const RecoDataOptions *options;
	Size unchecked; /* bytes of texts since memory was looked at */
	int64 skipped;  /* items whose id is too long, with on_invalid => 'skip' */
};

/* The id of a row in messages: it has the type of the query's column. */
static char *
id_of_row(FeatureReader *reader, TupleTableSlot *slot)
{
	Oid out;
	bool varlena;

	getTypeOutputInfo(reader->id_type, &out, &varlena);
	return OidOutputFunctionCall(out, slot->tts_values[0]);
}

static pg_attribute_noreturn() void item_error(FeatureReader *reader, TupleTableSlot *slot,
											   const Column *column, const char *what,
											   const char *hint)
{
	int f = (int) (column - reader->column);

	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("column \"%s\" of item \"%s\" %s", reader->out->name[f],
						   id_of_row(reader, slot), what),
					errhint("%s", hint)));
}

/* Memory is looked at after so many rows, or so many bytes of texts. */
#define CHECK_ROWS 1024
#define CHECK_BYTES (8 * 1024 * 1024)

static void
check_memory(FeatureReader *reader)
{
	reco_budget_require(reader->budget,
						id_dict_memory(reader->items) + id_dict_memory(reader->terms),
						"reading items");
	reader->unchecked = 0;
}

/* Within a row that may have very many terms. */
static void
check_long_row(FeatureReader *reader)
{
	reco_poll();
	if (reader->unchecked > CHECK_BYTES)
		check_memory(reader);
}

static void
add_term(FeatureReader *reader, int32 item, int field, const char *term, int length, double weight)
{
	text *key;

	if (length == 0)
		return;
	reader->unchecked += length;
	key = palloc(VARHDRSZ + PREFIX + length);
	SET_VARSIZE(key, VARHDRSZ + PREFIX + length);
	VARDATA(key)[0] = (char) ('0' + field / 50);
	VARDATA(key)[1] = (char) ('0' + field % 50);
	memcpy(VARDATA(key) + PREFIX, term, length);
	if (!reco_triples_add(&reader->triples, item, id_dict_add(reader->terms, PointerGetDatum(key)),
						  (float) weight, 0))
		reco_budget_check(reader->budget, RECO_NO_MEMORY, "reading items");
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
add_jsonb(FeatureReader *reader, TupleTableSlot *slot, int32 item, const Column *column,
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
		check_long_row(reader);
	}
}

static void
add_output(FeatureReader *reader, int32 item, int field, Column *column, Datum value)
{
	char *text = OutputFunctionCall(&column->call, value);

	add_term(reader, item, field, text, (int) strlen(text), 1);
}

static void
add_array(FeatureReader *reader, int32 item, int field, Column *column, Datum value)
{
	Datum *elements;
	bool *nulls;
	int n;

	deconstruct_array(DatumGetArrayTypeP(value), column->element, column->typlen, column->typbyval,
					  column->typalign, &elements, &nulls, &n);
	for (int k = 0; k < n; k++)
	{
		if (!nulls[k])
			add_output(reader, item, field, column, elements[k]);
		if (k % CHECK_ROWS == 0)
			check_long_row(reader);
	}
}

/* Room for one more row of a dense column. */
static float *
dense_row(FeatureReader *reader, Column *column, int32 item)
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
cast_embedding(Column *column, Datum *value)
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
add_embedding(FeatureReader *reader, TupleTableSlot *slot, int32 item, Column *column, Datum value)
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
				   "An item has at most " CppAsString2(RECO_MAX_DENSE) " numbers.");
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
			item_error(reader, slot, column, "has a number that is out of range",
					   "Numbers must be finite.");
		to[k] = (float) x;
	}
}

static void
add_number(FeatureReader *reader, TupleTableSlot *slot, int32 item, Column *column, Datum value)
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
		item_error(reader, slot, column, "is out of range", "Numbers must be finite.");
	*dense_row(reader, column, item) = (float) x;
}

/*
 * The number of a row's item; -1: it is none of the model, or skipped.
 */
static int32
find_item(FeatureReader *reader, TupleTableSlot *slot)
{
	Datum id;

	if (!id_from_datum(reader->item_type, slot->tts_values[0], reader->id_type, &id))
		return -1;
	if (!reader->join)
		return id_dict_find(reader->items, id);
	if (!id_fits(reader->item_type, id))
	{
		if (reader->options->on_invalid == ON_INVALID_ERROR)
			id_too_long(reader->item_type, id, "item", true);
		reader->skipped++;
		return -1;
	}
	if (reader->item_type->typlen == -1)
		reader->unchecked += toast_raw_datum_size(id);
	return id_dict_add(reader->items, id);
}

/* An item may be described once. */
static void
check_new(FeatureReader *reader, TupleTableSlot *slot, int32 item)
{
	if (item >= reader->seen_slots)
	{
		int32 slots = (int32) Min(item + (int64) item / 2 + 1024, PG_INT32_MAX);
		bool *seen = reco_budget_alloc(reader->budget, slots * sizeof(bool));

		memset(seen, 0, slots * sizeof(bool));
		if (reader->seen)
			memcpy(seen, reader->seen, reader->seen_slots * sizeof(bool));
		reco_budget_free(reader->budget, reader->seen);
		reader->seen = seen;
		reader->seen_slots = slots;
	}
	if (reader->seen[item])
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("item \"%s\" appears more than once in items", id_of_row(reader, slot)),
				 errhint("Group the query by the item, or collect its attributes with "
						 "array_agg().")));
	reader->seen[item] = true;
}

static bool
receive(TupleTableSlot *slot, DestReceiver *receiver)
{
	FeatureReader *reader = (FeatureReader *) receiver;
	MemoryContext old;
	int32 item;

	slot_getallattrs(slot);
	if (slot->tts_isnull[0])
		return true;
	if (++reader->rows % CHECK_ROWS == 0 ||
		MemoryContextMemAllocated(reader->row, false) > CHECK_BYTES)
		MemoryContextReset(reader->row);
	if (reader->rows % CHECK_ROWS == 0 || reader->unchecked > CHECK_BYTES)
		check_memory(reader);
	old = MemoryContextSwitchTo(reader->row);
	item = find_item(reader, slot);
	if (item < 0)
	{
		MemoryContextSwitchTo(old);
		return true;
	}
	check_new(reader, slot, item);
	for (int c = 1; c < reader->columns; c++)
	{
		int f = reader->field[c];
		Column *column = &reader->column[f < 0 ? 0 : f];
		Datum value = slot->tts_values[c];

		if (f < 0 || slot->tts_isnull[c])
			continue;
		if (column->kind == RECO_EMBEDDING)
			add_embedding(reader, slot, item, column, value);
		else if (column->kind == RECO_NUMBER)
			add_number(reader, slot, item, column, value);
		else if (column->category)
			add_output(reader, item, f, column, value);
		else if (column->type == TSVECTOROID)
			add_tsvector(reader, item, f, value);
		else if (column->type == JSONBOID)
			add_jsonb(reader, slot, item, column, value);
		else
			add_array(reader, item, f, column, value);
	}
	MemoryContextSwitchTo(old);
	return true;
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

/* What a column is, by its type. */
static void
classify(Column *column, Oid type)
{
	Oid function;
	bool varlena;

	column->type = getBaseType(type);
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
	else if (column->type >= FirstNormalObjectId &&
			 find_coercion_pathway(FLOAT4ARRAYOID, column->type, COERCION_EXPLICIT, &function) ==
				 COERCION_PATH_FUNC &&
			 is_trusted(function))
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

static void
startup(DestReceiver *receiver, int operation, TupleDesc columns)
{
	reco_query_same(&reco_the_items, ((FeatureReader *) receiver)->planned, columns);
}

static void
nothing(DestReceiver *receiver)
{
}

bool
features_is_available(Form_pg_attribute attribute)
{
	return attribute->atttypid == BOOLOID && strcmp(NameStr(attribute->attname), "available") == 0;
}

bool
features_say_available(TupleDesc columns)
{
	for (int c = 1; c < columns->natts; c++)
		if (features_is_available(TupleDescAttr(columns, c)))
			return true;
	return false;
}

bool
features_any(TupleDesc columns)
{
	for (int c = 1; c < columns->natts; c++)
		if (!features_is_available(TupleDescAttr(columns, c)))
			return true;
	return false;
}

FeatureReader *
features_begin(TupleDesc columns, IdType *item_type, IdDict *items, bool join,
			   const RecoDataOptions *options, RecoBudget *budget)
{
	MemoryContext old = MemoryContextSwitchTo(budget->context);
	FeatureReader *reader = palloc0(sizeof(FeatureReader));
	RecoFeatures *out = palloc0(sizeof(RecoFeatures));

	if (columns->natts < 2 || columns->natts > RECO_MAX_FIELDS + 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("items must have 2 to %d columns, not %d", RECO_MAX_FIELDS + 1,
							   columns->natts),
						errhint("Its columns are the item's id and what is known about it.")));
	reader->budget = budget;
	reader->out = out;
	reader->item_type = item_type;
	reader->items = items;
	reader->join = join;
	reader->options = options;
	reader->columns = columns->natts;
	reader->planned = CreateTupleDescCopy(columns);
	reader->id_type = TupleDescAttr(columns, 0)->atttypid;
	id_type_init(&reader->term_type, TEXTOID, -1, C_COLLATION_OID, "term");
	reader->terms = id_dict_create(budget->context, &reader->term_type);
	id_dict_limit(reader->terms, budget, "reading items");
	for (int c = 1; c < columns->natts; c++)
	{
		Form_pg_attribute attribute = TupleDescAttr(columns, c);
		int f = out->content.fields;

		reader->field[c] = -1;
		if (features_is_available(attribute))
			continue;
		reader->field[c] = f;
		out->name[f] = pstrdup(NameStr(attribute->attname));
		classify(&reader->column[f], attribute->atttypid);
		out->category[f] = reader->column[f].category;
		out->content.field[f].kind = reader->column[f].kind;
		out->content.field[f].weight = 1;
		out->content.fields++;
	}
	if (out->content.fields == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("items say nothing but what is available"),
						errhint("Its columns are the item's id and what is known about it.")));
	reco_triples_init(&reader->triples, &budget->env, true, false);
	reader->row = AllocSetContextCreate(budget->context, "reco row", ALLOCSET_DEFAULT_SIZES);
	reader->receiver.receiveSlot = receive;
	reader->receiver.rStartup = startup;
	reader->receiver.rShutdown = nothing;
	reader->receiver.rDestroy = nothing;
	reader->receiver.mydest = DestNone;
	MemoryContextSwitchTo(old);
	return reader;
}

DestReceiver *
features_receiver(FeatureReader *reader)
{
	return &reader->receiver;
}

/* Rows of dropped items go; the others get their new numbers. */
static void
keep_rows(reco_csr *a, const int32 *map, int32 kept)
{
	int64 to = 0;

	for (int32 r = 0; r < a->rows; r++)
	{
		int64 from = a->start[r];
		int64 end = a->start[r + 1];

		if (map[r] < 0)
			continue;
		a->start[map[r]] = to;
		for (int64 e = from; e < end; e++, to++)
		{
			RECO_POLL_AT(e);
			a->col[to] = a->col[e];
			a->value[to] = a->value[e];
		}
		RECO_POLL_AT(r);
	}
	a->start[kept] = to;
	a->rows = kept;
}

/* The terms' texts, and which of them are each field's. */
static void
finish_terms(FeatureReader *reader)
{
	RecoFeatures *out = reader->out;
	reco_content *content = &out->content;

	out->terms = id_dict_count(reader->terms);
	out->term = MemoryContextAllocExtended(
		reader->budget->context, ((Size) out->terms + 1) * sizeof(char *), MCXT_ALLOC_HUGE);
	for (int32 t = 0; t < out->terms; t++)
	{
		char *key = text_to_cstring(DatumGetTextPP(id_dict_id(reader->terms, t)));
		int f = (key[0] - '0') * 50 + (key[1] - '0');

		out->term[t] = key + PREFIX;
		if (content->field[f].to == 0)
			content->field[f].from = t;
		content->field[f].to = t + 1;
		RECO_POLL_EACH(t, RECO_SEARCHES);
	}
}

static void
finish_dense(FeatureReader *reader, const int32 *rank, const int32 *map, int32 kept)
{
	reco_content *content = &reader->out->content;
	int columns = 0;

	for (int f = 0; f < content->fields; f++)
		if (reader->column[f].kind == RECO_EMBEDDING || reader->column[f].kind == RECO_NUMBER)
		{
			content->field[f].from = columns;
			columns += reader->column[f].size;
			content->field[f].to = columns;
		}
	if (columns > RECO_MAX_DENSE)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("items have %d numbers each, more than %d", columns, RECO_MAX_DENSE)));
	content->stride = TYPEALIGN(16, columns);
	content->dense =
		reco_budget_alloc(reader->budget, ((Size) kept * content->stride + 1) * sizeof(float));
	for (int32 i = 0; i < kept; i++)
	{
		if (i % CHECK_ROWS == 0)
			reco_poll();
		memset(content->dense + (Size) i * content->stride, 0, content->stride * sizeof(float));
	}
	for (int f = 0; f < content->fields; f++)
	{
		Column *column = &reader->column[f];
		int32 from = content->field[f].from;

		if (column->kind == RECO_NUMBER)
			for (int32 i = 0; i < kept; i++)
			{
				RECO_POLL_AT(i);
				content->dense[(Size) i * content->stride + from] = NAN;
			}
		for (int64 k = 0; k < column->n; k++)
		{
			int32 i = rank[column->item[k]];

			if (map)
				i = map[i];
			if (i >= 0)
				memcpy(content->dense + (Size) i * content->stride + from,
					   column->value + k * column->size, column->size * sizeof(float));
			/* as many as RECO_MAX_DENSE numbers each */
			RECO_POLL_EACH(k, 1024);
		}
		reco_budget_free(reader->budget, column->item);
		reco_budget_free(reader->budget, column->value);
	}
}

RecoFeatures *
features_finish(FeatureReader *reader, const int32 *rank, int32 items, const int32 *map, int32 kept,
				int64 *skipped)
{
	MemoryContext old = MemoryContextSwitchTo(reader->budget->context);
	RecoBudget *budget = reader->budget;
	int32 terms = id_dict_count(reader->terms);
	int32 *term_rank = reco_budget_alloc(budget, ((Size) terms + 1) * sizeof(int32));
	reco_interactions x;

	*skipped = reader->skipped;
	check_memory(reader);
	/* the texts are copied once more, when the rows are sorted */
	reco_budget_require(budget,
						Max(reco_triples_build_memory(&reader->triples, items, terms),
							id_dict_memory(reader->terms)) +
							id_dict_memory(reader->items) + id_dict_memory(reader->terms),
						"reading items");
	id_dict_sort(reader->terms, term_rank);
	reco_budget_check(budget,
					  reco_triples_build(&reader->triples, items, terms, rank, term_rank, &x),
					  "reading items");
	reco_budget_free(budget, term_rank);
	reco_budget_free(budget, x.latest);
	if (x.by_user.value == NULL)
	{
		int64 entries = x.by_user.start[items];

		x.by_user.value = reco_budget_alloc(budget, (entries + 1) * sizeof(float));
		for (int64 e = 0; e < entries; e++)
		{
			x.by_user.value[e] = 1;
			RECO_POLL_AT(e);
		}
	}
	if (map)
		keep_rows(&x.by_user, map, kept);
	reader->out->content.items = kept;
	reader->out->content.by_item = x.by_user;
	finish_terms(reader);
	finish_dense(reader, rank, map, kept);
	reader->out->idf = reco_zeros(budget, reader->out->terms);
	reco_budget_check(budget,
					  reco_content_prepare(&budget->env, &reader->out->content, reader->out->idf,
										   reader->out->mean, reader->out->deviation),
					  "reading items");
	MemoryContextDelete(reader->row);
	MemoryContextSwitchTo(old);
	return reader->out;
}
